package ingest

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// maxTCP bounds the connections to the TCP port for media. Anybody can open one, and each takes one of the file
	// descriptors that everything else needs, too.
	maxTCP = 1024

	fullPause = 100 * time.Millisecond // until Accept is tried again when there is no file descriptor left
)

// tcpListener bounds the open connections of the one that it wraps: beyond most, the oldest of which nothing has come makes
// room for a newcomer, or there is none for him. Close closes them all, so that whoever waits for one to speak is through.
type tcpListener struct {
	net.Listener
	most int
	done chan struct{} // closed by Close
	shut sync.Once

	mu   sync.Mutex
	open []*tcpConn // oldest first
}

type tcpConn struct {
	net.Conn
	of    *tcpListener
	spoke atomic.Bool // something has come
}

func newTCPListener(ln net.Listener, most int) *tcpListener {
	return &tcpListener{Listener: ln, most: most, done: make(chan struct{})}
}

// Shortage is what the system lacks and may have again soon, by an error of a listener's Accept, or "".
func Shortage(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "file descriptors"
	case errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		return "buffers of the system"
	}
	return ""
}

// Accept goes on when file descriptors or the system's buffers run out: its caller would give up for good.
func (l *tcpListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		switch {
		case Shortage(err) != "":
			select {
			case <-time.After(fullPause):
			case <-l.done:
				return nil, net.ErrClosed
			}
		case err != nil:
			return nil, err
		default:
			if c := l.admit(conn); c != nil {
				return c, nil
			}
			conn.Close()
		}
	}
}

// admit takes a newcomer in, or answers nil.
func (l *tcpListener) admit(conn net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
		return nil
	default:
	}
	if len(l.open) >= l.most && !l.shed() {
		return nil
	}
	c := &tcpConn{Conn: conn, of: l}
	l.open = append(l.open, c)
	return c
}

// shed closes the oldest connection that has not spoken, if there is one. Called locked.
func (l *tcpListener) shed() bool {
	for i, c := range l.open {
		if !c.spoke.Load() {
			l.open = append(l.open[:i], l.open[i+1:]...)
			c.Conn.Close()
			return true
		}
	}
	return false
}

// Close closes the listener and all connections.
func (l *tcpListener) Close() error {
	l.shut.Do(func() { close(l.done) })
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.Conn.Close()
	}
	l.open = nil
	return err
}

func (c *tcpConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.spoke.Load() {
		c.spoke.Store(true)
	}
	return n, err
}

func (c *tcpConn) Close() error {
	l := c.of
	l.mu.Lock()
	for i, o := range l.open {
		if o == c {
			l.open = append(l.open[:i], l.open[i+1:]...)
			break
		}
	}
	l.mu.Unlock()
	return c.Conn.Close()
}
