package compositor

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// device is what hardware encoders of one width share: it works, or not.
type device struct {
	opened int
	works  func(opened, n int) bool                 // the n-th encoding of the encoder that was opened as such, from 1
	sets   func(opened int, extra []byte) []byte    // the parameter sets it gives
	refuse func(opened int, now time.Duration) bool // to be opened
}

var errLost = errors.New("device lost")

// with makes set's encoders of that width use d.
func (d *device) with(set codec.Set, w int) codec.Set {
	open, begin := set.NewVideoEncoder, time.Now()
	set.NewVideoEncoder = func(c codec.VideoConfig) (codec.VideoEncoder, error) {
		if c.W != w {
			return open(c)
		}
		if d.opened++; d.refuse != nil && d.refuse(d.opened, time.Since(begin)) {
			return nil, errLost
		}
		e, err := open(c)
		return &lostEncoder{VideoEncoder: e, d: d, opened: d.opened}, err
	}
	return set
}

type lostEncoder struct {
	codec.VideoEncoder
	d         *device
	opened, n int
}

func (e *lostEncoder) Encode(p *codec.Picture, dur media.Time, key bool) ([]media.Packet, error) {
	if e.n++; p != nil && !e.d.works(e.opened, e.n) {
		return nil, errLost
	}
	return e.VideoEncoder.Encode(p, dur, key)
}

func (e *lostEncoder) Params() media.VideoParams {
	p := e.VideoEncoder.Params()
	if e.d.sets != nil {
		p.Extra = e.d.sets(e.opened, p.Extra)
	}
	return p
}

// onDevice runs a program of two rungs for d, of which the larger is encoded by dev, and answers what was told.
func onDevice(t *testing.T, dev *device, d time.Duration) (map[string]*reel, Stats, []string) {
	var mu sync.Mutex
	var told []string
	cfg := config()
	cfg.Event = func(kind string, attrs ...slog.Attr) {
		mu.Lock()
		defer mu.Unlock()
		for _, a := range attrs {
			kind += " " + a.Value.String()
		}
		told = append(told, kind)
	}
	cv := &cfg.Canvases[0]
	cv.W, cv.H = 320, 180
	cv.Rungs = []Rung{{Name: "180p", W: 320, H: 180, BitRate: 300_000}, {Name: "46p", W: 80, H: 46, BitRate: 60_000}}
	all := reels(t, &cfg)
	c, err := New(cfg, dev.with(codec.Fake(), 320))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run()
	}()
	s := &stage{Compositor: c, t: t}
	video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
	for k := range int(d / tick) {
		s.show(video, k, 64, 36, palette[k%9])
		time.Sleep(tick)
	}
	c.Stop()
	<-done
	return all, c.Stats(), told
}

// others holds that only the larger rung has gaps and faults, each gap in its time, and that nothing is taken for load.
func others(t *testing.T, all map[string]*reel, st Stats) (gaps, last int) {
	t.Helper()
	for _, name := range []string{"46p", AudioID} {
		if gaps, _ := all[name].check(t, name, 100*media.Millisecond); gaps > 0 {
			t.Errorf("%s has %d gaps", name, gaps)
		}
	}
	if st.Relief != 0 || st.Given != [giveSteps]int64{} || st.Rungs[1].Faults+st.Rungs[1].Skipped+st.Rungs[2].Faults > 0 {
		t.Errorf("%+v", st)
	}
	gaps, last = all["180p"].check(t, "180p", 100*media.Millisecond)
	if int64(gaps) != st.Rungs[0].Gaps || st.Rungs[0].Faults == 0 {
		t.Errorf("%d gaps, and counted: %+v", gaps, st.Rungs[0])
	}
	return gaps, last
}

// An encoder that dies in the 100th picture, and works again once it is opened anew: its rung has gaps up to the begin of a
// GOP, and nobody else has.
func TestLostEncoderIsOpenedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &device{works: func(opened, n int) bool { return opened > 1 || n < 101 }}
		all, st, told := onDevice(t, dev, 20*time.Second)
		gaps, last := others(t, all, st)
		if last+1 != 18 || gaps != 8 || dev.opened != 2 { // slots 100 to 179
			t.Errorf("%d gaps up to part %d, opened %d times", gaps, last, dev.opened)
		}
		if got := strings.Join(told, "; "); got != "rung main 180p failed device lost; rung main 180p back" || st.Rungs[0].Failed {
			t.Errorf("told: %s; %+v", got, st.Rungs[0])
		}
	})
}

// One that never works, nor opens again, has a playlist of gaps from the first part on. It is tried ever more seldom.
func TestDeadEncoderHasAPlaylistOfGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &device{works: func(int, int) bool { return false }, refuse: func(opened int, _ time.Duration) bool { return opened > 1 }}
		all, st, told := onDevice(t, dev, 120*time.Second)
		if gaps, _ := others(t, all, st); gaps != len(all["180p"].parts) || gaps < 355 || all["180p"].parts[0].Start != 0 {
			t.Errorf("%d gaps of %d parts", gaps, len(all["180p"].parts))
		}
		if dev.opened < 5 || dev.opened > 9 || !st.Rungs[0].Failed || st.Rungs[0].Samples > 0 {
			t.Errorf("opened %d times, %+v", dev.opened, st.Rungs[0])
		}
		if got := strings.Join(told, "; "); got != "rung main 180p failed device lost" {
			t.Errorf("told: %s", got)
		}
	})
}

