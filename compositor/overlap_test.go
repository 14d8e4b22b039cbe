package compositor

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// overlapping is a layout of slots that lie over one another in part, with shadows that reach a neighbour, names, and an
// overlay one can see through; the ground shows beside pictures of other shapes.
func overlapping() Config {
	cfg := config()
	cfg.Delay = 0
	look := &cfg.Canvases[0].Look
	look.Fit, look.Background = layout.Contain, color.RGBA{90, 120, 90, 255}
	look.Shadow, look.Label.Show, look.Radius = Shadow{layout.Percent(4), 0.6}, true, layout.Percent(3)
	look.Border = Line{layout.Percent(0.5), color.RGBA{255, 255, 255, 255}}
	look.Layout.Mode = layout.Custom
	for k, r := range []image.Rectangle{
		image.Rect(5, 10, 45, 50), image.Rect(35, 40, 70, 75), image.Rect(71, 20, 95, 60), // the third touches only the second's shadow
	} {
		look.Layout.Slots = append(look.Layout.Slots, layout.SlotSpec{
			Who: layout.Who{By: "anyone", N: 1}, Z: k, X: layout.Percent(float64(r.Min.X)), Y: layout.Percent(float64(r.Min.Y)),
			W: layout.Percent(float64(r.Dx())), H: layout.Percent(float64(r.Dy())),
		})
	}
	look.Overlays = []Overlay{{
		Text: "Half to be seen through", Position: "center", Opacity: 0.5, Color: color.RGBA{255, 255, 255, 255}, Ground: color.NRGBA{255, 0, 0, 255},
		Size: layout.Percent(12),
	}}
	return cfg
}

// However often single tiles are drawn again, the picture is what it would be if all were drawn anew.
func TestTilesThatOverlapInPartAreDrawnAsIfAnew(t *testing.T) {
	for name, change := range map[string]func(*Look){
		"all": func(*Look) {}, "no shadow": func(l *Look) { l.Shadow = Shadow{} },
		"backdrop": func(l *Look) { l.Backdrop = face(0).ToImage() },
		"cover":    func(l *Look) { l.Fit = layout.Cover },
		"corner":   func(l *Look) { l.Layout.Mode, l.Layout.Slots = layout.Pip, nil },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := overlapping()
			change(&cfg.Canvases[0].Look)
			p := newInline(t, cfg, codec.Fake(), media.VP8, 3)
			cv := p.canvases[0]
			p.Frame()
			for n := range int64(12) {
				w, h := 640, 360
				if n%4 == 2 {
					w, h = 360, 480
				}
				p.feed(int(n%3), n, w, h, palette[n%8], p.cfg.Rate.Frame(p.next))
				p.Frame()
			}
			got := p.Compositor.Snapshot()
			defer got.Release()
			for _, b := range cv.buffers {
				b.scene = nil
			}
			cv.now = nil
			p.Frame()
			want := p.Compositor.Snapshot()
			defer want.Release()
			if n, at := unlike(got, want); n > 0 {
				t.Errorf("%d rows differ, the first at %v: %v, anew %v", n, at, got.Pixel(at.X, at.Y), want.Pixel(at.X, at.Y))
			}
		})
	}
}

// unlike counts the rows of luma in which two pictures differ, and says where the first does.
func unlike(a, b *codec.Picture) (rows int, at image.Point) {
	for y := range a.H {
		p, q := a.Y[y*a.StrideY:][:a.W], b.Y[y*b.StrideY:][:b.W]
		if bytes.Equal(p, q) {
			continue
		}
		if rows++; rows == 1 {
			for at = image.Pt(0, y); p[at.X] == q[at.X]; at.X++ {
			}
		}
	}
	return rows, at
}
