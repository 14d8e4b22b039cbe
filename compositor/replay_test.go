package compositor

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

func TestStillPictureIsEncodedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		time.Sleep(21 * time.Second) // a slate
		tile := s.Join(TileConfig{ID: "a", Name: "Ada"})
		video := s.open(tile, media.VP8)
		for k := range 150 {
			s.show(video, k, 640, 360, palette[2])
			time.Sleep(tick)
		}
		tile.Leave()
		time.Sleep(20 * time.Second)
		s.end() // nothing is missing, key frames are where they should be
		for k, r := range []string{"720p", "180p"} {
			seen := map[string]int{}
			for _, p := range s.tapes[r].packets {
				seen[string(p.Data)]++
			}
			st := s.Stats().Rungs[k]
			if most := 3*60 + 5*30 + 3*60; len(seen) > most || st.Replayed < 25*30 {
				t.Errorf("%s: %d pictures encoded, %d given again", r, len(seen), st.Replayed)
			}
		}
		part := s.cfg.Rate.Frame(int64(s.cfg.PartFrames) + 2)
		shown := firstTime(s, palette[2])
		if shown < 21*media.Second || shown > 21*media.Second+part {
			t.Errorf("who joins at 21 s is shown at %v", shown)
		}
	})
}

// What changes on a stage that stood still is seen where the next part begins, on every rung, whenever it comes; a motion
// is seen as a whole.
func TestStillStageComesToLifeWithinAPart(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and has nothing of its own to race with")
	}
	for _, slot := range []int64{621, 630, 659} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Rate, cfg.GOP, cfg.PartFrames = fps30, 60, 10
			cv := &cfg.Canvases[0]
			cv.W, cv.H = 320, 180
			cv.Rungs = []Rung{{Name: "180p", W: 320, H: 180, BitRate: 300_000}, {Name: "90p", W: 160, H: 90, BitRate: 100_000}}
			cv.Look.Motion = Motion{Duration: 300 * media.Millisecond, Hold: 2 * media.Second}
			s := newStage(t, cfg, codec.Fake()).start()
			video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
			s.show(video, 0, 64, 36, palette[0]) // one picture, that stays
			time.Sleep(fps30.Frame(slot).Duration() - 5*time.Millisecond - s.now().Duration())
			s.Join(TileConfig{ID: "b", Name: "Bob"})
			time.Sleep(12 * time.Second)
			s.end()
			edge := fps30.Frame((slot + 9) / 10 * 10)
			for _, r := range []string{"180p", "90p"} {
				if extra := s.extraKeys(r); edge%(2*media.Second) != 0 && (len(extra) != 1 || extra[0] != edge) || edge%(2*media.Second) == 0 && len(extra) > 0 {
					t.Errorf("slot %d: %s has extra key frames at %v, want %v", slot, r, extra, edge)
				}
				units := s.video(r)
				before, pictures := fmt.Sprint(units[slot-1].Cells), map[string]bool{}
				for k := slot - 1; k < slot+60; k++ {
					if fps30.Frame(k) < edge {
						continue
					}
					pictures[fmt.Sprint(units[k].Cells)] = true
				}
				if len(pictures) < 8 || pictures[before] {
					t.Errorf("slot %d: %s shows %d pictures of the motion, from %v on; as before: %v", slot, r, len(pictures), edge, pictures[before])
				}
			}
			if st := s.Stats().Rungs; st[0].Replayed < 400 || st[1].Replayed != st[0].Replayed {
				t.Errorf("slot %d: %+v", slot, st)
			}
		})
	}
}

// Only a stage that stands still is given again: who moves is not.
func TestMovingPictureIsNotGivenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config(), codec.Fake()).start()
		video := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.VP8)
		for k := range 600 {
			s.show(video, k, 64, 36, palette[k%9])
			time.Sleep(tick)
		}
		n := s.Stats().Rungs[0].Replayed
		s.end()
		if n != 0 {
			t.Errorf("%d pictures of a moving stage given again", n)
		}
	})
}

