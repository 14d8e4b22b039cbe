package lint

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// player is the page that the checks pretend to come from, for CORS.
const player = "https://player.invalid"

// Limits on what is read of one answer.
const (
	maxPlaylist = 64 << 20
	maxMedia    = 256 << 20
)

// fetcher sends all requests of a run and counts them.
type fetcher struct {
	client http.Client
	now    func() time.Time

	mu       sync.Mutex
	requests int
	failed   int
	bytes    int64
	protocol string
}

// ask is a request.
type ask struct {
	method, url string
	byteRange   string // value of Range
	limit       int64
	header      map[string]string // over what is sent otherwise; an empty value leaves a field out
}

// answer is what came back, whole.
type answer struct {
	ask
	status int
	header http.Header
	major  int    // of HTTP
	length int64  // Content-Length; -1 when it is not said
	body   []byte // not compressed any more
	wire   int    // bytes of it on the wire
	zipped bool
	moved  string // where a redirect led to

	sent, first, done time.Time // request, first byte of the body, end
}

func get(url string) ask { return ask{method: http.MethodGet, url: url, limit: maxMedia} }

func (f *fetcher) do(ctx context.Context, q ask) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Origin", player)
	req.Header.Set("User-Agent", "tilecast-check")
	req.Header.Set("Accept-Encoding", "gzip")
	if q.byteRange != "" {
		req.Header.Set("Range", q.byteRange)
		req.Header.Set("Accept-Encoding", "identity")
	}
	for name, value := range q.header {
		if req.Header.Set(name, value); value == "" {
			req.Header.Del(name)
		}
	}
	a := &answer{ask: q, sent: f.now()}
	err = f.exchange(req, a)
	f.count(a, err, ctx.Err())
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (f *fetcher) exchange(req *http.Request, a *answer) error {
	resp, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	a.status, a.header, a.major, a.length = resp.StatusCode, resp.Header, resp.ProtoMajor, resp.ContentLength
	if to := resp.Request.URL.String(); to != a.url {
		a.moved = to
	}
	if err := a.read(resp.Body, f.now); err != nil {
		return err
	}
	a.wire = len(a.body)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && a.wire > 0 {
		a.zipped = true
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		if err == nil {
			a.body, err = io.ReadAll(io.LimitReader(z, a.limit))
		}
		if err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
	}
	return nil
}

// read takes the body and the time of its first byte.
func (a *answer) read(body io.Reader, now func() time.Time) error {
	var buf bytes.Buffer
	var one [1]byte
	n, err := body.Read(one[:])
	a.first = now()
	buf.Write(one[:n])
	for n == 0 && err == nil {
		n, err = body.Read(one[:])
		a.first = now()
		buf.Write(one[:n])
	}
	if err == nil {
		_, err = buf.ReadFrom(io.LimitReader(body, a.limit))
	} else if err == io.EOF {
		err = nil
	}
	a.done, a.body = now(), buf.Bytes()
	if int64(len(a.body)) > a.limit {
		return fmt.Errorf("%s is larger than %d MB", a.url, a.limit>>20)
	}
	return err
}

func (f *fetcher) count(a *answer, err, over error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	f.bytes += int64(a.wire)
	if err != nil && over == nil {
		f.failed++
	}
	if a.major > 0 && f.protocol == "" {
		f.protocol = map[int]string{1: "HTTP/1.1", 2: "HTTP/2", 3: "HTTP/3"}[a.major]
	}
}
