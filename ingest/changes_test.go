package ingest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// shifted adds to the SSRCs of all that a client sends.
type shifted struct {
	interceptor.NoOp
	by atomic.Uint32
}

func (s *shifted) NewInterceptor(string) (interceptor.Interceptor, error) { return s, nil }

func (s *shifted) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		out := h.Clone()
		out.SSRC += s.by.Load()
		return w.Write(&out, payload, a)
	})
}

// A sender that goes on from another SSRC, sequence number and timestamp in the middle of its session is followed,
// from a key frame on, whether its SSRCs were announced or not, and after a restart of ICE, too (O-9).
func TestSSRCChanges(t *testing.T) {
	for name, announced := range map[string]bool{"announced": true, "not announced": false} {
		t.Run(name, func(t *testing.T) {
			h := newHall()
			s, url := startServer(t, h, Config{})
			shift := &shifted{}
			p := newClientWith(t, nil, nil, shift, media.Opus, media.VP8)
			for _, c := range []media.Codec{media.Opus, media.VP8} {
				p.tracks[c] = p.addTrack(c)
			}
			p.publish(url+"/whip/demo", func(offer string) string {
				if announced {
					return offer
				}
				return dropLines(offer, "a=ssrc")
			})
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			seat := h.seat(0)
			for round := range 4 {
				if round == 2 {
					p.restart("*")
				}
				shift.by.Store(uint32(1000 * round))
				video, audio := newSender(p, media.VP8), newSender(p, media.Opus)
				video.seq, video.ts = uint16(7777*round), uint32(round)<<29
				audio.seq, audio.ts = uint16(5555*round), uint32(round)<<28
				of := func(c media.Codec) []media.Packet { // what came of this round; some of the one before may still come
					return slices.DeleteFunc(seat.packets(c), func(p media.Packet) bool { return p.Data[len(p.Data)-1] != byte(round) })
				}
				eventually(t, fmt.Sprint("picture and sound of round ", round), func() bool {
					video.send(append(vp8Frame(len(video.sent)%5 == 0, 100), byte(round)), media.Packet{})
					audio.send([]byte{0xfc, 50: byte(round)}, media.Packet{})
					<-tick.C
					return len(of(media.VP8)) > 10 && len(of(media.Opus)) > 10
				})
				if !of(media.VP8)[0].Key {
					t.Errorf("round %d does not begin with a key frame", round)
				}
			}
			if n := len(s.Stats().Sessions); n != 1 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// doubled sends everything a second time, from another SSRC.
type doubled struct{ interceptor.NoOp }

func (d *doubled) NewInterceptor(string) (interceptor.Interceptor, error) { return d, nil }

func (d *doubled) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		out := h.Clone()
		out.SSRC++
		if _, err := w.Write(&out, payload, a); err != nil {
			return 0, err
		}
		return w.Write(h, payload, a)
	})
}

// Of two streams at a time the one that was announced is meant.
func TestSecondSSRCIsNotTaken(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	p := newClientWith(t, nil, nil, &doubled{}, media.VP8)
	p.tracks[media.VP8] = p.addTrack(media.VP8)
	p.publish(url+"/whip/demo", nil)
	video := newSender(p, media.VP8)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	eventually(t, "pictures for longer than one is waited for", func() bool {
		video.stream(1, tick.C)
		return time.Since(began) > (adoptLooks+1)*adoptAfter && len(h.seat(0).packets(media.VP8)) > 50
	})
	samePackets(t, h.seat(0).packets(media.VP8), video.sent[:len(h.seat(0).packets(media.VP8))])
	if st := s.Stats().Sessions[0].Streams; len(st) != 1 {
		t.Errorf("%d streams", len(st))
	}
}

// dropLines is an offer without the lines that begin so.
func dropLines(offer string, prefixes ...string) string {
	var keep []string
	for _, line := range strings.SplitAfter(offer, "\r\n") {
		ok := true
		for _, p := range prefixes {
			ok = ok && !strings.HasPrefix(line, p)
		}
		if ok {
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "")
}

// The names of sections are the client's own, and so is their order.
func TestNamesOfSections(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.VP8, media.Opus)
	names := strings.NewReplacer("a=mid:0", "a=mid:{cam}", "a=mid:1", "a=mid:sdparta_0", "BUNDLE 0 1", "BUNDLE {cam} sdparta_0")
	back := strings.NewReplacer("a=mid:{cam}", "a=mid:0", "a=mid:sdparta_0", "a=mid:1", "BUNDLE {cam} sdparta_0", "BUNDLE 0 1")
	res, answer := request(t, http.MethodPost, url+"/whip/demo", sdpType, names.Replace(p.offer()))
	if res.StatusCode != http.StatusCreated || !strings.Contains(answer, "BUNDLE {cam} sdparta_0") {
		t.Fatalf("%s: %s", res.Status, answer)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: back.Replace(answer)}); err != nil {
		t.Fatal(err)
	}
	p.flows(h.seat(0))
}
