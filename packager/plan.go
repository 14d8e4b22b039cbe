package packager

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tilecast/media"
)

// audioFrame is one AAC frame at 48 kHz, the only sound that a plan counts on.
const (
	audioRate         = 48000
	audioFrameSamples = 1024
	audioFrame        = media.Second / audioRate * audioFrameSamples
)

// decimal5 is the fifth decimal of a second, the grain of durations in playlists.
const decimal5 = media.Second / 100_000

// Plan says where a program is cut. It counts frames, not seconds, so that all renditions cut
// by themselves and still line up: part p ends at Rate.Frame((p+1)*PartFrames), and sound at the
// last AAC frame that ends within. Nothing in it changes in the life of a program (M-2, M-23).
//
// A plan without partial segments has a PartTarget of 0: its playlists speak of whole segments only, and
// what is called a part here is one.
type Plan struct {
	Preset          string
	Rate            media.FrameRate
	PartFrames      int // video frames per part
	PartsPerSegment int
	Target          int        // TARGETDURATION, s
	PartTarget      media.Time // the longest part that any rendition can cut, rounded up to five decimals
	PartHoldBack    media.Time // at least three PartTargets (AAS 14.3), rounded up to the millisecond
	HoldBack        media.Time // three Targets (M-19)
	SkipUntil       media.Time // six Targets (M-17)
	Delay           media.Time // D: how far the canvas reads behind its clock
}

// Numbers stand in for those of a preset; what is zero leaves the preset's.
type Numbers struct {
	Part            media.Time // length of a part, to the nearest frame
	PartsPerSegment int
	HoldBack        media.Time // PART-HOLD-BACK
	Delay           media.Time // D
}

// preset is a word for a plan.
type preset struct {
	name   string
	part   media.Time // nominal
	parts  int        // per segment
	target int        // s
	delay  media.Time
	whole  bool // no partial segments
}

// presets are the words a user picks from, in the order they are offered.
var presets = []preset{
	{"low", media.Second / 3, 6, 2, 150 * media.Millisecond, false},
	{"ultra", media.Second / 5, 5, 1, 80 * media.Millisecond, false},
	{"apple", media.Second, 6, 6, 300 * media.Millisecond, false},
	{"classic", 6 * media.Second, 1, 6, 300 * media.Millisecond, true},
}

// Presets are the names that NewPlan knows, the default first.
func Presets() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.name
	}
	return names
}

// NewPlan makes the plan of a preset at a frame rate, or says why there is none.
func NewPlan(preset string, rate media.FrameRate) (Plan, error) {
	return NewCustomPlan(preset, rate, Numbers{})
}

// NewCustomPlan makes the plan of a preset with some of its numbers replaced. One that would break a rule
// is refused with the nearest number that does not.
func NewCustomPlan(name string, rate media.FrameRate, n Numbers) (Plan, error) {
	if rate.Num <= 0 || rate.Den <= 0 || rate.Den > 1001 || int64(media.Second)*rate.Den%rate.Num != 0 {
		return Plan{}, fmt.Errorf("frame rate %d/%d cannot be cut exactly: use one of 24, 25, 30, 50, 60 or a 1001 rate such as 30000/1001", rate.Num, rate.Den)
	}
	i := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
	if i < 0 {
		return Plan{}, fmt.Errorf("no latency preset %q: use one of %s", name, strings.Join(Presets(), ", "))
	}
	p, err := presets[i].plan(rate, n)
	if err != nil {
		return Plan{}, fmt.Errorf("preset %q at %v frames per second: %w", name, rate, err)
	}
	return p, nil
}

// The bounds of custom numbers. Shorter segments have hardly more than key frames in them, longer ones keep
// viewers waiting for one.
const (
	leastSegment = media.Second / 2
	mostSegment  = 10 * media.Second
	mostDelay    = media.Second
)

func (w preset) plan(rate media.FrameRate, n Numbers) (Plan, error) {
	p := Plan{Preset: w.name, Rate: rate, PartsPerSegment: w.parts, Target: w.target, Delay: w.delay}
	part := w.part
	if n.Part != 0 {
		part = n.Part
	}
	if n.PartsPerSegment != 0 {
		p.PartsPerSegment = n.PartsPerSegment
	}
	if n.Delay != 0 {
		p.Delay = n.Delay
	}
	switch {
	case w.whole && (n.PartsPerSegment != 0 || n.HoldBack != 0):
		return p, errors.New("it has no parts: leave parts per segment and hold-back out, or take another preset")
	case part < 0 || part > mostSegment:
		return p, fmt.Errorf("parts of %v: use more than 0 and at most %v", part, mostSegment)
	case p.PartsPerSegment < 1 || p.PartsPerSegment > 100:
		return p, fmt.Errorf("%d parts in a segment: use 1 to 100", p.PartsPerSegment)
	case p.Delay < 0 || p.Delay > mostDelay:
		return p, fmt.Errorf("a delay of %v: use at most %v", p.Delay, mostDelay)
	}
	p.PartFrames = int(math.Round(part.Seconds() * rate.Float()))
	custom := n.Part != 0 || n.PartsPerSegment != 0
	p.derive(w.whole, custom)
	if err := p.check(custom); err != nil {
		if custom {
			err = fmt.Errorf("%w%s", err, p.nearest(w.whole))
		}
		return p, err
	}
	if n.HoldBack != 0 && n.HoldBack < p.PartHoldBack {
		return p, fmt.Errorf("a hold-back of %v is less than three parts (AAS 14.3): use %v or more", n.HoldBack, p.PartHoldBack)
	}
	p.PartHoldBack = max(p.PartHoldBack, roundUp(n.HoldBack, media.Millisecond))
	return p, nil
}

