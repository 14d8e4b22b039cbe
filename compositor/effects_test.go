package compositor

import (
	"bytes"
	"image"
	"image/color"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// Each step of relief takes what its name says, with those before it, and gives it back.
func TestEachStepOfReliefHasItsEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := moving()
		cfg.Delay = 150 * media.Millisecond
		s := newStage(t, cfg, codec.Fake()).start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		n := 0
		play := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); n++ {
				s.show(video, n, 640, 360, palette[n%9])
				time.Sleep(tick)
			}
		}
		var full int64
		for _, step := range []int32{giveNothing, giveBits, giveFrames, giveMotion, giveBits, giveNothing} {
			s.relief.Store(step)
			play(time.Second)
			before := s.Stats()
			b := s.Join(TileConfig{ID: "b", Name: "Bob"})
			play(2 * time.Second)
			after := s.Stats()
			b.Leave()
			play(time.Second)
			sent, ticks, moved := after.Rungs[0].Bytes-before.Rungs[0].Bytes, after.Ticks-before.Ticks, after.Moved-before.Moved
			if full == 0 {
				full = sent
			}
			share := 100 * sent / full
			want := [...]int64{giveNothing: 100, giveBits: 60, giveFrames: 30, giveMotion: 30}[step] // each picture has its share
			if share < want-3 || share > want+3 {
				t.Errorf("%q: %d %% of the bits, want %d", reliefNames[step], share, want)
			}
			if step < giveFrames && (ticks < 59 || ticks > 61) || step >= giveFrames && (ticks < 29 || ticks > 31) {
				t.Errorf("%q: %d pictures composed in 2 s", reliefNames[step], ticks)
			}
			if moving := step < giveMotion; moving != (moved > 0) {
				t.Errorf("%q: %d pictures on which tiles move", reliefNames[step], moved)
			}
		}
		s.end()
		frames := s.video("720p")
		for k, p := range s.tapes["720p"].packets { // with half of the frames, they are those that part 0 begins with
			if slot := s.cfg.Rate.Index(p.At) % 10; p.Dur > s.cfg.Rate.Frame(1) && slot%2 != 0 {
				t.Fatalf("at slot %d of a part is one of %v", slot, p.Dur)
			}
			if frames[k].At != p.At {
				t.Fatalf("packet %d at %v shows what is of %v", k, p.At, frames[k].At)
			}
		}
	})
}

// Each canvas has a look of its own, from the beginning and with each change.
func TestEachCanvasHasItsLook(t *testing.T) {
	cfg := twoCanvases()
	cfg.Delay = 0
	red, blue, green := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 0, 200, 255}, color.RGBA{0, 200, 0, 255}
	ground := func(look Look, c color.RGBA, most int) Look {
		look.Background, look.Layout.Max, look.Layout.Margin = c, most, layout.Pixels(40)
		return look
	}
	look := cfg.Canvases[0].Look
	cfg.Canvases[0].Look, cfg.Canvases[1].Look = ground(look, red, 0), ground(look, blue, 1)
	p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
	for k := range 2 {
		p.feed(k, 0, 640, 360, white, 0)
	}
	is := func(when, canvas string, c color.RGBA, tiles int) {
		t.Helper()
		pic := p.SnapshotOf(canvas)
		defer pic.Release()
		if got := pic.Pixel(4, 4); !near(got, rgb(c)) {
			t.Errorf("%s, %s: the ground is %v, want %v", when, canvas, got, rgb(c))
		}
		for _, cv := range p.canvases {
			if cv.cfg.Name == canvas && len(cv.plan.Slots) != tiles {
				t.Errorf("%s, %s: %d tiles, want %d", when, canvas, len(cv.plan.Slots), tiles)
			}
		}
	}
	p.Frame()
	is("at first", "main", red, 2)
	is("at first", "tall", blue, 1)
	p.Apply(map[string]Look{"tall": ground(look, green, 0)})
	p.Frame()
	is("one changed", "main", red, 2)
	is("one changed", "tall", green, 2)
	p.Apply(map[string]Look{"main": ground(look, blue, 1), "tall": ground(look, red, 1)})
	p.Frame()
	is("both changed", "main", blue, 1)
	is("both changed", "tall", red, 1)
}

