package room

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"tilecast/compositor"
	"tilecast/ingest"
	"tilecast/media"
	"tilecast/origin"
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
	s.Relief = len(s.Given)
	if got := run(10, 0, 0); got != 0 {
		t.Errorf("all gave way a moment ago: %d %%", got)
	}
	if got := run(1, 0, 0); got != 100 {
		t.Errorf("nothing is left to give way for long: %d %%", got)
	}
}

// Nobody new comes into any room of a machine that is overloaded, but whoever has a place keeps it.
func TestOverloadedMachineTakesNobodyNew(t *testing.T) {
	cfg, other := demo(), demo()
	cfg.Overload, other.Overload, other.Name = 50, 50, "other"
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
		for range 3 {
			if _, err := rs.Admit(context.Background(), ingest.Request{Room: "other", Session: "3", Name: "Cyd"}); !errors.Is(err, ingest.ErrFull) {
				t.Fatalf("in a room that has no program yet: %v", err)
			}
		}
		log, err := rs.Events("other")
		if err != nil {
			t.Fatal(err)
		}
		if events, _ := log.Since(0); len(events) != 1 || events[0].Kind != "refused" || events[0].Attrs["name"] != "Cyd" {
			t.Errorf("what is told of three refusals: %+v", events)
		}
		back := enter(t, rs, ingest.Request{Session: "4", Name: "Ada"})
		if _, err := back.Open(media.VP8); err != nil {
			t.Fatal(err)
		}
		p.load.share.Store(50)
		enter(t, rs, ingest.Request{Session: "5", Name: "Cyd"})
	}, cfg, other)
}

func TestLossesAreToldOnce(t *testing.T) {
	var told []string
	event := func(kind string, attrs ...slog.Attr) {
		for _, a := range attrs {
			kind += " " + a.String()
		}
		told = append(told, kind)
	}
	var l losses
	for _, n := range []int64{0, 2, 2, 5} {
		l.tell(compositor.Stats{Inputs: []compositor.InputStats{{Tile: "ada", Codec: "VP8", Full: n}, {Tile: "ada", Codec: "Opus", Dropped: n}}},
			origin.ProgramStats{Streams: []origin.StreamStats{{Name: "main-720p", Missed: uint64(2 * n)}}}, event)
	}
	want := []string{
		"decoder id=ada codec=VP8 full=2", "missed rendition=main-720p readers=4",
		"decoder id=ada codec=VP8 full=3", "missed rendition=main-720p readers=6",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
