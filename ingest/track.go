package ingest

import (
	"sync"

	"tilecast/media"
)

// streamSilence is how long a stream may be quiet before another of its track takes its place.
const streamSilence = media.Second

// track is what goes to one inlet: a single stream, or the one of several
// simulcast layers that is on show. Of those that flow it is the one the offer
// names first, which the sender prefers (RFC 8853 5.1); of equals the latest.
type track struct {
	sess    *session
	section *section
	inlet   Inlet

	mu      sync.Mutex
	streams []*stream
	cur     *stream // on show; nil before the first
	demand  Demand
	rises   int // of demand from zero
}

func newTrack(s *session, sec *section, inlet Inlet) *track {
	return &track{sess: s, section: sec, inlet: inlet, demand: inlet.Demand()}
}

// count is how many streams the track has had.
func (t *track) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.streams)
}

// choose reports whether st is, or with key becomes, the stream on show at now,
// and whether it should be and only a key frame is missing.
func (t *track) choose(st *stream, key bool, now media.Time) (show, wanted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if st == t.cur {
		return true, true
	}
	if t.cur != nil && now-t.cur.heard() < streamSilence && t.cur.before(st) {
		return false, false
	}
	if key {
		t.cur = st
	}
	return key, true
}

// wants reports whether anything is wanted of a video track now, and how often
// that has begun anew.
func (t *track) wants() (wanted bool, rises int) {
	t.mu.Lock()
	was, rises := t.demand, t.rises
	t.mu.Unlock()
	select {
	case <-was.Changed:
	default: // as it was, or Changed is nil
		return was.W > 0, rises
	}
	demand := t.inlet.Demand()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.demand.W == 0 && demand.W > 0 {
		t.rises++
	}
	t.demand = demand
	return demand.W > 0, t.rises
}
