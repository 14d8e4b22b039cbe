package compositor

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// machine runs r for s seconds at 30 slots a second, of which late(t, step) of ten are late, and tells the
// changes of step with their times in seconds.
func machine(r *relief, s float64, late func(t float64, step int) int) (told []string) {
	for k := range int(30 * s) {
		t := float64(k) / 30
		n := 0
		if k%10 < late(t, r.step) {
			n = 1
		}
		if c := r.observe(fps30.Frame(int64(k)), 1, n); c != 0 {
			told = append(told, fmt.Sprintf("%.0f:%d", t, r.step))
		}
	}
	return told
}

func TestReliefGoesStepByStepAndBack(t *testing.T) {
	r := &relief{most: giveTop}
	told := machine(r, 60, func(t float64, _ int) int {
		if t >= 5 && t < 9.9 {
			return 5
		}
		return 0
	})
	if got := strings.Join(told, " "); got != "6:1 7:2 8:3 9:4 16:3 22:2 28:1 34:0" {
		t.Errorf("steps: %s", got)
	}
	if r.taken != [5]int64{0, 1, 1, 1, 1} {
		t.Errorf("counted %v", r.taken)
	}
}

func TestReliefIgnoresAHiccup(t *testing.T) {
	r := &relief{most: giveTop}
	if told := machine(r, 120, func(t float64, _ int) int {
		if int(t)%10 == 3 && t-float64(int(t)) < 0.4 { // less than half a second each ten
			return 10
		}
		return 0
	}); len(told) > 0 {
		t.Errorf("steps: %v", told)
	}
}

// A machine that is well with frames given up, and is not without: it is tried, but ever more seldom.
func TestReliefDoesNotSwing(t *testing.T) {
	r := &relief{most: giveTop}
	told := machine(r, 600, func(_ float64, step int) int {
		if step < giveFrames {
			return 6
		}
		return 0
	})
	if n := len(told); n > 24 {
		t.Errorf("%d changes in ten minutes: %v", n, told)
	}
	if i := slices.IndexFunc(told, func(s string) bool { return strings.HasSuffix(s, ":3") }); i >= 0 {
		t.Errorf("more gives way than helps: %v", told)
	}
}

func TestReliefGivesNoMoreThanThereIs(t *testing.T) {
	r := &relief{most: giveMotion}
	machine(r, 60, func(float64, int) int { return 10 })
	if r.step != giveMotion || r.taken[giveTop] != 0 {
		t.Errorf("step %d, %v", r.step, r.taken)
	}
}

// Where no encoder takes another rate, frames are the first to give way, and the last to come back.
func TestReliefLeavesOutWhatCannotGive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, deaf := range []int{1, 2} { // of two rungs
			set := codec.Fake()
			open, n := set.NewVideoEncoder, 0
			set.NewVideoEncoder = func(c codec.VideoConfig) (codec.VideoEncoder, error) {
				e, err := open(c)
				if n++; n <= deaf {
					return struct{ codec.VideoEncoder }{e}, err // no RateSetter
				}
				return e, err
			}
			s, _, told := gapStage(t, config(), set)
			want, given := "load frames true\nload frames false", [giveSteps]int64{0, 1, 0, 0}
			if deaf == 1 {
				want, given = "load bitrate true\nload frames true\nload frames false\nload bitrate false", [giveSteps]int64{1, 1, 0, 0}
			}
			for k := range int64(30 * 30) {
				late := 0
				if k >= 150 && s.relief.Load() < giveFrames && k < 300 {
					late = 1
				}
				s.relieve(fps30.Frame(k), 1, late)
			}
			if got := strings.Join(told(), "\n"); got != want {
				t.Errorf("%d of 2 rungs: %s", deaf, got)
			}
			if st := s.Stats(); st.Relief != 0 || st.Given != given {
				t.Errorf("%d of 2 rungs: %+v", deaf, st.Given)
			}
			s.Stop()
			s.Run()
		}
	})
}

// gapTape is a tape that takes gaps.
type gapTape struct {
	tape
	gaps []media.Time // ends
}

func (g *gapTape) Gap(until media.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gaps = append(g.gaps, until)
	return nil
}

