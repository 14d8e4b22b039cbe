package compositor

import (
	"image"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// inline is a program that the test drives, with its tapes.
type inline struct {
	*stage
	*Inline
}

// newInline has n tiles with a video each.
func newInline(t testing.TB, cfg Config, set codec.Set, mc media.Codec, n int) *inline {
	t.Helper()
	p := &inline{stage: &stage{tapes: map[string]*tape{}}}
	cfg.Open = func(_, id string, _ media.Params) (Outlet, error) {
		p.tapes[id] = &tape{}
		return p.tapes[id], nil
	}
	var err error
	if p.Inline, err = NewInline(cfg, set); err != nil {
		t.Fatal(err)
	}
	p.Compositor = p.Inline.c
	for k := range n {
		if _, err := p.Inline.Join("Guest "+string(rune('A'+k)), mc); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(p.close)
	return p
}

// close may be called before the test's end.
func (p *inline) close() {
	if !p.stopped {
		p.Close()
	}
}

func (p *inline) feed(k int, seq int64, w, h int, c codec.YCbCr, at media.Time) {
	p.inputs[k].step(codec.FakeVideoPacket(p.inputs[k].codec, w, h, c, true, seq, at))
}

func (p *inline) colour(t testing.TB, x, y int) codec.YCbCr {
	t.Helper()
	pic := p.Compositor.Snapshot()
	defer pic.Release()
	return pic.Pixel(x, y)
}

func TestCanvasRedrawsOnlyWhatChanged(t *testing.T) {
	before := codec.Live()
	cfg := config()
	cfg.Delay = 0
	p := newInline(t, cfg, codec.Fake(), media.VP8, 4)
	for k := range 4 {
		p.feed(k, 0, 640, 360, palette[k], 0)
	}
	p.Frame()
	drawn, repaints := p.canvases[0].drawn, p.canvases[0].repaints.Load()
	for range 10 {
		p.Frame()
	}
	if p.canvases[0].drawn != drawn || len(p.canvases[0].buffers) != 1 {
		t.Errorf("a still stage is drawn %d times in %d buffers", p.canvases[0].drawn-drawn, len(p.canvases[0].buffers))
	}
	// A mark where nothing changes must survive; the snapshot's hold forces a second buffer at first.
	p.feed(1, 1, 640, 360, white, p.cfg.Rate.Frame(p.next))
	p.Frame()
	for _, b := range p.canvases[0].buffers {
		codec.Fill(b.pic.View(image.Rect(100, 100, 110, 110)), black)
	}
	for k := range int64(5) {
		p.feed(1, 2+k, 640, 360, palette[k], p.cfg.Rate.Frame(p.next))
		p.Frame()
		if got := p.colour(t, 700, 100); !near(got, palette[k]) {
			t.Fatalf("the tile that changed shows %v", got)
		}
		if got := p.colour(t, 104, 104); got != black {
			t.Fatalf("a tile that did not change was drawn again: %v", got)
		}
	}
	if p.canvases[0].repaints.Load() > repaints+1 || len(p.canvases[0].buffers) > 2 {
		t.Errorf("%d whole repaints, %d buffers", p.canvases[0].repaints.Load()-repaints, len(p.canvases[0].buffers))
	}
	p.close()
	if n := codec.Live() - before; n != 0 {
		t.Errorf("%d pictures are still held", n)
	}
}

func TestPicturesScaledAheadAreUsed(t *testing.T) {
	cfg := config()
	cfg.Delay = 0
	p := newInline(t, cfg, codec.Fake(), media.VP8, 4)
	p.feed(0, 0, 1280, 720, white, 0) // scaled
	p.feed(1, 0, 640, 360, white, 0)  // cut
	f := p.inputs[0].film.pick(0, media.Second)
	g := p.inputs[1].film.pick(0, media.Second)
	u := use{628, 348, layout.Cover}
	if f.find(u) == nil || f.find(u).W != 628 || g.find(u) != nil {
		t.Fatal("what needs scaling is not scaled by the decoder, or a cut picture is")
	}
	codec.Fill(f.find(u), palette[0])
	f.release()
	g.release()
	p.Frame()
	if got := p.colour(t, 300, 200); got != palette[0] {
		t.Errorf("the canvas does not use the scaled picture: %v", got)
	}
	p.Compositor.Join(TileConfig{ID: "late", Name: ""})
	p.Frame()
	if got := p.colour(t, 300, 200); got != white {
		t.Errorf("after a change of layout the tile shows %v", got)
	}
}

func TestContainLeavesBars(t *testing.T) {
	cfg := config()
	cfg.Delay, cfg.Canvases[0].Look.Fit = 0, layout.Contain
	p := newInline(t, cfg, codec.Fake(), media.VP8, 1)
	p.feed(0, 0, 480, 640, white, 0)
	p.Frame()
	ground := codec.RGB(0x12, 0x14, 0x19)
	if a, b := p.colour(t, 640, 20), p.colour(t, 200, 300); a != white || b != ground {
		t.Errorf("middle %v, bar %v", a, b)
	}
}

func TestRungsFillSlotsAndCutAtEdges(t *testing.T) {
	p := newInline(t, config(), codec.Fake(), media.VP8, 0)
	for _, n := range []int64{0, 1, 5, 9, 10, 34, 35, 61, 200} {
		p.next = n
		p.Frame()
	}
	type sample struct{ at, dur int64 }
	want := []sample{{0, 1}, {1, 1}, {2, 4}, {6, 4}, {10, 1}, {11, 9}, {20, 10}, {30, 5}, {35, 1}, {36, 4}, {40, 10}, {50, 10}, {60, 2}, {62, 8}, {70, 10}}
	for _, r := range p.cfg.Canvases[0].Rungs {
		for k, pk := range p.tapes[r.Name].packets[:len(want)] {
			got := sample{p.cfg.Rate.Index(pk.At), int64(pk.Dur / p.cfg.Rate.Frame(1))}
			if got != want[k] || pk.Key != (got.at%60 == 0) {
				t.Errorf("%s: sample %d is %v, want %v", r.Name, k, got, want[k])
			}
		}
	}
}

func TestFilmIsOrderedAndBounded(t *testing.T) {
	before := codec.Live()
	fm := &film{}
	add := func(at media.Time, seq uint64) {
		pic := codec.NewPicture(16, 16)
		pic.At = at * media.Millisecond
		fm.add(newFrame(pic, seq))
	}
	at := func(ms media.Time) uint64 {
		f := fm.pick(ms*media.Millisecond, 0)
		if f == nil {
			return 0
		}
		defer f.release()
		return f.seq
	}
	for k := range media.Time(10) {
		add(100+10*k, uint64(k+1))
	}
	for ms, want := range map[media.Time]uint64{99: 0} {
		if got := at(ms); got != want {
			t.Errorf("at %d ms frame %d, want %d", ms, got, want)
		}
	}
	if at(100) != 1 || at(109) != 1 || at(135) != 4 || at(135) != 4 {
		t.Error("not the newest picture that is due")
	}
	add(145, 20) // the clock was corrected: what was to come is replaced
	if at(150) != 20 || at(1000) != 20 {
		t.Error("a corrected clock leaves old pictures on show")
	}
	for k := range media.Time(filmLen + 5) {
		add(2000+k, uint64(100+k))
	}
	if fm.skipped != 6 || at(2005) != 105 || at(9000) != 0 {
		t.Errorf("skipped %d, wrong pictures left", fm.skipped)
	}
	if f := fm.pick(9*media.Second, 0); f != nil {
		t.Error("a stalled picture is shown for ever")
	}
	fm.live(9 * media.Second) // a shared screen that stands still
	if at(9000) != 100+filmLen+4 || at(11000) != 100+filmLen+4 || at(11001) != 0 {
		t.Error("the picture of a source that is alive does not stay")
	}
	fm.discard()
	add(9999, 1000)
	if n := codec.Live() - before; n != 0 {
		t.Errorf("%d pictures are still held", n)
	}
}

func TestLabelsAndCornersAreDrawn(t *testing.T) {
	cfg := config()
	cfg.Delay = 0
	cfg.Canvases[0].Look.Label.Show, cfg.Canvases[0].Look.Radius = true, layout.Pixels(12)
	p := newInline(t, cfg, codec.Fake(), media.VP8, 1)
	p.feed(0, 0, 1264, 704, white, 0)
	p.Frame()
	if c := p.colour(t, 8, 8); near(c, white) {
		t.Error("the tile's corner is not round")
	}
	if c := p.colour(t, 60, 690); near(c, white) {
		t.Error("the name is not in the lower left corner")
	}
	if c := p.colour(t, 640, 360); !near(c, white) {
		t.Error("the picture is covered")
	}
}

// Who is not heard, for whatever reason, has the microphone struck through beside the name.
func TestWhoIsNotHeardIsSeen(t *testing.T) {
	cfg := config()
	cfg.Delay, cfg.Canvases[0].Look = 0, DefaultLook()
	cfg.Canvases[0].Look.Motion.Duration = 0
	p := newInline(t, cfg, codec.Fake(), media.VP8, 1)
	p.feed(0, 0, 1264, 704, white, 0)
	tile := p.tiles[0]
	red := func() (n int) { // pixels of the struck-through microphone
		p.Frame()
		pic := p.Compositor.Snapshot()
		defer pic.Release()
		for y := 600; y < 720; y += 2 {
			for x := 0; x < 300; x += 2 {
				if pic.Pixel(x, y).Cr > 160 {
					n++
				}
			}
		}
		return n
	}
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"as it comes", func() {}, false}, {"muted", func() { tile.SetMuted(true) }, true}, {"heard again", func() { tile.SetMuted(false) }, false},
		{"volume 0", func() { tile.SetVolume(0) }, true}, {"half", func() { tile.SetVolume(0.5) }, false},
		{"microphone off", func() { tile.SetDevices(true, false) }, true}, {"on", func() { tile.SetDevices(true, true) }, false},
	} {
		step.do()
		if n := red(); n > 20 != step.want {
			t.Errorf("%s: %d red pixels", step.what, n)
		}
	}
}

