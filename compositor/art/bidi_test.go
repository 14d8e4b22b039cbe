package art

import (
	"image/color"
	"strings"
	"testing"

	"github.com/go-text/typesetting/di"
)

// letters makes Hebrew letters of A to M and Arabic ones of N to Z, so that what is read from right to left can be
// written here from left to right.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'M':
			return 'א' + r - 'A'
		case r >= 'N' && r <= 'Z':
			return []rune("بتثجحخسشصضطظع")[r-'N']
		}
		return r
	}, s)
}

// visual is what l shows of text from left to right.
func visual(l line, text []rune) string {
	var b strings.Builder
	for i := range l.runs {
		for k := range l.runs[i].Glyphs {
			g := &l.runs[i].Glyphs[k]
			if g.Advance > 0 {
				b.WriteRune(text[g.TextIndex()])
			}
		}
	}
	return b.String()
}

// Upper case is Hebrew up to M and Arabic from N on. Brackets are those of the text: fonts mirror them.
func TestWhatIsReadBothWaysIsSeenInOrder(t *testing.T) {
	a := artist(t)
	for _, c := range []struct{ text, want string }{
		{"ada", "ada"},
		{"ABC", "CBA"},
		{"ada QRS 123", "ada 123 SRQ"},
		{"ada ABC 123", "ada 123 CBA"},
		{"ada QRS 123 bob", "ada 123 SRQ bob"},
		{"ada ABC 12x", "ada 12 CBAx"},
		{"ada 12 ABC", "ada 12 CBA"},
		{"ada ABC 1 2", "ada 2 1 CBA"},
		{"ada ABC 1,2 3", "ada 3 1,2 CBA"},
		{"ada ABC 5%", "ada 5% CBA"},
		{"ada QRS 5%", "ada 5 SRQ%"},
		{"ada ABC $5", "ada $5 CBA"},
		{"ada ABC 5%%-DEF", "ada FED-5%% CBA"},
		{"ada ABC, DEF!", "ada FED ,CBA!"},
		{"ada [ABC] 5%)", "ada [CBA] 5%)"},
		{"ada (ABC) 1", "ada (CBA) 1"},
		{"ada \u0661\u0662 ABC", "ada CBA \u0661\u0662"},
		{"ada\u0661\u066b\u0662 QRS", "adaSRQ \u0661\u066b\u0662"},
		{"ABC 123", "123 CBA"},
		{"123 ABC", "CBA 123"},
		{"ABC ada 123", "ada 123 CBA"},
		{"ABC 1-2 ada", "ada 1-2 CBA"},
		{"QRS 1-2 ada", "ada 2-1 SRQ"},
		{"QRS, 1,2 (ada)", ")ada( 1,2 ,SRQ"},
	} {
		text := []rune(letters(c.text))
		lines, _ := a.wrap(text, 20, 2000, 1)
		if got, want := visual(lines[0], text), letters(c.want); got != want {
			t.Errorf("%s: %+q is seen, want %+q", c.text, got, want)
		}
	}
}

// Where a line ends, its space has no room, whichever way its last word is read; and an ellipsis is where reading ends.
func TestLinesOfBothWays(t *testing.T) {
	a := artist(t)
	for _, s := range []string{"ada ABC DEF bob", "ABC ada bob DEF", "ada ABC QRS 123"} {
		text := []rune(letters(s))
		for wide := 60.0; wide < 200; wide += 5 {
			lines, _ := a.wrap(text, 20, wide, 9)
			var words []string
			for _, l := range lines {
				words = append(words, strings.Fields(visual(l, text))...)
				if v := visual(l, text); len(v) > 0 && (v[0] == ' ' || v[len(v)-1] == ' ') {
					t.Errorf("%s: a line is %q", s, v)
				}
			}
			if len(words) != 4 {
				t.Errorf("%s: on %.0f pixels it is %q", s, wide, words)
			}
		}
		lines, cut := a.wrap(text, 20, 110, 1)
		runs := lines[0].runs
		end := runs[len(runs)-1]
		if direction(text) == di.DirectionRTL {
			end = runs[0]
		}
		if cut == 0 || len(end.Glyphs) != 1 || end.Runes.Count != cut {
			t.Errorf("%s: %d characters are cut, and %v is at the end", s, cut, end.Runes)
		}
	}
}

// A lower third of what is read from right to left has its edge and the beginnings of its lines at the right.
func TestLowerThirdIsMirrored(t *testing.T) {
	a := artist(t)
	c := Caption{Sub: "A longer second line", Size: 30, MaxWidth: 600, Text: white, Ground: veil, Accent: color.RGBA{0xff, 0, 0, 0xff}}
	for title, mirrored := range map[string]bool{"Ada": false, "שרה": true, "محمد": true, "": false} {
		c.Title = title
		img := a.Caption(c)
		w, h := img.Rect.Dx(), img.Rect.Dy()
		red := func(x int) bool { p := img.RGBAAt(x, h/2); return p.R > 0xc0 && p.G < 0x40 }
		if red(2) == mirrored || red(w-3) != mirrored {
			t.Errorf("%q: red at the left %v, at the right %v", title, red(2), red(w-3))
		}
		left, right := w, 0 // of the title's text
		for y := range h / 2 {
			for x := range w {
				if p := img.RGBAAt(x, y); p.G > 0xa0 {
					left, right = min(left, x), max(right, x)
				}
			}
		}
		if begins := left < w-right; title != "" && begins == mirrored {
			t.Errorf("%q stands from %d to %d of %d", title, left, right, w)
		}
	}
}
