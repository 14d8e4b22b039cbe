package compositor

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// moving is config with transitions of 300 ms and a ground that is no tile's colour.
func moving() Config {
	cfg := config()
	cfg.Delay = 0
	cfg.Canvases[0].Look.Motion = Motion{Duration: 300 * media.Millisecond, Hold: 2 * media.Second}
	cfg.Canvases[0].Look.Background.R = 90
	return cfg
}

// play composes n frames on which every tile has a new picture of its colour, and hands each composed one to see.
func (p *inline) play(n int, see func(k int, pic *codec.Picture)) {
	for k := range n {
		for j := range p.inputs {
			p.feed(j, p.next, 640, 360, palette[j], p.cfg.Rate.Frame(p.next))
		}
		p.Frame()
		if see != nil {
			pic := p.Compositor.Snapshot()
			see(k, pic)
			pic.Release()
		}
	}
}

// edge is where, along the row y, the picture's luma passes half-way from the left tile's to something else.
func edge(pic *codec.Picture, y int, from codec.YCbCr) float64 {
	for x := range pic.W {
		if c := pic.Pixel(x, y); !near(c, from) && x > 20 {
			return float64(x)
		}
	}
	return float64(pic.W)
}

func TestTilesMoveSmoothly(t *testing.T) {
	before := codec.Live()
	p := newInline(t, moving(), codec.Fake(), media.VP8, 1)
	p.play(5, nil)
	if _, err := p.Inline.Join("b", media.VP8); err != nil {
		t.Fatal(err)
	}
	last, steps, between := 1280.0, 0, 0
	p.play(20, func(k int, pic *codec.Picture) {
		for x := 600; x < 1279; x++ { // the first column that is not the tile's alone has some of it
			if y := float64(pic.Pixel(x, 360).Y); y != float64(palette[0].Y) {
				if ground := float64(pic.Pixel(x+1, 360).Y); (y-ground)*(y-float64(palette[0].Y)) < 0 {
					between++
				}
				break
			}
		}
		at := edge(pic, 360, palette[0])
		if at > last+0.5 {
			t.Errorf("frame %d: the tile's edge goes back from %v to %v", k, last, at)
		}
		if at < last {
			steps++
		}
		last = at
		for _, y := range []int{100, 360, 600} {
			for x := 0; x < pic.W; x += 64 {
				if pic.Pixel(x, y).Y < 20 {
					t.Fatalf("frame %d: black at %d,%d", k, x, y)
				}
			}
		}
	})
	if steps < 6 || math.Abs(last-636) > 1 {
		t.Errorf("%d steps to %v, want about nine to 636", steps, last)
	}
	if between < 5 {
		t.Errorf("on %d pictures only the tile's edge is within a column", between)
	}
	moved := p.canvases[0].moved.Load()
	p.play(10, nil)
	if got := p.canvases[0].moved.Load(); got != moved || moved > 12 {
		t.Errorf("%d frames are drawn as moving, %d after the end", moved, got-moved)
	}
	p.close()
	if n := codec.Live() - before; n != 0 {
		t.Errorf("%d pictures are still held", n)
	}
}

// Who leaves in the midst of a transition, and a change of mind, must not make anything jump: from frame to frame no edge of
// who stays moves farther than at the greatest speed of a transition, from where it was to wherever it may go.
func TestTransitionsCanBeInterrupted(t *testing.T) {
	before := codec.Live()
	p := newInline(t, moving(), codec.Fake(), media.VP8, 2)
	p.play(30, nil)
	cv := p.canvases[0]
	last, far := map[uint64]pose{}, 0.0
	step := func(k int, _ *codec.Picture) {
		for i := range cv.actors {
			a := &cv.actors[i]
			now := a.at(&cv.look.Motion, p.cfg.Rate.Frame(p.next-1))
			was, ok := last[a.cell.key]
			if last[a.cell.key] = now; !ok || a.leaving {
				continue
			}
			d := max(math.Abs(now.x-was.x), math.Abs(now.y-was.y), math.Abs(now.x+now.w-was.x-was.w), math.Abs(now.y+now.h-was.y-was.h))
			if far = max(far, d); d > 3*640/9 { // at its steepest "ease" goes three times as fast as "linear"
				t.Errorf("frame %d: actor %d jumps by %v, from %v to %v", k, a.cell.key, d, was, now)
			}
		}
	}
	p.play(1, step)
	third := p.Compositor.Join(TileConfig{ID: "c", Name: "C"})
	p.play(5, step)
	third.Leave()
	p.play(4, step)
	p.Compositor.Join(TileConfig{ID: "c", Name: "C"})
	p.play(5, step)
	p.Compositor.tile("c").Leave()
	p.play(15, step)
	if far < 40 {
		t.Errorf("nothing moved by more than %v", far)
	}
	if n := len(cv.actors); n != 2 {
		t.Errorf("%d actors are left for 2 tiles", n)
	}
	p.close()
	if n := codec.Live() - before; n != 0 {
		t.Errorf("%d pictures are still held", n)
	}
}

