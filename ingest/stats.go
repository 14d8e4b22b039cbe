package ingest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tilecast/media"
)

// Stats is a picture of the server at one moment. Counters only grow.
type Stats struct {
	Admitted, Refused, Ended int64
	Trickles, Restarts       int64 // PATCH requests that were carried out
	Stuck                    int64 // connections that did not close and were left behind
	Sessions                 []SessionStats
}

// SessionStats is one broadcaster's session.
type SessionStats struct {
	ID, Room, Name string
	State          State
	Since          time.Time
	RTT            time.Duration
	Moves          int64      // of the client to another address
	Extra          media.Time // delay given because packets come late, on all tracks
	Streams        []StreamStats
}

// StreamStats is one RTP stream: a track, or a simulcast layer of one.
type StreamStats struct {
	Codec media.Codec
	RID   string // of a simulcast layer
	Shown bool   // it is the one passed on

	W, H int // px, of its latest key frame; 0: not known

	Packets, Bytes int64
	Unused         int64 // packets dropped as they came: of a layer or a source that is not shown
	Excess         int64 // and those because the session sends more than it may
	RTX            int64 // packets that came by a stream of retransmissions (RFC 4588)
	Lost           int64 // packets given up
	Late           int64 // packets that came after they were given up
	Duplicate      int64 // packets that came more than once
	Nacks          int64 // packets asked for again
	Repaired       int64 // and those that came then
	KeyRequests    int64
	Units, Keys    int64 // whole pictures that passed the gate, and key frames among them
	Broken         int64 // pictures dropped because something of them was missing or malformed
	BFrames        int64 // pictures refused because they are B-frames
	Oversize       int64 // key frames refused because they have more pixels than a source may
	Withheld       int64 // whole pictures dropped while a key frame was awaited
	Snaps          int64 // corrections of the clock at once
	Outliers       int64 // sender reports ignored
	Jumps          int64 // timestamps that began a new timeline
	Restarts       int64 // sequence numbers that began anew
}

// count publishes the counters of the stream's own goroutine.
func (s *stream) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.stats
	st.Lost, st.Late, st.Duplicate, st.Restarts = s.buf.gone, s.buf.late, s.buf.duplicate, s.buf.restarts
	st.Repaired = s.buf.repaired
	if u := s.units; u != nil {
		st.BFrames = u.bframes
		st.Units, st.Keys, st.Broken, st.Withheld = u.passed, u.keys, u.broken, u.withheld
	}
}

// Stats is safe to call at any time.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	sessions := make([]*session, 0, len(s.sessions))
	for _, sess := range s.sessions {
		sessions = append(sessions, sess)
	}
	s.mu.Unlock()
	out := Stats{Admitted: s.admitted.Load(), Refused: s.refused.Load(), Ended: s.ended.Load(),
		Trickles: s.trickles.Load(), Restarts: s.restarts.Load(), Stuck: s.stuck.Load()}
	for _, sess := range sessions {
		out.Sessions = append(out.Sessions, sess.snapshot())
	}
	slices.SortFunc(out.Sessions, func(a, b SessionStats) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

func (s *session) snapshot() SessionStats {
	out := SessionStats{
		ID: s.id, Room: s.room, Name: s.name, State: s.state.Load().(State), Since: s.since,
		Moves: s.moves.Load(),
		RTT:   media.Time(s.rtt.Load()).Duration(), Extra: s.sync.delayed(),
	}
	for _, t := range s.opened() {
		t.mu.Lock()
		streams, cur := slices.Clone(t.streams), t.cur
		t.mu.Unlock()
		for _, st := range streams {
			out.Streams = append(out.Streams, st.snapshot(st == cur))
		}
	}
	slices.SortFunc(out.Streams, func(a, b StreamStats) int {
		if a.Codec != b.Codec {
			return int(a.Codec) - int(b.Codec)
		}
		return strings.Compare(a.RID, b.RID)
	})
	return out
}

func (s *stream) snapshot(shown bool) StreamStats {
	s.mu.Lock()
	out := s.stats
	s.mu.Unlock()
	out.Codec, out.RID, out.Shown = s.codec, s.rid, shown
	out.W, out.H = int(s.size.Load()>>32), int(s.size.Load()&0xffffffff)
	out.Snaps, out.Outliers, out.Jumps = s.clock.counts()
	return out
}

// account words what came of the session's streams, for the log.
func (s *session) account() string {
	var all []string
	now := s.snapshot()
	for _, st := range now.Streams {
		text := fmt.Sprintf("%v%s: %d packets", st.Codec, strings.TrimSuffix(" "+st.RID, " "), st.Packets)
		for _, c := range []struct {
			n    int64
			what string
		}{
			{st.Unused, "not needed"}, {st.Lost, "lost"}, {st.Nacks, "asked for"}, {st.Repaired, "repaired"}, {st.Duplicate, "twice"},
			{st.Late, "late"}, {st.Excess, "more than allowed"}, {st.RTX, "by RTX"}, {st.Broken, "pictures broken"}, {st.Withheld, "withheld"},
			{st.BFrames, "B-frames"}, {st.Oversize, "too large"}, {st.KeyRequests, "key frames asked for"},
		} {
			if c.n > 0 {
				text += fmt.Sprintf(", %d %s", c.n, c.what)
			}
		}
		all = append(all, text)
	}
	return fmt.Sprintf("%s; round trip %v, extra delay %v", strings.Join(all, "; "), now.RTT.Round(time.Millisecond), now.Extra.Duration().Round(time.Millisecond))
}
