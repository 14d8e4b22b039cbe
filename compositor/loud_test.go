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
	for name, c := range map[string]struct {
		says func(float64) float64
		late float64 // s, in the first turn
	}{
		"the truth":     {says: func(dbov float64) float64 { return dbov }},
		"always 0":      {says: func(float64) float64 { return 0 }},
		"always -127":   {says: func(float64) float64 { return -127 }, late: 1.1},
		"frozen loud":   {says: func(float64) float64 { return -20 }},
		"frozen soft":   {says: func(float64) float64 { return -60 }, late: 1.1},
		"6 dB too much": {says: func(dbov float64) float64 { return dbov + 6 }},
		"9 dB too soft": {says: func(dbov float64) float64 { return dbov - 9 }},
	} {
		d := newDesk(Mix{})
		turn := func(k int) func(float64) bool {
			return func(s float64) bool { return s > 1 && int((s-1)/4)%3 == k && math.Mod(s-1, 4) < 3.7 }
		}
		d.joinSaying(talk(-26, 0, turn(0)), c.says)
		d.joinSaying(talk(-30, 1, turn(1)), func(dbov float64) float64 { return dbov })
		d.join(false, talk(-24, 2, turn(2)))
		for k := range 6 {
			d.run(1 + 4*float64(k) + 0.6 - float64(d.at)/sampleRate)
			if k == 0 {
				d.run(c.late)
			}
			if got, want := d.floor.detector.Dominant(), d.inputs[k%3].id; got != want {
				t.Errorf("%s: in turn %d it is %q, want %q", name, k, got, want)
			}
		}
	}
}
