package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A process whose file descriptors run out under idle connections serves on, says so, and recovers.
func TestServeOutlivesExhaustedDescriptors(t *testing.T) {
	cmd := tilecast(t, "serve", "--http", "127.0.0.1:0", "--udp", "0")
	var told lockedBuffer
	base, _ := up(t, cmd, &told)
	client := &http.Client{Transport: &http.Transport{}}
	get := func() {
		t.Helper()
		resp, err := client.Get(base + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s, %v", resp.Status, err)
		}
		resp.Body.Close()
		client.CloseIdleConnections()
	}
	get()
	for range 300 { // idle from now on
		c := dialTest(t, base)
		if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 15)); err != nil {
			t.Fatal(err)
		}
	}
	limit := unix.Rlimit{Cur: 200, Max: 20_000} // fewer than are open: the next accept fails
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Skipf("prlimit: %v", err)
	}
	for range 3 {
		get()
	}
	if s := told.String(); !strings.Contains(s, "file descriptors are exhausted") {
		t.Errorf("nothing was said:\n%s", s)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// lockedBuffer keeps what is written to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
