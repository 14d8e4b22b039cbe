package ingest

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Limits are what one server takes, so that nobody takes the house down. 0 is no limit, but where
// a default is given.
type Limits struct {
	Sessions        int // in all
	SessionsPerRoom int
	Offer, Fragment int // bytes; 64 KiB and 16 KiB
	BitRate         int // of one session, bit/s; while it sends more its picture is not taken
	Pixels          int // of one picture; sources whose are larger are not shown

	PostBurst      int            // POSTs of one address at once; a /64 network of IPv6 counts as one
	PostsPerMinute int            // and from then on
	TrustedProxies []netip.Prefix // which say in X-Forwarded-For for whom they speak
}

// touchesPerPost is how many PATCHes and DELETEs an address has for each POST: a client may trickle
// each candidate by itself.
const touchesPerPost = 20

// limit counts a request against the rate of its address (W-5).
func (s *Server) limit(w http.ResponseWriter, r *http.Request, by *quota) error {
	wait, ok := by.take(clientAddr(r, s.cfg.Limits.TrustedProxies), time.Now())
	if ok {
		return nil
	}
	seconds := int(wait/time.Second) + 1
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return refuse(http.StatusTooManyRequests, "too many requests from your address: try again in %d s", seconds)
}

// reserve takes a place for a session of room, to be given back by release.
func (s *Server) reserve(room string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, n := range s.places {
		total += n
	}
	l := s.cfg.Limits
	switch {
	case s.closing:
		return errClosing
	case l.Sessions > 0 && total >= l.Sessions:
		return refuse(http.StatusServiceUnavailable, "the gateway has %d sessions and takes no more: try again later", total)
	case l.SessionsPerRoom > 0 && s.places[room] >= l.SessionsPerRoom:
		return refuse(http.StatusServiceUnavailable, "room %q has %d sessions and takes no more: try again later", room, s.places[room])
	}
	s.places[room]++
	return nil
}

func (s *Server) release(room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places[room]--; s.places[room] <= 0 {
		delete(s.places, room)
	}
}

var errClosing = refuse(http.StatusServiceUnavailable, "the gateway is shutting down: try again in a few seconds")

const (
	weighEvery = 2 * time.Second
	// maxHeavy is how often in a row a session may weigh too much: key frames and probing
	// make any sender exceed its mean.
	maxHeavy = 5
)

// scale tells who sends far more than Limits.BitRate, twice as much: even to drop that costs something.
type scale struct {
	limit int // bit/s that are allowed; 0: no limit
	bytes int64
	heavy int
}

// weigh is called each weighEvery with the bytes received so far.
func (c *scale) weigh(bytes int64) error {
	rate := int(float64(8*(bytes-c.bytes)) / weighEvery.Seconds())
	c.bytes = bytes
	if c.limit == 0 || rate <= 2*c.limit {
		c.heavy = 0
		return nil
	}
	if c.heavy++; c.heavy < maxHeavy {
		return nil
	}
	return fmt.Errorf("the client sends %d kb/s, more than twice the %d kb/s that are allowed", rate/1000, c.limit/1000)
}

// received is how many bytes of media have come.
func (s *session) received() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tracks {
		t.mu.Lock()
		for _, st := range t.streams {
			st.mu.Lock()
			n += st.stats.Bytes
			st.mu.Unlock()
		}
		t.mu.Unlock()
	}
	return n
}
