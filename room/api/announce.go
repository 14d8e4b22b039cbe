package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"tilecast/room"
)

// Announcer takes events that players are told of.
type Announcer interface {
	Announce(name string, c room.Cue) (room.Cued, error)
}

// announce takes a room.Cue.
func (a *api) announce(w http.ResponseWriter, r *http.Request) {
	var c room.Cue
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		write(w, http.StatusBadRequest, map[string]string{
			"error": fmt.Sprintf(`the body must be JSON such as {"id": "goal-1", "class": "com.example.score", "time": "2026-05-01T10:00:00Z", "duration": 5, "data": {"score": "3:2"}}, all of it optional: %v`, err),
		})
		return
	}
	done, err := a.cues.Announce(r.PathValue("room"), c)
	status := http.StatusInternalServerError
	switch {
	case err == nil:
		write(w, http.StatusCreated, done)
		return
	case errors.Is(err, room.ErrNoRoom):
		status = http.StatusNotFound
	case errors.Is(err, room.ErrValue), errors.Is(err, room.ErrFar):
		status = http.StatusBadRequest
	case errors.Is(err, room.ErrOffAir), errors.Is(err, room.ErrSameCue):
		status = http.StatusConflict
	case errors.Is(err, room.ErrPast):
		status, err = http.StatusConflict, fmt.Errorf("time: %w; leave it out for now", err)
	case errors.Is(err, room.ErrCues), errors.Is(err, room.ErrWaiting):
		status = http.StatusTooManyRequests
	}
	write(w, status, map[string]string{"error": err.Error()})
}
