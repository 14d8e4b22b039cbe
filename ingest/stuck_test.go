package ingest

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// opened is a session of p that is connected, with functions of the test's own between the library and the session.
func opened(t *testing.T, s *Server, h *hall, p *publisher, check func(*session) bindingHandler, buffer func(*session) bufferFactory) *session {
	t.Helper()
	o, err := parseOffer(p.offer(), false)
	if err != nil {
		t.Fatal(err)
	}
	sess := s.newSession("demo", "", o)
	if sess.seat, err = h.Admit(context.Background(), Request{}); err != nil {
		t.Fatal(err)
	}
	sess.clock, sess.way = sess.seat.Clock(), newPaths(func(netip.AddrPort) {})
	if err := sess.open(check(sess), buffer(sess)); err != nil {
		t.Fatal(err)
	}
	answer, err := sess.negotiate(context.Background(), o, nil, netip.Addr{})
	if err != nil || !s.add(sess) {
		t.Fatal(err)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	wait(t, "the connection", p.ready)
	return sess
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s did not happen within %v", what, patience)
	}
}

func ownCheck(s *session) bindingHandler { return s.way.check }
func ownBuffer(s *session) bufferFactory { return s.buffer }

// A connectivity check that comes while the session ends is not waited for by the library while it waits for the library.
func TestCheckedWhileItCloses(t *testing.T) {
	h := newHall()
	s, _ := startServer(t, h, Config{})
	p := newPublisher(t, func(set *webrtc.SettingEngine) {
		set.SetICETimeouts(5*time.Second, 25*time.Second, 20*time.Millisecond)
	}, media.Opus)
	closing, checked, resume := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	sess := opened(t, s, h, p, func(sess *session) bindingHandler {
		return func(m *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool {
			select {
			case <-closing:
				once.Do(func() {
					close(checked)
					<-resume
				})
			default:
			}
			return sess.way.check(m, local, remote, pair)
		}
	}, ownBuffer)
	close(closing)
	wait(t, "a check", checked)
	sess.end(true, errors.New("enough"))
	eventually(t, "that the library waits for the check", func() bool {
		if sess.ice.State() != webrtc.ICETransportStateClosed {
			return false
		}
		asked := make(chan struct{})
		go func() { // ends with the connection
			defer close(asked)
			_, _ = sess.ice.GetSelectedCandidatePair()
		}()
		select {
		case <-asked:
			return false
		case <-time.After(50 * time.Millisecond):
			return true
		}
	})
	close(resume)
	wait(t, "the end", sess.done)
	if n := s.Stats().Stuck; n != 0 {
		t.Error("the connection was stuck")
	}
}

// A connection that the library cannot close costs its broadcaster neither the seat nor the others anything, even where
// the client closed it, and the library does not get so far as to tell.
func TestStuckConnectionIsLeftBehind(t *testing.T) {
	h := newHall()
	s, _ := startServer(t, h, Config{CloseTimeout: 100 * time.Millisecond})
	p := newPublisher(t, nil, media.Opus)
	found, resume := make(chan struct{}), make(chan struct{})
	defer close(resume)
	sess := opened(t, s, h, p, ownCheck, func(sess *session) bufferFactory {
		return func(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
			if ssrc == 77 { // the reader of SRTCP is stuck, for which the library waits
				close(found)
				<-resume
			}
			return sess.buffer(kind, ssrc)
		}
	})
	if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 77}}}}); err != nil {
		t.Fatal(err)
	}
	wait(t, "a new SSRC", found)
	if err := p.pc.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end", sess.done)
	if st := s.Stats(); st.Stuck != 1 || st.Ended != 1 || len(st.Sessions) != 0 {
		t.Errorf("%+v", st)
	}
	if told := h.seat(0).told(); len(told) != 1 || told[0] != Gone {
		t.Errorf("the room was told %v", told)
	}
}
