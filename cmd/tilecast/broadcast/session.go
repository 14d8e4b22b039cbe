package broadcast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// errSessionDied is wrapped by what ends a session from the other side.
var errSessionDied = errors.New("the session ended")

const connectTimeout = 15 * time.Second

// session is one WHIP session: a peer connection and its tracks.
type session struct {
	p            *Publisher
	pc           *webrtc.PeerConnection
	resource     string // its address, once the server gave one
	video, audio *track
	clock        clock
	live, dead   chan struct{} // closed when connected, and when it never will be again
	readers      sync.WaitGroup
}

// session publishes once, and reports whether media flowed.
func (p *Publisher) session(ctx context.Context) (lived bool, err error) {
	s := &session{p: p, live: make(chan struct{}), dead: make(chan struct{})}
	defer s.close()
	if err := s.open(); err != nil {
		return false, err
	}
	if err := s.negotiate(ctx); err != nil {
		return false, err
	}
	connect := time.NewTimer(connectTimeout)
	defer connect.Stop()
	select {
	case <-s.live:
	case <-s.dead:
		return false, fmt.Errorf("%w: no packet reaches %s: is its UDP port blocked?", errSessionDied, host(p.cfg.URL))
	case <-connect.C:
		return false, fmt.Errorf("%w: no connection to %s within %v: is its UDP port blocked?", errSessionDied, host(p.cfg.URL), connectTimeout)
	case <-ctx.Done():
		return false, ctx.Err()
	}
	p.cfg.Log.Info("on air", "name", p.cfg.Name, "video", p.cfg.Video, "session", s.resource)
	p.count.sessions.Add(1)
	p.count.connected.Store(true)
	defer p.count.connected.Store(false)
	p.once.Do(func() { close(p.up) })
	return true, s.publish(ctx)
}

// publish runs the camera, the microphone and the sender reports until ctx ends, the
// session dies or a source fails, and waits for all of them.
func (s *session) publish(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.clock = newClock(time.Now())
	var all sync.WaitGroup
	run := func(f func(context.Context) error) {
		all.Go(func() {
			if err := f(ctx); err != nil {
				cancel(err)
			}
		})
	}
	if s.video != nil {
		run(s.camera)
	}
	if s.audio != nil {
		run(s.microphone)
	}
	run(s.reports)
	all.Go(func() {
		select {
		case <-s.dead:
			cancel(fmt.Errorf("%w: %s closed it or is gone", errSessionDied, host(s.p.cfg.URL)))
		case <-ctx.Done():
		}
	})
	all.Wait()
	return context.Cause(ctx)
}

// open makes the peer connection with the tracks of the configuration.
func (s *session) open() error {
	api, err := s.api()
	if err != nil {
		return err
	}
	s.pc, err = api.NewPeerConnection(webrtc.Configuration{
		BundlePolicy: webrtc.BundlePolicyMaxBundle, RTCPMuxPolicy: webrtc.RTCPMuxPolicyRequire,
	})
	if err != nil {
		return err
	}
	var live, dead sync.Once
	s.pc.OnConnectionStateChange(func(st webrtc.PeerConnectionState) {
		switch st {
		case webrtc.PeerConnectionStateConnected:
			live.Do(func() { close(s.live) })
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			dead.Do(func() { close(s.dead) })
		}
	})
	if s.p.cfg.Sound != nil {
		if s.audio, err = s.addTrack(media.Opus, "audio"); err != nil {
			return err
		}
	}
	if s.p.cfg.Video != media.CodecNone {
		s.video, err = s.addTrack(s.p.cfg.Video, "video")
	}
	return err
}

// api is pion with one codec of each kind, NACK answered, and no reports but our own.
func (s *session) api() (*webrtc.API, error) {
	engine := &webrtc.MediaEngine{}
	if err := registerCodecs(engine, s.p.cfg.Video); err != nil {
		return nil, err
	}
	responder, err := nack.NewResponderInterceptor(nack.ResponderSize(2048))
	if err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	registry.Add(responder)
	wire, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.Writer = io.Discard
	set := webrtc.SettingEngine{LoggerFactory: quiet}
	set.SetNet(&cable{wire, s.p.killed})
	set.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	set.SetIncludeLoopbackCandidate(true)
	set.SetICETimeouts(4*time.Second, 10*time.Second, time.Second)
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(set)), nil
}

// negotiate gathers all candidates, posts the offer and takes the answer: no trickle.
func (s *session) negotiate(ctx context.Context) error {
	offer, err := s.pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("make an offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(offer); err != nil {
		return fmt.Errorf("make an offer: %w", err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return ctx.Err()
	}
	// RFC 9725 section 4.4.1 wants rtcp-mux-only beside rtcp-mux.
	offered := strings.ReplaceAll(s.pc.LocalDescription().SDP, "a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtcp-mux-only\r\n")
	answer, resource, err := s.p.end.post(ctx, offered)
	s.resource = resource
	if err != nil {
		return err
	}
	if err := s.welcome(answer); err != nil {
		return err
	}
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("%s sent an answer that does not fit the offer: %w", host(s.p.cfg.URL), err)
	}
	return nil
}

// welcome checks that the answer takes every track that was offered.
func (s *session) welcome(text string) error {
	var answer sdp.SessionDescription
	if err := answer.UnmarshalString(text); err != nil {
		return fmt.Errorf("%s sent a broken answer: %w", host(s.p.cfg.URL), err)
	}
	for _, m := range answer.MediaDescriptions {
		_, receives := m.Attribute("recvonly")
		_, both := m.Attribute("sendrecv")
		if m.MediaName.Port.Value == 0 || !receives && !both {
			codec := s.p.cfg.Video
			if m.MediaName.Media == "audio" {
				codec = media.Opus
			}
			return fmt.Errorf("%s does not take our %s (%v)", host(s.p.cfg.URL), m.MediaName.Media, codec)
		}
	}
	return nil
}

// close ends the session and its goroutines: BYE, DELETE, DTLS close, or none of them after Kill.
func (s *session) close() {
	if s.pc == nil {
		return
	}
	if s.p.killed.Err() == nil {
		for _, t := range []*track{s.video, s.audio} {
			if t != nil && t.started() {
				_ = s.pc.WriteRTCP([]rtcp.Packet{&rtcp.Goodbye{Sources: []uint32{t.ssrc}}})
			}
		}
		if s.resource != "" {
			ctx, cancel := context.WithTimeout(s.p.killed, 2*time.Second)
			if err := s.p.end.delete(ctx, s.resource); err != nil && s.p.killed.Err() == nil {
				s.p.cfg.Log.Debug("goodbye not heard", "name", s.p.cfg.Name, "err", err)
			}
			cancel()
		}
	}
	_ = s.pc.GracefulClose()
	s.readers.Wait()
}

// cable is the machine's network until it is cut: after that nothing leaves it, and
// writers don't notice.
type cable struct {
	*stdnet.Net
	cut context.Context
}

func (c *cable) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := c.Net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return &plug{conn, c.cut}, nil
}

type plug struct {
	transport.UDPConn
	cut context.Context
}

func (p *plug) WriteTo(b []byte, to net.Addr) (int, error) {
	if p.cut.Err() != nil {
		return len(b), nil
	}
	return p.UDPConn.WriteTo(b, to)
}
