//go:build cgo

package codec

var scalers = []scaler{
	{"libyuv", false, func(dst, src *Picture) { scaleWithin(dst, src, 2) }},
	{"here", reach > 2, Scale},
}
