package origin

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilecast/packager"
)

// errNoFile answers for media that does not exist.
var errNoFile = errors.New("no such media")

// file answers for an init section, a segment or a part. A name never means two things, so all can be kept for ever.
func (s *Stream) file(w http.ResponseWriter, r *http.Request, name string) {
	if k, ok := parseInit(name); ok && k < len(s.inits) {
		s.serve(w, r, name, s.initType(), []packager.Part{{Data: s.inits[k].init.Data}})
		return
	}
	c, whole, ok := parseName(name)
	if !ok || !whole && (!s.program.cfg.Plan.LowLatency() || s.program.cfg.Ranges) {
		fail(w, http.StatusNotFound, s.program.cache.gone, errNoFile.Error())
		return
	}
	if whole {
		v := s.current.Load()
		if seg := v.segment(c.MSN); seg != nil && !seg.gap {
			s.serve(w, r, name, s.mediaType(), seg.parts)
		} else if hint, ok := v.hinted(); ok && hint.MSN == c.MSN && s.program.cfg.Ranges {
			s.grow(w, r, name, c.MSN)
		} else if !s.fetch(w, r, name, v, c.MSN) {
			s.missing(w, v, c)
		}
		return
	}
	p, v, err := s.await(r, c)
	switch {
	case err == nil && p.Gap:
		fail(w, http.StatusNotFound, s.program.cache.gone, "this part never came (GAP=YES)")
	case err == nil:
		s.serve(w, r, name, s.mediaType(), []packager.Part{*p})
	case errors.Is(err, errNoFile):
		s.missing(w, v, c)
	default: // or the client has gone, or the server goes
		fail(w, http.StatusServiceUnavailable, noStore, err.Error())
	}
}

// await is the part at c: at once, or when it is whole if c is the hinted one (PH-8, PH-9). Not a byte and no
// header is sent before. errNoFile says that it does not exist in v, or that the hint was given up (PH-10).
func (s *Stream) await(r *http.Request, c Cursor) (p *packager.Part, v *version, err error) {
	v = s.current.Load()
	if p, err = v.awaited(c); p == nil && err == nil {
		return s.parkPart(r, v, c)
	}
	return p, v, err
}

// awaited is the part at c, or nothing while it is hinted.
func (v *version) awaited(c Cursor) (*packager.Part, error) {
	if p := v.find(c); p != nil {
		return p, nil
	}
	if hint, ok := v.hinted(); !ok || hint != c {
		return nil, errNoFile
	}
	return nil, nil
}

// parkPart waits for the part that is hinted in v, for three target durations at most (PH-12).
func (s *Stream) parkPart(r *http.Request, v *version, c Cursor) (p *packager.Part, _ *version, err error) {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	defer s.program.waited(time.Now())
	limit := s.program.holdTimer()
	defer s.program.release(limit)
	for p == nil && err == nil {
		select {
		case <-v.next:
			v = s.current.Load()
			p, err = v.awaited(c)
		case <-limit.C:
			s.late.Add(1)
			err = errTooSlow
		case <-r.Context().Done():
			err = r.Context().Err()
		}
	}
	return p, v, err
}

// missing answers 404: for long where c has passed in v, and for this once where it may come, since
// players do not ask again for what was not there (H-9, N-16).
func (s *Stream) missing(w http.ResponseWriter, v *version, c Cursor) {
	if v.gone(c.MSN) {
		s.missed.Add(1)
	}
	cache := noStore
	if v.ended || v.openMSN != 0 && c.MSN < v.openMSN {
		cache = s.program.cache.gone
	}
	fail(w, http.StatusNotFound, cache, errNoFile.Error())
}

// parseName reads {msn}.m4s and {msn}.{part}.m4s; whole says that it is the former. There is one
// way to write a number, or a cache would keep the same bytes twice.
func parseName(name string) (c Cursor, whole, ok bool) {
	base, ok := strings.CutSuffix(name, ".m4s")
	if !ok {
		return c, false, false
	}
	msn, part, two := strings.Cut(base, ".")
	c.MSN, ok = decimal(msn)
	if !ok || !two {
		return c, true, ok
	}
	n, ok := decimal(part)
	c.Part = int(n)
	return c, false, ok
}

// parseInit reads init.{k}.mp4.
func parseInit(name string) (k int, ok bool) {
	digits, ok := strings.CutPrefix(name, "init.")
	if !ok {
		return 0, false
	}
	digits, end := strings.CutSuffix(digits, ".mp4")
	n, valid := decimal(digits)
	return int(n), end && valid && n < 1<<31
}

func decimal(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil && (s[0] != '0' || len(s) == 1)
}

func (s *Stream) initType() []string {
	if s.init.Params.Audio != nil {
		return typeAudio
	}
	return typeVideo
}

