package codec

import (
	"errors"
	"image"
	"math"
	"testing"

	"tilecast/media"
)

var videoCodecs = []media.Codec{media.H264, media.VP8, media.VP9, media.AV1}

// bothSets runs the behaviour suite on every set this build has.
func bothSets(t *testing.T, f func(t *testing.T, set Set, real bool)) {
	t.Run("fake", func(t *testing.T) { f(t, Fake(), false); noneLive(t) })
	t.Run("libav", func(t *testing.T) {
		if _, err := LibAV().NewVideoDecoder(media.VP8); errors.Is(err, ErrUnavailable) {
			t.Skip(err)
		}
		f(t, LibAV(), true)
		noneLive(t)
	})
}

// texture paints something like a photograph into p, moved by n pixels.
func texture(p *Picture, n int) *Picture {
	sines := func(n int, of func(i int) float64) []float64 {
		s := make([]float64, n)
		for i := range s {
			s[i] = math.Sin(of(i))
		}
		return s
	}
	across := sines(p.W, func(x int) float64 { return float64(x+n) / 9 })
	down := sines(p.H, func(y int) float64 { return float64(y-n/2)/7 + 1 })
	slant := sines(p.W+p.H, func(d int) float64 { return float64(d) / 3 })
	for i, pl := range p.planes() {
		for y := range pl.h {
			row := pl.row(y)
			for x := range row {
				if i == 0 {
					row[x] = uint8(110 + 50*across[x]*down[y] + 20*slant[x+y])
				} else {
					row[x] = uint8(128 + 40*across[x]*down[(y+i)%p.H])
				}
			}
		}
	}
	return p
}

// psnr of b against a, all planes together, in dB.
func psnr(a, b *Picture) float64 {
	if a.W != b.W || a.H != b.H {
		return 0
	}
	var sum float64
	var n int
	other := b.planes()
	for i, p := range a.planes() {
		for y := range p.h {
			r, o := p.row(y), other[i].row(y)
			for x := range r {
				d := float64(r[x]) - float64(o[x])
				sum += d * d
			}
			n += p.w
		}
	}
	if sum == 0 {
		return 99
	}
	return 10 * math.Log10(255*255*float64(n)/sum)
}

func mustEncoder(t testing.TB, set Set, cfg VideoConfig) VideoEncoder {
	t.Helper()
	e, err := set.NewVideoEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func mustDecoder(t testing.TB, set Set, c media.Codec) VideoDecoder {
	t.Helper()
	d, err := set.NewVideoDecoder(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// encode makes n textured access units; keys says where a key frame is asked for.
func encode(t testing.TB, e VideoEncoder, n int, keys ...int) []media.Packet {
	t.Helper()
	pr := e.Params()
	var out []media.Packet
	add := func(pkts []media.Packet, err error) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pkts...)
	}
	p := NewPicture(pr.W, pr.H)
	defer p.Release()
	for i := range n {
		key := false
		for _, k := range keys {
			key = key || k == i
		}
		texture(p, 2*i).At = pr.Rate.Frame(int64(i)) + 5
		add(e.Encode(p, pr.Rate.Frame(1), key))
	}
	add(e.Encode(nil, 0, false))
	return out
}

func TestVideoRoundTrip(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		want := 30.0
		if !real {
			want = 10 // a grid of flat cells
		}
		for _, c := range videoCodecs {
			e := mustEncoder(t, set, VideoConfig{Codec: c, W: 320, H: 180, Rate: fps30, BitRate: 1_500_000, GOP: 60, InBand: true})
			d := mustDecoder(t, set, c)
			ref := NewPicture(320, 180)
			shown := 0
			for i, pkt := range encode(t, e, 30) {
				if pkt.At != fps30.Frame(int64(i))+5 || pkt.Dur != fps30.Frame(1) {
					t.Fatalf("%v: packet %d at %v for %v", c, i, pkt.At, pkt.Dur)
				}
				pics, err := d.Decode(pkt)
				if err != nil {
					t.Fatalf("%v: unit %d: %v", c, i, err)
				}
				for _, p := range pics {
					n := p.At - 5
					if got := psnr(texture(ref, 2*int(fps30.Index(n))), p); got < want {
						t.Errorf("%v: picture at %v: PSNR %.1f dB", c, p.At, got)
					}
					if !p.Shared() {
						t.Errorf("%v: a decoder's picture may be written to", c)
					}
					shown++
					p.Release()
				}
			}
			if shown != 30 {
				t.Errorf("%v: %d pictures of 30", c, shown)
			}
			ref.Release()
		}
	})
}

