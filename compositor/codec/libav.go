//go:build cgo

package codec

/*
#cgo pkg-config: libavcodec libavutil libswscale libswresample
#include <stdlib.h>
#include "av.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"tilecast/media"
)

var errClosed = errors.New("codec is closed")

var libavLog = sync.OnceFunc(func() { C.tc_log_init() })

// LibAV returns the real codecs: libavcodec's, one thread each, without delay, and libopus for Opus.
// Which encoders there are depends on the libavcodec installed and on the hardware;
// the constructors' errors say what is missing.
func LibAV() Set {
	libavLog()
	return Set{
		NewVideoDecoder: newVideoDecoder,
		NewVideoEncoder: newVideoEncoder,
		NewAudioDecoder: newAudioDecoder,
		NewAudioEncoder: newAudioEncoder,
	}
}

// errText is what a C constructor put into its err.
type errText [C.TC_ERR]C.char

func (e *errText) error(what string) error {
	return fmt.Errorf("%s: %s: %w", what, C.GoString(&e[0]), ErrUnavailable)
}

func avError(code C.int) error {
	var buf [128]C.char
	C.tc_strerror(code, &buf[0], C.int(len(buf)))
	return errors.New(C.GoString(&buf[0]))
}

// decoderNames lists libavcodec's decoders for c in the order they are tried in.
func decoderNames(c media.Codec) string {
	switch c {
	case media.VP8:
		return "vp8"
	case media.VP9:
		return "vp9"
	case media.H264:
		return "h264"
	case media.AV1:
		return "libdav1d,libaom-av1"
	case media.AAC:
		return "aac"
	}
	return ""
}

// cStrings converts Go strings that live until free is called.
type cStrings []*C.char

func (s *cStrings) add(v string) *C.char {
	p := C.CString(v)
	*s = append(*s, p)
	return p
}

func (s cStrings) free() {
	for _, p := range s {
		C.free(unsafe.Pointer(p))
	}
}
