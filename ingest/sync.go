package ingest

import (
	"sync"

	"tilecast/media"
)

// The bounds of synchronisation.
const (
	syncWindow    = 10 * media.Second       // over which the least delay is taken
	syncBucket    = media.Second / 2        // its grain
	syncEarly     = 2 * media.Second        // after a start or a silence corrections are made at once
	syncSilence   = media.Second            // nothing for so long is a silence
	syncFirstSR   = 10 * media.Second       // a first report within this is taken over at once
	syncSnap      = 300 * media.Millisecond // larger errors are corrected at once
	syncSlewDiv   = 200                     // others by 1/200 of the time that passes, 0.5 %
	syncCoherent  = media.Second            // senders' tracks further apart than this have reports that can't be true
	syncOutlier   = 200 * media.Millisecond // a report this far from the last one waits for another that agrees
	syncMostExtra = 600 * media.Millisecond // extra delay of a publisher on a bad network
	syncLessExtra = 30 * media.Millisecond  // it is not lowered for less than this
	syncMoreDiv   = 50                      // it is raised by 1/50 of the time that passes, 2 %
	syncReorder   = media.Second / 2        // pictures may come this far out of the order they are shown in
	syncJump      = 10 * media.Second       // a timestamp this far from its arrival begins a new timeline
)

// syncer ties the RTP timestamps of one publisher's tracks to the program's
// timeline. A timestamp is mapped to the sender's clock by the track's latest
// RTCP sender report (RFC 3550 6.4.1), and the sender's clock to ours by the
// least (arrival − sender time) of all tracks over a window: one offset for all,
// so that sound and picture stay together. A track without reports is placed by
// its own least (arrival − timestamp). All times are of the program's clock.
//
// A publisher whose packets often come later than jitter after the place they
// are given gets extra delay, on all tracks alike.
type syncer struct {
	jitter media.Time // lateness that needs no extra delay; 0: none ever gets any

	mu     sync.Mutex
	tracks []*trackClock
	extra  media.Time // delay that should be given
	given  media.Time // and that is
	slewed media.Time // when given was last moved
	quick  media.Time // until then it is moved at once
	judged media.Time // when extra was last decided
}

// trackClock is the clock of one RTP stream. Its methods may be called from any goroutine.
type trackClock struct {
	s    *syncer
	rate int64 // Hz
	wrap unwrapper

	delay leastWindow // arrival − media time
	skew  media.Time  // sender's NTP − media time, by the latest report
	ntp   bool        // skew is known
	exact bool        // packets say themselves when they were captured
	odd   media.Time  // skew of a report that did not fit
	isOdd bool

	base     media.Time // program time − media time without extra delay
	late     lateWindow // arrival − place without extra delay
	k        media.Time // as base, as applied
	placed   bool
	quick    media.Time // until then corrections are made at once
	first    media.Time // arrival of the first packet
	last     media.Time // of the last packet
	slewed   media.Time // when k was last corrected
	maxTS    int64      // the highest timestamp placed, and where
	maxAt    media.Time
	ordered  bool // maxTS is set
	hasFloor bool // maxAt is set

	snaps, outliers, jumps int64
}

// track adds an RTP stream whose timestamps run at rate Hz.
func (s *syncer) track(rate int64) *trackClock {
	t := &trackClock{s: s, rate: rate, wrap: unwrapper{bits: 32}}
	s.mu.Lock()
	s.tracks = append(s.tracks, t)
	s.mu.Unlock()
	return t
}

// observe takes the timestamp of a packet as it arrives and returns it unwrapped.
func (t *trackClock) observe(rtp uint32, arrival media.Time) int64 {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	ts := t.wrap.next(rtp)
	delay := arrival - media.FromTicks(ts, t.rate)
	if least, ok := t.delay.least(); ok && t.leapt(delay-least, arrival) {
		t.delay, t.ntp, t.isOdd = leastWindow{}, false, false
		t.jumps++
	}
	if !t.placed && t.delay.empty() {
		t.first, t.quick = arrival, arrival+syncEarly
		if t.s.quick == 0 {
			t.s.quick = t.quick
		}
	} else if arrival-t.last > syncSilence {
		t.quick = arrival + syncEarly
	}
	t.last = arrival
	t.delay.add(delay, arrival)
	return ts
}

// leapt reports whether a timestamp that came late by this much (less than zero:
// early) does not go on from those before. Called locked.
func (t *trackClock) leapt(late, arrival media.Time) bool {
	if abs(late) > syncJump && arrival-t.last < syncJump {
		t.placed, t.ordered = false, false
		return true
	}
	return late < -syncSnap
}

// report takes an RTCP sender report: the 64-bit NTP time and the RTP timestamp
// that stand for the same instant. Reports before the first packet are ignored,
// and so is one that contradicts the one before, until the next agrees with it.
func (t *trackClock) report(ntp uint64, rtp uint32, now media.Time) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if !t.exact {
		t.relate(ntp, rtp, now)
	}
}

// captured takes what a packet says itself of when its contents were captured
// (abs-capture-time). From then on reports, which are less exact, are not needed.
func (t *trackClock) captured(ntp uint64, rtp uint32, now media.Time) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if ntp != 0 && !t.exact { // however far it is from the reports
		t.exact, t.ntp, t.isOdd = true, false, false
	}
	t.relate(ntp, rtp, now)
}

