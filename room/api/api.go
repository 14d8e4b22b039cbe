// Package api is the control surface over HTTP: what rooms there are and who is in them.
package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"tilecast/room"
)

// Rooms tells the state of every room and changes it.
type Rooms interface {
	List() []room.Status
	Events(name string) (*room.Events, error)
	Change(name, participant string, c room.Change) (room.Participant, error)
}

type api struct {
	rooms Rooms
	cues  Announcer

	recorder Recorder
}

// New serves /api/v1/. Answers are JSON and never cached. To look is free; a change needs the token, or where that is empty
// has to come from this machine.
//
//	GET   /api/v1/rooms                            {"rooms": [Status...]}
//	GET   /api/v1/rooms/{room}/events              server-sent events; see room.Event
//	POST  /api/v1/rooms/{room}/events              an event for players: room.Cue → room.Cued
//	GET   /api/v1/rooms/{room}/recordings          {"recordings": [Recording...]}
//	POST  /api/v1/rooms/{room}/recording           {"on": true} or {"on": false}: from the next segment on
//	PATCH /api/v1/rooms/{room}/participants/{id}   {"volume": 0.5, "muted": true} → Participant
func New(token string, rooms Rooms, cues Announcer, recorder Recorder) http.Handler {
	a := &api{rooms, cues, recorder}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/rooms", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{"rooms": rooms.List()})
	})
	mux.HandleFunc("GET /api/v1/rooms/{room}/events", a.events)
	mux.HandleFunc("POST /api/v1/rooms/{room}/events", guard(token, a.announce))
	mux.HandleFunc("GET /api/v1/rooms/{room}/recordings", a.recordings)
	mux.HandleFunc("POST /api/v1/rooms/{room}/recording", guard(token, a.record))
	mux.HandleFunc("PATCH /api/v1/rooms/{room}/participants/{id}", guard(token, a.change))
	mux.HandleFunc("POST /api/v1/rooms/{room}/participants/{id}", guard(token, a.change))
	mux.HandleFunc("OPTIONS /api/v1/", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "GET, POST, PATCH")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusNotFound, map[string]string{"error": r.Method + " " + r.URL.Path + " is not part of the API; try GET /api/v1/rooms"})
	})
	return mux
}

// change sets what the body names.
func (a *api) change(w http.ResponseWriter, r *http.Request) {
	var c room.Change
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		fail(w, fmt.Errorf("%w: the body must be JSON such as {\"volume\": 0.5, \"muted\": true}: %w", room.ErrValue, err))
		return
	}
	p, err := a.rooms.Change(r.PathValue("room"), r.PathValue("id"), c)
	if err != nil {
		fail(w, err)
		return
	}
	write(w, http.StatusOK, p)
}

// fail says err with the status that fits it.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, room.ErrNoRoom), errors.Is(err, room.ErrNoParticipant):
		status = http.StatusNotFound
	case errors.Is(err, room.ErrOffAir):
		status = http.StatusConflict
	case errors.Is(err, room.ErrNotKept):
		status = http.StatusServiceUnavailable
	case errors.Is(err, room.ErrValue):
		status = http.StatusBadRequest
	}
	write(w, status, map[string]string{"error": err.Error()})
}

func write(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a reader that left is not our error
}
