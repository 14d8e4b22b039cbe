package ingest

import (
	"net/http"
	"strings"
	"testing"
)

// What a client says of its devices reaches the seat; what it says wrongly is refused in words.
func TestDevices(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	res, _ := request(t, http.MethodPost, url+"/whip/demo", sdpType, readFixture(t, "obs"))
	at := res.Header.Get("Location") + devicesPath
	for _, c := range []struct {
		typ, body string
		status    int
		on        [2]bool
		says      string
	}{
		{jsonType, `{"camera":false,"microphone":true}`, 204, [2]bool{false, true}, ""},
		{jsonType, `{"microphone":false}`, 204, [2]bool{true, false}, ""},
		{jsonType, `{"camera":"no"}`, 400, [2]bool{true, false}, "must be like"},
		{"text/plain", `{}`, 415, [2]bool{true, false}, "Content-Type: application/json"},
		{jsonType, `{"x":"` + strings.Repeat("x", devicesLimit) + `"}`, 413, [2]bool{true, false}, "larger than"},
		{jsonType, `{}`, 204, [2]bool{true, true}, ""},
	} {
		res, text := request(t, http.MethodPut, at, c.typ, c.body)
		h.mu.Lock()
		on := h.seats[0].on
		h.mu.Unlock()
		if res.StatusCode != c.status || !strings.Contains(text, c.says) || on != c.on {
			t.Errorf("%.40s: %s %q, on %v", c.body, res.Status, text, on)
		}
	}
	if res, _ := request(t, http.MethodGet, at, "", ""); res.StatusCode != 405 || res.Header.Get("Allow") != "OPTIONS, PUT" {
		t.Errorf("GET: %s, Allow %q", res.Status, res.Header.Get("Allow"))
	}
	if res, _ := request(t, http.MethodOptions, at, "", ""); res.Header.Get("Access-Control-Allow-Methods") != "OPTIONS, PUT" {
		t.Errorf("OPTIONS allows %q", res.Header.Get("Access-Control-Allow-Methods"))
	}
	if res, text := request(t, http.MethodPut, url+"/whip/demo/none"+devicesPath, jsonType, `{}`); res.StatusCode != 404 {
		t.Errorf("no session: %s %s", res.Status, text)
	}
}
