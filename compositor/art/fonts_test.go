package art

import (
	"image/color"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
)

func TestFontFolder(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{"Go-Bold.ttf": gobold.TTF, "broken.otf": []byte("no font"), "readme.txt": []byte("x")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fonts, skipped, err := LoadFonts(dir)
	if err != nil || len(fonts.all) != 1 || len(skipped) != 1 || !fonts.Has("go-bold") || !fonts.Has("Go") || fonts.Has("Helvetica") {
		t.Fatalf("%d fonts, skipped %q, %v", len(fonts.all), skipped, err)
	}
	a, err := New(fonts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	plain, bold := a.Label("Ada", LabelStyle{Size: 18, MaxWidth: 200}), a.Label("Ada", LabelStyle{Size: 18, MaxWidth: 200, Font: "Go-Bold"})
	if string(plain.Pix) == string(bold.Pix) {
		t.Error("the font asked for is not used")
	}
	if again := a.Label("Ada", LabelStyle{Size: 18, MaxWidth: 200}); string(again.Pix) != string(plain.Pix) {
		t.Error("a font stays on after its label")
	}
	if muted := a.Label("Ada", LabelStyle{Size: 18, MaxWidth: 200, Muted: true}); muted.Rect.Dx() <= plain.Rect.Dx() {
		t.Error("there is no room for the microphone")
	}
	if _, _, err := LoadFonts(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

// A font that went away after it was found is one that has nothing.
func TestOnlyRegularFilesAreFonts(t *testing.T) {
	dir := t.TempDir()
	font := filepath.Join(t.TempDir(), "font")
	if err := os.WriteFile(font, gobold.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"device.ttf": os.DevNull, "link.ttf": font} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	fonts, skipped, err := LoadFonts(dir)
	if err != nil || !fonts.Has("link") || len(skipped) != 1 || skipped[0] != filepath.Join(dir, "device.ttf")+": is not a regular file" {
		t.Errorf("%q, skipped %q, %v", fonts.Names(), skipped, err)
	}
}

func TestFontThatWentAway(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "Go-Bold.ttf")
	if err := os.WriteFile(file, gobold.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	fonts, _, err := LoadFonts(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(fonts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(file)
	got, want := a.Label("Ada", LabelStyle{Size: 18, MaxWidth: 200, Font: "Go-Bold"}), artist(t).Label("Ada", LabelStyle{Size: 18, MaxWidth: 200})
	if got == nil || string(got.Pix) != string(want.Pix) {
		t.Error("the label is not in the built-in font")
	}
}

// Upright faces come before slanted and heavy ones, sans before serif, whatever the files are called.
func TestFontsThatSuitALabelComeFirst(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{"a.ttf": goitalic.TTF, "b.ttf": gomono.TTF, "c.ttf": gobold.TTF, "d.ttf": goregular.TTF} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fonts, _, err := LoadFonts(dir)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, f := range fonts.all {
		order = append(order, f.name)
	}
	if got, want := strings.Join(order, ", "), "Go/d, Go/c, Go Mono/b, Go/a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := strings.Join(fonts.Names(), " "); got != "Go Go Mono a b c d" {
		t.Errorf("names: %s", got)
	}
}

// Names in the scripts of the fonts that make run installs are shaped and drawn, each with the same font and none
// with boxes; emoji keep their colours. It says so where a font is not there.
func TestOtherScripts(t *testing.T) {
	fonts, _, err := LoadFonts("/usr/share/fonts")
	if err != nil {
		t.Skip(err)
	}
	a, err := New(fonts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"مريم", "שרה", "Νίκη", "王小明", "김민수", "たろう", "आदित्य", "ศิริพร", "தமிழ்", "సుబ్బారావు", "ಕನ್ನಡ", "မောင်", "សុខា", "བསྟན", "ᠮᠣᠩ", "አበበ", "🎉 Zoë", "👩‍👩‍👧‍👦"} {
		if !a.covers(strings.ReplaceAll(name, " ", "")) {
			t.Logf("no font here has %q", name)
			continue
		}
		l := a.Label(name, LabelStyle{Size: 20, MaxWidth: 400})
		if l == nil || brightest(l) < 0xe0 {
			t.Errorf("%q has no label", name)
			continue
		}
		if strings.Contains(name, "🎉") {
			colours := map[color.RGBA]bool{}
			for x := range l.Rect.Dx() / 2 {
				if c := l.RGBAAt(x, l.Rect.Dy()/2); c.A == 0xff && (c.R > c.B+40 || c.B > c.R+40) {
					colours[c] = true
				}
			}
			if zoe := a.Label("Zoë", LabelStyle{Size: 20, MaxWidth: 400}); len(colours) == 0 || l.Rect.Dx() > zoe.Rect.Dx()+34 {
				t.Errorf("%q: %d colours, %d pixels wide, %d without the emoji", name, len(colours), l.Rect.Dx(), zoe.Rect.Dx())
			}
		}
	}
	for _, name := range []string{"❤️", "❤️‍🔥", "❤‍🔥", "👩‍⚕️", "🏃‍♀️", "🏳️‍🌈", "1️⃣", "©️", "⭐", "✅", "⚡", "🇩🇪", "👍🏽", "👩‍👩‍👧‍👦"} {
		if !a.covers("😀") {
			t.Log("no font here has emoji")
			break
		}
		smile, l := a.layOut("😀", 20, 400), a.layOut(name, 20, 400)
		if len(l.runs) != 1 || l.runs[0].Face != smile.runs[0].Face || l.width > 1.05*smile.width {
			t.Errorf("%q: %d runs, %.1f pixels wide, an emoji is %.1f", name, len(l.runs), l.width, smile.width)
		}
	}
	for _, name := range []string{"Ada ♀", "❤", "❤︎", "© 2026"} { // are letters
		if l := a.layOut(name, 20, 400); len(l.runs) > 0 && len(l.runs[len(l.runs)-1].Face.BitmapSizes()) > 0 {
			t.Errorf("%q is drawn with pictures", name)
		}
	}
	// Arabic letters join: together they are narrower than one by one.
	if together, apart := a.layOut("مريم", 20, 400), a.layOut("م ر ي م", 20, 400); a.covers("م") && together.width > 0.9*apart.width {
		t.Errorf("letters do not join: %.1f pixels together, %.1f apart", together.width, apart.width)
	}
}
