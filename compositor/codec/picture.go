package codec

import (
	"image"
	"sync/atomic"

	"tilecast/media"
)

// Picture is an 8-bit planar 4:2:0 picture, BT.601 limited range. Its planes live
// in memory its owner allocated, C memory where libav made it; rows are Stride
// bytes apart. A picture that more than one holder can reach is not written to.
type Picture struct {
	W, H             int
	Y, Cb, Cr        []byte
	StrideY, StrideC int
	At               media.Time

	refs atomic.Int32
	free func()
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
	case n == 0 && p.free != nil:
		p.free()
		p.free = nil
		p.Y, p.Cb, p.Cr = nil, nil, nil
	}
}

// Shared reports whether somebody besides the caller holds p.
func (p *Picture) Shared() bool { return p.refs.Load() > 1 }

// Bounds is the picture's rectangle, from 0,0.
func (p *Picture) Bounds() image.Rectangle { return image.Rect(0, 0, p.W, p.H) }

// View returns the part of p inside r, whose corners are even, sharing p's memory.
// It is valid as long as p is held and is never released itself.
func (p *Picture) View(r image.Rectangle) *Picture {
	r = r.Intersect(p.Bounds())
	v := &Picture{W: r.Dx(), H: r.Dy(), StrideY: p.StrideY, StrideC: p.StrideC, At: p.At}
	v.Y = p.Y[r.Min.Y*p.StrideY+r.Min.X:]
	v.Cb = p.Cb[r.Min.Y/2*p.StrideC+r.Min.X/2:]
	v.Cr = p.Cr[r.Min.Y/2*p.StrideC+r.Min.X/2:]
	return v
}

// YCbCr is a colour in BT.601 limited range.
type YCbCr struct{ Y, Cb, Cr uint8 }
