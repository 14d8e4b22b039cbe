package origin

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// segmentBytes are what segment msn of s must be: its parts, one after the other.
func (r *rig) segmentBytes(s *Stream, msn int64) string {
	var all strings.Builder
	for i := range r.plan.PartsPerSegment {
		all.Write(partData(s, Cursor{msn, i}))
	}
	return all.String()
}

// Types, lifetimes and CORS of every kind of answer (N-11, N-13, N-14, N-15); no Age, no cookie, no redirect (N-9, N-10).
func TestHeaders(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+5, 2)
	const forever = "public, max-age=31536000, immutable"
	tests := []struct {
		target string
		code   int
		kind   string
		cache  string
	}{
		{"/hls/demo/index.m3u8", 200, "application/vnd.apple.mpegurl", "public, max-age=1"},
		{at(r.top, "stream.m3u8"), 200, "application/vnd.apple.mpegurl", "public, max-age=1"},
		{at(r.audio, "stream.m3u8?token=x"), 200, "application/vnd.apple.mpegurl", "public, max-age=1"},
		{at(r.top, "init.0.mp4"), 200, "video/mp4", forever},
		{at(r.audio, "init.0.mp4"), 200, "audio/mp4", forever},
		{at(r.top, "104.m4s"), 200, "video/iso.segment", forever},
		{at(r.top, "105.2.m4s?x=y"), 200, "video/iso.segment", forever},
		{at(r.audio, "104.m4s"), 200, "audio/mp4", forever},
		{at(r.audio, "104.0.m4s"), 200, "audio/mp4", forever},
		{at(r.top, "105.m4s"), 404, "", "no-store"}, // open, or not yet begun: may come
		{at(r.top, "105.4.m4s"), 404, "", "no-store"},
		{at(r.top, "106.0.m4s"), 404, "", "no-store"},
		{at(r.top, "99.m4s"), 404, "", "public, max-age=8"}, // will not come
		{at(r.top, "104.6.m4s"), 404, "", "public, max-age=8"},
		{at(r.top, "init.1.mp4"), 404, "", "public, max-age=8"},
		{at(r.top, "0104.m4s"), 404, "", "public, max-age=8"},
		{at(r.top, "104.00.m4s"), 404, "", "public, max-age=8"},
		{at(r.top, "+104.m4s"), 404, "", "public, max-age=8"},
		{at(r.top, "104..m4s"), 404, "", "public, max-age=8"},
		{at(r.top, ".m4s"), 404, "", "public, max-age=8"},
		{at(r.top, "99999999999999999999.m4s"), 404, "", "public, max-age=8"},
		{at(r.top, "104.18446744073709551615.m4s"), 404, "", "public, max-age=8"},
		{at(r.top, ""), 404, "", "public, max-age=8"},
		{at(r.top, "x/stream.m3u8"), 404, "", "public, max-age=8"},
		{"/hls/demo/" + programID + "/main-1080p/stream.m3u8", 404, "", "max-age=1"},
		{"/hls/demo/" + programID + "/main-720p", 404, "", "public, max-age=8"},
		{"/hls/demo/" + programID + "/", 404, "", "max-age=1"},
		{"/hls/demo/other/main-720p/stream.m3u8", 404, "", "max-age=1"},
		{"/hls/demo/", 404, "", "max-age=1"},
		{"/hls/demo", 404, "", "max-age=1"},
		{"/hls/nobody/index.m3u8", 404, "", "max-age=1"},
		{"/hls/", 404, "", "max-age=1"},
		{"/other", 404, "", "max-age=1"},
		{at(r.top, "stream.m3u8?_HLS_part=3"), 400, "", "no-store"},
	}
	for _, test := range tests {
		for _, method := range []string{"GET", "HEAD"} {
			w := r.do(method, test.target)
			h := w.Header()
			if test.kind == "" {
				test.kind = "text/plain; charset=utf-8"
			}
			if w.Code != test.code || h.Get("Content-Type") != test.kind || h.Get("Cache-Control") != test.cache {
				t.Errorf("%s %s: %d %q %q, want %d %q %q", method, test.target, w.Code, h.Get("Content-Type"),
					h.Get("Cache-Control"), test.code, test.kind, test.cache)
			}
			if h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Age, Date") {
				t.Errorf("%s: CORS headers missing", test.target)
			}
			if h.Get("Age") != "" || h.Get("Set-Cookie") != "" || h.Get("Location") != "" || h.Get("Last-Modified") != "" {
				t.Errorf("%s: %v", test.target, h)
			}
			if method == "GET" && h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
				t.Errorf("%s: Content-Length %q of %d bytes", test.target, h.Get("Content-Length"), w.Body.Len())
			}
		}
	}
}

