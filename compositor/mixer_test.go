package compositor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

func TestSoundRenditionsAreOneMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Sounds = []Sound{{AudioID, 128_000}, {"audio-low", 48_000}}
		s := newStage(t, cfg, codec.Fake()).start()
		voice := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus)
		for k := range int64(100) {
			voice.Push(codec.FakeAudioPacket(0.01*float64(k%50), 480, k, s.now()))
			time.Sleep(20 * time.Millisecond)
		}
		s.end()
		full, low := s.tapes[AudioID], s.tapes["audio-low"]
		if len(full.packets) != len(low.packets) || low.closed != 1 || low.params.Audio.BitRate != 48_000 {
			t.Fatalf("%d and %d packets, closed %d times, %+v", len(full.packets), len(low.packets), low.closed, low.params.Audio)
		}
		for k, p := range full.packets {
			a, errA := codec.ParseFakeAudio(p.Data)
			b, errB := codec.ParseFakeAudio(low.packets[k].Data)
			if errA != nil || errB != nil || a != b || p.At != low.packets[k].At {
				t.Fatalf("frame %d: %+v at %v, low %+v at %v", k, a, p.At, b, low.packets[k].At)
			}
		}
		if st := s.Stats().Rungs; st[len(st)-1].Name != "audio-low" || st[len(st)-1].Samples != int64(len(low.packets)) {
			t.Errorf("%+v", st)
		}
	})
}

func TestSoundsAreChecked(t *testing.T) {
	cfg := config()
	cfg.Open = func(string, string, media.Params) (Outlet, error) { return &tape{}, nil }
	cfg.Sounds = []Sound{{"a", 48_000}, {"a", 48_000}, {"", 48_000}, {"b", 1000}}
	_, err := New(cfg, codec.Fake())
	for _, want := range []string{`sound "a"`, `sound ""`, "1000 bit/s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
}
