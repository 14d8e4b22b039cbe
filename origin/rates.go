package origin

import (
	"sync/atomic"
	"time"

	"tilecast/media"
)

// Rates are the bit rates of a stream, container included, in bit/s. What was measured is of the last hour.
type Rates struct {
	Bandwidth, AverageBandwidth int // announced
	Peak, Average               int // measured; 0 while there is nothing to measure
	Broken                      int // segments with which a measured rate was above what its tolerance allows (AAS 1.28, 1.29)
}

// rates measures one stream. Only its writer touches it, but for now.
type rates struct {
	ring  []sample // segments of the last hour, oldest first
	sum   sample
	peak  float64
	since media.Time // length of what was measured since peak was
	said  time.Time  // when a warning was last logged
	now   atomic.Pointer[Rates]
}

type sample struct {
	dur  media.Time
	bits int64
}

const (
	rateWindow = 3600 * media.Second
	rateEnough = 60 * media.Second // before that an average says little
)

func (r *rates) load() Rates {
	if now := r.now.Load(); now != nil {
		return *now
	}
	return Rates{}
}

// measure takes a complete segment in and says so when the stream breaks what its multivariant playlist announces.
// Called locked.
func (s *Stream) measure(seg *segment) {
	r, now := &s.rates, s.rates.load()
	if now.Bandwidth == 0 {
		now.Bandwidth, now.AverageBandwidth = bandwidth(s.program.cfg.Plan, s.init.Params)
	}
	if seg.gap || seg.dur <= 0 {
		return
	}
	r.add(sample{seg.dur, 8 * seg.size}, media.Time(s.program.cfg.Plan.Target)*media.Second)
	now.Average = int(float64(r.sum.bits) / r.sum.dur.Seconds())
	now.Peak = int(r.peak)
	high := now.Peak*100 > now.Bandwidth*125
	if high || r.sum.dur >= rateEnough && now.Average*100 > now.AverageBandwidth*110 {
		now.Broken++
		if time.Since(r.said) > 10*time.Minute {
			r.said = time.Now()
			s.program.cfg.Log.Warn("stream sends more than was announced: raise the bitrate in the ladder or let the encoder send less",
				"program", s.program.cfg.ID, "stream", s.name, "peak", now.Peak, "bandwidth", now.Bandwidth,
				"average", now.Average, "averageBandwidth", now.AverageBandwidth)
		}
	}
	r.now.Store(&now)
}

// add measures the peak over every run of segments that ends with this one and lasts between half a target duration
// and one and a half and half a second (MV-8).
func (r *rates) add(s sample, target media.Time) {
	r.ring = append(r.ring, s)
	r.sum.dur, r.sum.bits = r.sum.dur+s.dur, r.sum.bits+s.bits
	drop := 0
	for ; r.sum.dur > rateWindow; drop++ {
		r.sum.dur, r.sum.bits = r.sum.dur-r.ring[drop].dur, r.sum.bits-r.ring[drop].bits
	}
	if r.ring = r.ring[drop:]; cap(r.ring)-len(r.ring) == 0 {
		r.ring = append(make([]sample, 0, 2*len(r.ring)+16), r.ring...)
	}
	if r.since += s.dur; r.since > rateWindow { // an old peak is forgotten
		r.peak, r.since = 0, 0
	}
	var run sample
	for i := len(r.ring) - 1; i >= 0; i-- {
		run.dur, run.bits = run.dur+r.ring[i].dur, run.bits+r.ring[i].bits
		if run.dur > target*3/2+media.Second/2 {
			break
		}
		if run.dur >= target/2 {
			r.peak = max(r.peak, float64(run.bits)/run.dur.Seconds())
		}
	}
}
