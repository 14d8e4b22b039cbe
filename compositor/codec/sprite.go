package codec

import "math"

// Box is a rectangle with round corners whose edges may lie between pixels: they are drawn
// smoothly, so that a box can move by less than a pixel.
type Box struct {
	X, Y, W, H, Radius float64 // px of luma
	Square             Corners // those that are not round
}

// Corners are some of a box's four.
type Corners uint8

const (
	TopLeft Corners = 1 << iota
	TopRight
	BottomLeft
	BottomRight
)

// Crop is a part of a picture, in its pixels, that may begin and end between them.
type Crop struct{ X, Y, W, H float64 }

// span is what a box covers of one row: pixels from x0 to x1, of which those from a to b by
// the same share.
type span struct {
	x0, x1, a, b int
	cover        float64
}

// half is the box as it lies on a chroma plane.
func (b Box) half() Box { return Box{b.X / 2, b.Y / 2, b.W / 2, b.H / 2, b.Radius / 2, b.Square} }

// Grown is b with its sides moved out by n, or in where that is negative.
func (b Box) Grown(n float64) Box {
	return Box{b.X - n, b.Y - n, b.W + 2*n, b.H + 2*n, max(b.Radius+n, 0), b.Square}
}

// clip bounds the rows and columns that b touches on a plane.
func (b Box) clip(w, h int) (x0, y0, x1, y1 int) {
	return max(int(math.Floor(b.X-0.5)), 0), max(int(math.Floor(b.Y-0.5)), 0),
		min(int(math.Ceil(b.X+b.W+0.5)), w), min(int(math.Ceil(b.Y+b.H+0.5)), h)
}

// row is what b covers of row y.
func (b Box) row(y, x0, x1 int) span {
	py := float64(y) + 0.5
	dy := min(py-b.Y, b.Y+b.H-py)
	s := span{x0: x0, x1: x1, cover: min(max(dy+0.5, 0), 1)}
	in := 0.5
	if dy < b.Radius {
		in = max(b.Radius, 0.5)
	}
	s.a = min(max(int(math.Ceil(b.X+in-0.5)), x0), x1)
	s.b = min(max(int(math.Floor(b.X+b.W-in+0.5)), s.a), x1)
	return s
}

// Covers is the share of pixel x, y that lies in b.
func (b Box) Covers(x, y int) float64 { return min(max(0.5-b.distance(x, y), 0), 1) }

// Draw lays the part crop of src, stretched, into box on dst, with opacity from 0 to 1. What
// lies outside dst is cut off. It is for pictures that move: shrinking below a half flickers.
func Draw(dst, src *Picture, box Box, crop Crop, opacity float64) {
	if dst.empty() || src.empty() || box.W <= 0 || box.H <= 0 || opacity <= 0 {
		return
	}
	from := src.planes()
	for i, p := range dst.planes() {
		if i == 1 {
			box = box.half()
			crop = Crop{crop.X / 2, crop.Y / 2, crop.W / 2, crop.H / 2}
		}
		drawPlane(p, from[i], box, crop, int(min(opacity, 1)*256+0.5))
	}
}

func drawPlane(dst, src plane, b Box, c Crop, opacity int) {
	x0, y0, x1, y1 := b.clip(dst.w, dst.h)
	if x0 >= x1 {
		return
	}
	du := int(c.W / b.W * 65536)
	u0 := int(((float64(x0)+0.5-b.X)*c.W/b.W + c.X - 0.5) * 65536)
	most := (src.w - 1) << 16
	for y := y0; y < y1; y++ {
		s := b.row(y, x0, x1)
		v := (float64(y)+0.5-b.Y)*c.H/b.H + c.Y - 0.5
		v = min(max(v, 0), float64(src.h-1))
		top := int(v)
		wv := int((v - float64(top)) * 256)
		upper := src.row(top)
		lower := upper
		if top+1 < src.h {
			lower = src.row(top + 1)
		}
		out := dst.row(y)
		share := int(s.cover*float64(opacity) + 0.5)
		for x, u := s.x0, u0; x < s.x1; x, u = x+1, u+du {
			a := share
			if x < s.a || x >= s.b {
				if a = int(b.Covers(x, y)*float64(opacity) + 0.5); a == 0 {
					continue
				}
			}
			t := min(max(u, 0), most)
			k, f := t>>16, t>>8&255
			next := min(k+1, len(upper)-1)
			p := int(upper[k])*(256-f) + int(upper[next])*f
			q := int(lower[k])*(256-f) + int(lower[next])*f
			pix := (p*(256-wv) + q*wv + 1<<15) >> 16
			if a < 256 {
				pix = (int(out[x])*(256-a) + pix*a + 128) >> 8
			}
			out[x] = uint8(pix)
		}
	}
}

