package broadcast

import (
	"encoding/binary"
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/vector"

	"tilecast/compositor/codec"
)

// brush fills anti-aliased shapes straight into an I420 picture. Coordinates pass
// through its matrix first. It keeps its buffers: a frame drawn with it allocates nothing.
type brush struct {
	dst  *codec.Picture
	m    matrix
	ops  []byte // 'M', 'L', 'Q', 'C' or 'Z'
	pts  []point
	z    vector.Rasterizer
	mask image.Alpha
}

type point struct{ x, y float64 }

// matrix maps x, y to a*x+c*y+e, b*x+d*y+f.
type matrix struct{ a, b, c, d, e, f float64 }

func scaling(k float64) matrix { return matrix{a: k, d: k} }

// moved is m after a translation in its own coordinates.
func (m matrix) moved(x, y float64) matrix {
	m.e, m.f = m.a*x+m.c*y+m.e, m.b*x+m.d*y+m.f
	return m
}

// turned is m after a rotation by r radians, clockwise on the screen.
func (m matrix) turned(r float64) matrix {
	s, c := math.Sincos(r)
	m.a, m.b, m.c, m.d = m.a*c+m.c*s, m.b*c+m.d*s, m.c*c-m.a*s, m.d*c-m.b*s
	return m
}

// scaled is m after scaling by x, y in its own coordinates.
func (m matrix) scaled(x, y float64) matrix {
	m.a, m.b, m.c, m.d = m.a*x, m.b*x, m.c*y, m.d*y
	return m
}

func (b *brush) add(op byte, xy ...float64) {
	b.ops = append(b.ops, op)
	for i := 0; i < len(xy); i += 2 {
		x, y := xy[i], xy[i+1]
		b.pts = append(b.pts, point{b.m.a*x + b.m.c*y + b.m.e, b.m.b*x + b.m.d*y + b.m.f})
	}
}

func (b *brush) move(x, y float64)                 { b.add('M', x, y) }
func (b *brush) line(x, y float64)                 { b.add('L', x, y) }
func (b *brush) quad(x1, y1, x, y float64)         { b.add('Q', x1, y1, x, y) }
func (b *brush) cube(x1, y1, x2, y2, x, y float64) { b.add('C', x1, y1, x2, y2, x, y) }
func (b *brush) shut()                             { b.add('Z') }

const circle = 0.5523 // control points of a quarter circle

// ellipse adds a whole ellipse.
func (b *brush) ellipse(x, y, rx, ry float64) {
	kx, ky := rx*circle, ry*circle
	b.move(x+rx, y)
	b.cube(x+rx, y+ky, x+kx, y+ry, x, y+ry)
	b.cube(x-kx, y+ry, x-rx, y+ky, x-rx, y)
	b.cube(x-rx, y-ky, x-kx, y-ry, x, y-ry)
	b.cube(x+kx, y-ry, x+rx, y-ky, x+rx, y)
	b.shut()
}

// box adds a rectangle with corners of radius r.
func (b *brush) box(x, y, w, h, r float64) {
	r = min(r, w/2, h/2)
	k := r * (1 - circle)
	b.move(x+r, y)
	b.line(x+w-r, y)
	b.cube(x+w-k, y, x+w, y+k, x+w, y+r)
	b.line(x+w, y+h-r)
	b.cube(x+w, y+h-k, x+w-k, y+h, x+w-r, y+h)
	b.line(x+r, y+h)
	b.cube(x+k, y+h, x, y+h-k, x, y+h-r)
	b.line(x, y+r)
	b.cube(x, y+k, x+k, y, x+r, y)
	b.shut()
}

// stroke adds a capsule from one point to another, bulging sideways by bend.
func (b *brush) stroke(x0, y0, x1, y1, bend, width float64) {
	dx, dy := x1-x0, y1-y0
	l := math.Hypot(dx, dy)
	if l == 0 {
		return
	}
	nx, ny := -dy/l, dx/l
	mx, my := (x0+x1)/2+nx*bend*2, (y0+y1)/2+ny*bend*2
	w := width / 2
	b.move(x0+nx*w, y0+ny*w)
	b.quad(mx+nx*w, my+ny*w, x1+nx*w, y1+ny*w)
	b.quad(x1+dx/l*width*0.7, y1+dy/l*width*0.7, x1-nx*w, y1-ny*w)
	b.quad(mx-nx*w, my-ny*w, x0-nx*w, y0-ny*w)
	b.quad(x0-dx/l*width*0.7, y0-dy/l*width*0.7, x0+nx*w, y0+ny*w)
	b.shut()
}

// ink is a vertical gradient from the top of a shape to its bottom; alpha of 256 is opaque.
type ink struct {
	top, bottom codec.YCbCr
	alpha       int
}

// fill paints the path and forgets it.
func (b *brush) fill(k ink) {
	if r := b.rasterize(); !r.Empty() {
		b.paint(r, k)
	}
	b.ops, b.pts = b.ops[:0], b.pts[:0]
}

