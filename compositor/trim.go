package compositor

import (
	"image"
	"image/color"

	"tilecast/compositor/codec"
)

// trim is what rounds and rims a tile that lies on the background: corners in the background's
// colours, and bars along the edges.
type trim struct {
	corners [4]*codec.Overlay // top left first, clockwise; nil: square
	bars    [4]image.Rectangle
	line    codec.YCbCr // of the bars
	width   int         // 0: no bars
}

// trimKey is what the corners on a plain background depend on.
type trimKey struct {
	radius       int
	square       codec.Corners
	bare         edges // without a line
	width        int
	line, ground color.RGBA
}

// maxTrims bounds the corners that are kept; a canvas has a few sizes.
const maxTrims = 64

// edges are those of a box that lie on the canvas's.
type edges struct{ top, bottom, left, right bool }

func (cv *canvas) edges(b codec.Box) edges {
	return edges{b.Y <= 0, b.Y+b.H >= float64(cv.cfg.H), b.X <= 0, b.X+b.W >= float64(cv.cfg.W)}
}

// corners are those at either end of e.
func (e edges) corners() (c codec.Corners) {
	for _, side := range []struct {
		on bool
		of codec.Corners
	}{
		{e.top, codec.TopLeft | codec.TopRight}, {e.bottom, codec.BottomLeft | codec.BottomRight},
		{e.left, codec.TopLeft | codec.BottomLeft}, {e.right, codec.TopRight | codec.BottomRight},
	} {
		if side.on {
			c |= side.of
		}
	}
	return c
}

// bareEdges are those of cl, at b, that have no line, as they lie on the canvas's; one that speaks has all of it.
func (cv *canvas) bareEdges(cl *cell, b codec.Box) edges {
	if cl.lit {
		return edges{}
	}
	return cv.edges(b)
}

// drawLine paints cl's line along the edges of b.
func (cv *canvas) drawLine(pic *codec.Picture, cl *cell, b codec.Box, opacity float64) {
	if w := float64(cl.width); w > 0 {
		codec.Ring(pic, cv.bareEdges(cl, b).beyond(b, w), w, rgb(cl.line), opacity)
	}
}

// beyond is b with these edges pushed out by n: a line along them is not seen.
func (e edges) beyond(b codec.Box, n float64) codec.Box {
	if e.left {
		b.X, b.W = b.X-n, b.W+n
	}
	if e.top {
		b.Y, b.H = b.Y-n, b.H+n
	}
	if e.right {
		b.W += n
	}
	if e.bottom {
		b.H += n
	}
	return b
}

// trim makes cl's, on ground. Called with c.mu held.
func (cv *canvas) trim(cl *cell, ground *codec.Picture) (t trim) {
	t.width, t.line = cl.width, rgb(cl.line)
	r, bare := cl.rect, cv.bareEdges(cl, boxOf(cl.rect))
	if w := t.width; w > 0 {
		side := max(cl.radius, w)
		t.bars = [4]image.Rectangle{
			image.Rect(r.Min.X+side, r.Min.Y, r.Max.X-side, r.Min.Y+w), image.Rect(r.Min.X+side, r.Max.Y-w, r.Max.X-side, r.Max.Y),
			image.Rect(r.Min.X, r.Min.Y+side, r.Min.X+w, r.Max.Y-side), image.Rect(r.Max.X-w, r.Min.Y+side, r.Max.X, r.Max.Y-side),
		}
		for k, none := range [4]bool{bare.top, bare.bottom, bare.left, bare.right} {
			if none {
				t.bars[k] = image.Rectangle{}
			}
		}
	}
	if cl.radius == 0 && t.width == 0 {
		return t
	}
	key := trimKey{cl.radius, cl.square, bare, cl.width, cl.line, cv.look.Background}
	if ground == nil {
		if have, ok := cv.trims[key]; ok {
			t.corners = have
			return t
		}
	}
	for k := range t.corners {
		t.corners[k] = corner(cl, bare, k, ground, cv.look.Background)
	}
	if ground == nil && len(cv.trims) < maxTrims {
		cv.trims[key] = t.corners
	}
	return t
}

// corner is one of a tile's four, in premultiplied colours: the ground outside, the line on the rim.
func corner(cl *cell, bare edges, k int, ground *codec.Picture, plain color.RGBA) *codec.Overlay {
	side := max(cl.radius, cl.width)
	at := cornerAt(cl.rect, side, k)
	outer := cl.shape()
	inner := bare.beyond(outer, float64(cl.width)).Grown(-float64(cl.width))
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			out := outer.Covers(at.X+x, at.Y+y)
			rim := out - inner.Covers(at.X+x, at.Y+y)
			g := plain
			if ground != nil {
				g = ground.Pixel(at.X+x, at.Y+y).RGBA()
			}
			mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-out) + float64(b)*rim + 0.5) }
			img.SetRGBA(x, y, color.RGBA{mix(g.R, cl.line.R), mix(g.G, cl.line.G), mix(g.B, cl.line.B), mix(255, 255)})
		}
	}
	return codec.NewOverlay(img)
}

func cornerAt(r image.Rectangle, side, k int) image.Point {
	return [4]image.Point{r.Min, {r.Max.X - side, r.Min.Y}, {r.Max.X - side, r.Max.Y - side}, {r.Min.X, r.Max.Y - side}}[k]
}

// draw trims the tile at r.
func (t *trim) draw(pic *codec.Picture, r image.Rectangle, view *codec.Picture) {
	if t.width > 0 {
		for _, bar := range t.bars {
			if !bar.Empty() {
				codec.Fill(setView(view, pic, bar), t.line)
			}
		}
	}
	for k, o := range t.corners {
		if o != nil {
			at := cornerAt(r, o.W, k)
			codec.Blend(pic, o, at.X, at.Y)
		}
	}
}

// shape is where cl is, with its corners.
func (cl *cell) shape() codec.Box {
	b := boxOf(cl.rect)
	b.Radius, b.Square = float64(cl.radius), cl.square
	return b
}

func boxOf(r image.Rectangle) codec.Box {
	return codec.Box{X: float64(r.Min.X), Y: float64(r.Min.Y), W: float64(r.Dx()), H: float64(r.Dy())}
}

func rgb(c color.RGBA) codec.YCbCr { return codec.RGB(c.R, c.G, c.B) }
