package compositor

import "math"

const (
	ceiling  = 0.9  // where gain gives way: -0.9 dB; below it sound passes untouched
	subLen   = 64   // samples per step of gain: 1.3 ms
	giveBack = 0.01 // of the missing gain is given back per step: half in 90 ms
)

// limiter keeps a mix within full scale. It lowers the gain smoothly for as long as
// the peaks of 1.3 ms exceed -0.9 dB, ramping down before a peak it has seen coming;
// what gets past (the first step of a block) is bent softly below 1.
type limiter struct{ gain float32 }

// process works on interleaved stereo, in place.
func (l *limiter) process(samples []float32) {
	for i := 0; i < len(samples); i += 2 * subLen {
		sub := samples[i:min(i+2*subLen, len(samples))]
		ahead := samples[min(i+2*subLen, len(samples)):min(i+4*subLen, len(samples))]
		l.step(sub, min(allowed(sub), allowed(ahead)))
	}
}

// step ramps from the present gain to the one that want allows.
func (l *limiter) step(sub []float32, want float32) {
	if l.gain == 0 {
		l.gain = 1
	}
	if l.gain == 1 && want >= 1 {
		return
	}
	to := want
	if want > l.gain {
		to = l.gain + (want-l.gain)*giveBack
		if to > 0.999 {
			to = 1
		}
	}
	g, d := l.gain, (to-l.gain)/float32(len(sub)/2)
	for i := 0; i < len(sub); i += 2 {
		g += d
		sub[i], sub[i+1] = bend(sub[i]*g), bend(sub[i+1]*g)
	}
	l.gain = to
}

// allowed is the gain at which sub stays below the ceiling.
func allowed(sub []float32) float32 {
	var peak float32
	for _, x := range sub {
		peak = max(peak, x, -x)
	}
	if peak <= ceiling {
		return 1
	}
	return ceiling / peak
}

// bend leaves x alone below the ceiling and draws it towards 1 above.
func bend(x float32) float32 {
	switch {
	case x > ceiling:
		return ceiling + (1-ceiling)*float32(math.Tanh(float64((x-ceiling)/(1-ceiling))))
	case x < -ceiling:
		return -bend(-x)
	case x != x:
		return 0
	}
	return x
}
