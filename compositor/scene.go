package compositor

import (
	"fmt"
	"image"
	"image/color"
	"math/bits"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
)

// scene is who stands where, with the pictures that do not move. It is never
// changed once it is on show: a change of anything makes a new one.
type scene struct {
	look   Look
	ground codec.YCbCr
	bare   *codec.Picture // behind all tiles; nil: ground
	base   *codec.Picture // the same with the shadows of tiles at rest
	cells  []cell         // the nearest last
	layers []layer
	holds  int // on the pictures; guarded by canvas.sceneMu
}

// Keys of cells that are nobody's; tiles have larger ones.
const (
	nobody uint64 = iota
	slateOpening
	slateEmpty
	slateClosing
	othersKey
	firstKey
)

// cell is one tile's place in a scene.
type cell struct {
	key         uint64 // the same from scene to scene: who it is
	rect        image.Rectangle
	room        image.Rectangle // rect, or more where it shows a picture whole
	fit         layout.Fit
	film        *film           // nil: no video
	away        bool            // the room says that the participant is gone for now
	off         bool            // the participant says that the camera is off
	whole       bool            // it fills the canvas, and nothing is drawn on it
	over        bool            // it lies over another: drawn with a mask
	group       uint32          // the cells that are to be drawn again with it, itself among them
	box         image.Rectangle // what they are drawn within: even, and no other group draws there
	radius      int             // px, even, as is width
	square      codec.Corners   // those at the canvas's edge, which are not round
	width       int             // of the line along the edge
	line        color.RGBA
	lit         bool    // the line says that it speaks, and is seen at the canvas's edge, too
	shadow      float64 // px
	trim        trim
	blank, lost *codec.Picture
	label       *codec.Overlay
	labelAt     image.Point // within the tile
}

// place is how large a tile's video is shown on a canvas, and was while it still moves.
type place struct{ now, was use }

// want is the larger of the two: only that is scaled ahead.
func (p place) want() use {
	if p.was.w*p.was.h > p.now.w*p.now.h {
		return p.was
	}
	return p.now
}

// rebuild puts the tiles in their places on every canvas, tells inputs what is wanted of
// them, and shows the result. Called with c.mu held.
func (c *Compositor) rebuild() {
	for _, cv := range c.canvases {
		cv.rebuild()
	}
	c.demand()
}

// demand tells every input in which sizes it is shown. Who is not shown and fell silent while wanted is watched:
// a layout may wait for the picture to come back. Called with c.mu held.
func (c *Compositor) demand() {
	now := c.now()
	for _, t := range c.tiles {
		t.uses = t.uses[:0]
		for _, p := range t.places {
			if u := p.want(); u.w > 0 {
				t.use(u)
			}
		}
		if len(t.uses) == 0 {
			t.ahead()
		}
		if t.video != nil {
			t.video.want(t.uses, !t.cameraOff && !t.video.live(now))
		}
	}
}

// firstLook is what is wanted of a shared screen without a tile: its first picture, by which it takes the stage.
var firstLook = use{320, 180, layout.Contain}

// ahead wants pictures of t, which is not on show, where they are waited for: those of a shared screen, or of who will
// be large. Called with c.mu held.
func (t *Tile) ahead() {
	if t.kind == Screen && t.aspect() == 0 {
		t.use(firstLook)
		return
	}
	for _, cv := range t.c.canvases {
		if cv.awaited == t.id {
			t.use(use{cv.cfg.W, cv.cfg.H, layout.Cover})
			return
		}
	}
}

// rebuild makes the canvas's scene. Called with c.mu held.
func (cv *canvas) rebuild() {
	tiles := cv.c.tiles
	cv.plan, cv.lit = cv.arrange()
	s := &scene{look: cv.look, ground: rgb(cv.look.Background), holds: 1}
	shown := make([]use, len(tiles))
	for _, slot := range cv.plan.Slots {
		if slot.Person < 0 {
			s.cells = append(s.cells, cv.others(slot))
			continue
		}
		t := tiles[slot.Person]
		cl := cv.cell(t, slot)
		shown[slot.Person] = use{cl.rect.Dx(), cl.rect.Dy(), cl.fit}
		s.cells = append(s.cells, cl)
	}
	for i, t := range tiles {
		cv.place(t, shown[i])
	}
	if len(s.cells) == 0 {
		s.cells = []cell{cv.slate()}
	}
	if cv.layers == nil {
		cv.layers = append([]layer{}, cv.renderLayers()...)
	}
	s.layers = cv.layers
	group(s.cells, image.Rect(0, 0, cv.cfg.W, cv.cfg.H))
	s.bare = cv.bare()
	s.base = cv.shaded(s.bare, s.cells)
	for i := range s.cells {
		if cl := &s.cells[i]; !cl.over && !cl.whole {
			cl.trim = cv.trim(cl, s.base)
		}
	}
	cv.show(s)
}

// place notes how t is shown. While it grows smaller, its old size is scaled ahead. Called with c.mu held.
func (cv *canvas) place(t *Tile, u use) {
	p := &t.places[cv.index]
	if p.now == u {
		return
	}
	was := p.want()
	*p = place{now: u}
	if d := cv.look.Motion.Duration; d > 0 && u.w > 0 && was.w*was.h > u.w*u.h {
		p.was = was
		cv.c.rest = cv.c.now() + d + cv.c.cfg.Delay
	}
}

