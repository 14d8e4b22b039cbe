package ingest

import (
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
	return w, h, w > 0 && h > 0 && w <= maxSide && h <= maxSide
}

// maxSide is the largest width or height of a picture that is believed: a damaged or malicious H.264
// parameter set may crop to a size that has wrapped around.
const maxSide = 1 << 16

// vp8Size reads the frame header (RFC 6386 9.1).
func vp8Size(p []byte) (w, h int) {
	if len(p) == 0 || p[0]&0x10 == 0 || p[0]&0x07 != 0 {
		return 0, 0
	}
	n := vp8Header(p)
	if n < 0 || n+10 > len(p) {
		return 0, 0
	}
	f := p[n:]
	if f[0]&1 != 0 || f[3] != 0x9d || f[4] != 0x01 || f[5] != 0x2a {
		return 0, 0
	}
	return int(f[6]) | int(f[7]&0x3f)<<8, int(f[8]) | int(f[9]&0x3f)<<8
}

func vp9Size(p []byte) (w, h int) {
	d, ok := parseVP9Descriptor(p)
	if !ok || !d.begin || d.spatial > 0 || p[0]&0x40 != 0 {
		return 0, 0
	}
	var head vp9.Header
	if head.Unmarshal(p[d.length:]) != nil || head.NonKeyFrame || head.ShowExistingFrame || head.FrameSize == nil {
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
	if len(p) < 4 || p[0]&nalTypes != nalSPS || len(p) > maxSet {
		return 0, 0
	}
	var sps h264.SPS
	if sps.Unmarshal(p) != nil {
		return 0, 0
	}
	return sps.Width(), sps.Height()
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
	var head av1.SequenceHeader
	if len(first) == 0 || obuType(first[0]) != obuSequenceHeader || head.Unmarshal(first) != nil {
		return 0, 0
	}
	return head.Width(), head.Height()
}