// OPTIONS is answered for CORS, what else there is with 405.
func TestMethods(t *testing.T) {
	r := newRig(t)
	r.feed(8)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"} {
		w := r.do(method, at(r.top, "stream.m3u8"), "Origin", "https://x", "Access-Control-Request-Method", "GET")
		want := http.StatusMethodNotAllowed
		if method == "OPTIONS" {
			want = http.StatusNoContent
		}
		h := w.Header()
		if w.Code != want || h.Get("Allow") != "GET, HEAD, OPTIONS" || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", method, w.Code, h)
		}
		if method == "OPTIONS" && (h.Get("Access-Control-Allow-Methods") == "" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Range")) {
			t.Errorf("preflight: %v", h)
		}
	}
}

// A segment is its parts, one after the other, whole and in ranges (P-3, N-4, PH-7).
func TestRanges(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+5, 2)
	want := r.segmentBytes(r.top, 104)
	n := len(want)
	target := at(r.top, "104.m4s")
	if got := r.get(target); got != want {
		t.Fatalf("segment is %q, want %q", got, want)
	}
	first := len(partData(r.top, Cursor{104, 0}))
	tests := []struct {
		value    string
		code     int
		from, to int
	}{
		{"bytes=0-", 206, 0, n},
		{"bytes=0-9007199254740991", 206, 0, n},
		{"bytes=5-9007199254740991", 206, 5, n},
		{"bytes=5-99999999999999999999", 206, 5, n},
		{"bytes=0-0", 206, 0, 1},
		{fmt.Sprintf("bytes=%d-%d", first-1, first), 206, first - 1, first + 1}, // across an edge
		{fmt.Sprintf("bytes=%d-%d", first, first), 206, first, first + 1},
		{fmt.Sprintf("bytes=0-%d", first-1), 206, 0, first},
		{fmt.Sprintf("bytes=3-%d", n-4), 206, 3, n - 3},
		{fmt.Sprintf("bytes=%d-", n-1), 206, n - 1, n},
		{"bytes=-7", 206, n - 7, n},
		{"bytes=-999999", 206, 0, n},
		{"Bytes=2-3", 206, 2, 4},
		{fmt.Sprintf("bytes=%d-", n), 416, 0, 0},
		{"bytes=99999999999999999999-", 416, 0, 0},
		{"bytes=-0", 416, 0, 0},
		{"bytes=5-4", 200, 0, n}, // malformed, several, another unit: as if it were not there
		{"bytes=", 200, 0, n},
		{"bytes=-", 200, 0, n},
		{"bytes=a-b", 200, 0, n},
		{"bytes=1-2,4-5", 200, 0, n},
		{"bytes=1--2", 200, 0, n},
		{"bytes", 200, 0, n},
		{"segments=0-1", 200, 0, n},
	}
	for _, test := range tests {
		w := r.do("GET", target, "Range", test.value)
		if w.Code != test.code {
			t.Errorf("%s: %d, want %d", test.value, w.Code, test.code)
			continue
		}
		switch got := w.Header().Get("Content-Range"); test.code {
		case 206:
			if got != fmt.Sprintf("bytes %d-%d/%d", test.from, test.to-1, n) {
				t.Errorf("%s: Content-Range %q", test.value, got)
			}
		case 416:
			if got != fmt.Sprintf("bytes */%d", n) {
				t.Errorf("%s: Content-Range %q", test.value, got)
			}
			continue
		case 200:
			if got != "" {
				t.Errorf("%s: Content-Range %q of the whole", test.value, got)
			}
		}
		if w.Body.String() != want[test.from:test.to] || w.Header().Get("Content-Length") != fmt.Sprint(test.to-test.from) {
			t.Errorf("%s: %q of length %s, want %q", test.value, w.Body, w.Header().Get("Content-Length"), want[test.from:test.to])
		}
	}
	if got := r.get(at(r.top, "105.1.m4s"), "Range", "bytes=1-4"); got != string(partData(r.top, Cursor{105, 1})[1:5]) {
		t.Errorf("range of a part: %q", got)
	}
	if got := r.get(at(r.audio, "init.0.mp4"), "Range", "bytes=-5"); got != "sound" {
		t.Errorf("range of an init section: %q", got)
	}
	if w := r.do("HEAD", target, "Range", "bytes=1-4"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != fmt.Sprint(n) {
		t.Errorf("HEAD with a range: %d %v", w.Code, w.Header())
	}
}

