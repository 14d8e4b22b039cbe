package codec

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

var ratios = [][2]image.Point{ // from, to
	{{640, 360}, {640, 360}}, {{640, 360}, {320, 180}}, {{1280, 720}, {426, 240}}, {{640, 360}, {426, 240}},
	{{1280, 720}, {640, 352}}, {{320, 180}, {640, 360}}, {{178, 100}, {1280, 720}}, {{63, 37}, {64, 64}},
	{{1920, 1080}, {62, 34}}, {{640, 480}, {640, 360}}, {{360, 640}, {202, 360}}, {{2, 2}, {50, 50}}, {{50, 50}, {2, 2}},
	{{1, 1}, {8, 8}}, {{640, 360}, {638, 358}}, {{960, 540}, {424, 238}}, {{1280, 720}, {320, 180}}, {{500, 500}, {100, 250}},
	{{1280, 720}, {400, 224}}, {{64, 1000}, {30, 20}},
}

// frame is a picture whose memory is all of one value, with a view inside.
func frame(size image.Point, at image.Point, v byte) (canvas, view *Picture) {
	canvas = NewPicture(size.X+at.X+38, size.Y+at.Y+6)
	for _, p := range canvas.planes() {
		for i := range p.pix {
			p.pix[i] = v
		}
	}
	return canvas, canvas.View(image.Rectangle{at, at.Add(size)})
}

// outside calls f with every byte of canvas that does not belong to the view.
func outside(canvas *Picture, at, size image.Point, f func(plane, offset int, v byte)) {
	for i, p := range canvas.planes() {
		a, s := at, size
		if i > 0 {
			a, s = at.Div(2), size.Add(image.Pt(1, 1)).Div(2)
		}
		for o, v := range p.pix {
			if x, y := o%p.stride, o/p.stride; x < a.X || x >= a.X+s.X || y < a.Y || y >= a.Y+s.Y {
				f(i, o, v)
			}
		}
	}
}

// scaler is a way that Scale goes on some machine. A near one is as near to the reference as shares of 1/128 allow.
type scaler struct {
	name  string
	near  bool
	scale func(dst, src *Picture)
}

func TestScaleFillsItsViewAndNothingElse(t *testing.T) {
	for _, r := range ratios {
		from, to := r[0], r[1]
		src := texture(NewPicture(from.X, from.Y), 0)
		want := NewPicture(to.X, to.Y)
		scaleGo(want, src)
		for _, at := range []image.Point{{0, 0}, {2, 4}, {30, 2}} {
			for _, s := range scalers {
				for _, v := range []byte{0, 255} {
					canvas, view := frame(to, at, v)
					s.scale(view, src)
					least := 30.0
					switch {
					case s.near:
						least = 47
					case from.Y > 8*to.Y:
						least = 26 // finer than any filter agrees on
					}
					if got := psnr(want, view); got < least {
						t.Errorf("%s, %v to %v at %v: %.1f dB from the reference", s.name, from, to, at, got)
					}
					outside(canvas, at, to, func(plane, o int, got byte) {
						if got != v {
							t.Fatalf("%s, %v to %v at %v: plane %d overwritten at %d", s.name, from, to, at, plane, o)
						}
					})
					canvas.Release()
				}
			}
		}
		src.Release()
		want.Release()
	}
	noneLive(t)
}

// Sizes of all kinds, odd ones too, of a part of a picture: what lies around that part makes no difference.
func TestScaleReadsItsViewAndNothingElse(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	r := rand.New(rand.NewPCG(3, 4))
	side := func() int { return 1 + r.IntN([3]int{9, 70, 1300}[r.IntN(3)]) }
	for range 150 {
		from, to := image.Pt(side(), side()), image.Pt(side(), side())
		at := image.Pt(2*r.IntN(20), 2*r.IntN(20))
		inner := texture(NewPicture(from.X, from.Y), 0)
		for k, p := range inner.planes() {
			for i := range p.pix[:(p.h-1)*p.stride+p.w] {
				p.pix[i] += byte(r.IntN(20 * (k + 1)))
			}
		}
		want := NewPicture(to.X, to.Y)
		scaleGo(want, inner)
		for _, s := range scalers {
			var got [2]*Picture
			for k, v := range []byte{0, 255} {
				canvas, view := frame(from, at, v)
				Copy(view, inner)
				got[k] = NewPicture(to.X, to.Y)
				s.scale(got[k], view)
				canvas.Release()
			}
			if psnr(got[0], got[1]) < 99 {
				t.Errorf("%s, %v at %v to %v: what lies around it shows", s.name, from, at, to)
			}
			if db := psnr(want, got[0]); s.near && db < 40 {
				t.Errorf("%s, %v at %v to %v: %.1f dB from the reference", s.name, from, at, to, db)
			}
			got[0].Release()
			got[1].Release()
		}
		inner.Release()
		want.Release()
	}
	noneLive(t)
}

// A flat picture stays flat at every ratio, and its colour stays the same.
func TestScaleKeepsFlatColours(t *testing.T) {
	c := YCbCr{235, 17, 239}
	for _, r := range ratios {
		for _, s := range scalers {
			src, dst := NewPicture(r[0].X, r[0].Y), NewPicture(r[1].X, r[1].Y)
			Fill(src, c)
			Fill(dst, YCbCr{})
			s.scale(dst, src)
			for y := range dst.H {
				for x := range dst.W {
					if got := dst.Pixel(x, y); !nearly(got, c, 0) {
						t.Fatalf("%s, %v to %v: %v at %d,%d", s.name, r[0], r[1], got, x, y)
					}
				}
			}
			src.Release()
			dst.Release()
		}
	}
}

// The reference itself: a ramp stays a ramp, where its middle was.
func TestReferenceScaleIsCentred(t *testing.T) {
	for _, r := range [][2]int{{256, 128}, {256, 100}, {100, 256}, {256, 37}} {
		src, dst := NewPicture(r[0], 2), NewPicture(r[1], 2)
		for y := range 2 {
			for x := range r[0] {
				src.Y[y*src.StrideY+x] = uint8(x * 255 / r[0])
			}
		}
		scaleGo(dst, src)
		for x := 2; x < r[1]-2; x++ {
			want := ((float64(x)+0.5)*float64(r[0])/float64(r[1]) - 0.5) * 255 / float64(r[0])
			if got := float64(dst.Y[x]); math.Abs(got-want) > 1.5 {
				t.Fatalf("%d to %d: %v instead of %.1f at %d", r[0], r[1], got, want, x)
			}
		}
		src.Release()
		dst.Release()
	}
}

func TestFillAndCopyStayInTheirView(t *testing.T) {
	for _, size := range []image.Point{{2, 2}, {16, 16}, {62, 30}, {426, 240}, {33, 17}} {
		for _, at := range []image.Point{{0, 0}, {6, 2}} {
			canvas, view := frame(size, at, 7)
			src := texture(NewPicture(size.X, size.Y), 3)
			Fill(view, YCbCr{1, 2, 3})
			if got := view.Pixel(size.X-1, size.Y-1); got != (YCbCr{1, 2, 3}) {
				t.Fatalf("%v: filled with %v", size, got)
			}
			Copy(view, src)
			if psnr(view, src) < 99 {
				t.Fatalf("%v: the copy differs", size)
			}
			outside(canvas, at, size, func(plane, o int, v byte) {
				if v != 7 {
					t.Fatalf("%v at %v: plane %d overwritten at %d", size, at, plane, o)
				}
			})
			src.Release()
			canvas.Release()
		}
	}
	empty := NewPicture(16, 16)
	v := empty.View(image.Rect(40, 40, 50, 50))
	Fill(v, YCbCr{})
	Copy(v, v)
	Scale(v, empty)
	Scale(empty, v)
	empty.Release()
}

func TestViewsAreCutToEvenCornersInside(t *testing.T) {
	p := texture(NewPicture(64, 48), 0)
	defer p.Release()
	v := p.View(image.Rect(11, 7, 100, 100))
	if v.W != 54 || v.H != 42 || v.Pixel(0, 0) != p.Pixel(10, 6) || v.Pixel(53, 41) != p.Pixel(63, 47) {
		t.Fatalf("%dx%d", v.W, v.H)
	}
	if w := v.View(image.Rect(2, 2, 4, 4)); w.Pixel(1, 1) != p.Pixel(13, 9) {
		t.Fatal("a view of a view is elsewhere")
	}
	if n := p.View(image.Rect(-20, -20, -3, -3)); n.W != 0 || n.H != 0 {
		t.Fatalf("outside: %dx%d", n.W, n.H)
	}
}