func (s *Stream) mediaType() []string {
	if s.init.Params.Audio != nil {
		return typeAudio
	}
	return typeSegment
}

// serve writes the bytes of parts one after the other, or a range of them, without joining them.
func (s *Stream) serve(w http.ResponseWriter, r *http.Request, name string, kind []string, parts []packager.Part) {
	var size int64
	for i := range parts {
		size += int64(len(parts[i].Data))
	}
	if from, to, ok := s.head(w, r, name, kind, size); ok {
		writeRange(w, parts, from, to)
	}
}

// head writes the header of an answer with media of a size, and says which bytes are to follow, if any.
func (s *Stream) head(w http.ResponseWriter, r *http.Request, name string, kind []string, size int64) (from, to int64, body bool) {
	label := s.label(name, size)
	tag := label.etag[0]
	h := w.Header()
	h["Cache-Control"] = immutable
	h["Etag"] = label.etag
	h["Accept-Ranges"] = rangesBytes
	if r.ProtoMajor >= 2 {
		h["Priority"] = s.urgency()
	}
	if asked := r.Header["If-None-Match"]; asked != nil && matches(asked, tag) {
		w.WriteHeader(http.StatusNotModified)
		return 0, 0, false
	}
	from, to, status := wanted(r, tag, size)
	switch status {
	case http.StatusRequestedRangeNotSatisfiable:
		h["Content-Range"] = []string{"bytes */" + strconv.FormatInt(size, 10)}
		fail(w, status, noStore, "the range is outside of the file")
		return 0, 0, false
	case http.StatusPartialContent:
		h["Content-Range"] = []string{"bytes " + strconv.FormatInt(from, 10) + "-" +
			strconv.FormatInt(to-1, 10) + "/" + strconv.FormatInt(size, 10)}
	}
	h["Content-Type"] = kind
	if h["Content-Length"] = label.length; to-from != size {
		h["Content-Length"] = []string{strconv.FormatInt(to-from, 10)}
	}
	w.WriteHeader(status)
	return from, to, r.Method != http.MethodHead
}

// writeRange writes the bytes from..to of parts laid end to end.
func writeRange(w http.ResponseWriter, parts []packager.Part, from, to int64) {
	for i := range parts {
		data := parts[i].Data
		n := int64(len(data))
		if from < n && to > 0 {
			if _, err := w.Write(data[max(0, from):min(n, to)]); err != nil {
				return // the client is gone
			}
		}
		from, to = from-n, to-n
	}
}

// wanted is what a request asks for of a file: bytes from..to and 206, all of it and 200, or 416. A Range that
// is malformed, names several ranges or was meant for another version is ignored (RFC 9110, 14.2, 13.1.5).
func wanted(r *http.Request, tag string, size int64) (from, to int64, status int) {
	ranges := r.Header["Range"]
	if len(ranges) != 1 || r.Method != http.MethodGet {
		return 0, size, http.StatusOK
	}
	if cond := r.Header["If-Range"]; cond != nil && !slices.Contains(cond, tag) {
		return 0, size, http.StatusOK
	}
	from, to, ok := parseRange(ranges[0], size)
	switch {
	case !ok:
		return 0, size, http.StatusOK
	case from >= to:
		return 0, 0, http.StatusRequestedRangeNotSatisfiable
	}
	return from, to, http.StatusPartialContent
}

// parseRange reads "bytes=a-b", "bytes=a-" and "bytes=-n". to is exclusive and within size, so
// from >= to is a range that cannot be satisfied; ok is false for what is not a single range.
func parseRange(s string, size int64) (from, to int64, ok bool) {
	unit, spec, _ := strings.Cut(s, "=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !strings.EqualFold(unit, "bytes") || !dash {
		return 0, 0, false
	}
	if first == "" { // the last n bytes
		n, ok := offset(last)
		return max(0, size-n), size, ok
	}
	from, ok = offset(first)
	if !ok || last == "" {
		return from, size, ok
	}
	to, ok = offset(last)
	if to < from {
		return 0, 0, false
	}
	return from, min(to, size-1) + 1, ok // 9007199254740991 is an open end (PH-7)
}

// offset reads digits; what does not fit is beyond every file.
func offset(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 1<<63 - 2, true
	}
	return n, true
}

// urgency ranks the sound before the smallest rung and that before the larger ones (N-2).
func (s *Stream) urgency() []string {
	if s.init.Params.Video == nil {
		return priority[1]
	}
	rank := 2
	for _, o := range *s.program.streams.Load() {
		if v := o.init.Params.Video; v != nil && v.BitRate < s.init.Params.Video.BitRate {
			rank++
		}
	}
	return priority[min(rank, len(priority)-1)]
}