// Conditional requests (RFC 9110, 13).
func TestConditions(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+5, 2)
	seen := map[string]string{}
	for _, target := range []string{at(r.top, "stream.m3u8"), at(r.top, "104.m4s"), at(r.top, "104.1.m4s"), "/hls/demo/index.m3u8"} {
		tag := r.do("GET", target).Header().Get("Etag")
		if tag == "" || seen[tag] != "" {
			t.Fatalf("%s: ETag %q, also of %s", target, tag, seen[tag])
		}
		seen[tag] = target
		for _, value := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			if w := r.do("GET", target, "If-None-Match", value); w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("Etag") != tag {
				t.Errorf("%s: If-None-Match %s: %d", target, value, w.Code)
			}
		}
		if w := r.do("GET", target, "If-None-Match", `"x"`); w.Code != 200 {
			t.Errorf("%s: another tag: %d", target, w.Code)
		}
	}
	tag := r.do("GET", at(r.top, "104.m4s")).Header().Get("Etag")
	if w := r.do("GET", at(r.top, "104.m4s"), "Range", "bytes=0-1", "If-Range", tag); w.Code != 206 {
		t.Errorf("If-Range: %d", w.Code)
	}
	if w := r.do("GET", at(r.top, "104.m4s"), "Range", "bytes=0-1", "If-Range", `"x"`); w.Code != 200 {
		t.Errorf("If-Range of another version: %d", w.Code)
	}
	plain, zipped := r.do("GET", at(r.top, "stream.m3u8")), r.do("GET", at(r.top, "stream.m3u8"), "Accept-Encoding", "gzip")
	if plain.Header().Get("Etag") == zipped.Header().Get("Etag") {
		t.Error("plain and compressed bytes share an ETag")
	}
	old := plain.Header().Get("Etag")
	r.feed(1)
	if w := r.do("GET", at(r.top, "stream.m3u8"), "If-None-Match", old); w.Code != 200 {
		t.Error("a new version has the ETag of the old one")
	}
}

// Playlists are compressed for those who take it, media is not (N-6).
func TestGzip(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+20, 2)
	for _, target := range []string{"/hls/demo/index.m3u8", at(r.top, "stream.m3u8"), at(r.top, "stream.m3u8?_HLS_skip=YES")} {
		plain := r.do("GET", target)
		if plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s plain: %v", target, plain.Header())
		}
		for value, zipped := range map[string]bool{
			"gzip": true, "gzip, deflate, br, zstd": true, "deflate, GZIP;q=0.5": true, "*": true, "br, *;q=0.1": true, "x-gzip": true,
			"": false, "br": false, "gzip;q=0": false, "gzip; q=0.000, *": false, "identity": false, "*;q=0": false, "gzipped": false,
		} {
			w := r.do("GET", target, "Accept-Encoding", value)
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != zipped || w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s, Accept-Encoding %q: %v", target, value, w.Header())
				continue
			}
			body := w.Body.String()
			if zipped {
				body = gunzip(t, w.Body.Bytes())
			}
			if body != plain.Body.String() {
				t.Errorf("%s, Accept-Encoding %q: another text", target, value)
			}
		}
	}
	if w := r.do("GET", at(r.top, "104.m4s"), "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("media is compressed")
	}
}

// A hinted part: not a byte before it is whole, then all of it, with HEAD and ranges too (PH-8, PH-9).
func TestHintedPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN+5, 2)
		hinted := at(r.top, "105.3.m4s")
		if !strings.Contains(r.get(at(r.top, "stream.m3u8")), `TYPE=PART,URI="105.3.m4s"`) {
			t.Fatal("another hint")
		}
		whole, some := r.start(hinted), r.start(hinted, "Range", "bytes=2-9007199254740991")
		beyond := r.start(at(r.top, "105.4.m4s"))
		synctest.Wait()
		if whole.finished() || some.finished() {
			t.Fatal("answered before the part was there")
		}
		if !beyond.finished() || beyond.Code != 404 {
			t.Error("a part that is not hinted was not told 404 at once (PH-10)")
		}
		r.feed(1)
		synctest.Wait()
		want := string(partData(r.top, Cursor{105, 3}))
		if !whole.finished() || whole.Body.String() != want || whole.Header().Get("Content-Length") != fmt.Sprint(len(want)) {
			t.Error("hinted part: not whole")
		}
		if !some.finished() || some.Code != 206 || some.Body.String() != want[2:] {
			t.Error("hinted part: not the range")
		}
		// The first part of the next segment is hinted once this one is complete (PH-3).
		r.feed(2)
		next := r.start(at(r.top, "106.0.m4s"))
		synctest.Wait()
		if next.finished() {
			t.Error("answered early")
		}
		r.feed(1)
		synctest.Wait()
		if !next.finished() || next.Code != 200 {
			t.Error("the first part of a segment was hinted and not handed out")
		}
	})
}

