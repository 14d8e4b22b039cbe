package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"tilecast/room"
)

// Recorder records programs and tells what was recorded.
type Recorder interface {
	Recordings(name string) ([]room.Recording, error)
	SetRecording(name string, on bool) error
}

// recordings lists what there is of a room.
func (a *api) recordings(w http.ResponseWriter, r *http.Request) {
	all, err := a.recorder.Recordings(r.PathValue("room"))
	if err != nil {
		fail(w, err)
		return
	}
	write(w, http.StatusOK, map[string]any{"recordings": all})
}

// record begins or ends a recording.
func (a *api) record(w http.ResponseWriter, r *http.Request) {
	var body struct {
		On *bool `json:"on"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || body.On == nil {
		fail(w, fmt.Errorf("%w: the body must be {\"on\": true} or {\"on\": false}", room.ErrValue))
		return
	}
	if err := a.recorder.SetRecording(r.PathValue("room"), *body.On); err != nil {
		fail(w, err)
		return
	}
	write(w, http.StatusOK, body)
}
