package codec

import (
	"errors"
	"testing"

	"tilecast/media"
)

// A set within so many pixels decodes what has just as many, and gives out nothing larger: the decoder waits for a key
// frame that is smaller.
func TestWithin(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for _, c := range videoCodecs {
			make := func(w, h int) []media.Packet {
				return encode(t, mustEncoder(t, set, VideoConfig{Codec: c, W: w, H: h, Rate: fps30, BitRate: 1_000_000, GOP: 60, InBand: true}), 4)
			}
			small, large := make(320, 180), make(640, 360)
			d := mustDecoder(t, set.Within(320*180), c)
			for n, round := range []struct {
				units []media.Packet
				taken bool
			}{{small, true}, {large, false}, {small, true}, {large, false}, {small, true}} {
				for i, u := range round.units {
					pics, err := d.Decode(u)
					for _, p := range pics {
						if p.W != 320 || p.H != 180 {
							t.Fatalf("%v: a picture of %dx%d", c, p.W, p.H)
						}
						p.Release()
					}
					if round.taken && err != nil || !round.taken && !errors.Is(err, ErrNeedKey) {
						t.Errorf("%v: round %d, unit %d, to be taken %v: %v", c, n, i, round.taken, err)
					}
				}
			}
		}
	})
}

// Heights that are no multiple of 16, and odd strides, cost nothing of the limit.
func TestWithinCountsWhatIsShown(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for _, size := range [][2]int{{1920, 1080}, {360, 640}, {90, 700}} {
			for _, c := range videoCodecs {
				w, h := size[0], size[1]
				units := encode(t, mustEncoder(t, set, VideoConfig{Codec: c, W: w, H: h, Rate: fps30, BitRate: 1_000_000, GOP: 60, InBand: true}), 1)
				pics, err := mustDecoder(t, set.Within(w*h), c).Decode(units[0])
				if err != nil || len(pics) != 1 {
					t.Fatalf("%v, %dx%d: %d pictures, %v", c, w, h, len(pics), err)
				}
				pics[0].Release()
			}
		}
	})
}
