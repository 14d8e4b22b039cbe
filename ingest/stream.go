package ingest

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// stream is one RTP stream on its way to an inlet: put in order, assembled,
// placed in time. run is its only goroutine but for the reports.
type stream struct {
	t     *track
	codec media.Codec
	pt    uint8
	ssrc  uint32
	rid   string
	rank  int // among the track's layers, 0 first
	order int // of beginning

	seq   unwrapper
	buf   reorder
	units *assembler // nil for sound
	clock *trackClock
	key   keyAsker
	rtp   rtp.Packet
	lost  []uint16
	rises int        // of the track's demand, as known here
	armed media.Time // read deadline; 0: none

	lastHeard atomic.Int64 // media.Time

	mu    sync.Mutex
	stats StreamStats
}

// newStream adds a stream to the track.
func (t *track) newStream(remote *webrtc.TrackRemote) *stream {
	sec := t.section
	st := &stream{
		t: t, codec: sec.codec, pt: sec.pt,
		ssrc: uint32(remote.SSRC()), rid: remote.RID(),
		rank:  max(0, slices.Index(sec.rids, remote.RID())),
		seq:   unwrapper{bits: 16},
		clock: t.sess.sync.track(sec.rate),
	}
	cfg := t.sess.srv.cfg
	st.buf.wait = cfg.AudioWait
	if sec.codec.Video() {
		st.buf.wait = cfg.VideoWait
		st.buf.nack = slices.Contains(sec.fb, "nack")
		st.units = newAssembler(newDepacketizer(sec.codec, sec.params))
	}
	t.mu.Lock()
	st.order = len(t.streams)
	t.streams = append(t.streams, st)
	t.mu.Unlock()
	return st
}

// before reports whether s is rather to be shown than o when both flow.
func (s *stream) before(o *stream) bool {
	return s.rank < o.rank || s.rank == o.rank && s.order > o.order
}

// heard is when the last packet came.
func (s *stream) heard() media.Time { return media.Time(s.lastHeard.Load()) }

// maxReadErrors in a row end a stream.
const maxReadErrors = 100

// run reads packets until the peer connection closes.
func (s *stream) run(remote *webrtc.TrackRemote) {
	defer s.t.sess.sync.remove(s.clock)
	buf := make([]byte, receiveMTU)
	failed := 0
	for failed < maxReadErrors {
		s.arm(remote)
		n, _, err := remote.Read(buf)
		now := s.t.sess.now()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			failed = 0
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
			return
		case n == 0 && err != nil:
			failed++
			continue
		default: // with an error it is of a payload type that was not agreed
			failed = 0
			s.take(buf[:n], now)
		}
		s.deliver(now)
	}
}

// arm sets the read deadline to when something is to be done without a packet. A
// deadline that has passed must be lifted, or no packet will be read any more.
func (s *stream) arm(remote *webrtc.TrackRemote) {
	at, ok := s.buf.deadline()
	switch {
	case ok && at != s.armed:
		s.armed = at
		_ = remote.SetReadDeadline(s.t.sess.clock.Instant(at))
	case !ok && s.armed != 0:
		s.armed = 0
		_ = remote.SetReadDeadline(time.Time{})
	}
}

// take puts one packet as it came into the reorder buffer.
func (s *stream) take(raw []byte, now media.Time) {
	p := &s.rtp
	if err := p.Unmarshal(raw); err != nil {
		return
	}
	s.lastHeard.Store(int64(now))
	out := rtpPacket{seq: s.seq.peek(uint32(p.SequenceNumber)), arrival: now, marker: p.Marker}
	if !s.seq.started || out.seq > s.seq.last {
		s.seq.next(uint32(p.SequenceNumber))
	}
	if p.PayloadType == s.pt {
		out.ts = s.clock.observe(p.Timestamp, now)
		out.payload = append([]byte(nil), p.Payload...)
	}
	s.buf.push(out, now)
	s.mu.Lock()
	s.stats.Packets++
	s.stats.Bytes += int64(len(raw))
	s.mu.Unlock()
}

// deliver passes on what is in order at now, and asks for what is missing.
func (s *stream) deliver(now media.Time) {
	for _, p := range s.buf.pop(now) {
		if s.units == nil {
			s.sound(p, now)
			continue
		}
		for _, u := range s.units.push(p) {
			s.picture(u, now)
		}
	}
	s.feedback(now)
	s.count()
}

// sound passes an Opus packet on.
func (s *stream) sound(p released, now media.Time) {
	dur, ok := opusDuration(p.payload)
	if !ok {
		return // padding, or not Opus
	}
	if show, _ := s.t.choose(s, true, now); show {
		s.t.inlet.Push(media.Packet{At: s.clock.at(p.ts, now), Dur: dur, Key: true, Data: p.payload})
	}
}

// picture passes an access unit on if it is wanted.
func (s *stream) picture(u accessUnit, now media.Time) {
	wanted, rises := s.t.wants()
	if !wanted {
		return
	}
	if rises != s.rises && !u.key {
		s.rises = rises
		s.units.gate()
		return
	}
	s.rises = rises
	if u.key {
		s.key.got() // shown or not
	}
	show, _ := s.t.choose(s, u.key, now)
	if !show {
		s.units.gate()
		return
	}
	if s.t.inlet.Push(media.Packet{At: s.clock.at(u.ts, now), Key: u.key, Data: u.data}) {
		s.key.want()
	}
}

// feedback asks for missing packets, and for a key frame when one is needed.
func (s *stream) feedback(now media.Time) {
	if s.units == nil {
		return
	}
	if s.buf.missing > 0 {
		s.lost = s.buf.nacks(s.lost[:0], now, s.t.sess.roundTrip(now))
		if len(s.lost) > 0 {
			s.t.sess.send(&rtcp.TransportLayerNack{
				SenderSSRC: s.t.sess.ssrc, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(s.lost),
			})
			s.mu.Lock()
			s.stats.Nacks += int64(len(s.lost))
			s.mu.Unlock()
		}
	}
	if s.units.hungry {
		if wanted, _ := s.t.wants(); wanted {
			if _, wanted = s.t.choose(s, false, now); wanted {
				s.key.want()
			}
		}
	}
	if s.key.due(now) {
		s.t.sess.send(&rtcp.PictureLossIndication{SenderSSRC: s.t.sess.ssrc, MediaSSRC: s.ssrc})
		s.mu.Lock()
		s.stats.KeyRequests++
		s.mu.Unlock()
	}
}

// runReports reads RTCP until the peer connection closes.
func (s *stream) runReports(receiver *webrtc.RTPReceiver, rid string) {
	for failed := 0; failed < maxReadErrors; {
		var packets []rtcp.Packet
		var err error
		if rid != "" {
			packets, _, err = receiver.ReadSimulcastRTCP(rid)
		} else {
			packets, _, err = receiver.ReadRTCP()
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return
		}
		if err != nil {
			failed++
			continue
		}
		failed = 0
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == s.ssrc {
				s.clock.report(sr.NTPTime, sr.RTPTime, s.t.sess.now())
			}
		}
	}
}
