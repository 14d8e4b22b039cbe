package room

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/ingest"
	"tilecast/origin/archive"
)

// killed runs a room with a guest for a while, and answers the folder as a process leaves it that is killed.
func killed(t *testing.T, cfg Config, d time.Duration) (data, program string) {
	t.Helper()
	live := t.TempDir()
	rs, s, store := openHouse(t, live, cfg)
	perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
	time.Sleep(d)
	synctest.Wait() // until what is being written is written
	data = t.TempDir()
	if err := os.CopyFS(data, os.DirFS(live)); err != nil {
		t.Fatal(err)
	}
	closeHouse(t, rs, store)
	return data, s.programs[0].ID()
}

// openHouse opens a house that a test which fails closes, too: goroutines that are left would be told of instead.
func openHouse(t *testing.T, data string, cfg Config) (*Rooms, *shelf, *archive.Store) {
	t.Helper()
	store, err := archive.Open(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	rs, err := New([]Config{cfg}, codec.Fake(), s, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			closeHouse(t, rs, store)
		}
	})
	return rs, s, store
}

func closeHouse(t *testing.T, rs *Rooms, store *archive.Store) {
	t.Helper()
	err := errors.Join(rs.Close(context.Background()), store.Close())
	if err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// A program whose process was killed is on air again, under its id and playable, when New returns; it waits for its
// first publisher as long as for any, and is then over.
func TestProgramGoesOnAfterAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data, id := killed(t, demo(), 21*time.Second)
		time.Sleep(3 * time.Second)
		rs, s, store := openHouse(t, data, demo())
		if len(s.programs) != 1 || s.programs[0].ID() != id || !s.programs[0].Live() {
			t.Fatalf("%d programs", len(s.programs))
		}
		before := s.programs[0].Stats().Streams[0].Edge
		st := rs.List()[0]
		if !st.Live || time.Since(*st.StartedAt) < 20*time.Second {
			t.Errorf("%+v", st)
		}
		time.Sleep(5 * time.Second)
		for _, stream := range s.programs[0].Stats().Streams {
			if stream.Edge.MSN < before.MSN+2 {
				t.Errorf("%s stands at %v, was at %v", stream.Name, stream.Edge, before)
			}
		}
		perform(t, rs, ingest.Request{Session: "2", Name: "Ada"}).Report(ingest.Gone)
		time.Sleep(50 * time.Second)
		if !rs.List()[0].Live {
			t.Error("ended before its linger was over")
		}
		time.Sleep(15 * time.Second)
		<-s.programs[0].Done()
		closeHouse(t, rs, store)
	})
}

// What is read back of a program that goes on is what its playlists can have of it; an event has all.
func TestHistoriesEndWithTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := demo()
		cfg.Record.Enabled = true
		data, _ := killed(t, cfg, 5*time.Minute)
		store, err := archive.Open(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		l := store.Programs("demo")[0]
		if err := l.Load(); err != nil || !l.Mend(recent) {
			t.Fatal("nothing is left", err)
		}
		all := histories(l, l.Window, true)
		for name, h := range histories(l, l.Window, false) {
			whole := all[name].Segments
			if n := len(h.Segments); n < 60 || n > 63 || len(whole) < 145 {
				t.Errorf("%s: %d segments of %d", name, n, len(whole))
			}
			if h.Segments[len(h.Segments)-1].MSN != whole[len(whole)-1].MSN {
				t.Errorf("%s: the latest is not there", name)
			}
		}
	})
}

// Killed again and again it goes on each time, as long as it is not away for longer than it lingers.
func TestGoesOnAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data, id := killed(t, demo(), 9*time.Second)
		for range 3 {
			time.Sleep(time.Second)
			rs, s, store := openHouse(t, data, demo())
			if len(s.programs) != 1 || s.programs[0].ID() != id {
				t.Fatal("does not go on")
			}
			time.Sleep(4 * time.Second)
			synctest.Wait()
			next := t.TempDir()
			if err := os.CopyFS(next, os.DirFS(data)); err != nil {
				t.Fatal(err)
			}
			data = next
			closeHouse(t, rs, store)
		}
		time.Sleep(2 * time.Minute)
		rs, s, store := openHouse(t, data, demo())
		if rs.List()[0].Live {
			t.Error("goes on after two minutes")
		}
		for _, p := range s.programs {
			if p.Live() {
				t.Error("a program that is over is live")
			}
		}
		closeHouse(t, rs, store)
	})
}

