package art

import (
	"bytes"
	"image"
	"image/png"
	"math"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/draw"
)

// emoji is where characters begin that are pictures rather than letters: fonts of pictures are asked for them first.
const emoji = 0x1f000

// stamp draws a glyph that is a picture, with its origin at x on the baseline, and reports whether it is one.
func stamp(dst *image.RGBA, run *shaping.Output, g *shaping.Glyph, x, baseline float64) bool {
	b, ok := run.Face.GlyphData(g.GlyphID).(font.GlyphBitmap)
	if !ok || b.Format != font.PNG {
		return false
	}
	size, err := png.DecodeConfig(bytes.NewReader(b.Data))
	if err != nil || size.Width > maxGlyph || size.Height > maxGlyph {
		return true // nothing that a font has a right to
	}
	pic, err := png.Decode(bytes.NewReader(b.Data))
	if err != nil {
		return true
	}
	x0, y0 := x+px(g.XOffset+g.XBearing), baseline-px(g.YOffset+g.YBearing)
	at := func(x, y float64) image.Point { return image.Pt(int(math.Round(x)), int(math.Round(y))) }
	to := image.Rectangle{at(x0, y0), at(x0+px(g.Width), y0-px(g.Height))}
	draw.CatmullRom.Scale(dst, to, pic, pic.Bounds(), draw.Over, nil)
	return true
}

// maxGlyph is the largest picture of a glyph, in pixels either way.
const maxGlyph = 1024

// narrow makes the spaces among pictures, which are as wide as pictures, those of text.
func narrow(run *shaping.Output, text []rune) {
	if len(run.Face.BitmapSizes()) == 0 {
		return
	}
	for i := range run.Glyphs {
		if g := &run.Glyphs[i]; text[g.TextIndex()] == ' ' {
			g.Advance = run.Size * 7 / 25
		}
	}
	run.RecomputeAdvance()
}
