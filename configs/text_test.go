package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/gobold"

	"tilecast/compositor/art"
)

// A text that is taken is drawn to its end.
func TestTexts(t *testing.T) {
	full := strings.Repeat("ä", art.MostText-1) + "z"
	for text, want := range map[string]string{
		full: "", "two\n lines\t": "", "left \u200f right": "",
		full + "!":      "has 201 characters: use at most 200",
		"\x1b[31mred":   `holds the control character '\x1b': leave it out`,
		"a\u0007\u0085": `holds the control character '\a': leave it out`,
	} {
		quoted := strings.ReplaceAll(fmt.Sprintf("%+q", text), `\a`, `\x07`)
		for key, line := range map[string]string{
			"overlays[0].text":    "overlays: [{text: " + quoted + "}]",
			"overlays[0].sub":     "overlays: [{text: a, sub: " + quoted + "}]",
			"slates.opening.text": "slates: {opening: {text: " + quoted + "}}",
			"slates.empty.text":   "slates: {empty: {text: " + quoted + "}}",
			"slates.closing.text": "slates: {closing: {text: " + quoted + "}}",
		} {
			at := ""
			if want != "" {
				at = "x.yaml:4: rooms[0].layout." + key + ": "
			}
			if got := strings.Join(mistakes(t, room+"    layout:\n      "+line), "\n"); got != at+want {
				t.Errorf("%s\n got %s\nwant %s", line, got, at+want)
			}
		}
	}
}

func TestFontsAreThere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "House-Bold.ttf"), gobold.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"house-bold": "", "Go": "", "House-Blod": `"House-Blod" is not in ` + dir + `, did you mean "House-Bold"?`,
		"Papyrus": `"Papyrus" is not in ` + dir + `: use a font's family or the name of its file`,
	} {
		if want != "" {
			want = "x.yaml:4: rooms[0].layout.overlays[0].font: " + want
		}
		if got := strings.Join(mistakes(t, "fonts: "+dir+"\n"+room+"    layout: {overlays: [{text: a, font: "+name+"}]}"), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestFontFolder(t *testing.T) {
	file := write(t, "fonts", "")
	for fonts, want := range map[string]string{
		"/usr/share/fonts": "", "''": "", filepath.Dir(file): "", // the default is in every file made of the shipped one
		file: "x.yaml:1: fonts: " + file + ": is not a folder", file + "x/y": "x.yaml:1: fonts: " + file + "x/y: no such file",
	} {
		if got := strings.Join(mistakes(t, "fonts: "+fonts), "\n"); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// Letters need a font that has some.
func TestFontOfPictures(t *testing.T) {
	const font = "Noto Color Emoji"
	if fonts, _, err := art.LoadFonts("/usr/share/fonts"); err != nil || !fonts.Has(font) {
		t.Skip("there is no " + font)
	}
	got := strings.Join(mistakes(t, room+"    layout: {labels: {font: "+font+"}}"), "\n")
	if want := `x.yaml:3: rooms[0].layout.labels.font: "Noto Color Emoji" has pictures (emoji) but no letters: use another, emoji are drawn with any`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
