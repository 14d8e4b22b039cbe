package compositor

import (
	"fmt"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// BenchmarkTick is one canvas tick on which every tile has a new picture, without
// codecs: composing alone.
func BenchmarkTick(b *testing.B) {
	for _, tiles := range []int{4, 9} {
		for _, kind := range []string{"plain", "labels"} {
			b.Run(fmt.Sprintf("%d tiles %s", tiles, kind), func(b *testing.B) {
				cfg := config()
				cfg.Canvases[0].Look.Label.Show = kind == "labels"
				if cfg.Canvases[0].Look.Label.Show {
					cfg.Canvases[0].Look.Radius = layout.Pixels(12)
				}
				p := newInline(b, cfg, codec.Fake(), media.VP8, tiles)
				b.ReportAllocs()
				next, done := ticker(p)
				for b.Loop() {
					next()
				}
				done()
			})
		}
	}
}

// ticker gives a function that composes a frame on which every tile has a new
// picture, after a few such frames. done frees the pictures.
func ticker(p *inline) (next, done func()) {
	rect := p.canvases[0].coming.cells[0].rect
	reel := make([]*frame, 2*len(p.inputs))
	for k := range reel {
		pic := codec.NewPicture(rect.Dx(), rect.Dy())
		codec.Fill(pic, palette[k%len(palette)])
		reel[k] = newFrame(pic, 0)
	}
	next = func() {
		for j, i := range p.inputs {
			f := reel[2*j+int(p.next%2)].retain()
			f.seq, f.src.At = uint64(firstSeq+p.next), p.cfg.Rate.Frame(p.next)-p.cfg.Delay
			i.film.add(f)
		}
		m := p.canvases[0].tick(p.next)
		m.pic.Release()
		p.next++
	}
	for range 4 {
		next()
	}
	return next, func() {
		for _, i := range p.inputs {
			i.film.discard()
		}
		for _, f := range reel {
			f.release()
		}
	}
}

func TestTickDoesNotAllocate(t *testing.T) {
	cfg := config()
	cfg.Canvases[0].Look.Label.Show, cfg.Canvases[0].Look.Radius = true, layout.Pixels(12)
	p := newInline(t, cfg, codec.Fake(), media.VP8, 9)
	next, done := ticker(p)
	defer done()
	drawn := p.canvases[0].drawn
	if allocs := testing.AllocsPerRun(50, next); allocs > 0 {
		t.Errorf("%v allocations per tick", allocs)
	}
	if p.canvases[0].drawn < drawn+50 {
		t.Error("nothing was drawn")
	}
}

// BenchmarkJoin is the work of a ninth guest's arrival and departure.
func BenchmarkJoin(b *testing.B) {
	cfg := config()
	cfg.Canvases[0].Look = DefaultLook()
	cfg.Canvases[0].Look.Motion.Duration = 0
	p := newInline(b, cfg, codec.Fake(), media.VP8, 8)
	b.ReportAllocs()
	for b.Loop() {
		p.Compositor.Join(TileConfig{ID: "x", Name: "Guest"}).Leave()
	}
}

// BenchmarkMixBlock is a block of nine who all speak.
func BenchmarkMixBlock(b *testing.B) {
	for name, side := range map[string]float32{"alike": 1, "stereo": -1} {
		b.Run(name, func(b *testing.B) {
			mix := Mix{Loudness: -16}
			m := newMixer(0, mix)
			for k0 := range 9 {
				v, tone := newVoice(), hum(440, 0.5)
				for k := range int64(100) {
					p := tone(k)
					for i := 0; i < len(p); i += 2 {
						p[i] *= side
					}
					v.write(at48(960*k), p)
				}
				m.add(v, newStrip(fmt.Sprint(k0), mix, false))
			}
			out := make([]float32, 2048)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n %= 80; n == 0 { // again
					for _, c := range m.channels {
						c.voice.spans = append(c.voice.spans[:0], span{0, 96_000})
					}
				}
				m.block(int64(n)*blockLen, out)
			}
		})
	}
}

// BenchmarkMixSilence is a block of a program whose voices have fallen silent.
func BenchmarkMixSilence(b *testing.B) {
	d := newDesk(Mix{Loudness: -16})
	for k := range uint64(9) {
		d.join(false, talk(-20, k, func(float64) bool { return true }))
	}
	d.run(5)
	for _, i := range d.inputs {
		i.source = func(int64) []float32 { return nil }
	}
	d.run(5)
	out := make([]float32, 2048)
	b.ReportAllocs()
	for ; b.Loop(); d.at += blockLen {
		d.block(d.at, out)
	}
}
