package compositor

import (
	"image"
	"image/color"

	"tilecast/compositor/art"
	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
)

// scene is who stands where, with the pictures that do not move. It is never
// changed once it is on show: a change of anything makes a new one.
type scene struct {
	look    Look
	ground  codec.YCbCr
	cells   []cell
	corners [4]*codec.Overlay // top left first, clockwise; nil: square
	holds   int               // on the cells' pictures; guarded by Compositor.sceneMu
}

// cell is one tile's place in a scene.
type cell struct {
	rect        image.Rectangle
	film        *film // nil: no video
	away        bool  // the room says that the participant is gone for now
	blank, lost *codec.Picture
	label       *codec.Overlay
	labelAt     image.Point // within the tile
}

// still is a tile's art for one name and size, rendered once.
type still struct {
	name        string
	size        image.Point
	labelled    bool
	blank, lost *codec.Picture
	label       *codec.Overlay
}

func (s *still) release() {
	if s.blank != nil {
		s.blank.Release()
		s.lost.Release()
	}
	*s = still{}
}

// render makes s match, keeping what is right already.
func (s *still) render(a *art.Artist, name string, size image.Point, labelled bool) {
	if s.blank != nil && s.name == name && s.size == size && s.labelled == labelled {
		return
	}
	s.release()
	s.name, s.size, s.labelled = name, size, labelled
	s.blank = codec.FromImage(a.Placeholder(size.X, size.Y, name, ""))
	s.lost = codec.FromImage(a.Placeholder(size.X, size.Y, name, "Reconnecting…"))
	if text := art.TextSize(size.X, size.Y); labelled {
		if img := a.Label(name, text, size.X-2*inset(size)); img != nil && img.Rect.Dx() <= size.X-2*inset(size) {
			s.label = codec.NewOverlay(img)
		}
	}
}

// inset is a label's distance from its tile's edges.
func inset(size image.Point) int { return int(art.TextSize(size.X, size.Y)*0.55) &^ 1 }

// rebuild puts the tiles in their places, tells inputs what is wanted of them, and
// shows the result. Called with c.mu held.
func (c *Compositor) rebuild() {
	look := c.look
	s := &scene{look: look, ground: codec.RGB(look.Background.R, look.Background.G, look.Background.B), holds: 1}
	rects := layout.Grid(c.cfg.W, c.cfg.H, len(c.tiles), look.Gap, look.Margin)
	for i, t := range c.tiles {
		if i >= len(rects) {
			t.place(image.Point{}, look.Fit)
			continue
		}
		s.cells = append(s.cells, t.cell(rects[i], look))
		t.place(rects[i].Size(), look.Fit)
	}
	if len(c.tiles) == 0 {
		s.cells = []cell{c.slate()}
	} else {
		s.corners = c.corners(rects[0].Size())
	}
	c.show(s)
}

// show replaces the scene that canvases draw. s comes with holds on its pictures.
func (c *Compositor) show(s *scene) {
	c.sceneMu.Lock()
	old := c.scene
	c.scene = s
	c.sceneMu.Unlock()
	c.letGo(old)
}

// currentScene is the scene to draw, held for the caller.
func (c *Compositor) currentScene() *scene {
	c.sceneMu.Lock()
	defer c.sceneMu.Unlock()
	if c.scene != nil {
		c.scene.holds++
	}
	return c.scene
}

// letGo gives up one hold on s.
func (c *Compositor) letGo(s *scene) {
	if s == nil {
		return
	}
	c.sceneMu.Lock()
	s.holds--
	last := s.holds == 0
	c.sceneMu.Unlock()
	if !last {
		return
	}
	for _, cell := range s.cells {
		cell.blank.Release()
		cell.lost.Release()
	}
}

// cell is t's place at rect. Called with c.mu held.
func (t *Tile) cell(rect image.Rectangle, look Look) cell {
	size := rect.Size()
	t.still.render(t.c.artist, t.name, size, look.Labels)
	cl := cell{rect: rect, away: t.away, blank: t.still.blank.Retain(), lost: t.still.lost.Retain(), label: t.still.label}
	if cl.label != nil {
		cl.labelAt = image.Pt(inset(size), max(size.Y-inset(size)-cl.label.H, 0)&^1)
	}
	if t.video != nil {
		cl.film = t.video.film
	}
	return cl
}

// slate fills the canvas while nobody is there. Called with c.mu held.
func (c *Compositor) slate() cell {
	if c.emptyOf != c.look || c.empty == nil {
		if c.empty != nil {
			c.empty.Release()
		}
		c.empty = codec.FromImage(c.artist.Slate(c.cfg.W, c.cfg.H, c.look.Background, c.look.Empty))
		c.emptyOf = c.look
	}
	return cell{rect: image.Rect(0, 0, c.cfg.W, c.cfg.H), blank: c.empty.Retain(), lost: c.empty.Retain()}
}

// corners are the overlays that round tiles of one size; nil for square ones.
// Called with c.mu held.
func (c *Compositor) corners(size image.Point) [4]*codec.Overlay {
	r := min(c.look.Radius, size.X/2, size.Y/2)
	if r < 2 {
		return [4]*codec.Overlay{}
	}
	if key := (cornerKey{r, c.look.Background}); c.cornersOf != key {
		for turns := range c.cornerArt {
			c.cornerArt[turns] = codec.NewOverlay(art.Corner(r, c.look.Background, turns))
		}
		c.cornersOf = key
	}
	return c.cornerArt
}

type cornerKey struct {
	radius int
	ground color.RGBA
}
