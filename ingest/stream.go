package ingest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// stream is one RTP stream on its way to an inlet: put in order, assembled,
// placed in time. run is its only goroutine but for the reports.
type stream struct {
	t       *track
	codec   media.Codec
	pt      uint8
	capture uint8 // id of the header extension abs-capture-time; 0: not agreed
	level   uint8 // and of that which says how loud sound is (RFC 6464)
	ssrc    uint32
	rid     string
	rank    int // among the track's layers, 0 first
	order   int // of beginning

	seq    unwrapper
	buf    reorder
	units  *assembler // nil for sound
	clock  *trackClock
	key    keyAsker
	rtp    rtp.Packet
	lost   []uint16
	idle   bool       // its packets are dropped as they come
	armed  media.Time // read deadline; 0: none
	warned bool       // of B-frames
	told   media.Time // when the log was last told of pictures that are too large; 0: never
	beside bool       // retransmissions come beside the stream
	pace   pacing

	lastHeard atomic.Int64 // media.Time
	size      atomic.Int64 // width << 32 | height of the latest key frame; 0: not known

	mu    sync.Mutex
	stats StreamStats
}

// newStream adds a stream to the track.
func (t *track) newStream(ssrc uint32, rid string) *stream {
	sec := t.section
	st := &stream{
		t: t, codec: sec.codec, pt: sec.pt,
		ssrc: ssrc, rid: rid,
		rank:   max(0, slices.Index(sec.rids, rid)),
		seq:    unwrapper{bits: 16},
		clock:  t.sess.sync.track(sec.rate),
		beside: sec.rtx != 0,
	}
	if id, err := strconv.ParseUint(sec.capExt, 10, 8); err == nil {
		st.capture = uint8(id)
	}
	if id, err := strconv.ParseUint(sec.lvlExt, 10, 8); err == nil {
		st.level = uint8(id)
	}
	st.lastHeard.Store(int64(t.sess.now()))
	st.reset()
	t.mu.Lock()
	st.order = len(t.streams)
	t.streams = append(t.streams, st)
	t.mu.Unlock()
	return st
}

// reset begins anew, with the next packet.
func (s *stream) reset() {
	cfg, sec := s.t.sess.srv.cfg, s.t.section
	nack := slices.Contains(sec.fb, "nack")
	if !s.codec.Video() {
		s.buf.restartAt(cfg.AudioWait, nack)
		return
	}
	s.buf.restartAt(cfg.VideoWait, nack)
	if s.units == nil {
		s.units = newAssembler(newDepacketizer(s.codec, sec.params))
		return
	}
	s.units.tear()
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
		s.arm(remote, s.t.sess.now())
		n, attributes, err := remote.Read(buf)
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
			s.note(attributes)
		}
		s.deliver(now)
	}
}

// note counts a packet that came by the stream of retransmissions beside this one.
func (s *stream) note(a interceptor.Attributes) {
	if a.Get(webrtc.AttributeRtxSsrc) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.RTX++
}

// How long a stream may sleep when nothing comes, so that what changes elsewhere is
// seen; and when retransmissions are expected beside it.
const (
	idleSleep   = 100 * media.Millisecond
	repairSleep = 5 * media.Millisecond
)

// arm sets the read deadline to when something is to be done without a packet. A
// deadline that has passed must be moved, or no packet will be read any more; one that comes
// sooner than needed does no harm.
func (s *stream) arm(remote *webrtc.TrackRemote, now media.Time) {
	at, ok := s.buf.deadline()
	if s.units != nil {
		sleep := idleSleep
		if s.beside && s.buf.missing > 0 {
			sleep = repairSleep
		}
		if !ok || at > now+sleep {
			at, ok = now+sleep, true
		}
	}
	switch {
	case ok && (s.armed <= now || at < s.armed):
		s.armed = at
		_ = remote.SetReadDeadline(s.t.sess.clock.Instant(at))
	case !ok && s.armed != 0:
		s.armed = 0
		_ = remote.SetReadDeadline(time.Time{})
	}
}

