package room

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/ingest"
	"tilecast/media"
	"tilecast/packager/m3u8"
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

// Layouts find people by the roles that they claim, or that somebody gives them.
func TestRolesAreForLayouts(t *testing.T) {
	cfg := demo()
	look := &cfg.Canvases[0].Look
	look.Layout.Mode, look.Layout.Pinned = layout.Single, []layout.Who{{By: "role", Text: "host", N: 1}}
	look.Label.Show = false
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		shown := func() codec.YCbCr {
			time.Sleep(200 * time.Millisecond)
			pic := rs.rooms["demo"].prog.comp.Snapshot()
			defer pic.Release()
			return pic.Pixel(pic.W/4, pic.H/4)
		}
		roles := func() (all string) {
			for _, p := range rs.List()[0].Participants {
				all += p.Name + "=" + p.Role + " "
			}
			return all
		}
		enter(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		ada := shown()
		enter(t, rs, ingest.Request{Session: "2", Name: "Bob", Role: "host"})
		bob := shown()
		if ada == bob || roles() != "Ada= Bob=host " {
			t.Fatalf("%v of Ada, %v of the host: %s", ada, bob, roles())
		}
		of := func(k int, role string) error {
			_, err := rs.Change("demo", rs.List()[0].Participants[k].ID, Change{Role: &role})
			return err
		}
		if err := errors.Join(of(0, "host"), of(1, "")); err != nil || shown() != ada || roles() != "Ada=host Bob= " {
			t.Errorf("%v, shown %v: %s", err, shown(), roles())
		}
		if err := of(0, "two words"); !errors.Is(err, ErrValue) || roles() != "Ada=host Bob= " {
			t.Errorf("a role of two words: %v", err)
		}
		enter(t, rs, ingest.Request{Session: "3", Name: "Bob", Role: "guest"}) // comes back with another
		enter(t, rs, ingest.Request{Session: "4", Name: "Ada"})
		if roles() != "Ada=host Bob=guest " {
			t.Errorf("who came back: %s", roles())
		}
	}, cfg)
}

func TestBitRatesChangeAtOnceUpToWhatIsAnnounced(t *testing.T) {
	cfg := demo() // at a rate that no picture needs
	cfg.Canvases[0].Rungs[0].BitRate = 4_000_000
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		// sent is the rate in kbit/s over ten seconds, from when nothing of a still picture is sent again that is of the rate before.
		sent := func() int64 {
			bytes := func() int64 { return rs.Stats()[0].Compositor.Rungs[0].Bytes }
			time.Sleep(4 * time.Second)
			before := bytes()
			time.Sleep(10 * time.Second)
			return (bytes() - before) * 8 / 10_000
		}
		apply := func(rate int) string {
			next := demo()
			next.Canvases[0].Rungs[0].BitRate = rate
			later, err := rs.Apply(next)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(later, " ")
		}
		for _, c := range []struct {
			rate  int
			later string
			want  int64 // kbit/s
		}{{4_000_000, "", 4000}, {1_500_000, "", 1500}, {6_000_000, "ladder", 1500}, {3_000_000, "", 3000}} {
			if later := apply(c.rate); later != c.later {
				t.Errorf("%d bit/s: later %q, want %q", c.rate, later, c.later)
			}
			if got := sent(); got < c.want*9/10 || got > c.want*11/10 {
				t.Errorf("%d bit/s asked for: %d kbit/s are sent, want %d", c.rate, got, c.want)
			}
		}
		next := demo()
		next.Canvases[0].Rungs[0].BitRate = 4_000_000
		next.Canvases[0].Rungs[0].Every = 2
		if later, err := rs.Apply(next); err != nil || strings.Join(later, " ") != "ladder" {
			t.Errorf("half the frames: later %q, %v", later, err)
		}
	}, cfg)
}

// A change of the speaker is told in the program itself where that is asked for: who comes late learns it, too, and that somebody left.
func TestSpeakersAreCued(t *testing.T) {
	cfg := demo()
	cfg.SpeakerCues = true
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		ada := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		in, err := ada.Open(media.Opus)
		if err != nil {
			t.Fatal(err)
		}
		for k := range int64(90 * 50) {
			level := 0.2
			if k < 100 || k%10 > 7 || k > 250 {
				level = 0.001
			}
			in.Push(codec.FakeAudioPacket(level, 300, k, ada.Clock().At(time.Now())))
			time.Sleep(20 * time.Millisecond)
		}
		id := rs.List()[0].Participants[0].ID
		log, _ := rs.Events("demo")
		events, _ := log.Since(0)
		if last := events[len(events)-1]; last.Kind != "speaker" || last.Attrs["id"] != id || last.Attrs["name"] != "Ada" || rs.List()[0].Speaker != id {
			t.Errorf("the log ends with %+v", last)
		}
		says := func(who ...string) {
			t.Helper()
			var got []string
			text, life := playlistOf(t, s), fmt.Sprintf("speaker-%d-", rs.rooms["demo"].prog.first)
			list, err := m3u8.ParseMedia([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list.DateRanges {
				if got = append(got, strings.Trim(r.Attributes["X-SPEAKER"], `"`)); r.Class != "tilecast.speaker" || !strings.HasPrefix(r.ID, life) || !r.EndOnNext || r.Start.After(time.Now()) {
					t.Errorf("%+v", r)
				}
			}
			if findings := m3u8.Check(list); len(findings) > 0 || !slices.Equal(got, who) {
				t.Errorf("playlists say that %q speaks, want %q: %v\n%s", got, who, findings, text)
			}
		}
		says(id)
		ada.Report(ingest.Gone)
		time.Sleep(3 * time.Second)
		says(id, "")
		if who := rs.List()[0].Speaker; who != "" {
			t.Errorf("%q speaks, who has left", who)
		}
	}, cfg)
}

// playlistOf is the plain playlist of the top rung of the last program.
func playlistOf(t *testing.T, s *shelf) string {
	t.Helper()
	return string(fetch(t, s, s.programs[len(s.programs)-1].ID()+"/main-180p/stream.m3u8"))
}

// Who follows a room's log is let go when the gateway ends, with the end of the program as the last word, or
// the HTTP server would wait for them.
func TestCloseLetsFollowersGo(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		enter(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		log, _ := rs.Events("demo")
		if _, more := log.Since(0); more == nil {
			t.Fatal("the log ends while the room is on air")
		}
		if err := rs.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		events, more := log.Since(0)
		if more != nil {
			t.Error("followers wait for ever")
		}
		if last := events[len(events)-1]; last.Kind != "program" || last.Attrs["state"] != "ended" {
			t.Errorf("the log ends with %+v", last)
		}
	}, demo())
}
