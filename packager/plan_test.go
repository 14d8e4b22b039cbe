package packager

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tilecast/media"
)

var rates = []media.FrameRate{{Num: 24, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 30, Den: 1}, {Num: 50, Den: 1}, {Num: 60, Den: 1}}

// The table of the design, word for word.
func TestPlansAreTheTableOfTheDesign(t *testing.T) {
	for _, want := range []struct {
		preset                   string
		frames                   [6]int
		parts, target            int
		partTarget, partTarget25 string
		delay                    media.Time
	}{
		{"ultra", [6]int{5, 5, 6, 6, 10, 12}, 5, 1, "0.21334", "0.21334", 80 * media.Millisecond},
		{"low", [6]int{8, 8, 10, 10, 17, 20}, 6, 2, "0.34134", "0.32000", 150 * media.Millisecond},
		{"apple", [6]int{24, 25, 30, 30, 50, 60}, 6, 6, "1.00267", "1.00267", 300 * media.Millisecond},
		{"classic", [6]int{144, 150, 180, 180, 300, 360}, 1, 6, "0.00000", "0.00000", 300 * media.Millisecond},
	} {
		for i, rate := range rates {
			p, err := NewPlan(want.preset, rate)
			if err != nil {
				t.Fatal(err)
			}
			partTarget := want.partTarget
			if rate.Num == 25 {
				partTarget = want.partTarget25
			}
			got := fmt.Sprintf("%.5f", p.PartTarget.Seconds())
			if p.PartFrames != want.frames[i] || p.PartsPerSegment != want.parts || p.Target != want.target || got != partTarget || p.Delay != want.delay {
				t.Errorf("%s at %v: %+v, want %+v and PART-TARGET %s", want.preset, rate, p, want, partTarget)
			}
		}
	}
}

// M-17, M-19, M-20 and AAS 14.3 hold for the numbers as a playlist prints them and a reader multiplies them.
func TestHoldBacksHoldAsPrinted(t *testing.T) {
	for _, preset := range Presets() {
		for _, rate := range rates {
			p, _ := NewPlan(preset, rate)
			printed := func(v media.Time) float64 {
				var f float64
				fmt.Sscanf(fmt.Sprintf("%.5f", v.Seconds()), "%g", &f)
				return f
			}
			pt, phb := printed(p.PartTarget), printed(p.PartHoldBack)
			if phb < 3*pt || phb > 3*pt+0.001 || p.LowLatency() != (preset != "classic") {
				t.Errorf("%s at %v: PART-HOLD-BACK %v for PART-TARGET %v", preset, rate, phb, pt)
			}
			if p.HoldBack != 3*media.Time(p.Target)*media.Second || p.SkipUntil != 2*p.HoldBack {
				t.Errorf("%s at %v: hold-back %v, skip until %v", preset, rate, p.HoldBack, p.SkipUntil)
			}
		}
	}
}

// everyRate are all rates that a room may have.
var everyRate = append([]media.FrameRate{{Num: 24000, Den: 1001}, {Num: 60000, Den: 1001}}, rates...)

// Every part and segment that four hours can cut, in video and in sound, at every frame rate, keeps
// P-7, P-8, P-15 and M-1 in exact time and in the five decimals of a playlist; so
// do four hours more after fifty years.
func TestPlansKeepTheRulesForHours(t *testing.T) {
	var plans []Plan
	for _, rate := range everyRate {
		for _, preset := range Presets() {
			plans = append(plans, mustPlan(t, preset, rate))
		}
		for _, n := range []Numbers{{Part: media.Second / 2}, {Part: media.Second / 2, PartsPerSegment: 12}, {Part: media.Second * 3 / 4, PartsPerSegment: 4}} {
			p, err := NewCustomPlan("low", rate, n)
			if err != nil {
				t.Errorf("%+v at %v: %v", n, rate, err)
				continue
			}
			plans = append(plans, p)
		}
	}
	for _, p := range plans {
		segments := int64(4*3600*media.Second) / int64(p.SegmentStart(1))
		for _, first := range []int64{0, int64(50*365*86400*media.Second) / int64(p.SegmentStart(1))} {
			for _, grain := range []media.Time{p.Rate.Frame(1), audioFrame} {
				simulate(t, p, grain, first, segments)
			}
		}
	}
}

