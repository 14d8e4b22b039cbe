package ingest

import (
	"encoding/base64"
	"strings"
)

// NAL unit types (H.264 table 7-1, RFC 6184 table 1).
const (
	nalSlice  = 1
	nalIDR    = 5
	nalSEI    = 6
	nalSPS    = 7
	nalPPS    = 8
	nalSTAPA  = 24
	nalFUA    = 28
	nalTypes  = 0x1f
	maxPPS    = 256
	maxFresh  = 64 << 10 // bytes
	startCode = "\x00\x00\x00\x01"
)

// h264Depacketizer takes RTP payloads of H.264 (RFC 6184), packetization modes 0
// and 1, and makes Annex B with the parameter sets in front of each IDR picture,
// whether they came in band or in the offer. What decoders have no use for
// (delimiters, filler, SVC and MVC) is left out.
type h264Depacketizer struct {
	sps, pps map[uint32][]byte // by id, as latest seen
	inBand   bool              // the last IDR picture brought its parameter sets
	refused  int               // IDR pictures since that came without

	body  []byte // Annex B of the access unit, without parameter sets
	fresh []byte // parameter sets since the last access unit
	hasSP bool   // this access unit brought an SPS
	vcl   bool
	idr   bool
	fu    []byte // of an unfinished FU-A
}

func newH264Depacketizer(sprop string) *h264Depacketizer {
	d := &h264Depacketizer{sps: make(map[uint32][]byte), pps: make(map[uint32][]byte)}
	for set := range strings.SplitSeq(sprop, ",") {
		if nal, err := base64.StdEncoding.DecodeString(strings.TrimSpace(set)); err == nil && len(nal) > 0 {
			d.keepSet(nal)
		}
	}
	return d
}

// begins reports whether p can be the start of a picture: parameter sets or other
// prefixes, or the first slice. An IDR slice whose parameter sets went missing is none.
func (d *h264Depacketizer) begins(p []byte) bool {
	if len(p) < 2 {
		return false
	}
	first, typ := p[1:], p[0]&nalTypes
	switch typ {
	case nalSTAPA:
		if len(p) < 5 {
			return false
		}
		first, typ = p[4:], p[3]&nalTypes
	case nalFUA:
		if len(p) < 3 || p[1]&0x80 == 0 { // S
			return false
		}
		first, typ = p[2:], p[1]&nalTypes
	}
	switch typ {
	case nalIDR:
		if d.inBand && d.refused < maxRefused {
			d.refused++ // its parameter sets seem to be missing
			return false
		}
		return first[0]&0x80 != 0
	case nalSlice:
		return first[0]&0x80 != 0 // first_mb_in_slice is 0
	}
	return typ >= nalSEI && typ <= 23
}

func (d *h264Depacketizer) add(p []byte) error {
	typ := p[0] & nalTypes
	if d.fu != nil && typ != nalFUA {
		return errMalformed
	}
	switch {
	case typ == nalSTAPA:
		return d.addSTAP(p[1:])
	case typ == nalFUA:
		return d.addFU(p)
	case typ >= 1 && typ <= 23:
		return d.nal(p)
	}
	return errMalformed // interleaved mode was not agreed
}