// What was drawn for one look is drawn anew for the next.
func TestAnotherLookIsDrawnAnew(t *testing.T) {
	flat := func(c color.RGBA) image.Image {
		img := image.NewRGBA(image.Rect(0, 0, 64, 36))
		for i := range img.Pix {
			img.Pix[i] = []uint8{c.R, c.G, c.B, 255}[i%4]
		}
		return img
	}
	for _, c := range []struct {
		name   string
		guests int
		change func(l *Look, second bool)
	}{
		{"overlay", 1, func(l *Look, second bool) {
			l.Overlays = []Overlay{{Text: map[bool]string{false: "Good morning", true: "Good night"}[second], Color: color.RGBA{200, 0, 0, 255}, Opacity: 1, Position: "center"}}
		}},
		{"label", 1, func(l *Look, second bool) {
			l.Label = DefaultLook().Label
			l.Label.Size = map[bool]float64{false: 1, true: 2}[second]
		}},
		{"placeholder", 2, func(l *Look, second bool) {
			l.Placeholder = Placeholder{Kind: "image", Image: flat(map[bool]color.RGBA{false: {200, 0, 0, 255}, true: {0, 0, 200, 255}}[second])}
		}},
		{"backdrop", 1, func(l *Look, second bool) {
			l.Backdrop = flat(map[bool]color.RGBA{false: {200, 0, 0, 255}, true: {0, 0, 200, 255}}[second])
		}},
		{"slate", 0, func(l *Look, second bool) {
			l.Opening = Slate{Text: map[bool]string{false: "Soon", true: "Very soon"}[second]}
		}},
	} {
		cfg := config()
		cfg.Delay = 0
		cfg.Canvases[0].Look.Layout.Margin = layout.Pixels(40)
		first, second := cfg.Canvases[0].Look, cfg.Canvases[0].Look
		c.change(&first, false)
		c.change(&second, true)
		cfg.Canvases[0].Look = first
		p := newInline(t, cfg, codec.Fake(), media.VP8, c.guests)
		if c.guests > 0 {
			p.feed(0, 0, 640, 360, white, 0) // the other one has no picture
		}
		shot := func() []byte {
			p.Frame()
			pic := p.Snapshot()
			defer pic.Release()
			return append(bytes.Clone(pic.Y), pic.Cb...)
		}
		before := shot()
		p.Apply(map[string]Look{"main": second})
		after := shot()
		p.Apply(map[string]Look{"main": first})
		if back := shot(); bytes.Equal(before, after) || !bytes.Equal(before, back) {
			t.Errorf("%s: the same when it is another: %v; another when it is the same: %v", c.name, bytes.Equal(before, after), !bytes.Equal(before, back))
		}
	}
}

// box is the smallest rectangle with all that is unlike ground on the next picture, to two pixels.
func (p *inline) box(ground codec.YCbCr) (r image.Rectangle) {
	p.Frame()
	pic := p.Snapshot()
	defer pic.Release()
	for y := 0; y < pic.H; y += 2 {
		for x := 0; x < pic.W; x += 2 {
			if !near(pic.Pixel(x, y), ground) {
				r = r.Union(image.Rect(x, y, x+2, y+2))
			}
		}
	}
	return r
}

// third tells which third of n the middle of a stretch is in, or that it is in the very middle.
func third(from, to, n int) string {
	switch mid := (from + to) / 2; {
	case mid > n/2-4 && mid < n/2+4:
		return "middle"
	case mid < n/3:
		return "begin"
	case mid > n*2/3:
		return "end"
	}
	return "elsewhere"
}

// Labels and overlays lie where their position says.
func TestPositions(t *testing.T) {
	show := func(change func(*Look)) image.Rectangle {
		cfg := config()
		cfg.Delay = 0
		look := &cfg.Canvases[0].Look
		look.Layout.Margin, look.Layout.Gap = layout.Length{}, layout.Length{}
		change(look)
		p := newInline(t, cfg, codec.Fake(), media.VP8, 1)
		p.feed(0, 0, 1280, 720, white, 0)
		return p.box(white)
	}
	at := map[string]string{"left": "begin", "right": "end", "top": "begin", "bottom": "end", "center": "middle"}
	for _, v := range []string{"top", "bottom"} {
		for _, h := range []string{"left", "center", "right"} {
			r := show(func(l *Look) { l.Label = DefaultLook().Label; l.Label.Position = v + "-" + h })
			if x, y := third(r.Min.X, r.Max.X, 1280), third(r.Min.Y, r.Max.Y, 720); x != at[h] || y != at[v] {
				t.Errorf("a label at %s-%s is at %v", v, h, r)
			}
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, 100, 50))
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	for position, want := range map[string]image.Point{
		"top-left": {20, 10}, "top": {590, 10}, "top-right": {1160, 10}, "left": {20, 334}, "center": {590, 334}, "right": {1160, 334},
		"bottom-left": {20, 660}, "bottom": {590, 660}, "bottom-right": {1160, 660},
	} {
		r := show(func(l *Look) {
			l.Overlays = []Overlay{{Image: img, Opacity: 1, Position: position, X: layout.Pixels(20), Y: layout.Pixels(10)}}
		})
		if r.Min != want || r.Size() != image.Pt(100, 50) {
			t.Errorf("an overlay at %s is at %v, want %v", position, r, want)
		}
	}
}

