package lint

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// shield is a cache as it should be, but for one thing.
type shield struct {
	http.Handler
	flaw string

	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	ready  chan struct{}
	done   bool
	stored time.Time
	ttl    time.Duration
	status int
	header http.Header
	body   []byte
}

// behind puts a cache with a flaw in front of a handler; "" is none.
func behind(flaw string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return &shield{Handler: h, flaw: flaw, entries: map[string]*entry{}}
	}
}

func (s *shield) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.flaw == "there is none":
		s.Handler.ServeHTTP(w, r)
		return
	case r.Method == http.MethodOptions:
		if s.flaw == "no preflight" {
			refuse(w, http.StatusForbidden)
			return
		}
		s.Handler.ServeHTTP(w, r)
		return
	}
	e, own := s.find(r)
	if own {
		s.fetch(r, e)
	} else if !s.wait(r, e) {
		return
	}
	if s.flaw == "impatient" && own && e.status == http.StatusGatewayTimeout {
		refuse(w, e.status)
		return
	}
	s.deliver(w, r, e, own)
}

// key is what of a request tells one object from another.
func (s *shield) key(r *http.Request) string {
	q := r.URL.Query()
	var kept []string
	for _, name := range []string{"_HLS_msn", "_HLS_part", "_HLS_skip"} {
		if q.Has(name) && (s.flaw != "key without skip" || name != "_HLS_skip") && s.flaw != "key without directives" {
			kept = append(kept, name+"="+q.Get(name))
		}
	}
	query := strings.Join(kept, "&")
	if s.flaw == "key with all" {
		query = r.URL.RawQuery
	}
	key := r.URL.Path + "?" + query
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && s.flaw != "gzip for all" {
		key += " gzip"
	}
	if s.flaw == "cookie in the key" {
		key += r.Header.Get("Cookie")
	}
	return key
}

// find is the entry of a request; own says that its maker has to fetch it.
func (s *shield) find(r *http.Request) (e *entry, own bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.key(r)
	list := strings.HasSuffix(r.URL.Path, ".m3u8")
	if e = s.entries[key]; e != nil && (!e.done && s.flaw != "no collapsing" || e.done && time.Since(e.stored) < e.ttl) && s.flaw != "nothing is kept" && (s.flaw != "playlists are not kept" || !list || !e.done) {
		return e, false
	}
	e = &entry{ready: make(chan struct{})}
	s.entries[key] = e
	return e, true
}

// wait reports whether the entry came while the client was there.
func (s *shield) wait(r *http.Request, e *entry) bool {
	for s.flaw == "polling" {
		s.mu.Lock()
		done := e.done
		s.mu.Unlock()
		if done {
			return true
		}
		if !sleep(r, 650*time.Millisecond) {
			return false
		}
	}
	select {
	case <-e.ready:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *shield) fetch(r *http.Request, e *entry) {
	ctx := context.WithoutCancel(r.Context())
	if s.flaw == "impatient" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 700*time.Millisecond)
		defer cancel()
	}
	q := r.Clone(ctx)
	q.Method = http.MethodGet
	if s.flaw != "ranges are kept as wholes" {
		q.Header.Del("Range")
	}
	rec := httptest.NewRecorder()
	s.Handler.ServeHTTP(rec, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.status, e.header, e.body = rec.Code, rec.Header().Clone(), rec.Body.Bytes()
	if ctx.Err() != nil {
		e.status = http.StatusGatewayTimeout
	}
	e.ttl, _ = lifetime(e.header)
	switch {
	case s.flaw == "stale" && strings.HasSuffix(r.URL.Path, ".m3u8"):
		e.ttl += 10 * time.Second
	case s.flaw == "errors are kept" && e.status >= 400:
		e.ttl = 10 * time.Second
	case e.status == http.StatusPartialContent:
		e.status = http.StatusOK
		e.header.Del("Content-Range")
	}
	if s.flaw == "one page's answer for all" && r.Header.Get("Origin") != "" {
		e.header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	}
	e.stored, e.done = time.Now(), true
	close(e.ready)
}

func (s *shield) deliver(w http.ResponseWriter, r *http.Request, e *entry, own bool) {
	h := w.Header()
	maps.Copy(h, e.header)
	h.Set("X-Cache", map[bool]string{true: "MISS", false: "HIT"}[own])
	if s.flaw != "no Age" {
		h.Set("Age", strconv.Itoa(int(time.Since(e.stored).Seconds())))
	}
	if s.flaw == "Age is hidden" {
		h.Del("Access-Control-Expose-Headers")
	}
	if s.flaw == "sets a cookie" {
		h.Set("Set-Cookie", "edge=1")
	}
	if e.status == http.StatusOK && r.Header.Get("Range") != "" && s.flaw != "ranges are kept as wholes" {
		h.Del("Content-Length")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(e.body)))
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(e.body)))
	w.WriteHeader(e.status)
	if r.Method != http.MethodHead {
		w.Write(e.body)
	}
}

