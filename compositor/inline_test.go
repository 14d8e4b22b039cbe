package compositor

import (
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// BenchmarkInline is the job that composing is judged by, on one thread and without
// pacing: four 640x360 VP8 become one 1280x720 rung of H.264. One op is one frame.
// Next to it runs the floor, the same decoding and encoding with nothing between
// them, in turns of a second of frames, so that both meet the same machine.
func BenchmarkInline(b *testing.B) {
	set := codec.LibAV()
	const frames = 150
	var clips [4][]media.Packet
	for k := range clips {
		clips[k] = clip(b, set, k, frames)
	}
	cfg := config()
	cfg.Canvases[0].Rungs, cfg.Delay = []Rung{{Name: "720p", W: 1280, H: 720, BitRate: 2_500_000, Encoder: "libx264", Preset: "superfast"}}, 0
	for _, kind := range []struct {
		name   string
		change func(*Look)
	}{
		{"grid", func(l *Look) { l.Layout.Gap, l.Layout.Margin = layout.Length{}, layout.Length{} }},
		{"gaps, labels, corners", func(l *Look) { l.Label.Show, l.Radius = true, layout.Pixels(12) }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			cfg := cfg
			kind.change(&cfg.Canvases[0].Look)
			inTurns(b, codecsAlone(b, set, cfg, clips), composed4(b, set, cfg, clips))
		})
	}
}

// inTurns runs both jobs for b.N frames and reports the CPU time of each per frame.
func inTurns(b *testing.B, floor, ours func(n int)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var spent [2]time.Duration
	b.ResetTimer()
	for n := 0; n < b.N; n += 30 {
		for k, job := range [2]func(int){floor, ours} {
			begin := threadTime(b)
			for j := n; j < min(n+30, b.N); j++ {
				job(j)
			}
			spent[k] += threadTime(b) - begin
		}
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) }
	b.ReportMetric(ms(spent[0]), "codecs-ms/op")
	b.ReportMetric(ms(spent[1]), "composed-ms/op")
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "ratio")
}

// threadTime is the CPU time that this thread has used.
func threadTime(b *testing.B) time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// composed4 decodes, composes and encodes frame n.
func composed4(b *testing.B, set codec.Set, cfg Config, clips [4][]media.Packet) func(n int) {
	p := newInline(b, cfg, set, media.VP8, 4)
	return func(n int) {
		for k := range p.inputs {
			pk := clips[k][n%len(clips[k])]
			pk.At = cfg.Rate.Frame(p.next)
			p.Push(k, pk)
		}
		p.Frame()
		p.tapes["720p"].packets = p.tapes["720p"].packets[:0]
	}
}

// codecsAlone decodes the clips and encodes canvases that were composed before.
func codecsAlone(b *testing.B, set codec.Set, cfg Config, clips [4][]media.Packet) func(n int) {
	var decoders [4]codec.VideoDecoder
	for k := range decoders {
		d, err := set.NewVideoDecoder(media.VP8)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(d.Close)
		decoders[k] = d
	}
	r := cfg.Canvases[0].Rungs[0]
	enc, err := set.NewVideoEncoder(codec.VideoConfig{
		Codec: media.H264, Name: r.Encoder, Preset: r.Preset, W: r.W, H: r.H, Rate: cfg.Rate, BitRate: r.BitRate, GOP: cfg.GOP,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(enc.Close)
	canvases := composeAll(b, set, cfg, clips)
	return func(n int) {
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
	p := newInline(b, cfg, set, media.VP8, 4)
	for n := range clips[0] {
		for k, i := range p.inputs {
			i.step(clips[k][n])
		}
		m := p.canvases[0].tick(int64(n))
		m.pic.Release()
		out = append(out, p.Compositor.Snapshot())
		b.Cleanup(out[n].Release)
	}
	return out
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
