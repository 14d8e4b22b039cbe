package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tilecast/media"
)

// Recording is what can be said of one.
type Recording struct {
	Room    string     `json:"room"`
	Program string     `json:"program"`
	Began   time.Time  `json:"began"`
	Ended   *time.Time `json:"ended,omitempty"` // absent while the program goes on
	Length  float64    `json:"seconds"`
	Bytes   int64      `json:"bytes"`
	Going   bool       `json:"recording,omitempty"` // more is being recorded
	URL     string     `json:"url"`
	Files   []string   `json:"files"`         // one MP4 for each rung, and the sound
	Iso     []string   `json:"iso,omitempty"` // what single broadcasters sent
}

// Recordings are those of a room, oldest first.
func (s *Store) Recordings(room string) []Recording {
	all := []Recording{}
	for _, l := range s.Programs(room) {
		iso, _ := filepath.Glob(filepath.Join(l.dir, isoFolder, "*.mp4"))
		if !l.Recorded() && len(iso) == 0 {
			continue
		}
		r, err := l.recording()
		if err != nil {
			s.log.Warn("archive: recording can't be read", "program", l.ID, "err", err)
			continue
		}
		for _, name := range iso {
			r.Iso = append(r.Iso, l.address()+isoFolder+"/"+url.PathEscape(filepath.Base(name)))
		}
		all = append(all, r)
	}
	return all
}

// address is where a program's recording is.
func (l *Loaded) address() string {
	return "/rec/" + url.PathEscape(l.Room) + "/" + url.PathEscape(l.ID) + "/"
}

// recording is what can be said of l, but for what broadcasters sent. Of a program that is over it is found once.
func (l *Loaded) recording() (r Recording, err error) {
	if r, ok := l.store.ended.Load(l.dir); ok && !l.Ended.IsZero() {
		return r.(Recording), nil
	}
	err = l.outlined(context.Background(), func(*outline) { r = l.recorded(nil).recording(l) })
	if err == nil && !l.Ended.IsZero() {
		l.store.ended.Store(l.dir, r)
	}
	return r, err
}

func (c cut) recording(l *Loaded) Recording {
	at := l.address()
	r := Recording{Room: l.Room, Program: l.ID, Began: l.Lives[0].Began, URL: at + "index.m3u8", Files: []string{}}
	for _, st := range c.streams {
		r.Files = append(r.Files, at+url.PathEscape(st.Name)+".mp4")
		length := media.Time(0)
		for i := range st.Segments {
			r.Bytes += st.Segments[i].Size
			length += st.Segments[i].Dur
		}
		r.Length = max(r.Length, length.Seconds())
	}
	if !c.empty() {
		seg := &c.streams[0].Segments[0]
		r.Began = l.Wall(seg.Life, seg.Start)
	}
	if n := len(l.Takes); n > 0 {
		r.Going = l.Takes[n-1].To == 0
	}
	if !l.Ended.IsZero() {
		r.Ended = new(time.Time)
		*r.Ended = l.Ended
	}
	return r
}

