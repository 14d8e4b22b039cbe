package compositor

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

const tick = time.Second / 30

var (
	black = codec.RGB(0, 0, 0)
	white = codec.RGB(255, 255, 255)
	whole = image.Rect(0, 0, 1280, 720)
)

func TestPicturesAreShownAfterTheDelayAndStayInStepWithSound(t *testing.T) {
	for _, delay := range []media.Time{0, 80 * media.Millisecond, 150 * media.Millisecond, 300 * media.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Delay = delay
			s := newStage(t, cfg, codec.Fake()).start()
			tile := s.Join(TileConfig{ID: "a", Name: "Ada"})
			video, audio := s.open(tile, media.VP8), s.open(tile, media.Opus)
			const flash = 40 // frames of picture, at 30 fps: 1.333 s
			go func() {
				for k := range 90 {
					colour := black
					if k >= flash {
						colour = white
					}
					at := fps30.Frame(int64(k))
					time.Sleep(time.Until(s.cfg.Clock.Instant(at)))
					video.Push(codec.FakeVideoPacket(media.VP8, 640, 360, colour, k%30 == 0, int64(k), at))
				}
			}()
			for k := range 150 { // 20 ms each; the beep is in the middle of the 66th, in step with the flash
				at := media.Time(k) * 20 * media.Millisecond
				a := codec.FakeAudio{Seq: int64(k), Samples: 960}
				if start := fps30.Frame(flash).Ticks(48000) - int64(k)*960; start < 0 {
					a.Level = [2]float64{0.5, 0.5}
				}
				time.Sleep(time.Until(s.cfg.Clock.Instant(at)))
				audio.Push(media.Packet{At: at, Key: true, Data: a.Append(nil)})
			}
			s.end()
			flashed := firstTime(s, white)
			half := fps30.Frame(1) / 2
			most := half
			if delay < half { // what lies in the future can't be shown
				most = 2 * half
			}
			if off := flashed - (fps30.Frame(flash) + delay); off < -half || off > most {
				t.Errorf("delay %v: the flash is shown %v after its time", delay, off)
			}
			beeped := firstSound(s)
			beep := media.FromTicks(67*960, 48000) // the first packet with a level
			if off := beeped - beep - delay; off < 0 || off > media.FromTicks(8, 48000) {
				t.Errorf("delay %v: the beep is heard %v after its time", delay, off)
			}
		})
	}
}

// firstTime is the time of the first sample of the top rung in colour c.
func firstTime(s *stage, c codec.YCbCr) media.Time {
	s.t.Helper()
	for _, u := range s.video("720p") {
		if near(u.Mean(shrink(whole, 1280, 1280)), c) {
			return u.At
		}
	}
	s.t.Fatalf("colour %v is never shown", c)
	return 0
}

// firstSound is the time of the first sample that is heard.
func firstSound(s *stage) media.Time {
	s.t.Helper()
	for k, a := range s.audio() {
		if a.Onset >= 0 {
			return s.tapes[AudioID].packets[k].At + media.FromTicks(int64(a.Onset), 48000)
		}
	}
	s.t.Fatal("nothing is heard")
	return 0
}

// slow wraps a set so that each encoding takes a while, by rung width.
func slow(set codec.Set, delay func(w, n int) time.Duration) codec.Set {
	open := set.NewVideoEncoder
	set.NewVideoEncoder = func(c codec.VideoConfig) (codec.VideoEncoder, error) {
		e, err := open(c)
		return &slowEncoder{VideoEncoder: e, w: c.W, delay: delay}, err
	}
	return set
}

type slowEncoder struct {
	codec.VideoEncoder
	w, n  int
	delay func(w, n int) time.Duration
}

func (e *slowEncoder) Encode(p *codec.Picture, dur media.Time, key bool) ([]media.Packet, error) {
	time.Sleep(e.delay(e.w, e.n))
	e.n++
	return e.VideoEncoder.Encode(p, dur, key)
}

func (e *slowEncoder) SetRate(bitRate, maxRate, buffer int) error {
	return e.VideoEncoder.(codec.RateSetter).SetRate(bitRate, maxRate, buffer)
}

