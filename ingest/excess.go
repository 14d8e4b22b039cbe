package ingest

import (
	"sync"

	"tilecast/media"
)

const (
	allowBurst = 2                 // seconds of its limit that a session may send at once: key frames, probing
	sayAgain   = 10 * media.Second // the log is told of the same again so often
)

// allowance is what a session may send (Limits.BitRate), all its tracks and layers together: a token bucket. Once
// it is used up the session is over it, until half is there again, which takes a sender that sends less.
// The zero value lets everything through.
type allowance struct {
	limit int64 // bytes/s; 0: none

	mu     sync.Mutex
	begun  bool
	left   int64 // bytes
	at     media.Time
	spent  bool
	logged media.Time
}

// take counts n bytes at now. Tell says that the log should hear that there is too much.
func (a *allowance) take(n int, now media.Time) (tell bool) {
	if a.limit == 0 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	most := a.limit * allowBurst
	if !a.begun {
		a.begun, a.left, a.at = true, most, now
	}
	passed := min(max(0, now-a.at), allowBurst*media.Second)
	a.at = max(a.at, now)
	a.left = max(0, min(most, a.left+int64(float64(a.limit)*float64(passed)/float64(media.Second)))-int64(n))
	switch {
	case a.left == 0 && !a.spent:
		a.spent = true
		tell = a.logged == 0 || now-a.logged >= sayAgain
	case a.left >= most/2:
		a.spent = false
	}
	if tell {
		a.logged = max(now, 1)
	}
	return tell
}

// over reports whether the session sends more than it may.
func (a *allowance) over() bool {
	if a.limit == 0 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spent
}

// bounded is the rate in bit/s that a sender is told who could use rate: not more than is allowed, and less for one that is over it.
func (a *allowance) bounded(rate int64) int64 {
	switch {
	case a.limit == 0:
		return rate
	case a.over():
		return min(rate, 8*a.limit*2/3)
	}
	return min(rate, 8*a.limit)
}

// weigh counts n bytes that came at now.
func (s *session) weigh(n int, now media.Time) {
	if s.load.take(n, now) {
		s.log.Warn("publisher sends more than it may: its picture is not taken until it sends less; lower its bit rate, or raise ingest.limits.bitrate",
			"limit", s.srv.cfg.Limits.BitRate)
	}
}

// tooLarge reports whether the stream's pictures have more pixels than a source's may (Limits.Pixels).
func (s *stream) tooLarge() bool {
	most := s.t.sess.srv.cfg.Limits.Pixels
	return most > 0 && s.pixels() > int64(most)
}

// refuses reports whether the key frame u is too large to be taken. Its stream is then not shown until a smaller one comes.
func (s *stream) refuses(u accessUnit, now media.Time) bool {
	if w, h, ok := unitSize(s.codec, u.data); ok {
		s.size.Store(int64(w)<<32 | int64(h))
	}
	if !s.tooLarge() {
		return false
	}
	s.units.bar()
	s.mu.Lock()
	s.stats.Oversize++
	s.mu.Unlock()
	if s.told == 0 || now-s.told >= sayAgain {
		s.told = max(now, 1)
		size := s.size.Load()
		s.t.sess.log.Warn("publisher's picture is larger than a source's may be: it is not shown; lower its resolution, or raise ingest.limits.max_pixels",
			"width", size>>32, "height", size&0xffffffff, "max_pixels", s.t.sess.srv.cfg.Limits.Pixels)
	}
	return true
}
