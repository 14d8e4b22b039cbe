package ingest

// vp8Depacketizer takes RTP payloads of VP8 (RFC 7741).
type vp8Depacketizer struct{ data []byte }

func (d *vp8Depacketizer) begins(p []byte) bool {
	return len(p) > 0 && p[0]&0x10 != 0 && p[0]&0x07 == 0 // S, PID 0
}

// vp8Header is the length of the payload descriptor (RFC 7741 4.2), or -1.
func vp8Header(p []byte) int {
	n := 1
	if p[0]&0x80 == 0 { // X
		return n
	}
	if len(p) < 2 {
		return -1
	}
	x := p[1]
	n = 2
	if x&0x80 != 0 { // I
		if len(p) <= n {
			return -1
		}
		if p[n]&0x80 != 0 { // M: 15 bits
			n++
		}
		n++
	}
	if x&0x40 != 0 { // L
		n++
	}
	if x&0x30 != 0 { // T or K
		n++
	}
	return n
}

func (d *vp8Depacketizer) add(p []byte) error {
	n := vp8Header(p)
	if n < 0 || n >= len(p) {
		return errMalformed
	}
	if len(d.data)+len(p) > maxUnit {
		return errTooLarge
	}
	d.data = append(d.data, p[n:]...)
	return nil
}

// finish tells key frames by the frame header (RFC 6386 9.1).
func (d *vp8Depacketizer) finish() ([]byte, bool, error) {
	data := d.data
	d.data = nil
	if len(data) < 3 {
		return nil, false, errMalformed
	}
	if data[0]&1 != 0 {
		return data, false, nil
	}
	if len(data) < 10 || data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a {
		return nil, false, errMalformed
	}
	return data, true, nil
}

func (d *vp8Depacketizer) reset() { d.data = nil }

// vp9Depacketizer takes RTP payloads of VP9 (RFC 9628), flexible mode or not. Of
// several spatial layers only the base goes on, which needs no other.
type vp9Depacketizer struct{ data []byte }

// vp9Descriptor is what matters of the payload descriptor (RFC 9628 4.2).
type vp9Descriptor struct {
	length  int
	begin   bool
	spatial int
}

func parseVP9Descriptor(p []byte) (d vp9Descriptor, ok bool) {
	if len(p) == 0 {
		return d, false
	}
	hasID, inter, layers, flexible := p[0]&0x80 != 0, p[0]&0x40 != 0, p[0]&0x20 != 0, p[0]&0x10 != 0
	d.begin = p[0]&0x08 != 0
	r := cursor{p: p, n: 1}
	if hasID && r.next()&0x80 != 0 {
		r.next()
	}
	if layers {
		d.spatial = int(r.next() >> 1 & 7)
		if !flexible {
			r.next() // TL0PICIDX
		}
	}
	if flexible && inter {
		for range 3 {
			if r.next()&1 == 0 {
				break
			}
		}
	}
	if p[0]&0x02 != 0 {
		r.skipVP9Structure()
	}
	d.length = r.n
	return d, r.n < len(p)
}

// skipVP9Structure passes over the scalability structure (RFC 9628 4.2.1).
func (r *cursor) skipVP9Structure() {
	head := r.next()
	if head&0x10 != 0 { // Y: sizes
		r.n += 4 * (int(head>>5) + 1)
	}
	if head&0x08 == 0 { // G
		return
	}
	for range r.next() {
		r.n += int(r.next() >> 2 & 3)
	}
}

// cursor reads bytes; past the end they are zero.
type cursor struct {
	p []byte
	n int
}

func (r *cursor) next() (b byte) {
	if r.n < len(r.p) {
		b = r.p[r.n]
	}
	r.n++
	return b
}

func (d *vp9Depacketizer) begins(p []byte) bool {
	h, ok := parseVP9Descriptor(p)
	return ok && h.begin && h.spatial == 0
}

func (d *vp9Depacketizer) add(p []byte) error {
	h, ok := parseVP9Descriptor(p)
	if !ok {
		return errMalformed
	}
	if h.spatial > 0 {
		return nil
	}
	if len(d.data)+len(p) > maxUnit {
		return errTooLarge
	}
	d.data = append(d.data, p[h.length:]...)
	return nil
}

// finish tells key frames by the uncompressed header (VP9 bitstream 6.2).
func (d *vp9Depacketizer) finish() ([]byte, bool, error) {
	data := d.data
	d.data = nil
	if len(data) == 0 {
		return nil, false, nil // a picture of upper layers only
	}
	head := data[0]
	if head>>6 != 2 {
		return nil, false, errMalformed
	}
	shift := 0
	if head&0x30 == 0x30 { // profile 3 has one more bit
		shift = 1
	}
	showExisting := head>>(3-shift)&1 != 0
	inter := head>>(2-shift)&1 != 0
	return data, !showExisting && !inter, nil
}

func (d *vp9Depacketizer) reset() { d.data = nil }
