package compositor

import (
	"sync"

	"tilecast/media"
)

const (
	sampleRate = 48000
	ringLen    = 1 << 17 // samples per channel that a voice keeps: 2.7 s
	fadeLen    = 240     // 5 ms
	deadZone   = 96      // 2 ms: an error that nobody steers against
	inStep     = 2       // samples: where steering stops
	snapError  = 4800    // 100 ms: an error too large to steer against
	gapLen     = 240     // 5 ms: a jump in packet times that means missing packets
	steerTime  = 24000   // 500 ms: in so long a time an error is steered out but for 1/e
	hurryPart  = 40      // 1/40: 2.5 %, the most; giving a publisher more delay takes 2 %, 10 ms behind
	silence    = 0.001   // -60 dB: below it a jump is not heard
	maxSpans   = 64
)

// span is a stretch of sound without a hole, in samples of program time.
type span struct{ from, to int64 }

// voice is one sound input on the program's timeline: a ring of samples, 48 kHz
// stereo, that the decoder writes by packet time and the mixer reads. A writer that
// is in step copies samples as they are; small errors are steered out by stretching
// in proportion to them, 0.4 % where it begins and 2.5 % at most, large ones and
// silent ones at once.
// What was not written is silent, and sound fades in and out at its edges.
type voice struct {
	mu    sync.Mutex
	ring  []float32 // interleaved; sample s at s mod ringLen
	spans []span    // in order, without overlap
	read  int64     // first sample that the mixer has not had
	begun bool      // the mixer has read
	ended bool      // nothing will be written
	left  bool      // fade out and go

	gain float32 // the mixer's
	said said

	// The writer's alone.
	started  bool
	steering bool
	next     int64 // sample after the last written
	filled   int64 // sample after what was made up in case nothing is written
	expect   media.Time
	stretch  []float32

	snaps, gaps, late, steered int64 // guarded by mu
}

func newVoice() *voice {
	return &voice{ring: make([]float32, 2*ringLen), spans: make([]span, 0, maxSpans)}
}

