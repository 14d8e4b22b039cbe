//go:build cgo

package codec

/*
#cgo CFLAGS: -O2
#cgo LDFLAGS: -lyuv
#cgo noescape tc_fill
#cgo nocallback tc_fill
#cgo noescape tc_copy
#cgo nocallback tc_copy
#cgo noescape tc_scale
#cgo nocallback tc_scale
#cgo noescape tc_blend
#cgo nocallback tc_blend
#include "pixels.h"
*/
import "C"

import "unsafe"

// NewPicture returns a picture of w by h with undefined contents and one holder.
// w and h are positive and w*h is at most MaxPixels. The planes are C memory,
// aligned to 64 bytes, which goes back to a pool with the last Release.
func NewPicture(w, h int) *Picture {
	checkSize(w, h)
	p := new(Picture)
	p.scratch(w, h)
	p.free = putMemory
	return p.own()
}

// Fill paints all of dst, which may be a view.
func Fill(dst *Picture, c YCbCr) {
	if dst.empty() {
		return
	}
	C.tc_fill(ptr(dst.Y), ptr(dst.Cb), ptr(dst.Cr), C.int(dst.StrideY), C.int(dst.StrideC), C.int(dst.W), C.int(dst.H),
		C.int(c.Y), C.int(c.Cb), C.int(c.Cr))
}

// Copy copies src to dst, both of the same size; either may be a view.
func Copy(dst, src *Picture) {
	if !sameSize(dst, src) {
		return
	}
	C.tc_copy(ptr(dst.Y), ptr(dst.Cb), ptr(dst.Cr), C.int(dst.StrideY), C.int(dst.StrideC),
		ptr(src.Y), ptr(src.Cb), ptr(src.Cr), C.int(src.StrideY), C.int(src.StrideC), C.int(dst.W), C.int(dst.H))
}

// Scale stretches src over dst at any ratio; either may be a view. Shrinking
// averages what each pixel covers, enlarging is bilinear. It never writes outside dst.
func Scale(dst, src *Picture) { scaleWithin(dst, src, reach) }

// reach is how far a step shrinks at most on this machine.
var reach = int(C.tc_reach())

// scaleWithin is Scale. What shrinks farther than reach goes down in halves first.
func scaleWithin(dst, src *Picture, reach int) {
	if dst.empty() || src.empty() {
		return
	}
	var half [2]Picture // the last two steps
	for i := 0; ; i ^= 1 {
		w, h := halved(src.W, dst.W, reach), halved(src.H, dst.H, reach)
		if w == src.W && h == src.H {
			break
		}
		next := &half[i]
		next.scratch(w, h)
		scaleStep(next, src, reach)
		half[i^1].recycle()
		src = next
	}
	scaleStep(dst, src, reach)
	half[0].recycle()
	half[1].recycle()
}

// halved is half of n, unless want is within reach.
func halved(n, want, reach int) int {
	if n <= reach*want {
		return n
	}
	return (n + 1) / 2
}

func scaleStep(dst, src *Picture, reach int) {
	C.tc_scale(ptr(dst.Y), ptr(dst.Cb), ptr(dst.Cr), C.int(dst.StrideY), C.int(dst.StrideC), C.int(dst.W), C.int(dst.H),
		ptr(src.Y), ptr(src.Cb), ptr(src.Cr), C.int(src.StrideY), C.int(src.StrideC), C.int(src.W), C.int(src.H), C.int(reach))
}

// scratch gives p, which may lie on the stack, planes until recycle.
func (p *Picture) scratch(w, h int) {
	n := memorySize(w, h)
	p.mem, p.size = spares.get(n), n
	p.carve(unsafe.Slice((*byte)(p.mem), n), w, h)
}

func (p *Picture) recycle() {
	if p.mem != nil {
		putMemory(p.mem, p.size)
		p.mem = nil
	}
}

// blendPlane is dst = dst*keep/255 + pix, w by h samples of it.
func blendPlane(dst []byte, stride int, pix, keep []byte, stridePix, w, h int) {
	C.tc_blend(ptr(dst), C.int(stride), ptr(pix), ptr(keep), C.int(stridePix), C.int(w), C.int(h))
}

func ptr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }
