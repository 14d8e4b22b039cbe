package room

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tilecast/origin/archive"
)

// Recording is what is kept of a program.
type Recording = archive.Recording

// ErrNotKept says that there is no place for recordings.
var ErrNotKept = errors.New("nothing is kept: the data folder cannot be used, the log of the start says why")

// Recordings are those of a room, oldest first.
func (rs *Rooms) Recordings(name string) ([]Recording, error) {
	rs.mu.Lock()
	r := rs.rooms[name]
	rs.mu.Unlock()
	switch {
	case r == nil:
		return nil, fmt.Errorf("%w: %q", ErrNoRoom, name)
	case rs.store == nil:
		return nil, ErrNotKept
	}
	return rs.store.Recordings(name), nil
}

// SetRecording begins to record a room's program with its next segment, or ends with the present one. What is so already stays so.
func (rs *Rooms) SetRecording(name string, on bool) error {
	rs.mu.Lock()
	r := rs.rooms[name]
	rs.mu.Unlock()
	if r == nil {
		return fmt.Errorf("%w: %q", ErrNoRoom, name)
	}
	if rs.store == nil {
		return ErrNotKept
	}
	r.mu.Lock()
	p := r.prog
	r.mu.Unlock()
	if p == nil {
		return fmt.Errorf("%w: %s", ErrOffAir, name)
	}
	was := p.keep.Recording()
	if was && on {
		return nil
	}
	last := int64(0)
	for _, s := range p.out.Stats().Streams {
		last = max(last, s.Edge.MSN)
	}
	kind := "recording_stopped"
	if on {
		kind = "recording_started"
		p.keep.Record(max(last, p.first-1) + 1)
	} else {
		p.keep.StopRecording(last) // it may be about to begin again
	}
	if was != on {
		r.event(kind, slog.String("program", p.id))
	}
	return nil
}

// sweepEvery is how often what nobody needs any more is removed from disk.
const sweepEvery = 10 * time.Minute

// sweep removes what nobody needs any more, now and then, until stop is closed. New starts it.
func (rs *Rooms) sweep(stop <-chan struct{}) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-t.C:
			for _, r := range rs.all() {
				keep := r.config().Record.Keep
				rs.store.Sweep(r.name, now, keep)
				r.mu.Lock()
				p := r.prog
				r.mu.Unlock()
				if p != nil && keep > 0 {
					p.keep.Expire(now, keep)
				}
			}
		}
	}
}
