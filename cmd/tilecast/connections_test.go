package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// poorListener has no descriptor left for a while.
type poorListener struct {
	net.Listener
	refusals int
	err      error
}

func (l *poorListener) Accept() (net.Conn, error) {
	if l.refusals--; l.refusals >= 0 {
		what := []error{syscall.ENOBUFS, syscall.EMFILE}[l.refusals%2]
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", what)}
	}
	return nil, l.err
}

// Out of descriptors, Accept does not give up, does not spin, and says so once.
func TestAcceptOutlivesExhaustion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := errors.New("over")
		var told strings.Builder
		c := newConnections(&poorListener{refusals: 20, err: over}, 100, slog.New(slog.NewTextHandler(&told, nil)))
		begin := time.Now()
		if _, err := c.Accept(); err != over {
			t.Errorf("%v, want %v", err, over)
		}
		if took := time.Since(begin); took < 5*time.Second || took > 20*time.Second {
			t.Errorf("20 refusals took %v", took)
		}
		if st := c.stats(); st.Exhausted != 20 {
			t.Errorf("%+v", st)
		}
		if n := strings.Count(told.String(), "file descriptors are exhausted"); n != 1 || !strings.Contains(told.String(), "ulimit -n") {
			t.Errorf("told:\n%s", &told)
		}
	})
}

func TestReserve(t *testing.T) {
	for limit, want := range map[int]int{16: 4, 256: 64, 1024: 84, 20_000: 464, 1 << 20: 64 + 1<<20/50} {
		if got := reserve(limit); got != want {
			t.Errorf("of %d files %d are kept, want %d", limit, got, want)
		}
	}
}
