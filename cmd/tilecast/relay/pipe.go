package relay

import (
	"container/heap"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// maxInFlight bounds the packets on their way in one direction; more are dropped as overflow.
const maxInFlight = 20000

// Counts are what became of the packets of one direction.
type Counts struct {
	Packets, Bytes int64 // taken in
	Passed         int64 // handed on
	Lost           int64 // by chance
	Overflowed     int64 // for want of room before the narrow spot
	Blacked        int64 // in a blackout, those under way included
	Late           int64 // handed on out of order
}

// pipe is one direction of the path: packets wait in it for their time.
type pipe struct {
	mu     sync.Mutex
	fate   fate
	dark   bool
	flight flight
	seq    int64
	wake   chan struct{}

	packets, bytes, passed, lost, overflowed, blacked, late atomic.Int64
}

type flying struct {
	at   time.Time
	seq  int64
	data []byte
	send func([]byte)
}

// flight is a heap by time, then by order of coming in.
type flight []flying

func (f flight) Len() int      { return len(f) }
func (f flight) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f flight) Less(i, j int) bool {
	if !f[i].at.Equal(f[j].at) {
		return f[i].at.Before(f[j].at)
	}
	return f[i].seq < f[j].seq
}
func (f *flight) Push(x any) { *f = append(*f, x.(flying)) }
func (f *flight) Pop() any {
	old := *f
	x := old[len(old)-1]
	old[len(old)-1] = flying{}
	*f = old[:len(old)-1]
	return x
}

func newPipe(seed, direction uint64) *pipe {
	return &pipe{fate: fate{rng: rand.New(rand.NewPCG(seed, direction))}, wake: make(chan struct{}, 1)}
}

// set changes the link; packets under way keep their time.
func (p *pipe) set(l Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate.link, p.fate.bad, p.fate.last = l, false, time.Time{}
	if l.Rate == 0 {
		p.fate.free = time.Time{}
	}
}

// black begins or ends a blackout. What is under way is lost, too.
func (p *pipe) black(dark bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dark, p.fate.last, p.fate.free = dark, time.Time{}, time.Time{}
	p.blacked.Add(int64(len(p.flight)))
	clear(p.flight)
	p.flight = p.flight[:0]
}

// push takes a packet, whose data it copies; send gets it when its time has come. It
// reports whether that will be.
func (p *pipe) push(data []byte, now time.Time, send func([]byte)) bool {
	p.packets.Add(1)
	p.bytes.Add(int64(len(data)))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dark {
		p.blacked.Add(1)
		return false
	}
	at, v := p.fate.send(len(data), now)
	switch {
	case v == lost:
		p.lost.Add(1)
		return false
	case v == overflowed, len(p.flight) >= maxInFlight:
		p.overflowed.Add(1)
		return false
	case v == passedLate:
		p.late.Add(1)
	}
	p.seq++
	heap.Push(&p.flight, flying{at, p.seq, append([]byte(nil), data...), send})
	if p.flight[0].seq == p.seq {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// due takes out the packets whose time has come, and says when the next one's will.
func (p *pipe) due(now time.Time, out []flying) (_ []flying, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.flight) > 0 {
		if p.flight[0].at.After(now) {
			return out, p.flight[0].at
		}
		out = append(out, heap.Pop(&p.flight).(flying))
	}
	return out, next
}

// run hands packets on until stop is closed.
func (p *pipe) run(stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var out []flying
	for {
		var next time.Time
		out, next = p.due(time.Now(), out[:0])
		for i := range out {
			out[i].send(out[i].data)
			out[i] = flying{}
			p.passed.Add(1)
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = time.Until(next)
		}
		timer.Reset(wait)
		select {
		case <-p.wake:
		case <-timer.C:
		case <-stop:
			return
		}
	}
}

func (p *pipe) counts() Counts {
	return Counts{
		Packets: p.packets.Load(), Bytes: p.bytes.Load(), Passed: p.passed.Load(), Lost: p.lost.Load(),
		Overflowed: p.overflowed.Load(), Blacked: p.blacked.Load(), Late: p.late.Load(),
	}
}
