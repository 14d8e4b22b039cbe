package codec

import (
	"bytes"
	"errors"
	"testing"

	"tilecast/media"
)

// FuzzVideoDecoder feeds two units of anything to every decoder: what comes out is a
// picture or an error, and after an error only a key frame will do.
func FuzzVideoDecoder(f *testing.F) {
	codedUnits(f, func(_ string, c media.Codec, data []byte) {
		f.Add(uint8(c), data, data)
		f.Add(uint8(c), data, data[:len(data)/2])
		f.Add(uint8(c), data[:len(data)*2/3], data)
		f.Add(uint8(c), data, bytes.ReplaceAll(data, []byte{0x80}, []byte{0x13, 0xff}))
	})
	f.Add(uint8(media.VP8), FakeVideoPacket(media.VP8, 64, 64, YCbCr{}, true, 0, 0).Data, []byte("fake video 9999999x9 key 1 at 0 1x1 108080"))
	f.Add(uint8(media.H264), []byte{0, 0, 0, 1, 0x67}, []byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, kind uint8, first, second []byte) {
		c := videoCodecs[int(kind)%len(videoCodecs)]
		if media.Codec(kind).Video() {
			c = media.Codec(kind)
		}
		before := Live()
		for _, set := range []Set{Fake(), LibAV()} {
			d, err := set.NewVideoDecoder(c)
			if errors.Is(err, ErrUnavailable) {
				continue
			}
			waiting := true
			for i, pkt := range []media.Packet{{Key: true, Data: first}, {Data: second}, {Key: true, Data: second}, {Data: first}} {
				pics, err := d.Decode(pkt)
				if waiting && !pkt.Key && !errors.Is(err, ErrNeedKey) {
					t.Errorf("unit %d: a delta was taken after an error: %v", i, err)
				}
				waiting = err != nil
				for _, p := range pics {
					if p.W <= 0 || p.H <= 0 || p.W*p.H > MaxPixels {
						t.Errorf("unit %d: a picture of %dx%d", i, p.W, p.H)
					}
					p.Pixel(p.W-1, p.H-1)
					p.Release()
				}
			}
			d.Close()
		}
		if Live() != before {
			t.Errorf("%d pictures left", Live()-before)
		}
	})
}

// FuzzAudioDecoder feeds two frames of anything: samples or an error come out.
func FuzzAudioDecoder(f *testing.F) {
	for _, name := range []string{"mono", "narrow", "stereo"} {
		for _, pkt := range opusPackets(f, name)[:3] {
			f.Add(pkt, pkt[:len(pkt)/2])
			f.Add(pkt[1:], pkt)
		}
	}
	f.Add(FakeAudioPacket(0.5, 440, 1, 0).Data, []byte("fake audio 1 n 99999999 level 1 1 tone 1 onset 1"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, c := range []media.Codec{media.Opus, media.AAC} {
			for _, set := range []Set{Fake(), LibAV()} {
				d, err := set.NewAudioDecoder(c)
				if errors.Is(err, ErrUnavailable) {
					continue
				}
				for _, frame := range [][]byte{first, second, first} {
					s, err := d.Decode(frame)
					if len(s)%2 != 0 || len(s) > 2*SampleRate || err != nil && s != nil {
						t.Errorf("%d samples, %v", len(s), err)
					}
				}
				d.Close()
			}
		}
	})
}

// FuzzAnnexB: whatever a unit holds, taking parameter sets out and keeping the rest loses nothing.
func FuzzAnnexB(f *testing.F) {
	codedUnits(f, func(_ string, c media.Codec, data []byte) {
		if c == media.H264 {
			f.Add(data)
		}
	})
	f.Add([]byte{0, 0, 1})
	f.Add([]byte{0, 0, 0, 1, 0x67, 0, 0, 1, 0x68, 0, 0, 0, 0, 1, 0x65, 1})
	f.Fuzz(func(t *testing.T, unit []byte) {
		var all []byte
		units(unit, func(_ byte, nal []byte) { all = append(all, nal...) })
		if !bytes.HasPrefix(unit, all) {
			t.Errorf("units of %x are %x", unit, all)
		}
		sets, rest := parameterSets(unit), withoutParameterSets(unit)
		if len(sets)+len(rest) != len(all) || len(parameterSets(rest)) > 0 && len(sets) == 0 {
			t.Errorf("%x is cut into %x and %x", unit, sets, rest)
		}
	})
}
