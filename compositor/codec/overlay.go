package codec

import "image"

// Overlay is a picture with transparency, ready to be laid over others many times:
// labels, logos, captions. It is never written to after NewOverlay and may be used
// by several goroutines at once.
type Overlay struct {
	W, H   int // even; what the image lacked is transparent
	planes [3]overlayPlane
}

// overlayPlane holds samples multiplied by their opacity, and the transparency
// (255 - opacity) that the picture below keeps.
type overlayPlane struct {
	pix, keep []byte
	w, h      int
}

// NewOverlay converts img, an *image.RGBA or *image.NRGBA where speed matters.
func NewOverlay(img image.Image) *Overlay {
	b := img.Bounds()
	o := &Overlay{W: (b.Dx() + 1) &^ 1, H: (b.Dy() + 1) &^ 1}
	for i := range o.planes {
		w, h := o.W, o.H
		if i > 0 {
			w, h = w/2, h/2
		}
		o.planes[i] = overlayPlane{make([]byte, w*h), make([]byte, w*h), w, h}
	}
	at := pixels(img)
	for y := 0; y < o.H; y += 2 {
		for x := 0; x < o.W; x += 2 {
			var r, g, bl, alpha int32
			for j := y; j < y+2; j++ {
				for i := x; i < x+2; i++ {
					c := at(b.Min.X+min(i, b.Dx()-1), b.Min.Y+min(j, b.Dy()-1))
					if i >= b.Dx() || j >= b.Dy() {
						c.R, c.G, c.B, c.A = 0, 0, 0, 0
					}
					o.set(i, j, c.R, c.G, c.B, c.A)
					r, g, bl, alpha = r+int32(c.R), g+int32(c.G), bl+int32(c.B), alpha+int32(c.A)
				}
			}
			o.setChroma(x/2, y/2, r, g, bl, alpha)
		}
	}
	return o
}

// set takes a premultiplied colour; luma's offset of 16 is premultiplied too.
func (o *Overlay) set(x, y int, r, g, b, a uint8) {
	v := 16829*int32(r) + 33039*int32(g) + 6416*int32(b) + int32(a)*16<<16/255
	p := &o.planes[0]
	p.pix[y*p.w+x] = uint8((v + 1<<15) >> 16)
	p.keep[y*p.w+x] = 255 - a
}

// setChroma takes the sums of four premultiplied colours.
func (o *Overlay) setChroma(x, y int, r, g, b, a int32) {
	offset := a * 128 << 8 / 255 << 8
	cb := (-9714*r - 19071*g + 28785*b + offset + 1<<17) >> 18
	cr := (28785*r - 24103*g - 4682*b + offset + 1<<17) >> 18
	for i, v := range [2]int32{cb, cr} {
		p := &o.planes[i+1]
		p.pix[y*p.w+x] = uint8(min(max(v, 0), 255))
		p.keep[y*p.w+x] = uint8(255 - (a+2)/4)
	}
}

// Blend lays o over dst with its upper left corner at x, y, which are rounded down
// to even numbers and may be negative or outside: what does not fit is cut off.
func Blend(dst *Picture, o *Overlay, x, y int) {
	x, y = x&^1, y&^1
	for i, d := range dst.planes() {
		s := &o.planes[i]
		dx, dy := x, y
		if i > 0 {
			dx, dy = x/2, y/2
		}
		x0, x1 := max(0, -dx), min(s.w, d.w-dx)
		y0, y1 := max(0, -dy), min(s.h, d.h-dy)
		if x0 >= x1 || y0 >= y1 {
			continue
		}
		at, from := (y0+dy)*d.stride+x0+dx, y0*s.w+x0
		blendPlane(d.pix[at:], d.stride, s.pix[from:], s.keep[from:], s.w, x1-x0, y1-y0)
	}
}
