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
			if phb < 3*pt || phb > 3*pt+0.001 {
				t.Errorf("%s at %v: PART-HOLD-BACK %v for PART-TARGET %v", preset, rate, phb, pt)
			}
			if p.HoldBack != 3*media.Time(p.Target)*media.Second || p.SkipUntil != 2*p.HoldBack {
				t.Errorf("%s at %v: hold-back %v, skip until %v", preset, rate, p.HoldBack, p.SkipUntil)
			}
		}
	}
}

// Every part and segment that 3,000 segments can cut, in video and in sound, keeps
// P-7, P-8, P-15 and M-1 in exact time and in the five decimals of a playlist; so
// do 3,000 more after fifty years.
func TestPlansKeepTheRulesFor3000Segments(t *testing.T) {
	for _, preset := range Presets() {
		for _, rate := range rates {
			p, err := NewPlan(preset, rate)
			if err != nil {
				t.Fatal(err)
			}
			for _, first := range []int64{0, int64(50*365*86400*media.Second) / int64(p.SegmentStart(1))} {
				for _, grain := range []media.Time{rate.Frame(1), audioFrame} {
					simulate(t, p, grain, first)
				}
			}
		}
	}
}

func simulate(t *testing.T, p Plan, grain media.Time, first int64) {
	t.Helper()
	longest := media.Time(0)
	for n := first; n < first+3000; n++ {
		var exact media.Time
		var printed float64
		for i := range int64(p.PartsPerSegment) {
			k := n*int64(p.PartsPerSegment) + i
			part := p.partEdge(k+1)/grain*grain - p.partEdge(k)/grain*grain
			if part > p.PartTarget || decimals(part) > decimals(p.PartTarget) {
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
		if int(math.Round(segment.Seconds())) > p.Target {
			t.Fatalf("M-1: %s at %v: segment %d of %v, TARGETDURATION %d", p.Preset, p.Rate, n, segment, p.Target)
		}
	}
	if grain == audioFrame && max(longest, p.partTime()) <= p.PartTarget-decimal5 {
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
		{"classic", thirty, `no latency preset "classic": use one of low, ultra, apple`},
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
