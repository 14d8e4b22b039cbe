package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tilecast/room"
)

type rooms struct {
	list   []room.Status
	events *room.Events
	change room.Change
}

func (r *rooms) List() []room.Status { return r.list }

func (r *rooms) Events(name string) (*room.Events, error) {
	if name != "demo" {
		return nil, fmt.Errorf("%w: %q", room.ErrNoRoom, name)
	}
	return r.events, nil
}

func (r *rooms) Change(name, id string, c room.Change) (room.Participant, error) {
	r.change = c
	switch {
	case id != "ada":
		return room.Participant{}, fmt.Errorf("%w: %q", room.ErrNoParticipant, id)
	case c.Volume != nil && *c.Volume > 4:
		return room.Participant{}, room.ErrValue
	}
	return room.Participant{ID: id, Name: "Ada", Volume: 1}, nil
}

func ask(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	list := &rooms{list: []room.Status{{Name: "demo", Live: true, Preset: "low", Participants: []room.Participant{{Name: "Ada", Video: true, Codec: "VP8"}}}}}
	w := httptest.NewRecorder()
	New("", list, nil, nil).ServeHTTP(w, httptest.NewRequest(method, path, nil))
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s: headers %v", method, path, w.Header())
	}
	return w
}

func TestRoomsAreListed(t *testing.T) {
	w := ask(t, http.MethodGet, "/api/v1/rooms")
	var got struct{ Rooms []room.Status }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
	}
	if len(got.Rooms) != 1 || got.Rooms[0].Name != "demo" || got.Rooms[0].Participants[0].Codec != "VP8" {
		t.Errorf("%+v", got)
	}
	if strings.Contains(w.Body.String(), "startedAt") {
		t.Error("a room that was never on air has a start")
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	for _, c := range []struct{ method, path string }{{http.MethodGet, "/api/v1/room"}, {http.MethodPost, "/api/v1/rooms"}} {
		w := ask(t, c.method, c.path)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "/api/v1/rooms") {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}

func TestParticipantsAreChanged(t *testing.T) {
	for _, c := range []struct {
		path, body string
		want       int
		says       string
	}{
		{"demo/participants/ada", `{"volume": 0.5, "muted": true}`, 200, `"id":"ada"`},
		{"demo/participants/ada", `{"volume": 0.5, "muted": true, "role": "host"}`, 200, `"id":"ada"`},
		{"demo/participants/ada", `{}`, 200, `"volume":1`},
		{"demo/participants/bob", `{"muted": true}`, 404, "no such participant"},
		{"demo/participants/ada", `{"volume": 9}`, 400, "out of range"},
		{"demo/participants/ada", `{"volum": 1}`, 400, "volum"},
		{"demo/participants/ada", `volume=1`, 400, "JSON"},
		{"demo/participants/ada", `{"volume": "loud"}`, 400, "JSON"},
		{"demo/participants/ada", `{"muted": ` + strings.Repeat(" ", 5000) + `true}`, 400, "too large"},
	} {
		rs := &rooms{}
		w := httptest.NewRecorder()
		New("", rs, nil, nil).ServeHTTP(w, here(http.MethodPatch, "/api/v1/rooms/"+c.path, c.body))
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d and %q", c.body[:min(len(c.body), 60)], w.Code, w.Body, c.want, c.says)
		}
		if c.want == 200 && c.body != "{}" && (*rs.change.Volume != 0.5 || !*rs.change.Muted) {
			t.Errorf("%s became %+v", c.body, rs.change)
		}
		if strings.Contains(c.body, "role") && (rs.change.Role == nil || *rs.change.Role != "host") {
			t.Errorf("%s became %+v", c.body, rs.change)
		}
	}
}

// lines reads a stream of events up to and with one that holds last.
func lines(t *testing.T, in *bufio.Reader, last string) (text string) {
	t.Helper()
	for !strings.Contains(text, last) {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q, waiting for %q", err, text, last)
		}
		text += line
	}
	return text
}

func TestEventsAreFollowed(t *testing.T) {
	rs := &rooms{events: room.NewEvents()}
	srv := httptest.NewServer(New("", rs, nil, nil))
	defer srv.Close()
	follow := func(query, lastID string) *bufio.Reader {
		req, _ := http.NewRequest(http.MethodGet, srv.URL+"/api/v1/rooms/demo/events"+query, nil)
		if lastID != "" {
			req.Header.Set("Last-Event-ID", lastID)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%v, %+v", err, res)
		}
		t.Cleanup(func() { res.Body.Close() })
		return bufio.NewReader(res.Body)
	}
	at := time.Unix(1e9, 0)
	rs.events.Add(at, "old", slog.String("what", "before"))
	fresh := follow("", "")
	lines(t, fresh, ": demo")
	rs.events.Add(at, "speaker", slog.String("id", "ada"), slog.Duration("hold", 1500*time.Millisecond))
	got := lines(t, fresh, "data:")
	want := "id: 2\nevent: speaker\ndata: {\"seq\":2,\"at\":\"2001-09-09T01:46:40Z\",\"kind\":\"speaker\",\"attrs\":{\"hold\":1.5,\"id\":\"ada\"}}\n"
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if all := lines(t, follow("?since=0", ""), `"seq":2`); !strings.Contains(all, `"what":"before"`) {
		t.Errorf("since=0: %q", all)
	}
	for k := range 600 {
		rs.events.Add(at, "noise", slog.Int("k", k))
	}
	if late := lines(t, follow("", "1"), `"seq":92,`); !strings.Contains(late, "event: missed\ndata: {\"events\":89}") {
		t.Errorf("who missed some is told: %q", late[:min(len(late), 300)])
	}
	rs.events.Close()
	for {
		if _, err := fresh.ReadString('\n'); err != nil {
			break // the stream ends with the log
		}
	}
}

func TestEventsOfNoRoom(t *testing.T) {
	for path, want := range map[string]int{"/api/v1/rooms/dmeo/events": 404, "/api/v1/rooms/demo/events?since=x": 400} {
		w := httptest.NewRecorder()
		New("", &rooms{events: room.NewEvents()}, nil, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// timed is a writer that knows its deadline.
type timed struct {
	*httptest.ResponseRecorder
	writing []bool // whether there was a deadline at each write
	until   time.Time
}

func (w *timed) SetWriteDeadline(t time.Time) error { w.until = t; return nil }

func (w *timed) Write(p []byte) (int, error) {
	w.writing = append(w.writing, !w.until.IsZero())
	return w.ResponseRecorder.Write(p)
}

// A write has a deadline, the quiet time until the next has none: over HTTP/2 it would end the stream.
func TestAQuietStreamHasNoDeadline(t *testing.T) {
	rs := &rooms{events: room.NewEvents()}
	rs.events.Close()
	w := &timed{ResponseRecorder: httptest.NewRecorder()}
	New("", rs, nil, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/rooms/demo/events", nil))
	if len(w.writing) != 1 || !w.writing[0] || !w.until.IsZero() {
		t.Errorf("writes with a deadline: %v; left over: %v", w.writing, w.until)
	}
}
