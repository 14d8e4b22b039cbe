package compositor

import (
	"fmt"
	"math"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// BenchmarkTick is one canvas tick on which every tile has a new picture, without
// codecs: composing alone.
func BenchmarkTick(b *testing.B) {
	for _, tiles := range []int{4, 9} {
		for _, kind := range []string{"plain", "labels"} {
			b.Run(fmt.Sprintf("%d tiles %s", tiles, kind), func(b *testing.B) {
				cfg := config()
				cfg.Look.Labels = kind == "labels"
				if cfg.Look.Labels {
					cfg.Look.Radius = 12
				}
				p := newInline(b, cfg, codec.Fake(), media.VP8, tiles)
				b.ReportAllocs()
				tickWithNewPictures(p, b.N, b.ResetTimer)
			})
		}
	}
}

// tickWithNewPictures composes n frames; on each every tile has a new picture.
func tickWithNewPictures(p *inline, n int, ready func()) {
	rect := p.scene.cells[0].rect
	reel := make([]*frame, 2*len(p.inputs))
	for k := range reel {
		pic := codec.NewPicture(rect.Dx(), rect.Dy())
		codec.Fill(pic, palette[k%len(palette)])
		reel[k] = newFrame(pic, 0)
	}
	turn := func(k int) {
		for j, i := range p.inputs {
			f := reel[2*j+k%2].retain()
			f.seq, f.src.At = uint64(firstSeq+k), p.cfg.Rate.Frame(p.n)-p.cfg.Delay
			i.film.add(f)
		}
		m := p.canvas.tick(p.n)
		m.pic.Release()
		p.n++
	}
	for k := range 4 {
		turn(k)
	}
	ready()
	for k := range n {
		turn(k + 4)
	}
	for _, i := range p.inputs {
		i.film.discard()
	}
	for _, f := range reel {
		f.release()
	}
}

func TestTickDoesNotAllocate(t *testing.T) {
	cfg := config()
	cfg.Look.Labels, cfg.Look.Radius = true, 12
	p := newInline(t, cfg, codec.Fake(), media.VP8, 9)
	var allocs float64
	tickWithNewPictures(p, 0, func() {
		m := p.canvas.tick(p.n)
		m.pic.Release()
		allocs = testing.AllocsPerRun(50, func() {
			p.n++
			f := newFrame(codec.NewPicture(16, 16), p.frameSeq.Add(1))
			f.release()
			m := p.canvas.tick(p.n)
			m.pic.Release()
		})
	})
	if allocs > 1 { // the picture of the one frame that the loop makes
		t.Errorf("%v allocations per tick", allocs)
	}
}

func BenchmarkMixBlock(b *testing.B) {
	var m mixer
	for range 9 {
		v, src := newVoice(), source{}
		for k := range int64(100) {
			v.write(at48(960*k), src.packet())
		}
		m.add(v)
	}
	out := make([]float32, 2048)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		m.block(int64(n%80)*1024, out)
	}
}

// clip is a few seconds of 640x360 VP8 of somebody like a webcam's picture: a
// textured shape that sways before a still room, under sensor noise.
func clip(b *testing.B, set codec.Set, seed, frames int) []media.Packet {
	b.Helper()
	enc, err := set.NewVideoEncoder(codec.VideoConfig{Codec: media.VP8, W: 640, H: 360, Rate: fps30, BitRate: 800_000, GOP: 300})
	if err != nil {
		b.Skipf("no VP8 encoder: %v", err)
	}
	defer enc.Close()
	var out []media.Packet
	pic := codec.NewPicture(640, 360)
	defer pic.Release()
	noise := uint32(seed)*2654435761 + 1
	for n := range frames {
		drawWebcam(pic, seed, n, &noise)
		pic.At = fps30.Frame(int64(n))
		packets, err := enc.Encode(pic, fps30.Frame(1), n == 0)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, packets...)
	}
	return out
}

