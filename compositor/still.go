package compositor

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"

	"tilecast/compositor/art"
	"tilecast/compositor/codec"
)

// still is a tile's art on one canvas, rendered once for what it shows.
type still struct {
	of          stillKey
	blank, lost *codec.Picture
	label       *codec.Overlay
}

// stillKey is all that a tile's art depends on.
type stillKey struct {
	name     string
	size     image.Point
	text     float64 // size of the label's, px
	inset    int     // of the label, px
	look     int     // canvas.look's number
	labelled bool
	muted    bool
	away     bool // lost is another picture than blank
}

func (s *still) release() {
	if s.blank != nil {
		s.blank.Release()
		s.lost.Release()
	}
	*s = still{}
}

// render makes s match key, keeping what is right already.
func (s *still) render(a *art.Artist, key stillKey, look *Look) {
	if s.blank != nil && s.of == key {
		return
	}
	keep := s.blank != nil && s.of.name == key.name && s.of.size == key.size && s.of.look == key.look && s.of.away == key.away
	blank, lost := s.blank, s.lost
	if !keep {
		s.release()
		blank = codec.FromImage(placeholder(a, key, look, ""))
		if lost = blank.Retain(); key.away {
			lost = codec.FromImage(placeholder(a, key, look, "Reconnecting…"))
		}
	}
	*s = still{of: key, blank: blank, lost: lost}
	if key.labelled {
		s.label = label(a, key, look)
	}
}

func placeholder(a *art.Artist, key stillKey, look *Look, note string) image.Image {
	w, h := key.size.X, key.size.Y
	switch {
	case look.Placeholder.Kind == "image" && look.Placeholder.Image != nil:
		return covering(look.Placeholder.Image, w, h, look.Background)
	case look.Placeholder.Kind == "color" && note == "":
		return art.Ground(w, h, key.name)
	}
	return a.Placeholder(w, h, key.name, note)
}

// label is the name for a tile of that size, nil where it could not be read.
func label(a *art.Artist, key stillKey, look *Look) *codec.Overlay {
	room, l := key.size.X-2*key.inset, look.Label
	st := art.LabelStyle{
		Size: key.text * l.Size, MaxWidth: room, Font: l.Font, Text: l.Color, Ground: l.Ground,
		Muted: key.muted && l.MutedIcon,
	}
	if float64(room) < 5*st.Size { // of a name there would be a letter or two
		return nil
	}
	img := a.Label(key.name, st)
	if img == nil || img.Rect.Dx() > room || img.Rect.Dy() > key.size.Y-key.inset {
		return nil
	}
	return codec.NewOverlay(img)
}

// readable reports whether text of that size can be, on a canvas whose shorter side is short.
func readable(text float64, short int) bool { return text >= max(0.015*float64(short), 8) }

// textSize is that of a label's text, in pixels, as suits a tile of that size on a canvas whose shorter side is
// short: to be read from where the canvas is watched, unless the label then took more than a quarter of the tile's height.
func textSize(size image.Point, short int) float64 {
	s := float64(short)
	text := min(max(art.TextSize(size.X, size.Y), 0.0195*s), max(0.047*s, 11))
	return min(math.Round(text), math.Floor(0.145*float64(size.Y)))
}

// labelInset is a label's distance from its tile's edges, in pixels: its text, which is that large where size is its own,
// stays clear of a line so wide along the edges, and all of it within corners of that radius.
func labelInset(size, text float64, line, radius int) int {
	in := float64(int(size*0.55) &^ 1)
	clear, end := float64(line)+0.25*size, 0.9*text // end is the radius of the label's own
	in = max(in, clear)
	if r := float64(radius); r-end > clear {
		in = max(in, r-end-(r-end-clear)/math.Sqrt2) // on the diagonal
	}
	return int(in/2+0.5) * 2
}

// labelAt is where on a tile its label lies, so far from the edges.
func labelAt(l *codec.Overlay, size image.Point, in int, position string) image.Point {
	x, y := in, size.Y-in-l.H
	switch position {
	case "bottom-center", "top-center":
		x = (size.X - l.W) / 2
	case "bottom-right", "top-right":
		x = size.X - in - l.W
	}
	if len(position) > 2 && position[:3] == "top" {
		y = in
	}
	return image.Pt(max(x, 0)&^1, max(y, 0)&^1)
}

// covering is img scaled and cropped to w by h, over ground where it is transparent.
func covering(img image.Image, w, h int, ground color.RGBA) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	b := img.Bounds()
	crop := b
	if b.Dx()*h > b.Dy()*w {
		cw := b.Dy() * w / h
		crop.Min.X += (b.Dx() - cw) / 2
		crop.Max.X = crop.Min.X + cw
	} else {
		ch := b.Dx() * h / w
		crop.Min.Y += (b.Dy() - ch) / 2
		crop.Max.Y = crop.Min.Y + ch
	}
	draw.CatmullRom.Scale(out, out.Rect, img, crop, draw.Over, nil)
	return out
}