// rasterize leaves the path's coverage in b.mask and returns its place, whose corners are even.
func (b *brush) rasterize() image.Rectangle {
	if len(b.pts) == 0 {
		return image.Rectangle{}
	}
	lo, hi := b.pts[0], b.pts[0]
	for _, p := range b.pts {
		lo = point{min(lo.x, p.x), min(lo.y, p.y)}
		hi = point{max(hi.x, p.x), max(hi.y, p.y)}
	}
	r := image.Rect(int(math.Floor(lo.x))&^1, int(math.Floor(lo.y))&^1, (int(math.Ceil(hi.x))+1)&^1, (int(math.Ceil(hi.y))+1)&^1)
	if r = r.Intersect(b.dst.Bounds()); r.Empty() {
		return r
	}
	w, h := r.Dx(), r.Dy()
	b.z.Reset(w, h)
	ox, oy := float64(r.Min.X), float64(r.Min.Y)
	at := func(i int) (float32, float32) { return float32(b.pts[i].x - ox), float32(b.pts[i].y - oy) }
	i := 0
	for _, op := range b.ops {
		switch op {
		case 'M':
			b.z.MoveTo(at(i))
			i++
		case 'L':
			b.z.LineTo(at(i))
			i++
		case 'Q':
			x1, y1 := at(i)
			x, y := at(i + 1)
			b.z.QuadTo(x1, y1, x, y)
			i += 2
		case 'C':
			x1, y1 := at(i)
			x2, y2 := at(i + 1)
			x, y := at(i + 2)
			b.z.CubeTo(x1, y1, x2, y2, x, y)
			i += 3
		case 'Z':
			b.z.ClosePath()
		}
	}
	if cap(b.mask.Pix) < w*h {
		b.mask.Pix = make([]byte, w*h)
	}
	// the rasterizer's fast road is for a mask without padding, which it overwrites
	b.mask.Pix, b.mask.Stride, b.mask.Rect = b.mask.Pix[:w*h], w, image.Rect(0, 0, w, h)
	b.z.DrawOp = draw.Src
	b.z.Draw(&b.mask, b.mask.Rect, image.Opaque, image.Point{})
	return r
}

// paint blends the mask at r.
func (b *brush) paint(r image.Rectangle, k ink) {
	d := b.dst
	h := r.Dy()
	grad := func(from, to uint8, y int) int { return int(from) + (int(to)-int(from))*y/max(h-1, 1) }
	for y := 0; y < h; y++ {
		m := b.mask.Pix[y*b.mask.Stride:][:r.Dx()]
		o := (r.Min.Y+y)*d.StrideY + r.Min.X
		blendRow(d.Y[o:o+len(m)], m, grad(k.top.Y, k.bottom.Y, y), k.alpha)
	}
	for y := 0; y < h; y += 2 {
		m0 := b.mask.Pix[y*b.mask.Stride:][:r.Dx()]
		m1 := b.mask.Pix[(y+1)*b.mask.Stride:][:r.Dx()]
		o := (r.Min.Y+y)/2*d.StrideC + r.Min.X/2
		n := r.Dx() / 2
		blendChroma(d.Cb[o:o+n], d.Cr[o:o+n], m0, m1, grad(k.top.Cb, k.bottom.Cb, y), grad(k.top.Cr, k.bottom.Cr, y), k.alpha)
	}
}

// blendRow moves dst towards v by the coverage m and alpha.
func blendRow(dst, m []byte, v, alpha int) {
	solid := uint64(v) * 0x0101010101010101
	i := 0
	for ; i+8 <= len(m); i += 8 {
		switch c := binary.LittleEndian.Uint64(m[i:]); {
		case c == 0:
		case c == math.MaxUint64 && alpha == 256:
			binary.LittleEndian.PutUint64(dst[i:], solid)
		default:
			blendFew(dst[i:i+8], m[i:i+8], v, alpha)
		}
	}
	blendFew(dst[i:len(m)], m[i:], v, alpha)
}

func blendFew(dst, m []byte, v, alpha int) {
	for j, c := range m {
		a := int(c) * alpha
		dst[j] = byte(int(dst[j]) + ((v-int(dst[j]))*a+255*128)/(255*256))
	}
}

func blendChroma(cb, cr, m0, m1 []byte, u, v, alpha int) {
	for i := range cb {
		c := int(m0[2*i]) + int(m0[2*i+1]) + int(m1[2*i]) + int(m1[2*i+1])
		if c == 0 {
			continue
		}
		if c == 4*255 && alpha == 256 {
			cb[i], cr[i] = byte(u), byte(v)
			continue
		}
		a := c * alpha
		cb[i] = mixChroma(cb[i], u, a)
		cr[i] = mixChroma(cr[i], v, a)
	}
}

func mixChroma(from byte, to, a int) byte {
	d := (to - int(from)) * a
	const whole = 4 * 255 * 256
	if d < 0 {
		return byte(int(from) - (whole/2-d)/whole)
	}
	return byte(int(from) + (d+whole/2)/whole)
}