// A tile that leaves fades with the picture it showed last, although its film is gone.
func TestLeaversFadeOut(t *testing.T) {
	p := newInline(t, moving(), codec.Fake(), media.VP8, 2)
	p.play(30, nil)
	p.tiles[1].Leave()
	p.inputs = p.inputs[:1]
	var seen []codec.YCbCr
	p.play(12, func(_ int, pic *codec.Picture) { seen = append(seen, pic.Pixel(1250, 100)) })
	if d := math.Abs(float64(seen[0].Y) - float64(palette[1].Y)); d > 0.1*math.Abs(float64(palette[1].Y)-float64(palette[0].Y)) {
		t.Errorf("at first %v, of %v", seen[0], palette[1])
	}
	if near(seen[3], palette[1]) || near(seen[11], palette[1]) || !near(seen[11], palette[0]) {
		t.Errorf("then %v, in the end %v", seen[3], seen[11])
	}
}

func TestLargerSizeIsKeptWhileTilesMove(t *testing.T) {
	p := newInline(t, moving(), codec.Fake(), media.VP8, 1)
	p.play(15, nil)
	if u := *p.inputs[0].uses.Load(); len(u) != 1 || u[0].w != 1264 {
		t.Fatalf("alone: %v", u)
	}
	p.Compositor.Join(TileConfig{ID: "b", Name: "B"})
	p.play(3, nil)
	if u := *p.inputs[0].uses.Load(); len(u) != 1 || u[0].w != 1264 {
		t.Errorf("on the way: %v", u)
	}
	p.play(20, nil)
	if u := *p.inputs[0].uses.Load(); len(u) != 1 || u[0].w != 628 {
		t.Errorf("arrived: %v", u)
	}
}

func TestCutsWithoutDuration(t *testing.T) {
	p := newInline(t, config(), codec.Fake(), media.VP8, 2)
	p.play(5, nil)
	p.Compositor.Join(TileConfig{ID: "b", Name: "B"}).Leave()
	p.play(3, nil)
	if p.canvases[0].moved.Load() != 0 {
		t.Error("tiles move though nobody asked")
	}
}

func TestEasing(t *testing.T) {
	quarters := [][2]float64{{0.0625, 0.9375}, {0.25, 0.75}, {0.578125, 0.984375}, {0.0625, 0.9375}} // cubic but for the second
	for k, kind := range []string{"ease", "linear", "out", ""} {
		last := 0.0
		for i := range 101 {
			v := ease(kind, float64(i)/100)
			if v < last-1e-9 || v > 1+1e-9 {
				t.Errorf("%s: at %d%% %v after %v", kind, i, v, last)
			}
			last = v
		}
		if a, b := ease(kind, 0.25), ease(kind, 0.75); math.Abs(a-quarters[k][0]) > 1e-9 || math.Abs(b-quarters[k][1]) > 1e-9 {
			t.Errorf("%s: %v and %v at its quarters", kind, a, b)
		}
		if ease(kind, 0) != 0 || math.Abs(ease(kind, 1)-1) > 1e-9 || ease(kind, 9) > 1+1e-9 {
			t.Errorf("%s does not go from 0 to 1", kind)
		}
	}
}

// The speaker is large at once, but not for a cough: another one only after the hold.
func TestSpeakerIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := moving()
		cfg.Canvases[0].Look.Layout = layout.Spec{Mode: layout.ActiveSpeaker, Aspect: 16.0 / 9}
		s := newStage(t, cfg, codec.Fake()).start()
		for _, id := range []string{"a", "b", "c"} {
			s.Join(TileConfig{ID: id, Name: id})
		}
		large := func() string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.tiles[s.canvases[0].plan.Slots[0].Person].id
		}
		at := func(after time.Duration, want string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if got := large(); got != want {
				t.Errorf("%s is large, want %s", got, want)
			}
		}
		at(100*time.Millisecond, "a")
		s.setSpeaker("b", []string{"b"})
		at(50*time.Millisecond, "b")
		s.setSpeaker("c", []string{"c", "b"})
		at(time.Second, "b")
		s.setSpeaker("b", []string{"b", "c"}) // it was a cough
		at(2*time.Second, "b")
		s.setSpeaker("c", []string{"c", "b"})
		at(50*time.Millisecond, "c")
		s.setSpeaker("a", []string{"a", "c", "b"})
		at(1900*time.Millisecond, "c")
		at(100*time.Millisecond, "a")
		s.setSpeaker("", []string{"a", "c", "b"})
		at(3*time.Second, "a")
		s.setSpeaker("gone", []string{"gone", "a"}) // has left in between
		at(3*time.Second, "a")
		s.end()
	})
}

// BenchmarkMove is a tick on which nine tiles are on their way.
func BenchmarkMove(b *testing.B) {
	cfg := moving()
	cfg.Canvases[0].Look = DefaultLook()
	p := newInline(b, cfg, codec.Fake(), media.VP8, 9)
	p.play(30, nil)
	b.ReportAllocs()
	k := 0
	for b.Loop() {
		if k++; k%8 == 1 {
			b.StopTimer()
			p.Compositor.Join(TileConfig{ID: fmt.Sprint(k), Name: "x"})
			if len(p.tiles) > 12 {
				p.tiles[10].Leave()
			}
			b.StartTimer()
		}
		p.Frame()
	}
}
