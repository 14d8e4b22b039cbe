package ingest

import (
	"bytes"
	"encoding/base64"
	"slices"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"tilecast/media"
)

// vp9Frame is a frame as far as a depacketizer and the test's packetizer look.
func vp9Frame(key bool, n int) []byte {
	b := noise(max(n, 10))
	b[0] = 0x86 // profile 0, inter, shown
	if key {
		copy(b, []byte{0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xf0, 0x16, 0x70}) // 640x360
	}
	return b
}

var (
	testSPS = []byte{0x67, 0x42, 0xe0, 0x1f, 0xda, 0x02, 0x80, 0xbd, 0xe5, 0x40} // id 0, 640x360
	testPPS = []byte{0x68, 0xce, 0x3c, 0x80}                                     // id 0
)

func annexB(nals ...[]byte) (b []byte) {
	for _, nal := range nals {
		b = appendNAL(b, nal)
	}
	return b
}

// slice is an H.264 slice of n bytes; first: of its picture.
func slice(idr, first bool, n int) []byte {
	b := noise(n)
	b[0] = 0x41
	if idr {
		b[0] = 0x65
	}
	b[1] = 0x70 | b[1]&0x0f // first_mb_in_slice is 2, slice_type is P
	if first {
		b[1] |= 0xc0 // first_mb_in_slice is 0
	}
	return b
}

// h264Frame is an access unit of several slices.
func h264Frame(key bool, n int) []byte {
	slices := annexB(slice(key, true, n/2+2), slice(key, false, n/3+2), slice(key, false, 5))
	if key {
		return append(annexB(testSPS, testPPS), slices...)
	}
	return slices
}

func obu(typ byte, payload []byte) []byte {
	return append(appendLEB128([]byte{typ<<3 | 2}, uint64(len(payload))), payload...)
}

// av1Frame is a temporal unit as far as a depacketizer looks.
func av1Frame(key bool, n int) []byte {
	frame := noise(n + 2)
	frame[0] = 0x30 // inter, shown
	if key {
		frame[0] = 0x10
		return append(obu(obuSequenceHeader, []byte{0, 0, 0, 0x4a, 0xab, 0xbf, 0xc3, 0x77, 0xff, 0xe6, 0x01}), obu(obuFrame, frame)...)
	}
	return obu(obuFrame, frame)
}

var frameMakers = map[media.Codec]func(key bool, n int) []byte{
	media.VP8: vp8Frame, media.VP9: vp9Frame, media.H264: h264Frame, media.AV1: av1Frame,
}

var videoCodecs = []media.Codec{media.VP8, media.VP9, media.H264, media.AV1}

// assemble runs packets through an assembler, those in missing being lost.
func assemble(a *assembler, packets []*rtp.Packet, missing func(i int) bool) (out []media.Packet) {
	lost := false
	for i, p := range packets {
		if missing != nil && missing(i) {
			lost = true
			continue
		}
		r := released{rtpPacket{ts: int64(p.Timestamp), marker: p.Marker, payload: p.Payload}, lost}
		lost = false
		for _, u := range a.push(r) {
			out = append(out, media.Packet{Key: u.key, Data: u.data})
		}
	}
	return out
}

// packetize makes the packets of a sequence of frames with a key frame every eight.
func packetize(c media.Codec, n int) (packets []*rtp.Packet, frameOf []int, sent []media.Packet) {
	s := newSender(nil, c)
	for i := range n {
		key := i%8 == 0
		frame := frameMakers[c](key, 50+roll(5000))
		for _, p := range s.packets(frame, media.Packet{Key: key, Data: frame}) {
			packets = append(packets, p)
			frameOf = append(frameOf, i)
		}
	}
	return packets, frameOf, s.sent
}

func TestFramesComeOutAsTheyWentIn(t *testing.T) {
	seeded(t)
	for _, c := range videoCodecs {
		packets, _, sent := packetize(c, 40)
		got := assemble(newAssembler(newDepacketizer(c, nil)), packets, nil)
		if len(got) != len(sent) {
			t.Fatalf("%v: %d frames came out of %d", c, len(got), len(sent))
		}
		for i := range got {
			if !bytes.Equal(got[i].Data, sent[i].Data) || got[i].Key != sent[i].Key {
				t.Fatalf("%v: frame %d differs, key %v", c, i, got[i].Key)
			}
		}
	}
}