func TestSlowEncodersLeaveNoHoles(t *testing.T) {
	for name, delay := range map[string]func(w, n int) time.Duration{
		"twice too slow":      func(w, n int) time.Duration { return 2 * tick },
		"one rung":            func(w, n int) time.Duration { return time.Duration(w/1280) * 120 * time.Millisecond },
		"a second now & then": func(w, n int) time.Duration { return time.Duration(n%40/39) * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, config(), slow(codec.Fake(), delay)).start()
				video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
				for k := range 300 {
					s.show(video, k, 640, 360, palette[k%len(palette)])
					time.Sleep(tick)
				}
				s.end()
				st := s.Stats()
				if st.Rungs[0].Skipped == 0 || st.Rungs[0].Replaced == 0 {
					t.Errorf("skipped slots are not counted: %+v", st.Rungs[0])
				}
				if name == "one rung" && st.Rungs[1].Replaced > 0 {
					t.Errorf("a slow rung held up the other: %+v", st.Rungs[1])
				}
				if st.Rungs[0].Samples+st.Rungs[0].Skipped < 300 {
					t.Errorf("slots are missing: %+v", st.Rungs[0])
				}
			})
		})
	}
}

// brittle fails each nth encoding.
type brittle struct {
	codec.VideoEncoder
	n, every int
}

func (e *brittle) Encode(p *codec.Picture, dur media.Time, key bool) ([]media.Packet, error) {
	if e.n++; p != nil && e.n%e.every == 0 {
		return nil, errors.New("the encoder hiccups")
	}
	return e.VideoEncoder.Encode(p, dur, key)
}

// A failed encoding is made up for by the next picture, key frames in their places: a hole would end
// the rendition for good.
func TestEncoderErrorsLeaveNoHole(t *testing.T) {
	for _, every := range []int{61, 7, 2} { // the 61st is a key frame
		synctest.Test(t, func(t *testing.T) {
			set := codec.Fake()
			open := set.NewVideoEncoder
			set.NewVideoEncoder = func(c codec.VideoConfig) (codec.VideoEncoder, error) {
				e, err := open(c)
				return &brittle{VideoEncoder: e, every: every}, err
			}
			s := newStage(t, config(), set).start()
			time.Sleep(6 * time.Second)
			s.end() // looks for holes
			if st := s.Stats().Rungs[0]; st.Faults == 0 || st.Samples+st.Skipped < 170 {
				t.Errorf("every %d: %+v", every, st)
			}
		})
	}
}

func TestLateStartBeginsWithAGOP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake())
		time.Sleep(2*time.Second + 300*time.Millisecond)
		s.start()
		time.Sleep(3 * time.Second)
		s.end()
		if at := s.tapes["720p"].packets[0].At; at != 4*media.Second {
			t.Errorf("started at 2.3 s, the picture begins at %v, want 4 s", at)
		}
		if at := s.tapes[AudioID].packets[0].At; at > 4*media.Second || at < 4*media.Second-22*media.Millisecond {
			t.Errorf("the sound begins at %v", at)
		}
	})
}

func TestStartAtTheEpochHasNoHoleInFront(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake())
		time.Sleep(400 * time.Millisecond)
		s.start()
		time.Sleep(time.Second)
		s.end()
		if s.tapes["720p"].packets[0].At != 0 || s.tapes[AudioID].packets[0].At != 0 {
			t.Error("the program does not begin at its epoch")
		}
	})
}

func TestStopWithoutRunningAndTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := codec.Live()
		s := newStage(t, config(), codec.Fake())
		tile := s.Join(TileConfig{ID: "a", Name: "Ada"})
		i := s.open(tile, media.VP8)
		s.Stop()
		s.Stop()
		s.start()
		<-s.done
		for id, tp := range s.tapes {
			if tp.closed != 1 {
				t.Errorf("%s closed %d times", id, tp.closed)
			}
		}
		if i.Push(media.Packet{}) || tile.c.Join(TileConfig{ID: "b", Name: "Bob"}) == nil {
			t.Error("a stopped compositor wants something")
		}
		if _, err := tile.Open(media.VP8); !errors.Is(err, ErrStopped) {
			t.Errorf("Open after Stop: %v", err)
		}
		tile.Leave()
		tile.Rename("x")
		s.Apply(map[string]Look{"main": {}})
		if n := codec.Live() - before; n != 0 {
			t.Errorf("%d pictures are still held", n)
		}
	})
}

func TestWhatWasPushedBeforeStopIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		for k := range 20 {
			s.show(video, k, 640, 360, black)
			time.Sleep(tick)
		}
		s.show(video, 30, 640, 360, white)
		s.end()
		firstTime(s, white)
	})
}

// Lost packets of sound leave no hole; a pause is none.
func TestLostSoundIsMadeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		in := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus)
		for k := range 150 {
			switch {
			case k%10 == 5, k%10 == 6 && k < 50: // lost
			case k >= 80 && k < 100: // a pause
			default:
				in.Push(codec.FakeAudioPacket(0.5, 0, int64(k), s.now()))
			}
			time.Sleep(20 * time.Millisecond)
		}
		st := s.Stats().Inputs[0]
		s.end()
		for k, a := range s.audio() {
			at := media.FromTicks(int64(k)*1024, 48000) - s.cfg.Delay
			sound := at > 0 && at < 1570*media.Millisecond || at > 2010*media.Millisecond && at < 2950*media.Millisecond
			pause := at > 1610*media.Millisecond && at < 1960*media.Millisecond
			if sound && a.Level[0] < 0.249 || pause && a.Level[0] != 0 {
				t.Errorf("frame %d at %v has level %v", k, at, a.Level)
			}
		}
		if st.Concealed != 13 || st.Gaps != 1 || st.Late > 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestSoundIsWholeAndAtItsLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		one, two := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus), s.open(s.Join(TileConfig{ID: "b", Name: "Bob"}), media.Opus)
		for k := range 200 {
			at := s.now()
			one.Push(codec.FakeAudioPacket(0.2, 480, int64(k), at))
			if k < 100 {
				two.Push(codec.FakeAudioPacket(0.4, 480, int64(k), at))
			}
			if k == 100 {
				two.Close()
			}
			time.Sleep(20 * time.Millisecond)
		}
		s.end()
		frames := s.audio()
		for k, a := range frames {
			at := media.FromTicks(int64(k)*1024, 48000) - s.cfg.Delay
			want := -1.0
			switch {
			case at < -22*media.Millisecond, at > 4*media.Second:
				want = 0
			case at > 0 && at < 1970*media.Millisecond:
				want = 0.6
			case at > 2*media.Second && at < 3970*media.Millisecond:
				want = 0.2
			}
			if want >= 0 && math.Abs(a.Level[0]-want) > 1e-3 || a.Level[0] != a.Level[1] {
				t.Fatalf("frame %d at %v has level %v, want %v", k, at, a.Level, want)
			}
			if want > 0 && math.Abs(a.Tone-480) > 1 {
				t.Fatalf("frame %d has tone %v, want 480: samples are missing", k, a.Tone)
			}
		}
		for _, i := range s.Stats().Inputs {
			if i.Gaps+i.Snaps+i.Steered+i.Late+i.Dropped > 0 {
				t.Errorf("an input in step was touched: %+v", i)
			}
		}
	})
}

// A publisher whose sound is decoded to numbers that are none, and then to thunder: nobody else is drowned by the former,
// and once it ends all is as before.
func TestWildSamplesLeaveNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Mix.Loudness = -16
		s := newStage(t, cfg, codec.Fake()).start()
		one, two := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus), s.open(s.Join(TileConfig{ID: "b", Name: "Bob"}), media.Opus)
		for k := range 500 {
			one.Push(codec.FakeAudioPacket(0.25, 480, int64(k), s.now()))
			switch {
			case k < 100:
			case k < 150:
				two.Push(codec.FakeAudioPacket(math.NaN(), 0, int64(k), s.now()))
			case k < 200:
				two.Push(codec.FakeAudioPacket([]float64{math.Inf(1), -1e30}[k%2], 0, int64(k), s.now()))
			}
			time.Sleep(20 * time.Millisecond)
		}
		s.end()
		before := 0.0
		for k, a := range s.audio() {
			at, l := media.FromTicks(int64(k)*1024, 48000)-s.cfg.Delay, a.Level[0]
			switch {
			case at < 1900*media.Millisecond:
				before = l
			case at < 2900*media.Millisecond && math.Abs(l/before-1) > 0.1,
				at > 5*media.Second && at < 9900*media.Millisecond && (l < before/2 || l > before*1.5):
				t.Fatalf("frame %d at %v has level %v, %v before", k, at, l, before)
			}
		}
	})
}

func TestHundredsOfJoinsAndLeavesLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := codec.Live()
		cfg := config()
		cfg.Canvases[0].W, cfg.Canvases[0].H, cfg.Canvases[0].Rungs = 160, 90, []Rung{{Name: "90p", W: 160, H: 90, BitRate: 100_000}}
		s := newStage(t, cfg, codec.Fake()).start()
		var stage []*Tile
		for k := range 500 {
			tile := s.Join(TileConfig{ID: fmt.Sprint(k), Name: fmt.Sprint("Guest ", k)})
			video, audio := s.open(tile, []media.Codec{media.VP8, media.H264}[k%2]), s.open(tile, media.Opus)
			for f := range 3 {
				s.show(video, f, 64, 36, palette[k%9])
				audio.Push(codec.FakeAudioPacket(0.1, 300, int64(f), s.now()))
				time.Sleep(10 * time.Millisecond)
			}
			if k%3 == 0 {
				video.Close()
				audio.Close()
			}
			stage = append(stage, tile)
			if len(stage) > k%11 {
				stage[k%len(stage)].Leave()
				stage[k%len(stage)].Leave()
				stage = append(stage[:k%len(stage)], stage[k%len(stage)+1:]...)
			}
		}
		for _, tile := range stage {
			tile.Leave()
		}
		time.Sleep(time.Second)
		s.end()
		if n := len(s.mixer.channels); n != 0 {
			t.Errorf("%d voices are left", n)
		}
		if n := codec.Live() - before; n != 0 {
			t.Errorf("%d pictures are still held", n)
		}
	})
}

func TestDemandFollowsTheLayout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Canvases[0].Look.Layout.Max = 9
		s := newStage(t, cfg, codec.Fake()).start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		d := video.Demand()
		if d.W != 1264 || d.H != 704 || d.FPS != 30 {
			t.Errorf("alone: %+v", d)
		}
		var last *Tile
		for k := range 9 {
			last = s.Join(TileConfig{ID: fmt.Sprint(k), Name: "x"})
		}
		select {
		case <-d.Changed:
		default:
			t.Error("a change of layout is not told")
		}
		if d = video.Demand(); d.W == 0 || d.W > 416 {
			t.Errorf("one of ten: %+v", d)
		}
		out := s.open(last, media.VP8)
		if d := out.Demand(); d.W != 0 {
			t.Errorf("the tenth: %+v", d)
		}
		if s.show(out, 0, 64, 36, white) {
			t.Error("a key frame is asked of an input that nobody sees")
		}
		d = out.Demand()
		s.Join(TileConfig{ID: "a", Name: "Ada"}).Leave()
		<-d.Changed
		if d := out.Demand(); d.W == 0 {
			t.Errorf("the tenth of nine: %+v", d)
		}
		if !s.show(out, 1, 64, 36, white) || s.show(out, 30, 64, 36, white) {
			t.Error("coming into view does not begin with a key frame")
		}
		if d := s.open(last, media.Opus).Demand(); d.W == 0 {
			t.Error("sound is not wanted")
		}
		s.end()
	})
}