// derive fills in what follows from the cut.
//
// Hold-back is three times PART-TARGET as the playlist says it, rounded up to the next millisecond: three
// times 0.34134 is 1.02402, so the 1.024 that three exact parts make would break AAS 14.3, and a bound
// met to the last digit would be at the mercy of the reader's floating point.
func (p *Plan) derive(whole, custom bool) {
	if custom && p.PartFrames > 0 {
		longest := roundUp(p.SegmentStart(1), audioFrame)
		p.Target = max(1, int((longest-media.Second/2)/media.Second)+1)
	}
	if !whole {
		p.PartTarget = roundUp(max(p.partTime(), roundUp(p.partTime(), audioFrame)), decimal5)
		p.PartHoldBack = roundUp(3*p.PartTarget, media.Millisecond)
	}
	p.HoldBack = 3 * media.Time(p.Target) * media.Second
	p.SkipUntil = 6 * media.Time(p.Target) * media.Second
}

// check holds what every playlist of this plan must keep for ever: P-7 and P-8 for the shortest and
// longest part in video and in sound, M-1 for the longest segment.
func (p *Plan) check(custom bool) error {
	if p.PartFrames < 1 || p.PartsPerSegment < 1 {
		return errors.New("a part needs at least one frame and a segment one part")
	}
	part, segment := p.partTime(), p.SegmentStart(1)
	shortest := part / audioFrame * audioFrame // sound cut at the same edges has this, or one frame more
	if least := p.PartTarget * 85 / 100; part < least || shortest < least {
		return fmt.Errorf("parts of %d frames break the 85 %% rule: %v of video, %v of sound, PART-TARGET %v", p.PartFrames, part, shortest, p.PartTarget)
	}
	if custom && (segment < leastSegment || segment > mostSegment) {
		return fmt.Errorf("segments of %v: they may be from %v to %v", segment, leastSegment, mostSegment)
	}
	if longest := roundUp(segment, audioFrame); longest >= media.Time(p.Target)*media.Second+media.Second/2 {
		return fmt.Errorf("segments of up to %v do not round to TARGETDURATION %d", longest, p.Target)
	}
	return nil
}

// nearest names the numbers next to p's that keep the rules: another length of the parts if there is one that
// goes with as many of them, else another count as well. It is the end of a sentence.
func (p *Plan) nearest(whole bool) string {
	for off := 1; off <= int(10*p.Rate.Float()); off++ {
		for _, frames := range [2]int{p.PartFrames - off, p.PartFrames + off} {
			q := *p
			if q.PartFrames = frames; frames > 0 {
				if q.derive(whole, true); q.check(true) == nil {
					return fmt.Sprintf("; the nearest that works is parts of %v", q.partTime())
				}
			}
		}
	}
	q := *p
	for off := 1; off <= 100; off++ {
		for _, parts := range [2]int{p.PartsPerSegment - off, p.PartsPerSegment + off} {
			if q.PartsPerSegment = parts; parts > 0 && q.PartFrames > 0 {
				if q.derive(whole, true); q.check(true) == nil {
					return fmt.Sprintf("; the nearest that works is %d parts in a segment", parts)
				}
			}
		}
	}
	return ""
}

// LowLatency reports whether playlists speak of parts.
func (p Plan) LowLatency() bool { return p.PartTarget > 0 }

// GOP is the number of frames from one key frame to the next: as many parts as divide the segment and last no
// longer than about two seconds (AAS 1.13), so that a key frame never stands within a part (P-8). Where there are
// no parts, it is such a piece of the segment.
func (p Plan) GOP() int {
	most := int(math.Ceil(2.05 * p.Rate.Float()))
	unit, units := p.PartFrames, p.PartsPerSegment
	if !p.LowLatency() {
		unit, units = 1, p.SegmentFrames()
	}
	for k := units; k > 1; k-- {
		if units%k == 0 && k*unit <= most {
			return k * unit
		}
	}
	return unit
}

// cuts reports whether a track of rate can line up: it has each k-th frame of the plan, counted anew from each cut, be it
// of a part or of a GOP, and so as many between any two.
func (p Plan) cuts(rate media.FrameRate) bool {
	slots := int64(min(p.PartFrames, p.GOP()))
	for k := int64(1); k <= slots; k++ {
		if frames := (slots + k - 1) / k; rate.Num*p.Rate.Den*slots == rate.Den*p.Rate.Num*frames {
			return true
		}
	}
	return false
}

// SegmentFrames is the number of video frames in a segment.
func (p Plan) SegmentFrames() int { return p.PartFrames * p.PartsPerSegment }

// SegmentStart is the edge at which segment n begins, counting from the program's epoch.
func (p Plan) SegmentStart(n int64) media.Time { return p.partEdge(n * int64(p.PartsPerSegment)) }

// FirstMSN numbers the segment that begins at epoch: the segments since 1970. So a program that follows
// another goes on with higher numbers even when nothing is remembered of the one before. It is never 0,
// which some players take for a list that cannot be waited for.
func (p Plan) FirstMSN(epoch time.Time) int64 {
	since := time.Duration(epoch.UnixNano())
	return max(1, int64(media.FromDuration(since)/p.SegmentStart(1)))
}

// partEdge is where part n of the program begins and the one before it ends.
func (p Plan) partEdge(n int64) media.Time { return p.Rate.Frame(n * int64(p.PartFrames)) }

func (p Plan) partTime() media.Time { return p.partEdge(1) }

// roundUp is the least multiple of grain that is not below t.
func roundUp(t, grain media.Time) media.Time { return (t + grain - 1) / grain * grain }
