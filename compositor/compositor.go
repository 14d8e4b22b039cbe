package compositor

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/compositor/art"
	"tilecast/compositor/codec"
	"tilecast/compositor/level"
	"tilecast/media"
)

// Compositor is one program's stage: tiles go in, the packets of each rung and of
// the sound come out. Its methods may be called by any goroutine.
type Compositor struct {
	cfg    Config
	set    codec.Set
	artist *art.Artist
	mixer  *mixer
	sounds []*sound

	canvases []*canvas

	frameSeq  atomic.Uint64
	reliever  reliever
	relief    atomic.Int32 // the step that holds
	soundLags atomic.Bool  // sound was late for a while: pictures come later from then on
	end       atomic.Int64 // media.Time at which the program ends
	stop      chan struct{}
	speaking  atomic.Pointer[speaking]
	nudged    chan struct{} // depth 1: the director has something to look at
	decoders  sync.WaitGroup

	mu      sync.Mutex // tiles, looks and what belongs to them; held while art is drawn
	tiles   []*Tile
	stopped bool
	running bool
	inline  bool       // driven by its caller
	opened  bool       // somebody has been on stage
	closing bool       // the end is near
	rest    media.Time // when tiles that grow smaller are through; 0: none does
	keys    uint64     // tiles so far
	now     func() media.Time
}

// New opens all encoders and their outlets. Run must be called once, and ends them.
func New(cfg Config, set codec.Set) (*Compositor, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("compositor: %w", err)
	}
	artist, err := art.New(cfg.Fonts, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("compositor: %w", err)
	}
	c := &Compositor{cfg: cfg, set: set, artist: artist, stop: make(chan struct{}), nudged: make(chan struct{}, 1)}
	c.now = func() media.Time { return cfg.Clock.At(time.Now()) }
	c.reliever.most = giveMotion
	for i := range cfg.Canvases {
		c.canvases = append(c.canvases, newCanvas(c, i))
	}
	c.mixer = newMixer(cfg.Delay, cfg.Mix)
	c.mixer.floor.changed = c.spoke
	c.end.Store(math.MaxInt64)
	c.frameSeq.Store(firstSeq)
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("compositor: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebuild()
	return c, nil
}

// open opens every encoder, or none.
func (c *Compositor) open() (err error) {
	defer func() {
		if err == nil {
			return
		}
		for _, cv := range c.canvases {
			for _, r := range cv.rungs {
				r.close()
			}
		}
		for _, s := range c.sounds {
			s.close()
		}
	}()
	c.reliever.first = giveFrames
	for _, cv := range c.canvases {
		for _, r := range cv.cfg.Rungs {
			g, err := c.openRung(r, cv.cfg)
			if err != nil {
				return err
			}
			cv.rungs = append(cv.rungs, g)
			if g.tunable {
				c.reliever.first = giveBits
			}
		}
		top := cv.top()
		if gapper, ok := top.out.(Gapper); ok && len(cv.rungs) > 1 {
			top.gapper, c.reliever.most = gapper, giveTop
		}
	}
	for _, s := range c.cfg.Sounds {
		o, err := openSound(s, &c.cfg, c.set)
		if err != nil {
			return err
		}
		c.sounds = append(c.sounds, o)
	}
	return nil
}

// comeLater lets the calling goroutine come after sound where that lags; it is called now and then, and does so once. Before,
// pictures come with all others: on a machine that has a browser to run, too, they would give way for nothing.
func (c *Compositor) comeLater(done *bool) {
	if !*done && c.soundLags.Load() {
		*done = true
		codec.ComeLater()
	}
}

// start runs i's decoder. Called with c.mu held.
func (c *Compositor) start(i *Input) { c.decoders.Go(i.run) }

// Apply changes the looks of the canvases named, each at one frame. It answers the names that there is no canvas of,
// in order.
func (c *Compositor) Apply(looks map[string]Look) (unknown []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, missing := false, maps.Clone(looks)
	for _, cv := range c.canvases {
		delete(missing, cv.cfg.Name)
		if look, ok := looks[cv.cfg.Name]; ok && !reflect.DeepEqual(look, cv.look) {
			cv.look, changed = look, true
			cv.forget()
		}
	}
	if changed && !c.stopped {
		c.rebuild()
	}
	return slices.Sorted(maps.Keys(missing))
}

// Snapshot is a copy of the last picture composed on the first canvas, which the caller
// releases, or nil before the first.
func (c *Compositor) Snapshot() *codec.Picture { return c.canvases[0].snapshot() }

// SnapshotOf is Snapshot of a canvas by name; nil where there is no such canvas.
func (c *Compositor) SnapshotOf(canvas string) *codec.Picture {
	for _, cv := range c.canvases {
		if cv.cfg.Name == canvas {
			return cv.snapshot()
		}
	}
	return nil
}

// Stop lets the program end: inputs take nothing more, what they had is shown, and
// Run returns when the encoders have flushed. It does not wait.
func (c *Compositor) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	c.stopped = true
	c.end.Store(int64(c.cfg.Clock.At(time.Now()) + c.cfg.Delay + c.cfg.Rate.Frame(1)))
	close(c.stop)
	for _, t := range c.tiles {
		for _, i := range []*Input{t.video, t.audio} {
			if i != nil {
				i.Close()
			}
		}
	}
}

