package origin

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The pairs here put ours beside the least that net/http can do: a handler that writes the same bytes, already in
// memory, with their Content-Type and Content-Encoding. cpu-ns/op is user and system time of the whole
// process, the same cheap client included in both.

// bareHandler writes body whatever is asked.
func bareHandler(body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(body)
	})
}

// playlistPair is a program a minute old, the request that players send all the time, and
// both handlers for it.
func playlistPair(b *testing.B) (r *rig, target string, handlers map[string]http.Handler) {
	r = newRig(b)
	r.to(firstMSN+40, 3)
	target = at(r.top, fmt.Sprintf("stream.m3u8?_HLS_msn=%d&_HLS_part=3&_HLS_skip=YES", firstMSN+40))
	body := []byte(r.get(target, "Accept-Encoding", "gzip"))
	return r, target, map[string]http.Handler{"bare": bareHandler(body), "ours": r.srv}
}

var pair = []string{"bare", "ours"}

// BenchmarkPlaylist answers over loopback on kept-alive connections.
func BenchmarkPlaylist(b *testing.B) {
	_, target, handlers := playlistPair(b)
	for _, name := range pair {
		b.Run(name, func(b *testing.B) {
			srv := httptest.NewServer(handlers[name])
			defer srv.Close()
			b.ReportAllocs()
			measureCPU(b, func() {
				b.RunParallel(func(pb *testing.PB) {
					c := dial(b, srv, target)
					defer c.Close()
					for pb.Next() {
						c.roundTrip(b)
					}
				})
			})
		})
	}
}

// BenchmarkPlaylistDirect calls the handler without a server.
func BenchmarkPlaylistDirect(b *testing.B) {
	_, target, handlers := playlistPair(b)
	for _, name := range pair {
		b.Run(name, func(b *testing.B) {
			h, req := handlers[name], httptest.NewRequest("GET", target, nil)
			req.Header.Set("Accept-Encoding", "gzip, deflate, br")
			w := &nullWriter{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, req)
			}
		})
	}
}

// BenchmarkBlockedPlaylist wakes 500 viewers who wait for the same part, over loopback; an
// op is one answer.
func BenchmarkBlockedPlaylist(b *testing.B) {
	const viewers = 500
	for _, name := range pair {
		b.Run(name, func(b *testing.B) {
			r, _, handlers := playlistPair(b)
			publish := func() { r.feed(1) }
			next := func() string {
				c, _ := r.top.current.Load().hinted()
				return at(r.top, fmt.Sprintf("stream.m3u8?_HLS_msn=%d&_HLS_part=%d&_HLS_skip=YES", c.MSN, c.Part))
			}
			parked := r.top.waiting.Load
			if name == "bare" {
				bare := &blockingBare{inner: handlers["bare"]}
				bare.wake.Store(new(make(chan struct{})))
				handlers["bare"] = bare
				publish = func() { r.feed(1); close(*bare.wake.Swap(new(make(chan struct{})))) }
				parked = bare.waiting.Load
			}
			srv := httptest.NewServer(handlers[name])
			defer srv.Close()
			clients := make([]*client, viewers)
			for i := range clients {
				clients[i] = dial(b, srv, next())
				defer clients[i].Close()
			}
			b.ResetTimer()
			measureCPU(b, func() {
				for n := 0; n < b.N; n += viewers {
					request := []byte(request(next()))
					for _, c := range clients {
						c.request = request
						c.send(b)
					}
					for parked() < viewers {
						time.Sleep(200 * time.Microsecond)
					}
					publish()
					var all sync.WaitGroup
					for _, half := range [][]*client{clients[:viewers/2], clients[viewers/2:]} {
						all.Go(func() {
							for _, c := range half {
								c.receive(b)
							}
						})
					}
					all.Wait()
				}
			})
		})
	}
}

// blockingBare parks every request until it is woken.
type blockingBare struct {
	inner   http.Handler
	wake    atomic.Pointer[chan struct{}]
	waiting atomic.Int64
}

func (h *blockingBare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.waiting.Add(1)
	select {
	case <-*h.wake.Load():
	case <-r.Context().Done():
	}
	h.waiting.Add(-1)
	h.inner.ServeHTTP(w, r)
}

// BenchmarkAppend publishes a part and renders what viewers of the version before asked for.
func BenchmarkAppend(b *testing.B) {
	r := newRig(b)
	r.to(firstMSN+40, 3)
	for f := range form(formCount) {
		r.top.current.Load().form(f)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.feed(1, r.top)
		for f := range form(formCount) {
			r.top.current.Load().form(f)
		}
	}
}

// measureCPU reports the process's CPU time per operation.
func measureCPU(b *testing.B, f func()) {
	cpu := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := cpu()
	f()
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}

// nullWriter is a ResponseWriter that forgets everything.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(int)             {}

// client is the cheapest HTTP client there is: it sends the same bytes and reads what it is sent.
type client struct {
	net.Conn
	request []byte
	read    *bufio.Reader
}

func request(target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, deflate, br\r\nUser-Agent: bench\r\n\r\n"
}

func dial(b *testing.B, srv *httptest.Server, target string) *client {
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return &client{c, []byte(request(target)), bufio.NewReader(c)}
}

func (c *client) roundTrip(b *testing.B) {
	c.send(b)
	c.receive(b)
}

func (c *client) send(b *testing.B) {
	if _, err := c.Write(c.request); err != nil {
		b.Error(err)
	}
}

// receive reads one answer of status 200.
func (c *client) receive(b *testing.B) {
	length := -1
	for first := true; ; first = false {
		line, err := c.read.ReadSlice('\n')
		if err != nil || first && !strings.HasPrefix(string(line), "HTTP/1.1 200") {
			b.Errorf("%q %v", line, err)
			return
		}
		if n, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(n))
		}
		if len(line) == 2 {
			break
		}
	}
	if _, err := c.read.Discard(length); err != nil && err != io.EOF {
		b.Error(err)
	}
}

// What answers cost in allocations beyond what net/http itself needs: nothing, for whoever is not the first to ask.
func TestAnswersAllocateNothing(t *testing.T) {
	if raceEnabled() {
		t.Skip("the race detector allocates")
	}
	r := newRig(t)
	r.to(firstMSN+20, 3)
	for _, file := range []string{
		"stream.m3u8", fmt.Sprintf("stream.m3u8?_HLS_msn=%d&_HLS_part=3&_HLS_skip=v2", firstMSN+20),
		fmt.Sprintf("%d.2.m4s", firstMSN+20), fmt.Sprintf("%d.m4s", firstMSN+19), "init.0.mp4",
	} {
		req := httptest.NewRequest("GET", at(r.top, file), nil)
		req.Header.Set("Accept-Encoding", "gzip, deflate, br")
		w := &nullWriter{header: http.Header{}}
		if n := testing.AllocsPerRun(200, func() {
			clear(w.header)
			r.srv.ServeHTTP(w, req)
		}); n != 0 {
			t.Errorf("%s: %v allocations", file, n)
		}
	}
}
