package compositor

import (
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// twoCanvases is config with an upright canvas beside the wide one.
func twoCanvases() Config {
	cfg := config()
	tall := Canvas{
		Name: "tall", W: 360, H: 640, Look: cfg.Canvases[0].Look,
		Rungs: []Rung{{Name: "tall", W: 360, H: 640, BitRate: 500_000}},
	}
	cfg.Canvases = append(cfg.Canvases, tall)
	return cfg
}

func TestTwoCanvasesShareOneDecode(t *testing.T) {
	before := codec.Live()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, twoCanvases(), codec.Fake()).start()
		i := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		for n := range 30 {
			s.show(i, n, 1920, 1080, palette[n/15])
			time.Sleep(tick)
		}
		if d := i.Demand(); d.W < 1200 || d.H < 600 {
			t.Errorf("demand %dx%d is not that of the largest use", d.W, d.H)
		}
		s.end()
		st := s.Stats()
		if st.Ticks < 60 || i.decoded.Load() != 30 {
			t.Errorf("%d ticks, %d pictures decoded", st.Ticks, i.decoded.Load())
		}
		s.checkTimeline("tall")
		for _, rung := range []string{"720p", "tall"} {
			units := s.video(rung)
			u := units[len(units)/3]
			if got := u.Mean(shrink(whole, 1280, s.tapes[rung].params.Video.W)); !near(got, palette[0]) {
				t.Errorf("%s shows %v", rung, got)
			}
		}
	})
	if n := codec.Live() - before; n != 0 {
		t.Errorf("%d pictures are still held", n)
	}
}

// A canvas that ticks a little later than another still finds the picture of its time, and one that is
// far behind the oldest there is: never none.
func TestLateCanvasIsNotLeftWithoutAPicture(t *testing.T) {
	fm := &film{keep: 66 * media.Millisecond}
	defer fm.discard()
	for k := range media.Time(20) {
		pic := codec.NewPicture(16, 16)
		pic.At = 33 * k * media.Millisecond
		fm.add(newFrame(pic, uint64(k)))
	}
	at := func(ms media.Time) uint64 {
		f := fm.pick(ms*media.Millisecond, 0)
		if f == nil {
			return 99
		}
		defer f.release()
		return f.seq
	}
	if a, b, late := at(330), at(300), at(30); a != 10 || b != 9 || late != 8 {
		t.Errorf("pictures %d, %d and %d, want 10, 9 and 8", a, b, late)
	}
}

func TestScaledCopiesAreSharedByCanvasesOfOneShape(t *testing.T) {
	cfg := config()
	cfg.Delay = 0
	twin := cfg.Canvases[0]
	twin.Name = "twin"
	cfg.Canvases = append(cfg.Canvases, twin)
	p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
	if uses := *p.inputs[0].uses.Load(); len(uses) != 1 {
		t.Errorf("%d sizes are scaled for two equal tiles", len(uses))
	}
	p.feed(0, 0, 1920, 1080, white, 0)
	p.Frame()
	if a, b := p.canvases[0].snapshot(), p.canvases[1].snapshot(); a.Pixel(300, 300) != b.Pixel(300, 300) || a.Pixel(300, 300) != white {
		t.Error("the canvases differ")
	} else {
		a.Release()
		b.Release()
	}
	if p.SnapshotOf("nowhere") != nil {
		t.Error("a canvas that is not there has a picture")
	}
}