// Facts, trap 4: whichever packet is lost, its frame and all that lean on it stay
// out, and the next key frame opens the gate. Nothing damaged comes out.
func TestEveryLossClosesTheGate(t *testing.T) {
	seeded(t)
	for _, c := range videoCodecs {
		packets, frameOf, sent := packetize(c, 24)
		for lose := range packets {
			got := assemble(newAssembler(newDepacketizer(c, nil)), packets, func(i int) bool { return i == lose })
			var want []media.Packet
			open := false
			for i, p := range sent {
				if i == frameOf[lose] {
					open = false
					continue
				}
				if open = open || p.Key; open {
					want = append(want, p)
				}
			}
			if !slices.EqualFunc(got, want, func(a, b media.Packet) bool { return bytes.Equal(a.Data, b.Data) }) {
				t.Fatalf("%v without packet %d of frame %d: %d frames came out, want %d", c, lose, frameOf[lose], len(got), len(want))
			}
		}
	}
}

func TestFramesWithoutMarkerEndWithTheNext(t *testing.T) {
	seeded(t)
	for _, c := range videoCodecs {
		packets, _, sent := packetize(c, 10)
		for _, p := range packets {
			p.Marker = false
		}
		got := assemble(newAssembler(newDepacketizer(c, nil)), packets, nil)
		if len(got) != 9 || !bytes.Equal(got[8].Data, sent[8].Data) {
			t.Fatalf("%v: %d frames", c, len(got))
		}
	}
}

// Browsers probe the path with padding, which carries the last frame's timestamp.
func TestPaddingIsNoFrame(t *testing.T) {
	seeded(t)
	packets, _, sent := packetize(media.VP8, 10)
	var padded []*rtp.Packet
	for _, p := range packets {
		padded = append(padded, p)
		if p.Marker {
			padded = append(padded, &rtp.Packet{Header: rtp.Header{Timestamp: p.Timestamp}})
		}
	}
	a := newAssembler(newDepacketizer(media.VP8, nil))
	if got := assemble(a, padded, nil); len(got) != len(sent) || a.broken != 0 {
		t.Fatalf("%d frames of %d, %d broken", len(got), len(sent), a.broken)
	}
}

// W-73: a key frame that comes by itself will do.
func TestGateAsksOnlyWhenAKeyFrameWillNotComeByItself(t *testing.T) {
	seeded(t)
	packets, frameOf, _ := packetize(media.VP8, 12)
	a := newAssembler(newDepacketizer(media.VP8, nil))
	if assemble(a, packets[:1], nil); a.hungry {
		t.Fatal("asks before the first frame is whole, which may be a key frame")
	}
	a = newAssembler(newDepacketizer(media.VP8, nil))
	first := slices.Index(frameOf, 1)
	assemble(a, packets[first:slices.Index(frameOf, 2)], nil)
	if !a.hungry || a.withheld != 1 {
		t.Fatal("does not ask though it came in between key frames")
	}
	assemble(a, packets[slices.Index(frameOf, 8):slices.Index(frameOf, 9)], nil)
	if a.hungry || a.passed != 1 || a.keys != 1 {
		t.Fatalf("hungry %v after a key frame; %d passed", a.hungry, a.passed)
	}
}

func TestVP9FlexibleModeAndLayers(t *testing.T) {
	base, upper := vp9Frame(true, 100), noise(200)
	ss := []byte{1<<5 | 0x10 | 0x08, 1, 64, 0, 180, 2, 128, 1, 104, 2, 1 << 2, 1, 2 << 2, 1, 2} // 2 layers, sizes, 2 pictures
	var packets []*rtp.Packet
	add := func(marker bool, parts ...[]byte) {
		packets = append(packets, &rtp.Packet{Header: rtp.Header{Timestamp: 1, Marker: marker}, Payload: slices.Concat(parts...)})
	}
	// I, L, F, B, V with a 15-bit picture id; then an upper layer with P and two differences.
	add(false, []byte{0x80 | 0x20 | 0x10 | 0x08 | 0x02, 0x81, 0x02, 0}, ss, base[:50])
	add(false, []byte{0x80 | 0x20 | 0x10 | 0x04, 0x81, 0x02, 0}, base[50:])
	add(true, []byte{0x80 | 0x40 | 0x20 | 0x10 | 0x08 | 0x04, 0x81, 0x02, 1 << 1, 1<<1 | 1, 2 << 1}, upper)
	got := assemble(newAssembler(&vp9Depacketizer{}), packets, nil)
	if len(got) != 1 || !got[0].Key || !bytes.Equal(got[0].Data, base) {
		t.Fatalf("%d frames", len(got))
	}
}

