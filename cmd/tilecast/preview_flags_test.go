package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tilecast/configs"
)

// preview draws what a file's text says, by the command, with such arguments.
func preview(t *testing.T, text, args string) image.Image {
	t.Helper()
	dir := t.TempDir()
	for name, c := range map[string]color.RGBA{"red.png": red, "green.png": green, "blue.png": blue} {
		img := image.NewRGBA(image.Rect(0, 0, 64, 36))
		for i := 0; i < len(img.Pix); i += 4 {
			img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.R, c.G, c.B, 255
		}
		out, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(out, img); err != nil {
			t.Fatal(err)
		}
		out.Close()
	}
	file, out := filepath.Join(dir, "t.yaml"), filepath.Join(dir, "out.png")
	if err := os.WriteFile(file, []byte("fonts: ''\nrooms:\n  - name: a\n    canvas: {width: 640, height: 360}\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if code := run(t.Context(), append([]string{"preview", "--config", file, "-o", out}, strings.Fields(args)...), &said, &said); code != exitOK {
		t.Fatalf("%s: %d %s", args, code, said.String())
	}
	img, err := configs.ReadPicture(configs.File(out))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// halves names those halves of a picture, which show a participant each, in which has is true of some pixel.
func halves(img image.Image, has func(c color.Color, x, y int) bool) (all string) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	for k := range 2 {
	search:
		for y := range h {
			for x := range w / 2 {
				if x += k * w / 2; has(img.At(x, y), x, y) {
					all += fmt.Sprint(k + 1)
					break search
				}
			}
		}
	}
	return all
}

// What a flag says of a participant is seen at that one, and at no other.
func TestPreviewShowsWhoIsMeant(t *testing.T) {
	if testing.Short() {
		t.Skip("draws whole pictures")
	}
	const text = `    layout: {labels: {show: false}, placeholder: {kind: image, image: red.png}, tile: {radius: 0, highlight: {width: 8px, color: "#00ff00"}}}`
	lit := func(c color.Color, _, _ int) bool { return closeTo(c, color.RGBA{0, 255, 0, 255}) }
	off := func(c color.Color, _, _ int) bool { return closeTo(c, red) }
	for _, c := range []struct{ args, lit, off string }{
		{"", "1", ""}, {"--speaker 0 --camera-off 2", "", "2"}, {"--speaker 2 --camera-off 1", "2", "1"},
	} {
		img := preview(t, text, "--participants 2 "+c.args)
		if l, o := halves(img, lit), halves(img, off); l != c.lit || o != c.off {
			keep(t, img)
			t.Errorf("%q: %q speaks, want %q; the camera of %q is off, want %q", c.args, l, c.lit, o, c.off)
		}
	}
}

// Who is off is muted, too, and the label says so.
func TestPreviewShowsWhoIsMuted(t *testing.T) {
	if testing.Short() {
		t.Skip("draws whole pictures")
	}
	with := func(icon bool) image.Image {
		return preview(t, fmt.Sprintf("    layout: {labels: {muted_icon: %v}}", icon), "--participants 2 --camera-off 2")
	}
	is, isNot := with(true), with(false)
	if got := halves(is, func(c color.Color, x, y int) bool { return !closeTo(c, isNot.At(x, y)) }); got != "2" {
		keep(t, is)
		t.Errorf("%q is muted, want 2", got)
	}
}

// Each canvas is drawn with its own layout, and each slate is the one that is asked for.
func TestPreviewShowsTheCanvasAndTheSlate(t *testing.T) {
	if testing.Short() {
		t.Skip("draws whole pictures")
	}
	const text = `    layout: {slates: {opening: {image: red.png, text: ""}, empty: {image: green.png, text: ""}, closing: {image: blue.png, text: ""}}}
    canvases:
      - {name: wide, layout: {background: {color: "#ff00ff"}}}
      - {name: tall, width: 180, height: 320, layout: {background: {color: "#00ffff"}}}
`
	for args, want := range map[string]color.RGBA{
		"--participants 1": {255, 0, 255, 255}, "--participants 1 --canvas tall": {0, 255, 255, 255},
		"--participants 0": red, "--participants 0 --slate opening": red, "--participants 0 --slate empty": green, "--participants 0 --slate closing": blue,
	} {
		img := preview(t, text, args)
		if got := img.At(1, 1); !closeTo(got, want) {
			keep(t, img)
			t.Errorf("%q: the corner is %v, want %v", args, got, want)
		}
	}
}