// gapStage is a stage whose outlets take gaps, and that notes events.
func gapStage(t *testing.T, cfg Config, set codec.Set) (*stage, map[string]*gapTape, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var told []string
	cfg.Event = func(kind string, attrs ...slog.Attr) {
		mu.Lock()
		defer mu.Unlock()
		line := kind
		for _, a := range attrs {
			line += " " + a.Value.String()
		}
		told = append(told, line)
	}
	s := &stage{t: t, tapes: map[string]*tape{}, done: make(chan struct{})}
	tapes := map[string]*gapTape{}
	cfg.Open = func(_, id string, p media.Params) (Outlet, error) {
		g := &gapTape{tape: tape{params: p}}
		tapes[id], s.tapes[id] = g, &g.tape
		return g, nil
	}
	var err error
	if s.Compositor, err = New(cfg, set); err != nil {
		t.Fatal(err)
	}
	return s, tapes, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(told)
	}
}

// wholeExcept checks that a tape has no hole but its gaps, which end where a GOP begins, with a key frame.
func wholeExcept(t *testing.T, name string, g *gapTape, gop media.Time) (left media.Time) {
	t.Helper()
	next, gaps := g.packets[0].At, slices.Clone(g.gaps)
	for _, p := range g.packets {
		if p.At != next {
			end := next
			for len(gaps) > 0 && gaps[0] <= p.At+blockTime {
				end, gaps = gaps[0], gaps[1:]
			}
			if end != p.At || !p.Key || gop > 0 && p.At%gop != 0 {
				t.Fatalf("%s: packet at %v (key %v) where %v is due; a gap ends at %v", name, p.At, p.Key, next, end)
			}
			left += p.At - next
		}
		next = p.At + p.Dur
	}
	return left
}

// A machine that is too slow for a while: each step is announced, counted, and undone; sound never breaks,
// playlists have no holes but announced gaps.
func TestLoadIsRelievedAndSoundGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		starved := func() bool { s := time.Since(begin).Seconds(); return s > 10 && s < 22 }
		cfg := config()
		cv := &cfg.Canvases[0]
		cv.W, cv.H = 320, 180
		cv.Rungs = []Rung{{Name: "top", W: 320, H: 180, BitRate: 600_000}, {Name: "low", W: 80, H: 46, BitRate: 60_000}}
		s, tapes, told := gapStage(t, cfg, slow(codec.Fake(), func(w, n int) time.Duration {
			if starved() {
				return time.Duration(w) * 400 * time.Microsecond // 128 and 32 ms where 33 are there
			}
			return time.Millisecond
		}))
		s.start()
		video, audio := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8), s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus)
		for k := range int64(30 * 100) {
			s.show(video, int(k), 64, 36, palette[k%9])
			if k%3 != 2 { // each 20 ms in the mean
				audio.Push(codec.FakeAudioPacket(0.1, 480, k, s.now()))
			}
			time.Sleep(tick)
		}
		s.Stop()
		<-s.done
		want := []string{"bitrate", "frames", "motion", "top rung"}
		var on, off []string
		for _, line := range told() {
			f := strings.SplitN(line, " ", 2)
			if f[0] != "load" {
				continue
			}
			if step, ok := strings.CutSuffix(f[1], " true"); ok {
				on = append(on, step)
			} else {
				off = append(off, strings.TrimSuffix(f[1], " false"))
			}
		}
		slices.Reverse(off)
		if !slices.Equal(on, want) || !slices.Equal(off, want) {
			t.Errorf("given up: %q; undone, in reverse: %q", on, off)
		}
		if st := s.Stats(); st.Relief != 0 || st.Given != [giveSteps]int64{1, 1, 1, 1} || st.Rungs[0].Gaps == 0 {
			t.Errorf("%+v", st)
		}
		gop := s.cfg.Rate.Frame(int64(s.cfg.GOP))
		if left := wholeExcept(t, "top", tapes["top"], gop); left == 0 {
			t.Error("the top rung did not pause")
		}
		if left := wholeExcept(t, "low", tapes["low"], gop); left != 0 {
			t.Errorf("the lower rung paused for %v", left)
		}
		if left := wholeExcept(t, AudioID, tapes[AudioID], 0); left != 0 || len(tapes[AudioID].gaps) > 0 {
			t.Errorf("sound broke for %v", left)
		}
	})
}

// The rung that pauses is the one that costs most, wherever it stands in the ladder.
func TestLargestRungIsTheTop(t *testing.T) {
	small, large := Rung{Name: "small", W: 160, H: 90, BitRate: 500_000}, Rung{Name: "large", W: 320, H: 180, BitRate: 300_000}
	rich := large
	rich.Name, rich.BitRate = "rich", 400_000
	for want, ladder := range map[string][][]Rung{
		"large": {{large, small}, {small, large}},
		"rich":  {{large, rich, small}, {small, rich, large}},
		"":      {{large}},
	} {
		for _, rungs := range ladder {
			cfg := config()
			cfg.Canvases[0].W, cfg.Canvases[0].H, cfg.Canvases[0].Rungs = 320, 180, rungs
			s, _, _ := gapStage(t, cfg, codec.Fake())
			var got string
			for _, r := range s.canvases[0].rungs {
				if r.gapper != nil {
					got += r.name
				}
			}
			if got != want {
				t.Errorf("%+v: %q pauses, want %q", rungs, got, want)
			}
			s.start()
			s.Stop()
			<-s.done
		}
	}
}

