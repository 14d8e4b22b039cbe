package compositor

import (
	"image"
	"image/color"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// Where tiles end with the canvas, at rest and on their way, they have neither round corners nor a border; only the line
// around who speaks is seen there, too.
func TestNothingIsCutOrFramedAtTheCanvasEdge(t *testing.T) {
	cfg := moving()
	look := &cfg.Canvases[0].Look
	look.Layout = layout.Spec{Mode: layout.Split, Gap: layout.Pixels(8)}
	look.Radius, look.Border = layout.Pixels(60), Line{layout.Pixels(6), color.RGBA{255, 255, 255, 255}}
	ground := rgb(look.Background)
	p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
	corners := []image.Point{{2, 2}, {2, 716}, {2, 360}, {300, 2}, {300, 716}}
	see := func(pic *codec.Picture, at []image.Point, want codec.YCbCr) {
		t.Helper()
		for _, at := range at {
			if got := pic.Pixel(at.X, at.Y); !near(got, want) {
				t.Errorf("%v at %v, want %v", got, at, want)
			}
		}
	}
	p.play(12, nil)
	p.play(1, func(_ int, pic *codec.Picture) {
		see(pic, corners, palette[0])
		see(pic, []image.Point{{632, 2}, {632, 360}, {632, 716}}, white) // its inner edge
	})
	if _, err := p.Inline.Join("c", media.VP8); err != nil {
		t.Fatal(err)
	}
	p.play(12, func(_ int, pic *codec.Picture) { see(pic, corners, palette[0]) })
	if _, err := p.Inline.Join("d", media.VP8); err != nil { // two by two: the corner in the middle is round
		t.Fatal(err)
	}
	p.play(12, nil)
	p.play(1, func(_ int, pic *codec.Picture) {
		see(pic, []image.Point{{2, 2}, {632 - 80, 2}, {2, 352 - 80}}, palette[0])
		see(pic, []image.Point{{630, 350}}, ground)
	})
	look.Highlight = Line{layout.Pixels(6), color.RGBA{255, 255, 255, 255}}
	p.Apply(map[string]Look{"main": *look})
	p.Speak("Guest A", []string{"Guest A"})
	p.play(12, nil)
	p.play(1, func(_ int, pic *codec.Picture) { see(pic, []image.Point{{2, 2}, {2, 200}, {300, 2}}, white) })

	look.Layout.Mode, look.Highlight = layout.Single, Line{}
	p.Apply(map[string]Look{"main": *look})
	p.play(12, nil)
	p.play(1, func(_ int, pic *codec.Picture) { see(pic, append(corners, image.Pt(1276, 716)), palette[0]) })
}
