package room

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"tilecast/compositor/codec"
	"tilecast/ingest"
	"tilecast/origin"
	"tilecast/origin/archive"
)

// Publisher makes programs reachable under their room's address. The origin implements it.
type Publisher interface {
	Publish(room string, p *origin.Program)
}

// Rooms is every room of one gateway; it lets broadcasters in (ingest.Admitter).
type Rooms struct {
	codecs codec.Set
	pub    Publisher
	store  *archive.Store // nil: nothing is kept
	log    *slog.Logger
	wg     sync.WaitGroup // program goroutines

	mu     sync.Mutex
	rooms  map[string]*Room
	closed bool
	stop   chan struct{} // closed by Close
}

// New makes the rooms of cfgs. Programs that were on air when the process before ended go on, if store has them, and
// rooms that start always are on air when it returns. Without a store nothing is kept.
func New(cfgs []Config, codecs codec.Set, pub Publisher, store *archive.Store, log *slog.Logger) (*Rooms, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	rs := &Rooms{codecs: codecs, pub: pub, store: store, log: log, rooms: map[string]*Room{}, stop: make(chan struct{})}
	for _, cfg := range cfgs {
		if err := cfg.Validate(); err != nil {
			return nil, err
		}
		if rs.rooms[cfg.Name] != nil {
			return nil, fmt.Errorf("room %s is there twice", cfg.Name)
		}
		rs.rooms[cfg.Name] = newRoom(rs, cfg)
	}
	for _, r := range rs.all() {
		r.resume()
		if r.config().Start != Always {
			continue
		}
		if err := r.start(); err != nil {
			rs.Close(context.Background())
			return nil, fmt.Errorf("room %s: %w", r.name, err)
		}
	}
	if store != nil {
		rs.wg.Go(func() { rs.sweep(rs.stop) })
	}
	return rs, nil
}

// Allow says whether who has token may publish to room. It implements ingest.Admitter.
func (rs *Rooms) Allow(room, token string) error {
	rs.mu.Lock()
	r := rs.rooms[room]
	rs.mu.Unlock()
	if r == nil {
		return fmt.Errorf("%w: %q is not among the rooms of the configuration", ingest.ErrNoRoom, room)
	}
	want := r.config().PublishToken
	if want != "" && subtle.ConstantTimeCompare([]byte(token), []byte(want)) != 1 {
		return ingest.ErrToken
	}
	return nil
}

// Admit gives r a seat in its room, whose program starts if it has to. It
// implements ingest.Admitter.
func (rs *Rooms) Admit(ctx context.Context, req ingest.Request) (ingest.Seat, error) {
	rs.mu.Lock()
	r, closed := rs.rooms[req.Room], rs.closed
	rs.mu.Unlock()
	switch {
	case closed:
		return nil, fmt.Errorf("%w: the gateway is shutting down", ingest.ErrFull)
	case r == nil:
		return nil, fmt.Errorf("%w: %q is not among the rooms of the configuration", ingest.ErrNoRoom, req.Room)
	}
	if err := rs.Allow(req.Room, req.Token); err != nil {
		return nil, err
	}
	return r.admit(ctx, req, rs.strain())
}

// Apply changes a room: its look at once and at one frame, its plan, canvas and
// ladder with the next program; those are named in later.
func (rs *Rooms) Apply(cfg Config) (later []string, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	rs.mu.Lock()
	r := rs.rooms[cfg.Name]
	rs.mu.Unlock()
	if r == nil {
		return nil, fmt.Errorf("%w: %q", ingest.ErrNoRoom, cfg.Name)
	}
	return r.apply(cfg), nil
}

// Merge changes a room by what differs between two configurations of it, as Apply does; what was changed
// by other means since before was applied stays as it is.
func (rs *Rooms) Merge(before, after Config) (later []string, err error) {
	rs.mu.Lock()
	r := rs.rooms[after.Name]
	rs.mu.Unlock()
	if r == nil {
		return nil, fmt.Errorf("%w: %q", ingest.ErrNoRoom, after.Name)
	}
	return r.merge(before, after)
}

// Config is the configuration that a room has now; the zero one where there is no such room.
func (rs *Rooms) Config(name string) Config {
	rs.mu.Lock()
	r := rs.rooms[name]
	rs.mu.Unlock()
	if r == nil {
		return Config{}
	}
	return r.config()
}

// Close ends every program: encoders flush, playlists get their ENDLIST. It
// returns when all of it is written, or with ctx's error.
func (rs *Rooms) Close(ctx context.Context) error {
	rs.mu.Lock()
	if !rs.closed {
		rs.closed = true
		close(rs.stop)
	}
	rs.mu.Unlock()
	for _, r := range rs.all() {
		r.stop("the gateway is shutting down")
	}
	defer func() {
		for _, r := range rs.all() {
			r.events.Close()
		}
	}()
	done := make(chan struct{})
	go func() { // ends with the last program
		rs.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("programs still flushing: %w", ctx.Err())
	}
}

func (rs *Rooms) isClosed() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.closed
}

// List is the state of every room, by name.
func (rs *Rooms) List() []Status {
	all := rs.all()
	list := make([]Status, len(all))
	for i, r := range all {
		list[i] = r.status()
	}
	return list
}

func (rs *Rooms) all() []*Room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.SortedFunc(maps.Values(rs.rooms), func(a, b *Room) int { return strings.Compare(a.name, b.name) })
}
