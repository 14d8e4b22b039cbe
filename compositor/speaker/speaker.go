// Package speaker finds out who speaks, from how loud everybody is.
package speaker

import "slices"

// Frame is how often levels are compared, in samples at 48 kHz: 21.3 ms, one AAC frame.
const Frame = 1024

// Level is how loud a source is in one frame.
type Level struct {
	ID   string
	DBov float64 // RMS against full scale, 0 to -127 (RFC 6464 section 3)
}

// The time scales, in frames, and what is asked of who takes over.
const (
	shortSpan  = 12  // 256 ms
	longSpan   = 32  // 683 ms
	shortLead  = 4   // more active frames in the short span than the dominant one has
	shortLeast = 8   // active frames in the short span
	longLeast  = 18  // and in the long one: 384 ms, out of reach for a burst of 300 ms
	bridge     = 3   // frames between two syllables that count as speech
	breath     = 280 // frames without a longer pause than that, 6 s: no speech
	aboveNoise = 9.0 // dB
	belowPeak  = 28.0
	softest    = -57.0 // dBov
)

// Detector finds the dominant speaker by comparing activity on three time scales, after I. Volfin and
// I. Cohen, "Dominant speaker identification for multipoint videoconferencing" (Computer Speech and
// Language 27, 2013): a frame is active when it stands out of the source's own noise; the number of
// active frames, of which the likelihood ratio of speech to noise is a function, is kept for a short
// and for a long span; and a source takes over when it is active now, more so than the dominant one in
// the short span, and no less in the long one. So the one who holds the floor keeps it through
// overlaps and pauses, and coughs, clicks and short answers do not switch. What sounds without a pause for
// longer than anybody can talk neither takes the floor nor holds it.
//
// Where theirs counts active sub-bands, this takes the level of the frame, which RFC 6464 sends.
// Nothing here knows a clock. A Detector is used by one goroutine.
type Detector struct {
	sources  map[string]*source
	dominant string
	order    []string
	round    int64
}

// New begins with silence.
func New() *Detector { return &Detector{sources: map[string]*source{}} }

// Dominant is who speaks or spoke last, "" before anybody did and after they left.
func (d *Detector) Dominant() string { return d.dominant }

// Order is who has spoken of those who are here, the most recent first. It is not changed later.
func (d *Detector) Order() []string { return d.order }

// Step takes the levels of one frame, one of each source that is here; who is not among them has left.
// It reports whether Dominant or Order changed.
func (d *Detector) Step(levels []Level) (changed bool) {
	d.round++
	loudest := -127.0
	for _, l := range levels {
		s := d.sources[l.ID]
		if s == nil {
			s = &source{peak: softest}
			d.sources[l.ID] = s
		}
		if s.hear(l.DBov); s.stands {
			loudest = max(loudest, s.db)
		}
		s.round = d.round
	}
	for _, l := range levels {
		d.sources[l.ID].judge(loudest)
	}
	for id, s := range d.sources {
		if s.round != d.round {
			delete(d.sources, id)
			changed = d.forget(id) || changed
		}
	}
	best := d.challenger()
	if best != "" {
		d.dominant = best
		d.order = slices.Insert(slices.DeleteFunc(slices.Clone(d.order), func(id string) bool { return id == best }), 0, best)
		return true
	}
	for _, l := range levels { // who spoke besides, in the dominant one's shadow
		if s := d.sources[l.ID]; s.long >= longLeast && !slices.Contains(d.order, l.ID) {
			d.order = slices.Insert(slices.Clone(d.order), min(1, len(d.order)), l.ID)
			changed = true
		}
	}
	return changed
}

// challenger is who takes over, "" for nobody. Of several, as when a voice is heard in many rooms, it
// is the loudest.
func (d *Detector) challenger() (best string) {
	var short, long int
	if s := d.sources[d.dominant]; s != nil {
		short, long = s.short, s.long
	}
	loudest := -1000.0
	for id, s := range d.sources {
		if id == d.dominant || s.short < max(shortLeast, short+shortLead) || s.long < max(longLeast, long) || !s.recent() {
			continue
		}
		if l := s.loudness(); l > loudest || l == loudest && id < best {
			best, loudest = id, l
		}
	}
	return best
}