// TestTinyStage: art that does not fit its tile must not reach its neighbours.
func TestTinyStage(t *testing.T) {
	cfg := config()
	cfg.Canvases[0].W, cfg.Canvases[0].H, cfg.Canvases[0].Rungs = 48, 32, []Rung{{Name: "tiny", W: 16, H: 16, BitRate: 50_000}}
	cfg.Delay, cfg.Canvases[0].Look = 0, DefaultLook()
	cfg.Canvases[0].Look.Layout.Aspect, cfg.Canvases[0].Look.Motion.Duration = layout.Fill, 0
	cfg.Canvases[0].Look.Radius, cfg.Canvases[0].Look.Layout.Gap, cfg.Canvases[0].Look.Layout.Margin = layout.Pixels(500), layout.Length{}, layout.Length{}
	p := newInline(t, cfg, codec.Fake(), media.VP8, 9)
	for k := range 9 {
		p.feed(k, 0, 1920, 1080, palette[k], 0)
	}
	p.Frame()
	for k, rect := range grid(48, 32, 9, 0, 0) {
		c := rect.Min.Add(rect.Max).Div(2)
		if got := p.colour(t, c.X, c.Y); !near(got, palette[k]) {
			t.Errorf("tile %d is %v, want %v", k, got, palette[k])
		}
	}
	for n := range 12 {
		p.Compositor.Join(TileConfig{ID: string(rune('p' + n)), Name: "x"}).Leave()
		p.Frame()
	}
}