// take puts one packet as it came into the reorder buffer, if it is of use.
func (s *stream) take(raw []byte, now media.Time) {
	p := &s.rtp
	if err := p.Unmarshal(raw); err != nil {
		return
	}
	s.lastHeard.Store(int64(now))
	ours := p.PayloadType == s.pt
	out := rtpPacket{seq: s.seq.peek(uint32(p.SequenceNumber)), arrival: now, marker: p.Marker}
	if !s.seq.started || out.seq > s.seq.last {
		s.seq.next(uint32(p.SequenceNumber))
	}
	if ours {
		out.ts = s.clock.observe(p.Timestamp, now)
		out.key = s.look(p, now)
	}
	s.t.sess.weigh(len(raw), now)
	dropped := s.rest(now)
	if !dropped {
		if ours {
			out.payload = append([]byte(nil), p.Payload...)
			out.level = s.loud(p)
		}
		s.buf.push(out, now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Packets++
	s.stats.Bytes += int64(len(raw))
	switch {
	case dropped && s.t.sess.load.over():
		s.stats.Excess++
	case dropped:
		s.stats.Unused++
	}
}

// look takes what a packet tells by itself: when it was captured, and whether a key frame begins, of what size.
func (s *stream) look(p *rtp.Packet, now media.Time) (key bool) {
	if s.capture != 0 {
		if ext := p.GetExtension(s.capture); len(ext) >= 8 {
			s.clock.captured(binary.BigEndian.Uint64(ext), p.Timestamp, now)
		}
	}
	if s.units == nil {
		return false
	}
	w, h, ok := pictureSize(s.codec, p.Payload)
	if ok {
		s.size.Store(int64(w)<<32 | int64(h))
	}
	return ok
}

// loud is how loud p's sender says it is, as media.Packet has it.
func (s *stream) loud(p *rtp.Packet) uint8 {
	if s.level == 0 {
		return 0
	}
	if ext := p.GetExtension(s.level); len(ext) > 0 {
		return ext[0]&0x7f + 1
	}
	return 0
}

// rest reports whether the stream's packets are of no use now. When they are again, it begins
// anew and asks for a key frame.
func (s *stream) rest(now media.Time) bool {
	needed := s.t.needed(s, now) && (s.units == nil || !s.t.sess.load.over()) // sound is never dropped
	switch {
	case needed && s.idle:
		s.idle = false
		s.reset()
	case !needed && !s.idle:
		s.idle = true
		s.buf.restartAt(0, false)
		s.key.got() // and nothing is asked for
	}
	return s.idle
}

// deliver passes on what is in order at now, and asks for what is missing.
func (s *stream) deliver(now media.Time) {
	if !s.rest(now) {
		for _, p := range s.buf.pop(now) {
			if s.units == nil {
				s.sound(p, now)
				continue
			}
			for _, u := range s.units.push(p) {
				s.picture(u, now)
			}
			if s.units.bframes > 0 && !s.warned {
				s.warned = true
				s.t.sess.log.Warn("publisher sends B-frames, which real-time video must not hold: only its key frames are shown; "+
					"turn B-frames off in its encoder (x264: bframes=0 or tune zerolatency)", "codec", s.codec)
			}
		}
		s.feedback(now)
	}
	if s.units != nil {
		s.t.cap(now)
		if (s.pace.sparse || s.t.sess.screen) && !s.tooLarge() && !s.t.sess.load.over() {
			s.t.keep(now)
		}
	}
	s.count()
}

// sound passes an Opus packet on.
func (s *stream) sound(p released, now media.Time) {
	dur, ok := opusDuration(p.payload)
	if !ok {
		return // padding, or not Opus
	}
	if s.t.choose(s, true, now) {
		s.t.inlet.Push(media.Packet{At: s.clock.at(p.ts, now), Dur: dur, Key: true, Data: p.payload, Level: p.level})
	}
}

// picture passes an access unit on if it is of the layer on show.
func (s *stream) picture(u accessUnit, now media.Time) {
	s.pace.picture(now)
	if u.key {
		s.key.got() // shown or not
		if s.refuses(u, now) {
			return
		}
	}
	if !s.t.choose(s, u.key, now) {
		s.units.gate()
		return
	}
	if s.t.inlet.Push(media.Packet{At: s.clock.at(u.ts, now), Key: u.key, Data: u.data}) {
		s.key.want()
	}
}

// feedback asks for missing packets, and for a key frame when one is needed: also when a missing
// packet is overdue, which may still come but rather later than a key frame would.
func (s *stream) feedback(now media.Time) {
	if s.buf.missing > 0 {
		s.repair(now)
	}
	if s.units == nil {
		return
	}
	if s.units.hungry && s.t.aims(s) {
		s.key.want()
	}
	if s.key.due(now, s.t.sess.roundTrip(now)) {
		s.t.sess.send(&rtcp.PictureLossIndication{SenderSSRC: s.t.sess.ssrc, MediaSSRC: s.ssrc})
		s.mu.Lock()
		s.stats.KeyRequests++
		s.mu.Unlock()
	}
}

// repair asks for missing packets, and prepares for it to be in vain.
func (s *stream) repair(now media.Time) {
	rtt := s.t.sess.roundTrip(now)
	if s.units == nil { // sound that is late must be made up, or there is a gap
		s.buf.most = s.t.sess.sync.spare()
	}
	if s.lost = s.buf.nacks(s.lost[:0], now, rtt); len(s.lost) > 0 {
		s.clock.expect(s.buf.repair(rtt), now)
		s.t.sess.send(&rtcp.TransportLayerNack{
			SenderSSRC: s.t.sess.ssrc, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(s.lost),
		})
		s.mu.Lock()
		s.stats.Nacks += int64(len(s.lost))
		s.mu.Unlock()
	}
	if s.units != nil && s.buf.overdue(now, rtt) && !s.buf.skip() && s.t.aims(s) {
		s.key.want()
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
		s.reports(packets, s.t.sess.now())
	}
}

// reports takes RTCP that came at now, of which only the stream's own sender reports count.
func (s *stream) reports(packets []rtcp.Packet, now media.Time) {
	for _, p := range packets {
		if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == s.ssrc {
			s.clock.report(sr.NTPTime, sr.RTPTime, now)
		}
	}
}
