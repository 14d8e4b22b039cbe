package compositor

import (
	"image"
	"image/color"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// An overlay image that is too large for the canvas becomes smaller, not another shape.
func TestOverlayImagesKeepTheirShape(t *testing.T) {
	cfg := config()
	p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
	for _, c := range []struct {
		w, h int
		size layout.Length
		want image.Point
	}{
		{600, 1200, layout.Length{}, image.Pt(360, 720)}, {2000, 200, layout.Length{}, image.Pt(1280, 128)},
		{100, 200, layout.Percent(50), image.Pt(360, 720)}, {200, 100, layout.Percent(50), image.Pt(640, 320)},
		{200, 100, layout.Length{}, image.Pt(200, 100)}, {4000, 1, layout.Length{}, image.Pt(1280, 2)},
	} {
		o := Overlay{Image: image.NewRGBA(image.Rect(0, 0, c.w, c.h)), Size: c.size, Opacity: 1}
		if got := p.canvases[0].overlay(&o).Rect.Size(); got != c.want {
			t.Errorf("%dx%d at %v is %v, want %v", c.w, c.h, c.size, got, c.want)
		}
	}
}

// A label without a ground has none, and the default one has a veil.
func TestLabelsTakeTheirGround(t *testing.T) {
	at := func(change func(*Label)) codec.YCbCr {
		cfg := config()
		cfg.Delay, cfg.Canvases[0].Look.Label = 0, DefaultLook().Label
		change(&cfg.Canvases[0].Look.Label)
		p := newInline(t, cfg, codec.Fake(), media.VP8, 1)
		p.feed(0, 0, 1264, 704, white, 0)
		p.Frame()
		return p.colour(t, 36, 664) // within the pill, before the first letter
	}
	if got := at(func(*Label) {}); got.Y > 140 {
		t.Errorf("by default %v", got)
	}
	if got := at(func(l *Label) { l.Ground = color.NRGBA{} }); !near(got, white) {
		t.Errorf("without a ground %v", got)
	}
}