// A process that was stopped for a minute goes on at the begin of a GOP; what lies between is a gap in
// pictures and sound.
func TestLongPauseIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := slow(codec.Fake(), func(_, n int) time.Duration {
			if n == 100 {
				return time.Minute
			}
			return 0
		})
		open := set.NewAudioEncoder
		set.NewAudioEncoder = func(c codec.AudioConfig) (codec.AudioEncoder, error) {
			e, err := open(c)
			return &slowAudio{AudioEncoder: e, stop: time.Minute}, err
		}
		s, tapes, told := gapStage(t, config(), set)
		s.start()
		time.Sleep(90 * time.Second)
		s.Stop()
		<-s.done
		gop := s.cfg.Rate.Frame(int64(s.cfg.GOP))
		for name, g := range map[string]media.Time{"720p": gop, "180p": gop, AudioID: 0} {
			left := wholeExcept(t, name, tapes[name], g)
			if left < 50*media.Second || left > 62*media.Second {
				t.Errorf("%s: %v left out", name, left)
			}
		}
		if s.soundLags.Load() {
			t.Error("a pause is taken for a lack of cores")
		}
		if n := s.Stats().Rungs[0].Samples; n > 40*30 {
			t.Errorf("%d pictures encoded", n)
		}
		if all := strings.Join(told(), "\n"); !strings.Contains(all, "suspended ") || strings.Contains(all, "load") {
			t.Errorf("events: %s", all)
		}
	})
}

// slowAudio stops for a while at its 300th block.
type slowAudio struct {
	codec.AudioEncoder
	n    int
	stop time.Duration
}

func (e *slowAudio) Encode(samples []float32) ([]media.Packet, error) {
	if e.n++; e.n == 300 {
		time.Sleep(e.stop)
	}
	return e.AudioEncoder.Encode(samples)
}

func TestBitRateChangesLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		for k := range 240 {
			if k == 120 {
				if err := s.SetBitRate("main", "720p", 1_000_000, 0); err != nil {
					t.Error(err)
				}
			}
			s.show(video, k, 64, 36, palette[k%9])
			time.Sleep(tick)
		}
		for _, c := range []struct {
			canvas, rung string
			bit, max     int
			says         string
		}{
			{"main", "720p", 3_000_000, 0, "announces"}, {"main", "720p", 1_000_000, 500_000, "announces"}, {"main", "720p", 1, 0, "10000"},
			{"main", "8k", 1_000_000, 0, "no rung 8k"}, {"tall", "720p", 1_000_000, 0, "canvas tall"},
		} {
			if err := s.SetBitRate(c.canvas, c.rung, c.bit, c.max); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		s.end()
		rate := func(from, to media.Time) (n int) {
			for _, p := range s.tapes["720p"].packets {
				if p.At >= from && p.At < to {
					n += 8 * len(p.Data)
				}
			}
			return n / int((to-from)/media.Second)
		}
		before, after := rate(0, 4*media.Second), rate(6*media.Second, 8*media.Second)
		if before < 2_300_000 || before > 2_700_000 || after < 900_000 || after > 1_100_000 {
			t.Errorf("%d bit/s, then %d", before, after)
		}
	})
}

func TestRungsIn709HaveTheSameColours(t *testing.T) {
	for in709 := range 2 { // the rung of the canvas's own size, and one that is scaled
		testRungIn709(t, in709)
	}
}

func testRungIn709(t *testing.T, in709 int) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Canvases[0].Rungs[in709].BT709 = true
		s := newStage(t, cfg, codec.Fake()).start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		for k := range 60 {
			s.show(video, k, 640, 360, palette[0])
			time.Sleep(tick)
		}
		s.end()
		one := codec.NewPicture(16, 16)
		defer one.Release()
		codec.Fill(one, palette[0])
		codec.To709(one, one)
		for k, r := range s.cfg.Canvases[0].Rungs {
			rung, want := r.Name, palette[0]
			if k == in709 {
				want = one.Pixel(4, 4)
			}
			units := s.video(rung)
			u := units[len(units)/2]
			if got := u.Mean(shrink(whole, 1280, u.W)); !near(got, want) {
				t.Errorf("%s: %v, want %v", rung, got, want)
			}
		}
	})
}
