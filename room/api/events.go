package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tilecast/room"
)

const (
	keepAlive  = 15 * time.Second // proxies drop what is silent for longer
	writeLimit = 10 * time.Second // for who stops reading
)

// events follows a room's log as server-sent events: id is the event's number, event its kind, data
// the whole of it. It begins with what comes next; with Last-Event-ID, or ?since=N, after that one.
// Where the log does not reach back that far, an event "missed" says how many are gone.
func (a *api) events(w http.ResponseWriter, r *http.Request) {
	log, err := a.rooms.Events(r.PathValue("room"))
	if err != nil {
		fail(w, err)
		return
	}
	seq, err := startOf(r, log)
	if err != nil {
		fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Accel-Buffering", "no")
	s := &stream{w: w, c: http.NewResponseController(w), seq: seq}
	_ = s.c.SetReadDeadline(time.Time{}) // not all writers have deadlines; those that do must not end the stream
	if s.flush(": "+r.PathValue("room")+"\n\n") != nil {
		return
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		events, more := log.Since(s.seq)
		if s.send(events) != nil || more == nil {
			return
		}
		select {
		case <-more:
		case <-alive.C:
			if s.flush(": still here\n\n") != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// startOf is the number of the last event that the reader knows.
func startOf(r *http.Request, log *room.Events) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("since")
	}
	if text == "" {
		return log.Last(), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: since=%q: give the number of the last event you know, 0 for all that are kept", room.ErrValue, text)
	}
	return min(n, log.Last()), nil
}

// stream is one reader.
type stream struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	seq int64
}

func (s *stream) send(events []room.Event) error {
	for _, e := range events {
		if gone := e.Seq - s.seq - 1; gone > 0 {
			if err := s.flush(fmt.Sprintf("event: missed\ndata: {\"events\":%d}\n\n", gone)); err != nil {
				return err
			}
		}
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if err := s.flush(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Kind, data)); err != nil {
			return err
		}
		s.seq = e.Seq
	}
	return nil
}

// flush sends text. In between there is no deadline: over HTTP/2 one ends the stream though nothing is being written.
func (s *stream) flush(text string) error {
	_ = s.c.SetWriteDeadline(time.Now().Add(writeLimit))
	defer func() { _ = s.c.SetWriteDeadline(time.Time{}) }()
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.c.Flush()
}
