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

// labelled are the cells of a canvas with n people, names of one length.
func labelled(t *testing.T, w, h, n int, change func(*Look)) []cell {
	t.Helper()
	cfg := config()
	cfg.Canvases[0].W, cfg.Canvases[0].H, cfg.Canvases[0].Look = w, h, DefaultLook()
	cfg.Canvases[0].Rungs = []Rung{{Name: "r", W: w, H: h, BitRate: 100_000}}
	change(&cfg.Canvases[0].Look)
	p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
	for k := range n {
		p.JoinTile(TileConfig{ID: fmt.Sprint(k), Name: "Margaret"}, true)
	}
	return p.canvases[0].coming.cells
}

// Round corners cut nothing off a label, wherever it stands, and nor does the line along them.
func TestLabelsStayWithinRoundCorners(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	for _, percent := range []float64{0, 1.6, 5, 8, 20, 50} {
		for _, at := range []string{"bottom-left", "bottom-center", "top-right"} {
			for _, n := range []int{1, 3, 9} {
				for _, aspect := range []layout.Aspect{1, 16. / 9} {
					cell := labelled(t, 1280, 720, n, func(l *Look) {
						l.Radius, l.Label.Position, l.Layout.Aspect = layout.Percent(percent), at, aspect
						l.Border = Line{layout.Percent(1), color.RGBA{255, 0, 0, 255}}
					})[0]
					what := fmt.Sprintf("radius %v%%, %s of %d, shape %.1f", percent, at, n, float64(aspect))
					if cell.label == nil {
						t.Errorf("%s: no name", what)
						continue
					}
					inner := cell.shape().Grown(-float64(cell.width))
					at := image.Rectangle{Max: image.Pt(cell.label.W, cell.label.H)}.Add(cell.rect.Min).Add(cell.labelAt)
					pill, cut := boxOf(at), 0
					pill.Radius = pill.H / 2
					for y := at.Min.Y; y < at.Max.Y; y++ {
						for x := at.Min.X; x < at.Max.X; x++ {
							if pill.Covers(x, y) == 1 && inner.Covers(x, y) < 1 {
								cut++
							}
						}
					}
					if cut > 0 {
						t.Errorf("%s: %d pixels of the label are cut off", what, cut)
					}
				}
			}
		}
	}
}

// A label takes a share of its tile, however small that is, and is not there where it could not be read.
func TestLabelsLeaveTheirTilesToThePictures(t *testing.T) {
	for _, c := range []struct {
		w, h, n int
		mode    layout.Mode
		text    int // height of the label of the last but one, px; 0: none
	}{
		{1280, 720, 1, layout.Grid, 62}, {1280, 720, 4, layout.Grid, 32}, {1280, 720, 25, layout.Grid, 26}, {1280, 720, 5, layout.ActiveSpeaker, 26},
		{320, 180, 1, layout.Grid, 20}, {320, 180, 5, layout.Grid, 14}, {320, 180, 25, layout.Grid, 0}, {480, 270, 5, layout.ActiveSpeaker, 0},
		{180, 320, 25, layout.Grid, 0}, {1920, 1080, 25, layout.Grid, 38},
	} {
		cells := labelled(t, c.w, c.h, c.n, func(l *Look) { l.Layout.Mode = c.mode })
		cell, got := cells[max(len(cells)-2, 0)], 0
		if cell.label != nil {
			got = cell.label.H
		}
		if got != c.text || 7*got > 2*cell.rect.Dy() {
			t.Errorf("%s of %d on %dx%d: a label %d px high on %v, want %d", c.mode, c.n, c.w, c.h, got, cell.rect.Size(), c.text)
		}
	}
}

// The line around who speaks is never thinner than that around all others, and no label touches either.
func TestLineOfWhoSpeaksIsNotThinner(t *testing.T) {
	for _, c := range []struct {
		border, highlight layout.Length
		want              int
	}{
		{layout.Percent(1), layout.Percent(0.5), 8}, {layout.Pixels(2), layout.Percent(0.5), 4}, {layout.Percent(1), layout.Length{}, 8},
		{layout.Length{}, layout.Pixels(1), 2}, {layout.Length{}, layout.Length{}, 0},
	} {
		cfg := config()
		look := &cfg.Canvases[0].Look
		*look = DefaultLook()
		look.Border.Width, look.Highlight.Width = c.border, c.highlight
		p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
		for k := range 9 {
			p.JoinTile(TileConfig{ID: fmt.Sprint(k), Name: "Name"}, true)
		}
		p.Speak("1", []string{"1"})
		p.Compose()
		cells := p.canvases[0].coming.cells
		if cells[1].width != c.want {
			t.Errorf("border %v, highlight %v: the line is %d px wide, want %d", c.border, c.highlight, cells[1].width, c.want)
		}
		if clear := min(cells[1].labelAt.X, cells[1].rect.Dy()-cells[1].labelAt.Y-cells[1].label.H) - c.want; clear < 3 || cells[0].labelAt != cells[1].labelAt {
			t.Errorf("border %v, highlight %v: the label is %d px away, at %v and %v", c.border, c.highlight, clear, cells[0].labelAt, cells[1].labelAt)
		}
		p.close()
	}
}
