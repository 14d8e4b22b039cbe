package compositor

import (
	"bytes"
	"fmt"
	"image"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

var fps30 = media.FrameRate{Num: 30, Den: 1}

// tape is an outlet that keeps everything.
type tape struct {
	mu      sync.Mutex
	params  media.Params
	packets []media.Packet
	closed  int
}

func (tp *tape) Write(p media.Packet) error {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if tp.closed > 0 {
		return fmt.Errorf("write after close")
	}
	tp.packets = append(tp.packets, p)
	return nil
}

func (tp *tape) Close() error {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.closed++
	return nil
}

// decodeTape decodes what a rung of H.264 wrote, and shows each picture until it is released.
func decodeTape(t *testing.T, set codec.Set, tp *tape, show func(*codec.Picture)) {
	t.Helper()
	dec, err := set.NewVideoDecoder(media.H264)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	for _, p := range tp.packets {
		if p.Key {
			p.Data = append(bytes.Clone(tp.params.Video.Extra), p.Data...)
		}
		pics, err := dec.Decode(p)
		if err != nil {
			t.Fatalf("at %v: %v", p.At, err)
		}
		for _, pic := range pics {
			show(pic)
			pic.Release()
		}
	}
}

// stage is a compositor with its tapes.
type stage struct {
	*Compositor
	t     *testing.T
	tapes map[string]*tape
	done  chan struct{}
}

// config is a small plan: 720p and 180p at 30 fps, D 150 ms, GOP 60, parts of 10 frames.
func config() Config {
	look := DefaultLook()
	look.Label.Show, look.Radius, look.Motion = false, layout.Length{}, Motion{}
	look.Layout = layout.Spec{Mode: layout.Grid, Gap: layout.Pixels(8), Margin: layout.Pixels(8)}
	return Config{
		Rate: fps30, Delay: 150 * media.Millisecond, Clock: media.NewClock(time.Now()), GOP: 60, PartFrames: 10,
		Canvases: []Canvas{{
			Name: "main", W: 1280, H: 720, Look: look,
			Rungs: []Rung{{Name: "720p", W: 1280, H: 720, BitRate: 2_500_000}, {Name: "180p", W: 320, H: 180, BitRate: 300_000}},
		}},
	}
}

func newStage(t *testing.T, cfg Config, set codec.Set) *stage {
	t.Helper()
	s := &stage{t: t, tapes: map[string]*tape{}, done: make(chan struct{})}
	cfg.Open = func(_, id string, p media.Params) (Outlet, error) {
		s.tapes[id] = &tape{params: p}
		return s.tapes[id], nil
	}
	var err error
	if s.Compositor, err = New(cfg, set); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) start() *stage {
	go func() {
		defer close(s.done)
		s.Run()
	}()
	return s
}

// end stops the program and checks what must hold for every program.
func (s *stage) end() {
	s.t.Helper()
	s.Stop()
	<-s.done
	for _, r := range s.cfg.Canvases[0].Rungs {
		s.checkTimeline(r.Name)
	}
	s.checkSound()
}

func (s *stage) open(tile *Tile, mc media.Codec) *Input {
	s.t.Helper()
	i, err := tile.Open(mc)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

// show pushes a picture of one colour, captured now.
func (s *stage) show(i *Input, n int, w, h int, c codec.YCbCr) (needKey bool) {
	return i.Push(codec.FakeVideoPacket(i.codec, w, h, c, n%30 == 0, int64(n), s.now()))
}

func (s *stage) now() media.Time { return s.cfg.Clock.At(time.Now()) }

// checkTimeline: no hole, no overlap, nothing over a part's edge, key frames at
// every multiple of the GOP and else only where a part begins, and where the first rung of the canvas has one.
func (s *stage) checkTimeline(rung string) {
	s.t.Helper()
	tp := s.tapes[rung]
	if tp.closed != 1 {
		s.t.Errorf("%s: outlet closed %d times", rung, tp.closed)
	}
	if len(tp.packets) == 0 {
		s.t.Fatalf("%s: nothing came out", rung)
	}
	rate, part, gop := s.cfg.Rate, int64(s.cfg.PartFrames), int64(s.cfg.GOP)
	extra := s.extraKeys(s.firstOf(rung))
	next := rate.Index(tp.packets[0].At)
	if next%gop != 0 {
		s.t.Errorf("%s begins at slot %d", rung, next)
	}
	for k, p := range tp.packets {
		begin, end := rate.Index(p.At), rate.Index(p.At+p.Dur)
		if p.At != rate.Frame(next) || p.Dur <= 0 || p.Dur != rate.Frame(end)-p.At {
			s.t.Fatalf("%s: sample %d at %v for %v, slot %d is due", rung, k, p.At, p.Dur, next)
		}
		if begin/part != (end-1)/part {
			s.t.Fatalf("%s: sample of slots %d to %d reaches over a part's edge", rung, begin, end-1)
		}
		if key := begin%gop == 0 || begin%part == 0 && slices.Contains(extra, p.At); p.Key != key {
			s.t.Fatalf("%s: slot %d has key %v", rung, begin, p.Key)
		}
		next = end
	}
}

// firstOf is the first rung of the canvas that has a rung.
func (s *stage) firstOf(rung string) string {
	for i := range s.cfg.Canvases {
		all := s.cfg.Canvases[i].Rungs
		if slices.ContainsFunc(all, func(r Rung) bool { return r.Name == rung }) {
			return all[0].Name
		}
	}
	return rung
}

// extraKeys are the times of a rung's key frames that do not begin a GOP.
func (s *stage) extraKeys(rung string) (at []media.Time) {
	for _, p := range s.tapes[rung].packets {
		if p.Key && s.cfg.Rate.Index(p.At)%int64(s.cfg.GOP) != 0 {
			at = append(at, p.At)
		}
	}
	return at
}

// checkSound: frames of 1024 samples, one after the other.
func (s *stage) checkSound() {
	s.t.Helper()
	tp := s.tapes[AudioID]
	if tp.closed != 1 {
		s.t.Errorf("sound: outlet closed %d times", tp.closed)
	}
	for k, p := range tp.packets {
		if p.At != media.FromTicks(int64(k)*1024, 48000)+tp.packets[0].At || p.Dur != media.FromTicks(1024, 48000) || !p.Key {
			s.t.Fatalf("sound: frame %d at %v for %v", k, p.At, p.Dur)
		}
	}
	end := func(tp *tape) media.Time {
		last := tp.packets[len(tp.packets)-1]
		return last.At + last.Dur
	}
	most := 40 * media.Millisecond
	if s.Stats().Relief >= giveFrames {
		most += s.cfg.Rate.Frame(2)
	}
	if d := end(tp) - end(s.tapes[s.cfg.Canvases[0].Rungs[0].Name]); d < -most || d > most {
		s.t.Errorf("sound ends %v after the picture", d)
	}
}

// video parses what a rung said.
func (s *stage) video(rung string) (units []codec.FakeVideo) {
	s.t.Helper()
	for _, p := range s.tapes[rung].packets {
		u, err := codec.ParseFakeVideo(p.Data)
		if err != nil {
			s.t.Fatal(err)
		}
		units = append(units, u)
	}
	return units
}

func (s *stage) audio() (frames []codec.FakeAudio) {
	s.t.Helper()
	for _, p := range s.tapes[AudioID].packets {
		a, err := codec.ParseFakeAudio(p.Data)
		if err != nil {
			s.t.Fatal(err)
		}
		frames = append(frames, a)
	}
	return frames
}

// colours that stand well apart.
var palette = []codec.YCbCr{
	codec.RGB(255, 0, 0), codec.RGB(0, 255, 0), codec.RGB(0, 0, 255), codec.RGB(255, 255, 0), codec.RGB(0, 255, 255),
	codec.RGB(255, 0, 255), codec.RGB(255, 128, 0), codec.RGB(255, 255, 255), codec.RGB(128, 0, 255),
}

func near(a, b codec.YCbCr) bool {
	d := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return d(a.Y, b.Y) <= 3 && d(a.Cb, b.Cb) <= 3 && d(a.Cr, b.Cr) <= 3
}

// grid is where n tiles of config's look stand.
func grid(w, h, n, gap, margin int) (rects []image.Rectangle) {
	spec := layout.Spec{Mode: layout.Grid, Gap: layout.Pixels(float64(gap)), Margin: layout.Pixels(float64(margin))}
	for _, s := range layout.Arrange(&spec, w, h, &layout.Stage{People: make([]layout.Person, n)}).Slots {
		rects = append(rects, s.Rect)
	}
	return rects
}

// shrink maps a rectangle of the canvas to one of a rung, less its rim.
func shrink(r image.Rectangle, from, to int) image.Rectangle {
	r = r.Inset(r.Dx() / 5)
	return image.Rect(r.Min.X*to/from, r.Min.Y*to/from, r.Max.X*to/from, r.Max.Y*to/from)
}

func TestEachTileIsInItsPlaceOnEveryRung(t *testing.T) {
	for n := 1; n <= 9; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			if testing.Short() && n != 3 {
				t.Skip("one crowd is enough")
			}
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, config(), codec.Fake()).start()
				var inputs []*Input
				for k := range n {
					mc := []media.Codec{media.VP8, media.H264, media.VP9, media.AV1}[k%4]
					inputs = append(inputs, s.open(s.Join(TileConfig{ID: fmt.Sprint(k), Name: fmt.Sprint("Guest ", k)}), mc))
				}
				for f := range 30 {
					for k, i := range inputs {
						s.show(i, f, 640, 360, palette[k])
					}
					time.Sleep(time.Second / 30)
				}
				s.Stop()
				s.end()
				rects := grid(1280, 720, n, 8, 8)
				for _, r := range s.cfg.Canvases[0].Rungs {
					units := s.video(r.Name)
					u := units[len(units)*2/3]
					for k, rect := range rects {
						if got := u.Mean(shrink(rect, 1280, r.W)); !near(got, palette[k]) {
							t.Errorf("%s: tile %d of %d is %v, want %v", r.Name, k, n, got, palette[k])
						}
					}
				}
			})
		})
	}
}
