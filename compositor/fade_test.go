package compositor

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// blank is a small picture of one colour.
func blank(c color.RGBA) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 4, 4))
	for i := range img.Pix {
		img.Pix[i] = [4]uint8{c.R, c.G, c.B, c.A}[i%4]
	}
	return img
}

// Where all that comes and goes is white, a full-frame change is white throughout: what comes fades in over what
// goes, however often it is another, and the ground is never seen.
func TestFullFramesFadeOverEachOther(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and has nothing of its own to race with")
	}
	white := color.RGBA{255, 255, 255, 255}
	cfg := moving()
	cfg.Canvases[0].Look.Layout.Mode, cfg.Canvases[0].Look.Motion.Hold = layout.Single, 0
	cfg.Canvases[0].Look.Empty, cfg.Canvases[0].Look.Closing = Slate{Image: blank(white)}, Slate{Image: blank(white)}
	pip := cfg.Canvases[0].Look
	pip.Layout.Mode = layout.Pip
	for _, c := range []struct {
		name string
		do   func(p *inline, step func(frames int))
	}{
		{"another speaks", func(p *inline, step func(int)) {
			p.Speak("Guest B", []string{"Guest B"})
			step(12)
		}},
		{"a third before the second is there", func(p *inline, step func(int)) {
			p.Speak("Guest B", []string{"Guest B"})
			step(4)
			p.Speak("Guest C", []string{"Guest C", "Guest B"})
			step(12)
		}},
		{"and back", func(p *inline, step func(int)) {
			p.Speak("Guest B", []string{"Guest B"})
			step(5)
			p.Speak("Guest A", []string{"Guest A", "Guest B"})
			step(12)
		}},
		{"to nobody, and slate to slate", func(p *inline, step func(int)) {
			for _, tile := range p.tiles {
				tile.Leave()
			}
			p.inputs = nil
			step(12)
			p.SetClosing(true)
			step(12)
		}},
		{"large and small change places", func(p *inline, step func(int)) {
			p.Apply(map[string]Look{"main": pip})
			step(12)
			p.Speak("Guest B", []string{"Guest B"})
			step(4)
			p.Speak("Guest A", []string{"Guest A", "Guest B"})
			step(12)
		}},
		{"the small one is another", func(p *inline, step func(int)) {
			p.Apply(map[string]Look{"main": pip})
			step(12)
			p.tiles[1].Leave()
			p.inputs = append(p.inputs[:1:1], p.inputs[2])
			step(12)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := codec.Live()
			p := newInline(t, cfg, codec.Fake(), media.VP8, 3)
			n := int64(0)
			step := func(frames int) {
				for k := range frames {
					for j := range p.inputs {
						p.feed(j, n, 640, 360, rgb(white), p.cfg.Rate.Frame(p.next))
					}
					n++
					p.Frame()
					pic := p.Compositor.Snapshot()
					for _, at := range []image.Point{{2, 2}, {640, 360}, {1276, 360}, {640, 716}, {1200, 650}} {
						if got := pic.Pixel(at.X, at.Y); n > 1 && !near(got, rgb(white)) {
							t.Errorf("frame %d of %d: %v at %v", k, frames, got, at)
						}
					}
					pic.Release()
				}
			}
			step(12)
			c.do(p, step)
			p.close()
			if n := codec.Live() - before; n != 0 {
				t.Errorf("%d pictures are still held", n)
			}
		})
	}
}

// Who is held beneath who comes is held no longer where changes come faster than they can be seen.
func TestLeaversAreBounded(t *testing.T) {
	before := codec.Live()
	cfg := moving()
	cfg.Canvases[0].Look.Layout.Mode, cfg.Canvases[0].Look.Motion.Hold = layout.Pip, 0
	cfg.Canvases[0].W, cfg.Canvases[0].H, cfg.Canvases[0].Rungs = 64, 36, []Rung{{Name: "36p", W: 64, H: 36, BitRate: 50_000}}
	p := newInline(t, cfg, codec.Fake(), media.VP8, 3)
	most := 0
	for k := range 60 {
		id := fmt.Sprint("Guest ", string(rune('A'+k%3)))
		p.Speak(id, []string{id})
		p.Compose()
		most = max(most, len(p.canvases[0].actors))
	}
	if most > layout.MaxTiles+2 || most < layout.MaxTiles {
		t.Errorf("%d actors for two tiles", most)
	}
	p.close()
	if n := codec.Live() - before; n != 0 {
		t.Errorf("%d pictures are still held", n)
	}
}

