package level

import "math"

// RiderConfig is how a Rider holds a sound's loudness.
type RiderConfig struct {
	Target      float64 // LUFS
	Boost, Cut  float64 // dB: most that it turns up and down
	Floor       float64 // LUFS: what is softer is not listened to
	Fast, Slow  float64 // dB/s: in the first seconds of sound, and then
	Steadiness  float64 // s of sound that its idea of the loudness is made of
	GetsHeard   float64 // s of sound that count as the first seconds
	Contrast    float64 // LU above the quietest moment of late from which sound is more than noise
	Uncertainty float64 // LU: what it leaves alone
}

// SourceRider holds one broadcaster's loudness.
func SourceRider(target float64) RiderConfig {
	return RiderConfig{
		Target: target, Boost: 12, Cut: 20, Floor: -55, Fast: 8, Slow: 1.5, Steadiness: 5, GetsHeard: 3, Contrast: 6, Uncertainty: 0.5,
	}
}

// MixRider holds the loudness of all together, which only needs a little help.
func MixRider(target float64) RiderConfig {
	return RiderConfig{
		Target: target, Boost: 4, Cut: 12, Floor: -50, Fast: 3, Slow: 1, Steadiness: 8, GetsHeard: 3, Contrast: 6, Uncertainty: 0.5,
	}
}

// Rider turns a sound slowly up or down until it is as loud as it should be. It listens to gated
// loudness like that of EBU R 128, so that pauses don't count, and moves only while there is
// something to hear: noise is never pulled up in a pause. What never changes is noise and is not
// turned up at all; what is too loud is turned down whatever it is.
type Rider struct {
	cfg    RiderConfig
	gain   float64 // dB
	last   [4]float64
	hops   int
	mean   float64 // energy of the blocks listened to
	heard  float64 // s of sound listened to
	quiet  quietest
	active bool
}

// NewRider begins at a gain of 0 dB.
func NewRider(cfg RiderConfig) *Rider { return &Rider{cfg: cfg} }

// Gain is the gain now, in dB.
func (r *Rider) Gain() float64 { return r.gain }

// Active reports whether the last hop held more than noise.
func (r *Rider) Active() bool { return r.active }

// Hop takes the energy of 100 ms of the sound before any gain.
func (r *Rider) Hop(e float64) {
	const second = float64(Hop) / Rate
	r.last[r.hops%4] = e
	r.hops++
	floor := r.quiet.push(e)
	block := (r.last[0] + r.last[1] + r.last[2] + r.last[3]) / 4
	now := Loudness(e)
	distinct := now > Loudness(floor)+r.cfg.Contrast
	r.active = now > r.cfg.Floor && distinct && (r.heard == 0 || e > r.mean/30)
	if r.hops < 4 {
		return
	}
	loud := Loudness(block)
	gated := loud > r.cfg.Floor && block > r.mean/10
	tooLoud := loud > r.cfg.Target+3
	if !gated || !tooLoud && Loudness(block) <= Loudness(floor)+r.cfg.Contrast {
		return
	}
	r.heard += second
	weight := second / min(r.heard, r.cfg.Steadiness)
	r.mean += weight * (block - r.mean)
	r.move(second)
}

// move turns the gain for as long as dt allows.
func (r *Rider) move(dt float64) {
	want := min(max(r.cfg.Target-Loudness(r.mean), -r.cfg.Cut), r.cfg.Boost)
	if r.heard > r.cfg.GetsHeard && math.Abs(want-r.gain) < r.cfg.Uncertainty {
		return
	}
	rate := r.cfg.Slow
	if r.heard < r.cfg.GetsHeard || want < r.gain-3 {
		rate = r.cfg.Fast
	}
	r.gain += min(max(want-r.gain, -rate*dt), rate*dt)
}

// quietest is the least energy of the last six seconds or so, in two halves.
type quietest struct {
	now, before float64
	n           int
}

// push leaves digital silence out: a microphone that was switched off says nothing of its noise.
func (q *quietest) push(e float64) float64 {
	const half = 30 // hops
	if e < 1e-9 {
		return min(q.now, q.before)
	}
	if q.n%half == 0 {
		if q.n > 0 {
			q.before = q.now
		} else {
			q.before = e
		}
		q.now = e
	}
	q.n++
	q.now = min(q.now, e)
	return min(q.now, q.before)
}
