// Package art draws the still pictures of a stage: name labels, placeholders and slates.
package art

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// maxRunes bounds the work that a hostile name can cause.
const maxRunes = 128

// Artist draws with a list of fonts, the first that has a character winning. It
// may be used by several goroutines.
type Artist struct {
	mu      sync.Mutex
	faces   []*font.Face
	names   []string   // of faces, as Fonts knows them
	first   *font.Face // asked before all others; nil: none
	shaper  shaping.HarfbuzzShaper
	seg     shaping.Segmenter
	wrapper shaping.LineWrapper
}

// New makes an artist of the embedded Latin, Greek and Cyrillic font and of further ones for other
// scripts; nil is none.
func New(fonts *Fonts) (*Artist, error) {
	face, err := font.ParseTTF(bytes.NewReader(gomedium.TTF))
	if err != nil {
		return nil, fmt.Errorf("parse the embedded font: %w", err)
	}
	a := &Artist{faces: []*font.Face{face}, names: []string{""}}
	if fonts != nil {
		for _, f := range fonts.all {
			a.faces, a.names = append(a.faces, font.NewFace(f.font)), append(a.names, f.name)
		}
	}
	return a, nil
}

// prefer makes the font called name, by its family or its file, the first. Called locked.
func (a *Artist) prefer(name string) {
	a.first = nil
	for i, n := range a.names {
		if name != "" && matches(n, name) {
			a.first = a.faces[i]
			return
		}
	}
}

// ResolveFace finds a font for r. It makes Artist a shaping.Fontmap.
func (a *Artist) ResolveFace(r rune) *font.Face {
	if a.first != nil {
		if _, ok := a.first.NominalGlyph(r); ok {
			return a.first
		}
	}
	for _, f := range a.faces {
		if _, ok := f.NominalGlyph(r); ok {
			return f
		}
	}
	return a.faces[0]
}

// drawable is s, clean, less the characters that no font has.
func (a *Artist) drawable(s string) []rune {
	s = strings.Map(func(r rune) rune {
		if _, ok := a.ResolveFace(r).NominalGlyph(r); !ok {
			return -1
		}
		return r
	}, clean(s))
	return []rune(strings.Join(strings.Fields(s), " "))
}

// covers reports whether every character of s has a glyph.
func (a *Artist) covers(s string) bool {
	for _, r := range s {
		if _, ok := a.ResolveFace(r).NominalGlyph(r); !ok {
			return false
		}
	}
	return true
}

// line is one line of shaped text: runs in the order they are seen.
type line struct {
	runs  []shaping.Output
	width float64 // px
}

// layOut shapes s at size pixels, cut with an ellipsis to maxWidth pixels. What no
// font has is left out rather than drawn as boxes. Called locked.
func (a *Artist) layOut(s string, size, maxWidth float64) line {
	text := a.drawable(s)
	if len(text) == 0 {
		return line{}
	}
	input := func(text []rune) shaping.Input {
		return shaping.Input{
			Text: text, RunEnd: len(text), Direction: direction(text), Size: fixed.Int26_6(size * 64),
			Face: a.faces[0], Language: language.NewLanguage("en"),
		}
	}
	var runs []shaping.Output
	for _, in := range a.seg.Split(input(text), a) {
		runs = append(runs, a.shaper.Shape(in))
	}
	dots := []rune{'…'}
	cfg := shaping.WrapConfig{
		Direction: direction(text), TruncateAfterLines: 1, BreakPolicy: shaping.Always,
		Truncator: a.shaper.Shape(input(dots)),
	}
	lines, _ := a.wrapper.WrapParagraph(cfg, max(int(maxWidth), 1), text, shaping.NewSliceIterator(runs))
	if len(lines) == 0 {
		return line{}
	}
	l := line{runs: slices.Clone(lines[0])}
	slices.SortFunc(l.runs, func(x, y shaping.Output) int { return int(x.VisualIndex - y.VisualIndex) })
	for _, r := range l.runs {
		l.width += px(r.Advance)
	}
	return l
}

// draw paints l in colour c with its left end at x on the baseline.
func (l line) draw(dst *image.RGBA, x, baseline float64, c color.Color) {
	if len(l.runs) == 0 {
		return
	}
	size := px(l.runs[0].Size)
	box := around(dst, x-size, baseline-2*size, x+l.width+size, baseline+size)
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	x, baseline = x-float64(box.Min.X), baseline-float64(box.Min.Y)
	for _, run := range l.runs {
		scale := px(run.Size) / float64(run.Face.Upem())
		for _, g := range run.Glyphs {
			if o, ok := run.Face.GlyphDataOutline(g.GlyphID); ok {
				trace(z, o.Segments, x+px(g.XOffset), baseline-px(g.YOffset), scale)
			}
			x += px(g.Advance)
		}
	}
	z.Draw(dst, box, image.NewUniform(c), image.Point{})
}

// trace adds a glyph's outline with its origin at x, y.
func trace(z *vector.Rasterizer, segments []opentype.Segment, x, y, scale float64) {
	at := func(p opentype.SegmentPoint) (float32, float32) {
		return float32(x + float64(p.X)*scale), float32(y - float64(p.Y)*scale)
	}
	for _, s := range segments {
		ax, ay := at(s.Args[0])
		bx, by := at(s.Args[1])
		cx, cy := at(s.Args[2])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			z.ClosePath()
			z.MoveTo(ax, ay)
		case opentype.SegmentOpLineTo:
			z.LineTo(ax, ay)
		case opentype.SegmentOpQuadTo:
			z.QuadTo(ax, ay, bx, by)
		case opentype.SegmentOpCubeTo:
			z.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	z.ClosePath()
}

// clean makes one short printable line of s.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxRunes {
		s = string(r[:maxRunes])
	}
	return s
}

// direction is that of the first letter with one.
func direction(text []rune) di.Direction {
	for _, r := range text {
		if unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko) {
			return di.DirectionRTL
		}
		if unicode.IsLetter(r) {
			break
		}
	}
	return di.DirectionLTR
}

func px(f fixed.Int26_6) float64 { return float64(f) / 64 }