func simulate(t *testing.T, p Plan, grain media.Time, first, segments int64) {
	t.Helper()
	longest := media.Time(0)
	for n := first; n < first+segments; n++ {
		var exact media.Time
		var printed float64
		for i := range int64(p.PartsPerSegment) {
			k := n*int64(p.PartsPerSegment) + i
			part := p.partEdge(k+1)/grain*grain - p.partEdge(k)/grain*grain
			if p.LowLatency() && (part > p.PartTarget || decimals(part) > decimals(p.PartTarget)) {
				t.Fatalf("P-7: %s at %v: part %d of %v is longer than %v", p.Preset, p.Rate, k, part, p.PartTarget)
			}
			if float64(part) < 0.85*float64(p.PartTarget) || decimals(part) < 0.85*decimals(p.PartTarget) {
				t.Fatalf("P-8: %s at %v: part %d of %v is shorter than 85 %% of %v", p.Preset, p.Rate, k, part, p.PartTarget)
			}
			longest = max(longest, part)
			exact, printed = exact+part, printed+decimals(part)
		}
		segment := p.SegmentStart(n+1)/grain*grain - p.SegmentStart(n)/grain*grain
		if segment != exact || math.Abs(decimals(segment)-printed) > float64(p.PartsPerSegment+1)*5e-6 {
			t.Fatalf("P-15: %s at %v: segment %d of %v has parts of %v", p.Preset, p.Rate, n, segment, exact)
		}
		if segment.Seconds() > 1.5*float64(p.Target) {
			t.Fatalf("L-3: %s at %v: segment %d of %v", p.Preset, p.Rate, n, segment)
		}
		if int(math.Round(segment.Seconds())) > p.Target {
			t.Fatalf("M-1: %s at %v: segment %d of %v, TARGETDURATION %d", p.Preset, p.Rate, n, segment, p.Target)
		}
	}
	if p.LowLatency() && grain == audioFrame && max(longest, p.partTime()) <= p.PartTarget-decimal5 {
		t.Fatalf("%s at %v: PART-TARGET %v, the longest part has %v of sound and %v of video", p.Preset, p.Rate, p.PartTarget, longest, p.partTime())
	}
}

// decimals is a duration as a playlist says it.
func decimals(t media.Time) float64 { return math.Round(t.Seconds()*1e5) / 1e5 }

func TestPlanRefusals(t *testing.T) {
	thirty := media.FrameRate{Num: 30, Den: 1}
	for _, c := range []struct {
		preset string
		rate   media.FrameRate
		want   string
	}{
		{"clasic", thirty, `no latency preset "clasic": use one of low, ultra, apple, classic`},
		{"", thirty, "use one of low"},
		{"low", media.FrameRate{}, "frame rate 0/0"},
		{"low", media.FrameRate{Num: 30, Den: 0}, "frame rate 30/0"},
		{"low", media.FrameRate{Num: 29, Den: 1}, "cannot be cut exactly"},
		{"low", media.FrameRate{Num: 1, Den: 1}, "at least one frame"},
		{"ultra", media.FrameRate{Num: 3, Den: 1}, "TARGETDURATION"},
	} {
		if _, err := NewPlan(c.preset, c.rate); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s at %d/%d: %v, want %q", c.preset, c.rate.Num, c.rate.Den, err, c.want)
		}
	}
}

