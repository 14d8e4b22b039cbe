package art

import (
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-text/typesetting/shaping"
)

func artist(t *testing.T) *Artist {
	t.Helper()
	a, err := New(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Ada Lovelace": "AL", "ada": "A", "Jean-Luc Picard": "JP", "": "?", "  ": "?", "🎉": "?", "🎉 Zoë": "Z",
		"Élodie Ölmez": "ÉÖ", "e\u0301mile zola": "E\u0301Z", "王小明": "王", "Иван Петров": "ИП", "r2 d2": "RD",
		"ǆ ok": "ǅO", "Ann (host)": "AH", "\x00\xff": "?", "a b c d": "AD", "@guest_7": "G7",
	} {
		if got := Initials(name); got != want {
			t.Errorf("initials of %q are %q, want %q", name, got, want)
		}
	}
}

func TestTintBelongsToTheName(t *testing.T) {
	seen := map[color.RGBA]bool{}
	for _, n := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		if Tint(n) != Tint(" "+n+"\n") {
			t.Fatal("the tint depends on what is not seen")
		}
		seen[Tint(n)] = true
	}
	if len(seen) < len(tints)/2 {
		t.Fatalf("26 names share %d tints", len(seen))
	}
}

var veil = color.NRGBA{0x0c, 0x0e, 0x12, 0xa6}

func TestLabelGrowsWithTheNameUntilItIsCut(t *testing.T) {
	a := artist(t)
	short, long := a.Label("Al", LabelStyle{Size: 18, MaxWidth: 300, Ground: veil}), a.Label("Alexandra", LabelStyle{Size: 18, MaxWidth: 300, Ground: veil})
	if short.Rect.Dx() >= long.Rect.Dx() || long.Rect.Dx() > 300 {
		t.Fatalf("widths %d and %d", short.Rect.Dx(), long.Rect.Dx())
	}
	cut := a.Label(strings.Repeat("Wolfeschlegelstein ", 5), LabelStyle{Size: 18, MaxWidth: 200, Ground: veil})
	if w := cut.Rect.Dx(); w > 202 || w < 150 {
		t.Fatalf("a long name makes a label of %d pixels, want about 200", w)
	}
	for _, l := range []*image.RGBA{short, long, cut} {
		if l.Rect.Dx()%2 != 0 || l.Rect.Dy()%2 != 0 {
			t.Fatalf("odd label %v", l.Rect)
		}
		if l.RGBAAt(0, 0).A != 0 || l.RGBAAt(l.Rect.Dx()/2, 1).A < 0x80 {
			t.Fatal("the label is not a pill")
		}
		if brightest(l) < 0xf0 {
			t.Fatal("the label's text is not white")
		}
	}
}

// What is too long for one line of a slate or a caption goes on in the next, and what is too long for five is made smaller.
func TestTextsAreWrapped(t *testing.T) {
	a := artist(t)
	const long = "The episode begins in a moment. Grab a coffee, say hello in the chat, and tell us where you are watching from"
	for _, width := range []float64{400, 150} {
		lines, size := a.fit(long, 20, width)
		if got := seen(lines, long); got != long {
			t.Errorf("%q is seen on %.0f pixels", got, width)
		}
		for _, l := range lines {
			if l.width > width || len(lines) > textLines {
				t.Errorf("%d lines, one %.0f wide, on %.0f pixels", len(lines), l.width, width)
			}
		}
		if whole := width == 400; whole != (size == 20) || size < 12 {
			t.Errorf("size %.1f on %.0f pixels", size, width)
		}
	}
	c := Caption{Title: "Ada Lovelace", Size: 30, MaxWidth: 500, Text: white, Ground: veil, Accent: white}
	one := a.Caption(c).Rect.Size()
	c.Title = "Ada Lovelace, Countess of Computing and of much else"
	two := a.Caption(c).Rect.Size()
	if two.X > 500 || two.Y <= one.Y || two.Y > 2*one.Y {
		t.Errorf("a caption of a line is %v, of two %v", one, two)
	}
	// Without an edge what stands in the middle is as far from the left as from the right.
	c.Plain = true
	plain := a.Caption(c)
	left, right := plain.Rect.Dx(), 0
	for y := range plain.Rect.Dy() {
		for x := range plain.Rect.Dx() {
			if plain.RGBAAt(x, y).R > 0x80 {
				left, right = min(left, x), max(right, x)
			}
		}
	}
	if off := left - (plain.Rect.Dx() - 1 - right); off < -3 || off > 3 || right == 0 {
		t.Errorf("text from %d to %d of %d", left, right, plain.Rect.Dx())
	}
	top := func(img *image.RGBA) int { // the first row with text or dots
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				if c := img.RGBAAt(x, y); c.B > 0x60 {
					return y
				}
			}
		}
		return -1
	}
	if short, tall := top(a.Slate(640, 360, night, "Soon")), top(a.Slate(640, 360, night, long)); tall >= short || tall < 20 {
		t.Errorf("the slate's text begins at %d with a word, at %d with three lines", short, tall)
	}
}