func TestH264Layouts(t *testing.T) {
	idr, p := slice(true, true, 300), slice(false, true, 300)
	stap := func(nals ...[]byte) []byte {
		b := []byte{nalSTAPA | 0x60}
		for _, nal := range nals {
			b = append(append(b, byte(len(nal)>>8), byte(len(nal))), nal...)
		}
		return b
	}
	aud, sei := []byte{9, 0xf0}, []byte{6, 5, 1, 7, 0x80}
	sprop := base64.StdEncoding.EncodeToString(testSPS) + "," + base64.StdEncoding.EncodeToString(testPPS)
	keyFrame := annexB(testSPS, testPPS, idr)
	for name, c := range map[string]struct {
		sprop    string
		payloads [][]byte // of one access unit
		want     []byte   // nil: nothing comes out
	}{
		"single NAL units (mode 0)":        {"", [][]byte{testSPS, testPPS, idr}, keyFrame},
		"one aggregation packet":           {"", [][]byte{stap(aud, testSPS, testPPS, idr)}, keyFrame},
		"sets before a fragmented slice":   {"", [][]byte{stap(testSPS, testPPS), append([]byte{0x7c, 0x85}, idr[1:100]...), append([]byte{0x7c, 0x05}, idr[100:200]...), append([]byte{0x7c, 0x45}, idr[200:]...)}, keyFrame},
		"parameter sets in the offer only": {sprop, [][]byte{idr}, keyFrame},
		"with SEI, delimiter and filler":   {sprop, [][]byte{aud, sei, idr, {12, 0xff, 0x80}}, annexB(testSPS, testPPS, sei, idr)},
		"key frame without parameter sets": {"", [][]byte{idr}, nil},
		"no key frame":                     {sprop, [][]byte{p}, nil},
		"fragment without its start":       {sprop, [][]byte{append([]byte{0x7c, 0x05}, idr[100:200]...)}, nil},
		"fragment without its end":         {sprop, [][]byte{append([]byte{0x7c, 0x85}, idr[1:100]...)}, nil},
		"aggregation that lies":            {sprop, [][]byte{{nalSTAPA, 0xff, 0xff, 0x65, 0x88}}, nil},
		"interleaved mode":                 {sprop, [][]byte{append([]byte{29, 0x85, 0, 0}, idr[1:]...)}, nil},
	} {
		a := newAssembler(newDepacketizer(media.H264, map[string]string{"sprop-parameter-sets": c.sprop}))
		var packets []*rtp.Packet
		for i, payload := range c.payloads {
			packets = append(packets, &rtp.Packet{Header: rtp.Header{Marker: i == len(c.payloads)-1}, Payload: payload})
		}
		got := assemble(a, packets, nil)
		switch {
		case c.want == nil && len(got) != 0:
			t.Errorf("%s: %d access units came out", name, len(got))
		case c.want != nil && (len(got) != 1 || !got[0].Key || !bytes.Equal(got[0].Data, c.want)):
			t.Errorf("%s: %d access units: %+v", name, len(got), got)
		}
	}
}

// B-frames are refused, and nothing that may refer to them is shown; key frames are, and no
// more of them are asked for.
func TestBFramesAreRefused(t *testing.T) {
	b := slice(false, true, 300)
	b[1] = 0xa0 // first_mb_in_slice 0, slice_type 1
	b7 := slice(false, true, 300)
	b7[1] = 0x9c // slice_type 6: all slices of the picture are B
	key, p := annexB(testSPS, testPPS, slice(true, true, 300)), annexB(slice(false, true, 300))
	a := newAssembler(newDepacketizer(media.H264, nil))
	var packets []*rtp.Packet
	for i, frame := range [][]byte{key, p, annexB(b), p, annexB(b7), annexB(b7[:200]), key, p} {
		payloads := (&codecs.H264Payloader{}).Payload(1200, frame)
		for k, nal := range payloads {
			packets = append(packets, &rtp.Packet{Header: rtp.Header{Timestamp: uint32(i), Marker: k == len(payloads)-1}, Payload: nal})
		}
	}
	var keys []bool
	for _, u := range assemble(a, packets, nil) {
		keys = append(keys, u.Key)
	}
	if !slices.Equal(keys, []bool{true, false, true, false}) || a.bframes != 3 || a.broken != 0 {
		t.Fatalf("key frames %v, %d B-frames, %d broken", keys, a.bframes, a.broken)
	}
	assemble(a, packets[3:5], nil)
	if a.hungry {
		t.Error("a key frame is asked for because of B-frames")
	}
}

// An IDR slice whose own parameter sets were lost is not decoded with old ones:
// the picture may have changed its size.
func TestH264LostParameterSetsCloseTheGate(t *testing.T) {
	a := newAssembler(newDepacketizer(media.H264, nil))
	packet := func(ts uint32, payload []byte, marker bool) *rtp.Packet {
		return &rtp.Packet{Header: rtp.Header{Timestamp: ts, Marker: marker}, Payload: payload}
	}
	first := []*rtp.Packet{packet(1, testSPS, false), packet(1, testPPS, false), packet(1, slice(true, true, 9), true)}
	if got := assemble(a, first, nil); len(got) != 1 {
		t.Fatalf("%d access units", len(got))
	}
	next := []*rtp.Packet{packet(2, testSPS, false), packet(2, testPPS, false), packet(2, slice(true, true, 9), true)}
	if got := assemble(a, next, func(i int) bool { return i < 2 }); len(got) != 0 || !a.hungry {
		t.Fatalf("%d access units", len(got))
	}
}

