// Package art draws the still pictures of a stage: name labels, placeholders and slates.
package art

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// MostText is how many characters of a text are drawn at most. What is longer ends with an ellipsis.
const MostText = 200

// Artist draws with a list of fonts, the first that has a character winning. It
// may be used by several goroutines.
type Artist struct {
	mu        sync.Mutex
	own       *font.Face // the embedded one
	others    []*face
	first     *face // asked before all others; nil: none
	fonts     *Fonts
	log       *slog.Logger
	shaper    shaping.HarfbuzzShaper
	seg       shaping.Segmenter
	letters   segmenter.Segmenter
	wrapper   shaping.LineWrapper
	paragraph bidi.Paragraph
}

// face is one of Fonts, read when it is needed.
type face struct {
	*namedFont
	face *font.Face
}

// New makes an artist of the embedded Latin, Greek and Cyrillic font and of further ones for other
// scripts; nil is none. The log is told of scripts that are in none, each once for all artists of the same fonts.
func New(fonts *Fonts, log *slog.Logger) (*Artist, error) {
	own, err := font.ParseTTF(bytes.NewReader(gomedium.TTF))
	if err != nil {
		return nil, fmt.Errorf("parse the embedded font: %w", err)
	}
	if fonts == nil {
		fonts = &Fonts{}
	}
	a := &Artist{own: own, fonts: fonts, log: log}
	for _, f := range fonts.all {
		a.others = append(a.others, &face{namedFont: f})
	}
	return a, nil
}

// prefer makes the font called name, by its family or its file, the first. Called locked.
func (a *Artist) prefer(name string) {
	a.first = nil
	for _, f := range a.others {
		if name != "" && matches(f.name, name) {
			a.first = f
			return
		}
	}
}

// of is the face if it has r and can be read.
func (f *face) of(r rune) *font.Face {
	if _, ok := f.has.Lookup(r); !ok {
		return nil
	}
	if f.face == nil {
		if of := f.read(); of != nil {
			f.face = font.NewFace(of)
		}
	}
	return f.face
}

// find is a font that has r; nil: none. Called locked.
func (a *Artist) find(r rune) *font.Face { return a.choose([]rune{r}) }

