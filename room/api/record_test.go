package api

import (
	"net/http/httptest"
	"strings"
	"testing"

	"tilecast/room"
)

type tape struct {
	on  bool
	err error
}

func (c *tape) Recordings(name string) ([]room.Recording, error) {
	return []room.Recording{{Room: name, Program: "p1", URL: "/rec/demo/p1/index.m3u8"}}, c.err
}

func (c *tape) SetRecording(_ string, on bool) error {
	c.on = on
	return c.err
}

func TestRecording(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		err                error
		status             int
		says               string
		on                 bool
	}{
		{"POST", "recording", `{"on": true}`, nil, 200, `"on":true`, true},
		{"POST", "recording", `{"on": false}`, nil, 200, `"on":false`, false},
		{"POST", "recording", `{}`, nil, 400, "body must be", false},
		{"POST", "recording", `{"off": true}`, nil, 400, "body must be", false},
		{"POST", "recording", `{"on": true}`, room.ErrOffAir, 409, "not on air", true},
		{"POST", "recording", `{"on": true}`, room.ErrNotKept, 503, "nothing is kept", true},
		{"GET", "recordings", "", nil, 200, `"url":"/rec/demo/p1/index.m3u8"`, false},
		{"GET", "recordings", "", room.ErrNoRoom, 404, "", false},
	} {
		cs := &tape{err: c.err}
		w := httptest.NewRecorder()
		New("", &rooms{}, nil, cs).ServeHTTP(w, here(c.method, "/api/v1/rooms/demo/"+c.path, c.body))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || cs.on != c.on {
			t.Errorf("%s %s %s: %d %s, on %v", c.method, c.path, c.body, w.Code, w.Body, cs.on)
		}
	}
}
