package room

import (
	"context"
	"errors"
	"testing"
	"time"

	"tilecast/compositor"
	"tilecast/ingest"
	"tilecast/media"
)

func TestLoadIsTheWorstShareLately(t *testing.T) {
	var l load
	var s compositor.Stats
	s.Rungs = make([]compositor.RungStats, 2)
	run := func(seconds int, late, replaced int64) int64 {
		for range seconds {
			s.Late += late
			s.Ticks += 30 - late
			for i := range s.Rungs {
				s.Rungs[i].Samples += 30
			}
			s.Rungs[1].Replaced += replaced
			s.Rungs[1].Samples -= replaced
			next := s
			next.Rungs = append([]compositor.RungStats(nil), s.Rungs...)
			l.sample(next)
		}
		return l.share.Load()
	}
	if got := run(9, 30, 30); got != 0 {
		t.Errorf("judged after 9 s: %d %%", got)
	}
	if got := run(11, 0, 0); got != 0 {
		t.Errorf("ten seconds without trouble: %d %%", got)
	}
	if got := run(10, 3, 0); got != 10 {
		t.Errorf("a tenth late: %d %%", got)
	}
	if got := run(10, 3, 24); got != 80 {
		t.Errorf("one rung loses most: %d %%", got)
	}
	if got := run(5, 0, 0); got != 40 {
		t.Errorf("half of the time well again: %d %%", got)
	}
}

// Nobody new comes into a room that is overloaded, but whoever has a place keeps it.
func TestOverloadedRoomTakesNobodyNew(t *testing.T) {
	cfg := demo()
	cfg.Overload = 50
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		time.Sleep(15*time.Second + loadStep/2) // between two looks
		enter(t, rs, ingest.Request{Session: "2", Name: "Bob"})
		p := rs.rooms["demo"].prog
		if got := p.load.share.Load(); got != 0 || len(p.load.past) != int(loadSpan/loadStep) {
			t.Fatalf("%d %% of an idle program came late; %d samples", got, len(p.load.past))
		}
		p.load.share.Store(51)
		_, err := rs.Admit(context.Background(), ingest.Request{Room: "demo", Session: "3", Name: "Cyd"})
		if !errors.Is(err, ingest.ErrFull) {
			t.Fatalf("a third: %v", err)
		}
		back := enter(t, rs, ingest.Request{Session: "4", Name: "Ada"})
		if _, err := back.Open(media.VP8); err != nil {
			t.Fatal(err)
		}
		p.load.share.Store(50)
		enter(t, rs, ingest.Request{Session: "5", Name: "Cyd"})
	}, cfg)
}
