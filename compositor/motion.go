package compositor

import (
	"image"
	"math"
	"slices"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// actor is a cell on its way: where it comes from, where it goes, and since when. A settled one is
// where it goes. The canvas goroutine's alone.
type actor struct {
	cell     cell
	from, to pose
	was      image.Rectangle // the tile it comes from
	begin    media.Time
	moving   bool
	leaving  bool   // not in the scene any more: fades out, or is held, then goes
	held     bool   // leaving: stays as it is until what comes over it is there
	above    bool   // leaving: lies over one that stays
	instead  bool   // not solid yet: comes where another was, and the ground beside its picture with it
	frame    *frame // shown last, held
}

// pose is where an actor is at one moment, and how solid.
type pose struct{ x, y, w, h, alpha float64 }

func poseOf(r image.Rectangle) pose {
	return pose{float64(r.Min.X), float64(r.Min.Y), float64(r.Dx()), float64(r.Dy()), 1}
}

// faint is p not to be seen yet, or any more: in place, or a little smaller.
func (p pose) faint(inPlace bool) pose {
	p.alpha = 0
	if !inPlace {
		p.x, p.y, p.w, p.h = p.x+0.04*p.w, p.y+0.04*p.h, 0.92*p.w, 0.92*p.h
	}
	return p
}

func (p pose) towards(q pose, share float64) pose {
	mix := func(a, b float64) float64 { return a + (b-a)*share }
	return pose{mix(p.x, q.x), mix(p.y, q.y), mix(p.w, q.w), mix(p.h, q.h), mix(p.alpha, q.alpha)}
}

// ease is how far a motion is after a share of its time.
func ease(kind string, t float64) float64 {
	switch t = min(max(t, 0), 1); kind {
	case "linear":
		return t
	case "out":
		return 1 - math.Pow(1-t, 3)
	}
	if t < 0.5 {
		return 4 * t * t * t
	}
	return 1 - math.Pow(2-2*t, 3)/2
}

// progress is how far a is at a time.
func (a *actor) progress(m *Motion, at media.Time) float64 {
	if !a.moving || m.Duration <= 0 {
		return 1
	}
	return ease(m.Easing, float64(at-a.begin)/float64(m.Duration))
}

// at is where a is at a time.
func (a *actor) at(m *Motion, at media.Time) pose { return a.from.towards(a.to, a.progress(m, at)) }

// drop lets go of what a holds.
func (a *actor) drop() {
	if a.frame != nil {
		a.frame.release()
		a.frame = nil
	}
	if a.leaving {
		a.cell.blank.Release()
		a.cell.lost.Release()
	}
}

// cast gives every cell of the new scene its actor, at a frame's time: those who were there go on from
// where they are, even on their way; those who come fade in; those who go fade out, or are held beneath
// those who come in their places.
func (cv *canvas) cast(old *scene, at media.Time) {
	s, before := cv.scene, cv.actors
	m := &s.look.Motion
	begin := at - cv.c.cfg.Rate.Frame(1)
	next := cv.spare[:0]
	still := old == nil || m.Duration <= 0 || cv.c.relief.Load() >= giveMotion
	if !still {
		cv.handOver(old)
	}
	for i := range before {
		a := &before[i]
		switch {
		case s.has(a.cell.key):
			continue
		case still:
			a.drop()
			continue
		}
		cv.dismiss(a, begin)
		next = append(next, *a)
	}
	for len(next) > layout.MaxTiles { // changes come faster than they can be seen
		next[0].drop()
		next = slices.Delete(next, 0, 1)
	}
	left := next
	for i := range s.cells {
		cl := &s.cells[i]
		n := actor{cell: *cl, to: poseOf(cl.rect), was: cl.rect, begin: begin}
		if a := find(before, cl.key); a != nil {
			n.from = a.at(m, begin)
			n.frame, a.frame, n.was = a.frame, nil, a.cell.rect
			n.instead = a.instead && n.from.alpha < 1
			if n.moving = n.from != n.to && !still; n.moving && a.moving && a.to == n.to {
				n.from, n.begin, n.was = a.from, a.begin, a.was // nothing new for this one
			}
			a.drop()
		} else if n.moving = !still; n.moving {
			n.instead = cv.fills(cl.room) || replaces(left, cl.room)
			n.from = n.to.faint(n.instead)
		}
		if !n.moving {
			n.from = n.to
		}
		next = append(next, n)
	}
	cv.actors, cv.spare = next, before
}

// handOver has who filled the canvas and who does now, where that is another, fade into one another. If they travelled
// between large and small, the ground would lie bare between them. They go as nobody, and come as themselves.
func (cv *canvas) handOver(old *scene) {
	one, other := old.full(cv), cv.scene.full(cv)
	if one == other || one == nobody || other == nobody {
		return
	}
	for i := range cv.actors {
		if a := &cv.actors[i]; !a.leaving && (a.cell.key == one || a.cell.key == other) && cv.scene.has(a.cell.key) {
			a.cell.key = nobody
		}
	}
}

// full is whose cell fills the canvas.
func (s *scene) full(cv *canvas) uint64 {
	for i := range s.cells {
		if cv.fills(s.cells[i].room) {
			return s.cells[i].key
		}
	}
	return nobody
}

// dismiss has a, which is not in the scene, go from begin on.
func (cv *canvas) dismiss(a *actor, begin media.Time) {
	if a.leaving && !a.held {
		return // and goes on
	}
	comes, stays := cv.covers(a.cell.room, begin)
	a.from, a.to, a.begin, a.moving = a.at(&cv.scene.look.Motion, begin), poseOf(a.cell.rect), begin, true
	if a.held, a.above = comes, stays; !comes {
		a.to = a.to.faint(cv.fills(a.cell.room))
	}
	if !a.leaving {
		a.leaving, a.was = true, a.cell.rect
		a.cell.blank.Retain()
		a.cell.lost.Retain()
	}
}

// covers reports whether a cell of the scene that is not solid yet comes to lie over all of r, with the ground in its room,
// and whether one does and stays where it is.
func (cv *canvas) covers(r image.Rectangle, begin media.Time) (comes, stays bool) {
	for i := range cv.scene.cells {
		cl := &cv.scene.cells[i]
		if !r.In(cl.room) || cl.over && !r.In(cl.rect) {
			continue
		}
		a := find(cv.actors, cl.key)
		switch {
		case a == nil || a.at(&cv.scene.look.Motion, begin).alpha < 1:
			comes = true
		case a.at(&cv.scene.look.Motion, begin) == poseOf(cl.rect):
			stays = true
		}
	}
	return comes, stays
}

// fills reports whether r is the whole canvas.
func (cv *canvas) fills(r image.Rectangle) bool { return r == image.Rect(0, 0, cv.cfg.W, cv.cfg.H) }

// replaces reports whether somebody is held at r.
func replaces(leaving []actor, r image.Rectangle) bool {
	for i := range leaving {
		if leaving[i].held && leaving[i].cell.room == r {
			return true
		}
	}
	return false
}

func (s *scene) has(key uint64) bool {
	for i := range s.cells {
		if s.cells[i].key == key {
			return true
		}
	}
	return false
}

func find(actors []actor, key uint64) *actor {
	for i := range actors {
		if actors[i].cell.key == key {
			return &actors[i]
		}
	}
	return nil
}

// moves reports whether any actor is on its way, and settles those who have arrived.
func (cv *canvas) moves(at media.Time) bool {
	m, any := &cv.scene.look.Motion, false
	kept := cv.actors[:0]
	for i := range cv.actors {
		a := &cv.actors[i]
		if a.moving && at-a.begin >= m.Duration {
			a.moving = false
		}
		if a.leaving && !a.moving {
			a.drop()
			any = true // one more picture, without it
			continue
		}
		any = any || a.moving
		kept = append(kept, *a)
	}
	clear(cv.actors[len(kept):])
	cv.actors = kept
	return any
}

// hold keeps what the cells' actors show, for when they leave.
func (cv *canvas) hold() {
	k := len(cv.actors) - len(cv.scene.cells) // those who leave stand first
	for i := range cv.scene.cells {
		a, f := &cv.actors[k+i], cv.shots[i].frame
		if a.frame == f {
			continue
		}
		if a.frame != nil {
			a.frame.release()
		}
		if a.frame = f; f != nil {
			f.retain()
		}
	}
}

// paintMoving draws everything anew, those on their way between their places: first the shadows on the ground, then
// those who leave, unless they lie over others.
func (cv *canvas) paintMoving(b *buffer, at media.Time) {
	cv.lay(b.pic, b.pic.Bounds(), cv.scene.bare)
	b.scene = nil // it is like no scene
	k := len(cv.actors) - len(cv.scene.cells)
	for i := range cv.actors {
		if a := &cv.actors[i]; !a.cell.over {
			cv.shade(b.pic, a, at)
		}
	}
	cv.drawLeaving(b.pic, cv.actors[:k], false, at)
	above := false
	for i := range cv.scene.cells {
		a := &cv.actors[k+i]
		if a.cell.over && !above {
			above = true
			cv.drawLeaving(b.pic, cv.actors[:k], true, at)
		}
		if a.moving {
			cv.drawMoving(b.pic, a, cv.shots[i], at)
		} else {
			cv.drawOver(b.pic, &cv.scene.cells[i], cv.shots[i])
		}
	}
	if !above {
		cv.drawLeaving(b.pic, cv.actors[:k], true, at)
	}
	for _, l := range cv.scene.layers {
		codec.Blend(b.pic, l.o, l.at.X, l.at.Y)
	}
	cv.moved.Add(1)
}

// drawLeaving paints those who leave that lie over others, or those that don't.
func (cv *canvas) drawLeaving(pic *codec.Picture, actors []actor, above bool, at media.Time) {
	for i := range actors {
		if a := &actors[i]; a.above == above {
			cv.drawMoving(pic, a, shot{seq: seqBlank, frame: a.frame}, at)
		}
	}
}

// shade paints a's shadow. That of one who is held goes as that of who comes grows.
func (cv *canvas) shade(pic *codec.Picture, a *actor, at media.Time) {
	cl, look := &a.cell, &cv.scene.look
	if cl.shadow < 1 || cl.whole || look.Shadow.Opacity <= 0 {
		return
	}
	p := a.at(&look.Motion, at)
	if a.held {
		p.alpha = a.from.alpha * (1 - a.progress(&look.Motion, at))
	}
	if p.alpha > 0 {
		codec.Shadow(pic, p.box(cl), cl.shadow, look.Shadow.Opacity*p.alpha)
	}
}

// box is where p is, with cl's corners.
func (p pose) box(cl *cell) codec.Box {
	return codec.Box{X: p.x, Y: p.y, W: p.w, H: p.h, Radius: min(float64(cl.radius), p.w/2, p.h/2), Square: cl.square}
}

// drawMoving paints an actor on its way.
func (cv *canvas) drawMoving(pic *codec.Picture, a *actor, s shot, at media.Time) {
	share := a.progress(&cv.scene.look.Motion, at)
	p := a.from.towards(a.to, share)
	if p.w < 2 || p.h < 2 || p.alpha <= 0 {
		return
	}
	cl := &a.cell
	if cl.over {
		cv.shade(pic, a, at)
	}
	box := p.box(cl)
	inner, src, crop := box, cl.blank, codec.Crop{}
	switch {
	case s.frame != nil:
		fit := cl.fit
		if w, h := s.frame.src.W, s.frame.src.H; fit == layout.Contain {
			if _, to := layout.Place(fit, w, h, cl.rect.Dx(), cl.rect.Dy()); to.Size() == cl.rect.Size() {
				fit = layout.Cover // it grows into its own shape
			} else {
				inner = inside(box, float64(w)/float64(h))
			}
		}
		from, to := zoom(cl.fit, s.frame.src, a.was), zoom(cl.fit, s.frame.src, cl.rect)
		src, crop = s.frame.best(fit, inner, from+(to-from)*share)
	case s.seq == seqLost:
		src = cl.lost
	}
	if s.frame == nil {
		crop = cover(float64(src.W), float64(src.H), box.W/box.H, 1)
	}
	if a.instead && !a.leaving && !cl.over {
		cv.drawBars(pic, boxOf(cl.room), inner, p.alpha)
	}
	drawSmooth(pic, src, inner, crop, p.alpha)
	cv.drawLine(pic, cl, box, p.alpha)
	if cl.label != nil {
		scale := math.Sqrt(p.w * p.h / float64(cl.rect.Dx()*cl.rect.Dy()))
		x := p.x + float64(cl.labelAt.X)*p.w/float64(cl.rect.Dx())
		below := float64(cl.rect.Dy()-cl.labelAt.Y-cl.label.H) * p.h / float64(cl.rect.Dy())
		codec.BlendAt(pic, cl.label, x, p.y+p.h-below-float64(cl.label.H)*scale, scale, p.alpha)
	}
}

// drawBars lays the ground, with the shadows of tiles at rest, over what there is of box beside inner, as solid as that.
func (cv *canvas) drawBars(pic *codec.Picture, box, inner codec.Box, alpha float64) {
	right, bottom := inner.X+inner.W, inner.Y+inner.H
	for _, bar := range [4]codec.Box{
		{X: box.X, Y: box.Y, W: inner.X - box.X, H: box.H}, {X: right, Y: box.Y, W: box.X + box.W - right, H: box.H},
		{X: inner.X, Y: box.Y, W: inner.W, H: inner.Y - box.Y}, {X: inner.X, Y: bottom, W: inner.W, H: box.Y + box.H - bottom},
	} {
		switch base := cv.scene.base; {
		case bar.W < 1 || bar.H < 1:
		case base != nil:
			codec.Draw(pic, base, bar, codec.Crop{X: bar.X, Y: bar.Y, W: bar.W, H: bar.H}, alpha)
		default:
			codec.Ring(pic, bar, max(bar.W, bar.H), cv.scene.ground, alpha) // without a hole
		}
	}
}

// drawSmooth is codec.Draw for any ratio: what shrinks below a half is averaged first.
func drawSmooth(pic, src *codec.Picture, box codec.Box, crop codec.Crop, alpha float64) {
	fx, fy := crop.W/box.W, crop.H/box.H
	if fx < 2 && fy < 2 {
		codec.Draw(pic, src, box, crop, alpha)
		return
	}
	w, h := (int(float64(src.W)/max(fx, 1))+1)&^1, (int(float64(src.H)/max(fy, 1))+1)&^1
	small := codec.NewPicture(max(w, 2), max(h, 2))
	codec.Scale(small, src)
	sx, sy := float64(small.W)/float64(src.W), float64(small.H)/float64(src.H)
	codec.Draw(pic, small, box, codec.Crop{X: crop.X * sx, Y: crop.Y * sy, W: crop.W * sx, H: crop.H * sy}, alpha)
	small.Release()
}

// inside is the largest box of a shape in the middle of b, with square corners where it leaves bars.
func inside(b codec.Box, aspect float64) codec.Box {
	w, h := b.W, b.H
	if w > h*aspect {
		w = h * aspect
	} else {
		h = w / aspect
	}
	if w < b.W-1 || h < b.H-1 {
		b.Radius = 0
	}
	return codec.Box{X: b.X + (b.W-w)/2, Y: b.Y + (b.H-h)/2, W: w, H: h, Radius: b.Radius, Square: b.Square}
}

// cover is the part of w by h that fills a shape, or a share of that around its middle.
func cover(w, h, aspect, share float64) codec.Crop {
	cw, ch := w, h
	if w > h*aspect {
		cw = h * aspect
	} else {
		ch = w / aspect
	}
	cw, ch = cw*share, ch*share
	return codec.Crop{X: (w - cw) / 2, Y: (h - ch) / 2, W: cw, H: ch}
}

// zoom is how much of what could be seen in a tile at r is: less where the picture is cut
// rather than scaled (layout.Place).
func zoom(fit layout.Fit, src *codec.Picture, r image.Rectangle) float64 {
	if fit == layout.Contain || r.Empty() {
		return 1
	}
	from, _ := layout.Place(fit, src.W, src.H, r.Dx(), r.Dy())
	c := cover(float64(src.W), float64(src.H), float64(r.Dx())/float64(r.Dy()), 1)
	return min(float64(from.Dx())/c.W, 1)
}

// best is the copy of f that suits a box, and the part of it to show: the smallest that need not be
// enlarged, else the largest.
func (f *frame) best(fit layout.Fit, box codec.Box, zoom float64) (*codec.Picture, codec.Crop) {
	w, h := float64(f.src.W), float64(f.src.H)
	want := codec.Crop{W: w, H: h}
	if fit == layout.Cover {
		want = cover(w, h, box.W/box.H, zoom)
	}
	pic, crop := f.src, want
	for i := range f.scaled {
		s := &f.scaled[i]
		if s.pic == nil {
			continue
		}
		from, _ := layout.Place(s.use.fit, f.src.W, f.src.H, s.use.w, s.use.h)
		sx, sy := float64(s.pic.W)/float64(from.Dx()), float64(s.pic.H)/float64(from.Dy())
		c := codec.Crop{X: (want.X - float64(from.Min.X)) * sx, Y: (want.Y - float64(from.Min.Y)) * sy, W: want.W * sx, H: want.H * sy}
		if c.X < -2 || c.Y < -2 || c.X+c.W > float64(s.pic.W)+2 || c.Y+c.H > float64(s.pic.H)+2 {
			continue // it shows less than is wanted
		}
		enough := c.W >= 0.9*box.W && c.H >= 0.9*box.H
		if enough && c.W < crop.W {
			pic, crop = s.pic, c
		}
	}
	return pic, crop
}
