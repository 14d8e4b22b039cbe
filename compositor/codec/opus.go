//go:build cgo

package codec

/*
#cgo pkg-config: opus
#cgo noescape opus_decode_float
#cgo nocallback opus_decode_float
#include <opus.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// maxOpus is the longest Opus packet: 120 ms, in samples per channel.
const maxOpus = SampleRate * 120 / 1000

// opusDecoder is libopus itself: libavcodec neither conceals losses nor uses the
// forward error correction in the packets after them.
type opusDecoder struct {
	c   *C.OpusDecoder
	out [2 * maxOpus]float32
}

func newOpusDecoder() (AudioDecoder, error) {
	var code C.int
	c := C.opus_decoder_create(SampleRate, 2, &code)
	if c == nil {
		return nil, fmt.Errorf("open an Opus decoder: %s: %w", C.GoString(C.opus_strerror(code)), ErrUnavailable)
	}
	return &opusDecoder{c: c}, nil
}

func (d *opusDecoder) Decode(data []byte) ([]float32, error) {
	if len(data) == 0 {
		return nil, errors.New("decode sound: empty frame")
	}
	return d.decode(data, maxOpus, 0)
}

// opusBehind is what encoders look ahead, in samples: 6.5 ms in libopus, and so in every browser. RTP says
// nothing of it (RFC 7845 4.2 has a field for it in files): a packet's time is that of the samples put in.
const opusBehind = 312

// Delay implements Delayer.
func (d *opusDecoder) Delay() int { return opusBehind }

// Conceal implements Concealer.
func (d *opusDecoder) Conceal(n int, next []byte) ([]float32, error) {
	if n <= 0 || n > maxOpus || n%(SampleRate/400) != 0 {
		return nil, fmt.Errorf("conceal %d samples: give a multiple of 120 up to %d", n, maxOpus)
	}
	fec := 1
	if len(next) == 0 {
		fec = 0
	}
	return d.decode(next, n, fec)
}

// decode decodes data, or what its error correction says of the n samples before it.
func (d *opusDecoder) decode(data []byte, n, fec int) ([]float32, error) {
	if d.c == nil {
		return nil, errClosed
	}
	got := C.opus_decode_float(d.c, (*C.uchar)(ptr(data)), C.opus_int32(len(data)),
		(*C.float)(unsafe.Pointer(&d.out[0])), C.int(n), C.int(fec))
	if got < 0 {
		return nil, fmt.Errorf("decode Opus: %s", C.GoString(C.opus_strerror(got)))
	}
	return d.out[:2*int(got)], nil
}

func (d *opusDecoder) Close() {
	if d.c != nil {
		C.opus_decoder_destroy(d.c)
		d.c = nil
	}
}
