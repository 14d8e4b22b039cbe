// Package api is the control surface over HTTP: what rooms there are and who is in them.
package api

import (
	"encoding/json"
	"net/http"

	"tilecast/room"
)

// Lister tells the state of every room.
type Lister interface{ List() []room.Status }

// New serves /api/v1/. Answers are JSON and never cached.
//
//	GET /api/v1/rooms   {"rooms": [Status...]}
func New(rooms Lister) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/rooms", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{"rooms": rooms.List()})
	})
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusNotFound, map[string]string{"error": r.Method + " " + r.URL.Path + " is not part of the API; try GET /api/v1/rooms"})
	})
	return mux
}

func write(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a reader that left is not our error
}
