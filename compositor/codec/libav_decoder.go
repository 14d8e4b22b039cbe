//go:build cgo

package codec

/*
#cgo noescape tc_vdec_decode
#cgo nocallback tc_vdec_decode
#cgo noescape tc_adec_decode
#cgo nocallback tc_adec_decode
#cgo nocallback tc_frame_free
#include "av.h"
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"tilecast/media"
)

// silence is how many units may go by without a picture before the decoder is
// thought to be stuck: more than any H.264 stream may reorder.
const silence = 17

type videoDecoder struct {
	codec  media.Codec
	c      *C.tc_vdec
	ready  bool // a key frame came, and no error after it
	silent int  // units since the last picture
	sps    []byte
	out    []*Picture
}

func newVideoDecoder(c media.Codec) (VideoDecoder, error) {
	if !c.Video() {
		return nil, fmt.Errorf("%v is not a video codec: %w", c, ErrUnavailable)
	}
	var text errText
	var s cStrings
	defer s.free()
	d := C.tc_vdec_open(s.add(decoderNames(c)), MaxPixels, &text[0])
	if d == nil {
		return nil, text.error(fmt.Sprintf("open a %v decoder", c))
	}
	return &videoDecoder{codec: c, c: d}, nil
}

// limit sets max_pixels. Libavcodec holds its buffers against it, whose sides are rounded up by at most 63: what that makes of a
// picture of up to 1:8 is let through.
func (d *videoDecoder) limit(pixels int) error {
	rounded := pixels + int(63*3.2*math.Sqrt(float64(pixels))) + 63*63
	if ret := C.tc_vdec_limit(d.c, C.int64_t(min(rounded, MaxPixels))); ret < 0 {
		return fmt.Errorf("open a %v decoder for %d pixels: %w", d.codec, pixels, avError(ret))
	}
	return nil
}

func (d *videoDecoder) Decode(pkt media.Packet) ([]*Picture, error) {
	if d.c == nil {
		return nil, errClosed
	}
	if !d.ready && !pkt.Key {
		return nil, ErrNeedKey
	}
	d.ready = false
	if len(pkt.Data) == 0 {
		return nil, fmt.Errorf("decode %v: empty access unit: %w", d.codec, ErrNeedKey)
	}
	if err := d.renew(pkt); err != nil {
		return nil, err
	}
	n := C.tc_vdec_decode(d.c, ptr(pkt.Data), C.int(len(pkt.Data)), C.int64_t(pkt.At), cBool(pkt.Key))
	if n < 0 {
		d.silent = 0
		if pkt.Key { // libavcodec's VP9 would keep what it took of a size that it refused
			if err := d.reopen(); err != nil {
				return nil, err
			}
		}
		return nil, fmt.Errorf("decode %v: %w: %w", d.codec, avError(n), ErrNeedKey)
	}
	if d.silent++; n > 0 {
		d.silent = 0
	}
	if d.silent >= silence {
		d.silent = 0
		return nil, fmt.Errorf("decode %v: no picture out of %d access units: %w", d.codec, silence, ErrNeedKey)
	}
	if err := d.take(d.c.out[:n]); err != nil {
		return nil, err
	}
	d.ready = true
	return d.out, nil
}

// renew starts afresh where an H.264 stream gets new parameter sets: libavcodec
// would let what the old ones said, and the new ones don't, live on.
func (d *videoDecoder) renew(pkt media.Packet) error {
	if d.codec != media.H264 || !pkt.Key {
		return nil
	}
	before := len(d.sps)
	units(pkt.Data, func(kind byte, nal []byte) {
		if kind == nalSPS {
			d.sps = append(d.sps, nal...)
		}
	})
	old, now := d.sps[:before], d.sps[before:]
	if len(now) == 0 || bytes.Equal(old, now) {
		d.sps = old
		return nil
	}
	d.sps = append(d.sps[:0], now...)
	if before == 0 {
		return nil
	}
	return d.reopen()
}

// reopen forgets everything about the stream. After an error the decoder is closed.
func (d *videoDecoder) reopen() error {
	if ret := C.tc_vdec_reopen(d.c); ret < 0 {
		d.Close()
		return fmt.Errorf("open the %v decoder again: %w", d.codec, avError(ret))
	}
	return nil
}

// take makes d.out of the frames that C handed over.
func (d *videoDecoder) take(frames []C.tc_picture) error {
	d.out = d.out[:0]
	var failed error
	for i := range frames {
		f := &frames[i]
		if f.convert == 0 {
			d.out = append(d.out, wrap(f))
		} else if p, err := d.convert(f); err == nil {
			d.out = append(d.out, p)
		} else {
			failed = err
		}
	}
	if failed == nil {
		return nil
	}
	for _, p := range d.out {
		p.Release()
	}
	return failed
}

// wrap gives a frame to a picture, whose planes are the frame's own.
func wrap(f *C.tc_picture) *Picture {
	p := &Picture{W: int(f.w), H: int(f.h), StrideY: int(f.stride_y), StrideC: int(f.stride_c), At: media.Time(f.at)}
	cw, ch := (p.W+1)/2, (p.H+1)/2
	p.Y = unsafe.Slice((*byte)(f.y), p.StrideY*(p.H-1)+p.W)
	p.Cb = unsafe.Slice((*byte)(f.u), p.StrideC*(ch-1)+cw)
	p.Cr = unsafe.Slice((*byte)(f.v), p.StrideC*(ch-1)+cw)
	p.lent, p.mem, p.free = true, unsafe.Pointer(f.frame), freeFrame
	return p.own()
}

func freeFrame(mem unsafe.Pointer, _ int) { C.tc_frame_free((*C.struct_AVFrame)(mem)) }

// convert copies a frame in another format or colour to a picture of our own.
func (d *videoDecoder) convert(f *C.tc_picture) (*Picture, error) {
	defer C.tc_frame_free(f.frame)
	p := NewPicture(int(f.w), int(f.h))
	p.At = media.Time(f.at)
	if ret := C.tc_vdec_convert(d.c, f.frame, ptr(p.Y), ptr(p.Cb), ptr(p.Cr), C.int(p.StrideY), C.int(p.StrideC)); ret < 0 {
		p.Release()
		return nil, fmt.Errorf("convert a %v picture of %dx%d: %w: %w", d.codec, f.w, f.h, avError(ret), ErrNeedKey)
	}
	return p, nil
}

func (d *videoDecoder) Close() {
	if d.c != nil {
		C.tc_vdec_close(d.c)
		d.c = nil
	}
}

func cBool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

type audioDecoder struct {
	codec media.Codec
	c     *C.tc_adec
}

func newAudioDecoder(c media.Codec) (AudioDecoder, error) {
	if !c.Audio() {
		return nil, fmt.Errorf("%v is not an audio codec: %w", c, ErrUnavailable)
	}
	if c == media.Opus {
		return newOpusDecoder()
	}
	var extra []byte
	if c == media.AAC {
		extra = []byte(stereoLC)
	}
	var text errText
	var s cStrings
	defer s.free()
	d := C.tc_adec_open(s.add(decoderNames(c)), ptr(extra), C.int(len(extra)), &text[0])
	if d == nil {
		return nil, text.error(fmt.Sprintf("open a %v decoder", c))
	}
	return &audioDecoder{c, d}, nil
}

func (d *audioDecoder) Decode(data []byte) ([]float32, error) {
	if d.c == nil {
		return nil, errClosed
	}
	if len(data) == 0 {
		return nil, errors.New("decode sound: empty frame")
	}
	n := C.tc_adec_decode(d.c, ptr(data), C.int(len(data)))
	if n < 0 {
		return nil, fmt.Errorf("decode %v: %w", d.codec, avError(n))
	}
	return unsafe.Slice((*float32)(d.c.out), 2*int(n)), nil
}

func (d *audioDecoder) Close() {
	if d.c != nil {
		C.tc_adec_close(d.c)
		d.c = nil
	}
}
