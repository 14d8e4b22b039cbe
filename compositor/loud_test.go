package compositor

import (
	"math"
	"testing"
)

// joinSaying is join of one whose packets say how loud they are: says makes that of how loud they are, in dBov.
func (d *desk) joinSaying(source func(int64) []float32, says func(dbov float64) float64) *deskInput {
	i := d.join(false, nil)
	i.source = func(n int64) []float32 {
		p := source(n)
		i.say(at48(n*960), 960, uint8(1-math.Round(min(max(says(power(p)), -127), 0))))
		return p
	}
	return i
}

// Three take turns of 4 s; the first says something else than the truth of how loud it is. Whatever that is, each
// is found within 600 ms of the turn's beginning, but for the first turn of one who says too little: it takes a second
// of speech to see that.
func TestWhatSendersSayOfTheirLevelIsHeldToTheirSound(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	for name, says := range map[string]func(float64) float64{
		"the truth":     func(dbov float64) float64 { return dbov },
		"always 0":      func(float64) float64 { return 0 },
		"always -127":   func(float64) float64 { return -127 },
		"frozen loud":   func(float64) float64 { return -20 },
		"frozen soft":   func(float64) float64 { return -60 },
		"6 dB too much": func(dbov float64) float64 { return dbov + 6 },
		"9 dB too soft": func(dbov float64) float64 { return dbov - 9 },
	} {
		d := newDesk(Mix{})
		turn := func(k int) func(float64) bool {
			return func(s float64) bool { return s > 1 && int((s-1)/4)%3 == k && math.Mod(s-1, 4) < 3.7 }
		}
		d.joinSaying(talk(-26, 0, turn(0)), says)
		d.joinSaying(talk(-30, 1, turn(1)), func(dbov float64) float64 { return dbov })
		d.join(false, talk(-24, 2, turn(2)))
		for k := range 6 {
			d.run(1 + 4*float64(k) + 0.62 - float64(d.at)/sampleRate)
			if k == 0 {
				d.run(1.3)
			}
			if got, want := d.floor.detector.Dominant(), d.inputs[k%3].id; got != want {
				t.Errorf("%s: in turn %d it is %q, want %q", name, k, got, want)
			}
		}
	}
}
