package room

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"tilecast/ingest"
)

// Without a place on disk no playlist is longer than memory can hold.
func TestWindowIsShortWhereNothingIsKept(t *testing.T) {
	cfg := demo()
	cfg.Window = 24 * time.Hour
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		perform(t, rs, ingest.Request{Session: "1"})
		time.Sleep(100 * time.Second)
		if st := s.programs[0].Stats().Streams[0]; st.Length > 60*time.Second || st.Listed == 0 {
			t.Errorf("%d segments are listed, %v of media", st.Listed, st.Length)
		}
	}, cfg)
}

// The origin has an ended program for as long as its playlists may be asked for; its compositor goes at once.
func TestCompositorGoesWithItsProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rs, s, store := openHouse(t, t.TempDir(), demo())
		v := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		time.Sleep(5 * time.Second)
		held := weak.Make(rs.rooms["demo"].prog.comp)
		v.Report(ingest.Gone)
		v.Seat = nil
		time.Sleep(2 * time.Minute)
		<-s.programs[0].Done()
		synctest.Wait()
		for range 10 {
			runtime.GC()
		}
		if held.Value() != nil {
			t.Error("something holds the compositor of a program that is over")
		}
		runtime.KeepAlive(s.programs)
		closeHouse(t, rs, store)
	})
}

// A recording of a program that does not end loses what is older than the room keeps.
func TestOldRecordingsGoWhileTheProgramRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := demo()
		cfg.Start, cfg.Record.Enabled, cfg.Record.Keep = Always, true, 5*time.Minute
		rs, _, store := openHouse(t, t.TempDir(), cfg)
		time.Sleep(sweepEvery + time.Second)
		synctest.Wait()
		if all := store.Recordings("demo"); len(all) != 1 || !all[0].Going || all[0].Length < 299 || all[0].Length > 305 {
			t.Errorf("%+v", all)
		}
		closeHouse(t, rs, store)
	})
}
