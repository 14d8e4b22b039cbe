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
// overlaps and pauses, and coughs, clicks and short answers do not switch.
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
		loudest = max(loudest, l.DBov)
	}
	for _, l := range levels {
		s := d.sources[l.ID]
		if s == nil {
			s = &source{peak: softest}
			d.sources[l.ID] = s
		}
		s.push(l.DBov, loudest)
		s.round = d.round
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

	short, long int // active frames in the spans
	noise       quietest
	peak        float64 // dBov, of speech; rises slowly, so that a bump is none, and sinks more slowly
}

// push takes the level of the next frame, and that of the loudest source. What is much softer than
// that, and than the source's own voice, is that voice heard through the room or through loudspeakers.
func (s *source) push(db, loudest float64) {
	db = min(max(db, -127), 0)
	i := s.n % longSpan
	s.n++
	s.level[i] = db
	floor := s.noise.push(db)
	crosstalk := db < loudest-12 && (db < s.peak-8 || db < loudest-18)
	s.active[i] = !crosstalk && db > softest && db > floor+aboveNoise && db > s.peak-belowPeak
	s.peak = max(s.peak-0.02, softest) // 1 dB/s
	if s.active[i] {
		if gap := s.n - s.last - 1; s.last > 0 && gap <= bridge {
			for k := int64(1); k <= gap; k++ {
				s.active[(i-k+longSpan)%longSpan] = true
			}
		}
		s.last = s.n
		if s.long >= longLeast {
			s.peak = max(s.peak, min(db, s.peak+1))
		}
	}
	s.count()
}

func (s *source) count() {
	s.short, s.long = 0, 0
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
// digital silence says nothing. What comes first is taken for noise.
type quietest struct {
	now, before float64
	n           int
}

const (
	quietSpan  = 140  // frames
	noNoise    = -100 // dBov: below it nothing was recorded
	least      = -80
	mostNoise  = -35
	firstGuess = -60
)

func (q *quietest) push(db float64) float64 {
	if db > noNoise {
		if q.n%quietSpan == 0 {
			if q.n == 0 {
				q.now = db
			}
			q.before, q.now = q.now, db
		}
		q.n++
		q.now = min(q.now, db)
	}
	if q.n == 0 {
		return firstGuess
	}
	return min(max(min(q.now, q.before), least), mostNoise)
}
