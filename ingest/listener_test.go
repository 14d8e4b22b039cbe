package ingest

import (
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// exhausted is a listener that has no file descriptor left a few times.
type exhausted struct {
	net.Listener
	left atomic.Int32
}

func (e *exhausted) Accept() (net.Conn, error) {
	if n := e.left.Add(-1); n >= 0 {
		return nil, &net.OpError{Op: "accept", Err: []error{syscall.EMFILE, syscall.ENOBUFS}[n%2]}
	}
	return e.Listener.Accept()
}

func crowded(t *testing.T, most int) *tcpListener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &exhausted{Listener: ln}
	e.left.Store(2)
	l := newTCPListener(e, most)
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// over waits until the other side has closed c.
func over(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatalf("%d bytes, %v", n, err)
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatal("it is still open")
	}
}

// Of more connections than may be open, those that say nothing go; those that speak stay.
func TestTCPConnectionsAreBounded(t *testing.T) {
	l := crowded(t, 2)
	meet := func() (theirs, ours net.Conn) {
		theirs = dial(t, l.Addr().String())
		ours, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return theirs, ours
	}
	speak := func(theirs, ours net.Conn) {
		if _, err := theirs.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(ours, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	a, ourA := meet()
	speak(a, ourA)
	b, _ := meet()
	c, ourC := meet() // b said nothing
	over(t, b)
	speak(c, ourC)
	accepted := make(chan net.Conn)
	go func() { // ends with the listener, or the connection below
		if conn, err := l.Accept(); err == nil {
			accepted <- conn
		}
	}()
	over(t, dial(t, l.Addr().String())) // both have spoken
	if err := ourC.Close(); err != nil {
		t.Fatal(err)
	}
	dial(t, l.Addr().String())
	select {
	case <-accepted:
	case <-time.After(patience):
		t.Fatal("there is no place though one has left")
	}
	l.Close()
	over(t, a)
}

// A connection that says nothing does not keep the server from closing: the library waits for its first words.
func TestSilentTCPConnectionDoesNotHoldUpTheEnd(t *testing.T) {
	s, err := New(Config{TCPPort: -1}, newHall())
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.TCPPort())))
	ln := s.tcp.ln
	eventually(t, "that it is accepted", func() bool {
		ln.mu.Lock()
		defer ln.mu.Unlock()
		return len(ln.open) == 1
	})
	closed := make(chan error, 1)
	go func() { closed <- s.Close(t.Context()) }() // ends with it
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(tcpFirstCheck / 2):
		t.Error("the server waits")
	}
	over(t, c)
}