// addSTAP splits an aggregation packet (RFC 6184 5.7.1).
func (d *h264Depacketizer) addSTAP(p []byte) error {
	for len(p) > 0 {
		if len(p) < 2 {
			return errMalformed
		}
		n := int(p[0])<<8 | int(p[1])
		if p = p[2:]; n == 0 || n > len(p) {
			return errMalformed
		}
		if err := d.nal(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// addFU joins a fragment (RFC 6184 5.8).
func (d *h264Depacketizer) addFU(p []byte) error {
	if len(p) < 3 {
		return errMalformed
	}
	start, end := p[1]&0x80 != 0, p[1]&0x40 != 0
	if start != (d.fu == nil) {
		return errMalformed
	}
	if start {
		d.fu = append(d.fu, p[0]&^nalTypes|p[1]&nalTypes)
	}
	if len(d.fu)+len(p) > maxUnit {
		return errTooLarge
	}
	d.fu = append(d.fu, p[2:]...)
	if !end {
		return nil
	}
	nal := d.fu
	d.fu = nil
	return d.nal(nal)
}

// nal takes one whole NAL unit.
func (d *h264Depacketizer) nal(p []byte) error {
	typ := p[0] & nalTypes
	if p[0]&0x80 != 0 || typ > 23 || typ <= nalPPS && len(p) < 2 {
		return errMalformed
	}
	switch typ {
	case nalSPS, nalPPS:
		if !d.keepSet(p) {
			return errMalformed
		}
		d.hasSP = d.hasSP || typ == nalSPS
		if len(d.fresh)+len(p) > maxFresh {
			d.fresh = nil // without a picture in between: IDR pictures get them anyway
		}
		d.fresh = appendNAL(d.fresh, p)
		return nil
	case nalIDR:
		d.vcl, d.idr = true, true
	case nalSlice, 2:
		if isB(p) {
			return errBFrames
		}
		d.vcl = true
	case 3, 4:
		d.vcl = true
	case nalSEI:
	default:
		return nil
	}
	if len(d.body)+len(p) > maxUnit {
		return errTooLarge
	}
	d.body = appendNAL(d.body, p)
	return nil
}

// maxRefused IDR pictures without parameter sets are taken for broken; then they are as the sender means them.
const maxRefused = 3

// maxSet bounds a parameter set: real ones have a few dozen bytes.
const maxSet = 2 << 10

// keepSet remembers a parameter set by its id.
func (d *h264Depacketizer) keepSet(p []byte) bool {
	if len(p) > maxSet {
		return false
	}
	switch typ := p[0] & nalTypes; {
	case typ == nalSPS && len(p) > 4:
		id, ok := readUE(p[4:])
		if ok && id < 32 {
			d.sps[id] = append([]byte(nil), p...)
			return true
		}
	case typ == nalPPS && len(p) > 1:
		id, ok := readUE(p[1:])
		if ok && id < maxPPS {
			d.pps[id] = append([]byte(nil), p...)
			return true
		}
	}
	return false
}

func (d *h264Depacketizer) finish() ([]byte, bool, error) {
	if d.fu != nil {
		return nil, false, errMalformed
	}
	if !d.vcl {
		return nil, false, nil // parameter sets ahead of their picture: kept
	}
	if !d.idr {
		data := append(d.fresh, d.body...)
		d.fresh = nil
		return data, false, nil
	}
	if len(d.sps) == 0 || len(d.pps) == 0 {
		return nil, false, errMalformed
	}
	d.inBand, d.refused = d.hasSP, 0
	var data []byte
	for id := range uint32(32) {
		if set := d.sps[id]; set != nil {
			data = appendNAL(data, set)
		}
	}
	for id := range uint32(maxPPS) {
		if set := d.pps[id]; set != nil {
			data = appendNAL(data, set)
		}
	}
	d.fresh = nil
	return append(data, d.body...), true, nil
}

func (d *h264Depacketizer) reset() {
	d.body, d.fu, d.vcl, d.idr, d.hasSP = nil, nil, false, false, false
}

func appendNAL(b, nal []byte) []byte { return append(append(b, startCode...), nal...) }

// isB reports whether a slice is of B-frames: slice_type follows first_mb_in_slice (H.264 7.3.3).
func isB(nal []byte) bool {
	first, n, ok := readUEBits(nal[1:], 0)
	if !ok || first > 1<<16 {
		return false
	}
	kind, _, ok := readUEBits(nal[1:], n)
	return ok && kind%5 == 1
}

// readUE reads an Exp-Golomb number (H.264 9.1) from the start of p. Emulation
// prevention cannot occur within the few bits that matter here.
func readUE(p []byte) (uint32, bool) {
	v, _, ok := readUEBits(p, 0)
	return v, ok
}

// readUEBits reads from bit `from` on, and says where the number ends.
func readUEBits(p []byte, from int) (v uint32, end int, ok bool) {
	bit := func(i int) uint32 {
		if i/8 >= len(p) {
			return 0
		}
		return uint32(p[i/8]>>(7-i%8)) & 1
	}
	zeros := 0
	for bit(from+zeros) == 0 {
		if zeros++; zeros > 16 || (from+zeros)/8 >= len(p) {
			return 0, 0, false
		}
	}
	for i := range zeros + 1 {
		v = v<<1 | bit(from+zeros+i)
	}
	return v - 1, from + 2*zeros + 1, true
}
