package compositor

import (
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// counts are the numbers of people that the golden sheets show, from left to right.
var counts = []int{1, 2, 3, 4, 5, 7, 9, 16, 25}

// shapes are the canvases of the golden sheets.
var shapes = []struct {
	name string
	w, h int
}{{"16x9", 384, 216}, {"9x16", 216, 384}, {"1x1", 288, 288}}

// goldens are the layouts of the golden sheets.
var goldens = map[string]func(*Look){
	"grid":           func(*Look) {},
	"grid-square":    func(l *Look) { l.Layout.Aspect, l.Radius = 1, layout.Percent(5) },
	"grid-fill":      func(l *Look) { l.Layout.Aspect, l.Layout.Margin = layout.Fill, layout.Length{} },
	"active-speaker": func(l *Look) { l.Layout.Mode = layout.ActiveSpeaker },
	"strip-top": func(l *Look) {
		l.Layout.Mode, l.Layout.Strip = layout.ActiveSpeaker, layout.StripSpec{Edge: layout.Top, Count: 8, Size: layout.Percent(18)}
	},
	"single": func(l *Look) { l.Layout.Mode = layout.Single },
	"split": func(l *Look) {
		l.Layout.Mode, l.Layout.Aspect, l.Layout.Margin = layout.Split, layout.Fill, layout.Length{}
	},
	"pip": func(l *Look) {
		l.Layout.Mode, l.Border, l.Shadow = layout.Pip, Line{layout.Percent(0.5), color.RGBA{255, 255, 255, 255}}, Shadow{layout.Percent(3), 0.6}
	},
	"screen": func(l *Look) { l.Layout.Mode = layout.Screen },
	"custom": func(l *Look) {
		l.Layout.Mode, l.Background = layout.Custom, color.RGBA{30, 60, 60, 255}
		for k, who := range []layout.Who{{By: "speaker", N: 1}, {By: "anyone", N: 1}, {By: "anyone", N: 1}} {
			at := layout.Percent(float64(5 + 25*k))
			l.Layout.Slots = append(l.Layout.Slots, layout.SlotSpec{Who: who, X: at, Y: at, W: layout.Percent(45), H: layout.Percent(40), Z: k})
		}
		l.Overlays = []Overlay{{
			Text: "Golden", Sub: "Lower third", Position: "bottom-left", X: layout.Percent(4), Y: layout.Percent(4), Size: layout.Percent(7), Opacity: 0.9,
			Color: color.RGBA{255, 255, 255, 255}, Ground: color.NRGBA{0, 0, 0, 200}, Accent: color.RGBA{255, 90, 0, 255},
		}}
	},
}

// TestGoldenPictures composes every layout on every shape of canvas with from 1 to 25 people, and compares it with
// what a person has looked at: a little blurred, so that what nobody sees does not count.
// go test ./compositor -run Golden -update writes the sheets anew; then look at them.
func TestGoldenPictures(t *testing.T) {
	faces := make([]*codec.Picture, 25)
	for k := range faces {
		faces[k] = face(k)
		defer faces[k].Release()
	}
	for name, change := range goldens {
		for _, s := range shapes {
			if testing.Short() && s.name != "16x9" {
				continue
			}
			t.Run(name+"-"+s.name, func(t *testing.T) {
				look := DefaultLook()
				look.Motion = Motion{}
				change(&look)
				var row []*codec.Picture
				for _, n := range counts {
					if testing.Short() && n > 5 && !*update {
						break
					}
					row = append(row, compose(t, look, s.w, s.h, faces[:n], name == "screen"))
				}
				compareGolden(t, filepath.Join("testdata", "golden", name+"-"+s.name+".png"), sheet(row, s.w, s.h))
			})
		}
	}
}

// face is a picture with a head, so that one can see what is cut off and what is stretched.
func face(k int) *codec.Picture {
	pic := codec.NewPicture(320, 180)
	tint := palette[k%len(palette)]
	for y := range pic.H {
		for x := range pic.W {
			c := codec.YCbCr{Y: uint8(60 + 80*x/pic.W + 30*y/pic.H + 7*(k%5)), Cb: tint.Cb/2 + 64, Cr: tint.Cr/2 + 64}
			if dx, dy := x-160, y-80; dx*dx+dy*dy < 45*45 || y > 125 && dx*dx+(y-190)*(y-190) < 70*70 {
				c = codec.YCbCr{Y: 200, Cb: 110, Cr: 150}
			}
			if x < 4 || y < 4 || x >= 316 || y >= 176 {
				c = codec.YCbCr{Y: 235, Cb: 128, Cr: 128}
			}
			pic.Y[y*pic.StrideY+x] = c.Y
			pic.Cb[y/2*pic.StrideC+x/2], pic.Cr[y/2*pic.StrideC+x/2] = c.Cb, c.Cr
		}
	}
	pic.At = 0
	return pic
}

// compose is a canvas with these faces, the second of whom speaks; released by the caller.
func compose(t testing.TB, look Look, w, h int, faces []*codec.Picture, screen bool) *codec.Picture {
	t.Helper()
	cfg := config()
	cfg.Delay, cfg.Canvases[0] = 0, Canvas{Name: "main", W: w, H: h, Look: look, Rungs: []Rung{{Name: "r", W: w, H: h, BitRate: 100_000}}}
	p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
	defer p.close()
	ids := []string{}
	for k, f := range faces {
		id := fmt.Sprint("p", k)
		tile := p.JoinTile(TileConfig{ID: id, Name: fmt.Sprint("Guest ", k+1), Kind: kindOf(screen && k == 0)}, k != 4)
		if k != 4 { // whose placeholder is seen
			p.Show(tile, f.Retain())
		}
		ids = append(ids, id)
	}
	p.Speak(ids[min(1, len(ids)-1)], ids)
	for range 3 {
		p.Frame()
	}
	return p.Inline.Snapshot()
}

func kindOf(screen bool) Kind {
	if screen {
		return Screen
	}
	return Camera
}

// sheet puts pictures of w by h side by side, at a quarter of their size, and releases them.
func sheet(row []*codec.Picture, w, h int) *image.RGBA {
	w, h = w/4, h/4
	out := image.NewRGBA(image.Rect(0, 0, len(row)*(w+4), h))
	for k, pic := range row {
		small := codec.NewPicture(w, h)
		codec.Scale(small, pic)
		draw.Draw(out, image.Rect(k*(w+4), 0, k*(w+4)+w, h), small.ToImage(), image.Point{}, draw.Src)
		small.Release()
		pic.Release()
	}
	return out
}

// compareGolden holds that got looks like the file, as far as got reaches.
func compareGolden(t *testing.T, file string, got *image.RGBA) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(out, got); err != nil {
			t.Fatal(err)
		}
		return
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	want, err := png.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	if mean, worst := difference(got, want); mean > 1.5 || worst > 28 {
		path := filepath.Join(t.ArtifactDir(), filepath.Base(file))
		if out, err := os.Create(path); err == nil {
			_ = png.Encode(out, got)
			out.Close()
		}
		t.Errorf("%s: %.2f levels off in the mean, %.0f in the worst place; what came out is in %s (run with -artifacts to keep it)", file, mean, worst, path)
	}
}