// What is given again decodes with another's decoder, into the same picture, and what follows too; so
// does silence.
func TestRealDecodersTakeWhatIsGivenAgain(t *testing.T) {
	set := codec.LibAV()
	if _, err := set.NewVideoDecoder(media.VP8); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	clip := coloured(t, set, media.VP8, 60, palette[2])
	voice := spoken(t, set, 100)
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cv := &cfg.Canvases[0]
		cv.W, cv.H = 320, 180
		cv.Rungs = []Rung{{Name: "180p", W: 320, H: 180, BitRate: 300_000, Encoder: "libx264", Preset: "ultrafast"}}
		s := newStage(t, cfg, set).start()
		time.Sleep(15*time.Second - 100*time.Millisecond)
		tile := s.Join(TileConfig{ID: "a", Name: "Ada"})
		video, audio := s.open(tile, media.VP8), s.open(tile, media.Opus)
		for k, p := range clip {
			p.At = s.now()
			video.Push(p)
			for _, v := range voice[k*100/60 : (k+1)*100/60] {
				v.At = s.now()
				audio.Push(v)
			}
			time.Sleep(tick)
		}
		tile.Leave()
		time.Sleep(12 * time.Second)
		s.end()
		st := s.Stats()
		if st.Rungs[0].Replayed < 300 || st.Rungs[1].Replayed < 500 {
			t.Errorf("given again: %d pictures, %d frames of sound", st.Rungs[0].Replayed, st.Rungs[1].Replayed)
		}
		if extra := s.extraKeys("180p"); len(extra) == 0 || extra[0] != 15*media.Second {
			t.Errorf("extra key frames at %v", extra)
		}
		decodeStill(t, set, s)
		decodeSilence(t, s)
	})
}

// decodeStill decodes the whole rung and compares pictures of the slate, encoded and given again.
func decodeStill(t *testing.T, set codec.Set, s *stage) {
	tp := s.tapes["180p"]
	var slate, again, guest []byte
	n := 0
	decodeTape(t, set, tp, func(pic *codec.Picture) {
		n++
		row := bytes.Clone(pic.Y[90*pic.StrideY : 90*pic.StrideY+320])
		switch pic.At {
		case 5900 * media.Millisecond:
			slate = row
		case 11900 * media.Millisecond:
			again = row
		case 16500 * media.Millisecond:
			guest = row
			if got := pic.Pixel(160, 80); !near(got, palette[2]) {
				t.Errorf("the guest is shown as %v", got)
			}
		}
	})
	if n != len(tp.packets) {
		t.Errorf("%d pictures out of %d packets", n, len(tp.packets))
	}
	if slate == nil || !bytes.Equal(slate, again) || bytes.Equal(slate, guest) {
		t.Error("the slate given again is another picture")
	}
}

// decodeSilence looks for holes in the sound and for clicks where silence was given again.
func decodeSilence(t *testing.T, s *stage) {
	dec, err := codec.LibAV().NewAudioDecoder(media.AAC)
	if err != nil {
		t.Skipf("no AAC decoder: %v", err)
	}
	defer dec.Close()
	loud := 0.0
	for _, p := range s.tapes[AudioID].packets {
		samples, err := dec.Decode(p.Data)
		if err != nil {
			t.Fatalf("sound at %v: %v", p.At, err)
		}
		pk := float64(peak(samples))
		switch {
		case p.At > 15300*media.Millisecond && p.At < 16900*media.Millisecond:
			loud = max(loud, pk)
		case p.At < 14900*media.Millisecond || p.At > 17300*media.Millisecond:
			if pk > 1e-3 {
				t.Fatalf("silence sounds at %v: %v", p.At, pk)
			}
		}
	}
	if loud < 0.3 {
		t.Errorf("the guest is heard at %v", loud)
	}
}
