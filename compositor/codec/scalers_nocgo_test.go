//go:build !cgo

package codec

var scalers = []scaler{{"Go", true, Scale}}