// relate ties the sender's clock to the timestamps. Called locked.
func (t *trackClock) relate(ntp uint64, rtp uint32, now media.Time) {
	if ntp == 0 || t.delay.empty() {
		return
	}
	skew := ntpTime(ntp) - media.FromTicks(t.wrap.peek(rtp), t.rate)
	if off := media.FromTicks(t.wrap.peek(rtp)-t.wrap.last, t.rate); off > syncJump || off < -syncJump {
		t.outliers++
		return
	}
	switch {
	case !t.ntp:
		if now-t.first < syncFirstSR {
			t.quick = max(t.quick, now+syncSilence)
		}
	case abs(skew-t.skew) > syncOutlier && !(t.isOdd && abs(skew-t.odd) <= syncOutlier):
		t.odd, t.isOdd = skew, true
		t.outliers++
		return
	case abs(skew-t.skew) > syncOutlier:
		t.delay = leastWindow{} // if timestamps have leapt, it is of the time before
	}
	t.skew, t.ntp, t.isOdd = skew, true, false
}

// at is where the timestamp ts, from observe, lies in the program. It never
// runs backwards but for pictures that come out of order (B-frames), and corrections move it by at most 0.5 % of
// the time that passes unless the track is new, was silent, or is far off.
func (t *trackClock) at(ts int64, now media.Time) media.Time {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.correct(now)
	t.late.add(now-t.base-media.FromTicks(ts, t.rate), now)
	at := t.k + t.s.delay(now) + media.FromTicks(ts, t.rate)
	if abs(at-now) > 2*syncJump { // of a timeline that was left meanwhile
		return max(now, t.maxAt)
	}
	step := media.FromTicks(1, t.rate)
	switch {
	case t.ordered && ts == t.maxTS:
		return t.maxAt
	case t.ordered && ts < t.maxTS && media.FromTicks(t.maxTS-ts, t.rate) <= syncReorder:
		return min(at, t.maxAt-media.FromTicks(t.maxTS-ts, t.rate))
	case t.hasFloor && at <= t.maxAt:
		at = t.maxAt + step
	}
	t.maxTS, t.maxAt, t.ordered, t.hasFloor = ts, at, true, true
	return at
}

// correct moves k towards where it should be. Called locked.
func (t *trackClock) correct(now media.Time) {
	base, ok := t.s.target(t, now)
	if !ok {
		return
	}
	t.base = base
	diff := base - t.k
	most := max(0, now-t.slewed) / syncSlewDiv
	t.slewed = now
	if abs(diff) > syncSnap {
		t.ordered = false
	}
	switch {
	case !t.placed || now < t.quick:
		t.k, t.placed = base, true
	case abs(diff) > syncSnap:
		t.k = base
		t.snaps++
	default:
		t.k += max(-most, min(most, diff))
	}
}

// delay is the extra delay at now. Called locked.
func (s *syncer) delay(now media.Time) media.Time {
	if s.jitter == 0 {
		return 0
	}
	if now-s.judged >= syncBucket {
		s.judge(now)
	}
	if now < s.quick {
		s.given = s.extra
	}
	passed := max(0, now-s.slewed)
	s.slewed = max(s.slewed, now)
	s.given += max(-passed/syncSlewDiv, min(passed/syncMoreDiv, s.extra-s.given))
	return s.given
}

// judge decides extra anew: up as soon as it is needed, down when a good deal less is. Called locked.
func (s *syncer) judge(now media.Time) {
	s.judged = now
	var need media.Time
	for _, t := range s.tracks {
		if now-t.last < syncWindow {
			need = max(need, t.late.often(now)-s.jitter)
		}
	}
	need = min(need, syncMostExtra)
	if need > s.extra || need < s.extra-syncLessExtra {
		s.extra = need
	}
}

// expect says that packets are lost, and that one may take as long as late to come.
func (t *trackClock) expect(late, now media.Time) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.late.add(late, now)
}

// target is what the k of t should be without extra delay. Called locked.
func (s *syncer) target(t *trackClock, now media.Time) (media.Time, bool) {
	own, ok := t.delay.least()
	if !ok {
		return 0, false
	}
	if !t.ntp {
		return own, true
	}
	least, most := own-t.skew, own-t.skew
	for _, o := range s.tracks {
		if d, ok := o.delay.least(); ok && o.ntp && now-o.last < syncWindow {
			least, most = min(least, d-o.skew), max(most, d-o.skew)
		}
	}
	if most-least > syncCoherent {
		return own, true
	}
	return least + t.skew, true
}

// remove forgets t.
func (s *syncer) remove(t *trackClock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.tracks {
		if o == t {
			s.tracks = append(s.tracks[:i], s.tracks[i+1:]...)
			return
		}
	}
}

// delayed is the extra delay that is given.
func (s *syncer) delayed() media.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given
}

// spare is how late things may be now.
func (s *syncer) spare() media.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jitter + s.given
}

// counts are how often the clock was snapped, reports were ignored, and timelines began anew.
func (t *trackClock) counts() (snaps, outliers, jumps int64) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.snaps, t.outliers, t.jumps
}

// ntpTime is the time of an NTP timestamp since its era began, to the flick.
func ntpTime(ntp uint64) media.Time {
	frac := (ntp & 0xffffffff) * (uint64(media.Second) >> 3) >> 29 // Second is a multiple of 8
	return media.Time(ntp>>32)*media.Second + media.Time(frac)
}

func abs(t media.Time) media.Time { return max(t, -t) }
