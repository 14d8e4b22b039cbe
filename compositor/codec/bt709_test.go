package codec

import (
	"errors"
	"math"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"tilecast/media"
)

// in709 is an R'G'B' colour in BT.709 limited, from its definition.
func in709(r, g, b float64) (y, cb, cr float64) {
	l := 0.2126*r + 0.7152*g + 0.0722*b
	return 16 + 219*l/255, 128 + 224*(b-l)/1.8556/255, 128 + 224*(r-l)/1.5748/255
}

func TestTo709KeepsColours(t *testing.T) {
	p := NewPicture(32, 16)
	defer p.Release()
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				Fill(p, RGB(uint8(r), uint8(g), uint8(b)))
				To709(p, p)
				y, cb, cr := in709(float64(r), float64(g), float64(b))
				got := p.Pixel(9, 7)
				if math.Abs(float64(got.Y)-y) > 1.6 || math.Abs(float64(got.Cb)-cb) > 1.6 || math.Abs(float64(got.Cr)-cr) > 1.6 {
					t.Fatalf("%d %d %d is %v, want %.1f %.1f %.1f", r, g, b, got, y, cb, cr)
				}
			}
		}
	}
}

// What is encoded as BT.709 says so, and comes out of a decoder, which honours that, in the colour that it had.
func TestEncodedBT709SaysSo(t *testing.T) {
	for name, set := range map[string]Set{"libav": LibAV(), "fake": Fake()} {
		enc, err := set.NewVideoEncoder(VideoConfig{Codec: media.H264, W: 64, H: 64, Rate: fps30, BitRate: 500_000, GOP: 30, BT709: true})
		if errors.Is(err, ErrUnavailable) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		defer enc.Close()
		var units h264.AnnexB
		var sps h264.SPS
		if err := errors.Join(units.Unmarshal(enc.Params().Extra), sps.Unmarshal(units[0])); err != nil {
			t.Fatal(err)
		}
		if v := sps.VUI; v.VideoFullRangeFlag || v.ColourPrimaries != 1 || v.TransferCharacteristics != 1 || v.MatrixCoefficients != 1 {
			t.Errorf("%s: the SPS says %+v", name, v)
		}
		if name == "fake" {
			continue
		}
		dec, err := set.NewVideoDecoder(media.H264)
		if err != nil {
			t.Fatal(err)
		}
		defer dec.Close()
		for k, c := range []YCbCr{RGB(230, 30, 40), RGB(20, 200, 60), RGB(30, 60, 220), RGB(128, 128, 128)} {
			p := NewPicture(64, 64)
			Fill(p, c)
			To709(p, p)
			p.At = fps30.Frame(int64(k))
			packets, err := enc.Encode(p, fps30.Frame(1), true)
			if err != nil || len(packets) != 1 {
				t.Fatal(packets, err)
			}
			p.Release()
			packets[0].Data = append(append([]byte(nil), enc.Params().Extra...), packets[0].Data...)
			pics, err := dec.Decode(packets[0])
			if err != nil || len(pics) != 1 {
				t.Fatal(pics, err)
			}
			got := pics[0].Pixel(30, 30)
			off := func(a, b uint8) bool { return int(a)-int(b) > 3 || int(b)-int(a) > 3 }
			if off(got.Y, c.Y) || off(got.Cb, c.Cb) || off(got.Cr, c.Cr) {
				t.Errorf("%v came back as %v", c, got)
			}
			pics[0].Release()
		}
	}
}

func BenchmarkTo709(b *testing.B) {
	p := NewPicture(1280, 720)
	defer p.Release()
	Fill(p, RGB(200, 100, 50))
	for b.Loop() {
		To709(p, p)
	}
}
