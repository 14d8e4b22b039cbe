package level

// Ahead is how many samples the limiter holds sound back, to see peaks before they come: 5 ms.
const Ahead = 240

const (
	window   = Ahead - half        // the peaks that are seen in time
	ceiling  = 0.658               // -3.64 dB: true peaks as others measure them stay below -3.5
	giveBack = 1.0 / (0.12 * Rate) // of the missing gain per sample: half in 80 ms
	loudest  = 64                  // what is above is not sound
)

// Limiter keeps interleaved stereo below a true peak of -3.5 dB of full scale, which leaves 2.5 dB for what a
// lossy coder adds. It turns down smoothly before a peak comes and back up after it, and touches nothing
// else: below the ceiling samples come out as they went in. What comes out is Ahead samples old.
type Limiter struct {
	buf []float32 // the last frames given: Ahead that are still to come out, and half before them

	least minimum // of the gain allowed, over the window
	gain  float64 // falls with least, rises slowly
	trace [window + 1]float64
	at    int
	sum   float64
	below int // values in trace that are not 1
}

// NewLimiter begins with silence.
func NewLimiter() *Limiter {
	l := &Limiter{buf: make([]float32, 2*(Ahead+half)), gain: 1, sum: window + 1}
	for i := range l.trace {
		l.trace[i] = 1
	}
	return l
}

// Process takes samples and puts in their place those of Ahead samples ago.
func (l *Limiter) Process(samples []float32) {
	n := len(samples) / 2
	peak := max(Bound(samples, loudest), Bound(l.buf, loudest))
	x := append(l.buf, samples...)
	if peak*overshoot <= ceiling && l.below == 0 && l.gain == 1 && l.least.idle() {
		copy(samples, x[2*half:])
	} else {
		l.limit(x, samples)
	}
	l.buf = append(x[:0], x[2*n:]...)
}

// limit writes to out what of x is due. Frame i of out is frame half+i of x; the wave is known up
// to frame half+Ahead-half+i.
func (l *Limiter) limit(x, out []float32) {
	near, hot := ceiling/overshoot, 0 // the frame after the last that is near the ceiling
	for f := Ahead - half + 1; f < Ahead+half; f++ {
		if high(x, f, near) {
			hot = f + 1
		}
	}
	for i := range len(out) / 2 {
		seen := Ahead + i
		if high(x, seen+half, near) {
			hot = seen + half + 1
		}
		allowed := 1.0
		if hot > seen-half+1 {
			if p := max(truePeak(x, seen), truePeak(x[1:], seen)); p > ceiling {
				allowed = float64(ceiling / p)
			}
		}
		g := float32(l.step(allowed))
		o := 2 * (half + i)
		out[2*i], out[2*i+1] = x[o]*g, x[o+1]*g
	}
}

// high reports whether frame f of x is louder than level.
func high(x []float32, f int, level float32) bool {
	a, b := x[2*f], x[2*f+1]
	return a > level || a < -level || b > level || b < -level
}

// step takes the gain that is allowed at the end of the window and gives that of its beginning. The
// least of a window, averaged over a window, is nowhere above what is allowed.
func (l *Limiter) step(allowed float64) float64 {
	least := l.least.push(allowed)
	if least < l.gain {
		l.gain = least
	} else if l.gain += (least - l.gain) * giveBack; l.gain > 0.9995 {
		l.gain = 1
	}
	old := l.trace[l.at]
	l.trace[l.at] = l.gain
	l.at = (l.at + 1) % len(l.trace)
	if old != 1 {
		l.below--
	}
	if l.gain != 1 {
		l.below++
	}
	if l.below == 0 {
		l.sum = window + 1
		return 1
	}
	l.sum += l.gain - old
	return min(l.sum/(window+1), 1)
}

// minimum is the least of the last window+2 values: those of the points just before and after a sample.
type minimum struct {
	values [window + 2]float64 // rising, in order of age
	ages   [window + 2]int64
	head   int
	n      int
	count  int64
}

func (m *minimum) push(v float64) float64 {
	const size = window + 2
	if m.n > 0 && m.ages[m.head] <= m.count-size {
		m.head = (m.head + 1) % size
		m.n--
	}
	for m.n > 0 && m.values[(m.head+m.n-1)%size] >= v {
		m.n--
	}
	end := (m.head + m.n) % size
	m.values[end], m.ages[end] = v, m.count
	m.n++
	m.count++
	return m.values[m.head]
}

// idle reports whether all values are 1, or none came.
func (m *minimum) idle() bool { return m.n == 0 || m.values[m.head] == 1 }

// Bound makes interleaved or single samples numbers of at most so much, in place, and answers the peak. One that is none
// would stay in filters for ever.
func Bound(samples []float32, most float32) (peak float32) {
	for i, v := range samples {
		switch {
		case v != v:
			samples[i] = 0
		case v > most:
			samples[i] = most
		case v < -most:
			samples[i] = -most
		}
		peak = max(peak, samples[i], -samples[i])
	}
	return peak
}