// A shared screen takes the stage with its first picture, which is asked for where it has no tile, too, and gives
// it back when it is lost.
func TestSharedScreenTakesTheStageWithItsFirstPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Canvases[0].Look.Layout.Mode, cfg.Canvases[0].Look.Layout.ShareScreen = layout.Single, true
		s := newStage(t, cfg, codec.Fake()).start()
		ada := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		tile := s.Join(TileConfig{ID: "s", Name: "Screen", Kind: Screen})
		screen := s.open(tile, media.VP8)
		large := func() string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.tiles[s.canvases[0].plan.Slots[0].Person].id
		}
		run := func(frames int, share bool) {
			for n := range frames {
				s.show(ada, n, 640, 360, palette[0])
				if share {
					s.show(screen, n, 640, 400, palette[1])
				}
				time.Sleep(time.Second / 30)
			}
		}
		run(10, false)
		if d := screen.Demand(); large() != "a" || d.W == 0 || d.W > 640 {
			t.Errorf("before its first picture %s is large, and of the screen %dx%d are wanted", large(), d.W, d.H)
		}
		shared := s.now()
		for large() != "s" && s.now() < shared+media.Second {
			run(1, true)
		}
		if waited := s.now() - shared; waited < cfg.Delay || waited > cfg.Delay+2*fps30.Frame(1) {
			t.Errorf("its first picture is due after %v, and it is large after %v", cfg.Delay, waited)
		}
		run(10, true)
		if d := screen.Demand(); large() != "s" || d.H < 600 {
			t.Errorf("then %s is large, and of the screen %dx%d are wanted", large(), d.W, d.H)
		}
		run(90, false) // it stands still
		if large() != "s" {
			t.Errorf("standing still it has given %s the stage", large())
		}
		tile.SetAway(true)
		run(10, false)
		if large() != "a" {
			t.Errorf("with the screen lost %s is large", large())
		}
		tile.SetAway(false)
		back := s.open(tile, media.VP8)
		if d := back.Demand(); large() != "a" || d.W == 0 {
			t.Errorf("coming back, %s is large, and %dx%d are wanted", large(), d.W, d.H)
		}
		screen = back
		run(10, true)
		if large() != "s" {
			t.Errorf("back again, %s is large", large())
		}
		s.end()
	})
}

func TestLostDecoderAsksForAKeyFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		if !s.show(video, 1, 64, 36, black) {
			t.Error("no key frame is asked for at the start")
		}
		s.show(video, 30, 64, 36, black)
		video.Push(media.Packet{At: s.now(), Data: []byte("rubbish")})
		synctest.Wait()
		if !s.show(video, 2, 64, 36, white) {
			t.Error("no key frame is asked for after an error")
		}
		time.Sleep(tick)
		if s.show(video, 60, 64, 36, white) {
			t.Error("a key frame is asked for although one came")
		}
		time.Sleep(time.Second)
		s.end()
		firstTime(s, white)
		if in := s.Stats(); len(in.Inputs) != 0 {
			t.Error("tiles are left after the end")
		}
	})
}

