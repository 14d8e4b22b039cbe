package compositor

import (
	"image"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// showingAll is a look that shows all of every picture, on a ground that is no tile's colour.
func showingAll() Config {
	cfg := moving()
	look := &cfg.Canvases[0].Look
	look.Fit, look.Label, look.Radius = layout.Contain, DefaultLook().Label, layout.Pixels(40)
	return cfg
}

// Corners and label are those of the picture, not of the room around it; who shows none has all of the room.
func TestTileOfAWholePictureIsThePicture(t *testing.T) {
	cfg := showingAll()
	cfg.Canvases[0].Look.Motion = Motion{}
	p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
	p.feed(0, 0, 360, 480, white, 0)
	p.Frame()
	p.Frame()
	ground, cells := rgb(cfg.Canvases[0].Look.Background), p.canvases[0].scene.cells
	r := cells[0].rect
	if r.Dy() != cells[0].room.Dy() || r.Dx() != r.Dy()*3/4 || cells[1].rect != cells[1].room {
		t.Fatalf("%v of %v, and without a picture %v of %v", r, cells[0].room, cells[1].rect, cells[1].room)
	}
	label := image.Pt(r.Min.X+cells[0].labelAt.X+8, r.Min.Y+cells[0].labelAt.Y+cells[0].label.H/2)
	for _, c := range []struct {
		what string
		at   image.Point
		want codec.YCbCr
	}{{"beside it", image.Pt(r.Min.X-4, 360), ground}, {"its corner", r.Min.Add(image.Pt(4, 4)), ground}, {"its edge", image.Pt(r.Min.X+2, 360), white}} {
		if got := p.colour(t, c.at.X, c.at.Y); !near(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	if got := p.colour(t, label.X, label.Y); near(got, white) || !label.In(r) {
		t.Errorf("the label is at %v: %v", label, got)
	}
}

// A source that changes its shape in mid-air, as a telephone that is turned, has its tile follow smoothly.
func TestTileFollowsItsPicturesShape(t *testing.T) {
	p := newInline(t, showingAll(), codec.Fake(), media.VP8, 1)
	p.play(12, nil)
	width := func() (n int) {
		pic := p.Compositor.Snapshot()
		defer pic.Release()
		for x := range pic.W {
			if near(pic.Pixel(x, 360), palette[0]) {
				n++
			}
		}
		return n
	}
	from, last, steps := width(), 0, 0
	last = from
	for range 14 {
		p.feed(0, p.next, 360, 640, palette[0], p.cfg.Rate.Frame(p.next))
		p.Frame()
		w := width()
		if w > last || last-w > 360 {
			t.Errorf("from %d to %d at once", last, w)
		}
		if w < last {
			steps++
		}
		last = w
	}
	if r := p.canvases[0].scene.cells[0].rect; steps < 5 || last > r.Dx() || last < r.Dx()-4 || r.Dx() > from/2 {
		t.Errorf("in %d steps from %d to %d, for a tile at %v", steps, from, last, r)
	}
	// The picture goes: its room is there for the name.
	p.tiles[0].SetDevices(false, true)
	p.Frame()
	if c := p.canvases[0].scene.cells[0]; c.rect != c.room {
		t.Errorf("the name is at %v of %v", c.rect, c.room)
	}
}