// A program that can't be read is over all the same, or its folder would stay for ever; a recording is left for who may mend it.
func TestUnreadableProgramEnds(t *testing.T) {
	for recorded, cfg := range map[bool]Config{false: demo(), true: demo()} {
		cfg.Record.Enabled = recorded
		synctest.Test(t, func(t *testing.T) {
			data, _ := killed(t, cfg, 9*time.Second)
			inits, _ := filepath.Glob(filepath.Join(data, "rooms", cfg.Name, "*", "*", "init.0.mp4"))
			if len(inits) == 0 || os.Remove(inits[0]) != nil {
				t.Fatal("no init section")
			}
			rs, _, store := openHouse(t, data, cfg)
			all := store.Programs(cfg.Name)
			if len(all) != 1 || all[0].Ended.IsZero() != recorded {
				t.Errorf("recorded %v: %d programs, ended %v", recorded, len(all), all[0].Ended)
			}
			closeHouse(t, rs, store)
		})
	}
}

// What can't go on ends: viewers come to its ENDLIST, and the next program is another.
func TestWhatCannotGoOnEnds(t *testing.T) {
	other := demo()
	other.Preset = "ultra"
	less := demo()
	less.Canvases[0].Rungs = less.Canvases[0].Rungs[:1]
	less.Canvases[0].Rungs[0].Name = "small"
	for name, cfg := range map[string]Config{"another preset": other, "another ladder": less} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				data, id := killed(t, demo(), 9*time.Second)
				rs, s, store := openHouse(t, data, cfg)
				if len(s.programs) != 1 || s.programs[0].ID() != id || rs.List()[0].Live {
					t.Fatalf("%d programs, live %v", len(s.programs), rs.List()[0].Live)
				}
				<-s.programs[0].Done()
				enter(t, rs, ingest.Request{Session: "1"})
				if len(s.programs) != 2 || s.programs[1].ID() == id {
					t.Error("the next program is not another")
				}
				closeHouse(t, rs, store)
			})
		})
	}
}

// A clean end is an end: after it nothing goes on, and for as long as its window the program can be seen to its end.
func TestCleanEndStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := t.TempDir()
		rs, s, store := openHouse(t, data, demo())
		perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		time.Sleep(9 * time.Second)
		closeHouse(t, rs, store)
		id := s.programs[0].ID()
		rs, s, store = openHouse(t, data, demo())
		if len(s.programs) != 1 || s.programs[0].ID() != id || rs.List()[0].Live {
			t.Fatal("the program that has ended is not shown, or goes on")
		}
		<-s.programs[0].Done()
		closeHouse(t, rs, store)
		time.Sleep(time.Hour)
		rs, s, store = openHouse(t, data, demo())
		if len(s.programs) != 0 {
			t.Error("shown for ever")
		}
		if left := store.Programs("demo"); len(left) != 0 {
			t.Errorf("%d programs left on disk", len(left))
		}
		closeHouse(t, rs, store)
	})
}

// A folder that can't be written to costs what is kept, not the program.
func TestBrokenFolderDoesNotStopAProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := t.TempDir()
		store, err := archive.Open(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(data+"/rooms/demo", []byte("in the way"), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &shelf{}
		rs, err := New([]Config{demo()}, codec.Fake(), s, store, nil)
		if err != nil {
			t.Fatal(err)
		}
		enter(t, rs, ingest.Request{Session: "1"})
		time.Sleep(3 * time.Minute)
		if !s.programs[0].Live() || s.programs[0].Stats().Streams[0].Listed != 30 {
			t.Errorf("%+v", s.programs[0].Stats())
		}
		closeHouse(t, rs, store)
	})
}
