package compositor

import (
	"math"
	"testing"
)

// apart plays one tone left and another, half as loud, right.
func apart(peak float64) func(int64) []float32 {
	left, right := hum(441, peak), hum(1000, peak/2)
	return func(n int64) []float32 {
		p, r := left(n), right(n)
		for i := 1; i < len(p); i += 2 {
			p[i] = r[i]
		}
		return p
	}
}

// Whatever turns sound up or down turns left and right alike, and each keeps what is its own.
func TestChannelsStayApart(t *testing.T) {
	for _, c := range []struct {
		name         string
		mix          Mix
		volume, peak float64
		least, most  float64 // gain at the end
	}{
		{"as it comes", Mix{}, 1, 0.2, 1, 1},
		{"volume", Mix{}, 0.5, 0.2, 0.5, 0.5},
		{"levelled", Mix{Loudness: -23}, 1, 0.5, 0.1, 0.4},
		{"limited", Mix{}, 4, 0.5, 1.25, 1.33},
	} {
		d, source := newDesk(c.mix), apart(c.peak)
		d.join(false, source).setVolume(c.volume)
		d.run(4)
		var came []float32
		for n := int64(0); len(came) < len(d.out); n++ {
			came = append(came, source(n)...)
		}
		var most float64
		for i := 0; i < len(d.out); i += 2 {
			l, r, gl, gr := float64(came[i]), float64(came[i+1]), float64(d.out[i]), float64(d.out[i+1])
			if d := math.Abs(gl*r - gr*l); d > 1e-6 {
				t.Errorf("%s: sample %d of %.4f left, %.4f right comes out as %.4f and %.4f", c.name, i/2, l, r, gl, gr)
				break
			}
			if i > len(d.out)-2*sampleRate {
				most = max(most, math.Abs(gl)/c.peak)
			}
		}
		if most < c.least-0.001 || most > c.most+0.001 {
			t.Errorf("%s: the gain is %.3f, want %v to %v", c.name, most, c.least, c.most)
		}
	}
}
