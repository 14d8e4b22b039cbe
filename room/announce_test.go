package room

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tilecast/ingest"
	"tilecast/origin"
	"tilecast/packager"
)

// A cue goes into the program that is on air, at the moment it names or now; what cannot be taken says why.
func TestCues(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		if _, err := rs.Announce("attic", Cue{}); !errors.Is(err, ErrNoRoom) {
			t.Errorf("no such room: %v", err)
		}
		if _, err := rs.Announce("demo", Cue{}); !errors.Is(err, ErrOffAir) {
			t.Errorf("off air: %v", err)
		}
		enter(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		time.Sleep(10 * time.Second)
		now := time.Now()
		done, err := rs.Announce("demo", Cue{})
		if err != nil || len(done.ID) != 16 || done.Time.After(now) || now.Sub(done.Time) > time.Second/25 {
			t.Errorf("now, %v: %+v, %v", now, done, err)
		}
		later := now.Add(2 * time.Second)
		seconds := 1.5
		done, err = rs.Announce("demo", Cue{ID: "goal-1", Class: "com.example.score", Time: &later, Duration: &seconds, Data: map[string]string{"score": "3:2"}})
		if err != nil || done.ID != "goal-1" || done.Time.After(later) || later.Sub(done.Time) > time.Second/25 {
			t.Errorf("at %v: %+v, %v", later, done, err)
		}
		if _, err = rs.Announce("demo", Cue{ID: "goal-1"}); !errors.Is(err, origin.ErrSameID) {
			t.Errorf("the same id: %v", err)
		}
		early, far := now.Add(-5*time.Second), now.Add(2*time.Hour)
		if _, err = rs.Announce("demo", Cue{Time: &early}); !errors.Is(err, packager.ErrEventPast) {
			t.Errorf("too late: %v", err)
		}
		if _, err = rs.Announce("demo", Cue{Time: &far}); !errors.Is(err, packager.ErrEventFar) {
			t.Errorf("too far: %v", err)
		}
	}, demo())
}

func TestCuesThatAreWrong(t *testing.T) {
	less, many := -1.0, map[string]string{}
	for i := range maxCueData + 1 {
		many[strings.Repeat("k", i+1)] = "x"
	}
	for want, c := range map[string]Cue{
		`id "a b"`:            {ID: "a b"},
		`class "a/b"`:         {Class: "a/b"},
		"duration -1":         {Duration: &less},
		"data has 17 entries": {Data: many},
		`data key "1st"`:      {Data: map[string]string{"1st": "x"}},
		`data "k": use 1 to`:  {Data: map[string]string{"k": `say "no"`}},
		`data "l": use 1 to`:  {Data: map[string]string{"l": ""}},
		`data "m": use 1 to`:  {Data: map[string]string{"m": "a\nb"}},
		`data keys "A-b" and "a_b" are the same in a playlist (X-TILECAST-CUE-A-B)`: {Data: map[string]string{"A-b": "x", "a_b": "x"}},
	} {
		if err := c.complete(); !errors.Is(err, ErrValue) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
