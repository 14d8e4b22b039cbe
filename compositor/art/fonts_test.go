package art

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/font/gofont/gobold"
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
	a, err := New(fonts)
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

// Scripts that a system font covers are shaped and drawn; the test says so where there is none.
func TestOtherScripts(t *testing.T) {
	fonts, _, err := LoadFonts("/usr/share/fonts")
	if err != nil {
		t.Skip(err)
	}
	a, err := New(fonts)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"مريم", "שרה", "Νίκη"} {
		if !a.covers(name) {
			t.Logf("no font here has %q", name)
			continue
		}
		if l := a.Label(name, LabelStyle{Size: 20, MaxWidth: 400}); l == nil || brightest(l) < 0xf0 {
			t.Errorf("%q has no label", name)
		}
	}
}
