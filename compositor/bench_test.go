package compositor

import (
	"fmt"
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
