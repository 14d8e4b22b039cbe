package level

import "math"

// RiderConfig is how a Rider holds a sound's loudness.
type RiderConfig struct {
	Target      float64 // LUFS
	Boost, Cut  float64 // dB: most that it turns up and down
	Floor       float64 // LUFS: what is softer is not listened to
	Fast, Slow  float64 // dB/s: in the first seconds of sound or where it is too loud, and else
	Steadiness  float64 // s of sound that its idea of the loudness is made of
	GetsHeard   float64 // s of sound that count as the first seconds
	Contrast    float64 // LU by which sound rises above what is before and after it
	Uncertainty float64 // LU: what it leaves alone
}

// SourceRider holds one broadcaster's loudness.
func SourceRider(target float64) RiderConfig {
	return RiderConfig{
		Target: target, Boost: 12, Cut: 20, Floor: -55, Fast: 8, Slow: 1.5, Steadiness: 6, GetsHeard: 3, Contrast: 6, Uncertainty: 0.5,
	}
}

// MixRider holds the loudness of all together, which only needs a little help.
func MixRider(target float64) RiderConfig {
	return RiderConfig{
		Target: target, Boost: 4, Cut: 12, Floor: -50, Fast: 3, Slow: 1, Steadiness: 6, GetsHeard: 3, Contrast: 6, Uncertainty: 0.5,
	}
}

// Rider turns a sound slowly up or down until it is as loud as it should be. It listens to what comes
// and goes: what stays is noise and is not turned up. Its idea of the loudness is that of EBU R 128, gated,
// of the last seconds of sound, and it moves only while there is some: nothing is pulled up in a pause.
// What comes out too loud is turned down whatever it is.
type Rider struct {
	cfg    RiderConfig
	gain   float64 // dB
	last   [4]float64
	hops   int
	gate   gate
	sound  []float64 // the last blocks listened to, a ring
	heard  int       // blocks
	mean   float64   // energy of sound, gated
	active bool
}

const perSecond = Rate / Hop

// NewRider begins at a gain of 0 dB.
func NewRider(cfg RiderConfig) *Rider {
	return &Rider{
		cfg: cfg, sound: make([]float64, int(cfg.Steadiness*perSecond)),
		gate: gate{contrast: energy(cfg.Contrast) / energy(0), waiting: make([]block, 0, memory)},
	}
}

// Gain is the gain now, in dB.
func (r *Rider) Gain() float64 { return r.gain }

// Active reports whether the last hop held more than noise.
func (r *Rider) Active() bool { return r.active }

// Hop takes the energy of 100 ms of the sound before any gain.
func (r *Rider) Hop(e float64) {
	r.gate.push(e, r.listen)
	r.active = Loudness(e) > r.cfg.Floor && r.gate.rose(e) && e > r.mean/30
	r.last[r.hops%4] = e
	r.hops++
	block := (r.last[0] + r.last[1] + r.last[2] + r.last[3]) / 4
	switch loud := Loudness(block); {
	case loud < r.cfg.Floor:
		return
	case loud+r.gain > r.cfg.Target+3:
		r.listen(block)
	case !r.gate.wait(block):
		return
	}
	if block > r.mean/10 && r.heard > 0 {
		r.move(1.0 / perSecond)
	}
}

// listen takes a block of sound.
func (r *Rider) listen(block float64) {
	r.sound[r.heard%len(r.sound)] = block
	r.heard++
	r.mean = gated(r.sound[:min(r.heard, len(r.sound))], 0)
}

// move turns the gain as far as dt allows: fast at first and where it is too loud, twice as far as
// else where much is missing.
func (r *Rider) move(dt float64) {
	first := float64(r.heard) < r.cfg.GetsHeard*perSecond
	more := min(max(r.cfg.Target-Loudness(r.mean), -r.cfg.Cut), r.cfg.Boost) - r.gain
	if !first && math.Abs(more) < r.cfg.Uncertainty {
		return
	}
	rate := r.cfg.Slow
	switch {
	case first, more < -3:
		rate = r.cfg.Fast
	case more > 6:
		rate *= 2
	}
	r.gain += min(max(more, -rate*dt), rate*dt)
}
