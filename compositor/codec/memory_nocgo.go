//go:build !cgo

package codec

// NewPicture returns a picture of w by h with undefined contents and one holder.
// w and h are positive and w*h is at most MaxPixels.
func NewPicture(w, h int) *Picture {
	checkSize(w, h)
	p := new(Picture)
	p.carve(make([]byte, memorySize(w, h)), w, h)
	return p.own()
}

// Fill paints all of dst, which may be a view.
func Fill(dst *Picture, c YCbCr) {
	if dst.empty() {
		return
	}
	for i, p := range dst.planes() {
		v := [3]byte{c.Y, c.Cb, c.Cr}[i]
		first := p.row(0)
		for x := range first {
			first[x] = v
		}
		for y := 1; y < p.h; y++ {
			copy(p.row(y), first)
		}
	}
}

// Copy copies src to dst, both of the same size; either may be a view.
func Copy(dst, src *Picture) {
	if sameSize(dst, src) {
		copyGo(dst, src)
	}
}

// Scale stretches src over dst at any ratio; either may be a view. Shrinking
// averages, enlarging is bilinear. It never writes outside dst.
func Scale(dst, src *Picture) {
	if !dst.empty() && !src.empty() {
		scaleGo(dst, src)
	}
}

func blendPlane(dst []byte, stride int, pix, keep []byte, stridePix, w, h int) {
	blendPlaneGo(dst, stride, pix, keep, stridePix, w, h)
}
