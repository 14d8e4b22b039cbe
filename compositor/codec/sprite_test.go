package codec

import (
	"image"
	"image/color"
	"math"
	"testing"
)

func ramp(w, h int) *Picture {
	p := NewPicture(w, h)
	for y := range h {
		for x := range w {
			p.Y[y*p.StrideY+x] = uint8(16 + 200*x/w)
		}
	}
	for y := range h / 2 {
		for x := range w / 2 {
			p.Cb[y*p.StrideC+x], p.Cr[y*p.StrideC+x] = 100, 150
		}
	}
	return p
}

func plainOf(w, h int, c YCbCr) *Picture {
	p := NewPicture(w, h)
	Fill(p, c)
	return p
}

func TestDrawOneToOneIsACopy(t *testing.T) {
	src, dst, want := ramp(64, 32), plainOf(128, 64, YCbCr{50, 60, 70}), plainOf(128, 64, YCbCr{50, 60, 70})
	defer src.Release()
	defer dst.Release()
	defer want.Release()
	Draw(dst, src, Box{X: 20, Y: 10, W: 64, H: 32}, Crop{W: 64, H: 32}, 1)
	Copy(want.View(image.Rect(20, 10, 84, 42)), src)
	for y := range 64 {
		for x := range 128 {
			if dst.Pixel(x, y) != want.Pixel(x, y) {
				t.Fatalf("at %d,%d: %v, want %v", x, y, dst.Pixel(x, y), want.Pixel(x, y))
			}
		}
	}
}

// A box that moves by a tenth of a pixel moves its picture and its edges by a tenth.
func TestDrawMovesByLessThanAPixel(t *testing.T) {
	src := plainOf(64, 64, YCbCr{200, 128, 128})
	defer src.Release()
	for k := range 11 {
		dst := plainOf(128, 128, YCbCr{100, 128, 128})
		x := 20 + float64(k)/10
		Draw(dst, src, Box{X: x, Y: 20, W: 64, H: 64}, Crop{W: 64, H: 64}, 1)
		want := 100 + 100*(1-(x-20))
		if got := float64(dst.Pixel(20, 50).Y); math.Abs(got-want) > 2 {
			t.Errorf("at %.1f the edge is %v, want %.0f", x, got, want)
		}
		if dst.Pixel(50, 50).Y != 200 || dst.Pixel(10, 50).Y != 100 {
			t.Error("the picture or what is beside it is wrong")
		}
		dst.Release()
	}
}

func TestDrawScalesCropsAndFades(t *testing.T) {
	src, dst := ramp(100, 100), plainOf(200, 200, YCbCr{16, 128, 128})
	defer src.Release()
	defer dst.Release()
	Draw(dst, src, Box{W: 200, H: 200, Radius: 40}, Crop{X: 50, W: 50, H: 100}, 0.5)
	for _, x := range []int{60, 100, 140} {
		want := 16 + (16+200*(50+float64(x)/4)/100-16)/2
		if got := float64(dst.Pixel(x, 100).Y); math.Abs(got-want) > 3 {
			t.Errorf("at %d: %v, want %v", x, got, want)
		}
	}
	if dst.Pixel(2, 2).Y != 16 || dst.Pixel(100, 1).Y == 16 {
		t.Error("the corner is not round")
	}
	for _, b := range []Box{{X: -300, Y: -300, W: 10, H: 10}, {X: 195, Y: 195, W: 100, H: 100}, {X: -50, Y: 20, W: 500, H: 3}, {W: 0.2, H: 0.2}} {
		Draw(dst, src, b, Crop{W: 100, H: 100}, 1) // must stay within
		Ring(dst, b, 4, YCbCr{235, 128, 128}, 1)
		Shadow(dst, b, 10, 0.5)
	}
}

func TestRingAndShadow(t *testing.T) {
	dst := plainOf(100, 100, YCbCr{100, 128, 128})
	defer dst.Release()
	b := Box{X: 20, Y: 20, W: 60, H: 60, Radius: 10}
	Shadow(dst, b, 12, 0.5)
	Ring(dst, b, 4, YCbCr{235, 100, 200}, 1)
	if p := dst.Pixel(22, 50); p != (YCbCr{235, 100, 200}) {
		t.Errorf("the rim is %v", p)
	}
	if dst.Pixel(50, 50).Y != 100 || dst.Pixel(21, 21).Y > 150 {
		t.Error("the middle or the corner is wrong")
	}
	for _, at := range []image.Point{{29, 26}, {70, 26}, {29, 73}, {70, 73}} { // beside the round corner, behind the rim
		if got := dst.Pixel(at.X, at.Y); got.Y != 100 {
			t.Errorf("the shadow reaches into the box: %v at %v", got, at)
		}
	}
	near, far, out := dst.Pixel(18, 50).Y, dst.Pixel(12, 50).Y, dst.Pixel(4, 50).Y
	if near >= far || far >= out || out != 100 || near > 75 {
		t.Errorf("shadow: %d beside the box, %d further away, %d beyond", near, far, out)
	}
}

func TestBlendAtWholePixelsIsBlend(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 20, 10))
	for i := range 200 {
		img.SetNRGBA(i%20, i/20, color.NRGBA{uint8(i), 200, 30, uint8(255 - i)})
	}
	o := NewOverlay(img)
	a, b := plainOf(64, 64, YCbCr{100, 90, 140}), plainOf(64, 64, YCbCr{100, 90, 140})
	defer a.Release()
	defer b.Release()
	Blend(a, o, 10, 20)
	BlendAt(b, o, 10, 20, 1, 1)
	BlendAt(b, o, 10, 20, 1, 0)
	for y := range 64 {
		for x := range 64 {
			if d := int(a.Pixel(x, y).Y) - int(b.Pixel(x, y).Y); d < -1 || d > 1 {
				t.Fatalf("at %d,%d: %v and %v", x, y, a.Pixel(x, y), b.Pixel(x, y))
			}
		}
	}
	BlendAt(b, o, -15, 60, 3.3, 0.7) // cut off at the edges
}

func BenchmarkDraw720p(b *testing.B) {
	src, dst := ramp(1280, 720), plainOf(1280, 720, YCbCr{16, 128, 128})
	defer src.Release()
	defer dst.Release()
	b.ReportAllocs()
	for b.Loop() {
		Draw(dst, src, Box{X: 10.3, Y: 5.7, W: 1200, H: 675, Radius: 12}, Crop{W: 1280, H: 720}, 0.9)
	}
}
