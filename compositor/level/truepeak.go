package level

import "math"

// A true peak is the highest point of the wave between the samples, found by oversampling four
// times (ITU-R BS.1770-4, annex 2).
const (
	phases = 4
	taps   = 24
	half   = taps / 2
)

// interpolators give the points at 1/4, 1/2 and 3/4 between two samples from the taps samples around them.
var interpolators = func() (h [phases - 1][taps]float64) {
	for p := range h {
		sum := 0.0
		for k := range taps {
			x := float64(k-half+1) - float64(p+1)/phases // distance of sample k from the point
			w := 0.5 + 0.5*math.Cos(math.Pi*x/half)      // Hann
			h[p][k] = math.Sin(math.Pi*x) / (math.Pi * x) * w
			sum += h[p][k]
		}
		for k := range taps {
			h[p][k] /= sum
		}
	}
	return h
}()

// overshoot is how far a wave may at most rise above its samples, as interpolators see it.
var overshoot = func() (most float32) {
	for _, h := range interpolators {
		sum := 0.0
		for _, c := range h {
			sum += math.Abs(c)
		}
		most = max(most, float32(sum))
	}
	return most
}()

// truePeak is the highest point of one channel of interleaved stereo x from frame i to before frame
// i+1. It reads frames i-half+1 to i+half.
func truePeak(x []float32, i int) (peak float32) {
	at := x[2*(i-half+1):]
	peak = max(at[2*(half-1)], -at[2*(half-1)])
	for p := range interpolators {
		sum := 0.0
		for k, c := range &interpolators[p] {
			sum += c * float64(at[2*k])
		}
		peak = max(peak, float32(math.Abs(sum)))
	}
	return peak
}

// TruePeak is the highest point of interleaved stereo, silence around it, as a factor of full scale.
func TruePeak(samples []float32) (peak float32) {
	x := make([]float32, len(samples)+4*half)
	copy(x[2*half:], samples)
	for i := half - 1; i < len(x)/2-half; i++ {
		peak = max(peak, truePeak(x, i), truePeak(x[1:], i))
	}
	return peak
}