// seen is what of a text its lines show, in the order it is read, with an ellipsis for what they leave out.
func seen(lines []line, text string) string {
	var runs []shaping.Output
	for _, l := range lines {
		runs = append(runs, l.runs...)
	}
	slices.SortFunc(runs, func(x, y shaping.Output) int { return x.Runes.Offset - y.Runes.Offset })
	all, whole := []rune(text), ""
	for _, r := range runs {
		if end := r.Runes.Offset + r.Runes.Count; end == len(all) && len(r.Glyphs) == 1 && r.Runes.Count > 1 {
			return whole + "…"
		}
		whole += string(all[r.Runes.Offset : r.Runes.Offset+r.Runes.Count])
	}
	return whole
}

// All of the longest text is shown; what has no room at the least size ends with an ellipsis after a word.
func TestLongTextsEndAtWords(t *testing.T) {
	a := artist(t)
	words := strings.Repeat("Grab a coffee, or two. ", 20)
	longest := words[:MostText]
	for _, room := range []struct{ wide, size float64 }{{1075, 48}, {605, 48}, {1228, 32}, {670, 32}} {
		if lines, _ := a.fit(longest, room.size, room.wide); seen(lines, longest) != strings.TrimSpace(longest) {
			t.Errorf("%q on %.0f pixels, size %.0f", seen(lines, longest), room.wide, room.size)
		}
	}
	for wide := 100.0; wide < 200; wide += 7 {
		got := string(a.upToWord([]rune(words), 12, wide))
		kept, cut := strings.CutSuffix(got, "…")
		if !cut || len(kept) < 60 || !strings.HasPrefix(words, kept+" ") {
			t.Errorf("on %.0f pixels it is %q", wide, got)
		}
	}
	if x := []rune(strings.Repeat("x", 1000)); len(a.upToWord(x, 12, 100)) != len(x) {
		t.Error("a long word is not left to be cut where its room ends")
	}
	for _, s := range []string{strings.Repeat("x", 1000), strings.Repeat("e\u0301", 1000), strings.Repeat("\u0301", 1000), strings.Repeat("👩‍👩‍👧‍👦", 100)} {
		short := []rune(clean(s))
		if len(short) > MostText || short[len(short)-1] != '…' || !strings.HasPrefix(s, string(short[:len(short)-1])) {
			t.Errorf("%d characters: %q", len(short), string(short))
		}
	}
	if got := clean(strings.Repeat("e\u0301", 1000)); strings.HasSuffix(got, "e…") {
		t.Error("a letter is cut from its accent")
	}
	if got := clean(strings.Repeat("👩‍👩‍👧‍👦", 100)); !strings.HasSuffix(got, "👩‍👩‍👧‍👦…") {
		t.Error("a picture is cut")
	}
}

