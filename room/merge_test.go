package room

import (
	"image/color"
	"testing"

	"tilecast/compositor/layout"
	"tilecast/media"
)

// Who, a colour and a frame rate are one setting each: what the file changes of one comes whole, though another
// part of it was changed by other means.
func TestMergeTakesOneValueWhole(t *testing.T) {
	set := func(who layout.Who, c uint8, ground uint8, rate media.FrameRate) Config {
		cfg := demo()
		look := &cfg.Canvases[0].Look
		look.Layout.Pip.Who, look.Background, cfg.Rate = who, color.RGBA{0x10, 0x20, c, 0xff}, rate
		look.Label.Ground = color.NRGBA{0x30, 0x40, 0x50, ground}
		return cfg
	}
	before := set(layout.Who{By: "speaker", N: 2}, 0x30, 0x80, media.FrameRate{Num: 30, Den: 1})
	after := set(layout.Who{By: "role", Text: "host", N: 2}, 0x31, 0x90, media.FrameRate{Num: 25, Den: 1})
	live := set(layout.Who{By: "name", Text: "Ada", N: 1}, 0x32, 0xa0, media.FrameRate{Num: 30000, Den: 1001})
	live.Canvases[0].Look.Background.R, live.Canvases[0].Look.Label.Ground.G = 0x99, 0x99
	got := live.merged(before, after)
	is, want := got.Canvases[0].Look, after.Canvases[0].Look
	if is.Layout.Pip.Who != want.Layout.Pip.Who || is.Background != want.Background || is.Label.Ground != want.Label.Ground || got.Rate != after.Rate {
		t.Errorf("%+v, %v, %v, %v", is.Layout.Pip.Who, is.Background, is.Label.Ground, got.Rate)
	}
}
