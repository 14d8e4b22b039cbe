package ingest

// OBU types (AV1 bitstream 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuFrameHeader       = 3
	obuFrame             = 6
	obuTileList          = 8
	obuPadding           = 15
)

// av1Depacketizer takes RTP payloads of AV1 (AOM's "RTP Payload Format For AV1")
// and makes temporal units in low-overhead format, each OBU with its size,
// without temporal delimiters.
type av1Depacketizer struct {
	data     []byte
	fragment []byte // OBU that goes on in the next packet
	open     bool   // fragment is set
	header   bool   // this temporal unit has a sequence header
	reduced  bool   // reduced_still_picture_header of the latest one
	framed   bool   // its first frame header was seen
	keyFrame bool
}

// begins reports whether p is the start of a coded video sequence: only that is
// of use after something went missing.
func (d *av1Depacketizer) begins(p []byte) bool {
	if len(p) < 2 || p[0]&0x80 != 0 { // Z
		return false
	}
	if p[0]&0x08 != 0 { // N
		return true
	}
	first := p[1:]
	if p[0]>>4&3 != 1 { // W: a length comes first
		_, n := readLEB128(first)
		first = first[max(n, 0):]
	}
	return len(first) > 0 && (obuType(first[0]) == obuSequenceHeader || obuType(first[0]) == obuTemporalDelimiter)
}

func obuType(header byte) byte { return header >> 3 & 15 }

// add splits a payload at its OBU elements (section 4.3 and 4.4).
func (d *av1Depacketizer) add(p []byte) error {
	head := p[0]
	continued, continues, count := head&0x80 != 0, head&0x40 != 0, int(head>>4&3)
	if continued != d.open || len(p) < 2 {
		return errMalformed
	}
	p = p[1:]
	for i := 1; len(p) > 0; i++ {
		element := p
		if count == 0 || i < count {
			size, n := readLEB128(p)
			if n <= 0 || size > uint64(len(p)-n) {
				return errMalformed
			}
			element = p[n : n+int(size)]
			p = p[n+int(size):]
		} else {
			p = nil
		}
		if err := d.element(element, i == 1 && continued, len(p) == 0 && continues); err != nil {
			return err
		}
	}
	return nil
}

// element takes one OBU or a piece of it.
func (d *av1Depacketizer) element(e []byte, continued, continues bool) error {
	if len(d.data)+len(d.fragment)+len(e) > maxUnit {
		return errTooLarge
	}
	if !continued && !continues {
		return d.obu(e)
	}
	if !continued {
		d.fragment = nil
	}
	d.fragment, d.open = append(d.fragment, e...), continues
	if continues {
		return nil
	}
	whole := d.fragment
	d.fragment = nil
	return d.obu(whole)
}

// obu appends one whole OBU (AV1 bitstream 5.3), giving it a size.
func (d *av1Depacketizer) obu(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if p[0]&0x80 != 0 { // forbidden bit
		return errMalformed
	}
	n := 1
	if p[0]&0x04 != 0 { // extension
		n = 2
	}
	if len(p) < n {
		return errMalformed
	}
	head, payload := p[:n], p[n:]
	if p[0]&0x02 != 0 { // has a size, though it should not
		size, m := readLEB128(payload)
		if m <= 0 || size > uint64(len(payload)-m) {
			return errMalformed
		}
		payload = payload[m : m+int(size)]
	}
	switch obuType(p[0]) {
	case obuTemporalDelimiter, obuTileList, obuPadding:
		return nil
	case obuSequenceHeader:
		d.header = true
		d.reduced = len(payload) > 0 && payload[0]&0x08 != 0
	case obuFrameHeader, obuFrame:
		d.frame(payload)
	}
	d.data = append(d.data, head[0]|0x02)
	d.data = append(d.data, head[1:]...)
	d.data = appendLEB128(d.data, uint64(len(payload)))
	d.data = append(d.data, payload...)
	return nil
}

// frame looks at the first frame header of a temporal unit (AV1 bitstream 5.9.2).
func (d *av1Depacketizer) frame(payload []byte) {
	if d.framed || len(payload) == 0 {
		return
	}
	d.framed = true
	showExisting, frameType := payload[0]&0x80 != 0, payload[0]>>5&3
	d.keyFrame = d.reduced || !showExisting && frameType == 0
}

func (d *av1Depacketizer) finish() ([]byte, bool, error) {
	if d.open {
		return nil, false, errMalformed
	}
	if !d.framed {
		return nil, false, nil
	}
	return d.data, d.header && d.keyFrame, nil
}

func (d *av1Depacketizer) reset() { *d = av1Depacketizer{reduced: d.reduced} }

// readLEB128 reads a number (AV1 bitstream 4.10.5) and its length in bytes; 0 if there is none.
func readLEB128(p []byte) (v uint64, n int) {
	for i, b := range p[:min(len(p), 8)] {
		v |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

func appendLEB128(b []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}