// ServeHTTP answers GET /rec/{room}/{program}/…, whoever knows the program's id:
//
//	index.m3u8, {canvas}.m3u8     multivariant playlists; VOD once the program is over, EVENT before
//	{stream}/…                    media playlist, init sections and segments
//	{stream}.mp4?from=&to=        a rung with the sound, or the sound, in one file; or a clip of it
//	iso/{file}.mp4                what a broadcaster sent
//
// from and to are seconds or a length such as 1m30s from the recording's beginning, or RFC 3339 dates. Everything can
// be had in ranges.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Content-Length, Content-Range, ETag")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "*, Authorization, Range")
		if r.Method != http.MethodOptions {
			problem(w, http.StatusMethodNotAllowed, "only GET, HEAD and OPTIONS are answered here")
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/rec/"), "/")
	for _, p := range path {
		if p == "" || p[0] == '.' || strings.ContainsAny(p, `\`+"\x00") {
			problem(w, http.StatusNotFound, "no such recording")
			return
		}
	}
	if len(path) < 3 || len(path) > 4 {
		problem(w, http.StatusNotFound, "a recording is at /rec/ROOM/PROGRAM/index.m3u8")
		return
	}
	defer s.serving.Add(-1)
	if s.serving.Add(1) > maxServing {
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, "too many read recordings now: try again")
		return
	}
	l, err := s.manifest(path[0], path[1])
	if err != nil {
		problem(w, http.StatusNotFound, "no such recording")
		return
	}
	if len(path) == 4 && path[2] == isoFolder {
		l.file(w, r, filepath.Join(isoFolder, path[3]), ".mp4")
		return
	}
	switch {
	case !l.Recorded():
		problem(w, http.StatusNotFound, "this program is not recorded")
	case len(path) == 4:
		l.media(w, r, path[2], path[3])
	case strings.HasSuffix(path[2], ".m3u8"):
		l.playlists(w, r, "", path[2])
	case strings.HasSuffix(path[2], ".mp4"):
		l.progressive(w, r, strings.TrimSuffix(path[2], ".mp4"))
	default:
		problem(w, http.StatusNotFound, "no such file in this recording")
	}
}

func problem(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// file serves a file, if its name ends as it should. While the program goes on it may still grow, and no cache may keep it.
func (l *Loaded) file(w http.ResponseWriter, r *http.Request, name string, ends ...string) {
	for _, end := range ends {
		if !strings.HasSuffix(name, end) {
			continue
		}
		f, err := os.Open(filepath.Join(l.dir, name))
		if err != nil {
			break
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			break
		}
		kind := "video/mp4"
		if end == ".m4s" {
			kind = "video/iso.segment"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-store")
		if !l.Ended.IsZero() {
			w.Header().Set("Cache-Control", "public, max-age=86400")
		}
		http.ServeContent(patient{w, http.NewResponseController(w)}, r, "", info.ModTime(), f)
		return
	}
	problem(w, http.StatusNotFound, "no such file in this recording")
}

// media serves what is in a stream's folder.
func (l *Loaded) media(w http.ResponseWriter, r *http.Request, stream, name string) {
	if name == "stream.m3u8" {
		l.playlists(w, r, stream, name)
		return
	}
	if msn, ok := number([]byte(strings.TrimSuffix(name, ".m4s"))); ok && !l.has(msn) {
		problem(w, http.StatusNotFound, "this segment is not recorded")
		return
	}
	l.file(w, r, filepath.Join(stream, name), ".m4s", ".mp4")
}

// playlists serves a playlist: as it was written at the end, or made now.
func (l *Loaded) playlists(w http.ResponseWriter, r *http.Request, stream, name string) {
	text, err := os.ReadFile(filepath.Join(l.dir, stream, name))
	if err != nil || l.Ended.IsZero() {
		if text, err = l.playlistNow(r.Context(), stream, name); err != nil {
			problem(w, http.StatusNotFound, "no such playlist in this recording")
			return
		}
	}
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	w.Header().Set("Cache-Control", "max-age=1")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

// playlistNow makes a playlist of what there is by now. It is the same for all who ask until more comes.
func (l *Loaded) playlistNow(ctx context.Context, stream, name string) (text []byte, err error) {
	key := stream + "/" + name
	outlineErr := l.outlined(ctx, func(o *outline) {
		if text = o.texts[key]; text == nil {
			if text, err = l.makePlaylist(stream, name); err == nil {
				o.texts[key] = text
			}
		}
	})
	return text, errors.Join(outlineErr, err)
}

func (l *Loaded) makePlaylist(stream, name string) ([]byte, error) {
	if stream != "" {
		c := l.recorded(func(st *LoadedStream) bool { return st.Name == stream })
		if len(c.streams) == 0 {
			return nil, os.ErrNotExist
		}
		if c.empty() {
			return nil, errNothing
		}
		return c.playlist(&c.streams[0]), nil
	}
	c := l.recorded(nil)
	if c.empty() {
		return nil, errNothing
	}
	canvas := strings.TrimSuffix(name, ".m3u8")
	for i, have := range c.canvases() {
		if have == canvas || canvas == "index" && i == 0 {
			return c.multivariant(have), nil
		}
	}
	return nil, os.ErrNotExist
}

// progressive serves a rung as one file, or a clip of it.
func (l *Loaded) progressive(w http.ResponseWriter, r *http.Request, stream string) {
	p, span, err := l.gather(r, stream)
	var bad badClip
	switch {
	case r.Context().Err() != nil:
		problem(w, http.StatusServiceUnavailable, "others are being served: try again")
		return
	case errors.As(err, &bad):
		problem(w, http.StatusBadRequest, err.Error())
		return
	case errors.Is(err, os.ErrNotExist):
		problem(w, http.StatusNotFound, "no such rendition in this recording")
		return
	case errors.Is(err, errNothing):
		problem(w, http.StatusNotFound, err.Error())
		return
	case err != nil:
		l.store.log.Error("recording cannot be put together", "program", l.ID, "stream", stream, "err", err)
		problem(w, http.StatusInternalServerError, "this recording cannot be put together")
		return
	}
	defer p.Close()
	h := w.Header()
	h.Set("Content-Type", "video/mp4")
	h.Set("Cache-Control", "no-store")
	if !l.Ended.IsZero() {
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("ETag", fmt.Sprintf(`"%s-%s-%d-%d-%d"`, l.ID, stream, span.From, span.To, p.Size()))
	}
	http.ServeContent(patient{w, http.NewResponseController(w)}, r, "", time.Time{}, p)
}

// badClip says what is wrong with from or to.
type badClip struct{ error }

// gather puts together what r asks for, which takes memory for each frame of it: so a few do it at a time, and the
// others wait. The caller closes it.
func (l *Loaded) gather(r *http.Request, stream string) (p *Progressive, span Range, err error) {
	select {
	case l.store.gathering <- struct{}{}:
		defer func() { <-l.store.gathering }()
	case <-r.Context().Done():
		return nil, span, r.Context().Err()
	}
	var c cut
	err = l.outlined(r.Context(), func(*outline) {
		c = l.recorded(func(st *LoadedStream) bool { return st.Name == stream || st.Canvas == "" })
	})
	if err != nil {
		return nil, span, fmt.Errorf("cannot be read: %v", err)
	}
	if span, err = c.clip(r.URL.Query()); err != nil {
		return nil, span, badClip{err}
	}
	p, err = l.join(c, stream, span)
	return p, span, err
}

// clip reads from and to.
func (c cut) clip(q url.Values) (Range, error) {
	span := everything
	var err error
	if s := q.Get("from"); s != "" {
		if span.From, err = c.position(s); err != nil {
			return span, fmt.Errorf("from=%s: %w", s, err)
		}
	}
	if s := q.Get("to"); s != "" {
		if span.To, err = c.position(s); err != nil {
			return span, fmt.Errorf("to=%s: %w", s, err)
		}
	}
	if span.To <= span.From {
		return span, errors.New("to must come after from")
	}
	return span, nil
}

var errPosition = errors.New("use seconds (90.5), a length of time (1m30s) or a date (2026-05-01T10:00:00Z)")

// position is a place in the recording's time.
func (c cut) position(s string) (media.Time, error) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		if !(v >= 0 && v < 1e9) {
			return 0, errPosition
		}
		return media.Time(v * float64(media.Second)), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return media.FromDuration(d), nil
	}
	at, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "+", 1)) // a + that was not escaped
	if err != nil {
		return 0, errPosition
	}
	return c.locate(at), nil
}

// locate is where a date is in the recording's time; one in a break is where that ends.
func (c cut) locate(at time.Time) (t media.Time) {
	if c.empty() {
		return 0
	}
	streams := make([]*LoadedStream, len(c.streams))
	for i := range c.streams {
		streams[i] = &c.streams[i]
	}
	bases := runs(streams)
	for i := range streams[0].Segments {
		s := &streams[0].Segments[i]
		start := bases[i] + s.Start
		into := media.FromDuration(at.Sub(c.m.Wall(s.Life, s.Start)))
		if into < s.Dur {
			return start + max(0, into)
		}
		t = start + s.Dur
	}
	return t
}

// patient is a writer whose client has a minute for each piece, however long the whole takes.
type patient struct {
	http.ResponseWriter
	c *http.ResponseController
}

// patience is how long a client may take for a piece.
const patience = time.Minute

func (p patient) Write(b []byte) (int, error) {
	p.c.SetWriteDeadline(time.Now().Add(patience))
	return p.ResponseWriter.Write(b)
}

// ReadFrom sends a file in pieces, by sendfile where the connection can.
func (p patient) ReadFrom(r io.Reader) (n int64, err error) {
	const piece = 4 << 20
	limit, ok := r.(*io.LimitedReader)
	if !ok {
		limit = &io.LimitedReader{R: r, N: 1<<63 - 1}
	}
	for {
		p.c.SetWriteDeadline(time.Now().Add(patience))
		m, err := io.Copy(p.ResponseWriter, &io.LimitedReader{R: limit.R, N: min(limit.N, piece)})
		limit.N -= m
		if n += m; err != nil || m < piece {
			return n, err
		}
	}
}