func TestOddNamesAreHarmless(t *testing.T) {
	a := artist(t)
	for _, name := range []string{
		"", " ", "\x00", "\xff\xfe", "王小明", "🎉🎉🎉", "שלום עולם", "مرحبا Bob", "a\nb", "e\u0301\u0301\u0301", "\u202eevil\u202c",
		strings.Repeat("x", 100000), strings.Repeat("\u0301", 1000), "\u200b", "👩‍👩‍👧‍👦 family",
	} {
		for _, w := range []int{2, 16, 100, 640} {
			a.Label(name, LabelStyle{Size: TextSize(w, w), MaxWidth: w})
			if p := a.Placeholder(w, w, name, name); p.Rect.Dx() != w {
				t.Fatalf("placeholder of %q is %v", name, p.Rect)
			}
			a.Slate(w, w, night, name)
		}
	}
	for _, name := range []string{" \x00", "\u200b", "\ufe0f"} {
		if a.Label(name, LabelStyle{Size: 18, MaxWidth: 200}) != nil {
			t.Fatalf("%q, of which nothing is to be seen, has a label", name)
		}
	}
}

// What no font has is drawn as a box for each letter, and the log is told, once for all artists.
func TestBoxesStandForWhatNoFontHas(t *testing.T) {
	var said strings.Builder
	log, fonts := slog.New(slog.NewTextHandler(&said, nil)), &Fonts{}
	for range 2 {
		a, err := New(fonts, log)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"Ada": "Ada", "សុខា": "□□", "កុ Sok ខា": "□ Sok □", "王小明": "□□□", "🎉 Zoë": "□ Zoë", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦": "□□", "e\u0301": "é", "e\u0301\u1abe": "é□",
			"ada\u200b": "ada", "©\ufe0f": "©", "❤️": "□", "₿": "□",
		} {
			if got := string(a.drawable(name)); got != want {
				t.Errorf("%q is drawn as %q, want %q", name, got, want)
			}
			got, like := a.Label(name, LabelStyle{Size: 18, MaxWidth: 200}), a.Label(want, LabelStyle{Size: 18, MaxWidth: 200})
			if got == nil || string(got.Pix) != string(like.Pix) || brightest(got) < 0x80 {
				t.Errorf("%q has no label like that of %q", name, want)
			}
		}
	}
	for script, want := range map[string]int{
		`script=Khmer character=U+17`: 1, "install=fonts-noto-core\n": 1, `script="Chinese, Japanese or Korean"`: 1, "script=emoji": 1, "script=symbols": 1, "level=WARN": 4,
	} {
		if got := strings.Count(said.String(), script); got != want {
			t.Errorf("%s is said %d times, want %d:\n%s", script, got, want, said.String())
		}
	}
}

func TestPlaceholderShowsTheName(t *testing.T) {
	a := artist(t)
	one, two := a.Placeholder(320, 180, "Ada", ""), a.Placeholder(320, 180, "Bob", "")
	if string(one.Pix) == string(two.Pix) {
		t.Fatal("two names look the same")
	}
	if got := one.RGBAAt(160-30, 90); got != Tint("Ada") {
		t.Fatalf("the circle is %v, want %v", got, Tint("Ada"))
	}
	if note := a.Placeholder(320, 180, "Ada", "Reconnecting…"); string(note.Pix) == string(one.Pix) {
		t.Fatal("the note is not drawn")
	}
}

// Dark gradients have one chroma, so that no stripe is of another hue, and grow darker level by level.
func TestGradientsHaveOneHue(t *testing.T) {
	for _, c := range []color.RGBA{night, mix(night, tints[7], 0.17), {0, 0, 0, 0xff}, {0xff, 0xff, 0xff, 0xff}, {0xff, 0x20, 0, 0xff}} {
		img := image.NewRGBA(image.Rect(0, 0, 32, 720))
		gradient(img, c, 10)
		bottom := img.RGBAAt(0, 719)
		steps := map[uint8]int{}
		for y := range 720 {
			p := img.RGBAAt(y%32, y)
			if step := p.R - bottom.R; step != p.G-bottom.G || step != p.B-bottom.B || p.A != 0xff || y > 0 && p.R > img.RGBAAt(0, y-1).R {
				t.Fatalf("%v at row %d, %v at the bottom", p, y, bottom)
			}
			steps[p.R-bottom.R]++
		}
		if len(steps) != 11 || steps[10] < 60 || steps[0] < 60 {
			t.Errorf("rows of each step: %v", steps)
		}
	}
	for _, img := range []*image.RGBA{artist(t).Slate(64, 720, night, ""), Ground(64, 720, "Ada"), artist(t).Count(64, 720, "")} {
		if top, bottom := img.RGBAAt(0, 0), img.RGBAAt(0, 719); top.R-bottom.R != top.B-bottom.B || top.G-bottom.G != top.B-bottom.B || top.R == bottom.R {
			t.Errorf("from %v to %v", top, bottom)
		}
	}
}