// Of overlays that overlap, the last one is uppermost.
func TestLastOverlayIsUppermost(t *testing.T) {
	cfg := config()
	cfg.Delay = 0
	for _, c := range []color.RGBA{{200, 0, 0, 255}, {0, 0, 200, 255}} {
		img := image.NewRGBA(image.Rect(0, 0, 100, 50))
		for i := range img.Pix {
			img.Pix[i] = []uint8{c.R, c.G, c.B, 255}[i%4]
		}
		cfg.Canvases[0].Look.Overlays = append(cfg.Canvases[0].Look.Overlays, Overlay{Image: img, Opacity: 1, Position: "center"})
	}
	p := newInline(t, cfg, codec.Fake(), media.VP8, 1)
	p.Frame()
	if got := p.colour(t, 640, 360); !near(got, rgb(color.RGBA{0, 0, 200, 255})) {
		t.Errorf("the first one is: %v", got)
	}
}

// An encoder is opened with all that its rung says.
func TestEncodersAreOpenedAsTheirRungsSay(t *testing.T) {
	cfg := config()
	cfg.Canvases[0].Rungs = []Rung{
		{Name: "a", W: 1280, H: 720, BitRate: 2_000_000, MaxRate: 2_600_000, Encoder: "libx264", Preset: "veryfast", BT709: true},
		{Name: "b", W: 640, H: 360, BitRate: 700_000, Every: 2},
	}
	cfg.Open = func(string, string, media.Params) (Outlet, error) { return &tape{}, nil }
	set := codec.Fake()
	open, seen := set.NewVideoEncoder, []codec.VideoConfig{}
	set.NewVideoEncoder = func(c codec.VideoConfig) (codec.VideoEncoder, error) {
		seen = append(seen, c)
		return open(c)
	}
	p, err := NewInline(cfg, set)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	want := []codec.VideoConfig{
		{Codec: media.H264, Name: "libx264", Preset: "veryfast", W: 1280, H: 720, Rate: fps30, BitRate: 2_000_000, MaxRate: 2_600_000, GOP: 60, BT709: true},
		{Codec: media.H264, W: 640, H: 360, Rate: media.FrameRate{Num: 15, Den: 1}, BitRate: 700_000, GOP: 30},
	}
	for k, w := range want {
		if k >= len(seen) || seen[k] != w {
			t.Errorf("opened with %+v, want %+v", seen, w)
		}
	}
}

