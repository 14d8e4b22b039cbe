package origin

import (
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// ProgramConfig says what all streams of a program have in common. Nothing of it changes in its life.
type ProgramConfig struct {
	ID       string // unguessable: knowing it is the right to fetch media
	Plan     packager.Plan
	FirstMSN int64                      // no segment has a lower number
	Wall     func(media.Time) time.Time // PROGRAM-DATE-TIME of a media time; nil counts from now
	Window   media.Time                 // of a playlist; 0 is 60 s, and it is never below six target durations
	Event    bool                       // the playlist keeps everything (EXT-X-PLAYLIST-TYPE:EVENT), which needs Keep; Window then says how long it outlives the end

	// Ranges lists parts as byte ranges of their segment, which grows; else each has a resource of its own.
	Ranges bool

	// Keep is asked, as a stream is added, for the place where its parts are kept beyond memory; nil: there is none.
	Keep func(stream, canvas string, in packager.Init) Shelf
	// Past is what the streams of a program that goes on had published before, by name; see Resume. What is taken is deleted.
	Past map[string]History

	Log *slog.Logger
}

// Program is a set of streams that are played together. It can be asked for once every
// stream has a complete segment that all have (C-4, H-14), and is over when every stream is finished.
type Program struct {
	cfg    ProgramConfig
	limits limits

	streams atomic.Pointer[[]*Stream] // grows before the first Append only
	isReady atomic.Bool
	ready   chan struct{}
	done    chan struct{}
	ended   atomic.Pointer[time.Time] // when the last stream finished
	cache   lifetimes
	timers  sync.Pool             // of requests that were parked
	waits   atomic.Pointer[waits] // of the server that publishes it

	canvases map[string]canvas // written once, before ready
	pulled   atomic.Bool       // withdrawn before its time
	events   *packager.Events
	news     news
	reading  atomic.Int64 // answers that come from a shelf now
	floor    atomic.Int64 // no segment below it is listed any more: some stream has lost it

	mu    sync.Mutex // of changes in the program's life
	hooks []func()   // run once it is over
	over  bool
}

// NewProgram makes a program without streams.
func NewProgram(cfg ProgramConfig) *Program {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Wall == nil {
		cfg.Wall = media.NewClock(time.Now()).Wall
	}
	if cfg.Window <= 0 {
		cfg.Window = 60 * media.Second
	}
	cfg.Window = max(cfg.Window, 6*media.Time(cfg.Plan.Target)*media.Second)
	cfg.Event = cfg.Event && cfg.Keep != nil
	p := &Program{
		cfg: cfg, limits: newLimits(cfg.Plan, cfg.Window, cfg.Keep != nil, cfg.Event), cache: newLifetimes(cfg.Plan.Target),
		ready: make(chan struct{}), done: make(chan struct{}), events: packager.NewEvents(cfg.Plan, cfg.FirstMSN),
	}
	p.streams.Store(new([]*Stream))
	return p
}

// AddVideo adds a rung of a canvas. The first one's canvas is the default. Call it before the first Append
// to any stream; the pair is unique in the program, "audio" is taken.
func (p *Program) AddVideo(canvas, rung string, in packager.Init) *Stream {
	return p.add(newStream(p, canvas+"-"+rung, canvas, in))
}

// AddAudio adds a rendition of the sound of all canvases. The first is what is heard with the pictures; any
// other is a variant of its own, for who has no bandwidth for pictures. Call it before the first Append; the
// name is unique in the program.
func (p *Program) AddAudio(name string, in packager.Init) *Stream {
	return p.add(newStream(p, name, "", in))
}

func (p *Program) add(s *Stream) *Stream {
	s.restore(p.cfg.Past[s.name])
	delete(p.cfg.Past, s.name)
	s.report = "../" + url.PathEscape(s.name) + "/stream.m3u8"
	p.mu.Lock()
	defer p.mu.Unlock()
	all := append([]*Stream(nil), *p.streams.Load()...)
	all = append(all, s)
	p.streams.Store(&all)
	return s
}

// raise takes all segments below msn off every playlist, each with its next part.
func (p *Program) raise(msn int64) {
	for {
		floor := p.floor.Load()
		if floor >= msn || p.floor.CompareAndSwap(floor, msn) {
			return
		}
	}
}

// Resume opens a program that goes on, once all streams are added: what it had can be played at once.
func (p *Program) Resume() { p.settle() }

// stream finds a rendition by its folder.
func (p *Program) stream(name string) *Stream {
	for _, s := range *p.streams.Load() {
		if s.name == name {
			return s
		}
	}
	return nil
}

// ID is the program's, as in URLs.
func (p *Program) ID() string { return p.cfg.ID }

// Ready is closed once the program can be played.
func (p *Program) Ready() <-chan struct{} { return p.ready }

// Done is closed once every stream is finished.
func (p *Program) Done() <-chan struct{} { return p.done }

// Live reports whether the program can be played and goes on.
func (p *Program) Live() bool { return p.isReady.Load() && p.ended.Load() == nil }

// Finish ends every stream.
func (p *Program) Finish() {
	for _, s := range *p.streams.Load() {
		s.Finish()
	}
	p.finished()
}

// settle makes the program ready when it can be: the first segment in every playlist is the
// first that all streams have, and all have it whole (C-4, H-14).
func (p *Program) settle() {
	if p.isReady.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	streams := *p.streams.Load()
	var first int64
	for _, s := range streams {
		v := s.current.Load()
		if v.complete() == 0 {
			return
		}
		first = max(first, v.first)
	}
	for _, s := range streams {
		if s.current.Load().lastMSN() < first {
			return
		}
	}
	if p.isReady.Load() {
		return
	}
	for _, s := range streams {
		s.start(first)
	}
	p.canvases = renderCanvases(&p.cfg, streams)
	p.isReady.Store(true)
	close(p.ready)
	p.cfg.Log.Info("program can be played", "program", p.cfg.ID, "msn", first, "streams", len(streams))
}

// finished ends the program with its last stream.
func (p *Program) finished() {
	p.mu.Lock()
	for _, s := range *p.streams.Load() {
		if !s.current.Load().ended {
			p.mu.Unlock()
			return
		}
	}
	if p.over {
		p.mu.Unlock()
		return
	}
	p.over = true
	hooks := p.hooks
	p.hooks = nil
	now := time.Now()
	p.ended.Store(&now)
	close(p.done)
	p.mu.Unlock()
	p.cfg.Log.Info("program ended", "program", p.cfg.ID)
	for _, f := range hooks {
		f()
	}
}

// whenDone runs f once the program is over: now, or in the goroutine that ends it.
func (p *Program) whenDone(f func()) {
	p.mu.Lock()
	over := p.over
	if !over {
		p.hooks = append(p.hooks, f)
	}
	p.mu.Unlock()
	if over {
		f()
	}
}

// retire lets memory go of what a shelf has of a program that is over. Who was watching has three target durations to come to the
// end and ask for it once more; then no parts are listed, and after three more (P-13) there are none.
func (p *Program) retire() {
	if p.cfg.Keep == nil {
		return
	}
	step := 3 * time.Duration(p.cfg.Plan.Target) * time.Second
	each := func(stow bool) {
		for _, s := range *p.streams.Load() {
			s.retire(stow)
		}
	}
	time.AfterFunc(step, func() {
		each(false)
		time.AfterFunc(step, func() { each(true) })
	})
}

// withdrawn reports whether the playlists are gone: a window after the end (L-8). Media stays for longer.
func (p *Program) withdrawn() bool {
	if p.pulled.Load() {
		return true
	}
	ended := p.ended.Load()
	return ended != nil && time.Since(*ended) > p.cfg.Window.Duration()
}

// MediaLife is how long media can be had after the end: until the playlists are withdrawn, and for as long
// again as a segment and the longest playlist last (L-6).
func (p *Program) MediaLife() time.Duration {
	return p.cfg.Window.Duration() + p.limits.available
}

// ProgramStats describe a program at one moment.
type ProgramStats struct {
	ID      string
	Ready   bool
	Ended   bool
	Streams []StreamStats
}

// Stats are the figures of the program and its streams.
func (p *Program) Stats() ProgramStats {
	st := ProgramStats{ID: p.cfg.ID, Ready: p.isReady.Load(), Ended: p.ended.Load() != nil}
	for _, s := range *p.streams.Load() {
		st.Streams = append(st.Streams, s.Stats())
	}
	return st
}