// Beside a picture of another shape there is no more than the ground in the end, and what was there goes gradually.
func TestBarsFadeIn(t *testing.T) {
	for _, backdrop := range []image.Image{nil, blank(color.RGBA{90, 20, 25, 255})} {
		cfg := moving()
		look := &cfg.Canvases[0].Look
		look.Layout.Mode, look.Fit, look.Backdrop, look.Motion.Hold = layout.Single, layout.Contain, backdrop, 0
		p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
		p.play(12, nil)
		p.Speak("Guest B", []string{"Guest B"})
		var bar []int
		for range 12 {
			p.feed(0, p.next, 640, 360, palette[7], p.cfg.Rate.Frame(p.next))
			p.feed(1, p.next, 480, 360, palette[7], p.cfg.Rate.Frame(p.next))
			p.Frame()
			bar = append(bar, int(p.colour(t, 60, 360).Y))
		}
		for k := range bar[1:] {
			if d := bar[k] - bar[k+1]; d < -2 || d > 80 {
				t.Errorf("the bar goes in steps of %v", bar)
				break
			}
		}
		if end := bar[len(bar)-1]; end > 60 {
			t.Errorf("in the end the bar is %d", end)
		}
	}
}

// A shadow comes and goes with its tile: none lies where a tile will be, and none is twice as dark.
func TestShadowsMoveWithTheirTiles(t *testing.T) {
	for _, backdrop := range []image.Image{nil, blank(color.RGBA{120, 120, 120, 255})} {
		t.Run(fmt.Sprint(backdrop != nil), func(t *testing.T) {
			cfg := moving()
			look := &cfg.Canvases[0].Look
			look.Background, look.Backdrop, look.Shadow = color.RGBA{120, 120, 120, 255}, backdrop, Shadow{layout.Percent(3), 0.6}
			look.Layout.Aspect = layout.Suited
			p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
			p.play(12, nil)
			under := image.Pt(640, 715) // the third tile
			lit := int(p.colour(t, under.X, under.Y).Y)
			third := p.Compositor.Join(TileConfig{ID: "c", Name: "C"})
			var seen []int
			see := func(_ int, pic *codec.Picture) { seen = append(seen, int(pic.Pixel(under.X, under.Y).Y)) }
			p.play(14, see)
			dark := seen[13]
			if dark > lit-20 || seen[0] < lit-6 || seen[8] > dark+8 {
				t.Errorf("from %d to %d by %v", lit, dark, seen)
			}
			for k := range seen[1:] {
				if seen[k+1] > seen[k]+1 {
					t.Errorf("frame %d: the shadow is lighter again: %v", k+1, seen)
				}
			}
			third.Leave()
			seen = nil
			p.play(14, see)
			if seen[0] > dark+8 || seen[13] != lit {
				t.Errorf("back from %d to %d by %v", dark, lit, seen)
			}
		})
	}
}

// On the way as in the end, shadows fall on the ground, not on neighbours.
func TestShadowsFallOnTheGround(t *testing.T) {
	cfg := moving()
	look := &cfg.Canvases[0].Look
	look.Shadow, look.Layout.Aspect = Shadow{layout.Percent(3), 0.6}, layout.Suited
	p := newInline(t, cfg, codec.Fake(), media.VP8, 3)
	p.play(12, nil)
	first := p.canvases[0].scene.cells[0].rect
	p.Compositor.Join(TileConfig{ID: "d", Name: "D"}) // beside the third, which moves below the first
	p.play(12, func(k int, pic *codec.Picture) {
		if got := pic.Pixel(first.Min.X+first.Dx()/2, first.Max.Y-3); !near(got, palette[0]) {
			t.Errorf("frame %d: %v at the first tile's edge", k, got)
		}
	})
}

// Where nobody who is there has a place in the layout, the canvas says that nobody is on stage, until somebody has.
func TestSlateWhereNobodyHasAPlace(t *testing.T) {
	cfg := moving()
	look := &cfg.Canvases[0].Look
	look.Empty, look.Layout.Mode = Slate{Image: blank(color.RGBA{255, 255, 255, 255})}, layout.Custom
	look.Layout.Slots = []layout.SlotSpec{{Who: layout.Who{By: "role", Text: "host", N: 1}, W: layout.Percent(100), H: layout.Percent(100)}}
	p := newInline(t, cfg, codec.Fake(), media.VP8, 1)
	p.play(12, nil)
	if got := p.colour(t, 640, 360); !near(got, white) {
		t.Errorf("without a host %v", got)
	}
	p.tiles[0].SetRole("host")
	p.play(12, nil)
	if got := p.colour(t, 640, 360); !near(got, palette[0]) {
		t.Errorf("with one %v", got)
	}
}
