package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tilecast/room"
)

type rooms []room.Status

func (r rooms) List() []room.Status { return r }

func ask(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	list := rooms{{Name: "demo", Live: true, Preset: "low", Participants: []room.Participant{{Name: "Ada", Video: true, Codec: "VP8"}}}}
	w := httptest.NewRecorder()
	New(list).ServeHTTP(w, httptest.NewRequest(method, path, nil))
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
