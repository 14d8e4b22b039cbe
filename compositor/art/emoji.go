package art

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"slices"
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/draw"
)

// emoji is where characters begin that are pictures rather than letters.
const emoji = 0x1f000

// Characters that say how those before them are meant (UTS #51).
const (
	asText    = 0xfe0e
	asPicture = 0xfe0f
)

// pictures are those below emoji that are pictures unless something says otherwise: Emoji_Presentation of UTS #51.
var pictures = &unicode.RangeTable{R16: []unicode.Range16{
	{0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x23f0, 0x23f3, 3}, {0x25fd, 0x25fe, 1}, {0x2614, 0x2615, 1}, {0x2648, 0x2653, 1}, {0x267f, 0x2693, 20},
	{0x26a1, 0x26aa, 9}, {0x26ab, 0x26bd, 18}, {0x26be, 0x26c4, 6}, {0x26c5, 0x26ce, 9}, {0x26d4, 0x26ea, 22}, {0x26f2, 0x26f3, 1}, {0x26f5, 0x26fa, 5},
	{0x26fd, 0x2705, 8}, {0x270a, 0x270b, 1}, {0x2728, 0x274c, 36}, {0x274e, 0x2753, 5}, {0x2754, 0x2755, 1}, {0x2757, 0x2795, 62}, {0x2796, 0x2797, 1},
	{0x27b0, 0x27bf, 15}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b55, 5},
}}

// pictorial reports whether a grapheme cluster is a picture, by itself, or because it says so.
func pictorial(cluster []rune) bool {
	switch {
	case slices.Contains(cluster, asText):
		return false
	case slices.Contains(cluster, asPicture):
		return true
	}
	return slices.ContainsFunc(cluster, func(r rune) bool { return r >= emoji && !unseen(r) || unicode.Is(pictures, r) })
}

// unseen reports whether r only says how others are meant: a font may lack it.
func unseen(r rune) bool {
	return unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

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
