package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// State is how a session stands.
type State string

const (
	StateConnecting  State = "connecting"
	StateConnected   State = "connected"
	StateInterrupted State = "interrupted" // nothing received lately; it may come back
	StateEnded       State = "ended"
)

// session is one broadcaster's WHIP session: its peer connection, its tracks and
// its seat. run owns it: it alone tears it down, when end has been called.
type session struct {
	id, room, name string
	token          string // that it was opened with
	srv            *Server
	log            *slog.Logger
	offer          *offer
	since          time.Time
	ssrc           uint32 // ours, in RTCP
	screen         bool   // it shares a screen, which may stand still

	seat  Seat
	clock media.Clock
	peer  *webrtc.PeerConnection
	ice   *webrtc.ICETransport // peer's
	way   *paths
	back  feedback // where feedback goes: peer
	load  allowance
	sync  syncer

	state    atomic.Value  // State
	turned   chan struct{} // the state is another
	ending   chan struct{}
	end1     sync.Once
	graceful bool  // set before ending is closed
	reason   error // set before ending is closed
	done     chan struct{}

	patching sync.Mutex // held while a PATCH is carried out; guards what follows
	etag     string
	remote   map[string]bool // the client's candidates
	agreed   []*section      // those of the offer, with the SSRCs that the client sends from now

	opening sync.Mutex // held while a track is opened, so that layers share one

	mu      sync.Mutex
	closed  bool // no more streams
	adopted int  // SSRCs that were looked after
	tracks  map[media.Codec]*track
	wg      sync.WaitGroup // RTP and RTCP readers, and begin

	listeners atomic.Int64 // to what is wanted
	buffers   atomic.Int64 // made

	moves atomic.Int64 // of the client to another address
	rtt   atomic.Int64 // media.Time
	rttAt atomic.Int64
}

func (s *Server) newSession(room, name string, o *offer) *session {
	sess := &session{
		id: newID(), room: room, name: name, srv: s, offer: o,
		since:  time.Now(),
		ssrc:   rand.Uint32(),
		turned: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{}),
		tracks: make(map[media.Codec]*track),
		sync:   syncer{jitter: s.cfg.Jitter},
		load:   allowance{limit: int64(s.cfg.Limits.BitRate) / 8},
		etag:   newETag(),
		agreed: o.sections,
	}
	sess.log = s.log.With("room", room, "session", sess.id[:6])
	sess.state.Store(StateConnecting)
	return sess
}

func (s *session) key() string { return s.room + "/" + s.id }

// now is the program's time.
func (s *session) now() media.Time { return s.clock.At(time.Now()) }

// connect opens the peer connection and answers the offer. near is where it came in.
func (s *session) connect(ctx context.Context, near netip.Addr) (answer string, err error) {
	s.way = newPaths(func(to netip.AddrPort) {
		s.moves.Add(1)
		s.log.Info("publisher's address changed", "to", to)
	})
	if err := s.open(s.way.check, s.buffer); err != nil {
		return "", err
	}
	s.remember(s.offer.candidates)
	return s.negotiate(ctx, s.offer, nil, near)
}

// open opens the peer connection; check and buffer are as newPeer has them.
func (s *session) open(check bindingHandler, buffer bufferFactory) (err error) {
	if s.peer, err = s.srv.newPeer(s.offer, check, buffer); err != nil {
		return fmt.Errorf("open a peer connection: %w", err)
	}
	s.back, s.ice = s.peer, s.peer.SCTP().Transport().ICETransport()
	s.ice.OnSelectedCandidatePairChange(s.way.selected)
	s.peer.OnConnectionStateChange(s.changed)
	s.peer.OnTrack(s.begin)
	return nil
}

