package origin

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Values of header fields, shared by all answers. Nobody writes to them: they are full, so
// even an append by a wrapping handler makes a copy.
var (
	anyOrigin   = []string{"*"}
	exposed     = []string{"Age, Date, ETag, Content-Length, Content-Range"} // N-13
	typeM3U8    = []string{"application/vnd.apple.mpegurl"}                  // N-11
	typeVideo   = []string{"video/mp4"}
	typeAudio   = []string{"audio/mp4"}
	typeSegment = []string{"video/iso.segment"}
	typeText    = []string{"text/plain; charset=utf-8"}
	encGzip     = []string{"gzip"}
	varyEnc     = []string{"Accept-Encoding"}
	rangesBytes = []string{"bytes"}
	immutable   = []string{"public, max-age=31536000, immutable"}
	noStore     = []string{"no-store"}
	soon        = []string{"max-age=1"} // may well be there in a moment
)

// lifetimes are the Cache-Control values of a program (N-15, N-16, DESIGN section 6).
type lifetimes struct {
	own   []string // a playlist released by its own directives: nobody asks for it once it is old
	plain []string // a playlist that holds now
	gone  []string // media that will not come back
}

func newLifetimes(target int) lifetimes {
	age := func(s int) []string { return []string{"public, max-age=" + strconv.Itoa(s)} }
	return lifetimes{own: age(6 * target), plain: age(max(1, target/2)), gone: age(4 * target)}
}

// priority is the RFC 9218 urgency of playlists, and of media from the sound to the largest rung: a higher
// bit rate never goes first (N-2).
var priority = [...][]string{{"u=1"}, {"u=2"}, {"u=3"}, {"u=4"}, {"u=5"}, {"u=6"}}

// preflight answers OPTIONS, for CORS and for the curious.
func preflight(h http.Header) {
	h["Access-Control-Allow-Methods"] = []string{"GET, HEAD, OPTIONS"}
	h["Access-Control-Allow-Headers"] = []string{"*, Authorization, Range"}
	h["Access-Control-Max-Age"] = []string{"86400"}
	h["Allow"] = []string{"GET, HEAD, OPTIONS"}
}

// fail answers with an error that says what is wrong. cache is its Cache-Control.
func fail(w http.ResponseWriter, status int, cache []string, msg string) {
	h := w.Header()
	h["Content-Type"] = typeText
	h["Cache-Control"] = cache
	h["Content-Length"] = []string{strconv.Itoa(len(msg) + 1)}
	if status == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{"1"}
	}
	w.WriteHeader(status)
	w.Write(append([]byte(msg), '\n'))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(values []string) bool {
	star := false
	for _, list := range values {
		for list != "" {
			var item string
			item, list, _ = strings.Cut(list, ",")
			name, params, _ := strings.Cut(item, ";")
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, "gzip") || strings.EqualFold(name, "x-gzip"):
				return !refused(params)
			case name == "*":
				star = !refused(params)
			}
		}
	}
	return star
}

// refused reports a weight of zero.
func refused(params string) bool {
	key, value, _ := strings.Cut(params, "=")
	return strings.EqualFold(strings.TrimSpace(key), "q") && strings.Trim(strings.TrimSpace(value), "0.") == ""
}

// matches reports whether an If-None-Match field names tag (RFC 9110, 13.1.2).
func matches(values []string, tag string) bool {
	for _, list := range values {
		for list != "" {
			var item string
			item, list, _ = strings.Cut(list, ",")
			item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
			if item == tag || item == "*" {
				return true
			}
		}
	}
	return false
}

// hold is how long a request is parked at most: three target durations (Q-10, PH-12).
func (p *Program) hold() time.Duration { return 3 * time.Duration(p.cfg.Plan.Target) * time.Second }

// holdTimer fires when a request has been parked for too long. Give it back with release.
func (p *Program) holdTimer() *time.Timer {
	if t, ok := p.timers.Get().(*time.Timer); ok {
		t.Reset(p.hold())
		return t
	}
	return time.NewTimer(p.hold())
}

func (p *Program) release(t *time.Timer) {
	t.Stop()
	p.timers.Put(t)
}

// label is what the header of a file's answer says of it, made once for the many who ask for the same file at
// about the same time.
type label struct {
	name         string
	size         int64
	etag, length []string
}

// labels are the latest of a stream, by a hash of the name.
type labels [64]atomic.Pointer[label]

func (s *Stream) label(name string, size int64) *label {
	hash := uint(0)
	for i := range len(name) {
		hash = hash*31 + uint(name[i])
	}
	slot := &s.labels[hash%uint(len(s.labels))]
	if l := slot.Load(); l != nil && l.name == name && l.size == size {
		return l
	}
	l := &label{strings.Clone(name), size, []string{`"` + name + `"`}, []string{strconv.FormatInt(size, 10)}}
	slot.Store(l)
	return l
}
