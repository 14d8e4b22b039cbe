package ingest

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/pion/transport/v4/packetio"

	"tilecast/media"
)

// adoptAfter is how long the announced SSRC of a track must be silent before another takes its place.
const adoptAfter = 300 * time.Millisecond

// adoptLooks is how often that is looked at: the last packets of the one may come after the first of the other.
const adoptLooks = 6

// firstLook is a buffer that tells of what payload type its first packet is. One goroutine writes.
type firstLook struct {
	*packetio.Buffer
	seen func(pt uint8) // nil: it was told
}

func (f *firstLook) Write(p []byte) (int, error) {
	if f.seen != nil && len(p) > 1 {
		f.seen(p[1] & 0x7f)
		f.seen = nil
	}
	return f.Buffer.Write(p)
}

// arrived looks after an SSRC that the client begins to send from. The WebRTC library knows those that the offer announced, and
// those of sections that announced none; a client that goes on from another is followed when the one announced has fallen
// silent. It does not block.
func (s *session) arrived(ssrc uint32, pt uint8) {
	i := slices.IndexFunc(s.offer.sections, func(x *section) bool { return x.pt == pt })
	if i < 0 {
		return
	}
	sec := s.offer.sections[i]
	if sec.ssrc == "" || slices.Contains(sec.announced, ssrc) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.adopted >= maxStreams {
		return
	}
	s.adopted++
	s.wg.Go(func() { // ends after adoptLooks and a negotiation, or with the session
		if !s.silent(sec.codec) {
			return // of two at a time the one announced is meant
		}
		if err := s.adopt(sec, ssrc); err != nil && !s.isEnding() {
			s.log.Warn("publisher goes on from another SSRC, which can't be followed", "codec", sec.codec, "err", err)
		}
	})
}

// silent waits until no packets of c come any more by a stream that is known, and reports whether that came to be in time.
func (s *session) silent(c media.Codec) bool {
	for range adoptLooks {
		select {
		case <-time.After(adoptAfter):
		case <-s.ending:
			return false
		}
		if !s.flows(c) {
			return true
		}
	}
	return false
}

// flows reports whether packets of c come by a stream that is known.
func (s *session) flows(c media.Codec) bool {
	s.mu.Lock()
	t := s.tracks[c]
	s.mu.Unlock()
	if t == nil {
		return false
	}
	now := s.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.streams, func(st *stream) bool { return now-st.heard() < media.FromDuration(adoptAfter) })
}

// adopt tells the library that what sec's SSRC was is now ssrc. Its retransmissions are not known and come on the stream itself.
func (s *session) adopt(sec *section, ssrc uint32) error {
	s.patching.Lock()
	defer s.patching.Unlock()
	if s.isEnding() {
		return errEnded
	}
	next := *s.offer
	next.sections = slices.Clone(s.agreed)
	i := slices.IndexFunc(next.sections, func(x *section) bool { return x.mid == sec.mid })
	moved := *next.sections[i]
	moved.ssrc, moved.repair, moved.rtx = strconv.FormatUint(uint64(ssrc), 10), "", 0
	next.sections[i] = &moved
	heard := s.heard()
	delete(heard, sec.mid)
	if _, err := s.negotiate(context.Background(), &next, heard, netip.Addr{}); err != nil {
		return err
	}
	s.agreed = next.sections
	s.log.Info("publisher goes on from another SSRC", "codec", sec.codec)
	return nil
}