// Who goes away frees the place at once, wherever it waits (PH-11a).
func TestDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, idle := newRig(t), newRig(t)
		r.to(firstMSN+5, 2)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan int, 100)
		for _, target := range []string{at(r.top, "stream.m3u8?_HLS_msn=105&_HLS_part=3"), at(r.top, "stream.m3u8?_HLS_msn=106"), at(r.top, "105.3.m4s")} {
			for range 10 {
				go func() {
					w := httptest.NewRecorder()
					r.srv.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", target, nil))
					done <- w.Code
				}()
			}
		}
		go func() {
			w := httptest.NewRecorder()
			idle.srv.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/hls/demo/index.m3u8", nil))
			done <- w.Code
		}()
		synctest.Wait()
		if n, m := r.top.Stats().Waiting, idle.srv.Stats().Waiting; n != 30 || m != 1 {
			t.Fatalf("%d and %d wait", n, m)
		}
		cancel()
		synctest.Wait()
		if n, m := r.top.Stats().Waiting, idle.srv.Stats().Waiting; n != 0 || m != 0 || len(done) != 31 {
			t.Errorf("%d and %d still wait, %d returned", n, m, len(done))
		}
		for range 31 {
			if code := <-done; code == http.StatusOK { // where the server goes first, nobody is told an empty success
				t.Error("an answer of 200 to nobody")
			}
		}
	})
}

// The same over a real connection: the handler returns when the client hangs up.
func TestHangUp(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+5, 2)
	entered, left := make(chan struct{}, 2), make(chan struct{}, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		entered <- struct{}{}
		r.srv.ServeHTTP(w, req)
		left <- struct{}{}
	}))
	defer srv.Close()
	for _, file := range []string{"105.3.m4s", "stream.m3u8?_HLS_msn=105&_HLS_part=3"} {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", at(r.top, file))
		<-entered
		c.Close()
		<-left
	}
	if n := r.top.Stats().Waiting; n != 0 {
		t.Errorf("%d still parked", n)
	}
}

// HTTP/1.1 with keep-alive, and HTTP/2 with priorities: sound before pictures, small before large (N-1, N-2).
func TestRealServer(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+5, 2)
	srv := httptest.NewUnstartedServer(r.srv)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	for file, want := range map[string]string{
		at(r.top, "stream.m3u8"): "u=1", at(r.audio, "104.m4s"): "u=2", at(r.low, "104.m4s"): "u=3", at(r.top, "104.m4s"): "u=4",
	} {
		res, err := srv.Client().Get(srv.URL + file)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.ProtoMajor != 2 || res.Header.Get("Priority") != want || len(body) == 0 {
			t.Errorf("%s: %v %s %q", file, err, res.Proto, res.Header.Get("Priority"))
		}
		res.Body.Close()
	}
	c, err := tls.Dial("tcp", srv.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	read := bufio.NewReader(c)
	for _, method := range []string{"HEAD", "GET", "HEAD", "GET"} { // a HEAD with a body would break the next answer
		for _, file := range []string{"104.m4s", "stream.m3u8", "nothing"} {
			req, _ := http.NewRequest(method, "https://x"+at(r.top, file), nil)
			if err := req.Write(c); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(read, req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || res.ContentLength <= 0 || len(res.TransferEncoding) > 0 || (len(body) > 0) != (method == "GET") || res.Header.Get("Priority") != "" {
				t.Errorf("%s %s: %v, %d of %d bytes, %v", method, file, err, len(body), res.ContentLength, res.Header)
			}
		}
	}
}

// Shared header values stay what they are whatever a wrapping handler adds.
func TestSharedValuesAreNotWritten(t *testing.T) {
	r := newRig(t)
	r.feed(8)
	w := r.do("GET", at(r.top, "stream.m3u8"))
	for key := range w.Header() {
		w.Header().Add(key, "more")
	}
	for key, values := range r.do("GET", at(r.top, "stream.m3u8")).Header() {
		if len(values) != 1 || values[0] == "more" || cap(values) != 1 {
			t.Errorf("%s: %q, room for %d", key, values, cap(values))
		}
	}
}
