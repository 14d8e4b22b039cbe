package origin

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"tilecast/media"
)

// What a stream is measured at is what its segments have, by the definition of MV-8 and as an average (MV-9, AAS 1.28, 1.29); within
// what was announced nothing is said.
func TestRatesAreMeasured(t *testing.T) {
	for _, preset := range []string{"low", "ultra", "apple", "classic"} {
		c := newCutter(t, preset, media.FrameRate{Num: 30, Den: 1}, 700_000, 1_000_000)
		c.sizes.perFrame *= 0.7
		c.run(c.plan.SegmentStart(10))
		peak, average := c.rates(c.top)
		got := c.top.Stats().Rates
		if float64(got.Peak) < peak-1 || float64(got.Peak) > peak+1 || float64(got.Average) < average-1 || float64(got.Average) > average+1 {
			t.Errorf("%s: measured %d and %d, the segments have %.1f and %.1f", preset, got.Peak, got.Average, peak, average)
		}
		if got.Broken != 0 || got.Bandwidth < got.Peak || got.AverageBandwidth == 0 {
			t.Errorf("%s: %+v", preset, got)
		}
	}
}

// A stream that sends more than was announced and a quarter, or on average a tenth more, says so once, and counts.
func TestBrokenAnnouncementsAreTold(t *testing.T) {
	for name, factor := range map[string]float64{"peak": 2, "average": 1} {
		var log bytes.Buffer
		c := newCutter(t, "low", media.FrameRate{Num: 30, Den: 1}, 700_000, 1_000_000)
		c.p.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.sizes.perFrame *= factor
		c.sizes.buffer *= factor
		c.run(70 * media.Second)
		got := c.top.Stats().Rates
		if got.Broken == 0 || strings.Count(log.String(), "stream sends more than was announced") != 1 {
			t.Errorf("%s: %+v\n%s", name, got, log.String())
		}
		if sound := c.audio.Stats().Rates; sound.Broken != 0 {
			t.Errorf("sound: %+v", sound)
		}
	}
}

// The hour's window forgets what is older, and a peak does not stand for ever.
func TestRatesForget(t *testing.T) {
	var r rates
	target := 2 * media.Second
	r.add(sample{target, 1_000_000}, target)
	for range 1799 {
		r.add(sample{target, 100_000}, target)
	}
	if len(r.ring) != 1800 || r.sum.dur != rateWindow || int(r.peak) != 500_000 {
		t.Errorf("%d segments, %v, peak %g", len(r.ring), r.sum.dur, r.peak)
	}
	r.add(sample{target, 100_000}, target)
	if len(r.ring) != 1800 || r.sum.bits != 180_000_000 || int(r.peak) != 50_000 {
		t.Errorf("%d segments, %d bits, peak %g", len(r.ring), r.sum.bits, r.peak)
	}
}
