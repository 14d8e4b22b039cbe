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
	holds   int               // on the cells' pictures; guarded by canvas.sceneMu
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

// rebuild puts the tiles in their places on every canvas, tells inputs what is wanted of
// them, and shows the result. Called with c.mu held.
func (c *Compositor) rebuild() {
	for _, t := range c.tiles {
		t.uses = t.uses[:0]
	}
	for _, cv := range c.canvases {
		cv.rebuild()
	}
	for _, t := range c.tiles {
		if t.video != nil {
			t.video.want(t.uses)
		}
	}
}

// rebuild makes the canvas's scene. Called with c.mu held.
func (cv *canvas) rebuild() {
	look, tiles := cv.look, cv.c.tiles
	s := &scene{look: look, ground: codec.RGB(look.Background.R, look.Background.G, look.Background.B), holds: 1}
	rects := layout.Grid(cv.cfg.W, cv.cfg.H, len(tiles), look.Gap, look.Margin)
	for i, rect := range rects {
		s.cells = append(s.cells, tiles[i].cell(rect, cv))
		tiles[i].use(use{rect.Dx(), rect.Dy(), look.Fit})
	}
	if len(tiles) == 0 {
		s.cells = []cell{cv.slate()}
	} else {
		s.corners = cv.corners(rects[0].Size())
	}
	cv.show(s)
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
	for _, cell := range s.cells {
		cell.blank.Release()
		cell.lost.Release()
	}
}

// cell is t's place on cv at rect. Called with c.mu held.
func (t *Tile) cell(rect image.Rectangle, cv *canvas) cell {
	size, st := rect.Size(), &t.stills[cv.index]
	st.render(t.c.artist, t.name, size, cv.look.Labels)
	cl := cell{rect: rect, away: t.away, blank: st.blank.Retain(), lost: st.lost.Retain(), label: st.label}
	if cl.label != nil {
		cl.labelAt = image.Pt(inset(size), max(size.Y-inset(size)-cl.label.H, 0)&^1)
	}
	if t.video != nil {
		cl.film = t.video.film
	}
	return cl
}

// slate fills the canvas while nobody is there. Called with c.mu held.
func (cv *canvas) slate() cell {
	if cv.emptyOf != cv.look || cv.empty == nil {
		if cv.empty != nil {
			cv.empty.Release()
		}
		cv.empty = codec.FromImage(cv.c.artist.Slate(cv.cfg.W, cv.cfg.H, cv.look.Background, cv.look.Empty))
		cv.emptyOf = cv.look
	}
	return cell{rect: image.Rect(0, 0, cv.cfg.W, cv.cfg.H), blank: cv.empty.Retain(), lost: cv.empty.Retain()}
}

// corners are the overlays that round tiles of one size; nil for square ones.
// Called with c.mu held.
func (cv *canvas) corners(size image.Point) [4]*codec.Overlay {
	r := min(cv.look.Radius, size.X/2, size.Y/2)
	if r < 2 {
		return [4]*codec.Overlay{}
	}
	if key := (cornerKey{r, cv.look.Background}); cv.cornersOf != key {
		for turns := range cv.cornerArt {
			cv.cornerArt[turns] = codec.NewOverlay(art.Corner(r, cv.look.Background, turns))
		}
		cv.cornersOf = key
	}
	return cv.cornerArt
}

type cornerKey struct {
	radius int
	ground color.RGBA
}
