package ingest

import (
	"errors"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// teardown says goodbye (W-24), closes the peer connection, waits for the readers
// it feeds, closes the inlets and leaves the seat.
func (s *session) teardown() {
	s.end(false, errors.New("never begun"))
	s.closePeer()
	for _, t := range s.opened() {
		t.inlet.Close()
	}
	s.state.Store(StateEnded)
	if s.graceful {
		s.seat.Report(Gone)
	} else {
		s.seat.Report(Lost)
	}
}

// closePeer returns when nothing of the peer connection is left, or after CloseTimeout. The library can lock itself up for
// good: DTLSTransport.Stop holds a lock and waits for the reader of SRTP, which waits until the SSRC that it has just
// found is taken, by undeclaredRTPMediaProcessor, which waits for that lock. What is stuck is left behind; the seat must not be.
func (s *session) closePeer() {
	closed := make(chan struct{})
	go func() { // ends when the library has let go of the connection
		defer close(closed)
		if s.peer != nil {
			if s.peer.ConnectionState() == webrtc.PeerConnectionStateConnected {
				_ = s.peer.WriteRTCP([]rtcp.Packet{&rtcp.Goodbye{Sources: []uint32{s.ssrc}, Reason: "ended"}})
			}
			if err := s.peer.GracefulClose(); err != nil {
				s.log.Debug("close peer connection", "err", err)
			}
		}
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.wg.Wait()
	}()
	late := time.NewTimer(s.srv.cfg.CloseTimeout)
	defer late.Stop()
	select {
	case <-closed:
	case <-late.C:
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.srv.stuck.Add(1)
		s.log.Error("a publisher's connection does not close and is left behind: some of its memory is lost")
		go s.ice.Stop() // so that at least its network is quiet; ends as that does
	}
}
