//go:build !cgo

package codec

// NewPicture returns a picture of w by h with undefined contents and one holder.
// w and h are positive and w*h is at most MaxPixels.
func NewPicture(w, h int) *Picture {
	checkSize(w, h)
	_, _, ny, nc := layout(w, h)
	return carve(make([]byte, ny+2*nc), w, h)
}

// Fill paints all of dst, which may be a view.
func Fill(dst *Picture, c YCbCr) {
	if !dst.empty() {
		fillGo(dst, c)
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