// Who spoke last stands first where the order says so, and stays where there is no room for all.
func TestOrderIsOfWhoSpoke(t *testing.T) {
	for _, c := range []struct {
		name string
		spec layout.Spec
		want []string
	}{
		{"order", layout.Spec{Mode: layout.Grid, Order: layout.BySpeech}, []string{"c", "b", "a", "d"}},
		{"max", layout.Spec{Mode: layout.Grid, Order: layout.ByJoining, Max: 2}, []string{"c", "b"}},
		{"max and pinned", layout.Spec{Mode: layout.Grid, Max: 2, Pinned: []layout.Who{{By: "name", Text: "D", N: 1}}}, []string{"d", "c"}},
		{"pip of the third", layout.Spec{Mode: layout.Pip, Pip: layout.PipSpec{Corner: "top-left", Size: layout.Percent(25), Who: layout.Who{By: "speaker", N: 3}}},
			[]string{"c", "a"}},
	} {
		cfg := config()
		cfg.Delay, cfg.Canvases[0].Look.Layout = 0, c.spec
		p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
		ids := []string{"a", "b", "c", "d"}
		for _, id := range ids {
			p.JoinTile(TileConfig{ID: id, Name: string(id[0] - 32)}, true)
		}
		p.Speak("c", []string{"c", "b", "a"})
		for range 90 {
			p.Compose()
		}
		cv := p.canvases[0]
		var got []string
		for _, s := range cv.plan.Slots {
			if s.Person >= 0 {
				got = append(got, ids[s.Person])
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
			continue
		}
		for k := range got {
			if got[k] != c.want[k] {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// Without a camera from the beginning is not the same as with the camera off.
func TestAudioOnlyIsNotVideoOff(t *testing.T) {
	for _, c := range []struct {
		change func(*layout.Spec)
		want   int
	}{
		{func(s *layout.Spec) { s.OmitAudioOnly = true }, 2},
		{func(s *layout.Spec) { s.OmitVideoOff = true }, 2},
		{func(s *layout.Spec) { s.OmitAudioOnly, s.OmitVideoOff = true, true }, 1},
		{func(*layout.Spec) {}, 3},
	} {
		cfg := config()
		cfg.Delay = 0
		c.change(&cfg.Canvases[0].Look.Layout)
		p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
		on := p.JoinTile(TileConfig{ID: "on", Name: "On"}, true)
		p.JoinTile(TileConfig{ID: "off", Name: "Off"}, true).SetDevices(false, true)
		p.JoinTile(TileConfig{ID: "none", Name: "None"}, false)
		pic := codec.NewPicture(64, 36)
		codec.Fill(pic, white)
		p.Show(on, pic)
		p.Compose()
		p.Compose()
		if n := len(p.canvases[0].plan.Slots); n != c.want {
			t.Errorf("%+v: %d tiles, want %d", cfg.Canvases[0].Look.Layout, n, c.want)
		}
	}
}

// The small tile of pip lies in the corner that is named, as far from both edges.
func TestPipLiesInItsCorner(t *testing.T) {
	for corner, want := range map[string]image.Point{"top-left": {36, 36}, "top-right": {924, 36}, "bottom-left": {36, 504}, "bottom-right": {924, 504}} {
		cfg := config()
		cfg.Delay = 0
		cfg.Canvases[0].Look.Layout = layout.Spec{Mode: layout.Pip, Pip: layout.PipSpec{
			Corner: corner, Size: layout.Percent(25), Offset: layout.Percent(5), Who: layout.Who{By: "speaker", N: 2},
		}}
		p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
		p.Compose()
		slots := p.canvases[0].plan.Slots
		if len(slots) != 2 || slots[1].Rect != (image.Rectangle{Min: want, Max: want.Add(image.Pt(320, 180))}) {
			t.Errorf("%s: %+v", corner, slots)
		}
	}
}

// The line around a tile lies within it, on all four sides.
func TestLineIsWithinItsTile(t *testing.T) {
	cfg := config()
	look := &cfg.Canvases[0].Look
	cfg.Delay, look.Background, look.Border = 0, color.RGBA{0, 0, 200, 255}, Line{layout.Pixels(6), color.RGBA{200, 0, 0, 255}}
	p := newInline(t, cfg, codec.Fake(), media.VP8, 2)
	for k := range 2 {
		p.feed(k, 0, 640, 360, white, 0)
	}
	p.Frame()
	for _, slot := range p.canvases[0].plan.Slots {
		r := slot.Rect
		mid := r.Min.Add(r.Size().Div(2))
		for _, c := range []struct {
			edge image.Point
			in   image.Point
		}{
			{image.Pt(r.Min.X, mid.Y), image.Pt(1, 0)}, {image.Pt(r.Max.X-1, mid.Y), image.Pt(-1, 0)},
			{image.Pt(mid.X, r.Min.Y), image.Pt(0, 1)}, {image.Pt(mid.X, r.Max.Y-1), image.Pt(0, -1)},
		} {
			line, out, in := c.edge.Add(c.in.Mul(2)), c.edge.Sub(c.in.Mul(2)), c.edge.Add(c.in.Mul(9))
			if got := p.colour(t, line.X, line.Y); !near(got, rgb(look.Border.Color)) {
				t.Errorf("the line at %v is %v", line, got)
			}
			if got := p.colour(t, out.X, out.Y); !near(got, rgb(look.Background)) {
				t.Errorf("outside of it at %v is %v", out, got)
			}
			if got := p.colour(t, in.X, in.Y); !near(got, white) {
				t.Errorf("the picture at %v is %v", in, got)
			}
		}
	}
}