// forget takes who has left out of the order.
func (d *Detector) forget(id string) (changed bool) {
	if d.dominant == id {
		d.dominant, changed = "", true
	}
	if slices.Contains(d.order, id) {
		d.order = slices.DeleteFunc(slices.Clone(d.order), func(o string) bool { return o == id })
		changed = true
	}
	return changed
}

// source is one microphone.
type source struct {
	round  int64 // of Step, the last it was in
	active [longSpan]bool
	level  [longSpan]float64
	n      int64 // frames so far
	last   int64 // the last active one, counted from 1
	since  int64 // the first active one after the last pause

	db          float64 // of this frame, dBov
	stands      bool    // it stands out of the noise
	short, long int     // active frames in the spans
	noise       quietest
	peak        float64 // dBov, of speech; rises slowly, so that a bump is none, and sinks more slowly
}

// hear takes the level of the next frame.
func (s *source) hear(db float64) {
	s.db = min(max(db, -127), 0)
	s.level[s.n%longSpan] = s.db
	s.n++
	s.stands = s.db > max(softest, s.noise.push(s.db)+aboveNoise)
}

// judge ends the frame; loudest is the level of the loudest source that stands out of its noise. What is much softer
// than that, and than the source's own voice, is that voice heard through the room or through loudspeakers.
func (s *source) judge(loudest float64) {
	i := (s.n - 1) % longSpan
	crosstalk := s.db < loudest-12 && (s.db < s.peak-8 || s.db < loudest-18)
	s.active[i] = s.stands && !crosstalk && s.db > s.peak-belowPeak
	s.peak = max(s.peak-0.02, softest) // 1 dB/s
	if s.active[i] {
		gap := s.n - s.last - 1
		if s.last == 0 || gap > bridge {
			s.since, gap = s.n, 0
		}
		for k := range gap {
			s.active[(i-k-1+longSpan)%longSpan] = true
		}
		s.last = s.n
		if s.long >= longLeast {
			s.peak = max(s.peak, min(s.db, s.peak+1))
		}
	}
	s.count()
}

func (s *source) count() {
	s.short, s.long = 0, 0
	if s.last-s.since > breath {
		return
	}
	for k := range int64(min(s.n, longSpan)) {
		if s.active[(s.n-1-k)%longSpan] {
			s.long++
			if k < shortSpan {
				s.short++
			}
		}
	}
}

// recent reports whether it is active now, or was just before.
func (s *source) recent() bool { return s.n-s.last <= bridge }

// loudness is the mean level of the short span.
func (s *source) loudness() (sum float64) {
	n := min(s.n, shortSpan)
	for k := range n {
		sum += s.level[(s.n-1-k)%longSpan]
	}
	return sum / float64(n)
}

// quietest is the lowest level of the last three to six seconds: the noise of a microphone, of which
// digital silence says nothing. What comes first is taken for noise. Speech pauses in so long a time; until that
// has passed, and beside silence, which a noise gate makes of pauses, what is as loud as speech is none.
type quietest struct {
	now, before float64
	n           int
	unbroken    int // frames since the last silence
}

const (
	quietSpan  = 140  // frames
	noNoise    = -100 // dBov: below it nothing was recorded
	least      = -80
	mostNoise  = -35 // before a breath's time without silence
	firstGuess = -60
)

func (q *quietest) push(db float64) float64 {
	q.unbroken++
	if db > noNoise {
		if q.n%quietSpan == 0 {
			if q.n == 0 {
				q.now = db
			}
			q.before, q.now = q.now, db
		}
		q.n++
		q.now = min(q.now, db)
	} else {
		q.unbroken = 0
	}
	if q.n == 0 {
		return firstGuess
	}
	floor := max(min(q.now, q.before), least)
	if q.unbroken <= breath {
		floor = min(floor, mostNoise)
	}
	return floor
}
