package codec

// The pure Go half of what C does: the !cgo build runs on it, and the tests
// of the cgo build compare with it.

func sameSize(dst, src *Picture) bool {
	if dst.W != src.W || dst.H != src.H {
		panic("codec: Copy between pictures of different sizes")
	}
	return !dst.empty()
}

func copyGo(dst, src *Picture) {
	from := src.planes()
	for i, p := range dst.planes() {
		for y := range p.h {
			copy(p.row(y), from[i].row(y))
		}
	}
}

func scaleGo(dst, src *Picture) {
	if dst.W == src.W && dst.H == src.H {
		copyGo(dst, src)
		return
	}
	from := src.planes()
	for i, p := range dst.planes() {
		scalePlane(p, from[i])
	}
}

// tap says that an output sample takes the weights, which add up to 1<<14, of the
// input samples from first on.
type tap struct {
	first   int
	weights []int32
}

// taps computes the filter of one dimension from n samples to m: the area an output
// sample covers when shrinking, the two nearest when enlarging.
func taps(n, m int) []tap {
	out := make([]tap, m)
	for i := range out {
		if m < n {
			out[i] = area(i, n, m)
		} else {
			out[i] = nearest(i, n, m)
		}
	}
	return out
}

func area(i, n, m int) tap {
	lo, hi := i*n, (i+1)*n // in units of 1/m input sample
	t := tap{first: lo / m}
	sum := int32(0)
	for s := t.first; s*m < hi; s++ {
		w := int32((min(hi, (s+1)*m) - max(lo, s*m)) << 14 / n)
		t.weights = append(t.weights, w)
		sum += w
	}
	t.weights[len(t.weights)/2] += 1<<14 - sum
	return t
}

func nearest(i, n, m int) tap {
	pos := (2*i+1)*n - m // centre of output i, in units of 1/2m input sample
	pos = min(max(pos, 0), (n-1)*2*m)
	t := tap{first: pos / (2 * m)}
	f := int32((pos % (2 * m)) << 14 / (2 * m))
	if t.first+1 >= n {
		t.weights = []int32{1 << 14}
		return t
	}
	t.weights = []int32{1<<14 - f, f}
	return t
}

func scalePlane(dst, src plane) {
	horizontal, vertical := taps(src.w, dst.w), taps(src.h, dst.h)
	rows := map[int][]int32{} // source rows, scaled to dst.w, in 8.6 fixed point
	sum := make([]int32, dst.w)
	for y, v := range vertical {
		clear(sum)
		for k, weight := range v.weights {
			r := rows[v.first+k]
			if r == nil {
				r = scaleRow(src.row(v.first+k), horizontal)
				rows[v.first+k] = r
			}
			for x := range sum {
				sum[x] += r[x] * weight
			}
		}
		out := dst.row(y)
		for x, s := range sum {
			out[x] = uint8(min((s+1<<19)>>20, 255))
		}
		for n := range rows {
			if n < v.first {
				delete(rows, n)
			}
		}
	}
}

func scaleRow(src []byte, horizontal []tap) []int32 {
	out := make([]int32, len(horizontal))
	for x, t := range horizontal {
		sum := int32(0)
		for k, weight := range t.weights {
			sum += int32(src[t.first+k]) * weight
		}
		out[x] = (sum + 1<<7) >> 8
	}
	return out
}

func blendPlaneGo(dst []byte, stride int, pix, keep []byte, stridePix, w, h int) {
	for y := range h {
		d, p, k := dst[y*stride:][:w], pix[y*stridePix:][:w], keep[y*stridePix:][:w]
		for x := range d {
			v := uint32(d[x])*uint32(k[x]) + 128
			d[x] = uint8(min((v+v>>8)>>8+uint32(p[x]), 255))
		}
	}
}
