package codec

import (
	"errors"
	"fmt"
	"testing"

	"tilecast/media"
)

var benchSizes = [][2]int{{640, 360}, {1280, 720}}

func BenchmarkDecode(b *testing.B) {
	set := needLibAV(b)
	for _, size := range benchSizes {
		for _, c := range videoCodecs {
			b.Run(fmt.Sprintf("%v/%dp", c, size[1]), func(b *testing.B) {
				e := mustEncoder(b, set, VideoConfig{Codec: c, W: size[0], H: size[1], Rate: fps30, BitRate: size[0] * size[1] * 3, InBand: true})
				pkts := encode(b, e, 30)
				d := mustDecoder(b, set, c)
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					pics, err := d.Decode(pkts[i%len(pkts)])
					if err != nil {
						b.Fatal(err)
					}
					for _, p := range pics {
						p.Release()
					}
				}
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	set := needLibAV(b)
	for _, size := range benchSizes {
		for _, name := range []string{"ultrafast", "superfast", "veryfast"} {
			b.Run(fmt.Sprintf("libx264-%s/%dp", name, size[1]), func(b *testing.B) {
				e := mustEncoder(b, set, VideoConfig{Codec: media.H264, Name: "libx264", Preset: name, W: size[0], H: size[1], Rate: fps30, BitRate: size[0] * size[1] * 3, GOP: 60})
				var pics [8]*Picture
				for i := range pics {
					pics[i] = texture(NewPicture(size[0], size[1]), 2*i)
					defer pics[i].Release()
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					p := pics[i%len(pics)]
					p.At = fps30.Frame(int64(i))
					if _, err := e.Encode(p, fps30.Frame(1), false); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkAudio(b *testing.B) {
	set := needLibAV(b)
	b.Run("opus decode 20 ms", func(b *testing.B) {
		d, err := set.NewAudioDecoder(media.Opus)
		if errors.Is(err, ErrUnavailable) {
			b.Skip(err)
		}
		defer d.Close()
		pkts := opusPackets(b, "mono")
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if _, err := d.Decode(pkts[i%len(pkts)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aac encode 21 ms", func(b *testing.B) {
		e, err := set.NewAudioEncoder(AudioConfig{Codec: media.AAC, BitRate: 128000})
		if err != nil {
			b.Fatal(err)
		}
		defer e.Close()
		frames := tone(8, 1024)
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if _, err := e.Encode(frames[i%len(frames)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
