package configs

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A picture is looked at whole, and what is wrong with it is said as of the line that names it.
func TestPicturesAreWhole(t *testing.T) {
	var whole bytes.Buffer
	if err := png.Encode(&whole, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"whole.png": whole.Bytes(), "cut.png": whole.Bytes()[:whole.Len()/2], "none.png": []byte("none"), "empty.png": nil,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	large, err := os.Create(filepath.Join(dir, "large.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(maxPictureBytes + 1); err != nil {
		t.Fatal(err)
	}
	large.Close()
	for name, want := range map[string]string{
		"whole.png": "", "./whole.png": "",
		"cut.png":                   dir + "/cut.png is damaged or cut short, save it anew (png: invalid format: not enough pixel data)",
		"none.png":                  dir + "/none.png is not a PNG or JPEG picture",
		"empty.png":                 dir + "/empty.png is not a PNG or JPEG picture",
		"large.png":                 dir + "/large.png: is larger than 64 MB",
		"whole.pgn":                 dir + "/whole.pgn: no such file, did you mean " + dir + "/whole.png?",
		".":                         dir + ": is a directory",
		"https://example.org/a.png": `"https://example.org/a.png" is an address: pictures are taken from files only`,
	} {
		file := filepath.Join(dir, "x.yaml")
		lines := map[string]string{
			"background: {image: '" + name + "'}":               "background.image",
			"placeholder: {kind: image, image: '" + name + "'}": "placeholder.image",
			"slates: {empty: {image: '" + name + "'}}":          "slates.empty.image",
			"overlays: [{image: '" + name + "'}]":               "overlays[0].image",
		}
		for text, key := range lines {
			_, err := Parse(file, []byte(room+"    layout:\n      "+text))
			line := ""
			if want != "" {
				line = file + ":4: rooms[0].layout." + key + ": " + want
			}
			if err == nil && line != "" || err != nil && err.Error() != line {
				t.Errorf("%s:\n got %v\nwant %s", text, err, line)
			}
		}
	}
}

// Paths are seen from the file's folder, each once, even of a list that canvases share.
func TestPathsOfPictures(t *testing.T) {
	dir := t.TempDir()
	var pic bytes.Buffer
	if err := png.Encode(&pic, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{dir, filepath.Join(dir, "a"), filepath.Join(dir, "a", "a")} {
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, "b.png"), pic.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	cfg, err := Parse("a/x.yaml", []byte(room+"    layout: {background: {image: b.png}, overlays: [{image: a/b.png}]}\n    canvases: [{name: x}, {name: y}]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(cfg.Rooms[0].All(), Shape{Layout: cfg.Rooms[0].Layout}) {
		if got := string(s.Layout.Background.Image) + " " + string(s.Layout.Overlays[0].Image); got != strings.ReplaceAll("a/b.png a/a/b.png", "/", string(filepath.Separator)) {
			t.Errorf("%s: %s", s.Name, got)
		}
	}
}
