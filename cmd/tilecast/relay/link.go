package relay

import (
	"math/rand/v2"
	"time"
)

// Link is what one direction of a path does to packets. The zero Link does nothing.
type Link struct {
	Loss    float64       // share of packets lost, 0..1
	Burst   float64       // mean length of a run of losses, in packets (Gilbert); up to 1: losses are independent
	Delay   time.Duration // on the way
	Jitter  time.Duration // the delay wanders this far to both sides, without reordering
	Reorder float64       // share of packets that come later than the next few
	Rate    int           // bit/s of the narrowest spot, headers of UDP and IP included; 0: wide
	Queue   time.Duration // how long a packet may wait for it before it is dropped; 0: 200 ms
}

const (
	overhead     = 28                     // IPv4 and UDP headers, bytes
	defaultQueue = 200 * time.Millisecond // a small router's
	lateBy       = 15 * time.Millisecond  // of packets out of order
	wander       = 60 * time.Millisecond  // the delay finds another value about this often
)

// fate decides what becomes of each packet of a direction. It keeps no packets and
// reads no clock; the same seed, sizes and times give the same fates.
type fate struct {
	link Link
	rng  *rand.Rand

	bad      bool      // within a run of losses
	free     time.Time // when the narrow spot has sent what waits for it
	last     time.Time // arrival of the latest packet in order
	from, to float64   // the jitter moves between these, in units of Jitter
	turn     time.Time // since then
	turnBy   time.Time // until then
}

type verdict uint8

const (
	passed verdict = iota
	passedLate
	lost
	overflowed
)

// send takes a packet of n bytes at now and says when it arrives, if it does.
func (f *fate) send(n int, now time.Time) (at time.Time, v verdict) {
	if f.loses() {
		return at, lost
	}
	at = now
	if f.link.Rate > 0 {
		queue := f.link.Queue
		if queue == 0 {
			queue = defaultQueue
		}
		start := now
		if f.free.After(now) {
			start = f.free
		}
		if start.Sub(now) > queue {
			return at, overflowed
		}
		f.free = start.Add(time.Duration(int64(n+overhead) * 8 * int64(time.Second) / int64(f.link.Rate)))
		at = f.free
	}
	at = at.Add(max(0, f.link.Delay+time.Duration(f.jitter(now)*float64(f.link.Jitter))))
	if f.link.Reorder > 0 && f.rng.Float64() < f.link.Reorder {
		return at.Add(lateBy), passedLate
	}
	if at.Before(f.last) {
		at = f.last
	}
	f.last = at
	return at, passed
}

// loses is a Gilbert model: two states, of which the bad one loses everything.
func (f *fate) loses() bool {
	p := f.link.Loss
	if p <= 0 || p >= 1 || f.link.Burst <= 1 {
		return p > 0 && f.rng.Float64() < p
	}
	leave := 1 / f.link.Burst
	enter := leave * p / (1 - p)
	if f.bad {
		f.bad = f.rng.Float64() >= leave
	} else {
		f.bad = f.rng.Float64() < enter
	}
	return f.bad
}

// jitter wanders between -1 and 1.
func (f *fate) jitter(now time.Time) float64 {
	if f.link.Jitter == 0 {
		return 0
	}
	if !now.Before(f.turnBy) {
		f.from, f.to = f.to, 2*f.rng.Float64()-1
		f.turn, f.turnBy = now, now.Add(wander/2+time.Duration(f.rng.Int64N(int64(wander))))
	}
	return f.from + (f.to-f.from)*float64(now.Sub(f.turn))/float64(f.turnBy.Sub(f.turn))
}
