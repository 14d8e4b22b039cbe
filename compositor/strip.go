package compositor

import (
	"math"
	"sync/atomic"

	"tilecast/compositor/level"
)

// strip is what the mixer does to one tile's sound: it levels it, and applies what a person set.
// The mixer owns it but for the settings.
type strip struct {
	id     string // the tile's
	name   atomic.Pointer[string]
	volume atomic.Uint64 // a float64's bits
	muted  atomic.Bool
	screen atomic.Bool

	meter    *level.Meter
	rider    *level.Rider
	levelled bool // by the rider, who listens in any case

	from, to float32 // gain at the begin and the end of a block
	block    int64   // that from and to are for
}

// maxVolume is 12 dB above what came.
const maxVolume = 4

func newStrip(id string, mix Mix, screen bool) *strip {
	s := &strip{
		id: id, to: 1, block: math.MinInt64, meter: level.NewMeter(),
		rider: level.NewRider(level.SourceRider(mix.Loudness)), levelled: mix.Loudness != 0,
	}
	s.setVolume(1)
	s.screen.Store(screen)
	return s
}

func (s *strip) setVolume(v float64) { s.volume.Store(math.Float64bits(min(max(v, 0), maxVolume))) }

// heard is the gain that a person set.
func (s *strip) heard() float64 {
	if s.muted.Load() {
		return 0
	}
	return math.Float64frombits(s.volume.Load())
}

// listen measures a block as it came.
func (s *strip) listen(samples []float32, sound bool) {
	n := len(samples) / 2
	if !sound {
		samples = nil
	}
	s.meter.Add(samples, n, s.rider.Hop)
}

// speaks reports whether a person is heard on it now.
func (s *strip) speaks() bool {
	return !s.screen.Load() && s.rider.Active() && s.heard() > 0
}

// turn finds the gain for the block that begins at sample at, duck dB lower if it is a screen's.
func (s *strip) turn(at int64, duck float64) {
	if s.block == at {
		return
	}
	gain := s.heard()
	if s.levelled {
		gain *= level.Gain(s.rider.Gain())
	}
	if s.screen.Load() {
		gain *= level.Gain(duck)
	}
	if s.block == math.MinInt64 {
		s.to = float32(gain) // who joins fades in by the voice's own slope
	}
	s.block, s.from, s.to = at, s.to, float32(gain)
}

// addTo adds samples to out, at a gain that goes from s.from to s.to.
func (s *strip) addTo(out, samples []float32) {
	if s.from == 1 && s.to == 1 {
		for i, x := range samples {
			out[i] += x
		}
		return
	}
	addRamp(out, samples, s.from, s.to)
}

func addRamp(out, samples []float32, from, to float32) {
	step := (to - from) / float32(len(samples)/2)
	for i := 0; i < len(samples); i += 2 {
		from += step
		out[i] += samples[i] * from
		out[i+1] += samples[i+1] * from
	}
}

// ducker lowers shared screens while somebody speaks: quickly, then waits, and lets go slowly.
type ducker struct {
	depth float64 // dB, positive
	db    float64 // now, 0 or less
	hold  int     // blocks
}

const (
	duckAttack  = 6  // blocks to full depth: 128 ms
	duckHold    = 47 // blocks: 1 s
	duckRelease = 47 // blocks back up: 1 s
)

func (d *ducker) step(speech bool) float64 {
	switch {
	case speech:
		d.hold = duckHold
	case d.hold > 0:
		d.hold--
	}
	if d.hold > 0 {
		d.db = max(d.db-d.depth/duckAttack, -d.depth)
	} else {
		d.db = min(d.db+d.depth/duckRelease, 0)
	}
	return d.db
}
