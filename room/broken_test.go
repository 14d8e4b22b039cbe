package room

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/ingest"
	"tilecast/media"
)

// deadEncoder opens, and nothing more.
type deadEncoder struct{ codec.VideoEncoder }

func (deadEncoder) Encode(*codec.Picture, media.Time, bool) ([]media.Packet, error) {
	return nil, errors.New("device lost")
}

// An encoder that never works keeps nobody from watching the other rungs, and the room says so.
func TestDeadEncoderKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := codec.Fake()
		open := set.NewVideoEncoder
		set.NewVideoEncoder = func(c codec.VideoConfig) (codec.VideoEncoder, error) {
			e, err := open(c)
			if c.W == 320 {
				e = deadEncoder{e}
			}
			return e, err
		}
		cfg := demo()
		cfg.Canvases[0].Rungs = append(cfg.Canvases[0].Rungs, compositor.Rung{Name: "90p", W: 160, H: 90, BitRate: 100_000})
		s := &shelf{}
		rs, err := New([]Config{cfg}, set, s, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer rs.Close(context.Background())
		enter(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		time.Sleep(5 * time.Second)
		if !s.programs[0].Live() {
			t.Error("the program cannot be played after five seconds")
		}
		log, err := rs.Events("demo")
		if err != nil {
			t.Fatal(err)
		}
		said := 0
		events, _ := log.Since(0)
		for _, e := range events {
			if e.Kind == "rung" && e.Attrs["rung"] == "180p" && e.Attrs["state"] == "failed" && e.Attrs["err"] == "device lost" {
				said++
			}
		}
		if st := rs.Stats()[0].Compositor; said != 1 || !st.Rungs[0].Failed || st.Rungs[1].Failed {
			t.Errorf("said %d times in %+v; %+v", said, events, st.Rungs)
		}
	})
}
