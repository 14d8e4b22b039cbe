package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tilecast/room"
)

type cues struct {
	got room.Cue
	err error
}

func (c *cues) Announce(name string, cue room.Cue) (room.Cued, error) {
	c.got = cue
	return room.Cued{ID: "made", Time: time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)}, c.err
}

func TestAnEventIsAnnounced(t *testing.T) {
	post := func(c *cues, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		New("", &rooms{}, c, nil).ServeHTTP(w, here(http.MethodPost, "/api/v1/rooms/demo/events", body))
		return w
	}
	c := &cues{}
	w := post(c, `{"id":"goal-1","class":"com.example.score","time":"2026-05-01T12:00:00.5+02:00","duration":5,"data":{"score":"3:2"}}`)
	if w.Code != http.StatusCreated || strings.TrimSpace(w.Body.String()) != `{"id":"made","time":"2026-05-01T10:00:00Z"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if c.got.ID != "goal-1" || *c.got.Duration != 5 || c.got.Data["score"] != "3:2" || c.got.Time.UTC().Hour() != 10 {
		t.Errorf("%+v", c.got)
	}
	if w := post(c, `{}`); w.Code != http.StatusCreated || c.got.Time != nil || c.got.Duration != nil {
		t.Errorf("an empty event: %d %+v", w.Code, c.got)
	}
	for body, want := range map[string]string{
		"":                 "the body must be JSON such as",
		`{"name":"x"}`:     `unknown field \"name\"`,
		`{"duration":"5"}`: "the body must be JSON such as",
		`{"time":"now"}`:   "the body must be JSON such as",
		`{"id":"` + strings.Repeat("x", 70000) + `"}`: "too large",
	} {
		if w := post(c, body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.40s: %d %s", body, w.Code, w.Body)
		}
	}
	for _, test := range []struct {
		err  error
		want int
		text string
	}{
		{room.ErrNoRoom, 404, ""}, {room.ErrValue, 400, ""}, {room.ErrOffAir, 409, "not on air"},
		{room.ErrSameCue, 409, "id"}, {room.ErrCues, 429, ""}, {room.ErrWaiting, 429, ""},
		{room.ErrFar, 400, ""}, {room.ErrPast, 409, "leave it out for now"},
		{errors.New("boom"), 500, ""},
	} {
		c.err = fmt.Errorf("%w: so", test.err)
		if w := post(c, `{}`); w.Code != test.want || !strings.Contains(w.Body.String(), test.text) {
			t.Errorf("%v: %d %s, want %d", test.err, w.Code, w.Body, test.want)
		}
	}
}
