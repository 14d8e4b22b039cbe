package compositor

import (
	"errors"
	"math"
	"math/rand/v2"
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

// A sender that has nothing to say (DTX) sends a frame of its room's noise each 400 ms, and right behind it that it rests. The
// room is heard all the time, and goes on from the last word to the next.
func TestRestsAreFilled(t *testing.T) {
	set := codec.LibAV()
	for _, rate := range []int{16_000, 64_000} { // SILK, and CELT
		enc, err := set.NewAudioEncoder(codec.AudioConfig{Codec: media.Opus, BitRate: rate})
		if err != nil {
			t.Skipf("no Opus encoder: %v", err)
		}
		defer enc.Close()
		cfg := config()
		cfg.Open = func(string, string, media.Params) (Outlet, error) { return &tape{}, nil }
		p, err := NewInline(cfg, set)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		in, err := newInput(p.c, media.Opus)
		if err != nil {
			t.Fatal(err)
		}
		defer in.finish()
		rng := rand.New(rand.NewPCG(1, 2))
		low := 0.0
		var got, out []float32
		for k := range 250 {
			samples := make([]float32, 2*960)
			for i := range 960 {
				low += 0.2 * (0.02*rng.NormFloat64() - low)
				samples[2*i], samples[2*i+1] = float32(low), float32(low)
			}
			packets, err := enc.Encode(samples)
			if err != nil || len(packets) != 1 {
				t.Fatal(len(packets), err)
			}
			packets[0].At = media.Time(k) * 20 * media.Millisecond
			switch resting := k >= 50 && k < 217; {
			case resting && k%20 == 11:
				packets[0].Data = packets[0].Data[:1]
				fallthrough
			case !resting || k%20 == 10:
				in.step(packets[0])
			}
			out = append(out[:0], make([]float32, 2*960)...)
			in.voice.mix(int64(k-5)*960, out) // a jitter buffer of 100 ms
			got = append(got, out...)
		}
		power := func(from, to int) float64 { return power(got[from*2*480 : to*2*480]) }
		room := power(40, 90)
		for k := 24; k+2 < 2*245; k++ {
			if is := power(k, k+2); is < room-15 || is > room+6 {
				t.Errorf("%d bit/s: %.1f dBov at %d ms, the room has %.1f", rate, is, 10*k, room)
			}
		}
		if v := in.voice; v.gaps+v.snaps+v.late > 0 {
			t.Errorf("%d bit/s: %d gaps, %d snaps, %d late", rate, v.gaps, v.snaps, v.late)
		}
	}
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
