package origin

import (
	"net/http"
	"strconv"
	"strings"

	"tilecast/packager"
)

// openEnd is the last byte position of who wants all that comes (PH-7, RFC 8673).
const openEnd = 1<<53 - 1

// grow answers for a segment that is being made, where its parts are byte ranges of it: parts that are there at once, the
// others as each is whole, until the segment is (PH-8, PH-9). A range that has its end is answered when all of
// it is there. Nothing is sent before the first byte that is wanted can be; an answer without an end may not be kept by
// caches, which would take what came so far for all.
func (s *Stream) grow(w http.ResponseWriter, r *http.Request, name string, msn int64) {
	from, to, ranged := openRange(r)
	g := growth{s: s, msn: msn}
	least := from + 1
	if to < openEnd {
		least = to + 1
	}
	if err := g.reach(r, least); err != nil {
		fail(w, http.StatusServiceUnavailable, noStore, err.Error())
		return
	}
	switch {
	case g.whole && g.size <= from: // a hint that was given up (PH-10)
		fail(w, http.StatusNotFound, noStore, errNoFile.Error())
	case g.whole:
		s.serve(w, r, name, s.mediaType(), g.parts)
	case to < openEnd:
		s.growHead(w, from, to, true)
		w.Header()["Cache-Control"] = immutable // these bytes are what they are
		w.Header()["Content-Length"] = []string{strconv.FormatInt(to+1-from, 10)}
		w.WriteHeader(http.StatusPartialContent)
		writeRange(w, g.parts, from, to+1)
	default:
		s.growHead(w, from, to, ranged)
		if ranged {
			w.WriteHeader(http.StatusPartialContent)
		}
		if r.Method != http.MethodHead {
			g.stream(w, r, from)
		}
	}
}

// openRange is the range that r asks for of a resource whose size nobody knows yet; the last bytes of it cannot be asked for.
func openRange(r *http.Request) (from, to int64, ranged bool) {
	list := r.Header["Range"]
	if len(list) != 1 || r.Method != http.MethodGet || r.Header["If-Range"] != nil || strings.Contains(list[0], "=-") {
		return 0, openEnd, false
	}
	from, end, ok := parseRange(list[0], openEnd+1)
	if !ok || from >= end {
		return 0, openEnd, false
	}
	return from, end - 1, true
}

func (s *Stream) growHead(w http.ResponseWriter, from, to int64, ranged bool) {
	h := w.Header()
	h["Cache-Control"] = noStore
	h["Accept-Ranges"] = rangesBytes
	h["Content-Type"] = s.mediaType()
	if ranged {
		h["Content-Range"] = []string{"bytes " + strconv.FormatInt(from, 10) + "-" + strconv.FormatInt(to, 10) + "/*"}
	}
}

// growth is what is there of a segment.
type growth struct {
	s     *Stream
	msn   int64
	parts []packager.Part
	size  int64
	whole bool // nothing more comes
	next  <-chan struct{}
}

// look takes in what is there now.
func (g *growth) look() {
	v := g.s.current.Load()
	g.next = v.next
	g.whole = v.ended || g.msn != v.openMSN
	if g.parts = v.open; g.whole {
		g.parts = nil
		if seg := v.segment(g.msn); seg != nil {
			g.parts = seg.parts
		}
	}
	g.size = 0
	for i := range g.parts {
		g.size += int64(len(g.parts[i].Data))
	}
}

// reach waits until the segment has that many bytes or is whole, for three target durations at most (PH-12).
func (g *growth) reach(r *http.Request, size int64) error {
	g.s.waiting.Add(1)
	defer g.s.waiting.Add(-1)
	limit := g.s.program.holdTimer()
	defer g.s.program.release(limit)
	for g.look(); g.size < size && !g.whole; g.look() {
		select {
		case <-g.next:
		case <-limit.C:
			g.s.late.Add(1)
			return errTooSlow
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	return nil
}

// stream sends everything from an offset on, each part when it is whole. A connection whose answer cannot be completed
// is cut, so that nobody takes it for complete.
func (g *growth) stream(w http.ResponseWriter, r *http.Request, sent int64) {
	flush := http.NewResponseController(w)
	for {
		writeRange(w, g.parts, sent, g.size)
		sent = g.size
		if g.whole || flush.Flush() != nil {
			return
		}
		if g.reach(r, sent+1) != nil {
			panic(http.ErrAbortHandler)
		}
	}
}