// cacheDefects are what is wrong with caches.
var cacheDefects = []defect{
	{"there is none", "CDN-1", "", behind("there is none"), nil},
	{"nothing is kept", "CDN-1", "CDN-2 CDN-4", behind("nothing is kept"), nil},
	{"playlists are not kept", "CDN-2", "CDN-4", behind("playlists are not kept"), nil},
	{"no Age", "CDN-3", "", behind("no Age"), nil},
	{"Age is hidden", "CDN-3/expose", "N-13/expose", behind("Age is hidden"), nil},
	{"no collapsing", "CDN-4", "", behind("no collapsing"), nil},
	{"polling", "CDN-5", "Q-4 P-11 C-9 R-6 PH-9 Q-3 Q-5 L-3", behind("polling"), nil},
	{"key without directives", "CDN-6", "Q-3 Q-4 Q-5 Q-12 Q-7 Q-8 CDN-2 CDN-7 P-11 K-1 K-2 K-3 K-5 L-3 C-9 R-3 R-6 PH-8 F-5 CDN-8", behind("key without directives"), nil},
	{"key without _HLS_skip", "CDN-6", "Q-12 Q-4 K-1 K-2 K-3 F-5 R-6", behind("key without skip"), nil},
	{"key with everything", "CDN-7", "", behind("key with all"), nil},
	{"stale playlists", "CDN-8", "CDN-13 C-4", behind("stale"), nil},
	{"gzip for all", "CDN-9", "N-6 N-6/vary", behind("gzip for all"), nil},
	{"ranges are kept as wholes", "CDN-10", "N-4 N-4/plain PH-7 P-3 P-4 F-5 G-1 N-7 L-11 L-4 L-6 P-13", behind("ranges are kept as wholes"), nil},
	{"one page's answer for all", "CDN-11", "N-13", behind("one page's answer for all"), nil},
	{"no preflight", "CDN-12", "", behind("no preflight"), nil},
	{"errors are kept", "CDN-13", "", behind("errors are kept"), nil},
	{"impatient", "CDN-14", "Q-3 Q-4 Q-5 L-3 P-11", behind("impatient"), nil},
	{"cookie in the key", "CDN-15", "", behind("cookie in the key"), nil},
	{"sets a cookie", "CDN-15", "N-8", behind("sets a cookie"), nil},
}

// A cache as it should be has no findings.
func TestGoodCache(t *testing.T) {
	rep := checkedBy(t, Config{For: 25 * time.Second, CDN: true}, behind(""))
	for _, f := range rep.Findings {
		if f.Rule != "N-1" {
			t.Errorf("%s %s %s %s: %s (%d)", f.Level, f.Rule, f.Where, f.At, f.Evidence, f.Count)
		}
	}
}

// What caches write is read.
func TestSource(t *testing.T) {
	for field, want := range map[string]verdictOf{
		"":                                     unsaid,
		"Via: 1.1 varnish":                     unsaid,
		"Cache-Status: edge; fwd=miss; stored": missed,
		"Cache-Status: shield; fwd=miss, edge; hit":  hit,
		"Cache-Status: edge; fwd=miss; collapsed=?1": hit,
		"CF-Cache-Status: HIT":                       hit,
		"CF-Cache-Status: DYNAMIC":                   missed,
		"CF-Cache-Status: EXPIRED":                   missed,
		"CF-Cache-Status: REVALIDATED":               hit,
		"X-Cache: Hit from cloudfront":               hit,
		"X-Cache: RefreshHit from cloudfront":        hit,
		"X-Cache: Miss from cloudfront":              missed,
		"X-Cache: MISS, HIT":                         hit,
		"X-Cache: HIT, MISS":                         missed,
		"X-Cache: TCP_HIT from a23-4 (AkamaiGHost)":  hit,
		"X-Cache-Status: BYPASS":                     missed,
		"X-Varnish: 32770":                           missed,
		"X-Varnish: 32770 15":                        hit,
		"Age: 0":                                     unsaid,
		"Age: 12":                                    hit,
	} {
		h := http.Header{}
		if name, value, ok := strings.Cut(field, ": "); ok {
			h.Set(name, value)
		}
		if got := source(h); got != want {
			t.Errorf("%q: %v, want %v", field, got, want)
		}
	}
}
