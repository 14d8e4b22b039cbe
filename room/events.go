package room

import (
	"log/slog"
	"sync"
	"time"
)

// Event is something that happened in a room. Kinds so far:
//
//	program         {"program", "state": "on air" or "ended", "reason"}
//	participant     {"id", "name", "state": "joined", "back", "silent", "lost" or "left"}
//	speaker         {"id", "name", "at"}: who dominates from at on, in seconds of the program; id is "" for nobody
//	load            {"step", "on"}: what gave way because the machine is too slow, or is undone
//	decoder         {"id", "codec", "full"}: so often a participant's decoder was too slow, and went on with the next key frame
//	refused         {"name", "reason"}: somebody does not come in; once in ten seconds
//	missed          {"rendition", "readers"}: so many came when what they wanted had left the window
//	suspended       {"seconds"}: the machine slept or the process was stopped
//	rung            {"canvas", "rung", "state": "failed" or "back", "err"}: an encoder, or what follows it, fails for longer than a part
//	encoder         {"rung", "wanted", "err"}: an encoder did not open and another took its place
type Event struct {
	Seq   int64          `json:"seq"` // 1, 2, 3… in the life of the gateway's room
	At    time.Time      `json:"at"`
	Kind  string         `json:"kind"`
	Attrs map[string]any `json:"attrs,omitempty"`
}

// eventsKept bounds a room's log.
const eventsKept = 512

// Events is what happened in a room of late: a bounded log that any number of readers follow, each at
// its own pace. Who is too slow misses the oldest, and can tell by Seq.
type Events struct {
	mu      sync.Mutex
	log     []Event // the last eventsKept
	seq     int64
	changed chan struct{}
	closed  bool
}

// NewEvents begins an empty log.
func NewEvents() *Events { return &Events{changed: make(chan struct{})} }

// Add never blocks. After Close it does nothing.
func (e *Events) Add(at time.Time, kind string, attrs ...slog.Attr) {
	ev := Event{At: at.UTC(), Kind: kind}
	if len(attrs) > 0 {
		ev.Attrs = make(map[string]any, len(attrs))
		for _, a := range attrs {
			ev.Attrs[a.Key] = plain(a.Value.Resolve())
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.seq++
	ev.Seq = e.seq
	if len(e.log) == eventsKept {
		copy(e.log, e.log[1:])
		e.log = e.log[:eventsKept-1]
	}
	e.log = append(e.log, ev)
	close(e.changed)
	e.changed = make(chan struct{})
}

// plain is v as JSON says it best.
func plain(v slog.Value) any {
	switch v.Kind() {
	case slog.KindDuration:
		return v.Duration().Seconds()
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return err.Error()
		}
	}
	return v.Any()
}

// Since is what happened after event seq, the last that is known. More is closed when there may be
// more; it is nil when there never will be.
func (e *Events) Since(seq int64) (events []Event, more <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	missing := min(max(e.seq-seq, 0), int64(len(e.log)))
	events = append(events, e.log[int64(len(e.log))-missing:]...)
	if e.closed {
		return events, nil
	}
	return events, e.changed
}

// Last is the number of the latest event.
func (e *Events) Last() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seq
}

// Close lets readers go. Closing again does nothing.
func (e *Events) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		close(e.changed)
	}
}

// Events is the log of a room.
func (rs *Rooms) Events(name string) (*Events, error) {
	r, err := rs.room(name)
	if err != nil {
		return nil, err
	}
	return r.events, nil
}

// happened notes an event about g. Called locked.
func (r *Room) happened(g *guest, state string) {
	r.events.Add(time.Now(), "participant", slog.String("id", g.public), slog.String("name", g.name), slog.String("state", state))
}