func TestKeyFramesComeWhenAskedForOrDue(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for _, c := range videoCodecs {
			e := mustEncoder(t, set, VideoConfig{Codec: c, W: 160, H: 96, Rate: fps30, BitRate: 300_000, GOP: 20})
			pkts := encode(t, e, 50, 7, 8)
			if len(pkts) != 50 {
				t.Fatalf("%v: %d packets of 50", c, len(pkts))
			}
			want := map[int]bool{0: true, 7: true, 8: true, 28: true, 48: true}
			for i, pkt := range pkts {
				if pkt.Key != want[i] {
					t.Errorf("%v: packet %d: key %v", c, i, pkt.Key)
				}
			}
		}
	})
}

func TestDecoderWantsAKeyAfterAnError(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for _, c := range videoCodecs {
			e := mustEncoder(t, set, VideoConfig{Codec: c, W: 160, H: 96, Rate: fps30, BitRate: 300_000, InBand: true})
			pkts := encode(t, e, 6, 4)
			d := mustDecoder(t, set, c)
			step := func(what string, pkt media.Packet, want bool) {
				t.Helper()
				pics, err := d.Decode(pkt)
				for _, p := range pics {
					p.Release()
				}
				if got := err == nil && len(pics) == 1; got != want {
					t.Errorf("%v: %s: %d pictures, %v", c, what, len(pics), err)
				}
			}
			step("delta at the start", pkts[1], false)
			step("key", pkts[0], true)
			step("delta", pkts[1], true)
			step("garbage", media.Packet{Key: true, Data: []byte("\xff\xff\xffgarbage, not a frame")}, false)
			step("delta after garbage", pkts[2], false)
			step("nothing", media.Packet{Key: true}, false)
			step("delta after nothing", pkts[3], false)
			step("key again", pkts[4], true)
			step("delta again", pkts[5], true)
		}
	})
}

// What a picture measures is read from the stream itself, and may change (W-71, W-72).
func TestResolutionChangesMidStream(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for _, c := range videoCodecs {
			d := mustDecoder(t, set, c)
			for _, size := range []image.Point{{320, 180}, {640, 360}, {178, 100}, {320, 180}} {
				e := mustEncoder(t, set, VideoConfig{Codec: c, W: size.X, H: size.Y, Rate: fps30, BitRate: 500_000, InBand: true})
				for i, pkt := range encode(t, e, 3) {
					pics, err := d.Decode(pkt)
					if err != nil || len(pics) != 1 {
						t.Fatalf("%v %v: unit %d: %d pictures, %v", c, size, i, len(pics), err)
					}
					if pics[0].W != size.X || pics[0].H != size.Y {
						t.Errorf("%v: picture of %dx%d instead of %v", c, pics[0].W, pics[0].H, size)
					}
					pics[0].Release()
				}
			}
		}
	})
}