// write places samples, interleaved stereo that begin at time at.
func (v *voice) write(at media.Time, samples []float32) {
	n := int64(len(samples) / 2)
	if n == 0 {
		return
	}
	target := at.Ticks(sampleRate)
	pause := v.filled > v.next && target <= v.filled+deadZone
	whole := pause && target >= v.filled-deadZone
	if whole {
		v.next, v.expect = v.filled, at
	}
	v.filled = 0
	gap := v.started && (at-v.expect).Ticks(sampleRate) >= gapLen
	v.expect = at + media.FromTicks(n, sampleRate)
	off := target - v.next
	var snaps, gaps, steered int64
	switch {
	case !v.started:
		v.next, v.started = target, true
	case gap && off > 0:
		if v.next, v.steering = target, false; !pause {
			gaps = 1
		}
	case off > snapError, off < -snapError, abs(off) > deadZone && quiet(samples):
		v.next, v.steering, snaps = target, false, 1
	case abs(off) > deadZone || v.steering && abs(off) > inStep:
		v.steering, steered = true, 1
		most := min(max(n*abs(off)/steerTime, 1), n/hurryPart)
		samples = v.resample(samples, n+min(max(off, -most), most))
		n = int64(len(samples) / 2)
	default:
		v.steering = false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.snaps, v.gaps, v.steered = v.snaps+snaps, v.gaps+gaps, v.steered+steered
	if k := len(v.spans) - 1; pause && !whole && !gap && k >= 0 && v.spans[k].from < v.next { // it was none
		v.spans[k].to = min(v.spans[k].to, v.next)
	}
	v.store(v.next, samples)
	v.next += n
}

// fill continues what was written with samples that are heard as far as nothing else is written in their place.
func (v *voice) fill(samples []float32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := max(v.filled, v.next)
	v.filled = at + int64(len(samples)/2)
	v.store(at, samples)
}

// store copies samples into the ring from sample at on. Called locked.
func (v *voice) store(at int64, samples []float32) {
	to := at + int64(len(samples)/2)
	if v.begun && to <= v.read {
		v.late++
		return
	}
	if v.begun && to > v.read+ringLen {
		v.late++ // far in the future: a sender's clock gone wild
		return
	}
	for len(v.spans) > 0 && v.spans[len(v.spans)-1].from >= at {
		v.spans = v.spans[:len(v.spans)-1]
	}
	last := len(v.spans) - 1
	switch {
	case last >= 0 && v.spans[last].to == at:
		v.spans[last].to = to
	default:
		if last >= 0 && v.spans[last].to > at {
			v.spans[last].to = at
		}
		if len(v.spans) == maxSpans {
			v.spans = append(v.spans[:0], v.spans[1:]...)
		}
		v.spans = append(v.spans, span{at, to})
	}
	if first := &v.spans[0]; to-first.from > ringLen {
		v.forget(to - ringLen)
	}
	pos := int(at&(ringLen-1)) * 2
	copied := copy(v.ring[pos:], samples)
	copy(v.ring, samples[copied:])
}

// forget drops what lies before sample s. Called locked.
func (v *voice) forget(s int64) {
	i := 0
	for i < len(v.spans) && v.spans[i].to <= s {
		i++
	}
	v.spans = append(v.spans[:0], v.spans[i:]...)
	if len(v.spans) > 0 {
		v.spans[0].from = max(v.spans[0].from, s)
	}
}

// resample stretches samples to n frames, by cubic interpolation. Every packet
// begins at one of its own samples, so nothing is carried over.
func (v *voice) resample(samples []float32, n int64) []float32 {
	m := len(samples) / 2
	if cap(v.stretch) < int(2*n) {
		v.stretch = make([]float32, 2*n)
	}
	out := v.stretch[:2*n]
	tap := func(i, ch int) float32 { return samples[2*min(max(i, 0), m-1)+ch] }
	for j := range int(n) {
		num := int64(j) * int64(m)
		i, x := int(num/n), float32(num%n)/float32(n)
		for ch := range 2 {
			a, b, c, d := tap(i-1, ch), tap(i, ch), tap(i+1, ch), tap(i+2, ch)
			out[2*j+ch] = b + 0.5*x*(c-a+x*(2*a-5*b+4*c-d+x*(3*(b-c)+d-a)))
		}
	}
	return out
}

// mix writes the samples from sample `from` on to out, interleaved stereo. Sound is false where all of
// it is silent, more when the voice has nothing more to say.
func (v *voice) mix(from int64, out []float32) (sound, more bool) {
	clear(out)
	v.mu.Lock()
	defer v.mu.Unlock()
	n := int64(len(out) / 2)
	v.begun, v.read = true, from+n
	v.forget(from)
	for done := int64(0); done < n; {
		s := from + done
		var in span // the span that s lies in, or a hole that reaches to the next
		in.from, in.to = s, from+n
		hole := true
		for _, sp := range v.spans {
			if sp.from <= s && s < sp.to {
				in, hole = sp, false
				break
			}
			if sp.from > s {
				in.to = min(in.to, sp.from)
				break
			}
		}
		count := min(in.to, from+n) - s
		if !hole {
			sound = true
			v.mixSpan(s, in.to, out[2*done:2*(done+count)])
		} else {
			v.gain = 0
		}
		done += count
		v.forget(s + count)
	}
	return sound, !(v.left && v.gain == 0) && !(v.ended && len(v.spans) == 0)
}

// mixSpan adds samples of a span that ends at end: at full level where the gain has
// got there and the end is further off than a fade, on a slope elsewhere. Called locked.
func (v *voice) mixSpan(s, end int64, out []float32) {
	n := int64(len(out) / 2)
	const slope = 1.0 / fadeLen
	for i := int64(0); i < n; {
		r := 2 * ((s + i) & (ringLen - 1))
		if v.gain == 1 && !v.left {
			k := min(n-i, end-fadeLen-(s+i), ringLen-r/2)
			if k > 0 {
				dst, src := out[2*i:2*(i+k)], v.ring[r:r+2*k]
				for j, x := range src {
					dst[j] += x
				}
				i += k
				continue
			}
		}
		if v.left || end-(s+i) <= fadeLen {
			v.gain = max(min(v.gain-slope, float32(end-(s+i)-1)*slope), 0)
		} else {
			v.gain = min(v.gain+slope, 1)
		}
		out[2*i] += v.gain * v.ring[r]
		out[2*i+1] += v.gain * v.ring[r+1]
		i++
	}
}

// say notes how loud the sender says that the n samples at time at are; 0 is nothing said.
func (v *voice) say(at media.Time, n int64, level uint8) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said.note(at, n, level)
}

// loud is how loud samples from..to are, which have power, in dBov: as the sender says where that can be.
func (v *voice) loud(from, to int64, power float64) (dbov float64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.said.of(from, to, power)
}

// end says that nothing more will be written.
func (v *voice) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended = true
}

// leave lets the voice fade out and go.
func (v *voice) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.left, v.ended = true, true
}

func quiet(samples []float32) bool {
	for _, x := range samples {
		if x > silence || x < -silence {
			return false
		}
	}
	return true
}

func abs(n int64) int64 { return max(n, -n) }