func TestColoursSurviveTheWayThroughAPicture(t *testing.T) {
	for _, c := range []color.RGBA{{0, 0, 0, 255}, {255, 255, 255, 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {12, 200, 130, 255}} {
		got := RGB(c.R, c.G, c.B).RGBA()
		for _, d := range [3]int{int(got.R) - int(c.R), int(got.G) - int(c.G), int(got.B) - int(c.B)} {
			if d < -3 || d > 3 {
				t.Errorf("%v came back as %v", c, got)
			}
		}
	}
	for c, want := range map[color.RGBA]YCbCr{{0, 0, 0, 255}: {16, 128, 128}, {255, 255, 255, 255}: {235, 128, 128}, {255, 0, 0, 255}: {82, 90, 240}, {0, 0, 255, 255}: {41, 240, 110}} {
		if got := RGB(c.R, c.G, c.B); !nearly(got, want, 1) {
			t.Errorf("%v is %v instead of %v", c, got, want)
		}
	}
	img := image.NewNRGBA(image.Rect(5, 5, 5+33, 5+17))
	for y := 5; y < 22; y++ {
		for x := 5; x < 38; x++ {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x / 2 * 8), 100, uint8(y / 2 * 10), 255})
		}
	}
	p := FromImage(img)
	defer p.Release()
	back := p.ToImage()
	if back.Bounds() != image.Rect(0, 0, 33, 17) {
		t.Fatal(back.Bounds())
	}
	var sum int
	for y := range 17 {
		for x := range 33 {
			a, b := img.NRGBAAt(x+5, y+5), back.NRGBAAt(x, y)
			sum += max(int(a.R)-int(b.R), int(b.R)-int(a.R)) + max(int(a.B)-int(b.B), int(b.B)-int(a.B))
		}
	}
	if mean := float64(sum) / (33 * 17 * 2); mean > 6 {
		t.Fatalf("%.1f off on average", mean)
	}
}

// Blending is compared with the same done in floating point on R'G'B'.
func TestBlendIsWhatItLooksLike(t *testing.T) {
	under := color.RGBA{40, 120, 220, 255}
	for _, over := range []color.NRGBA{{255, 255, 255, 255}, {255, 255, 255, 128}, {0, 0, 0, 77}, {250, 30, 10, 0}, {250, 30, 10, 200}, {250, 30, 10, 1}} {
		for _, premultiplied := range []bool{false, true} {
			img := image.NewNRGBA(image.Rect(0, 0, 31, 15))
			for i := 0; i < len(img.Pix); i += 4 {
				copy(img.Pix[i:], []byte{over.R, over.G, over.B, over.A})
			}
			var from image.Image = img
			if premultiplied {
				rgba := image.NewRGBA(img.Rect)
				for y := range 15 {
					for x := range 31 {
						rgba.Set(x, y, over)
					}
				}
				from = rgba
			}
			o := NewOverlay(from)
			if o.W != 32 || o.H != 16 {
				t.Fatalf("%dx%d", o.W, o.H)
			}
			p := NewPicture(64, 48)
			Fill(p, RGB(under.R, under.G, under.B))
			Blend(p, o, 11, 7) // rounded to 10, 6
			a := float64(over.A) / 255
			mix := func(u, o uint8) uint8 { return uint8(math.Round(float64(u)*(1-a) + float64(o)*a)) }
			want := RGB(mix(under.R, over.R), mix(under.G, over.G), mix(under.B, over.B))
			base := RGB(under.R, under.G, under.B)
			for _, at := range []struct {
				x, y int
				want YCbCr
			}{{10, 6, want}, {25, 15, want}, {39, 19, want}, {9, 6, base}, {10, 5, base}, {42, 10, base}, {20, 22, base}} {
				if got := p.Pixel(at.x, at.y); !nearly(got, at.want, 2) {
					t.Errorf("%v over %v: %v instead of %v at %d,%d", over, under, got, at.want, at.x, at.y)
				}
			}
			p.Release()
		}
	}
}

