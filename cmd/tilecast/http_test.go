package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tilecast/cmd/tilecast/canned"
)

// serveTest serves h as the gateway does, and ends it with the test.
func serveTest(t *testing.T, h http.Handler, c *tls.Config) (base string) {
	t.Helper()
	base, _ = serveFew(t, h, c, 1000)
	return base
}

// serveFew is serveTest with at most most connections.
func serveFew(t *testing.T, h http.Handler, c *tls.Config, most int) (base string, conns *connections) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	srv := newHTTPServer(h, c, log)
	conns = newConnections(ln, most, log)
	srv.ConnState = conns.state
	served := make(chan struct{})
	go func() {
		defer close(served)
		if c != nil {
			srv.ServeTLS(conns, "", "")
		} else {
			srv.Serve(conns)
		}
	}()
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	return baseURL(ln.Addr(), c != nil), conns
}

func http2Client(t *testing.T) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	tr.Protocols.SetHTTP2(true)
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func cannedProgram(t *testing.T, parts int) *canned.Program {
	t.Helper()
	p, err := canned.New("low", time.Now(), 2_500_000, 700_000)
	if err != nil {
		t.Fatal(err)
	}
	for range parts {
		if err := p.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

const cannedPlaylist = "/hls/" + canned.Room + "/" + canned.ID + "/main-a/stream.m3u8"

// Behind a proxy HTTP/2 is spoken without TLS, on the port of HTTP/1.1, with all that belongs to it (N-1, N-2).
func TestUnencryptedHTTP2(t *testing.T) {
	p := cannedProgram(t, 40)
	base := serveTest(t, p.Server, nil)
	for proto, client := range map[int]*http.Client{1: {Transport: &http.Transport{}}, 2: http2Client(t)} {
		resp, err := client.Get(base + cannedPlaylist)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		client.CloseIdleConnections()
		if err != nil || resp.ProtoMajor != proto || resp.StatusCode != http.StatusOK || !bytes.HasPrefix(body, []byte("#EXTM3U")) {
			t.Errorf("%s over %s, want HTTP/%d: %v", resp.Status, resp.Proto, proto, err)
		}
		if got := resp.Header.Get("Priority"); (got == "u=1") != (proto == 2) {
			t.Errorf("HTTP/%d: Priority %q", proto, got)
		}
	}
}

// Idle connections give way to new ones, the longest idle first; one with a request on its way never does.
func TestIdleConnectionsGiveWay(t *testing.T) {
	const most = 20
	parked, release := make(chan struct{}), make(chan struct{})
	base, conns := serveFew(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/park" {
			parked <- struct{}{}
			<-release
		}
		io.WriteString(w, "ok")
	}), nil, most)
	first := dialTest(t, base)
	fmt.Fprint(first, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n")
	<-parked
	var idle []net.Conn
	for range most - 1 {
		idle = append(idle, ask(t, base))
	}
	for range 2 * most { // each takes the place of another
		ask(t, base)
	}
	if _, err := idle[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the longest idle connection: %v, want it closed", err)
	}
	if st := conns.stats(); st.Shed < 2*most || st.Open > most+1 {
		t.Errorf("%+v", st)
	}
	close(release)
	if line, err := bufio.NewReader(first).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("who was parked: %q, %v", line, err)
	}
}

// While all connections are at work a newcomer waits, and is served when one has done.
func TestNewcomersWaitWhileAllAreAtWork(t *testing.T) {
	const most = 4
	parked, release := make(chan struct{}), make(chan struct{})
	base, conns := serveFew(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/park" {
			parked <- struct{}{}
			<-release
		}
		io.WriteString(w, "ok")
	}), nil, most)
	for range most + 1 { // one more than may be is taken in
		fmt.Fprint(dialTest(t, base), "GET /park HTTP/1.1\r\nHost: x\r\n\r\n")
		<-parked
	}
	late := dialTest(t, base)
	fmt.Fprint(late, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if st := conns.stats(); st.Open != most+1 || st.Quiet != 0 || st.Shed != 0 {
		t.Errorf("%+v", st)
	}
	close(release)
	if line, err := bufio.NewReader(late).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("who came late: %q, %v", line, err)
	}
}

