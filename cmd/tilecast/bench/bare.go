package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"

	"tilecast/cmd/tilecast/canned"
	"tilecast/origin"
)

// bare is the least that an LL-HLS origin can be with net/http: answers that are in memory, a channel that is closed to
// wake who waits, no limits, no checks. What it answers are the bytes that ours renders, under the header
// fields that ours sends, or, where it is least, under a type, a length and an encoding alone.
type bare struct {
	least   bool
	ours    http.Handler // for what is asked once: the multivariant playlist, init sections
	streams map[string]*bareStream
	waiting atomic.Int64
}

type bareStream struct{ now atomic.Pointer[bareState] }

// bareState is what a stream holds after a part. Immutable.
type bareState struct {
	edge  origin.Cursor
	texts [2]bareText // the whole playlist, and a delta, in gzip
	parts map[string]bareText
	next  chan struct{} // closed after the next one
}

type bareText struct {
	data         []byte
	length, etag []string
}

func newText(b []byte, tag string) bareText {
	return bareText{b, []string{strconv.Itoa(len(b))}, []string{`"` + tag + `"`}}
}

var (
	bareOrigin  = []string{"*"}
	bareExposed = []string{"Age, Date, ETag, Content-Length, Content-Range"}
	bareShort   = []string{"public, max-age=12"}
	bareLong    = []string{"public, max-age=31536000, immutable"}
	bareVary    = []string{"Accept-Encoding"}
	bareRanges  = []string{"bytes"}
	bareFirst   = []string{"u=1"}
	bareThird   = []string{"u=3"}
	bareM3U8    = []string{"application/vnd.apple.mpegurl"}
	bareSegment = []string{"video/iso.segment"}
	bareGzip    = []string{"gzip"}
)

func newBare(p *canned.Program) *bare {
	b := &bare{ours: p.Server, streams: map[string]*bareStream{}}
	for _, s := range p.Origin.Stats().Streams {
		st := &bareStream{}
		st.now.Store(&bareState{next: make(chan struct{})})
		b.streams[s.Name] = st
	}
	return b
}

// step takes over what ours has published since; parts are those of stream k by name. The rendered
// texts are fetched from ours, as a request would.
func (b *bare) step(p *canned.Program, names []string, parts []bareText) {
	if !p.Origin.Live() {
		return
	}
	for k, s := range p.Origin.Stats().Streams {
		st := b.streams[s.Name]
		old := st.now.Load()
		state := &bareState{edge: s.Edge, parts: map[string]bareText{}, next: make(chan struct{})}
		for name, part := range old.parts {
			if msn, _, _ := strings.Cut(name, "."); msn >= strconv.FormatInt(s.Edge.MSN-4, 10) {
				state.parts[name] = part
			}
		}
		state.parts[names[k]] = parts[k]
		for i, query := range []string{"", "?_HLS_skip=v2"} {
			state.texts[i] = newText(b.rendered(mediaPath(s.Name)+"stream.m3u8"+query), strconv.FormatInt(s.Edge.MSN, 36)+"-"+strconv.Itoa(8*s.Edge.Part+i))
		}
		st.now.Store(state)
		close(old.next)
	}
}

func (b *bare) rendered(target string) []byte {
	r := httptest.NewRequestWithContext(context.Background(), "GET", target, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	b.ours.ServeHTTP(w, r)
	return bytes.Clone(w.Body.Bytes())
}

func mediaPath(stream string) string {
	return "/hls/" + canned.Room + "/" + canned.ID + "/" + stream + "/"
}

func (b *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.Path, "/hls/"+canned.Room+"/"+canned.ID+"/")
	name, file, _ := strings.Cut(path, "/")
	st := b.streams[name]
	switch {
	case st == nil || strings.HasPrefix(file, "init."):
		b.ours.ServeHTTP(w, r)
	case file == "stream.m3u8":
		st.playlist(b, w, r)
	default:
		st.part(b, w, r, file)
	}
}

func (st *bareStream) playlist(b *bare, w http.ResponseWriter, r *http.Request) {
	s := st.now.Load()
	want := origin.Cursor{MSN: number(r.URL.RawQuery, "_HLS_msn="), Part: int(number(r.URL.RawQuery, "_HLS_part="))}
	for s.edge.MSN < want.MSN || s.edge.MSN == want.MSN && s.edge.Part < want.Part {
		if s = st.wait(b, s, r); s == nil {
			return
		}
	}
	t := &s.texts[0]
	if strings.Contains(r.URL.RawQuery, "_HLS_skip") {
		t = &s.texts[1]
	}
	h := w.Header()
	h["Content-Type"], h["Content-Encoding"], h["Content-Length"] = bareM3U8, bareGzip, t.length
	if !b.least {
		h["Cache-Control"], h["Etag"], h["Vary"] = bareShort, t.etag, bareVary
		b.common(r, h, bareFirst)
	}
	w.Write(t.data)
}

func (st *bareStream) part(b *bare, w http.ResponseWriter, r *http.Request, file string) {
	s := st.now.Load()
	t, ok := s.parts[file]
	for !ok {
		if s = st.wait(b, s, r); s == nil {
			return
		}
		t, ok = s.parts[file]
	}
	h := w.Header()
	h["Content-Type"], h["Content-Length"] = bareSegment, t.length
	if !b.least {
		h["Cache-Control"], h["Etag"], h["Accept-Ranges"] = bareLong, t.etag, bareRanges
		b.common(r, h, bareThird)
	}
	w.Write(t.data)
}

func (b *bare) common(r *http.Request, h http.Header, priority []string) {
	h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = bareOrigin, bareExposed
	if r.ProtoMajor >= 2 {
		h["Priority"] = priority
	}
}

// wait is the state after s, or nil when the client has gone.
func (st *bareStream) wait(b *bare, s *bareState, r *http.Request) *bareState {
	b.waiting.Add(1)
	defer b.waiting.Add(-1)
	select {
	case <-s.next:
		return st.now.Load()
	case <-r.Context().Done():
		return nil
	}
}

// number is the one behind key, 0 where there is none.
func number(query, key string) (n int64) {
	i := strings.Index(query, key)
	if i < 0 {
		return 0
	}
	for _, c := range []byte(query[i+len(key):]) {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

func partName(c origin.Cursor) string { return fmt.Sprintf("%d.%d.m4s", c.MSN, c.Part) }
