package origin

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ServerConfig says how a Server behaves.
type ServerConfig struct {
	// Hold is how long a playlist request waits for a program that cannot be played yet,
	// before it is told 404; 0 is 5 s. Players do not try again after a 404 (H-9).
	Hold time.Duration
	Log  *slog.Logger
}

// Server answers /hls/…: it finds programs by room and id, and never waits for a lock.
type Server struct {
	hold time.Duration
	log  *slog.Logger

	rooms atomic.Pointer[map[string]*room] // replaced, never written to

	mu      sync.Mutex // of those who replace rooms
	waiting atomic.Int64
	counts  counts
	waits   waits
}

// room is what a room's address leads to. Immutable.
type room struct {
	current  *Program   // nil after Unpublish
	programs []*Program // current and those whose media can still be had
}

// NewServer makes a server without programs.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Hold <= 0 {
		cfg.Hold = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{hold: cfg.Hold, log: cfg.Log}
	s.rooms.Store(&map[string]*room{})
	return s
}

// Publish makes p the program of a room. The one before it stays reachable under its id, until a window
// after its end; then it is forgotten, and so is p in its time.
func (s *Server) Publish(name string, p *Program) {
	p.waits.Store(&s.waits)
	s.change(name, func(r room) room {
		if !slices.Contains(r.programs, p) {
			r.programs = append(slices.Clip(r.programs), p)
		}
		r.current = p
		return r
	})
	s.log.Debug("program published", "room", name, "program", p.cfg.ID)
	p.whenDone(func() {
		time.AfterFunc(p.MediaLife(), func() { s.forget(name, p) })
		p.retire()
	})
}

// Unpublish withdraws the program of a room: its playlists are gone at once, its media when those who have
// the last playlist are through with it (L-8). It does not end the program.
func (s *Server) Unpublish(name string) {
	r := (*s.rooms.Load())[name]
	if r == nil || r.current == nil {
		return
	}
	p := r.current
	p.pulled.Store(true)
	s.change(name, func(r room) room {
		if r.current == p {
			r.current = nil
		}
		return r
	})
	s.log.Info("program withdrawn", "room", name, "program", p.cfg.ID)
	time.AfterFunc(p.limits.available, func() { s.forget(name, p) })
}

// forget lets go of p and its media.
func (s *Server) forget(name string, p *Program) {
	s.change(name, func(r room) room {
		r.programs = slices.DeleteFunc(slices.Clone(r.programs), func(o *Program) bool { return o == p })
		if r.current == p {
			r.current = nil
		}
		return r
	})
}

// change replaces one room by what edit makes of it.
func (s *Server) change(name string, edit func(room) room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rooms := maps.Clone(*s.rooms.Load())
	var r room
	if old := rooms[name]; old != nil {
		r = *old
	}
	r = edit(r)
	if rooms[name] = &r; len(r.programs) == 0 {
		delete(rooms, name)
	}
	s.rooms.Store(&rooms)
}

// ServeHTTP answers below /hls/. Every answer may be read by any page (CORS); no
// cookie, no redirect, no Age (N-9, N-10, N-13).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.counts.begin(w)
	s.serve(c, r)
	s.counts.end(c)
}

// serve is ServeHTTP, counted.
func (s *Server) serve(w *counted, r *http.Request) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Expose-Headers"] = exposed
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		preflight(h)
		if r.Method != http.MethodOptions {
			fail(w, http.StatusMethodNotAllowed, noStore, "only GET, HEAD and OPTIONS are answered here")
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/hls/")
	name, rest, sub := strings.Cut(path, "/")
	room := (*s.rooms.Load())[name]
	if !ok || !sub || room == nil {
		fail(w, http.StatusNotFound, soon, "no such room, or it is not live")
		return
	}
	id, rest, sub := strings.Cut(rest, "/")
	if !sub {
		w.kind = kindMultivariant
		s.multivariant(w, r, room, id)
		return
	}
	rendition, file, _ := strings.Cut(rest, "/")
	w.kind = kindOf(file)
	stream := room.stream(id, rendition)
	switch {
	case stream == nil:
		fail(w, http.StatusNotFound, soon, "no such program or rendition: start again from the multivariant playlist")
	case file == "stream.m3u8":
		s.playlist(w, r, stream, full)
	case file == "iframes.m3u8" && stream.canvas != "":
		s.playlist(w, r, stream, frames)
	default:
		stream.file(w, r, file)
	}
}

func (r *room) stream(id, rendition string) *Stream {
	for _, p := range r.programs {
		if p.cfg.ID == id {
			return p.stream(rendition)
		}
	}
	return nil
}

// await waits for p to be ready and reports whether it is. Nobody waits for a program that
// is over.
func (s *Server) await(ctx context.Context, p *Program) bool {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	target := time.Duration(p.cfg.Plan.Target) * time.Second
	limit := time.NewTimer(max(s.hold, 3*target/2)) // the first segment takes one target duration
	defer limit.Stop()
	select {
	case <-p.ready:
	case <-p.done:
	case <-limit.C:
	case <-ctx.Done():
	}
	return p.isReady.Load()
}

// ServerStats describe a server at one moment.
type ServerStats struct {
	Rooms    int
	Programs int   // ended ones that can still be had included
	Waiting  int64 // requests that wait for a program to begin
	Parked   int64 // requests that wait for a part or a segment
	Requests []RequestStats
	Waits    WaitStats // of requests that were parked
}

// Stats are the server's figures.
func (s *Server) Stats() ServerStats {
	rooms := *s.rooms.Load()
	st := ServerStats{Rooms: len(rooms), Waiting: s.waiting.Load(), Requests: s.counts.stats(), Waits: s.waits.stats()}
	for _, r := range rooms {
		st.Programs += len(r.programs)
		for _, p := range r.programs {
			for _, stream := range *p.streams.Load() {
				st.Parked += stream.waiting.Load()
			}
		}
	}
	return st
}
