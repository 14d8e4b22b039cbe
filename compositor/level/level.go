// Package level measures how loud sound is and holds it where it should be: loudness after EBU R 128, true peaks, gain, limiting.
package level

import "math"

// Rate is the only sample rate known here, in Hz.
const Rate = 48000

// Silence is the loudness of nothing, in LUFS.
const Silence = -120.0

// Loudness is the loudness in LUFS of sound whose K-weighted mean square, summed over its
// channels, is energy (ITU-R BS.1770-4, annex 1).
func Loudness(energy float64) float64 {
	if energy < 1e-12 {
		return Silence
	}
	return -0.691 + 10*math.Log10(energy)
}

// energy is Loudness the other way.
func energy(lufs float64) float64 { return math.Pow(10, (lufs+0.691)/10) }

// Gain is the factor of db decibels.
func Gain(db float64) float64 { return math.Pow(10, db/20) }

// biquad is a filter of second order, in transposed direct form II.
type biquad struct{ b0, b1, b2, a1, a2, z1, z2 float64 }

func (f *biquad) step(x float64) float64 {
	y := f.b0*x + f.z1
	f.z1 = f.b1*x - f.a1*y + f.z2
	f.z2 = f.b2*x - f.a2*y
	return y
}

// rest takes out of the state what has died away: smaller and smaller, it would never end, and
// processors are slow with the smallest of numbers.
func (f *biquad) rest() {
	const faint = 1e-30
	if math.Abs(f.z1) < faint && math.Abs(f.z2) < faint {
		f.z1, f.z2 = 0, 0
	}
}

// kFilter is the K-weighting of BS.1770-4 at 48 kHz: a head's high shelf, then a high pass.
type kFilter struct{ shelf, pass biquad }

func newKFilter() kFilter {
	return kFilter{
		shelf: biquad{b0: 1.53512485958697, b1: -2.69169618940638, b2: 1.19839281085285, a1: -1.69065929318241, a2: 0.73248077421585},
		pass:  biquad{b0: 1, b1: -2, b2: 1, a1: -1.99004745483398, a2: 0.99007225036621},
	}
}

func (f *kFilter) step(x float64) float64 { return f.pass.step(f.shelf.step(x)) }

func (f *kFilter) rest() {
	f.shelf.rest()
	f.pass.rest()
}

// Hop is the grain of measuring, in samples: 100 ms, so that the 400 ms blocks of R 128 overlap by three quarters.
const Hop = Rate / 10

// Meter weighs interleaved stereo and tells the energy of each hop.
type Meter struct {
	k    [2]kFilter
	sum  float64
	n    int
	idle bool // all that is in the filters has died away
}

// NewMeter measures both channels, as the standard wants, at half the cost while they are alike.
func NewMeter() *Meter {
	return &Meter{k: [2]kFilter{newKFilter(), newKFilter()}, idle: true}
}

// Add measures samples and calls hop with the energy of each hop that they complete.
// A silent stretch is given as n samples of nil.
func (m *Meter) Add(samples []float32, n int, hop func(energy float64)) {
	for done := 0; done < n; {
		part := min(n-done, Hop-m.n)
		if samples == nil {
			m.skip()
		} else {
			m.weigh(samples[2*done : 2*(done+part)])
		}
		done += part
		if m.n += part; m.n == Hop {
			hop(m.sum / Hop)
			m.n, m.sum = 0, 0
		}
	}
}

// skip is silence: what rings on in the filters is too short to count.
func (m *Meter) skip() {
	if !m.idle {
		m.k, m.idle = [2]kFilter{newKFilter(), newKFilter()}, true
	}
}

func (m *Meter) weigh(samples []float32) {
	m.idle = false
	sum := 0.0
	l, r := m.k[0], m.k[1]
	if alike(samples) {
		for i := 0; i+1 < len(samples); i += 2 {
			y := l.step(float64(samples[i]))
			sum += y * y
		}
		sum, r = 2*sum, l
	} else {
		for i := 0; i+1 < len(samples); i += 2 {
			y, z := l.step(float64(samples[i])), r.step(float64(samples[i+1]))
			sum += y*y + z*z
		}
	}
	l.rest()
	r.rest()
	m.k[0], m.k[1] = l, r
	if !(sum < 1e12) { // a broken input must not poison what follows
		m.k, sum = [2]kFilter{newKFilter(), newKFilter()}, 0
	}
	m.sum += sum
}

// alike reports whether both channels hold the same.
func alike(samples []float32) bool {
	for i := 0; i+1 < len(samples); i += 2 {
		if samples[i] != samples[i+1] {
			return false
		}
	}
	return true
}