// Run is the program: it blocks until Stop, and until everything that was composed
// by then is encoded and every outlet is closed. It owns these goroutines:
//
//	canvas   draws each tick, one per output shape
//	                                 ends at the program's end, closes its rungs' channels
//	rung     encodes, one per rung   ends when its channel closes, flushes, closes its outlet
//	director rearranges the tiles    ends with Stop
//	mixer    mixes each audio frame  ends at the program's end, closes the sounds' channels
//	sound    encodes, one per rendition
//	                                 ends like a rung
//	decoder  one per input           ends when its queue is closed (Tile.Open starts it)
func (c *Compositor) Run() {
	first := c.first()
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		panic("compositor: Run called twice")
	}
	c.running = true
	c.mu.Unlock()

	var encoders, readers sync.WaitGroup
	for _, cv := range c.canvases {
		for _, r := range cv.rungs {
			r.next = first
			encoders.Go(r.run)
		}
		readers.Go(func() { cv.run(first) })
	}
	for _, s := range c.sounds {
		encoders.Go(s.run)
	}
	readers.Go(c.direct)
	readers.Go(func() { c.runMixer(c.cfg.Rate.Frame(first)) })
	readers.Wait()
	encoders.Wait()
	c.clear()
	c.decoders.Wait()
}

// first is the slot that the program begins with: 0 when it is started at its
// epoch, else the next that begins a GOP.
func (c *Compositor) first() int64 {
	gop := int64(c.cfg.GOP)
	now := c.cfg.Clock.At(time.Now())
	if now < c.cfg.Rate.Frame(gop) {
		return 0
	}
	return (c.cfg.Rate.Index(now) + gop) / gop * gop
}

// Sound lags that was mixed so late for so long; what is caught up with after a pause is not meant.
const (
	soundLate      = media.Second / 10
	soundLagsAfter = media.Second
)

// runMixer mixes each audio frame when its first sample is due, as the canvas draws a frame when
// it begins, or as early that the last sample it reads came three quarters of D ago, whichever is
// later: so sound, which its encoder holds back by a frame, is published no later than it has to be.
// It starts with the frame that holds begin. None is left out, however late.
func (c *Compositor) runMixer(begin media.Time) {
	pace := c.newPacer()
	defer pace.timer.Stop()
	lead := min(blockTime, c.cfg.Delay/4-media.FromTicks(level.Ahead, sampleRate))
	n := begin.Ticks(sampleRate) / blockLen
	for _, s := range c.sounds {
		s.at = media.FromTicks(n*blockLen, sampleRate)
	}
	mix := make([]float32, 2*blockLen)
	var lateSince media.Time // 0: it is in time
	for {
		at, end := media.FromTicks(n*blockLen, sampleRate), media.FromTicks((n+1)*blockLen, sampleRate)
		now, ok := pace.wait(at, end-lead)
		if !ok {
			break
		}
		switch {
		case now-(end-lead) < soundLate:
			lateSince = 0
		case lateSince == 0:
			lateSince = now
		case now-lateSince > soundLagsAfter:
			c.soundLags.Store(true)
		}
		if to, ok := c.leaveOut(at, now); ok {
			n = to
			continue
		}
		c.mixer.block(n*blockLen, mix)
		for _, s := range c.sounds {
			s.put(mix)
		}
		n++
	}
	for _, s := range c.sounds {
		close(s.full)
	}
}

// leaveOut makes a long pause between the block at a time and now a gap in every sound, up to the
// last begin of a GOP, and answers the block to go on with.
func (c *Compositor) leaveOut(at, now media.Time) (n int64, ok bool) {
	if now-at < longPause {
		return 0, false
	}
	for _, s := range c.sounds {
		if _, ok := s.out.(Gapper); !ok {
			return 0, false
		}
	}
	gop := int64(c.cfg.GOP)
	edge := c.cfg.Rate.Frame(c.cfg.Rate.Index(now) / gop * gop)
	n = int64(edge / blockTime)
	until := media.Time(n) * blockTime
	if until <= at+2*blockTime {
		return 0, false
	}
	c.cfg.Log.Warn("nothing could be mixed for a while: left out", "seconds", (until - at).Seconds())
	c.cfg.Event("suspended", slog.Float64("seconds", (now-at).Seconds()))
	for _, s := range c.sounds {
		s.full <- block{until: until}
	}
	return n, true
}

// clear takes all tiles off after the end.
func (c *Compositor) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tiles {
		t.drop()
	}
	c.tiles = nil
	for _, cv := range c.canvases {
		cv.close()
	}
}

// pacer waits for program times.
type pacer struct {
	c     *Compositor
	timer *time.Timer
	stop  <-chan struct{}
}

func (c *Compositor) newPacer() *pacer {
	t := time.NewTimer(0)
	<-t.C
	return &pacer{c, t, c.stop}
}

// wait sleeps until due and answers the time by then; ok is false when the program
// ends at or before the time begin.
func (p *pacer) wait(begin, due media.Time) (now media.Time, ok bool) {
	for {
		if int64(begin) >= p.c.end.Load() {
			return 0, false
		}
		t := time.Now()
		if now = p.c.cfg.Clock.At(t); now >= due {
			return now, true
		}
		p.timer.Reset(p.c.cfg.Clock.Instant(due).Sub(t) + time.Nanosecond)
		select {
		case <-p.timer.C:
		case <-p.stop:
			p.stop = nil // seen; from here on the end is near
		}
	}
}
