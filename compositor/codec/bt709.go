package codec

// To709 writes to dst what src, in BT.601 limited, is in BT.709 limited: the same R'G'B'. Both have the
// same even size; they may be the same picture. The luma of four samples moves with the chroma that they share.
func To709(dst, src *Picture) {
	if !sameSize(dst, src) {
		return
	}
	w := src.W / 2
	for y := 0; y < src.H; y += 2 {
		c, d := y/2*src.StrideC, y/2*dst.StrideC
		to709(
			dst.Y[y*dst.StrideY:][:2*w], dst.Y[(y+1)*dst.StrideY:][:2*w], dst.Cb[d:][:w], dst.Cr[d:][:w],
			src.Y[y*src.StrideY:][:2*w], src.Y[(y+1)*src.StrideY:][:2*w], src.Cb[c:][:w], src.Cr[c:][:w],
		)
	}
}

// to709 converts two rows of luma and one of chroma. The factors, in 1/16384, follow from the coefficients
// of ITU-R BT.601 and BT.709 (Kr 0.299 and 0.2126, Kb 0.114 and 0.0722) and the ranges 219 and 224.
func to709(top, low, cb, cr, fromTop, fromLow, fromCb, fromCr []byte) {
	const half = 1 << 13
	for i := range cb {
		b, r := int32(fromCb[i])-128, int32(fromCr[i])-128
		move := (-1893*b - 3407*r + half) >> 14
		top[2*i], top[2*i+1] = bound(int32(fromTop[2*i])+move), bound(int32(fromTop[2*i+1])+move)
		low[2*i], low[2*i+1] = bound(int32(fromLow[2*i])+move), bound(int32(fromLow[2*i+1])+move)
		cb[i] = bound((16689*b+1878*r+half)>>14 + 128)
		cr[i] = bound((16799*r+1230*b+half)>>14 + 128)
	}
}

func bound(v int32) byte { return byte(min(max(v, 0), 255)) }