func dialTest(t *testing.T, base string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask is a connection that is idle after one answer.
func ask(t *testing.T, base string) net.Conn {
	t.Helper()
	c := dialTest(t, base)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return c
}

// Slow readers, half-open connections, endless headers and a flood of requests for parts that do not exist: a
// viewer among them gets every part, and memory stays where it was.
func TestViewersAreUnharmedByOthers(t *testing.T) {
	p := cannedProgram(t, 60)
	base := serveTest(t, p.Server, nil)
	before := heap()
	media := "/hls/" + canned.Room + "/" + canned.ID + "/main-a/"
	segment := p.Origin.Stats().Streams[0].Edge.MSN - 1

	for range 100 { // ask for a whole segment and read nothing of it
		c := dialTest(t, base)
		if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET %s%d.m4s HTTP/1.1\r\nHost: x\r\n\r\n", media, segment)
	}
	for range 100 { // say nothing, or half a line
		dialTest(t, base)
		fmt.Fprint(dialTest(t, base), "GET / HT")
	}
	header := bytes.Repeat([]byte("X-Long: "+strings.Repeat("x", 1000)+"\r\n"), 10_000)
	for range 4 {
		c := dialTest(t, base)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n")
		c.Write(header) // the server hangs up on the way
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("10 MB of header: %s", resp.Status)
		}
	}
	var others sync.WaitGroup
	for k := range 4 {
		others.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := range 2500 {
				resp, err := client.Get(fmt.Sprintf("%s%s%d.%d.m4s", base, media, segment+int64(k), 100+i))
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				if resp.Body.Close(); resp.StatusCode != http.StatusNotFound {
					t.Errorf("a part that does not exist: %s", resp.Status)
				}
			}
		})
	}
	viewer := http2Client(t)
	for range 60 {
		at := p.Origin.Stats().Streams[0].Edge
		want := len(p.Part(0).Data)
		got := make(chan error, 1)
		go func() {
			if at.Part++; at.Part == p.Plan.PartsPerSegment {
				at.MSN, at.Part = at.MSN+1, 0
			}
			resp, err := viewer.Get(fmt.Sprintf("%s%s%d.%d.m4s", base, media, at.MSN, at.Part))
			if err == nil {
				defer resp.Body.Close()
				var n int64
				if n, err = io.Copy(io.Discard, resp.Body); err == nil && (resp.StatusCode != http.StatusOK || int(n) != want) {
					err = fmt.Errorf("%s, %d bytes, want %d", resp.Status, n, want)
				}
			}
			got <- err
		}()
		if err := p.Step(); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err != nil {
			t.Errorf("part %v: %v", at, err)
		}
	}
	others.Wait()
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Nothing below /hls/ is redirected, however its path is written (N-10).
func TestNoRedirects(t *testing.T) {
	gw := startGateway(t, nil)
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/hls/demo//index.m3u8", "/hls//demo/index.m3u8", "/hls/./demo/index.m3u8", "/hls/x/../demo/index.m3u8", "/hls/", "/hls/demo"} {
		resp, err := direct.Get(gw.base + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %s to %q", path, resp.Status, resp.Header.Get("Location"))
		}
	}
}

// Who stops reading loses the answer after a while, a parked request does not: what the limits are for.
func TestLimitsLeaveRoomForHolding(t *testing.T) {
	srv := newHTTPServer(nil, nil, slog.New(slog.DiscardHandler))
	const longest = 3 * 6 * time.Second // three target durations of "apple"
	if srv.ReadTimeout <= longest || srv.WriteTimeout <= longest+time.Minute || srv.ReadHeaderTimeout <= 0 || srv.IdleTimeout <= 0 {
		t.Errorf("%v, %v, %v, %v", srv.ReadTimeout, srv.WriteTimeout, srv.ReadHeaderTimeout, srv.IdleTimeout)
	}
}
