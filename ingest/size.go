package ingest

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp9"

	"tilecast/media"
)

// pictureSize is the size in pixels that the first packet of a key frame names, so that a simulcast
// layer is known without being put together; ok is false for every other packet.
func pictureSize(c media.Codec, p []byte) (w, h int, ok bool) {
	switch c {
	case media.VP8:
		w, h = vp8Size(p)
	case media.VP9:
		w, h = vp9Size(p)
	case media.H264:
		w, h = h264Size(p)
	case media.AV1:
		w, h = av1Size(p)
	}
	return w, h, believable(w, h)
}

// unitSize is the size in pixels of a whole key frame, in the layout of media.Packet; ok is false where it
// can't be told.
func unitSize(c media.Codec, unit []byte) (w, h int, ok bool) {
	switch c {
	case media.VP8:
		w, h = vp8FrameSize(unit)
	case media.VP9:
		w, h = vp9FrameSize(unit)
	case media.H264:
		w, h = h264UnitSize(unit)
	case media.AV1:
		w, h = av1UnitSize(unit)
	}
	return w, h, believable(w, h)
}

func believable(w, h int) bool { return w > 0 && h > 0 && w <= maxSide && h <= maxSide }

// maxSide is the largest width or height of a picture that is believed: a damaged or malicious H.264
// parameter set may crop to a size that has wrapped around.
const maxSide = 1 << 16

func vp8Size(p []byte) (w, h int) {
	if len(p) == 0 || p[0]&0x10 == 0 || p[0]&0x07 != 0 {
		return 0, 0
	}
	n := vp8Header(p)
	if n < 0 || n > len(p) {
		return 0, 0
	}
	return vp8FrameSize(p[n:])
}

// vp8FrameSize reads the frame header (RFC 6386 9.1).
func vp8FrameSize(f []byte) (w, h int) {
	if len(f) < 10 || f[0]&1 != 0 || f[3] != 0x9d || f[4] != 0x01 || f[5] != 0x2a {
		return 0, 0
	}
	return int(f[6]) | int(f[7]&0x3f)<<8, int(f[8]) | int(f[9]&0x3f)<<8
}

func vp9Size(p []byte) (w, h int) {
	d, ok := parseVP9Descriptor(p)
	if !ok || !d.begin || d.spatial > 0 || p[0]&0x40 != 0 {
		return 0, 0
	}
	return vp9FrameSize(p[d.length:])
}

// vp9FrameSize reads the uncompressed header (VP9 bitstream 6.2).
func vp9FrameSize(f []byte) (w, h int) {
	var head vp9.Header
	if head.Unmarshal(f) != nil || head.NonKeyFrame || head.ShowExistingFrame || head.FrameSize == nil {
		return 0, 0
	}
	return head.Width(), head.Height()
}

// h264Size looks for a parameter set alone or at the head of an aggregate.
func h264Size(p []byte) (w, h int) {
	if len(p) > 4 && p[0]&nalTypes == nalSTAPA {
		n := int(p[1])<<8 | int(p[2])
		if p = p[3:]; n > len(p) {
			return 0, 0
		}
		p = p[:n]
	}
	return spsSize(p)
}

func spsSize(nal []byte) (w, h int) {
	if len(nal) < 4 || nal[0]&nalTypes != nalSPS || len(nal) > maxSet {
		return 0, 0
	}
	var sps h264.SPS
	if sps.Unmarshal(nal) != nil {
		return 0, 0
	}
	return sps.Width(), sps.Height()
}

// h264UnitSize is what the parameter sets say that the first slice refers to, of those in front of it.
func h264UnitSize(unit []byte) (w, h int) {
	sps, spsOf := make(map[uint32][]byte), make(map[uint32]uint32)
	for nal := range bytes.SplitSeq(unit, []byte(startCode)) {
		if len(nal) < 2 {
			continue
		}
		switch nal[0] & nalTypes {
		case nalSPS:
			if id, ok := readUE(nal[min(4, len(nal)):]); ok {
				sps[id] = nal
			}
		case nalPPS:
			if id, n, ok := readUEBits(nal[1:], 0); ok {
				spsOf[id], _, _ = readUEBits(nal[1:], n)
			}
		case nalIDR:
			_, n, _ := readUEBits(nal[1:], 0) // first_mb_in_slice
			_, n, _ = readUEBits(nal[1:], n)  // slice_type
			pps, _, _ := readUEBits(nal[1:], n)
			return spsSize(sps[spsOf[pps]])
		}
	}
	return 0, 0
}

// av1Size reads the sequence header that begins a coded video sequence.
func av1Size(p []byte) (w, h int) {
	if len(p) < 2 || p[0]&0x88 != 0x08 { // Z, N
		return 0, 0
	}
	first := p[1:]
	if p[0]>>4&3 != 1 { // W: a length comes first
		size, n := readLEB128(first)
		if n <= 0 || size > uint64(len(first)-n) {
			return 0, 0
		}
		first = first[n : n+int(size)]
	}
	return sequenceSize(first)
}

func sequenceSize(obu []byte) (w, h int) {
	var head av1.SequenceHeader
	if len(obu) == 0 || obuType(obu[0]) != obuSequenceHeader || head.Unmarshal(obu) != nil {
		return 0, 0
	}
	return head.Width(), head.Height()
}

// av1UnitSize finds the sequence header of a temporal unit as av1Depacketizer makes them, each OBU with its size.
func av1UnitSize(unit []byte) (w, h int) {
	for len(unit) > 1 {
		head := 1
		if unit[0]&0x04 != 0 { // extension
			head = 2
		}
		size, n := readLEB128(unit[min(head, len(unit)):])
		if n <= 0 || size > uint64(len(unit)-head-n) {
			return 0, 0
		}
		end := head + n + int(size)
		if obuType(unit[0]) == obuSequenceHeader {
			return sequenceSize(unit[:end])
		}
		unit = unit[end:]
	}
	return 0, 0
}
