package compositor

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// counts are the samples of each whole part of a tape.
func (s *stage) counts(rung string) (n []int) {
	part := s.cfg.Rate.Frame(int64(s.cfg.PartFrames))
	packets := s.tapes[rung].packets
	for _, p := range packets {
		if k := int((p.At - packets[0].At) / part); k == len(n) {
			n = append(n, 1)
		} else {
			n[k]++
		}
	}
	return n[:len(n)-1]
}

// A rung of each second or third frame has as many in each part, shows what the others show at that time, and its key
// frames are where theirs are.
func TestRungsOfLessFrames(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and has nothing of its own to race with")
	}
	for _, c := range []struct {
		rate           media.FrameRate
		part, parts    int // frames, of a GOP
		every, perPart int
		own            media.FrameRate
	}{
		{rate: fps30, part: 10, parts: 6, every: 2, perPart: 5, own: media.FrameRate{Num: 15, Den: 1}},
		{rate: fps30, part: 10, parts: 6, every: 3, perPart: 4, own: media.FrameRate{Num: 12, Den: 1}},
		{rate: fps30, part: 10, parts: 6, every: 10, perPart: 1, own: media.FrameRate{Num: 3, Den: 1}},
		{rate: media.FrameRate{Num: 50, Den: 1}, part: 17, parts: 6, every: 2, perPart: 9, own: media.FrameRate{Num: 450, Den: 17}},
		{rate: media.FrameRate{Num: 30000, Den: 1001}, part: 6, parts: 5, every: 2, perPart: 3, own: media.FrameRate{Num: 15000, Den: 1001}},
		{rate: media.FrameRate{Num: 24, Den: 1}, part: 5, parts: 5, every: 2, perPart: 3, own: media.FrameRate{Num: 72, Den: 5}},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Rate, cfg.PartFrames, cfg.GOP = c.rate, c.part, c.part*c.parts
			cfg.Canvases[0].Rungs[1].Every = c.every
			s := newStage(t, cfg, codec.Fake()).start()
			video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
			for k := range 300 {
				s.show(video, k, 64, 36, palette[k%9])
				time.Sleep(c.rate.Frame(1).Duration())
			}
			st := s.Stats()
			s.end()
			low := s.tapes["180p"]
			if got := low.params.Video.Rate; got != c.own {
				t.Errorf("%v/%d: %v frames per second are announced, want %v", c.rate, c.every, got, c.own)
			}
			for k, n := range s.counts("180p") {
				if n != c.perPart {
					t.Fatalf("%v/%d: %d frames in part %d, want %d", c.rate, c.every, n, k, c.perPart)
				}
			}
			if st.Relief != 0 || st.Rungs[1].Skipped != 0 || st.Given != [giveSteps]int64{} {
				t.Errorf("%v/%d: taken for load: %+v", c.rate, c.every, st)
			}
			all := s.video("720p")
			for k, u := range s.video("180p") {
				n := c.rate.Index(low.packets[k].At - low.packets[0].At)
				if int(n)%c.part%c.every != 0 {
					t.Fatalf("%v/%d: a frame at slot %d", c.rate, c.every, n)
				}
				if !near(u.Mean(shrink(whole, 1280, 320)), all[n].Mean(shrink(whole, 1280, 1280))) {
					t.Fatalf("%v/%d: slot %d shows something else than the top rung", c.rate, c.every, n)
				}
			}
		})
	}
}

// Giving way doubles the length of its samples, too; late ones do not move those that follow.
func TestRungOfLessFramesGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Canvases[0].Rungs[1].Every = 2
		s := newStage(t, cfg, slow(codec.Fake(), func(w, n int) time.Duration {
			if w == 320 && n%25 == 24 { // once in some seconds it is a few ticks late
				return 150 * time.Millisecond
			}
			return 0
		}))
		s.start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		for k := range 360 {
			if k == 180 {
				s.relief.Store(giveFrames)
			}
			s.show(video, k, 64, 36, palette[k%9])
			time.Sleep(tick)
		}
		s.end()
		full, half := s.cfg.Rate.Frame(2), s.cfg.Rate.Frame(4)
		var n [2]int
		for _, p := range s.tapes["180p"].packets {
			if slot := s.cfg.Rate.Index(p.At) % 10; slot%2 != 0 {
				t.Fatalf("a sample at slot %d of a part", slot)
			}
			switch {
			case p.At < 5*media.Second && p.Dur == full:
				n[0]++
			case p.At > 7*media.Second && p.Dur == half:
				n[1]++
			}
		}
		if n[0] < 60 || n[1] < 25 {
			t.Errorf("%d samples of two frames, and %d of four later", n[0], n[1])
		}
	})
}

// A slate is given again at half the frames, too, and decodes.
func TestRungOfLessFramesIsGivenAgain(t *testing.T) {
	set := codec.LibAV()
	if _, err := set.NewVideoDecoder(media.VP8); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	clip := coloured(t, set, media.VP8, 60, palette[2])
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cv := &cfg.Canvases[0]
		cv.W, cv.H = 320, 180
		cv.Rungs = []Rung{
			{Name: "top", W: 320, H: 180, BitRate: 300_000, Encoder: "libx264", Preset: "ultrafast"},
			{Name: "180p", W: 320, H: 180, Every: 2, BitRate: 300_000, Encoder: "libx264", Preset: "ultrafast"},
		}
		s := newStage(t, cfg, set).start()
		time.Sleep(15 * time.Second)
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		for _, p := range clip {
			p.At = s.now()
			video.Push(p)
			time.Sleep(tick)
		}
		st := s.Stats()
		s.end()
		if n := st.Rungs[1].Replayed; n < 100 || n > st.Rungs[0].Replayed/2+1 {
			t.Errorf("%d pictures given again, %d of the rung with all frames", n, st.Rungs[0].Replayed)
		}
		for k, n := range s.counts("180p") {
			if n != 5 {
				t.Errorf("%d pictures in part %d", n, k)
			}
		}
		rows := map[media.Time][]byte{}
		n := 0
		decodeTape(t, set, s.tapes["180p"], func(pic *codec.Picture) {
			n++
			rows[pic.At] = bytes.Clone(pic.Y[90*pic.StrideY : 90*pic.StrideY+320])
		})
		slate, again, guest := rows[5800*media.Millisecond], rows[11800*media.Millisecond], rows[16800*media.Millisecond]
		if slate == nil || !bytes.Equal(slate, again) || guest == nil || bytes.Equal(slate, guest) || n != len(s.tapes["180p"].packets) {
			t.Errorf("%d pictures of %d packets; the slate given again is another, or the guest is not", n, len(s.tapes["180p"].packets))
		}
	})
}

// What an encoder has no need of it is not too late for, and a room is not full because of it.
func TestPicturesBetweenFramesAreNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Canvases[0].Rungs[1].Every = 10
		s := newStage(t, cfg, slow(codec.Fake(), func(w, _ int) time.Duration { return time.Duration(w/320%4) * 150 * time.Millisecond })).start()
		time.Sleep(4 * time.Second)
		st := s.Stats()
		s.end()
		if r := st.Rungs[1]; r.Samples < 11 || r.Replaced != 0 || r.Skipped != 0 || st.Relief != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTooFewFramesAreRefused(t *testing.T) {
	cfg := config()
	cfg.Open = func(string, string, media.Params) (Outlet, error) { return &tape{}, nil }
	cfg.Canvases[0].Rungs[1].Every = 11
	if _, err := New(cfg, codec.Fake()); err == nil || !strings.Contains(err.Error(), `rung "180p" of each 11 frames: give at most the 10`) {
		t.Error(err)
	}
}