// TestGallery writes pictures for a person to look at into $TILECAST_GALLERY.
func TestGallery(t *testing.T) {
	dir := os.Getenv("TILECAST_GALLERY")
	if dir == "" {
		t.Skip("TILECAST_GALLERY is not set")
	}
	a := artist(t)
	for name, img := range map[string]*image.RGBA{
		"placeholder": a.Placeholder(628, 348, "Ada Lovelace", ""), "away": a.Placeholder(628, 348, "Grace Hopper", "Reconnecting…"),
		"unknown": a.Placeholder(628, 704, "🎉", ""), "slate": a.Slate(1280, 720, night, "Waiting for the first guest"),
		"label": a.Label("Margaret Hamilton", LabelStyle{Size: 18, MaxWidth: 400, Ground: veil}), "cut": a.Label("Wolfeschlegelsteinhausenbergerdorff", LabelStyle{Size: 18, MaxWidth: 200, Ground: veil}),
	} {
		f, err := os.Create(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

func brightest(img *image.RGBA) (m uint8) {
	for i := 0; i < len(img.Pix); i += 4 {
		m = max(m, img.Pix[i])
	}
	return m
}

// Where a label has no room for a name it ends between two letters, whatever makes one: accents, vowel signs, conjuncts,
// syllables, flags and pictures of several.
func TestNamesAreCutBetweenLetters(t *testing.T) {
	a := artist(t)
	folder, _, err := LoadFonts("/usr/share/fonts")
	if err != nil {
		folder = nil // without, the embedded font's own box stands for each character: its cuts are the same
	}
	rich, err := New(folder, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"Wolfeschlegelsteinhausenbergerdorff", "Z\u0336a\u0336l\u0336g\u0336o\u0336\u0301\u0302", "محمد بن عبد الله", "שָׁלוֹם עֲלֵיכֶם", "क्षत्रिय स्त्री श्रीमती", "சுப்பிரமணியம்",
		"สุพรรณบุรี กำแพง", "សុខា ភ្នំពេញ", "မောင်မောင်", "བསྟན་འཛིན", "김민수\u1100\u1161\u11a8", "王小明王小明", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍❤️‍💋‍👨👍🏽👍🏽", "🇩🇪🇫🇷🇮🇹🇪🇸🇵🇱", "🏴󠁧󠁢󠁥󠁮󠁧󠁿🏳️‍🌈1️⃣2️⃣",
	} {
		text := []rune(name)
		for _, a := range []*Artist{a, rich} {
			begins := map[int]bool{}
			at := 0
			for _, c := range clusters(&a.letters, text) {
				begins[at] = true
				at += len(c)
			}
			whole, _ := a.wrap(text, 20, 5000, 1)
			cuts := 0
			for wide := 22.0; wide < whole[0].width; wide += 3 {
				lines, cut := a.wrap(text, 20, wide, 1)
				if len(lines) != 1 || cut == 0 || !begins[len(text)-cut] || lines[0].width > wide {
					t.Errorf("%q is cut before %+q on %.0f pixels, and is %.0f wide", name, string(text[len(text)-cut:]), wide, lines[0].width)
				}
				cuts++
			}
			if cuts < 5 {
				t.Errorf("%q is cut %d times only", name, cuts)
			}
		}
	}
}