// negotiate answers o with all our candidates in the answer (W-16). Heard are the SSRCs that go on.
func (s *session) negotiate(ctx context.Context, o *offer, heard map[string][]webrtc.SSRC, near netip.Addr) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := s.srv.udp.refresh(); err != nil {
		s.log.Warn("network addresses", "err", err)
	}
	err = s.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.sdp(heard)})
	if err != nil {
		return "", refuse(http.StatusBadRequest, "the offer can't be used: %v", err)
	}
	desc, err := s.peer.CreateAnswer(&webrtc.AnswerOptions{
		OfferAnswerOptions: webrtc.OfferAnswerOptions{ICETricklingSupported: true},
	})
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(s.peer)
	if err := s.peer.SetLocalDescription(desc); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", ctx.Err())
	}
	return o.finishAnswer(s.peer.LocalDescription().SDP, near, s.srv.publicCandidates())
}

// heard is the SSRCs of each section, by its mid, that came as announced and not as layers. The peer
// connection must be told of them when it negotiates again, or it ends their streams.
func (s *session) heard() map[string][]webrtc.SSRC {
	out := make(map[string][]webrtc.SSRC)
	for _, t := range s.peer.GetTransceivers() {
		for _, track := range t.Receiver().Tracks() {
			if t.Mid() != "" && track.RID() == "" && track.SSRC() != 0 {
				out[t.Mid()] = append(out[t.Mid()], track.SSRC())
			}
		}
	}
	return out
}

// changed follows the peer connection, which calls it from goroutines of its own: what counts is
// the state by now.
func (s *session) changed(webrtc.PeerConnectionState) {
	switch s.peer.ConnectionState() {
	case webrtc.PeerConnectionStateConnected:
		s.turn(StateConnected)
	case webrtc.PeerConnectionStateDisconnected:
		s.turn(StateInterrupted)
	case webrtc.PeerConnectionStateConnecting:
		if s.state.Load() == StateConnected { // a restart, which may lead nowhere
			time.AfterFunc(s.srv.cfg.InterruptTimeout, func() {
				if s.peer.ConnectionState() == webrtc.PeerConnectionStateConnecting {
					s.turn(StateInterrupted)
				}
			})
		}
	case webrtc.PeerConnectionStateFailed:
		// Consent has run out and nothing is sent any more (RFC 7675), but a restart may
		// bring the session back. Failed DTLS, or a failure before the first connection, is final.
		if s.peer.ICEConnectionState() != webrtc.ICEConnectionStateFailed || s.state.Load() == StateConnecting {
			s.end(false, errors.New("the connection failed"))
			return
		}
		s.turn(StateInterrupted)
	case webrtc.PeerConnectionStateClosed:
		s.end(true, errClosed)
	}
}

var errClosed = errors.New("the client closed the connection")

// turn notes a state for run to act on.
func (s *session) turn(to State) {
	if s.state.Swap(to) == to {
		return
	}
	select {
	case s.turned <- struct{}{}:
	default: // run looks at the state anyway
	}
}

// end asks for the session's end; only the first call counts. It does not wait:
// done is closed when all is gone.
func (s *session) end(graceful bool, reason error) {
	s.end1.Do(func() {
		s.graceful, s.reason = graceful, reason
		close(s.ending)
	})
}

func (s *session) isEnding() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}

