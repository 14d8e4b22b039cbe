package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// link stands between a player and an origin: a TCP proxy through which all connections together get so many bits a
// second from the origin, as over a line that they share.
type link struct {
	ln net.Listener
	to string

	mu   sync.Mutex
	rate float64   // bit/s; 0: as fast as it goes
	free time.Time // when the line is free again
	open []net.Conn
	all  sync.WaitGroup
}

// newLink listens on a port of its own.
func newLink(to string) (*link, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{ln: ln, to: to}
	l.all.Go(l.accept)
	return l, nil
}

func (l *link) addr() string { return l.ln.Addr().String() }

// set changes the rate, in bit/s; 0 is no limit.
func (l *link) set(rate float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate, l.free = rate, time.Now()
}

// close ends all connections and waits for them.
func (l *link) close() {
	l.ln.Close()
	l.mu.Lock()
	for _, c := range l.open {
		c.Close()
	}
	l.mu.Unlock()
	l.all.Wait()
}

func (l *link) accept() {
	for {
		near, err := l.ln.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", l.to)
		if err != nil {
			near.Close()
			continue
		}
		near.(*net.TCPConn).SetWriteBuffer(16 << 10) // what lies in buffers has not been sent over the line
		l.mu.Lock()
		l.open = append(l.open, near, far)
		l.mu.Unlock()
		l.all.Go(func() { io.Copy(far, near); far.(*net.TCPConn).CloseWrite() })
		l.all.Go(func() { l.carry(near, far); near.Close() })
	}
}

// carry brings what far sends to near, in pieces that take their turn on the line.
func (l *link) carry(near, far net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := far.Read(b)
		if n > 0 {
			time.Sleep(time.Until(l.turn(n)))
			if _, err := near.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// turn is when n bytes have gone over the line.
func (l *link) turn(n int) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.rate == 0 {
		return now
	}
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(float64(n) * 8 / l.rate * float64(time.Second)))
	return l.free
}
