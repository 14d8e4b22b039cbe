package broadcast

import (
	"image"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"tilecast/compositor/codec"
)

// glyphs are characters of one size, rasterized once, to be stamped into pictures.
type glyphs struct {
	masks map[rune]stamp
	digit int // the widest one's advance, so that a clock does not jitter
}

// stamp is a character's coverage with its origin on the baseline at x, y.
type stamp struct {
	mask    *image.Alpha
	x, y    int
	advance fixed.Int26_6
}

// newGlyphs has the characters of text and what a clock needs. The font is embedded, so
// it parses; were it broken, nothing would be written.
func newGlyphs(size float64, text string) *glyphs {
	g := &glyphs{masks: map[rune]stamp{}}
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return g
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return g
	}
	defer face.Close()
	for _, r := range text + "0123456789:." {
		if _, ok := g.masks[r]; ok {
			continue
		}
		dr, mask, mp, adv, ok := face.Glyph(fixed.Point26_6{}, r)
		if !ok {
			continue
		}
		s := stamp{mask: image.NewAlpha(image.Rect(0, 0, dr.Dx(), dr.Dy())), x: dr.Min.X, y: dr.Min.Y, advance: adv}
		for y := range dr.Dy() {
			for x := range dr.Dx() {
				_, _, _, a := mask.At(mp.X+x, mp.Y+y).RGBA()
				s.mask.Pix[y*s.mask.Stride+x] = byte(a >> 8)
			}
		}
		g.masks[r] = s
		if r >= '0' && r <= '9' {
			g.digit = max(g.digit, adv.Round())
		}
	}
	return g
}

// draw stamps text in white with its baseline at x, y.
func (g *glyphs) draw(dst *codec.Picture, text string, x, y, alpha int) {
	at := fixed.I(x)
	for _, c := range text {
		s := g.masks[c]
		g.stamp(dst, s, at.Round(), y, alpha)
		at += s.advance
	}
}

// width of text in pixels.
func (g *glyphs) width(text string) float64 {
	var w fixed.Int26_6
	for _, c := range text {
		w += g.masks[c].advance
	}
	return float64(w) / 64
}

// drawClock is draw for ASCII whose digits stand in columns of equal width.
func (g *glyphs) drawClock(dst *codec.Picture, text []byte, x, y, alpha int) {
	for _, c := range text {
		g.stamp(dst, g.masks[rune(c)], x, y, alpha)
		x += g.step(c)
	}
}

func (g *glyphs) clockWidth(text []byte) (w int) {
	for _, c := range text {
		w += g.step(c)
	}
	return w
}

func (g *glyphs) step(c byte) int {
	if c >= '0' && c <= '9' {
		return g.digit
	}
	return g.masks[rune(c)].advance.Round()
}

// stamp blends white by the character's coverage.
func (g *glyphs) stamp(dst *codec.Picture, s stamp, x, y, alpha int) {
	if s.mask == nil {
		return // the font has no such character
	}
	r := s.mask.Rect.Add(image.Pt(x+s.x, y+s.y))
	in := r.Intersect(dst.Bounds())
	for py := in.Min.Y; py < in.Max.Y; py++ {
		m := s.mask.Pix[(py-r.Min.Y)*s.mask.Stride+in.Min.X-r.Min.X:][:in.Dx()]
		o := py*dst.StrideY + in.Min.X
		blendFew(dst.Y[o:o+len(m)], m, 235, alpha)
	}
	// chroma towards grey: a half-size pixel takes the coverage of its upper left one
	for py := (in.Min.Y + 1) &^ 1; py < in.Max.Y; py += 2 {
		for px := (in.Min.X + 1) &^ 1; px < in.Max.X; px += 2 {
			a := int(s.mask.Pix[(py-r.Min.Y)*s.mask.Stride+px-r.Min.X]) * alpha
			o := py/2*dst.StrideC + px/2
			dst.Cb[o] = mixChroma(dst.Cb[o], 128, 4*a)
			dst.Cr[o] = mixChroma(dst.Cr[o], 128, 4*a)
		}
	}
}
