package compositor

import (
	"sync"

	"tilecast/media"
)

// queueLen bounds an input's queue: two seconds of video at 30 fps, one of sound.
const queueLen = 64

// queue holds packets between an input's Push and its decoder. Video that does not
// fit is dropped up to the next key frame; of sound the oldest gives way.
type queue struct {
	video bool
	ready chan struct{} // holds a token while there may be something to pop

	mu      sync.Mutex
	packets [queueLen]media.Packet
	head, n int
	needKey bool // video: packets are dropped until a key frame comes
	idle    bool // nothing is wanted
	closed  bool

	pushed, dropped int64
	full            int64 // how often there was no room
}

func newQueue(video bool) *queue {
	return &queue{video: video, needKey: video, ready: make(chan struct{}, 1)}
}

// push takes p and reports whether the source should send a key frame.
func (q *queue) push(p media.Packet) (needKey bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed || q.idle:
		return false
	case q.video && q.needKey && !p.Key:
		q.dropped++
		return true
	case q.n < queueLen:
	case !q.video:
		q.full++
		q.drop()
	case p.Key:
		q.full++
		q.clear()
	default:
		q.full++
		q.needKey = true
		q.dropped++
		return true
	}
	q.needKey = false
	q.packets[(q.head+q.n)%queueLen] = p
	q.n++
	q.pushed++
	q.wake()
	return false
}

// pop waits for a packet; ok is false when the queue is closed and empty.
func (q *queue) pop() (p media.Packet, ok bool) {
	for {
		q.mu.Lock()
		if q.n > 0 {
			p = q.take()
			q.mu.Unlock()
			return p, true
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return p, false
		}
		<-q.ready
	}
}

// seekKey drops what a decoder that lost its way cannot use.
func (q *queue) seekKey() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n > 0 && !q.packets[q.head].Key {
		q.drop()
	}
	q.needKey = q.video && q.n == 0
}

// setIdle says whether anything is wanted. Coming back begins with a key frame.
func (q *queue) setIdle(idle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if idle == q.idle {
		return
	}
	q.idle = idle
	q.needKey = q.video
	if idle {
		q.clear()
	}
}

// close lets pop drain what is there and then end. Closing again does nothing.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

// over reports whether it is closed.
func (q *queue) over() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

func (q *queue) counts() (pushed, dropped, full int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pushed, q.dropped, q.full
}

func (q *queue) take() media.Packet { // called locked
	p := q.packets[q.head]
	q.packets[q.head] = media.Packet{}
	q.head = (q.head + 1) % queueLen
	q.n--
	return p
}

func (q *queue) drop() { // called locked
	q.take()
	q.dropped++
}

func (q *queue) clear() { // called locked
	for q.n > 0 {
		q.drop()
	}
}

func (q *queue) wake() { // called locked
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
