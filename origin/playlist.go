package origin

import (
	"errors"
	"net/http"
	"strings"
)

// multivariant answers /hls/{room}/index.m3u8 and /hls/{room}/{canvas}.m3u8.
func (s *Server) multivariant(w http.ResponseWriter, r *http.Request, room *room, file string) {
	name, ok := strings.CutSuffix(file, ".m3u8")
	p := room.current
	if !ok || p == nil || p.withdrawn() || !p.isReady.Load() && !s.await(r.Context(), p) {
		fail(w, http.StatusNotFound, soon, "nothing to play here now")
		return
	}
	c, ok := p.canvases[name]
	if !ok {
		fail(w, http.StatusNotFound, soon, "no such canvas: index.m3u8 is the default one")
		return
	}
	t := c[0]
	if acceptsGzip(r.Header["Accept-Encoding"]) {
		t = c[1]
	}
	t.serve(w, r, p.cache.plain)
}

// playlist answers with a media playlist: the segments, or with frames their key frames. Nothing is rendered here,
// unless this is the first request ever for this form of this version.
func (s *Server) playlist(w http.ResponseWriter, r *http.Request, st *Stream, kind form) {
	p := st.program
	if !p.isReady.Load() && !s.await(r.Context(), p) {
		fail(w, http.StatusNotFound, soon, "the program cannot be played yet")
		return
	}
	d := parseDirectives(r.URL.RawQuery)
	if kind == frames {
		d.part = -1 // there are no parts: whole segments are waited for
	}
	v, own, err := st.answer(r.Context(), d)
	switch {
	case err == nil:
	case errors.Is(err, errTooSlow) || r.Context().Err() != nil: // or the client has gone, or the server goes
		fail(w, http.StatusServiceUnavailable, noStore, err.Error())
		return
	default:
		fail(w, http.StatusBadRequest, noStore, err.Error())
		return
	}
	if v.ended && p.withdrawn() || p.pulled.Load() {
		fail(w, http.StatusNotFound, soon, "the program is over")
		return
	}
	f := kind
	if !v.ended {
		f |= d.skip
	}
	if acceptsGzip(r.Header["Accept-Encoding"]) {
		f |= gzipped
	}
	cache := p.cache.plain
	if own {
		cache = p.cache.own
	}
	v.form(f).serve(w, r, cache)
}

// serve writes t. The header's values are shared, never built.
func (t *text) serve(w http.ResponseWriter, r *http.Request, cache []string) {
	h := w.Header()
	h["Cache-Control"] = cache
	h["Etag"] = t.etag
	h["Vary"] = varyEnc
	if r.ProtoMajor >= 2 {
		h["Priority"] = priority[0]
	}
	if asked := r.Header["If-None-Match"]; asked != nil && matches(asked, t.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = typeM3U8
	h["Content-Length"] = t.length
	if t.zipped {
		h["Content-Encoding"] = encGzip
	}
	if r.Method != http.MethodHead {
		w.Write(t.data)
	}
}