// difference is how far two pictures are apart in levels: in the mean, and in the worst of blocks of 4 x 4.
func difference(got *image.RGBA, want image.Image) (mean, worst float64) {
	b := got.Bounds()
	if b.Dy() != want.Bounds().Dy() || b.Dx() > want.Bounds().Dx() {
		return 255, 255
	}
	n := 0
	for y := 0; y+4 <= b.Dy(); y += 4 {
		for x := 0; x+4 <= b.Dx(); x += 4 {
			var sum [3]float64
			for j := range 16 {
				r, g, bl, _ := want.At(x+j%4, y+j/4).RGBA()
				c := got.RGBAAt(x+j%4, y+j/4)
				sum[0] += float64(c.R) - float64(r>>8)
				sum[1] += float64(c.G) - float64(g>>8)
				sum[2] += float64(c.B) - float64(bl>>8)
			}
			d := max(sum[0], -sum[0], sum[1], -sum[1], sum[2], -sum[2]) / 16
			mean, worst = mean+d, max(worst, d)
			n++
		}
	}
	return mean / float64(n), worst
}

// A comparison that is content with anything would let everything pass.
func TestGoldenComparisonSees(t *testing.T) {
	look := DefaultLook()
	look.Motion = Motion{}
	f := []*codec.Picture{face(0), face(1), face(2)}
	a := sheet([]*codec.Picture{compose(t, look, 384, 216, f, false)}, 384, 216)
	same := sheet([]*codec.Picture{compose(t, look, 384, 216, f, false)}, 384, 216)
	if mean, worst := difference(a, same); mean != 0 || worst != 0 {
		t.Errorf("the same twice differs by %v and %v", mean, worst)
	}
	for name, change := range map[string]func(){
		"no labels": func() { look.Label.Show = false }, "no highlight": func() { look.Highlight = Line{} },
		"gap": func() { look.Layout.Gap = layout.Percent(6) }, "fit": func() { look.Layout.Aspect = 1 },
	} {
		look = DefaultLook()
		look.Motion = Motion{}
		change()
		b := sheet([]*codec.Picture{compose(t, look, 384, 216, f, false)}, 384, 216)
		if mean, worst := difference(a, b); mean <= 1.5 && worst <= 28 {
			t.Errorf("%s: only %.2f and %.0f apart", name, mean, worst)
		}
	}
	for _, p := range f {
		p.Release()
	}
}
