package packager

import (
	"errors"
	"fmt"
	"math"
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
type Plan struct {
	Preset          string
	Rate            media.FrameRate
	PartFrames      int // video frames per part
	PartsPerSegment int
	Target          int        // TARGETDURATION, s
	PartTarget      media.Time // the longest part that any rendition can cut, rounded up to five decimals
	PartHoldBack    media.Time // three PartTargets (AAS 14.3), rounded up to the millisecond
	HoldBack        media.Time // three Targets (M-19)
	SkipUntil       media.Time // six Targets (M-17)
	Delay           media.Time // D: how far the canvas reads behind its clock
}

// presets are the words a user picks from, in the order they are offered.
var presets = []struct {
	name   string
	part   float64 // s, nominal
	parts  int     // per segment
	target int     // s
	delay  media.Time
}{
	{"low", 1.0 / 3, 6, 2, 150 * media.Millisecond},
	{"ultra", 1.0 / 5, 5, 1, 80 * media.Millisecond},
	{"apple", 1, 6, 6, 300 * media.Millisecond},
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
	if rate.Num <= 0 || rate.Den <= 0 || rate.Den > 1001 || int64(media.Second)*rate.Den%rate.Num != 0 {
		return Plan{}, fmt.Errorf("frame rate %d/%d cannot be cut exactly: use one of 24, 25, 30, 50, 60 or a 1001 rate such as 30000/1001", rate.Num, rate.Den)
	}
	for _, w := range presets {
		if w.name != preset {
			continue
		}
		p := Plan{
			Preset: w.name, Rate: rate,
			PartFrames: int(math.Round(w.part * rate.Float())), PartsPerSegment: w.parts,
			Target: w.target, Delay: w.delay,
		}
		p.derive()
		if err := p.check(); err != nil {
			return Plan{}, fmt.Errorf("preset %q at %v frames per second: %w", preset, rate, err)
		}
		return p, nil
	}
	return Plan{}, fmt.Errorf("no latency preset %q: use one of %s", preset, strings.Join(Presets(), ", "))
}

// derive fills in what follows from the cut.
//
// Hold-back is three times PART-TARGET as the playlist says it, rounded up to the next millisecond: three
// times 0.34134 is 1.02402, so the 1.024 that three exact parts make would break AAS 14.3, and a bound
// met to the last digit would be at the mercy of the reader's floating point.
func (p *Plan) derive() {
	p.PartTarget = roundUp(max(p.partTime(), roundUp(p.partTime(), audioFrame)), decimal5)
	p.PartHoldBack = roundUp(3*p.PartTarget, media.Millisecond)
	p.HoldBack = 3 * media.Time(p.Target) * media.Second
	p.SkipUntil = 6 * media.Time(p.Target) * media.Second
}

// check holds what every playlist of this plan must keep for ever: P-7 and P-8 for the shortest and
// longest part in video and in sound, M-1 for the longest segment.
func (p *Plan) check() error {
	if p.PartFrames < 1 || p.PartsPerSegment < 1 {
		return errors.New("a part needs at least one frame and a segment one part")
	}
	part, segment := p.partTime(), p.SegmentStart(1)
	shortest := part / audioFrame * audioFrame // sound cut at the same edges has this, or one frame more
	if least := p.PartTarget * 85 / 100; part < least || shortest < least {
		return fmt.Errorf("parts of %d frames break the 85 %% rule: %v of video, %v of sound, PART-TARGET %v", p.PartFrames, part, shortest, p.PartTarget)
	}
	if longest := roundUp(segment, audioFrame); longest >= media.Time(p.Target)*media.Second+media.Second/2 {
		return fmt.Errorf("segments of up to %v do not round to TARGETDURATION %d", longest, p.Target)
	}
	return nil
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