// Ring draws the rim of box, so many pixels wide, in colour c.
func Ring(dst *Picture, box Box, width float64, c YCbCr, opacity float64) {
	for i, p := range dst.planes() {
		if i == 1 {
			box, width = box.half(), width/2
		}
		inner := box.Grown(-width)
		x0, y0, x1, y1 := box.clip(p.w, p.h)
		for y := y0; y < y1; y++ {
			out := p.row(y)
			in := inner.row(y, x0, x1)
			hole := in.cover == 1
			for x := x0; x < x1; x++ {
				if hole && x == in.a && in.b > in.a {
					x = in.b - 1
					continue
				}
				a := int((box.Covers(x, y)-inner.Covers(x, y))*opacity*256 + 0.5)
				if a > 0 {
					out[x] = uint8((int(out[x])*(256-a) + int([3]uint8{c.Y, c.Cb, c.Cr}[i])*a + 128) >> 8)
				}
			}
		}
	}
}

// Shadow darkens dst around box, softly up to so many pixels away, as if something lay over it; within the box nothing.
func Shadow(dst *Picture, box Box, size, opacity float64) {
	for i, p := range dst.planes() {
		if i == 1 {
			box, size = box.half(), size/2
		}
		x0, y0, x1, y1 := box.Grown(size).clip(p.w, p.h)
		dark := [3]int{16, 128, 128}[i]
		for y := y0; y < y1; y++ {
			out := p.row(y)
			under := box.row(y, x0, x1)
			for x := x0; x < x1; x++ {
				if under.cover == 1 && x == under.a && under.b > under.a {
					x = under.b - 1 // hidden
					continue
				}
				away := box.distance(x, y)
				near := 1 - away/size
				if near <= 0 || away <= -0.5 { // wholly beside its reach, or within the box
					continue
				}
				near = min(near, 1)
				a := int(near * near * opacity * 256)
				out[x] = uint8((int(out[x])*(256-a) + dark*a + 128) >> 8)
			}
		}
	}
}

// distance is how far the middle of pixel x, y lies outside b, in pixels; within b it is negative.
func (b Box) distance(x, y int) float64 {
	dx, dy, radius := float64(x)+0.5-b.X-b.W/2, float64(y)+0.5-b.Y-b.H/2, b.Radius
	if b.Square != 0 {
		nearest := TopLeft
		if dx > 0 {
			nearest <<= 1
		}
		if dy > 0 {
			nearest <<= 2
		}
		if b.Square&nearest != 0 {
			radius = 0
		}
	}
	qx, qy := math.Abs(dx)-b.W/2+radius, math.Abs(dy)-b.H/2+radius
	if qx > 0 && qy > 0 {
		return math.Sqrt(qx*qx+qy*qy) - radius
	}
	return max(qx, qy) - radius
}

// BlendAt lays o over dst, scaled, with its upper left corner at x, y, which may lie between pixels.
func BlendAt(dst *Picture, o *Overlay, x, y, scale, opacity float64) {
	if scale <= 0 || opacity <= 0 {
		return
	}
	for i, p := range dst.planes() {
		if i == 1 {
			x, y = x/2, y/2
		}
		o.planes[i].blendAt(p, x, y, scale, int(min(opacity, 1)*256+0.5))
	}
}

func (o *overlayPlane) blendAt(dst plane, x, y, scale float64, opacity int) {
	x0, x1 := max(int(math.Floor(x)), 0), min(int(math.Ceil(x+float64(o.w)*scale)), dst.w)
	y0, y1 := max(int(math.Floor(y)), 0), min(int(math.Ceil(y+float64(o.h)*scale)), dst.h)
	du := int(65536 / scale)
	for py := y0; py < y1; py++ {
		v := int(((float64(py)+0.5-y)/scale - 0.5) * 256)
		out := dst.row(py)
		u := int(((float64(x0)+0.5-x)/scale - 0.5) * 65536)
		for px := x0; px < x1; px, u = px+1, u+du {
			pix, keep := o.sample(u>>8, v)
			if opacity < 256 {
				pix = pix * opacity >> 8
				keep = 255 - (255-keep)*opacity>>8
			}
			out[px] = uint8(min((int(out[px])*keep+127)/255+pix, 255))
		}
	}
}

// sample is the overlay at u, v in 1/256 pixels; around it there is nothing.
func (o *overlayPlane) sample(u, v int) (pix, keep int) {
	x, y, fx, fy := u>>8, v>>8, u&255, v&255
	for j := range 2 {
		for i := range 2 {
			w := (i*fx + (1-i)*(256-fx)) * (j*fy + (1-j)*(256-fy))
			if x+i < 0 || y+j < 0 || x+i >= o.w || y+j >= o.h {
				keep += 255 * w
				continue
			}
			at := (y+j)*o.w + x + i
			pix += int(o.pix[at]) * w
			keep += int(o.keep[at]) * w
		}
	}
	return (pix + 1<<15) >> 16, (keep + 1<<15) >> 16
}