// covers reports whether every character of s has a glyph.
func (a *Artist) covers(s string) bool {
	for _, r := range s {
		if a.find(r) == nil {
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

// layOut shapes s at size pixels, cut with an ellipsis to maxWidth pixels. Called locked.
func (a *Artist) layOut(s string, size, maxWidth float64) line {
	if lines, _ := a.wrap(a.drawable(s), size, maxWidth, 1); len(lines) > 0 {
		return lines[0]
	}
	return line{}
}

// fit is layOut of a text on as many as textLines lines, made smaller where it needs more, and where the least size does
// not do either, cut after a word. It gives the size, too. Called locked.
func (a *Artist) fit(s string, size, maxWidth float64) (lines []line, at float64) {
	text := a.drawable(s)
	for _, scale := range [...]float64{1, 0.9, 0.8, 0.7, 0.6} {
		at = size * scale
		var cut int
		if lines, cut = a.wrap(text, at, maxWidth, textLines); cut == 0 {
			return lines, at
		}
	}
	lines, _ = a.wrap(a.upToWord(text, at, maxWidth), at, maxWidth, textLines)
	return lines, at
}

// upToWord is text, which has no room, up to the last word that has, and an ellipsis; all of it where that is in the
// middle of a word longer than a line. Called locked.
func (a *Artist) upToWord(text []rune, size, maxWidth float64) []rune {
	lines, cut := a.wrap(text, size, maxWidth, textLines)
	for kept := len(text) - cut; kept > 0 && cut > 0; kept-- {
		if text[kept] != ' ' {
			continue
		}
		short := append(slices.Clone(text[:kept]), '…')
		if whole, more := a.wrap(short, size, maxWidth, textLines); more == 0 && len(whole) == len(lines) {
			return short
		}
		break
	}
	return text
}

// wrap shapes text on as many as most lines, broken between words where there is more than one, and says how many
// characters had no room, for which an ellipsis stands. Called locked.
func (a *Artist) wrap(text []rune, size, maxWidth float64, most int) (lines []line, cut int) {
	if len(text) == 0 {
		return nil, 0
	}
	dir := direction(text)
	input := func(text []rune) shaping.Input {
		return shaping.Input{
			Text: text, RunEnd: len(text), Direction: dir, Size: fixed.Int26_6(size * 64),
			Face: a.own, Language: language.NewLanguage("en"),
		}
	}
	var runs []shaping.Output
	faces, levels := a.faces(text), a.levels(text, dir)
	for _, whole := range a.seg.Split(input(text), oneFace{a.own}) {
		for _, in := range divide(whole, faces, levels) {
			run := a.shaper.Shape(in)
			narrow(&run, text)
			runs = append(runs, run)
		}
	}
	cfg := shaping.WrapConfig{
		Direction: dir, TruncateAfterLines: most, BreakPolicy: shaping.Always,
		Truncator: a.shaper.Shape(input([]rune{'…'})), DisableTrailingWhitespaceTrim: true, // it takes the last that is seen for the last
	}
	if most > 1 {
		cfg.BreakPolicy = shaping.WhenNecessary
	}
	wrapped, cut := a.wrapper.WrapParagraph(cfg, max(int(maxWidth), 1), text, shaping.NewSliceIterator(runs))
	for i, w := range wrapped {
		l := line{runs: slices.Clone(w)}
		ellipsis := -1 // where in text the one begins that stands for its end
		if n := len(l.runs) - 1; cut > 0 && i == len(wrapped)-1 && n >= 0 {
			ellipsis = l.runs[n].Runes.Offset
			trim(l.runs[:n], text)
		} else {
			trim(l.runs, text)
		}
		order(l.runs, func(r shaping.Output) int {
			if r.Runes.Offset == ellipsis || r.Runes.Offset >= len(text) {
				return base(dir)
			}
			return levels[r.Runes.Offset]
		})
		for _, r := range l.runs {
			l.width += px(r.Advance)
		}
		lines = append(lines, l)
	}
	return lines, cut
}

// trim takes the room from the spaces at the ends of a line, whose runs are in the order they are read.
func trim(runs []shaping.Output, text []rune) {
	for i := range runs {
		run := &runs[i]
		n := len(run.Glyphs) - 1
		begin, end := 0, n
		if run.Direction == di.DirectionRTL {
			begin, end = n, 0
		}
		if i == 0 && n >= 0 && text[run.Runes.Offset] == ' ' {
			run.Glyphs[begin].Advance = 0
		}
		if i == len(runs)-1 && n >= 0 && text[run.Runes.Offset+run.Runes.Count-1] == ' ' {
			run.Glyphs[end].Advance = 0
		}
		run.RecomputeAdvance()
	}
}

// draw paints l in colour c with its left end at x on the baseline.
func (l line) draw(dst *image.RGBA, x, baseline float64, c color.Color) {
	if len(l.runs) == 0 {
		return
	}
	size := px(l.runs[0].Size)
	box := around(dst, x-size, baseline-2*size, x+l.width+size, baseline+size)
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	left, top := float64(box.Min.X), float64(box.Min.Y)
	for i := range l.runs {
		run := &l.runs[i]
		scale := px(run.Size) / float64(run.Face.Upem())
		for k := range run.Glyphs {
			g := &run.Glyphs[k]
			if o, ok := run.Face.GlyphDataOutline(g.GlyphID); !stamp(dst, run, g, x, baseline) && ok {
				trace(z, o.Segments, x-left+px(g.XOffset), baseline-top-px(g.YOffset), scale)
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
	return shorten(strings.Join(strings.Fields(s), " "))
}

// shorten cuts s to MostText characters, the last an ellipsis, between two that are each read as one letter.
func shorten(s string) string {
	text := []rune(s)
	if len(text) <= MostText {
		return s
	}
	kept := 0
	for _, c := range clusters(new(segmenter.Segmenter), text[:MostText]) {
		if kept+len(c) < MostText {
			kept += len(c)
		}
	}
	if kept == 0 {
		kept = MostText - 1 // marks without an end
	}
	return string(text[:kept]) + "…"
}

func px(f fixed.Int26_6) float64 { return float64(f) / 64 }
