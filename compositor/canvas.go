package compositor

import (
	"image"
	"math/bits"
	"sync"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// canvas is one output shape. It draws its scene at each tick, in one goroutine; snapshot and
// stats may be asked for by any.
type canvas struct {
	c     *Compositor
	index int // in Config.Canvases
	cfg   *Canvas
	rungs []*rung

	// Guarded by c.mu.
	look       Look
	lookNumber int // counts looks
	plan       layout.Plan
	speaker    string     // who is large
	since      media.Time // became so
	awaited    string     // who will be, once there is a picture
	asked      media.Time // for it
	lit        string     // whose tile is marked
	backdrop   *codec.Picture
	slatePic   *codec.Picture
	slateOf    uint64
	more       still // of the tile that counts the others
	trims      map[trimKey][4]*codec.Overlay
	layers     []layer // nil: not rendered yet

	sceneMu sync.Mutex // short: taken at each tick
	coming  *scene     // what to draw from the next tick on

	// The canvas goroutine's alone.
	scene   *scene
	actors  []actor // those who leave, then one for each cell
	spare   []actor
	shots   [layout.MaxTiles]shot
	buffers []*buffer
	now     *buffer // the picture on show
	drawn   uint64  // changes so far
	still   stillness
	view    codec.Picture
	from    codec.Picture

	last struct { // for snapshots
		sync.Mutex
		pic *codec.Picture
		at  media.Time
	}
	ticks, late, repaints, moved atomic.Int64
}

func newCanvas(c *Compositor, i int) *canvas {
	cfg := &c.cfg.Canvases[i]
	return &canvas{
		c: c, index: i, cfg: cfg, look: cfg.Look, trims: map[trimKey][4]*codec.Overlay{},
		still: stillness{part: int64(c.cfg.PartFrames), gop: int64(c.cfg.GOP)},
	}
}

// run composes each frame when it is due, from frame n on. Where it is late by more than a
// frame it goes on with the one that is due now; the rungs fill what is missing.
func (cv *canvas) run(n int64) {
	pace := cv.c.newPacer()
	defer pace.timer.Stop()
	rate := cv.c.cfg.Rate
	for {
		now, ok := pace.wait(rate.Frame(n), rate.Frame(n))
		if !ok {
			break
		}
		if due := rate.Index(min(now, media.Time(cv.c.end.Load())-1)); due > n+1 {
			cv.late.Add(due - n)
			n = due
		}
		if cv.c.relief.Load() >= giveFrames && n%int64(cv.c.cfg.PartFrames)%2 == 1 {
			n++
			continue
		}
		m := cv.tick(n)
		for _, r := range cv.rungs {
			r.offer(m.retain())
		}
		m.pic.Release()
		n++
	}
	for _, r := range cv.rungs {
		close(r.in)
	}
}

// shot is what one tile shows at one tick.
type shot struct {
	seq   uint64
	frame *frame // nil: one of the cell's own pictures
}

// A shot's seq below firstSeq means something else than a frame.
const (
	seqNothing uint64 = iota
	seqBlank
	seqLost
	firstSeq = 16
)

// buffer is a picture that knows what it shows.
type buffer struct {
	pic   *codec.Picture
	scene *scene
	seqs  [layout.MaxTiles]uint64
}

// composed is the canvas at tick n. The picture is held for the receiver, who
// releases it; drawn changes when it differs from the tick before.
type composed struct {
	n     int64
	pic   *codec.Picture
	drawn uint64
	still bool  // for so long that a group may be given again
	fresh int64 // slot where rungs go on after that, with an IDR
}

func (m composed) retain() composed {
	m.pic.Retain()
	return m
}

// tick composes frame n: for each tile the picture nearest to its time less D, which is the
// newest that is no more than half a frame later: so pictures are as often early as late, and lips
// stay with the sound.
func (cv *canvas) tick(n int64) composed {
	at, frame := cv.c.cfg.Rate.Frame(n), cv.c.cfg.Rate.Frame(1)
	cv.adopt(n)
	cells, before := cv.scene.cells, cv.drawn
	for i := range cells {
		cv.shots[i] = cells[i].shoot(at-cv.c.cfg.Delay+frame/2, frame)
	}
	if cv.moves(at) {
		cv.now = cv.choose()
		cv.paintMoving(cv.now, at)
		cv.drawn++
	} else if cv.now == nil || cv.differs(cv.now) > 0 {
		cv.now = cv.choose()
		cv.paint(cv.now)
		cv.drawn++
	}
	if cv.drawn != before {
		cv.still.changed(n)
	}
	cv.hold()
	for i := range cells {
		if f := cv.shots[i].frame; f != nil {
			f.release()
		}
		cv.shots[i] = shot{}
	}
	cv.ticks.Add(1)
	cv.remember(at)
	return composed{n, cv.now.pic.Retain(), cv.drawn, cv.still.long(n), cv.still.fresh}
}

// shoot says what the cell shows at input time t. Who is away freezes first. A picture that no
// other follows gives way to the name alone: the camera may be off, and only the room knows who is lost.
func (cl *cell) shoot(t, tick media.Time) shot {
	var f *frame
	if cl.film != nil && !cl.off {
		if cl.away {
			tick = staleAfter
		}
		f = cl.film.pick(t, tick)
	}
	switch {
	case f != nil:
		return shot{f.seq, f}
	case cl.away:
		return shot{seq: seqLost}
	}
	return shot{seq: seqBlank}
}

// adopt takes up the current scene at frame n, unless it has to wait.
func (cv *canvas) adopt(n int64) {
	s := cv.currentScene()
	old := cv.scene
	if s != old && old != nil && cv.still.waits(n) {
		cv.letGo(s)
		return
	}
	cv.scene = s
	if s != old {
		cv.cast(old, cv.c.cfg.Rate.Frame(n))
	}
	cv.letGo(old)
}

// differs counts the tiles that b does not show as they should be.
func (cv *canvas) differs(b *buffer) (n int) {
	if b.scene != cv.scene {
		return layout.MaxTiles + 1
	}
	for i := range cv.scene.cells {
		if b.seqs[i] != cv.shots[i].seq {
			n++
		}
	}
	return n
}

// choose is the buffer with the least to do among those nobody reads.
func (cv *canvas) choose() *buffer {
	var best *buffer
	least := 0
	for _, b := range cv.buffers {
		if b.pic.Shared() {
			continue
		}
		if d := cv.differs(b); best == nil || d < least {
			best, least = b, d
		}
	}
	if best == nil {
		best = &buffer{pic: codec.NewPicture(cv.cfg.W, cv.cfg.H)}
		cv.buffers = append(cv.buffers, best)
	}
	return best
}

// paint draws what differs in b.
func (cv *canvas) paint(b *buffer) {
	if b.scene != cv.scene {
		cv.clean(b.pic, b.pic.Bounds())
		for _, l := range cv.scene.layers {
			codec.Blend(b.pic, l.o, l.at.X, l.at.Y)
		}
		b.scene = cv.scene
		b.seqs = [layout.MaxTiles]uint64{}
		cv.repaints.Add(1)
	}
	cells, dirty := cv.scene.cells, uint32(0)
	for i := range cells {
		if b.seqs[i] != cv.shots[i].seq {
			dirty |= cells[i].group
		}
	}
	for i := range cells {
		cl := &cells[i]
		if dirty>>i&1 == 0 {
			continue
		}
		if cl.leads(i) && cl.rect != cl.box {
			cv.clean(b.pic, cl.box) // as others are drawn over it, and not all of it is drawn upon
		}
		if cl.over {
			cv.drawOver(b.pic, cl, cv.shots[i])
		} else {
			cv.draw(b.pic, cl, cv.shots[i])
		}
		b.seqs[i] = cv.shots[i].seq
	}
	for i := range cells {
		if dirty>>i&1 == 1 && cells[i].leads(i) {
			cv.drawLayers(b.pic, cells[i].box)
		}
	}
}

// leads reports whether cl, the i-th, is the farthest of its group.
func (cl *cell) leads(i int) bool { return bits.TrailingZeros32(cl.group) == i }

// drawLayers lays the overlays over r, which was drawn anew.
func (cv *canvas) drawLayers(pic *codec.Picture, r image.Rectangle) {
	for _, l := range cv.scene.layers {
		codec.Blend(setView(&cv.view, pic, r), l.o, l.at.X-r.Min.X, l.at.Y-r.Min.Y)
	}
}

// clean paints the ground, with the shadows of tiles at rest, at r, which is even.
func (cv *canvas) clean(pic *codec.Picture, r image.Rectangle) { cv.lay(pic, r, cv.scene.base) }

// lay paints base, or the plain ground where it is nil.
func (cv *canvas) lay(pic *codec.Picture, r image.Rectangle, base *codec.Picture) {
	if base != nil {
		codec.Copy(setView(&cv.view, pic, r), setView(&cv.from, base, r))
		return
	}
	codec.Fill(setView(&cv.view, pic, r), cv.scene.ground)
}

// drawOver paints a tile that lies over others: only what is inside its round corners.
func (cv *canvas) drawOver(pic *codec.Picture, cl *cell, s shot) {
	box, src := cl.shape(), cl.blank
	if cl.over && cl.shadow > 0 {
		codec.Shadow(pic, box, cl.shadow, cv.scene.look.Shadow.Opacity)
	}
	crop, inner := codec.Crop{W: float64(src.W), H: float64(src.H)}, box
	if f := s.frame; f != nil {
		u := use{cl.rect.Dx(), cl.rect.Dy(), cl.fit}
		from, to := layout.Place(u.fit, f.src.W, f.src.H, u.w, u.h)
		if to = to.Add(cl.rect.Min); to != cl.rect {
			inner = boxOf(to)
		}
		if src = f.find(u); src != nil {
			crop = codec.Crop{W: float64(src.W), H: float64(src.H)}
		} else {
			src = f.src
			crop = codec.Crop{X: float64(from.Min.X), Y: float64(from.Min.Y), W: float64(from.Dx()), H: float64(from.Dy())}
		}
	} else if s.seq == seqLost {
		src = cl.lost
	}
	drawSmooth(pic, src, inner, crop, 1)
	cv.drawLine(pic, cl, box, 1)
	if cl.label != nil {
		codec.Blend(pic, cl.label, cl.rect.Min.X+cl.labelAt.X, cl.rect.Min.Y+cl.labelAt.Y)
	}
}

// draw paints one tile.
func (cv *canvas) draw(pic *codec.Picture, cl *cell, s shot) {
	switch {
	case s.frame != nil:
		cv.drawFrame(pic, cl, s.frame)
	case s.seq == seqLost:
		codec.Copy(setView(&cv.view, pic, cl.rect), cl.lost)
	default:
		codec.Copy(setView(&cv.view, pic, cl.rect), cl.blank)
	}
	if cl.label != nil {
		codec.Blend(pic, cl.label, cl.rect.Min.X+cl.labelAt.X, cl.rect.Min.Y+cl.labelAt.Y)
	}
	cl.trim.draw(pic, cl.rect, &cv.view)
}

// drawFrame places f in its tile, from its scaled copy where there is one.
func (cv *canvas) drawFrame(pic *codec.Picture, cl *cell, f *frame) {
	u := use{cl.rect.Dx(), cl.rect.Dy(), cl.fit}
	from, to := layout.Place(u.fit, f.src.W, f.src.H, u.w, u.h)
	to = to.Add(cl.rect.Min)
	if to != cl.rect {
		cv.clean(pic, cl.rect)
	}
	dst := setView(&cv.view, pic, to)
	if scaled := f.find(u); scaled != nil {
		codec.Copy(dst, scaled)
		return
	}
	src := setView(&cv.from, f.src, from)
	if from.Size() == to.Size() {
		codec.Copy(dst, src)
	} else {
		codec.Scale(dst, src)
	}
}

// remember holds the picture on show for snapshots.
func (cv *canvas) remember(at media.Time) {
	cv.last.Lock()
	old := cv.last.pic
	if old != cv.now.pic {
		cv.last.pic = cv.now.pic.Retain()
	}
	cv.last.at = at
	cv.last.Unlock()
	if old != nil && old != cv.now.pic {
		old.Release()
	}
}

// snapshot copies the last composed picture for the caller; nil before the first tick.
func (cv *canvas) snapshot() *codec.Picture {
	cv.last.Lock()
	pic, at := cv.last.pic, cv.last.at
	if pic != nil {
		pic.Retain()
	}
	cv.last.Unlock()
	if pic == nil {
		return nil
	}
	defer pic.Release()
	out := codec.NewPicture(pic.W, pic.H)
	codec.Copy(out, pic)
	out.At = at
	return out
}

// close lets all pictures go. Called with c.mu held, after the canvas goroutine.
func (cv *canvas) close() {
	cv.last.Lock()
	if cv.last.pic != nil {
		cv.last.pic.Release()
		cv.last.pic = nil
	}
	cv.last.Unlock()
	for _, b := range cv.buffers {
		b.pic.Release()
	}
	cv.buffers, cv.now = nil, nil
	for i := range cv.actors {
		cv.actors[i].drop()
	}
	cv.actors = nil
	cv.letGo(cv.scene)
	cv.scene = nil
	cv.show(nil)
	cv.more.release()
	cv.forget()
}
