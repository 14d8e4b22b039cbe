package origin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/packager/m3u8"
)

// newRangeRig is a program whose parts are byte ranges, at part 1 of its fourth segment.
func newRangeRig(t testing.TB) *rig {
	r := newRig(t)
	r.p.cfg.Ranges = true
	r.to(firstMSN+3, 1)
	return r
}

// Parts are ranges of their segment, and the hint is where the next one begins (P-6, PH-2, PH-6); the bytes that a list
// names are those of the segment at any time, and what it hints at is where the next part turns out to be.
func TestPartsAsRanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRangeRig(t)
		for range 14 {
			m := r.list(r.top, "")
			all := m.Segments
			if m.Open != nil {
				all = append(all, *m.Open)
			}
			for _, seg := range all {
				offset := 0
				for k, p := range seg.Parts {
					want := string(partData(r.top, Cursor{seg.MSN, k}))
					if p.URI != segmentName(seg.MSN) || p.ByteRange != byteRange(int64(len(want)), int64(offset)) {
						t.Fatalf("part %d.%d is %s of %s", seg.MSN, k, p.ByteRange, p.URI)
					}
					w := r.do("GET", at(r.top, p.URI), "Range", fmt.Sprintf("bytes=%d-%d", offset, offset+len(want)-1))
					if w.Code != http.StatusPartialContent || w.Body.String() != want || w.Header().Get("Content-Length") != fmt.Sprint(len(want)) ||
						!strings.HasPrefix(w.Header().Get("Content-Range"), fmt.Sprintf("bytes %d-%d/", offset, offset+len(want)-1)) ||
						!strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
						t.Errorf("%d %v %q, want %q", w.Code, w.Header(), w.Body, want)
					}
					offset += len(want)
				}
				if seg.URI == "" && (m.Hints[0].URI != segmentName(seg.MSN) || m.Hints[0].Start != int64(offset) || m.Hints[0].Length != 0) {
					t.Errorf("hint %+v, the next part begins at %d", m.Hints[0], offset)
				}
			}
			if w := r.do("GET", at(r.top, partName(Cursor{all[len(all)-1].MSN, 0}))); w.Code != http.StatusNotFound {
				t.Errorf("a part has a file as well: %d", w.Code)
			}
			r.feed(7)
		}
	})
}

// A list that ends with a segment hints at the first bytes of the next one.
func TestRangeHintAtASegmentsEnd(t *testing.T) {
	r := newRangeRig(t)
	r.to(firstMSN+3, 5)
	if m := r.list(r.top, ""); len(m.Hints) != 1 || m.Hints[0] != (m3u8.Hint{Type: "PART", URI: segmentName(firstMSN + 4), Ranged: true}) {
		t.Errorf("hints %+v", m.Hints)
	}
}

// The growing tail is sent part by part, whole parts only, until the segment is complete, whichever way its end is left
// open (PH-7, PH-8, PH-9, N-4); no cache may keep it (N-20).
func TestTailGrowsPartByPart(t *testing.T) {
	for _, header := range []string{"bytes=%d-9007199254740991", "bytes=%d-", ""} {
		synctest.Test(t, func(t *testing.T) {
			r := newRangeRig(t)
			const msn = firstMSN + 3
			size, before := 0, 2
			for k := range before {
				size += len(partData(r.top, Cursor{msn, k}))
			}
			target, head := at(r.top, segmentName(msn)), []string{"Range", fmt.Sprintf(header, size)}
			if header == "" { // all of it
				head, before = nil, 0
			}
			body, status, h := r.open(t, target, head...)
			got := ""
			for k := before; k < 6; k++ {
				if k >= 2 {
					synctest.Wait()
					if got += body(); k == before && (got != "" || status() != 0) {
						t.Fatalf("%d %q before the part is whole", status(), got)
					}
					r.feed(1)
				}
				synctest.Wait()
				got += body()
				want := ""
				for i := before; i <= max(k, 1); i++ {
					want += string(partData(r.top, Cursor{msn, i}))
				}
				if got != want {
					t.Fatalf("part %d: got %q, want %q", k, got, want)
				}
			}
			want, wantRange := http.StatusPartialContent, fmt.Sprintf("bytes %d-9007199254740991/*", size)
			if header == "" {
				want, wantRange = http.StatusOK, ""
			}
			if status() != want || h().Get("Content-Range") != wantRange || h().Get("Content-Length") != "" || h().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v", status(), h())
			}
			if r.top.waiting.Load() != 0 {
				t.Error("still waiting behind the end")
			}
		})
	}
}

