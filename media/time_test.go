package media

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var rates = []FrameRate{{24, 1}, {24000, 1001}, {25, 1}, {30, 1}, {30000, 1001}, {50, 1}, {60, 1}, {60000, 1001}, {120, 1}}

// dice is what a test leaves to chance. Where it fails it tells the seed.
func dice(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func TestTicksAreExact(t *testing.T) {
	rng := dice(t)
	for _, rate := range []int64{90000, 48000, 44100} {
		for range 1000 {
			n := rng.Int64N(rate * 86400 * 365)
			if got := FromTicks(n, rate).Ticks(rate); got != n {
				t.Fatalf("%d ticks of %d Hz came back as %d", n, rate, got)
			}
			if FromTicks(n, rate) != FromTicks(n-1, rate)+FromTicks(1, rate) {
				t.Fatalf("%d ticks of %d Hz are not additive", n, rate)
			}
		}
	}
}

func TestFramesAreExactAndIndexed(t *testing.T) {
	rng := dice(t)
	for _, r := range rates {
		for range 1000 {
			n := rng.Int64N(1 << 33)
			at := r.Frame(n)
			if at != Time(n)*r.Frame(1) {
				t.Fatalf("%v fps: frame %d at %d is not a multiple of %d", r, n, at, r.Frame(1))
			}
			if r.Index(at) != n || r.Index(at-1) != n-1 || r.Index(at+r.Frame(1)-1) != n {
				t.Fatalf("%v fps: frame %d not found at its own time", r, n)
			}
		}
	}
}

func TestDurationRoundTrip(t *testing.T) {
	rng := dice(t)
	for range 1000 {
		d := time.Duration(rng.Int64N(math.MaxInt64/2) - math.MaxInt64/4)
		if diff := FromDuration(d).Duration() - d; diff < -2 || diff > 2 {
			t.Fatalf("%v came back %v off", d, diff)
		}
	}
	if FromDuration(-time.Second) != -Second || (-Second).Ticks(90000) != -90000 {
		t.Fatal("negative times lose their sign")
	}
}

func TestClockIsArithmeticOnItsEpoch(t *testing.T) {
	epoch := time.Now()
	c := NewClock(epoch)
	if got := c.At(epoch.Add(1500 * time.Millisecond)); got != Second+Second/2 {
		t.Fatalf("At: %v", got)
	}
	if got := c.Wall(2 * Second); !got.Equal(epoch.Add(2 * time.Second)) {
		t.Fatalf("Wall: %v", got)
	}
	if got := c.At(c.Instant(3 * Second)); got != 3*Second {
		t.Fatalf("Instant: %v", got)
	}
}
