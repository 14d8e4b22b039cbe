package room

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tilecast/ingest"
)

// tell writes events as "kind state name".
func tell(events []Event) string {
	var all []string
	for _, e := range events {
		line := e.Kind
		for _, k := range []string{"state", "name"} {
			if v, ok := e.Attrs[k].(string); ok {
				line += " " + v
			}
		}
		all = append(all, line)
	}
	return strings.Join(all, ", ")
}

func TestWhatHappensIsNoted(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		log, err := rs.Events("demo")
		if err != nil {
			t.Fatal(err)
		}
		_, more := log.Since(0)
		ada := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		select {
		case <-more:
		default:
			t.Error("followers are not told")
		}
		ada.Report(ingest.Lost)
		enter(t, rs, ingest.Request{Session: "2", Name: "Ada"}).Report(ingest.Gone)
		time.Sleep(3 * time.Minute)
		events, _ := log.Since(0)
		if got, want := tell(events), "program on air, participant joined Ada, participant lost Ada, participant joined Ada, participant left Ada, program ended"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for k, e := range events {
			if e.Seq != int64(k+1) {
				t.Errorf("event %d has number %d", k, e.Seq)
			}
		}
		if _, err := rs.Events("dmeo"); !errors.Is(err, ErrNoRoom) {
			t.Errorf("an unknown room: %v", err)
		}
	}, demo())
}

func TestParticipantsHaveVolume(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		ada := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		id := rs.List()[0].Participants[0].ID
		half, yes, wild := 0.5, true, -3.0
		if p, err := rs.Change("demo", id, Change{Volume: &half}); err != nil || p.Volume != 0.5 || p.Muted {
			t.Errorf("%+v, %v", p, err)
		}
		if p, err := rs.Change("demo", id, Change{Muted: &yes}); err != nil || p.Volume != 0.5 || !p.Muted {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := rs.Change("demo", id, Change{Volume: &wild}); !errors.Is(err, ErrValue) {
			t.Errorf("a volume of -3: %v", err)
		}
		if _, err := rs.Change("demo", "x", Change{}); !errors.Is(err, ErrNoParticipant) {
			t.Errorf("nobody: %v", err)
		}
		ada.Report(ingest.Lost)
		perform(t, rs, ingest.Request{Session: "2", Name: "Ada"})
		if p := rs.List()[0].Participants[0]; p.ID != id || !p.Muted {
			t.Errorf("who comes back is another: %+v", p)
		}
	}, demo())
}
