package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// rtxType is the payload type of retransmissions of a test's first codec.
const rtxType = 120

// withRTX makes a client send what is asked for again by a stream beside it (RFC 4588), for the first of its codecs.
func withRTX(engine *webrtc.MediaEngine) error {
	return engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"},
		PayloadType:        rtxType,
	}, webrtc.RTPCodecTypeVideo)
}

// repairNames names the layer that a retransmission repairs as browsers do, in the extension for that (RFC 8852 3.2):
// pion leaves it in that of the layer itself. From is zero until it is known which they are.
type repairNames struct {
	interceptor.NoOp
	from, to uint8
}

func (r *repairNames) NewInterceptor(string) (interceptor.Interceptor, error) { return r, nil }

func (r *repairNames) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if rid := h.GetExtension(r.from); h.PayloadType == rtxType && r.from != 0 && rid != nil {
			out := h.Clone()
			if err := out.DelExtension(r.from); err != nil {
				return 0, err
			}
			if err := out.SetExtension(r.to, rid); err != nil {
				return 0, err
			}
			return w.Write(&out, payload, a)
		}
		return w.Write(h, payload, a)
	})
}

// once loses one packet of 21 that is sent for the first time, and counts what comes again on the stream itself.
func once(again *int) func(*rtp.Packet) bool {
	seen, n := map[string]bool{}, 0
	return func(p *rtp.Packet) bool {
		if p.PayloadType == rtxType {
			return false
		}
		key := fmt.Sprint(p.SSRC, p.SequenceNumber)
		if seen[key] {
			*again++
		}
		n++
		lost := !seen[key] && n%21 == 0
		seen[key] = true
		return lost
	}
}

// What is lost comes again by the stream of retransmissions that the offer ties to the stream (ssrc-group FID).
func TestRepairByRTX(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{VideoWait: 2 * media.Second})
	p := newClientWith(t, nil, []engineOption{withRTX}, nil, media.VP8)
	p.tracks[media.VP8] = p.addTrack(media.VP8)
	p.publish(url+"/whip/demo", func(offer string) string {
		if !strings.Contains(offer, "a=ssrc-group:FID ") {
			t.Fatalf("no retransmissions are announced:\n%s", offer)
		}
		return offer
	})
	if !strings.Contains(p.answer, fmt.Sprintf("a=rtpmap:%d rtx/90000\r\n", rtxType)) {
		t.Fatalf("they are not agreed:\n%s", p.answer)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	snd := newSender(p, media.VP8)
	snd.stream(1, tick.C) // a stream's very first packets can't be missed
	again := 0
	p.lose(once(&again))
	snd.stream(100, tick.C)
	p.lose(nil)
	snd.stream(1, tick.C) // shows what is missing at the end
	eventually(t, "all frames", func() bool { return len(h.seat(0).packets(media.VP8)) >= 102 })
	samePackets(t, h.seat(0).packets(media.VP8), snd.sent)
	if st := s.Stats().Sessions[0].Streams[0]; st.RTX < 3 || st.Repaired < 3 || st.Repaired > st.RTX || st.Lost != 0 || again != 0 {
		t.Errorf("%d packets came again on the stream itself; %+v", again, st)
	}
}

// Where layers are announced by their SSRCs, as pion's are, they are agreed to be sent again on their own streams: its
// retransmissions would be taken for the layers themselves.
func TestRepairOfAnnouncedLayers(t *testing.T) {
	h, st, again := repairLayers(t, nil, nil)
	if st.RTX != 0 || st.Repaired < 3 || st.Lost != 0 || again < 3 {
		t.Errorf("%d packets came again on the stream itself; %+v", again, st)
	}
	if n := h.seat(0).open; n != 1 {
		t.Errorf("%d tracks", n)
	}
}

// Of simulcast layers nothing is announced by browsers: a stream of retransmissions names the layer it repairs (RFC 8852).
func TestRepairOfLayersByRTX(t *testing.T) {
	_, st, again := repairLayers(t, &repairNames{}, func(offer string) string { return dropLines(offer, "a=ssrc") })
	if st.RTX < 3 || st.Repaired < 3 || st.Repaired > st.RTX || st.Lost != 0 || again != 0 {
		t.Errorf("%d packets came again on the stream itself; %+v", again, st)
	}
}

// repairLayers loses packets of two layers, waits until all is there nevertheless, and is what came of the larger one.
func repairLayers(t *testing.T, names *repairNames, edit func(string) string) (h *hall, large StreamStats, again int) {
	t.Helper()
	h = newHall()
	s, url := startServer(t, h, Config{VideoWait: 2 * media.Second})
	var last interceptor.Factory
	if names != nil {
		last = names
	}
	p := newClientWith(t, nil, []engineOption{withRTX}, last, media.VP8)
	p.addTrack(media.VP8, "h", "l")
	p.publish(url+"/whip/demo", edit)
	l := newLayers(p)
	if names != nil {
		for _, ext := range p.pc.GetSenders()[0].GetParameters().HeaderExtensions {
			if ext.URI == sdp.SDESRepairRTPStreamIDURI {
				names.from, names.to = l.ridID, uint8(ext.ID)
			}
		}
		if names.to == 0 {
			t.Fatalf("the extension is not agreed:\n%s", p.answer)
		}
	}
	for _, rid := range []string{"h", "l"} {
		sender := p.pc.GetSenders()[0]
		go func() { // ends when the peer connection closes; the interceptors answer what is read
			for {
				if _, _, err := sender.ReadSimulcastRTCP(rid); err != nil {
					return
				}
			}
		}()
	}
	sizes := map[string]int{"h": 360, "l": 180}
	eventually(t, "the large layer", func() bool { l.flow(sizes, "h", "l"); return shownLayer(t, h) == "h" })
	p.lose(once(&again))
	n := len(h.seat(0).packets(media.VP8))
	for range 200 {
		l.flow(sizes, "h", "l")
	}
	p.lose(nil)
	eventually(t, "all frames", func() bool { l.flow(sizes, "h", "l"); return len(h.seat(0).packets(media.VP8)) >= n+200 })
	all := s.Stats().Sessions[0].Streams
	if len(all) != 2 {
		t.Errorf("%d streams of two layers", len(all))
	}
	return h, all[0], again
}
