package ingest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	wantedPath   = "/wanted"         // below a session
	wantedRel    = "tilecast-wanted" // of the Link that names it
	wantedPulse  = time.Second       // how often the answer is looked at again though nothing was said
	wantedSilent = 15                // pulses until something is written, so that a lost client shows
	maxListeners = 4                 // of one session
)

// wanted tells the client which of its simulcast layers are of use, as they change: a
// stream of server-sent events, the first as soon as video flows, each {"video": Wanted}. It ends with the session.
func (s *Server) wanted(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodOptions:
		options(w, "OPTIONS, GET")
		return
	default:
		w.Header().Set("Allow", "OPTIONS, GET")
		say(w, http.StatusMethodNotAllowed, "%s is not possible here: GET says which layers are wanted", r.Method)
		return
	}
	sess, gone := s.find(r.PathValue("room"), r.PathValue("session"))
	if sess == nil {
		missing(w, gone)
		return
	}
	if sess.listeners.Add(1) > maxListeners {
		sess.listeners.Add(-1)
		say(w, http.StatusTooManyRequests, "this session has %d listeners already", maxListeners)
		return
	}
	defer sess.listeners.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	sess.tell(w, r)
}

// tell writes what is wanted each time that it is another, until the client or the session is gone.
func (s *session) tell(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // a stream outlasts the server's limits
	pulse := time.NewTicker(wantedPulse)
	defer pulse.Stop()
	last, silent := "", 0
	for {
		video, event := s.video(), ""
		var changed, demand <-chan struct{}
		if video != nil {
			var now Wanted
			now, changed, demand = video.wanted(s.now())
			text, err := json.Marshal(map[string]any{"video": now})
			if err != nil {
				return
			}
			event = fmt.Sprintf("data: %s\n\n", text)
		}
		switch {
		case event != last:
			last = event
		case silent < wantedSilent && silent > 0:
			event = ""
		default:
			event = ": still here\n\n"
		}
		silent++
		if event != "" {
			silent = 1
			_ = out.SetWriteDeadline(time.Now().Add(answerTime)) // not every writer has one
			if _, err := w.Write([]byte(event)); err != nil || out.Flush() != nil {
				return
			}
			_ = out.SetWriteDeadline(time.Time{}) // over HTTP/2 it would end the stream though nothing is being written
		}
		select {
		case <-changed:
		case <-demand:
		case <-pulse.C:
		case <-s.ending:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// video is the session's video track; nil before it flows.
func (s *session) video() *track {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tracks {
		if t.section.codec.Video() {
			return t
		}
	}
	return nil
}