func TestBlendCutsOffWhatDoesNotFit(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	o := NewOverlay(img)
	for y := -24; y <= 40; y += 4 {
		for x := -25; x <= 60; x += 5 {
			canvas, view := frame(image.Pt(50, 30), image.Pt(4, 4), 50)
			Blend(view, o, x, y)
			outside(canvas, image.Pt(4, 4), image.Pt(50, 30), func(plane, off int, v byte) {
				if v != 50 {
					t.Fatalf("at %d,%d: plane %d overwritten at %d", x, y, plane, off)
				}
			})
			covered := image.Rect(x&^1, y, x&^1+20, y+20).Intersect(view.Bounds())
			n := 0
			for _, v := range view.planes()[0].pix[:29*view.StrideY+50] {
				if v == 235 {
					n++
				}
			}
			if n != covered.Dx()*covered.Dy() {
				t.Fatalf("at %d,%d: %d pixels covered instead of %v", x, y, n, covered)
			}
			canvas.Release()
		}
	}
}

func TestBlendEqualsItsReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for w := 1; w < 70; w++ {
		a, pix, keep := noise(5*80), noise(5*90), noise(5*90)
		b := bytes.Clone(a)
		blendPlane(a, 80, pix, keep, 90, w, 5)
		blendPlaneGo(b, 80, pix, keep, 90, w, 5)
		if !bytes.Equal(a, b) {
			t.Fatalf("%d wide: not the same", w)
		}
	}
}

func TestReleaseDiscipline(t *testing.T) {
	before := Live()
	p := NewPicture(100, 60)
	if p.Shared() {
		t.Error("a new picture is shared")
	}
	p.Retain()
	if !p.Shared() || Live() != before+1 {
		t.Error("a retained picture is not shared")
	}
	p.Release()
	p.Release()
	if Live() != before || p.Y != nil {
		t.Error("a released picture lives on")
	}
	defer func() {
		if recover() == nil {
			t.Error("a second release went unnoticed")
		}
	}()
	p.Release()
}

func TestPlanesAreApart(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {63, 37}, {64, 64}, {1280, 720}} {
		p := NewPicture(size.X, size.Y)
		pl := p.planes()
		for i := range pl {
			for j := range pl[i].pix {
				pl[i].pix[j] = byte(i + 1)
			}
		}
		for i := range pl {
			if len(pl[i].pix) < (pl[i].h-1)*pl[i].stride+pl[i].w || bytes.Count(pl[i].pix, []byte{byte(i + 1)}) != len(pl[i].pix) {
				t.Fatalf("%v: plane %d overlaps another", size, i)
			}
		}
		p.Release()
	}
	for _, size := range []image.Point{{0, 5}, {5, -1}, {1 << 30, 1 << 30}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a picture of %v was made", size)
				}
			}()
			NewPicture(size.X, size.Y)
		}()
	}
}

// BenchmarkScale has the ratios of bare grids and of those with gaps, and of rungs.
func BenchmarkScale(b *testing.B) {
	for _, r := range [][2]image.Point{
		{{640, 360}, {640, 360}}, {{1280, 720}, {640, 360}}, {{1278, 720}, {426, 240}}, {{640, 360}, {426, 240}}, {{1280, 720}, {320, 180}},
		{{1278, 720}, {618, 348}}, {{1280, 718}, {406, 228}}, {{640, 360}, {406, 228}}, {{1920, 1080}, {238, 134}}, {{640, 360}, {1252, 704}},
		{{1280, 720}, {854, 480}}, {{320, 180}, {640, 360}},
	} {
		for _, s := range scalers {
			b.Run(fmt.Sprintf("%vto%v/%s", r[0], r[1], s.name), func(b *testing.B) {
				var from [9]*Picture // more than fits into near caches
				for k := range from {
					from[k] = texture(NewPicture(r[0].X, r[0].Y), k)
					defer from[k].Release()
				}
				dst := NewPicture(r[1].X, r[1].Y)
				defer dst.Release()
				b.ReportAllocs()
				for k := 0; b.Loop(); k++ {
					s.scale(dst, from[k%len(from)])
				}
			})
		}
	}
}

func BenchmarkBlend(b *testing.B) {
	img := image.NewNRGBA(image.Rect(0, 0, 240, 40))
	for i := range img.Pix {
		img.Pix[i] = uint8(i)
	}
	o, p := NewOverlay(img), NewPicture(1280, 720)
	defer p.Release()
	Fill(p, YCbCr{100, 128, 128})
	b.ReportAllocs()
	for b.Loop() {
		Blend(p, o, 20, 20)
	}
}
