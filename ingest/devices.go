package ingest

import (
	"encoding/json"
	"net/http"
)

const (
	devicesPath  = "/devices"         // below a session
	devicesRel   = "tilecast-devices" // of the Link that names it
	devicesLimit = 1 << 10            // bytes of a body
	jsonType     = "application/json"
)

// deviceSeat is a Seat that wants to know which devices its broadcaster has on.
type deviceSeat interface {
	// Devices says what the client says: a camera that is off sends nothing, a microphone that
	// is muted sends silence, and neither can be told from a bad network.
	Devices(camera, microphone bool)
}

// devices takes what the client says of its camera and microphone: PUT {"camera": bool, "microphone": bool}.
// What is left out counts as on. It is ours, not WHIP's; a client that never says anything has both on.
func (s *Server) devices(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPut:
	case http.MethodOptions:
		options(w, "OPTIONS, PUT")
		return
	default:
		w.Header().Set("Allow", "OPTIONS, PUT")
		say(w, http.StatusMethodNotAllowed, "%s is not possible here: PUT says which devices are on", r.Method)
		return
	}
	if err := s.takeDevices(w, r); err != nil {
		s.answerError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) takeDevices(w http.ResponseWriter, r *http.Request) error {
	if err := s.limit(w, r, &s.touches); err != nil {
		return err
	}
	sess, gone := s.find(r.PathValue("room"), r.PathValue("session"))
	switch {
	case sess == nil && gone:
		return errEnded
	case sess == nil:
		return refuse(http.StatusNotFound, "there is no such session; it may have ended long ago")
	}
	if err := s.mayTouch(sess, r); err != nil {
		return err
	}
	body, err := readBody(r, w, jsonType, devicesLimit, `{"camera": true, "microphone": true}`)
	if err != nil {
		return err
	}
	on := struct{ Camera, Microphone *bool }{}
	if err := json.Unmarshal([]byte(body), &on); err != nil {
		return refuse(http.StatusBadRequest, `the body must be like {"camera": true, "microphone": false}: %v`, err)
	}
	if seat, ok := sess.seat.(deviceSeat); ok {
		seat.Devices(on.Camera == nil || *on.Camera, on.Microphone == nil || *on.Microphone)
	}
	return nil
}