// open sends a request over a connection in memory; the functions answer what has come so far.
func (r *rig) open(t *testing.T, target string, header ...string) (body func() string, status func() int, head func() http.Header) {
	here, there := net.Pipe()
	srv := &http.Server{Handler: r.srv}
	t.Cleanup(func() { srv.Close(); here.Close() })
	go srv.Serve(&single{conn: there, closed: make(chan struct{})})
	var (
		chunks = make(chan string, 100)
		resp   *http.Response
	)
	go func() { // ends with the answer
		req, _ := http.NewRequest("GET", "http://x"+target, nil)
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		go req.Write(here)
		got, err := http.ReadResponse(bufio.NewReader(here), req)
		if err != nil {
			return
		}
		resp = got
		buf := make([]byte, 64<<10)
		for {
			n, err := resp.Body.Read(buf)
			if n > 0 {
				chunks <- string(buf[:n])
			}
			if err != nil {
				if err != io.EOF {
					chunks <- err.Error()
				}
				return
			}
		}
	}()
	body = func() string {
		var all string
		for {
			select {
			case c := <-chunks:
				all += c
			default:
				return all
			}
		}
	}
	status = func() int {
		if resp == nil {
			return 0
		}
		return resp.StatusCode
	}
	return body, status, func() http.Header { return resp.Header }
}

// single is a listener of one connection.
type single struct {
	conn   net.Conn
	closed chan struct{}
}

func (s *single) Accept() (net.Conn, error) {
	if c := s.conn; c != nil {
		s.conn = nil
		return c, nil
	}
	<-s.closed
	return nil, net.ErrClosed
}
func (s *single) Close() error   { close(s.closed); return nil }
func (s *single) Addr() net.Addr { return &net.TCPAddr{} }

// What is asked for of a growing segment and cannot be had: a tail that never comes is 404 and not kept (PH-10), one that
// comes too late 503 (PH-12), a connection is cut when what was begun cannot be completed; who leaves frees the place (PH-11a).
func TestTailThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRangeRig(t)
		const msn = firstMSN + 3
		size := 0
		for k := range 2 {
			size += len(partData(r.top, Cursor{msn, k}))
		}
		target := at(r.top, segmentName(msn))
		tail := r.start(target, "Range", fmt.Sprintf("bytes=%d-", size))
		fixed := r.start(target, "Range", fmt.Sprintf("bytes=%d-%d", size, size+3))
		body, _, _ := r.open(t, target, "Range", "bytes=0-")
		ctx, leave := context.WithCancel(context.Background())
		left := make(chan struct{})
		go func() {
			defer close(left)
			req, _ := http.NewRequestWithContext(ctx, "GET", target, nil)
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", size))
			r.srv.ServeHTTP(&discardWriter{}, req)
		}()
		synctest.Wait()
		if n := r.top.waiting.Load(); n != 4 {
			t.Errorf("%d wait", n)
		}
		leave()
		<-left
		if n := r.top.waiting.Load(); n != 3 {
			t.Errorf("%d wait after one has left", n)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		for _, req := range []*pending{tail, fixed} {
			if !req.finished() || req.Code != http.StatusServiceUnavailable || req.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("a tail that does not come: %d %v", req.Code, req.Header())
			}
		}
		if got := body(); len(got) < size || !strings.Contains(got[size:], "EOF") {
			t.Errorf("a body that stops short ends as if it were complete: %q", got)
		}
		tail = r.start(target, "Range", fmt.Sprintf("bytes=%d-", size))
		synctest.Wait()
		r.top.Finish()
		synctest.Wait()
		if !tail.finished() || tail.Code != http.StatusNotFound || tail.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("a tail that never came: %d %v", tail.Code, tail.Header())
		}
		if w := r.do("GET", target, "Range", "bytes=0-9007199254740991"); w.Code != http.StatusPartialContent || w.Body.Len() != size {
			t.Errorf("complete: %d, %d bytes", w.Code, w.Body.Len())
		}
		if w := r.do("GET", at(r.top, segmentName(msn+2))); w.Code != http.StatusNotFound {
			t.Errorf("a segment that nobody hinted at: %d", w.Code)
		}
	})
}

type discardWriter struct{ h http.Header }

func (d *discardWriter) Header() http.Header {
	if d.h == nil {
		d.h = http.Header{}
	}
	return d.h
}
func (d *discardWriter) Write(b []byte) (int, error) { return len(b), nil }
func (d *discardWriter) WriteHeader(int)             {}

func TestOpenRange(t *testing.T) {
	for header, want := range map[string]string{
		"":                          "0-9007199254740991 false",
		"bytes=0-":                  "0-9007199254740991 true",
		"bytes=0-9007199254740991":  "0-9007199254740991 true",
		"bytes=70-9007199254740991": "70-9007199254740991 true",
		"bytes=70-99":               "70-99 true",
		"bytes=-5":                  "0-9007199254740991 false",
		"bytes=9-5":                 "0-9007199254740991 false",
		"bytes=1-2,5-6":             "0-9007199254740991 false",
		"lines=1-2":                 "0-9007199254740991 false",
	} {
		req, _ := http.NewRequest("GET", "/", nil)
		if header != "" {
			req.Header.Set("Range", header)
		}
		from, to, ranged := openRange(req)
		if got := fmt.Sprintf("%d-%d %v", from, to, ranged); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
