package ingest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"tilecast/media"
)

// sender makes RTP packets of frames and writes them to a track.
type sender struct {
	p         *publisher
	codec     media.Codec
	payloader rtp.Payloader
	seq       uint16
	ts        uint32
	step      uint32 // RTP ticks for each frame
	sent      []media.Packet
}

func newSender(p *publisher, c media.Codec) *sender {
	s := &sender{p: p, codec: c, seq: 65500, ts: 1<<32 - 9000, step: 3000} // both soon wrap
	switch c {
	case media.VP8:
		s.payloader = &codecs.VP8Payloader{EnablePictureID: true}
	case media.VP9:
		s.payloader = &codecs.VP9Payloader{InitialPictureIDFn: func() uint16 { return 7 }}
	case media.H264:
		s.payloader = &codecs.H264Payloader{}
	case media.AV1:
		s.payloader = &codecs.AV1Payloader{}
	case media.Opus:
		s.payloader, s.step = &codecs.OpusPayloader{}, 960
	}
	return s
}

// send packetizes one frame, which should come out as want.
func (s *sender) send(frame []byte, want media.Packet) {
	s.p.t.Helper()
	for _, p := range s.packets(frame, want) {
		if err := s.p.tracks[s.codec].WriteRTP(p); err != nil {
			s.p.t.Fatal(err)
		}
	}
}

func (s *sender) packets(frame []byte, want media.Packet) []*rtp.Packet {
	s.ts += s.step
	payloads := s.payloader.Payload(1100, frame)
	out := make([]*rtp.Packet, len(payloads))
	for i, payload := range payloads {
		s.seq++
		out[i] = &rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: s.seq, Timestamp: s.ts, Marker: i == len(payloads)-1},
			Payload: payload,
		}
	}
	s.sent = append(s.sent, want)
	return out
}

// vp8Frame is a frame as far as a depacketizer looks.
func vp8Frame(key bool, n int) []byte {
	b := noise(n)
	if key {
		b[0] &^= 1
		copy(b[3:], []byte{0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}) // 640x360
	} else {
		b[0] |= 1
	}
	return b
}

// samePackets compares what came with what was sent.
func samePackets(t *testing.T, got, want []media.Packet) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets came, %d were sent", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Data, want[i].Data) || got[i].Key != want[i].Key {
			t.Fatalf("packet %d differs: %d bytes, key %v; sent %d bytes, key %v",
				i, len(got[i].Data), got[i].Key, len(want[i].Data), want[i].Key)
		}
		if i > 0 && got[i].At <= got[i-1].At {
			t.Fatalf("time runs back at packet %d: %v after %v", i, got[i].At, got[i-1].At)
		}
	}
}

// Checklist 11.1 and the whole way of W-10 to W-16.
func TestVP8AndOpusArriveWhole(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.Opus, media.VP8)
	p.publish(url+"/whip/demo?id=me&name=Ada&source=screen", nil)
	seat := h.seat(0)
	if r := seat.req; r.Room != "demo" || r.ID != "me" || r.Name != "Ada" || r.Source != "screen" || len(r.Session) < 22 ||
		len(r.Tracks) != 2 || r.Tracks[0] != media.Opus || r.Tracks[1] != media.VP8 {
		t.Fatalf("request: %+v", r)
	}
	video, audio := newSender(p, media.VP8), newSender(p, media.Opus)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := range 120 {
		frame := vp8Frame(i%30 == 0, 200+roll(5000))
		video.send(frame, media.Packet{Data: frame, Key: i%30 == 0})
		sound := append([]byte{31<<3 | 4}, noise(100)...) // CELT, 20 ms, stereo
		audio.send(sound, media.Packet{Data: sound, Key: true})
		<-tick.C
	}
	eventually(t, "all packets", func() bool {
		return len(seat.packets(media.VP8)) >= 120 && len(seat.packets(media.Opus)) >= 120
	})
	samePackets(t, seat.packets(media.VP8), video.sent)
	samePackets(t, seat.packets(media.Opus), audio.sent)
	if d := seat.packets(media.Opus)[0].Dur; d != 20*media.Millisecond {
		t.Fatalf("an Opus packet of 20 ms lasts %v", d)
	}
	if !strings.HasPrefix(p.resource, url+"/whip/demo/") {
		t.Fatalf("Location %q", p.resource)
	}
	if res, _ := request(t, http.MethodDelete, p.resource, "", ""); res.StatusCode != http.StatusOK {
		t.Fatalf("DELETE: %s", res.Status)
	}
	select {
	case graceful := <-seat.left:
		if !graceful {
			t.Fatal("DELETE is no goodbye")
		}
	case <-time.After(patience):
		t.Fatal("the seat was not left")
	}
}
