package compositor

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// coloured encodes n frames of one colour as a browser would.
func coloured(t *testing.T, set codec.Set, mc media.Codec, n int, c codec.YCbCr) (out []media.Packet) {
	t.Helper()
	enc, err := set.NewVideoEncoder(codec.VideoConfig{Codec: mc, W: 640, H: 360, Rate: fps30, BitRate: 500_000, GOP: 300, InBand: true})
	if err != nil {
		t.Skipf("no encoder for %v: %v", mc, err)
	}
	defer enc.Close()
	pic := codec.NewPicture(640, 360)
	defer pic.Release()
	codec.Fill(pic, c)
	for k := range n {
		pic.At = fps30.Frame(int64(k))
		packets, err := enc.Encode(pic, fps30.Frame(1), k == 0)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, packets...)
	}
	return out
}

// spoken encodes n frames of Opus of a tone at half of full scale.
func spoken(t *testing.T, set codec.Set, n int) (out []media.Packet) {
	t.Helper()
	enc, err := set.NewAudioEncoder(codec.AudioConfig{Codec: media.Opus, BitRate: 64_000})
	if err != nil {
		t.Skipf("no Opus encoder: %v", err)
	}
	defer enc.Close()
	var src source
	for range n {
		packets, err := enc.Encode(src.packet())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, packets...)
	}
	return out
}

// TestRealCodecs runs two seconds with libav, in virtual time.
func TestRealCodecs(t *testing.T) {
	set := codec.LibAV()
	if _, err := set.NewVideoDecoder(media.VP8); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	before := codec.Live()
	clips := [][]media.Packet{coloured(t, set, media.VP8, 60, palette[0]), coloured(t, set, media.H264, 60, palette[2])}
	voice := spoken(t, set, 100)
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Canvases[0].Rungs[0].Encoder, cfg.Canvases[0].Rungs[0].Preset = "libx264", "ultrafast"
		s := newStage(t, cfg, set).start()
		ada, bob := s.Join(TileConfig{ID: "a", Name: "Ada"}), s.Join(TileConfig{ID: "b", Name: "Bob"})
		inputs := []*Input{s.open(ada, media.VP8), s.open(bob, media.H264)}
		sound := s.open(ada, media.Opus)
		go func() {
			for _, p := range voice {
				p.At = s.now()
				sound.Push(p)
				time.Sleep(20 * time.Millisecond)
			}
		}()
		for k := range 60 {
			for j, i := range inputs {
				p := clips[j][k]
				p.At = s.now()
				if i.Push(p) {
					t.Errorf("frame %d: a key frame is asked for", k)
				}
			}
			time.Sleep(tick)
		}
		st := s.Stats()
		s.end()
		for _, i := range st.Inputs {
			if i.Faults > 0 || i.Dropped > 0 || i.Steered+i.Snaps+i.Gaps > 1 {
				t.Errorf("input: %+v", i)
			}
		}
		for _, r := range s.cfg.Canvases[0].Rungs {
			checkReal(t, set, s, r)
		}
		checkRealSound(t, set, s)
	})
	if n := codec.Live() - before; n != 0 {
		t.Errorf("%d pictures are still held", n)
	}
}

// checkReal decodes a rung and looks at its tiles after a second.
func checkReal(t *testing.T, set codec.Set, s *stage, r Rung) {
	dec, err := set.NewVideoDecoder(media.H264)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	tp := s.tapes[r.Name]
	shown := 0
	for k, p := range tp.packets {
		if k == 0 {
			p.Data = append(append([]byte(nil), tp.params.Video.Extra...), p.Data...)
		}
		pics, err := dec.Decode(p)
		if err != nil {
			t.Fatalf("%s: sample %d: %v", r.Name, k, err)
		}
		for _, pic := range pics {
			if pic.W != r.W || pic.H != r.H {
				t.Fatalf("%s: decoded as %dx%d", r.Name, pic.W, pic.H)
			}
			if shown++; shown == 45 {
				for j, rect := range grid(1280, 720, 2, 8, 8) {
					at := shrink(rect, 1280, r.W).Min
					if got := pic.Pixel(at.X, at.Y); !near(got, palette[2*j]) {
						t.Errorf("%s: tile %d is %v, want %v", r.Name, j, got, palette[2*j])
					}
				}
			}
			pic.Release()
		}
	}
	if shown != len(tp.packets) {
		t.Errorf("%s: %d of %d samples can be seen", r.Name, shown, len(tp.packets))
	}
}

// checkRealSound decodes the AAC and measures the tone's level while it lasts.
func checkRealSound(t *testing.T, set codec.Set, s *stage) {
	dec, err := set.NewAudioDecoder(media.AAC)
	if err != nil {
		t.Skipf("no AAC decoder: %v", err)
	}
	defer dec.Close()
	var samples []float32
	for _, p := range s.tapes[AudioID].packets {
		x, err := dec.Decode(p.Data)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, x...)
	}
	rms := func(from, to media.Time) float64 {
		var sum float64
		part := samples[2*from.Ticks(48000) : 2*to.Ticks(48000)]
		for _, x := range part {
			sum += float64(x * x)
		}
		return math.Sqrt(sum / float64(len(part)))
	}
	if x := rms(0, 100*media.Millisecond); x > 0.001 {
		t.Errorf("%v of sound before anybody spoke", x)
	}
	if x, want := rms(media.Second, 2*media.Second), 0.5/math.Sqrt2; math.Abs(x-want) > 0.03 {
		t.Errorf("the tone's level is %v, want %v", x, want)
	}
}