func TestResolutionChangeKeepsTheTile(t *testing.T) {
	for _, fit := range []layout.Fit{layout.Cover, layout.Contain} {
		if testing.Short() && fit == layout.Cover {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Canvases[0].Look.Fit = fit
			s := newStage(t, cfg, codec.Fake()).start()
			video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
			for k, size := range [][2]int{{320, 180}, {640, 360}, {1920, 1080}, {640, 480}, {360, 640}, {33, 77}, {1264, 704}} {
				for range 15 {
					s.show(video, 30*k, size[0], size[1], palette[k])
					time.Sleep(tick)
				}
			}
			s.end()
			for k := range 7 {
				firstTime7 := fps30.Index(fps30.Frame(int64(15*k+12)) + cfg.Delay)
				u := s.video("180p")[firstTime7]
				if got := u.Mean(image.Rect(140, 60, 180, 120)); !near(got, palette[k]) {
					t.Errorf("size %d: the tile's middle is %v, want %v", k, got, palette[k])
				}
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		pixel := func() codec.YCbCr {
			p := s.Snapshot()
			defer p.Release()
			return p.Pixel(640, 100)
		}
		time.Sleep(100 * time.Millisecond)
		empty := pixel()
		tile := s.Join(TileConfig{ID: "a", Name: "Ada"})
		time.Sleep(100 * time.Millisecond)
		blank := pixel()
		if blank == empty {
			t.Error("a tile without video looks like an empty stage")
		}
		video := s.open(tile, media.VP8)
		s.show(video, 0, 640, 360, white)
		time.Sleep(time.Second)
		if !near(pixel(), white) {
			t.Error("a stalled picture is not kept for a second")
		}
		time.Sleep(2 * time.Second)
		if near(pixel(), white) {
			t.Error("a picture is frozen for more than two seconds")
		}
		s.show(video, 30, 640, 360, white)
		time.Sleep(300 * time.Millisecond)
		if !near(pixel(), white) {
			t.Error("a picture after a stall is not shown")
		}
		video.Close()
		time.Sleep(300 * time.Millisecond)
		if near(pixel(), white) {
			t.Error("a closed input is still shown")
		}
		video = s.open(tile, media.VP8)
		s.show(video, 0, 640, 360, white)
		tile.SetAway(true)
		video.Close()
		time.Sleep(time.Second)
		if !near(pixel(), white) {
			t.Error("the last picture of somebody away is not kept")
		}
		tile.Rename("Bob")
		tile.Leave()
		time.Sleep(100 * time.Millisecond)
		if pixel() != empty {
			t.Error("the stage is not empty after the last has left")
		}
		s.end()
	})
}

func TestApplyTakesEffectAtOneFrameOnAllRungs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		s.Join(TileConfig{ID: "a", Name: "Ada"})
		s.Join(TileConfig{ID: "b", Name: "Bob"})
		time.Sleep(500 * time.Millisecond)
		look := s.cfg.Canvases[0].Look
		look.Layout.Gap, look.Layout.Margin, look.Background.R = layout.Pixels(200), layout.Pixels(100), 255
		s.Apply(map[string]Look{"main": look})
		time.Sleep(500 * time.Millisecond)
		s.end()
		at := map[string][]media.Time{}
		for _, r := range s.cfg.Canvases[0].Rungs {
			var before codec.YCbCr
			for k, u := range s.video(r.Name) {
				c := u.Mean(image.Rect(r.W*47/100, r.H*4/10, r.W*53/100, r.H*6/10))
				if k > 0 && !near(c, before) {
					at[r.Name] = append(at[r.Name], u.At)
				}
				before = c
			}
		}
		if len(at["720p"]) != 1 || !slices.Equal(at["720p"], at["180p"]) {
			t.Errorf("the look changes at %v", at)
		}
	})
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for word, change := range map[string]func(*Config){
		"canvas of 1281x720": func(c *Config) { c.Canvases[0].W = 1281 },
		"frame rate 0/1":     func(c *Config) { c.Rate.Num = 0 },
		"no rungs":           func(c *Config) { c.Canvases[0].Rungs = nil },
		`rung "180p" of 320`: func(c *Config) { c.Canvases[0].Rungs[1].H = 181 },
		`rung "720p"`:        func(c *Config) { c.Canvases[0].Rungs[1].Name = "720p" },
		`rung "audio"`:       func(c *Config) { c.Canvases[0].Rungs[1].Name = "audio" },
		"larger":             func(c *Config) { c.Canvases[0].Rungs[1].W = 0 },
		"GOP of 0":           func(c *Config) { c.GOP = 0 },
		"parts of -1":        func(c *Config) { c.PartFrames = -1 },
		"delay":              func(c *Config) { c.Delay = -1 },
	} {
		cfg := config()
		cfg.Open = func(string, string, media.Params) (Outlet, error) { return &tape{}, nil }
		change(&cfg)
		if word == "larger" {
			word = "from 16 to the canvas's 1280x720"
		}
		if _, err := New(cfg, codec.Fake()); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("want an error about %q, have %v", word, err)
		}
	}
}

func TestEncoderThatDoesNotOpen(t *testing.T) {
	cfg := config()
	var tapes []*tape
	cfg.Open = func(string, string, media.Params) (Outlet, error) {
		tapes = append(tapes, &tape{})
		return tapes[len(tapes)-1], nil
	}
	cfg.Canvases[0].Rungs[1].Encoder = "h264_martian"
	before := codec.Live()
	synctest.Test(t, func(t *testing.T) {
		c, err := New(cfg, codec.Fake())
		if err != nil {
			t.Fatalf("no fallback: %v", err)
		}
		c.Stop()
		c.Run()
	})
	tapes = nil
	set := codec.Fake()
	open := set.NewVideoEncoder
	set.NewVideoEncoder = func(c codec.VideoConfig) (codec.VideoEncoder, error) {
		if c.W == 320 {
			return nil, codec.ErrUnavailable
		}
		return open(c)
	}
	_, err := New(cfg, set)
	if !errors.Is(err, codec.ErrUnavailable) || !strings.Contains(err.Error(), `rung "180p": open encoder "h264_martian"`) {
		t.Errorf("the error does not say what failed: %v", err)
	}
	if len(tapes) != 1 || tapes[0].closed != 1 || codec.Live() != before {
		t.Errorf("a failed New leaves something open")
	}
}