func drawWebcam(pic *codec.Picture, seed, n int, noise *uint32) {
	t := float64(n) / 30
	cx, cy := 320+60*math.Sin(t*1.3+float64(seed)), 190+10*math.Sin(t*2.1)
	for y := range pic.H {
		for x := range pic.W {
			dx, dy := (float64(x)-cx)/90, (float64(y)-cy)/130
			v := 90 + (x*3+y*5+seed*40)/40%50 + 20*((x/64+y/48)&1)
			if dx*dx+dy*dy < 1 {
				v = 150 + int(30*dx) + ((x-int(cx))*7+(y-int(cy))*3)/16%12
			}
			*noise ^= *noise << 13
			*noise ^= *noise >> 17
			*noise ^= *noise << 5
			pic.Y[y*pic.StrideY+x] = uint8(v + int(*noise%5) - 2)
		}
	}
	for y := range pic.H / 2 {
		for x := range pic.W / 2 {
			pic.Cb[y*pic.StrideC+x] = uint8(118 + seed*5 + x/40)
			pic.Cr[y*pic.StrideC+x] = uint8(134 - seed*3 + y/30)
		}
	}
}

// BenchmarkInline is the job that composing is judged by, on one goroutine: four
// 640x360 VP8 become one 1280x720 rung of H.264. One op is one frame. "codecs" is
// the same decoding and encoding with nothing between them: the floor.
func BenchmarkInline(b *testing.B) {
	set := codec.LibAV()
	const frames = 150
	var clips [4][]media.Packet
	for k := range clips {
		clips[k] = clip(b, set, k, frames)
	}
	cfg := config()
	cfg.Rungs, cfg.Delay = []Rung{{Name: "720p", W: 1280, H: 720, BitRate: 2_500_000, Encoder: "libx264", Preset: "superfast"}}, 0
	b.Run("codecs", func(b *testing.B) { codecsAlone(b, set, cfg, clips) })
	for name, change := range map[string]func(*Look){
		"composed": func(l *Look) { l.Gap, l.Margin = 0, 0 },
		"dressed":  func(l *Look) { l.Labels, l.Radius = true, 12 },
	} {
		b.Run(name, func(b *testing.B) {
			cfg := cfg
			change(&cfg.Look)
			p := newInline(b, cfg, set, media.VP8, 4)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				for k, i := range p.inputs {
					pk := clips[k][n%frames]
					pk.At = cfg.Rate.Frame(int64(n))
					i.step(pk)
				}
				p.encode()
				p.tapes["720p"].packets = p.tapes["720p"].packets[:0]
			}
		})
	}
}

// codecsAlone decodes the clips and encodes canvases that were composed before.
func codecsAlone(b *testing.B, set codec.Set, cfg Config, clips [4][]media.Packet) {
	var decoders [4]codec.VideoDecoder
	for k := range decoders {
		d, err := set.NewVideoDecoder(media.VP8)
		if err != nil {
			b.Fatal(err)
		}
		defer d.Close()
		decoders[k] = d
	}
	r := cfg.Rungs[0]
	enc, err := set.NewVideoEncoder(codec.VideoConfig{
		Codec: media.H264, Name: r.Encoder, Preset: r.Preset, W: r.W, H: r.H, Rate: cfg.Rate, BitRate: r.BitRate, GOP: cfg.GOP,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer enc.Close()
	// The encoder gets real pictures, composed once beforehand, so that it has the same work.
	canvases := composeAll(b, set, cfg, clips)
	defer func() {
		for _, c := range canvases {
			c.Release()
		}
	}()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		for k, d := range decoders {
			pics, err := d.Decode(clips[k][n%len(clips[k])])
			if err != nil {
				b.Fatal(err)
			}
			for _, pic := range pics {
				pic.Release()
			}
		}
		c := canvases[n%len(canvases)]
		c.At = cfg.Rate.Frame(int64(n))
		if _, err := enc.Encode(c, cfg.Rate.Frame(1), n%cfg.GOP == 0); err != nil {
			b.Fatal(err)
		}
	}
}

// composeAll is every frame of the clips as the canvas shows it.
func composeAll(b *testing.B, set codec.Set, cfg Config, clips [4][]media.Packet) (out []*codec.Picture) {
	cfg.Look.Gap, cfg.Look.Margin = 0, 0
	p := newInline(b, cfg, set, media.VP8, 4)
	for n := range clips[0] {
		for k, i := range p.inputs {
			i.step(clips[k][n])
		}
		m := p.canvas.tick(int64(n))
		m.pic.Release()
		out = append(out, p.Snapshot())
	}
	return out
}
