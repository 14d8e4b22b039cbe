package broadcast

import (
	"math"
	"math/rand/v2"

	"tilecast/media"
)

// vowels are formant frequencies in Hz of an average voice, and how wide the mouth is.
var vowels = [...]struct {
	f    [4]float64
	wide float64
}{
	{[4]float64{730, 1250, 2550, 3400}, 0.6}, // a
	{[4]float64{530, 1800, 2500, 3500}, 0.8}, // e
	{[4]float64{310, 2150, 2900, 3600}, 1.0}, // i
	{[4]float64{540, 950, 2450, 3300}, 0.25}, // o
	{[4]float64{340, 900, 2300, 3300}, 0.1},  // u
	{[4]float64{500, 1450, 2450, 3400}, 0.5}, // schwa
}

var formantWidth = [4]float64{70, 95, 140, 220} // Hz
var formantLevel = [4]float64{1.0, 0.62, 0.3, 0.14}

// Voice is a person's microphone: a pulse train through formants while the script
// gives them the word, the quiet of their room otherwise.
type Voice struct {
	script *Script
	who    int
	pitch  float64 // Hz
	tract  float64 // factor on the formants: above 1 for a shorter vocal tract
	left   float32 // gains
	right  float32

	next  media.Time // where the next Fill should begin
	rng   *rand.PCG
	phase float64
	f0    float64
	amp   float64
	hum   float64
	form  [4]resonator
	sib   resonator
}

// NewVoice is who, as speaker index of the script.
func NewVoice(who Person, script *Script, index int) *Voice {
	v := &Voice{script: script, who: index, pitch: who.pitch, tract: who.tract, f0: who.pitch}
	v.left, v.right = float32(math.Sqrt(0.5*(1-who.place))), float32(math.Sqrt(0.5*(1+who.place)))
	return v
}

// resonator is a two-pole band pass with unit gain at its centre.
type resonator struct{ f, a, b, c, y1, y2 float64 }

func (r *resonator) tune(f, width float64) {
	r.f = f
	e := math.Exp(-math.Pi * width / 48000)
	r.b = 2 * e * math.Cos(2*math.Pi*f/48000)
	r.c = -e * e
	r.a = (1 - e*e) * 0.8
}

func (r *resonator) step(x float64) float64 {
	y := r.a*x + r.b*r.y1 + r.c*r.y2
	r.y2, r.y1 = r.y1, y
	return y
}

// still reports whether it has stopped ringing.
func (r *resonator) still() bool { return math.Abs(r.y1)+math.Abs(r.y2) < 1e-5 }

// grain is how long the mouth keeps one shape: 5 ms.
const grain = 240

// Fill implements Sound.
func (v *Voice) Fill(samples []float32, t media.Time) {
	if v.rng == nil || t != v.next {
		v.reset(t)
	}
	step := media.FromTicks(1, 48000)
	for i := 0; i < len(samples); i += 2 * grain {
		part := samples[i:min(i+2*grain, len(samples))]
		v.say(part, v.script.voicing(v.who, t))
		t += media.Time(len(part)/2) * step
	}
	v.next = t
}

// reset forgets what sounded before.
func (v *Voice) reset(t media.Time) {
	*v = Voice{script: v.script, who: v.who, pitch: v.pitch, tract: v.tract, left: v.left, right: v.right, f0: v.pitch}
	v.rng = rand.NewPCG(uint64(t), uint64(v.who))
	for k := range v.form {
		v.form[k].tune(vowels[5].f[k]*v.tract, formantWidth[k])
	}
	v.sib.tune(5200*v.tract, 1800)
}

// noise is uniform in -1..1.
func (v *Voice) noise() float64 { return float64(int64(v.rng.Uint64())) / (1 << 63) }

// say makes one grain.
func (v *Voice) say(out []float32, m voicing) {
	var amp, breath, hissing float64
	pitch := v.f0
	if y := m.s; y != nil {
		amp, breath, pitch = m.open, 0.02, v.pitch*y.pitch
		hissing, amp = articulate(y, m.since, amp)
		for k := range v.form {
			target := vowels[y.vowel].f[k] * v.tract
			v.form[k].tune(v.form[k].f+0.18*(target-v.form[k].f), formantWidth[k])
		}
	}
	n := float64(len(out) / 2)
	dAmp, dF0 := (amp-v.amp)/n, (pitch*(1+0.012*v.noise())-v.f0)/n
	for i := 0; i < len(out); i += 2 {
		v.amp += dAmp
		v.f0 += dF0
		x := v.sample(breath, hissing)
		out[i], out[i+1] = float32(x)*v.left, float32(x)*v.right
	}
	v.amp = amp
}

// articulate is the consonant at the beginning of a syllable.
func articulate(y *syllable, since media.Time, amp float64) (hissing, voiced float64) {
	switch {
	case y.onset == hiss && since < 70*media.Millisecond:
		return 0.10 * y.loud, amp * 0.1
	case y.onset == pop && since < 25*media.Millisecond:
		return 0, 0
	case y.onset == pop && since < 35*media.Millisecond:
		return 0.16 * y.loud, amp * 0.3
	}
	return 0, amp
}

// sample makes the next one.
func (v *Voice) sample(breath, hissing float64) float64 {
	w := v.noise()
	v.hum += 0.02 * (w - v.hum)
	x := 0.009 * v.hum
	if v.amp < 1e-4 && hissing == 0 && v.form[0].still() {
		return x
	}
	v.phase += v.f0 / 48000
	if v.phase >= 1 {
		v.phase--
	}
	src := v.amp * (glottis(v.phase) + breath*w)
	sign := 1.0
	for k := range v.form {
		x += sign * formantLevel[k] * v.form[k].step(src)
		sign = -sign
	}
	x = 1.6*x + hissing*v.sib.step(4*w)
	return 0.45 * x / (1 + math.Abs(x)*0.5)
}

// glottis is the derivative of the air flow through the vocal folds over one period
// (after Rosenberg): a slow opening, a quick closing, closed for the rest.
func glottis(p float64) float64 {
	const open, closed = 0.42, 0.60
	switch {
	case p < open:
		return 0.35 * math.Sin(math.Pi*p/open)
	case p < closed:
		x := (p - open) / (closed - open)
		return -1.5 * x * math.Sin(math.Pi*(0.5+0.5*x))
	}
	return 0
}