// Numbers of one's own make a plan that keeps the rules, or are refused with the nearest that do.
func TestCustomPlans(t *testing.T) {
	ms := func(n int64) media.Time { return media.Time(n) * media.Millisecond }
	for _, c := range []struct {
		preset string
		n      Numbers
		want   string // of the plan, or of the error
	}{
		{"low", Numbers{Part: ms(500), PartsPerSegment: 4}, "15 x 4, TD 2, PT 0.51200, PHB 1.536, GOP 60, D 0.150"},
		{"low", Numbers{Part: ms(500), PartsPerSegment: 12}, "15 x 12, TD 6, PT 0.51200, PHB 1.536, GOP 60, D 0.150"},
		{"apple", Numbers{PartsPerSegment: 4, Delay: ms(200)}, "30 x 4, TD 4, PT 1.00267, PHB 3.009, GOP 60, D 0.200"},
		{"low", Numbers{HoldBack: ms(1500)}, "10 x 6, TD 2, PT 0.34134, PHB 1.500, GOP 60, D 0.150"},
		{"classic", Numbers{Part: ms(4000)}, "120 x 1, TD 4, PT 0.00000, PHB 0.000, GOP 60, D 0.300"},
		{"low", Numbers{Part: ms(100), PartsPerSegment: 10}, "break the 85 % rule: 0.100000s of video, 0.085333s of sound, PART-TARGET 0.106670s; the nearest that works is parts of 0.133333s"},
		{"low", Numbers{Part: ms(330), PartsPerSegment: 1}, "segments of 0.333333s: they may be from 0.500000s to 10.000000s; the nearest that works is parts of 0.500000s"},
		{"low", Numbers{Part: ms(1000), PartsPerSegment: 50}, "segments of 50.000000s: they may be from 0.500000s to 10.000000s; the nearest that works is parts of 0.200000s"},
		{"low", Numbers{Part: ms(11000)}, "parts of 11.000000s: use more than 0 and at most 10"},
		{"low", Numbers{Part: ms(-1)}, "use more than 0"},
		{"low", Numbers{Part: 1}, "a part needs at least one frame and a segment one part; the nearest that works is parts of 0.1"},
		{"low", Numbers{PartsPerSegment: 101}, "101 parts in a segment: use 1 to 100"},
		{"low", Numbers{PartsPerSegment: -1}, "-1 parts in a segment"},
		{"low", Numbers{HoldBack: ms(1000)}, "a hold-back of 1.000000s is less than three parts (AAS 14.3): use 1.025000s or more"},
		{"low", Numbers{Delay: ms(1001)}, "a delay of 1.001000s: use at most 1.000000s"},
		{"classic", Numbers{PartsPerSegment: 2}, "it has no parts"},
	} {
		p, err := NewCustomPlan(c.preset, media.FrameRate{Num: 30, Den: 1}, c.n)
		got := fmt.Sprintf("%d x %d, TD %d, PT %.5f, PHB %.3f, GOP %d, D %.3f",
			p.PartFrames, p.PartsPerSegment, p.Target, p.PartTarget.Seconds(), p.PartHoldBack.Seconds(), p.GOP(), p.Delay.Seconds())
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s with %+v: %s\nwant %s", c.preset, c.n, got, c.want)
		}
	}
}

// Key frames are two seconds apart at most, divide the segment and stand only where a part begins (P-8, AAS 1.13).
func TestKeyFramesStandAtPartEdges(t *testing.T) {
	for _, preset := range Presets() {
		for _, rate := range everyRate {
			p := mustPlan(t, preset, rate)
			gop := p.GOP()
			if p.SegmentFrames()%gop != 0 || p.LowLatency() && gop%p.PartFrames != 0 || rate.Frame(int64(gop)) > media.Second*205/100 || rate.Frame(int64(gop)) < media.Second*9/10 {
				t.Errorf("%s at %v: a key frame every %d frames, segments of %d", preset, rate, gop, p.SegmentFrames())
			}
		}
	}
}

func TestFirstMSNGoesOnWhereAnEarlierProgramEnded(t *testing.T) {
	p, _ := NewPlan("low", media.FrameRate{Num: 30, Den: 1})
	epoch := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	first := p.FirstMSN(epoch)
	if first != epoch.Unix()/2 {
		t.Errorf("first MSN %d", first)
	}
	// An hour of segments later the numbers of a program that starts then are not lower.
	if later := p.FirstMSN(epoch.Add(time.Hour)); later < first+1800 {
		t.Errorf("MSN %d an hour after %d", later, first)
	}
	if got := p.FirstMSN(time.Unix(0, 0)); got != 1 {
		t.Errorf("MSN %d in 1970, want 1", got)
	}
}
