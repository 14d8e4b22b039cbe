package codec

import (
	"image"
	"sync/atomic"
	"unsafe"

	"tilecast/media"
)

// MaxPixels is the largest picture that is decoded or allocated: 4096x2304.
const MaxPixels = 4096 * 2304

// Picture is an 8-bit planar 4:2:0 picture, BT.601 limited range. Its planes live
// in memory its owner allocated, C memory where libav made it; rows are Stride
// bytes apart. A picture that more than one holder can reach is not written to,
// and a decoder's picture never is: the decoder may still predict from it.
// Chroma planes are (W+1)/2 by (H+1)/2.
type Picture struct {
	W, H             int
	Y, Cb, Cr        []byte
	StrideY, StrideC int
	At               media.Time

	refs atomic.Int32
	lent bool                            // a decoder made it and may read it still
	mem  unsafe.Pointer                  // what free gives back
	size int                             // bytes at mem, where free wants to know
	free func(mem unsafe.Pointer, n int) // nil: the garbage collector's business
}

var live atomic.Int64

// Live is the number of pictures in the process that somebody still holds. Tests
// and Stats use it to find pictures nobody released.
func Live() int { return int(live.Load()) }

// own makes p a picture with one holder.
func (p *Picture) own() *Picture {
	p.refs.Store(1)
	live.Add(1)
	return p
}

// Retain adds a holder and returns p.
func (p *Picture) Retain() *Picture {
	p.refs.Add(1)
	return p
}

// Release gives up one hold; the last one frees the memory. Views are not released.
func (p *Picture) Release() {
	switch n := p.refs.Add(-1); {
	case n < 0:
		panic("codec: picture released twice")
	case n == 0:
		live.Add(-1)
		p.Y, p.Cb, p.Cr = nil, nil, nil
		if p.free != nil {
			p.free(p.mem, p.size)
		}
	}
}

// Shared reports whether somebody besides the caller may read p, so that the
// caller must not write to it.
func (p *Picture) Shared() bool { return p.lent || p.refs.Load() > 1 }

// Bounds is the picture's rectangle, from 0,0.
func (p *Picture) Bounds() image.Rectangle { return image.Rect(0, 0, p.W, p.H) }

// View returns the part of p inside r, whose upper left corner is rounded down to
// even numbers, sharing p's memory. It is valid as long as p is held and is never
// released itself. A rectangle outside p gives an empty view, which every function
// here takes and leaves alone.
func (p *Picture) View(r image.Rectangle) *Picture {
	r.Min.X, r.Min.Y = r.Min.X&^1, r.Min.Y&^1
	r = r.Intersect(p.Bounds())
	v := &Picture{W: r.Dx(), H: r.Dy(), StrideY: p.StrideY, StrideC: p.StrideC, At: p.At, lent: p.lent}
	v.Y = p.Y[r.Min.Y*p.StrideY+r.Min.X:]
	v.Cb = p.Cb[r.Min.Y/2*p.StrideC+r.Min.X/2:]
	v.Cr = p.Cr[r.Min.Y/2*p.StrideC+r.Min.X/2:]
	return v
}

// plane is one of a picture's three, or none of them.
type plane struct {
	pix          []byte
	w, h, stride int
}

func (p *Picture) planes() [3]plane {
	cw, ch := (p.W+1)/2, (p.H+1)/2
	return [3]plane{{p.Y, p.W, p.H, p.StrideY}, {p.Cb, cw, ch, p.StrideC}, {p.Cr, cw, ch, p.StrideC}}
}

func (p plane) row(y int) []byte { return p.pix[y*p.stride : y*p.stride+p.w] }

func (p *Picture) empty() bool { return p.W <= 0 || p.H <= 0 }

// layout is how NewPicture lays out w by h: strides are multiples of 64, and each
// plane has 64 bytes to spare behind it for writers that round a row up.
func layout(w, h int) (strideY, strideC, sizeY, sizeC int) {
	strideY, strideC = (w+63)&^63, ((w+1)/2+63)&^63
	return strideY, strideC, strideY*h + 64, strideC*((h+1)/2) + 64
}

// memorySize is how many bytes a picture of w by h needs.
func memorySize(w, h int) int {
	_, _, ny, nc := layout(w, h)
	return ny + 2*nc
}

// carve gives p planes of w by h in mem, of memorySize bytes.
func (p *Picture) carve(mem []byte, w, h int) {
	sy, sc, ny, nc := layout(w, h)
	p.W, p.H, p.StrideY, p.StrideC = w, h, sy, sc
	p.Y = mem[: ny-64 : ny-64]
	p.Cb = mem[ny : ny+nc-64 : ny+nc-64]
	p.Cr = mem[ny+nc : ny+2*nc-64 : ny+2*nc-64]
}

// checkSize panics with words where a picture cannot be made: sizes come from
// validated configuration and from decoders that obey MaxPixels.
func checkSize(w, h int) {
	if w <= 0 || h <= 0 || w > MaxPixels/h {
		panic("codec: picture size out of range")
	}
}
