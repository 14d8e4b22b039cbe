package ingest

import (
	"sync"

	"tilecast/media"
)

const (
	streamSilence = media.Second     // so quiet a stream leaves its place to another of its track
	lessAfter     = 2 * media.Second // a smaller picture must have been enough for so long
)

// track is what goes to one inlet: a single stream, or one of several simulcast
// layers. On show is the smallest layer that fills the place it is wanted for; one
// takes another's place at a key frame. Layers that are neither shown nor about to be
// are dropped as they come.
type track struct {
	sess    *session
	section *section
	inlet   Inlet

	mu      sync.Mutex
	streams []*stream
	cur     *stream    // on show; nil before the first
	aim     *stream    // what should be on show
	smaller media.Time // since when a smaller layer than aim would do; 0: it would not
	demand  Demand
	changed chan struct{} // closed when the layers wanted are others

	capped media.Time // when the sender was last told its cap
	told   Demand     // for this demand
	alive  media.Time // when the inlet was last told that the source is there
}

func newTrack(s *session, sec *section, inlet Inlet) *track {
	return &track{sess: s, section: sec, inlet: inlet, demand: inlet.Demand(), changed: make(chan struct{})}
}

// count is how many streams the track has had.
func (t *track) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.streams)
}

// wants is what is wanted of the track now.
func (t *track) wants() Demand {
	t.mu.Lock()
	was := t.demand
	t.mu.Unlock()
	select {
	case <-was.Changed:
	default: // as it was, or Changed is nil
		return was
	}
	demand := t.inlet.Demand()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.demand = demand
	return demand
}

// needed reports whether packets of st are of use at now: it is on show, or should be.
func (t *track) needed(st *stream, now media.Time) bool {
	d := t.wants()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retarget(d, now)
	return (d.W > 0 || st.units == nil) && (st == t.cur || st == t.aim)
}

// choose reports whether st is, or with key becomes, the stream on show.
func (t *track) choose(st *stream, key bool, now media.Time) (show bool) {
	d := t.wants()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retarget(d, now)
	if st == t.aim && key {
		t.cur = st
	}
	return st == t.cur
}

// aims reports whether st should be on show.
func (t *track) aims(st *stream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return st == t.aim
}

// retarget decides anew which stream should be on show. Called locked.
func (t *track) retarget(d Demand, now media.Time) {
	best := t.best(d, now)
	if best == t.aim || best == nil {
		t.smaller = 0
		return
	}
	if t.aim != nil && t.aim.flows(now) && !t.aim.tooLarge() && best.pixels() < t.aim.pixels() && best.pixels() > 0 {
		if t.smaller == 0 {
			t.smaller = now
		}
		if now-t.smaller < lessAfter {
			return
		}
	}
	t.aim, t.smaller = best, 0
	t.announce()
}

// best is, of the streams that flow, the smallest that fills d, or else the largest; of
// equals the latest. Layers of unknown size are compared by the order of the offer. Called locked.
func (t *track) best(d Demand, now media.Time) (best *stream) {
	for _, st := range t.streams {
		if st.flows(now) && (best == nil || st.betterThan(best, d)) {
			best = st
		}
	}
	return best
}

// betterThan reports whether st is rather to be shown than o for d when both flow. One that is too large is
// shown by no means, but when there is no other it is watched, as it may become smaller.
func (st *stream) betterThan(o *stream, d Demand) bool {
	a, b := st.pixels(), o.pixels()
	if x, y := st.tooLarge(), o.tooLarge(); x != y {
		return y
	}
	if st.rank == o.rank || a == 0 || b == 0 || a == b {
		return st.rank < o.rank || st.rank == o.rank && st.order > o.order
	}
	if x, y := st.fills(d), o.fills(d); x != y {
		return x
	} else if x {
		return a < b
	}
	return a > b
}

// fills reports whether st is large enough for d, to a tenth.
func (st *stream) fills(d Demand) bool {
	size := st.size.Load()
	w, h := int(size>>32), int(size&0xffffffff)
	return 10*w >= 9*d.W && 10*h >= 9*d.H
}

// pixels of its latest key frame; 0: not known.
func (st *stream) pixels() int64 {
	size := st.size.Load()
	return (size >> 32) * (size & 0xffffffff)
}

// flows reports whether packets come.
func (st *stream) flows(now media.Time) bool { return now-st.heard() < streamSilence }

// announce wakes those who follow wanted. Called locked.
func (t *track) announce() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// Wanted is what a sender should spend on its video.
type Wanted struct {
	W    int      `json:"w"` // px of the largest place it is shown in; 0: it is not shown
	H    int      `json:"h"`
	RIDs []string `json:"rids,omitempty"` // simulcast layers to send; none: there is no simulcast

	Refused string `json:"refused,omitempty"` // why the picture is not taken: "size" or "rate" is beyond the limits
}

// wanted is what the sender should send now, and a channel that is closed when that may have changed. A
// layer that is to be shown is wanted before it flows; the one on show until it does; and the smallest while none is.
func (t *track) wanted(now media.Time) (w Wanted, changed, demand <-chan struct{}) {
	d := t.wants()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retarget(d, now)
	w = Wanted{W: d.W, H: d.H}
	switch {
	case t.sess.load.over():
		w.Refused = "rate"
	case t.aim != nil && t.aim.tooLarge():
		w.Refused = "size"
	}
	if len(t.section.rids) == 0 {
		return w, t.changed, d.Changed
	}
	var ideal *stream
	for _, st := range t.streams {
		if ideal == nil || st.betterThan(ideal, d) {
			ideal = st
		}
	}
	for _, rid := range t.section.rids {
		want := ideal != nil && ideal.rid == rid || d.W > 0 && t.cur != nil && t.cur.rid == rid
		want = want || d.W > 0 && t.aim != nil && t.aim.rid == rid
		if want || t.unknown(rid) {
			w.RIDs = append(w.RIDs, rid)
		}
	}
	return w, t.changed, d.Changed
}

// unknown reports whether layer rid has not been seen yet. Called locked.
func (t *track) unknown(rid string) bool {
	for _, st := range t.streams {
		if st.rid == rid && st.pixels() > 0 {
			return false
		}
	}
	return true
}

// keepInterval is how often an inlet is told that its source is there.
const keepInterval = 500 * media.Millisecond

// keep tells the inlet that the source is there though it may send no pictures.
func (t *track) keep(now media.Time) {
	k, ok := t.inlet.(Keeper)
	if !ok || t.sess.state.Load() != StateConnected {
		return
	}
	t.mu.Lock()
	due := now-t.alive >= keepInterval
	if due {
		t.alive = now
	}
	t.mu.Unlock()
	if due {
		k.Alive(now)
	}
}