// others is the cell that counts who has no tile. Called with c.mu held.
func (cv *canvas) others(slot layout.Slot) cell {
	name, size := fmt.Sprintf("+%d", cv.plan.More), slot.Rect.Size()
	key := stillKey{name: name, size: size, look: cv.lookNumber}
	if st := &cv.more; st.blank == nil || st.of != key {
		st.release()
		pic := codec.FromImage(cv.c.artist.Count(size.X, size.Y, name))
		*st = still{of: key, blank: pic, lost: pic.Retain()}
	}
	cl := cell{key: othersKey, rect: slot.Rect, room: slot.Room, blank: cv.more.blank.Retain(), lost: cv.more.lost.Retain()}
	cv.dress(&cl, false)
	return cl
}

// cell is t's place on cv. Called with c.mu held.
func (cv *canvas) cell(t *Tile, slot layout.Slot) cell {
	short := min(cv.cfg.W, cv.cfg.H)
	size, st, look := slot.Rect.Size(), &t.stills[cv.index], &cv.look
	cl := cell{key: t.key, rect: slot.Rect, room: slot.Room, fit: look.fit(t.kind), away: t.away, off: t.cameraOff}
	cv.dress(&cl, cv.lit == t.id && cv.lit != "" && !slot.Main)
	text := textSize(size, short)
	named := look.Label.Show && readable(text*look.Label.Size, short)
	named = named && !(t.kind == Screen && slot.Main) // where it would lie over what is shown
	in := labelInset(text, text*look.Label.Size, max(look.Border.px(short), look.Highlight.px(short)), cl.radius)
	st.render(t.c.artist, stillKey{t.name, size, text, in, cv.lookNumber, named, t.muted(), t.away}, look)
	cl.blank, cl.lost, cl.label = st.blank.Retain(), st.lost.Retain(), st.label
	if cl.label != nil {
		cl.labelAt = labelAt(cl.label, size, in, look.Label.Position)
	}
	if t.video != nil {
		cl.film = t.video.film
	}
	return cl
}

// dress gives cl its corners, line and shadow. Called with c.mu held.
func (cv *canvas) dress(cl *cell, lit bool) {
	short, look := min(cv.cfg.W, cv.cfg.H), &cv.look
	most := min(cl.rect.Dx(), cl.rect.Dy()) / 2 &^ 1
	cl.radius, cl.square = min(look.Radius.Even(short), most), cv.edges(boxOf(cl.rect)).corners()
	cl.width, cl.line = look.Border.px(short), look.Border.Color
	if w := look.Highlight.px(short); lit && w > 0 && len(cv.plan.Slots) > 1 {
		cl.width, cl.line, cl.lit = max(w, cl.width), look.Highlight.Color, true
	} else if cv.fills(cl.rect) {
		cl.width = 0
	}
	cl.width = min(cl.width, most)
	cl.shadow = look.Shadow.Size.Of(short)
}

// group finds out which cells lie over which, and so are to be drawn again together, on a canvas of these bounds.
func group(cells []cell, canvas image.Rectangle) {
	for i := range cells {
		cl := &cells[i]
		cl.group, cl.box = 1<<i, cl.rect
		for k := range i {
			cl.over = cl.over || cl.rect.Overlaps(cells[k].rect)
		}
		if cl.over && cl.shadow > 0 {
			cl.box = cl.rect.Inset(-(int(cl.shadow+3) &^ 1)).Intersect(canvas)
		}
	}
	for again := true; again; { // what touches what touches it, too
		again = false
		for i := range cells {
			for k := range i {
				if a, b := &cells[i], &cells[k]; a.group != b.group && a.box.Overlaps(b.box) {
					join(cells, a.group|b.group, a.box.Union(b.box))
					again = true
				}
			}
		}
	}
}

// join makes the cells of a group know it.
func join(cells []cell, group uint32, box image.Rectangle) {
	for g := group; g != 0; g &= g - 1 {
		cl := &cells[bits.TrailingZeros32(g)]
		cl.group, cl.box = group, box
	}
}

// show replaces the scene from the next tick on. s comes with holds on its pictures.
func (cv *canvas) show(s *scene) {
	cv.sceneMu.Lock()
	old := cv.coming
	cv.coming = s
	cv.sceneMu.Unlock()
	cv.letGo(old)
}

// currentScene is the scene to draw, held for the caller.
func (cv *canvas) currentScene() *scene {
	cv.sceneMu.Lock()
	defer cv.sceneMu.Unlock()
	if cv.coming != nil {
		cv.coming.holds++
	}
	return cv.coming
}

// letGo gives up one hold on s.
func (cv *canvas) letGo(s *scene) {
	if s == nil {
		return
	}
	cv.sceneMu.Lock()
	s.holds--
	last := s.holds == 0
	cv.sceneMu.Unlock()
	if !last {
		return
	}
	for i := range s.cells {
		s.cells[i].blank.Release()
		s.cells[i].lost.Release()
	}
	for _, p := range []*codec.Picture{s.bare, s.base} {
		if p != nil {
			p.Release()
		}
	}
}
