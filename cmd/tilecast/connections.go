package main

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/ingest"
)

// connections is a listener that knows how many connections are open, and makes room when there may be no more: for
// a newcomer it closes the one that has been idle for longest, or else the oldest that never asked for anything. A
// connection with a request on its way, parked or not, is never closed; while all are of that kind, newcomers wait in
// the kernel's queue.
type connections struct {
	net.Listener
	most int // open at a time
	log  *slog.Logger
	left chan struct{} // of one place: somebody left, or fell quiet
	done chan struct{} // closed by Close
	shut sync.Once

	accepted, shed, exhausted atomic.Uint64

	mu    sync.Mutex
	open  int
	quiet int        // how many are in the rings
	idle  connection // heads of rings, the longest there first: of those between requests
	fresh connection // and of those before their first
	short time.Time  // when there was last no room; zero once that is told to be over
}

// connection is one that was accepted, with a *net.TCPConn within, so that files go out by sendfile. Its place
// in a ring is part of it: requests allocate nothing.
type connection struct {
	*net.TCPConn
	of         *connections
	prev, next *connection // nil: in no ring
	closed     bool
}

// reserve is how many of the file descriptors are kept for everything that is not a connection.
func reserve(limit int) int { return min(limit/4, 64+limit/50) }

func newConnections(ln net.Listener, most int, log *slog.Logger) *connections {
	c := &connections{Listener: ln, most: max(1, most), log: log, left: make(chan struct{}, 1), done: make(chan struct{})}
	for _, head := range []*connection{&c.idle, &c.fresh} {
		head.prev, head.next = head, head
	}
	return c
}

// Accept waits for room, then for a connection. When descriptors run out all the same, it makes room and goes on.
func (c *connections) Accept() (net.Conn, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		for c.crowded() && !c.closeFirst(&c.idle) {
			if err := c.wait(nil); err != nil {
				return nil, err
			}
		}
		conn, err := c.Listener.Accept()
		if err == nil {
			return c.admit(conn), nil
		}
		what := ingest.Shortage(err)
		if what == "" {
			return nil, err
		}
		c.exhausted.Add(1)
		c.tell(what + " are exhausted")
		if !c.closeFirst(&c.idle) {
			c.closeFirst(&c.fresh)
		}
		t := time.NewTimer(pause)
		err = c.wait(t.C)
		t.Stop()
		if err != nil {
			return nil, err
		}
	}
}

// wait returns when somebody left or fell quiet, at limit, or with an error once the listener is closed.
func (c *connections) wait(limit <-chan time.Time) error {
	select {
	case <-c.left:
	case <-limit:
	case <-c.done:
		return net.ErrClosed
	}
	return nil
}

// Close ends Accept, also where it waits for room.
func (c *connections) Close() error {
	c.shut.Do(func() { close(c.done) })
	return c.Listener.Close()
}

// admit takes a newcomer in; the last that fits, and one more, make another go if one can.
func (c *connections) admit(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	c.accepted.Add(1)
	k := &connection{TCPConn: tcp, of: c}
	if c.mu.Lock(); c.open >= c.most {
		c.mu.Unlock()
		c.tell("as many connections are open as may be")
		if !c.closeFirst(&c.idle) {
			c.closeFirst(&c.fresh)
		}
		c.mu.Lock()
	}
	c.open++
	c.hush(k, &c.fresh)
	open := c.open
	over := !c.short.IsZero() && time.Since(c.short) > calm
	if over {
		c.short = time.Time{}
	}
	c.mu.Unlock()
	if over {
		c.log.Info("connections: there is room again", "open", open, "most", c.most)
	}
	return k
}

// crowded reports whether more are open than may be.
func (c *connections) crowded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open > c.most
}

// closeFirst closes the connection that has been in a ring for longest, if any is.
func (c *connections) closeFirst(ring *connection) bool {
	c.mu.Lock()
	k := ring.next
	c.mu.Unlock()
	if k == ring {
		return false
	}
	c.shed.Add(1)
	k.Close()
	return true
}

// calm is how long there must have been room until that is told.
const calm = 10 * time.Second

// tell warns that there is no room, once until there was for a while.
func (c *connections) tell(what string) {
	c.mu.Lock()
	first, open, quiet := c.short.IsZero(), c.open, c.quiet
	c.short = time.Now()
	c.mu.Unlock()
	if first {
		c.log.Warn(what+": those quiet for longest are closed for new ones", "open", open, "quiet", quiet, "most", c.most,
			"advice", "allow more open files (ulimit -n, LimitNOFILE=), or put a cache in front")
	}
}

// state is http.Server.ConnState.
func (c *connections) state(conn net.Conn, s http.ConnState) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	k, ok := conn.(*connection)
	if !ok {
		return
	}
	c.mu.Lock()
	switch {
	case s == http.StateIdle && k.next == nil && !k.closed:
		c.hush(k, &c.idle)
		c.signal()
	case s == http.StateActive:
		c.rouse(k)
	}
	c.mu.Unlock()
}

// Close gives the place of k to another.
func (k *connection) Close() error {
	c := k.of
	c.mu.Lock()
	if !k.closed {
		k.closed = true
		c.open--
		c.rouse(k)
		c.signal()
	}
	c.mu.Unlock()
	return k.TCPConn.Close()
}

// signal, hush and rouse are called locked.
func (c *connections) signal() {
	select {
	case c.left <- struct{}{}:
	default:
	}
}

func (c *connections) hush(k, ring *connection) {
	k.prev, k.next = ring.prev, ring
	k.prev.next, k.next.prev = k, k
	c.quiet++
}

func (c *connections) rouse(k *connection) {
	if k.next == nil {
		return
	}
	k.prev.next, k.next.prev = k.next, k.prev
	k.prev, k.next = nil, nil
	c.quiet--
}

// connectionStats are the figures of a listener at one moment; those below Quiet only grow.
type connectionStats struct {
	Open, Quiet, Most         int
	Accepted, Shed, Exhausted uint64
}

func (c *connections) stats() connectionStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return connectionStats{c.open, c.quiet, c.most, c.accepted.Load(), c.shed.Load(), c.exhausted.Load()}
}
