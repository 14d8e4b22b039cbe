package codec

import "tilecast/media"

// nalHeader is the first byte of a slice: an IDR picture or another reference picture.
func nalHeader(key bool) byte {
	if key {
		return 0x65
	}
	return 0x41
}

// appendParameterSets writes an SPS and a PPS in Annex B for a progressive High
// profile stream of w by h, BT.601 limited (H.264 7.3.2.1, 7.3.2.2, E.1.1).
func appendParameterSets(b []byte, w, h int, rate media.FrameRate, bt709 bool) []byte {
	mbw, mbh := (w+15)/16, (h+15)/16
	var s bitWriter
	s.put(8, 100)         // High
	s.put(8, 0)           // no constraint flags
	s.put(8, level(w, h)) // level_idc
	s.ue(0, 1, 0, 0)      // SPS id, 4:2:0, 8 bits luma and chroma
	s.put(2, 0)           // no transform bypass, no scaling matrix
	s.ue(0, 2, 1)         // 4-bit frame_num, order count type 2, one reference
	s.put(1, 0)           // no gaps in frame_num
	s.ue(mbw-1, mbh-1)    // size in macroblocks
	s.put(2, 3)           // frames only, direct_8x8_inference
	s.crop(mbw*16-w, mbh*16-h)
	s.put(3, 1)      // VUI: no aspect ratio, no overscan, a video signal type,
	s.put(5, 5<<2|1) // of no format, limited range, described
	if bt709 {
		s.put(24, 0x010101)
	} else {
		s.put(24, 0x060606) // as SMPTE 170M
	}
	s.put(1, 0) // no chroma location
	s.put(1, 1) // timing
	s.put(32, int(rate.Den))
	s.put(32, int(2*rate.Num))
	s.put(5, 1<<4) // fixed rate, no HRD, no pic_struct, no restriction
	b = s.nal(b, 0x67)

	var p bitWriter
	p.ue(0, 0)    // PPS id, SPS id
	p.put(2, 2)   // CABAC
	p.ue(0, 0, 0) // one slice group, one reference in each list
	p.put(3, 0)   // no weighted prediction
	p.ue(0, 0, 0) // QP, QS, chroma offset
	p.put(3, 4)   // deblocking control present
	return p.nal(b, 0x68)
}

// level is the lowest level_idc whose frame size limit fits (H.264 table A-1), with
// room for 30 fps and more.
func level(w, h int) int {
	switch mbs := ((w + 15) / 16) * ((h + 15) / 16); {
	case mbs <= 1620:
		return 30
	case mbs <= 3600:
		return 32
	case mbs <= 8192:
		return 42
	}
	return 52
}

// bitWriter gathers the bits of a NAL unit's payload.
type bitWriter struct {
	buf  []byte
	free int // bits unused in the last byte
}

func (w *bitWriter) put(n, v int) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.buf, w.free = append(w.buf, 0), 8
		}
		w.free--
		w.buf[len(w.buf)-1] |= byte(v>>n&1) << w.free
	}
}

// ue writes unsigned Exp-Golomb codes (H.264 9.1).
func (w *bitWriter) ue(values ...int) {
	for _, v := range values {
		n := 0
		for (v+1)>>(n+1) > 0 {
			n++
		}
		w.put(2*n+1, v+1)
	}
}

func (w *bitWriter) crop(right, bottom int) {
	if right == 0 && bottom == 0 {
		w.put(2, 1) // no cropping; VUI follows
		return
	}
	w.put(1, 1)
	w.ue(0, right/2, 0, bottom/2)
	w.put(1, 1)
}

// nal appends the payload as a NAL unit with start code and emulation prevention (H.264 7.4.1).
func (w *bitWriter) nal(b []byte, header byte) []byte {
	w.put(1, 1)
	b = append(b, 0, 0, 0, 1, header)
	zeros := 0
	for _, v := range w.buf {
		if zeros >= 2 && v <= 3 {
			b, zeros = append(b, 3), 0
		}
		b = append(b, v)
		if v == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return b
}
