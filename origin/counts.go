package origin

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// kind is what a request asks for.
type kind int

const (
	kindOther kind = iota
	kindMultivariant
	kindPlaylist
	kindInit
	kindSegment
	kindPart
	kinds
)

var kindNames = [kinds]string{"other", "multivariant", "playlist", "init", "segment", "part"}

// kindOf tells by the name of a file in a rendition's folder.
func kindOf(file string) kind {
	switch {
	case strings.HasSuffix(file, ".m3u8"):
		return kindPlaylist
	case strings.HasPrefix(file, "init."):
		return kindInit
	case !strings.HasSuffix(file, ".m4s"):
		return kindOther
	case strings.Count(file, ".") > 1:
		return kindPart
	}
	return kindSegment
}

// codes are the statuses that are counted apart; the last is any other.
var codes = [...]int{200, 206, 204, 304, 400, 404, 405, 416, 503, 0}

// counts are those of all answers. No lock: each is a number of its own.
type counts struct {
	answers [kinds][len(codes)]atomic.Uint64
	bytes   [kinds]atomic.Uint64
	pool    sync.Pool // of *counted
}

// counted is an answer on its way.
type counted struct {
	http.ResponseWriter
	kind   kind
	status int
	bytes  int64
}

func (c *counts) begin(w http.ResponseWriter) *counted {
	a, ok := c.pool.Get().(*counted)
	if !ok {
		a = new(counted)
	}
	*a = counted{ResponseWriter: w, status: http.StatusOK}
	return a
}

func (c *counts) end(a *counted) {
	code := len(codes) - 1
	for i, s := range codes {
		if s == a.status {
			code = i
			break
		}
	}
	c.answers[a.kind][code].Add(1)
	c.bytes[a.kind].Add(uint64(a.bytes))
	a.ResponseWriter = nil
	c.pool.Put(a)
}

func (a *counted) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *counted) Write(b []byte) (int, error) {
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// ReadFrom leaves a file to the kernel where net/http can.
func (a *counted) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(a.ResponseWriter, r)
	a.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *counted) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// RequestStats count the answers of one kind and status; a status of 0 is any that is not counted apart.
type RequestStats struct {
	Kind   string
	Status int
	Count  uint64
	Bytes  uint64 // of bodies, of all statuses of the kind; with the first of them only
}

func (c *counts) stats() (all []RequestStats) {
	for k := range c.answers {
		for i := range c.answers[k] {
			r := RequestStats{Kind: kindNames[k], Status: codes[i], Count: c.answers[k][i].Load()}
			if i == 0 {
				r.Bytes = c.bytes[k].Load()
			}
			all = append(all, r)
		}
	}
	return all
}

// waitBounds are the upper ends of what is counted together.
var waitBounds = [...]time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 350 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second,
}

// waits count for how long requests were parked.
type waits struct {
	counts [len(waitBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

// waited counts a request that was parked since then.
func (p *Program) waited(since time.Time) {
	w := p.waits.Load()
	if w == nil {
		return
	}
	d := time.Since(since)
	i := 0
	for i < len(waitBounds) && d > waitBounds[i] {
		i++
	}
	w.counts[i].Add(1)
	w.sum.Add(int64(d))
}

// WaitStats are a histogram: Counts[i] waited no longer than Bounds[i], and longer than the bound before; the last
// of Counts longer than all.
type WaitStats struct {
	Bounds []time.Duration
	Counts []uint64
	Sum    time.Duration
}

func (w *waits) stats() WaitStats {
	st := WaitStats{Bounds: waitBounds[:], Sum: time.Duration(w.sum.Load())}
	for i := range w.counts {
		st.Counts = append(st.Counts, w.counts[i].Load())
	}
	return st
}