// run tells the seat how the session stands until it ends, and tears it down. Who has not
// connected within ConnectTimeout, or not come back within ReturnTimeout, is not waited for.
func (s *session) run() {
	s.log.Info("publisher joins", "name", s.name, "codecs", fmt.Sprint(s.offer.codecs()))
	cfg := s.srv.cfg
	late := time.NewTimer(cfg.ConnectTimeout)
	defer late.Stop()
	why := fmt.Errorf("no connection within %v: is UDP port %d reachable from the client?", cfg.ConnectTimeout, s.srv.udp.port)
	weigh := time.NewTicker(weighEvery)
	defer weigh.Stop()
	flood := scale{limit: cfg.Limits.BitRate}
	at := StateConnecting
	for {
		select {
		case <-weigh.C:
			if err := flood.weigh(s.received()); err != nil {
				s.end(true, err)
			}
			if s.peer.SignalingState() == webrtc.SignalingStateClosed { // and it may be stuck, and never tell
				s.end(true, errClosed)
			}
			continue
		case <-s.turned:
		case <-late.C:
			s.end(false, why)
			continue
		case <-s.ending:
			s.teardown()
			s.log.Info("publisher left", "why", s.reason, "after", time.Since(s.since).Round(time.Millisecond),
				"streams", s.account())
			return
		}
		was := at
		switch at = s.state.Load().(State); {
		case at == was:
		case at == StateConnected && was == StateConnecting:
			late.Stop()
			s.log.Info("publisher connected", "took", time.Since(s.since).Round(time.Millisecond))
		case at == StateConnected:
			late.Stop()
			s.log.Info("publisher is back")
			s.seat.Report(Here)
		case at == StateInterrupted:
			late.Reset(cfg.ReturnTimeout)
			why = fmt.Errorf("the connection was lost and did not come back within %v", cfg.ReturnTimeout)
			s.log.Info("publisher interrupted")
			s.seat.Report(Away)
		}
	}
}

// opened are the session's tracks.
func (s *session) opened() []*track {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.tracks))
}

// maxStreams bounds what one track may bring in its life: simulcast layers, and SSRCs that changed.
const maxStreams = 32

// begin starts the readers of a stream. It is called by the peer connection in a
// goroutine of its own, when a stream's first packet has come.
func (s *session) begin(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.wg.Add(1) // teardown waits for us, too
	s.mu.Unlock()
	defer s.wg.Done()
	t, err := s.track(remote.Kind().String())
	if err != nil {
		s.end(false, err)
		return
	}
	if t.count() >= maxStreams {
		s.end(false, fmt.Errorf("the client sends more than %d streams of %v", maxStreams, t.section.codec))
		return
	}
	st := t.newStream(uint32(remote.SSRC()), remote.RID())
	s.wg.Go(func() { st.run(remote) })                        // ends when the peer connection closes: EOF
	s.wg.Go(func() { st.runReports(receiver, remote.RID()) }) // likewise
}

// track is the track of this kind, opened now if this is the first of its streams.
func (s *session) track(kind string) (*track, error) {
	i := slices.IndexFunc(s.offer.sections, func(x *section) bool { return x.kind == kind })
	if i < 0 {
		return nil, fmt.Errorf("a stream of %s came that was not agreed", kind)
	}
	sec := s.offer.sections[i]
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	t := s.tracks[sec.codec]
	s.mu.Unlock()
	if t != nil {
		return t, nil
	}
	inlet, err := s.seat.Open(sec.codec)
	if err != nil {
		return nil, fmt.Errorf("open the %v track: %w", sec.codec, err)
	}
	t = newTrack(s, sec, inlet)
	s.mu.Lock()
	s.tracks[sec.codec] = t
	s.mu.Unlock()
	return t, nil
}

// roundTrip is the time a question to the client and its answer take, as ICE
// measured it lately. It is for the readers: who only wants to look takes rtt, since this waits for a connection that closes.
func (s *session) roundTrip(now media.Time) media.Time {
	if at := media.Time(s.rttAt.Load()); at == 0 || now-at > media.Second {
		s.rttAt.Store(int64(max(now, 1)))
		if st, ok := s.ice.GetSelectedCandidatePairStats(); ok {
			s.rtt.Store(int64(media.Time(st.CurrentRoundTripTime * float64(media.Second))))
		}
	}
	return media.Time(s.rtt.Load())
}

// send sends feedback. It fails only when the connection is closing.
func (s *session) send(p rtcp.Packet) { _ = s.back.WriteRTCP([]rtcp.Packet{p}) }

// feedback takes RTCP to the client.
type feedback interface{ WriteRTCP([]rtcp.Packet) error }
