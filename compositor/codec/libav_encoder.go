//go:build cgo

package codec

/*
#cgo noescape tc_venc_encode
#cgo nocallback tc_venc_encode
#cgo noescape tc_aenc_encode
#cgo nocallback tc_aenc_encode
#include "av.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"tilecast/media"
)

type videoEncoder struct {
	c       *C.tc_enc
	params  media.VideoParams
	inBand  []byte // parameter sets for key frames that lack them
	flushed bool
	encoder encoder

	last    int64 // pts of the picture before, in frames
	pending []shown
	out     []media.Packet
}

// shown is a picture the encoder has not given back yet.
type shown struct {
	pts     int64
	at, dur media.Time
}

func newVideoEncoder(cfg VideoConfig) (VideoEncoder, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	list, err := choose(cfg)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, e := range list {
		enc, err := openVideoEncoder(cfg, e)
		if err == nil {
			return enc, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func openVideoEncoder(cfg VideoConfig, e encoder) (*videoEncoder, error) {
	options, err := e.lines(cfg.Preset)
	if err != nil {
		return nil, err
	}
	if cfg.GOP == 0 {
		cfg.GOP = maxGOP
	}
	outOfBand := cfg.Codec == media.H264 && !cfg.InBand
	var text errText
	var s cStrings
	defer s.free()
	mean, peak := e.given(cfg.BitRate, cfg.MaxRate)
	c := C.tc_venc_open(&C.tc_venc_config{
		name: s.add(e.name), options: s.add(options),
		w: C.int(cfg.W), h: C.int(cfg.H), rate_num: C.int(cfg.Rate.Num), rate_den: C.int(cfg.Rate.Den), gop: C.int(cfg.GOP),
		global_header: cBool(outOfBand), input: C.int(e.input), copy: cBool(!e.lends), bt709: cBool(cfg.BT709),
		bit_rate: C.int64_t(mean), max_rate: C.int64_t(peak), buffer: C.int64_t(cfg.Buffer),
	}, &text[0])
	if c == nil {
		return nil, text.error(fmt.Sprintf("open the %v encoder %s", cfg.Codec, e.name))
	}
	enc := &videoEncoder{c: c, params: cfg.params(), encoder: e, last: -1 << 62}
	if cfg.Codec == media.H264 {
		sets := parameterSets(C.GoBytes(unsafe.Pointer(c.extra), c.extra_size))
		switch {
		case cfg.InBand:
			enc.inBand = sets
		case len(sets) == 0:
			enc.Close()
			return nil, fmt.Errorf("open a %v encoder: %s gives no parameter sets out of band: %w", cfg.Codec, e.name, ErrUnavailable)
		default:
			enc.params.Extra = sets
		}
	}
	return enc, nil
}

func (e *videoEncoder) Params() media.VideoParams { return e.params }

func (e *videoEncoder) Encode(p *Picture, dur media.Time, key bool) ([]media.Packet, error) {
	switch {
	case e.c == nil:
		return nil, errClosed
	case p == nil:
		return e.flush()
	case e.flushed:
		return nil, errors.New("encode after a flush: open a new encoder")
	case p.W != e.params.W || p.H != e.params.H:
		return nil, fmt.Errorf("encode a %dx%d picture: the encoder was opened for %dx%d", p.W, p.H, e.params.W, e.params.H)
	}
	e.last = max(e.last+1, e.params.Rate.Index(p.At))
	e.pending = append(e.pending, shown{e.last, p.At, dur})
	n := C.tc_venc_encode(e.c, ptr(p.Y), ptr(p.Cb), ptr(p.Cr), C.int(p.StrideY), C.int(p.StrideC), C.int64_t(e.last), cBool(key))
	if n < 0 {
		e.pending = e.pending[:len(e.pending)-1]
	}
	e.out = e.out[:0]
	return e.collect(n)
}

func (e *videoEncoder) SetRate(bitRate, maxRate, buffer int) error {
	cfg := VideoConfig{BitRate: bitRate, MaxRate: maxRate, Buffer: buffer}.rated()
	if e.c == nil {
		return errClosed
	}
	if !e.encoder.tunable {
		return fmt.Errorf("%s cannot change its rate while it runs: %w", e.encoder.name, ErrUnavailable)
	}
	if err := cfg.checkChange(e.params); err != nil {
		return err
	}
	if e.encoder.capped && cfg.BitRate < e.params.BitRate {
		cfg.MaxRate, cfg.Buffer = cfg.BitRate, min(cfg.Buffer, cfg.BitRate/2)
	}
	mean, peak := e.encoder.given(cfg.BitRate, cfg.MaxRate)
	C.tc_venc_rate(e.c, C.int64_t(mean), C.int64_t(peak), C.int64_t(cfg.Buffer))
	return nil
}

func (e *videoEncoder) flush() ([]media.Packet, error) {
	e.out = e.out[:0]
	if e.flushed {
		return nil, nil
	}
	e.flushed = true
	for {
		n := C.tc_venc_encode(e.c, nil, nil, nil, 0, 0, 0, 0)
		out, err := e.collect(n)
		if n <= 0 || err != nil {
			return out, err
		}
	}
}

// collect copies n packets out of C.
func (e *videoEncoder) collect(n C.int) ([]media.Packet, error) {
	if n < 0 {
		return nil, fmt.Errorf("encode %v: %w", e.params.Codec, avError(n))
	}
	for i := range e.c.out[:n] {
		c := &e.c.out[i]
		pic, ok := e.take(int64(c.pts))
		if !ok {
			return nil, fmt.Errorf("encode %v: a packet for frame %d, which nobody gave", e.params.Codec, int64(c.pts))
		}
		key := c.key != 0
		data := e.arrange(unsafe.Slice((*byte)(c.data), c.size), key)
		e.out = append(e.out, media.Packet{At: pic.at, Dur: pic.dur, Key: key, Data: data})
	}
	return e.out, nil
}

// take finds and forgets the picture with that pts.
func (e *videoEncoder) take(pts int64) (shown, bool) {
	for i, s := range e.pending {
		if s.pts == pts {
			e.pending = append(e.pending[:i], e.pending[i+1:]...)
			return s, true
		}
	}
	return shown{}, false
}

// arrange copies an access unit into Go memory, with parameter sets where they belong.
func (e *videoEncoder) arrange(unit []byte, key bool) []byte {
	switch {
	case e.params.Codec != media.H264 || !key:
		return append([]byte(nil), unit...)
	case e.params.Extra != nil:
		return withoutParameterSets(unit)
	case e.inBand != nil && len(parameterSets(unit)) == 0:
		return append(append([]byte(nil), e.inBand...), unit...)
	}
	return append([]byte(nil), unit...)
}

func (e *videoEncoder) Close() {
	if e.c != nil {
		C.tc_enc_close(e.c)
		e.c = nil
	}
}

type audioEncoder struct {
	c       *C.tc_enc
	params  media.AudioParams
	samples int64 // taken so far, per channel
	budget  budget
	flushed bool
	out     []media.Packet
}

func newAudioEncoder(cfg AudioConfig) (AudioEncoder, error) {
	params, err := cfg.params()
	if err != nil {
		return nil, err
	}
	// The fast search takes a third of the other's time, and its noise lies no nearer to what masks it. Shaping noise in time,
	// making noise up and joining channels each make single blocks overshoot, by up to 6 dB.
	name, options, planar, quality := "aac", "aac_coder=fast\naac_tns=0\naac_pns=0\naac_is=0", true, aacQuality
	if cfg.Codec == media.Opus {
		name, options, planar, quality = "libopus", "application=audio\nframe_duration=20", false, 0
	}
	var text errText
	var s cStrings
	defer s.free()
	c := C.tc_aenc_open(s.add(name), s.add(options), C.int64_t(cfg.BitRate), C.int(params.FrameSize), cBool(planar), C.int(quality), &text[0])
	if c == nil {
		return nil, text.error(fmt.Sprintf("open an %v encoder", cfg.Codec))
	}
	if cfg.Codec == media.AAC {
		params.Extra = C.GoBytes(unsafe.Pointer(c.extra), c.extra_size)
	}
	return &audioEncoder{c: c, params: params, budget: budget{rate: float64(cfg.BitRate)}}, nil
}

func (e *audioEncoder) Params() media.AudioParams { return e.params }

func (e *audioEncoder) Encode(samples []float32) ([]media.Packet, error) {
	e.out = e.out[:0]
	switch {
	case e.c == nil:
		return nil, errClosed
	case samples == nil:
		return e.flush()
	case e.flushed:
		return nil, errors.New("encode after a flush: open a new encoder")
	}
	if err := checkSamples(samples, e.params.FrameSize); err != nil {
		return nil, err
	}
	n := C.tc_aenc_encode(e.c, (*C.float)(unsafe.SliceData(samples)), C.int64_t(e.samples), C.int64_t(e.budget.ask()))
	e.samples += int64(e.params.FrameSize)
	return e.collect(n)
}

func (e *audioEncoder) flush() ([]media.Packet, error) {
	if e.flushed {
		return nil, nil
	}
	e.flushed = true
	for {
		n := C.tc_aenc_encode(e.c, nil, 0, C.int64_t(e.budget.ask()))
		out, err := e.collect(n)
		if n <= 0 || err != nil {
			return out, err
		}
	}
}

// collect copies n packets out of C, except those that present nothing but priming or padding.
func (e *audioEncoder) collect(n C.int) ([]media.Packet, error) {
	if n < 0 {
		return nil, fmt.Errorf("encode %v: %w", e.params.Codec, avError(n))
	}
	for i := range e.c.out[:n] {
		c := &e.c.out[i]
		e.budget.spent(8*int(c.size), float64(e.params.FrameSize)/SampleRate)
		pts := int64(c.pts)
		if pts+int64(e.params.FrameSize) <= 0 || pts >= e.samples {
			continue
		}
		e.out = append(e.out, media.Packet{
			At:   media.FromTicks(pts, SampleRate),
			Dur:  media.FromTicks(int64(e.params.FrameSize), SampleRate),
			Key:  true,
			Data: append([]byte(nil), unsafe.Slice((*byte)(c.data), c.size)...),
		})
	}
	return e.out, nil
}

func (e *audioEncoder) Close() {
	if e.c != nil {
		C.tc_enc_close(e.c)
		e.c = nil
	}
}
