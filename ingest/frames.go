package ingest

import (
	"errors"
	"fmt"

	"tilecast/media"
)

// maxUnit is the largest access unit taken, in bytes; far above what WebRTC sends.
const maxUnit = 8 << 20

var (
	errMalformed = errors.New("malformed payload")
	errBFrames   = errors.New("B-frames") // pictures are to be shown in the order they are sent in (RFC 7742 6.2)
	errTooLarge  = fmt.Errorf("access unit larger than %d bytes", maxUnit)
)

// depacketizer knows one codec's RTP payload format. It is used for one access
// unit at a time: begins, add for each packet in order, finish.
type depacketizer interface {
	// begins reports whether an access unit can begin with this payload.
	begins(payload []byte) bool
	// add takes the next payload, which it does not keep. After an error the
	// access unit is lost: reset follows.
	add(payload []byte) error
	// finish ends the access unit and returns it in the layout of media.Packet;
	// data is the caller's. No data without an error: there is nothing to show.
	finish() (data []byte, key bool, err error)
	reset()
}

// newDepacketizer is the depacketizer for video codec c; params are the offer's
// format parameters.
func newDepacketizer(c media.Codec, params map[string]string) depacketizer {
	switch c {
	case media.VP8:
		return &vp8Depacketizer{}
	case media.VP9:
		return &vp9Depacketizer{}
	case media.H264:
		return newH264Depacketizer(params["sprop-parameter-sets"])
	case media.AV1:
		return &av1Depacketizer{}
	}
	return nil
}

// accessUnit is one encoded picture as it came out of the network.
type accessUnit struct {
	ts      int64 // RTP ticks
	arrival media.Time
	key     bool
	data    []byte
}

// assembler makes access units of packets in order. After a gap, and at the
// start, it passes nothing on until a key frame: decoders show rubbish without an
// error when something is missing.
type assembler struct {
	d      depacketizer
	gated  bool // waiting for a key frame
	hungry bool // and it will not come by itself: ask for it
	barred bool // key frames were not taken, so asking for one would not help

	open    bool
	cur     accessUnit
	torn    bool // packets went missing since the last access unit: the next must be seen to begin
	skip    bool // the rest of access unit skipTS is of no use
	skipTS  int64
	emitted []accessUnit

	passed, keys, broken, withheld, bframes int64
}

func newAssembler(d depacketizer) *assembler { return &assembler{d: d, gated: true, torn: true} }

// push takes the next packet and returns the access units that it completes. The
// slice is valid until the next call.
func (a *assembler) push(p released) []accessUnit {
	a.emitted = a.emitted[:0]
	if p.lost {
		a.tear()
	}
	if len(p.payload) == 0 {
		return nil
	}
	if a.open && p.ts != a.cur.ts {
		a.finish() // there was no marker
	}
	if a.skip && p.ts == a.skipTS {
		return a.emitted
	}
	a.skip = false
	if !a.open && !a.begin(p) {
		return a.emitted
	}
	switch err := a.d.add(p.payload); {
	case errors.Is(err, errBFrames):
		a.refuse(p.ts)
		return a.emitted
	case err != nil:
		a.drop(p.ts)
		return a.emitted
	}
	if p.marker {
		a.finish()
	}
	return a.emitted
}

// begin opens an access unit with p, unless its beginning is missing.
func (a *assembler) begin(p released) bool {
	if a.torn && !a.d.begins(p.payload) {
		a.drop(p.ts)
		return false
	}
	a.open, a.torn = true, false
	a.cur = accessUnit{ts: p.ts, arrival: p.arrival}
	return true
}

// tear notes that packets are missing.
func (a *assembler) tear() {
	if a.open {
		a.drop(a.cur.ts)
	}
	a.gated, a.hungry, a.torn, a.barred = true, true, true, false
}

// drop gives the access unit at ts up.
func (a *assembler) drop(ts int64) {
	a.d.reset()
	a.open, a.gated, a.hungry = false, true, true
	a.skip, a.skipTS = true, ts
	a.broken++
}

// refuse gives the access unit at ts up as one that is not taken at all. What follows may
// refer to it, so the next key frame is waited for; asking for one would not help.
func (a *assembler) refuse(ts int64) {
	hungry := a.hungry
	a.drop(ts)
	a.broken--
	a.hungry = hungry
	a.bframes++
}

// finish closes the access unit and passes it on if it can be decoded.
func (a *assembler) finish() {
	a.open = false
	data, key, err := a.d.finish()
	a.d.reset()
	switch {
	case err != nil:
		a.gated, a.hungry = true, true
		a.broken++
	case len(data) == 0:
	case a.gated && !key:
		a.hungry = a.bframes == 0 && !a.barred // a sender of B-frames is not to send more key frames than it does
		a.withheld++
	default:
		a.gated, a.hungry, a.barred = false, false, false
		a.cur.data, a.cur.key = data, key
		a.passed++
		if key {
			a.keys++
		}
		a.emitted = append(a.emitted, a.cur)
	}
}

// gate makes the assembler wait for a key frame.
func (a *assembler) gate() { a.gated, a.hungry = true, true }

// bar makes the assembler wait for a key frame that is to come by itself: the one that came is not taken, and
// one that is asked for would be no other.
func (a *assembler) bar() { a.gated, a.hungry, a.barred = true, false, true }