// One that comes back as another cannot be taken: init sections stay what they were. That is said once.
func TestEncoderThatComesBackAsAnotherIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &device{
			works: func(opened, n int) bool { return opened > 1 || n < 101 },
			sets: func(opened int, extra []byte) []byte {
				if opened > 1 {
					return append(extra[:len(extra):len(extra)], 0, 0, 0, 1, 0x68, 0xee)
				}
				return extra
			},
		}
		all, st, told := onDevice(t, dev, 40*time.Second)
		if gaps, last := others(t, all, st); gaps != last-9 || last+1 != len(all["180p"].parts) {
			t.Errorf("%d gaps, the last is number %d of %d", gaps, last, len(all["180p"].parts))
		}
		if got := strings.Join(told, "; "); strings.Count(got, "failed") != 2 || !strings.Contains(got, errOtherSets.Error()) || !st.Rungs[0].Failed {
			t.Errorf("told: %s", got)
		}
	})
}

// One that fails in each GOP is failed all the time, and not told of each time.
func TestEncoderThatFailsEachGOPIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &device{works: func(_, n int) bool { return n < 31 }}
		all, st, told := onDevice(t, dev, 60*time.Second)
		others(t, all, st)
		if got := strings.Join(told, "; "); got != "rung main 180p failed device lost" || !st.Rungs[0].Failed {
			t.Errorf("told: %s", got)
		}
	})
}

// A hiccup costs no part.
func TestEncoderMayFailNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &device{works: func(_, n int) bool { return n%7 > 1 }}
		all, st, told := onDevice(t, dev, 20*time.Second)
		if gaps, _ := others(t, all, st); gaps > 0 || len(told) > 0 || dev.opened != 1 {
			t.Errorf("%d gaps, told %v", gaps, told)
		}
	})
}

// faultyOutlet refuses what is written in a stretch of the program.
type faultyOutlet struct {
	gapTape
	from, to media.Time
}

func (o *faultyOutlet) Write(p media.Packet) error {
	if p.At >= o.from && p.At < o.to {
		return errLost
	}
	return o.gapTape.Write(p)
}

// What is not written is not counted, not given again, and told of.
func TestRefusedPacketsAreToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Canvases[0].Rungs = cfg.Canvases[0].Rungs[1:]
		s, _, told := gapStage(t, cfg, codec.Fake())
		out := &faultyOutlet{from: 5 * media.Second, to: 11 * media.Second} // a still picture: given again from 6 s on
		s.canvases[0].rungs[0].out = out
		s.start()
		time.Sleep(25 * time.Second)
		s.Stop()
		<-s.done
		st := s.Stats().Rungs[0]
		if int(st.Samples) != len(out.packets) || st.Faults != 180 || st.Failed || st.Replayed < 6*30 {
			t.Errorf("%d packets, %+v", len(out.packets), st)
		}
		if got := strings.Join(told(), "; "); got != "rung main 180p failed device lost; rung main 180p back" {
			t.Errorf("told: %s", got)
		}
	})
}

// A real encoder that is opened anew gives the same parameter sets, and what it writes follows what another wrote.
func TestRealEncoderComesBack(t *testing.T) {
	set := codec.LibAV()
	if _, err := set.NewVideoDecoder(media.VP8); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cv := &cfg.Canvases[0]
		cv.W, cv.H = 320, 180
		cv.Rungs = []Rung{{Name: "180p", W: 320, H: 180, BitRate: 300_000, Encoder: "libx264", Preset: "ultrafast"}}
		dev := &device{works: func(opened, n int) bool { return opened > 1 || n < 31 }}
		s, tapes, told := gapStage(t, cfg, dev.with(set, 320))
		s.start()
		time.Sleep(9 * time.Second)
		s.Stop()
		<-s.done
		n, out := 0, tapes["180p"]
		decodeTape(t, set, &out.tape, func(*codec.Picture) { n++ })
		if n != len(out.packets) || n < 150 || dev.opened != 2 || len(told()) != 2 {
			t.Errorf("%d pictures out of %d packets, opened %d times, told %v", n, len(out.packets), dev.opened, told())
		}
		if left := wholeExcept(t, "180p", out, s.cfg.Rate.Frame(int64(s.cfg.GOP))); left != 3*media.Second {
			t.Errorf("%v left out", left)
		}
	})
}

// brittleAudio fails now and then.
type brittleAudio struct {
	codec.AudioEncoder
	n int
}

func (e *brittleAudio) Encode(samples []float32) ([]media.Packet, error) {
	if e.n++; e.n > 100 && e.n < 104 || e.n == 150 {
		e.AudioEncoder.Encode(samples)
		return nil, errLost
	}
	return e.AudioEncoder.Encode(samples)
}

// What follows a block that could not be encoded is at its time, and the block itself is what was before.
func TestSoundThatFailsDoesNotMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := codec.Fake()
		open := set.NewAudioEncoder
		set.NewAudioEncoder = func(c codec.AudioConfig) (codec.AudioEncoder, error) {
			e, err := open(c)
			return &brittleAudio{AudioEncoder: e}, err
		}
		s := newStage(t, config(), set).start()
		one := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus)
		for k := range 300 {
			one.Push(codec.FakeAudioPacket(0.25, 480, int64(k), s.now()))
			time.Sleep(20 * time.Millisecond)
		}
		s.end()
		s.checkSound()
		moved := 0
		for k, a := range s.audio() {
			if a.Seq != int64(k) {
				moved++
			}
		}
		if g := s.Stats().Rungs[2]; moved != 4 || g.Faults != 4 {
			t.Errorf("%d blocks are not in their place, %+v", moved, g)
		}
	})
}