func TestAV1Layouts(t *testing.T) {
	header, frame := obu(obuSequenceHeader, []byte{0, 0, 0, 1}), obu(obuFrame, append([]byte{0x10}, noise(300)...))
	bare := func(o []byte) []byte { // without its size
		_, n := readLEB128(o[1:])
		return append([]byte{o[0] &^ 2}, o[1+n:]...)
	}
	sized := func(b []byte) []byte { return append(appendLEB128(nil, uint64(len(b))), b...) }
	want := append(slices.Clone(header), frame...)
	f := bare(frame)
	for name, c := range map[string]struct {
		payloads [][]byte
		want     []byte
	}{
		"lengths before all (W=0)":     {[][]byte{slices.Concat([]byte{0x08}, sized(bare(header)), sized(f))}, want},
		"last without length (W=2)":    {[][]byte{slices.Concat([]byte{0x28}, sized(bare(header)), f)}, want},
		"one in each packet (W=1)":     {[][]byte{append([]byte{0x18}, bare(header)...), append([]byte{0x10}, f...)}, want},
		"over three packets (Z, Y)":    {[][]byte{slices.Concat([]byte{0x68}, sized(bare(header)), f[:100]), append([]byte{0xd0}, f[100:200]...), append([]byte{0x90}, f[200:]...)}, want},
		"with sizes and a delimiter":   {[][]byte{slices.Concat([]byte{0x08}, sized([]byte{obuTemporalDelimiter<<3 | 2, 0}), sized(header), sized(frame))}, want},
		"continuation of nothing":      {[][]byte{append([]byte{0x90}, f[200:]...)}, nil},
		"fragment that does not go on": {[][]byte{slices.Concat([]byte{0x68}, sized(bare(header)), f[:100]), append([]byte{0x10}, f...)}, nil},
		"fragment without an end":      {[][]byte{slices.Concat([]byte{0x68}, sized(bare(header)), f[:100])}, nil},
		"length past the end":          {[][]byte{{0x08, 0x7f, 0x08, 0}}, nil},
		"key frame without a header":   {[][]byte{append([]byte{0x18}, f...)}, nil},
	} {
		var packets []*rtp.Packet
		for i, payload := range c.payloads {
			packets = append(packets, &rtp.Packet{Header: rtp.Header{Marker: i == len(c.payloads)-1}, Payload: payload})
		}
		got := assemble(newAssembler(&av1Depacketizer{}), packets, nil)
		switch {
		case c.want == nil && len(got) != 0:
			t.Errorf("%s: %d temporal units came out", name, len(got))
		case c.want != nil && (len(got) != 1 || !got[0].Key || !bytes.Equal(got[0].Data, c.want)):
			t.Errorf("%s: %d temporal units", name, len(got))
		}
	}
}

func TestOpusDuration(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   media.Time
	}{
		{[]byte{0 << 3, 1}, 10 * ms}, {[]byte{3<<3 | 1, 1}, 120 * ms}, {[]byte{13 << 3}, 20 * ms},
		{[]byte{16 << 3}, 5 * ms / 2}, {[]byte{31<<3 | 4, 0}, 20 * ms}, {[]byte{31<<3 | 3, 3}, 60 * ms},
		{nil, 0}, {[]byte{31<<3 | 3}, 0}, {[]byte{31<<3 | 3, 0}, 0}, {[]byte{31<<3 | 3, 7}, 0},
	} {
		got, ok := opusDuration(c.packet)
		if ok != (c.want > 0) || ok && got != c.want {
			t.Errorf("%x: %v %v, want %v", c.packet, got, ok, c.want)
		}
	}
}

func TestKeyAskerPacesItself(t *testing.T) {
	var k keyAsker
	var asked []media.Time
	for now := media.Time(0); now < 5*media.Second; now += 10 * ms {
		if now == 50*ms || now == 60*ms || now == 4200*ms {
			k.want()
		}
		if now == 4*media.Second {
			k.got()
		}
		if k.due(now, 50*ms) {
			asked = append(asked, now/ms)
		}
	}
	if want := []media.Time{50, 300, 800, 1300, 2300, 3300, 4200, 4450, 4950}; !slices.Equal(asked, want) {
		t.Fatalf("asked at %v ms, want %v", asked, want)
	}
}