func TestEncodersRefuseWithWords(t *testing.T) {
	good := VideoConfig{Codec: media.H264, W: 64, H: 64, Rate: fps30, BitRate: 100_000}
	with := func(f func(*VideoConfig)) VideoConfig { c := good; f(&c); return c }
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for what, c := range map[string]VideoConfig{
			"odd width":       with(func(c *VideoConfig) { c.W = 65 }),
			"no height":       with(func(c *VideoConfig) { c.H = 0 }),
			"huge":            with(func(c *VideoConfig) { c.W, c.H = 1<<20, 1<<20 }),
			"no rate":         with(func(c *VideoConfig) { c.Rate = media.FrameRate{} }),
			"no bit rate":     with(func(c *VideoConfig) { c.BitRate = 0 }),
			"peak too low":    with(func(c *VideoConfig) { c.MaxRate = 1 }),
			"negative GOP":    with(func(c *VideoConfig) { c.GOP = -1 }),
			"sound":           with(func(c *VideoConfig) { c.Codec = media.Opus }),
			"no such name":    with(func(c *VideoConfig) { c.Name = "libx265" }),
			"another codec's": with(func(c *VideoConfig) { c.Name = "libvpx" }),
		} {
			e, err := set.NewVideoEncoder(c)
			if err == nil {
				e.Close()
				t.Errorf("%s: opened", what)
			}
		}
		e := mustEncoder(t, set, good)
		p := NewPicture(32, 32)
		defer p.Release()
		if _, err := e.Encode(p, 1, false); err == nil {
			t.Error("a picture of another size was taken")
		}
		if _, err := set.NewAudioEncoder(AudioConfig{Codec: media.AAC}); err == nil {
			t.Error("an audio encoder without bit rate opened")
		}
		if _, err := set.NewAudioEncoder(AudioConfig{Codec: media.VP8, BitRate: 64000}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("an audio encoder for pictures: %v", err)
		}
		if _, err := set.NewVideoDecoder(media.AAC); !errors.Is(err, ErrUnavailable) {
			t.Errorf("a video decoder for sound: %v", err)
		}
		if _, err := set.NewAudioDecoder(media.H264); !errors.Is(err, ErrUnavailable) {
			t.Errorf("an audio decoder for pictures: %v", err)
		}
	})
}

// tone makes n frames of size samples: a sine of 1 kHz at 0.5 left and at 0.25 right.
func tone(n, size int) [][]float32 {
	frames := make([][]float32, n)
	for f := range frames {
		s := make([]float32, 2*size)
		for i := range size {
			v := math.Sin(2 * math.Pi * 1000 * float64(f*size+i) / SampleRate)
			s[2*i], s[2*i+1] = float32(v/2), float32(v/4)
		}
		frames[f] = s
	}
	return frames
}

func TestAudioRoundTripKeepsTimeAndLevel(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for _, c := range []media.Codec{media.AAC, media.Opus} {
			e, err := set.NewAudioEncoder(AudioConfig{Codec: c, BitRate: 128000})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			d, err := set.NewAudioDecoder(c)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			size := e.Params().FrameSize
			var pkts []media.Packet
			for _, frame := range append(tone(40, size), nil) {
				out, err := e.Encode(frame)
				if err != nil {
					t.Fatal(err)
				}
				pkts = append(pkts, out...)
			}
			if len(pkts) < 40 || len(pkts) > 41 {
				t.Fatalf("%v: %d packets of 40 frames", c, len(pkts))
			}
			for i, pkt := range pkts {
				if want := pkts[0].At + media.FromTicks(int64(i*size), SampleRate); pkt.At != want || !pkt.Key || pkt.Dur != media.FromTicks(int64(size), SampleRate) {
					t.Fatalf("%v: packet %d at %v for %v instead of %v", c, i, pkt.At, pkt.Dur, want)
				}
				s, err := d.Decode(pkt.Data)
				if err != nil {
					t.Fatalf("%v: %v", c, err)
				}
				if len(s) != 2*size {
					t.Fatalf("%v: %d samples", c, len(s))
				}
				if i < 4 || i >= 38 {
					continue
				}
				start := pkt.At.Ticks(SampleRate)
				var worst float64
				for k := range size {
					v := math.Sin(2 * math.Pi * 1000 * float64(start+int64(k)) / SampleRate)
					worst = max(worst, math.Abs(float64(s[2*k])-v/2), math.Abs(float64(s[2*k+1])-v/4))
				}
				if real && worst > 0.05 {
					t.Errorf("%v: packet %d is %.3f off", c, i, worst)
				}
			}
			if c == media.AAC && (pkts[0].At != 0 || len(pkts) != 40) {
				t.Errorf("AAC begins at %v with %d packets", pkts[0].At, len(pkts))
			}
			if _, err := d.Decode([]byte{}); err == nil {
				t.Errorf("%v: an empty frame was taken", c)
			}
		}
	})
}
