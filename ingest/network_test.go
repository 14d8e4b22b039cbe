package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// stream sends n frames of a codec, a key frame every 20, at the pace of tick.
func (s *sender) stream(n int, tick <-chan time.Time) {
	for i := range n {
		key := i%20 == 0
		frame := frameMakers[s.codec](key, 50+roll(4000))
		s.send(frame, media.Packet{Key: key, Data: frame})
		<-tick
	}
}

// Every codec comes through a network that loses 4 % once: lost packets are asked
// for and come again on their own SSRC (O-7, W-56).
func TestLostPacketsAreSentAgain(t *testing.T) {
	for _, c := range videoCodecs {
		t.Run(c.String(), func(t *testing.T) {
			seeded(t)
			h := newHall()
			s, url := startServer(t, h, Config{VideoWait: 2 * media.Second}) // the machine may be slow
			p := newPublisher(t, nil, c)
			p.publish(url+"/whip/demo", nil)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			snd := newSender(p, c)
			snd.stream(1, tick.C) // a stream's very first packets can't be missed
			once := make(map[uint16]bool)
			p.lose(func(pkt *rtp.Packet) bool {
				again := once[pkt.SequenceNumber]
				once[pkt.SequenceNumber] = true
				return !again && roll(25) == 0
			})
			snd.stream(100, tick.C)
			p.lose(nil)
			snd.stream(1, tick.C) // shows what is missing at the end
			seat := h.seat(0)
			eventually(t, "all frames", func() bool { return len(seat.packets(c)) >= 102 })
			samePackets(t, seat.packets(c), snd.sent)
			st := s.Stats().Sessions[0].Streams[0]
			if _, nacks := p.count(); nacks == 0 || st.Nacks < int64(nacks) || st.Lost != 0 || st.Units != 102 || st.Keys != 7 {
				t.Fatalf("%d packets asked for; %+v", nacks, st)
			}
		})
	}
}

// A packet that never comes: the gate closes, a key frame is asked for, nothing
// damaged passes, and the key frame opens the gate.
func TestLossBeyondRepairAsksForAKeyFrame(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{VideoWait: 20 * ms})
	p := newPublisher(t, nil, media.VP8)
	p.publish(url+"/whip/demo", nil)
	snd := newSender(p, media.VP8)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	snd.stream(10, tick.C)
	seat := h.seat(0)
	eventually(t, "the first frames", func() bool { return len(seat.packets(media.VP8)) == 10 })
	first := snd.seq
	p.lose(func(pkt *rtp.Packet) bool { return pkt.SequenceNumber == first+2 })
	snd.send(vp8Frame(false, 3000), media.Packet{})
	eventually(t, "giving up, though nothing more arrives", func() bool { return s.Stats().Sessions[0].Streams[0].Lost == 1 })
	eventually(t, "a request for a key frame", func() bool {
		frame := vp8Frame(false, 100)
		snd.send(frame, media.Packet{})
		<-tick.C
		plis, _ := p.count()
		return plis > 0
	})
	key := vp8Frame(true, 100)
	snd.send(key, media.Packet{})
	eventually(t, "the key frame", func() bool { return len(seat.packets(media.VP8)) > 10 })
	got := seat.packets(media.VP8)
	if len(got) != 11 || !got[10].Key || !bytes.Equal(got[10].Data, key) {
		t.Fatalf("%d frames came; after the loss %d bytes, key %v", len(got), len(got[10].Data), got[10].Key)
	}
	if st := s.Stats().Sessions[0].Streams[0]; st.Lost != 1 || st.Broken != 1 || st.Withheld == 0 || st.KeyRequests == 0 {
		t.Fatalf("%+v", st)
	}
}

// Packets that overtake each other are put back in order.
func TestReorderedPackets(t *testing.T) {
	seeded(t)
	h := newHall()
	_, url := startServer(t, h, Config{VideoWait: 2 * media.Second})
	p := newPublisher(t, nil, media.H264)
	p.publish(url+"/whip/demo", nil)
	snd := newSender(p, media.H264)
	key := h264Frame(true, 100)
	snd.send(key, media.Packet{Key: true, Data: key})
	eventually(t, "the first frame", func() bool { return len(h.seat(0).packets(media.H264)) == 1 })
	for range 20 {
		var packets []*rtp.Packet
		for range 4 {
			frame := h264Frame(false, 3000)
			packets = append(packets, snd.packets(frame, media.Packet{Data: frame})...)
		}
		dice.Lock()
		dice.Shuffle(len(packets), func(i, j int) { packets[i], packets[j] = packets[j], packets[i] })
		dice.Unlock()
		for _, pkt := range packets {
			if err := p.tracks[media.H264].WriteRTP(pkt); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "all frames", func() bool { return len(h.seat(0).packets(media.H264)) == 81 })
	samePackets(t, h.seat(0).packets(media.H264), snd.sent)
}

// Clients connect in all the ways they do (O-1, O-31, W-53, W-15; checklist 11.4, 11.5).
func TestWaysToConnect(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"as it comes":   nil,
		"no candidates": func(o string) string { return dropLines(o, "a=candidate", "a=end-of-candidates") },
		"DTLS server":   func(o string) string { return strings.ReplaceAll(o, "setup:actpass", "setup:passive") },
		"DTLS client":   func(o string) string { return strings.ReplaceAll(o, "setup:actpass", "setup:active") },
		"bundle-only": func(o string) string {
			return strings.Replace(o, "m=video 9 UDP/TLS/RTP/SAVPF 97\r\n", "m=video 0 UDP/TLS/RTP/SAVPF 97\r\na=bundle-only\r\n", 1)
		},
		"SSRC unsaid": func(o string) string { return dropLines(o, "a=ssrc") },
		"ICE credentials of its own per section": func(o string) string {
			i := strings.LastIndex(o, "\r\nm=")
			return o[:i] + strings.NewReplacer("a=ice-ufrag:", "a=ice-ufrag:other", "a=ice-pwd:", "a=ice-pwd:other").Replace(o[i:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall()
			_, url := startServer(t, h, Config{})
			p := newPublisher(t, nil, media.Opus, media.VP8)
			p.publish(url+"/whip/demo", func(o string) string {
				if edit == nil {
					return o
				}
				changed := edit(o)
				if changed == o {
					t.Fatalf("nothing to change in\n%s", o)
				}
				return changed
			})
			video, audio := newSender(p, media.VP8), newSender(p, media.Opus)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			eventually(t, "picture and sound", func() bool {
				video.stream(1, tick.C)
				audio.send(append([]byte{0xfc}, noise(50)...), media.Packet{})
				return len(h.seat(0).packets(media.VP8)) > 3 && len(h.seat(0).packets(media.Opus)) > 3
			})
		})
	}
}

// DTLS close ends a session at once (W-23), and is a goodbye; the DELETE after it is fine (O-12).
func TestClientCloses(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.Opus, media.VP8)
	p.publish(url+"/whip/demo", nil)
	eventually(t, "the connection", func() bool { return s.Stats().Sessions[0].State == StateConnected })
	if err := p.pc.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case graceful := <-h.seat(0).left:
		if !graceful {
			t.Error("not taken for a goodbye")
		}
	case <-time.After(5 * time.Second): // far below any timeout of ICE
		t.Fatal("the session goes on")
	}
	if res, _ := request(t, http.MethodDelete, p.resource, "", ""); res.StatusCode != 200 {
		t.Errorf("DELETE after it, as OBS does (O-12): %s", res.Status)
	}
}

// A publisher that vanishes is away, then lost without a goodbye; one that comes back in time goes
// on, in the same session (W-23; checklist 11.11).
func TestVanishedClient(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{InterruptTimeout: 300 * time.Millisecond, ReturnTimeout: 2 * time.Second})
	wire, prepare := newCable(t)
	p := newPublisher(t, prepare, media.VP8)
	p.publish(url+"/whip/demo", nil)
	state := func(want State) func() bool {
		return func() bool {
			st := s.Stats()
			return len(st.Sessions) == 1 && st.Sessions[0].State == want
		}
	}
	eventually(t, "the connection", state(StateConnected))
	wire.cut.Store(true)
	eventually(t, "the report", state(StateInterrupted))
	wire.cut.Store(false)
	eventually(t, "the return", state(StateConnected))
	wire.cut.Store(true)
	eventually(t, "the end", func() bool { return len(h.seat(0).left) == 1 })
	if told := h.seat(0).told(); !slices.Equal(told, []Presence{Away, Here, Away, Lost}) {
		t.Errorf("the seat was told %v", told)
	}
}

// A network that is gone for longer than consent lasts: nothing is sent any more (RFC 7675), the
// session waits, and a restart brings it back with its tracks (W-23, W-40).
func TestRestartAfterConsentRanOut(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{InterruptTimeout: 200 * time.Millisecond, ConsentTimeout: time.Second})
	wire, prepare := newCable(t)
	p := newPublisher(t, prepare, media.Opus, media.VP8)
	p.publish(url+"/whip/demo", nil)
	video := newSender(p, media.VP8)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	seat := h.seat(0)
	eventually(t, "pictures", func() bool { video.stream(1, tick.C); return len(seat.packets(media.VP8)) > 10 })
	wire.cut.Store(true)
	s.mu.Lock()
	peer := s.sessions[seat.req.Session].peer
	s.mu.Unlock()
	eventually(t, "the end of consent", func() bool { return peer.ICEConnectionState() == webrtc.ICEConnectionStateFailed })
	wire.cut.Store(false)
	p.restart("*")
	n := len(seat.packets(media.VP8))
	eventually(t, "pictures again", func() bool { video.stream(1, tick.C); return len(seat.packets(media.VP8)) > n+10 })
	eventually(t, "the report", func() bool { return slices.Equal(seat.told(), []Presence{Away, Here}) })
	if st := s.Stats(); len(st.Sessions) != 1 || len(st.Sessions[0].Streams) != 1 {
		t.Fatalf("%+v", st)
	}
}

// A client whose address changes without its knowing goes on, both ways, in its session.
func TestAddressChanges(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	roam, prepare := newRoamer(t)
	p := newPublisher(t, prepare, media.Opus, media.VP8)
	p.publish(url+"/whip/demo", nil)
	video := newSender(p, media.VP8)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	seat := h.seat(0)
	for range 3 {
		n := len(seat.packets(media.VP8))
		eventually(t, "pictures", func() bool { video.stream(1, tick.C); return len(seat.packets(media.VP8)) > n+10 })
		moves := s.Stats().Sessions[0].Moves
		roam.move(t)
		from := time.Now()
		n = len(seat.packets(media.VP8))
		eventually(t, "pictures from the new address", func() bool { video.stream(1, tick.C); return len(seat.packets(media.VP8)) > n })
		t.Logf("pictures again after %v", time.Since(from))
		eventually(t, "the move", func() bool { video.stream(1, tick.C); return s.Stats().Sessions[0].Moves > moves })
		t.Logf("feedback goes there after %v", time.Since(from))
		in := seat.inlet(media.VP8)
		in.need(true)
		plis, _ := p.count()
		eventually(t, "a request for a key frame at the new address", func() bool {
			video.send(vp8Frame(false, 100), media.Packet{})
			<-tick.C
			now, _ := p.count()
			return now > plis
		})
		in.need(false)
	}
	if st := s.Stats(); len(st.Sessions) != 1 || len(st.Sessions[0].Streams) != 1 || slices.Contains(seat.told(), Lost) {
		t.Fatalf("%+v", st)
	}
}

// The gateway's goodbye reaches the client (W-24).
func TestServerSaysGoodbye(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.VP8)
	p.publish(url+"/whip/demo", nil)
	eventually(t, "the connection", func() bool { return s.Stats().Sessions[0].State == StateConnected }) // the client's may be up before
	h.seat(0).req.Kick(errors.New("closing time"))
	eventually(t, "the client's end", func() bool { return p.pc.ConnectionState() == webrtc.PeerConnectionStateClosed })
}

// A track that can't be opened ends the session, not the server.
func TestTrackThatCantBeOpened(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.Opus, media.VP8)
	p.publish(url+"/whip/demo", nil)
	seat := h.seat(0)
	seat.mu.Lock()
	seat.broken = errors.New("no decoder")
	seat.mu.Unlock()
	snd := newSender(p, media.VP8)
	frame := vp8Frame(true, 100)
	for _, pkt := range snd.packets(frame, media.Packet{}) {
		if err := p.tracks[media.VP8].WriteRTP(pkt); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the end", func() bool { return len(seat.left) == 1 })
	eventually(t, "the client's end", func() bool { return p.pc.ConnectionState() == webrtc.PeerConnectionStateClosed })
}

// Push says that a key frame is needed: it is asked for, not too often.
func TestReceiverNeedsAKeyFrame(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.VP8)
	p.publish(url+"/whip/demo", nil)
	snd := newSender(p, media.VP8)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	snd.stream(3, tick.C)
	eventually(t, "the first frames", func() bool { return len(h.seat(0).packets(media.VP8)) == 3 })
	if plis, _ := p.count(); plis != 0 {
		t.Fatalf("%d requests though the stream began with a key frame", plis)
	}
	h.seat(0).inlet(media.VP8).need(true)
	eventually(t, "a request", func() bool {
		snd.send(vp8Frame(false, 100), media.Packet{})
		<-tick.C
		plis, _ := p.count()
		return plis > 0
	})
}

// Nothing is passed on that nobody wants; when it is wanted again it begins with
// a key frame that was asked for.
func TestDemand(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.Opus, media.VP8)
	p.publish(url+"/whip/demo", nil)
	seat := h.seat(0)
	seat.mu.Lock()
	seat.demand = &Demand{}
	seat.mu.Unlock()
	video, audio := newSender(p, media.VP8), newSender(p, media.Opus)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	eventually(t, "sound", func() bool {
		video.send(vp8Frame(len(video.sent)%5 == 0, 100), media.Packet{})
		audio.send(append([]byte{0xfc}, noise(50)...), media.Packet{})
		<-tick.C
		return len(seat.packets(media.Opus)) > 30
	})
	if n := len(seat.packets(media.VP8)); n != 0 {
		t.Fatalf("%d pictures passed on", n)
	}
	if plis, _ := p.count(); plis != 0 {
		t.Fatalf("%d key frames asked for", plis)
	}
	seat.inlet(media.VP8).set(Demand{W: 320, H: 180})
	eventually(t, "a request", func() bool {
		video.send(vp8Frame(false, 100), media.Packet{})
		<-tick.C
		plis, _ := p.count()
		return plis > 0
	})
	if n := len(seat.packets(media.VP8)); n != 0 {
		t.Fatalf("%d pictures passed on before a key frame", n)
	}
	video.send(vp8Frame(true, 100), media.Packet{})
	eventually(t, "the key frame", func() bool { return len(seat.packets(media.VP8)) == 1 })
	seat.inlet(media.VP8).set(Demand{})
	for range 5 {
		video.send(vp8Frame(true, 100), media.Packet{})
	}
	sounds := len(audio.sent)
	eventually(t, "sound that was sent later", func() bool {
		audio.send(append([]byte{0xfc}, noise(50)...), media.Packet{})
		<-tick.C
		return len(seat.packets(media.Opus)) > sounds
	})
	if n := len(seat.packets(media.VP8)); n > 1 {
		t.Fatalf("%d pictures passed on after demand fell", n-1)
	}
}

// layers sends simulcast layers of one picture.
type layers struct {
	p       *publisher
	senders map[string]*sender
	midID   uint8
	ridID   uint8
	n       int
	tick    *time.Ticker
}

func newLayers(p *publisher) *layers {
	l := &layers{p: p, senders: map[string]*sender{}, tick: time.NewTicker(5 * time.Millisecond)}
	p.t.Cleanup(l.tick.Stop)
	for _, ext := range p.pc.GetSenders()[0].GetParameters().HeaderExtensions {
		switch ext.URI {
		case sdp.SDESMidURI:
			l.midID = uint8(ext.ID)
		case sdp.SDESRTPStreamIDURI:
			l.ridID = uint8(ext.ID)
		}
	}
	return l
}

// flow sends a picture of each of these layers, a key frame every ten. Their names are in the
// pictures; height says how many lines the layer of a name has.
func (l *layers) flow(height map[string]int, rids ...string) {
	t := l.p.t
	t.Helper()
	for _, rid := range rids {
		snd := l.senders[rid]
		if snd == nil {
			snd = newSender(l.p, media.VP8)
			l.senders[rid] = snd
		}
		frame := append(vp8Frame(l.n%10 == 0, 60), rid...)
		if h := height[rid]; h > 0 && l.n%10 == 0 {
			binary.LittleEndian.PutUint16(frame[6:], uint16(h*16/9))
			binary.LittleEndian.PutUint16(frame[8:], uint16(h))
		}
		for _, pkt := range snd.packets(frame, media.Packet{}) {
			for id, v := range map[uint8]string{l.midID: l.p.pc.GetTransceivers()[0].Mid(), l.ridID: rid} {
				if err := pkt.SetExtension(id, []byte(v)); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.p.layers[rid].WriteRTP(pkt); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.n++
	<-l.tick.C
}

// shown is the layer that came last, and ok that each began with a key frame.
func shownLayer(t *testing.T, h *hall) string {
	t.Helper()
	got := h.seat(0).packets(media.VP8)
	for i := 1; i < len(got); i++ {
		if string(got[i].Data[60:]) != string(got[i-1].Data[60:]) && !got[i].Key {
			t.Fatalf("layer %q begins without a key frame", got[i].Data[60:])
		}
	}
	if len(got) == 0 {
		return ""
	}
	return string(got[len(got)-1].Data[60:])
}

// Of simulcast layers of one size the first named goes on; when it stops, another does
// (O-10, W-55; checklist 11.12).
func TestSimulcast(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	p := newClient(t, nil, media.VP8)
	p.addTrack(media.VP8, "hi", "mid", "lo")
	p.publish(url+"/whip/demo", nil)
	if !strings.Contains(p.answer, "a=simulcast:recv hi;mid;lo\r\n") {
		t.Fatalf("answer:\n%s", p.answer)
	}
	l := newLayers(p)
	until := func(what, want string, rids ...string) {
		eventually(t, what, func() bool { l.flow(nil, rids...); return shownLayer(t, h) == want })
	}
	until("the only layers there are", "mid", "mid", "lo")
	until("the layer that is left", "lo", "lo")
	until("the best layer", "hi", "hi", "mid", "lo")
	for range 50 {
		l.flow(nil, "hi", "mid", "lo")
		if got := shownLayer(t, h); got != "hi" {
			t.Fatalf("%q is shown though the best layer flows", got)
		}
	}
	until("the next best when the best stops", "mid", "mid", "lo")
	if st := s.Stats().Sessions[0].Streams; len(st) != 3 || !st[2].Shown || st[2].RID != "mid" {
		t.Fatalf("%+v", st)
	}
}

// The smallest layer that fills the tile goes on, at once when the tile grows; the others are
// dropped as they come, and the client is told which are of use.
func TestLayersFollowDemand(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	p := newClient(t, nil, media.VP8)
	p.addTrack(media.VP8, "l", "m", "h")
	p.publish(url+"/whip/demo", nil)
	l, sizes := newLayers(p), map[string]int{"l": 180, "m": 360, "h": 720}
	until := func(what, want string) {
		t.Helper()
		eventually(t, what, func() bool { l.flow(sizes, "l", "m", "h"); return shownLayer(t, h) == want })
	}
	until("the layer of the tile's size", "m")
	wanted := listen(t, p.resource+wantedPath)
	await := func(want string) {
		t.Helper()
		eventually(t, "word that "+want+" is wanted", func() bool {
			l.flow(sizes, "l", "m", "h")
			select {
			case got := <-wanted:
				return got == want
			default:
				return false
			}
		})
	}
	await(`{"video":{"w":640,"h":360,"rids":["m"]}}`)
	in := h.seat(0).inlet(media.VP8)
	in.set(Demand{W: 1280, H: 720})
	until("the large layer", "h")
	await(`{"video":{"w":1280,"h":720,"rids":["h"]}}`)
	in.set(Demand{W: 300, H: 180})
	until("the small layer", "l")
	await(`{"video":{"w":300,"h":180,"rids":["l"]}}`)
	in.set(Demand{W: 1920, H: 1080})
	until("the largest there is", "h")
	in.set(Demand{})
	await(`{"video":{"w":0,"h":0,"rids":["l"]}}`)
	for range 30 {
		l.flow(sizes, "l", "m", "h")
	}
	n := len(h.seat(0).packets(media.VP8))
	in.set(Demand{W: 320, H: 180})
	until("the small layer again", "l")
	st := s.Stats().Sessions[0].Streams
	for _, x := range st {
		if x.H != sizes[x.RID] || x.Unused == 0 || x.Units >= x.Packets {
			t.Errorf("%+v", x)
		}
	}
	if got := h.seat(0).packets(media.VP8); len(got) <= n || !got[n].Key {
		t.Error("it came back without a key frame")
	}
	if res, _ := request(t, http.MethodPost, p.resource+wantedPath, "", ""); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", res.Status)
	}
	request(t, http.MethodDelete, p.resource, "", "")
	eventually(t, "the end of what is wanted", func() bool { // with the session
		select {
		case _, ok := <-wanted:
			return !ok
		default:
			return false
		}
	})
	if res, _ := request(t, http.MethodGet, p.resource+wantedPath, "", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("after the session: %s", res.Status)
	}
}

// listen follows server-sent events.
func listen(t *testing.T, url string) <-chan string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s, %s", res.Status, res.Header.Get("Content-Type"))
	}
	out := make(chan string, 100)
	go func() { // ends with the body
		defer close(out)
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				out <- data
			}
		}
	}()
	return out
}

// No goroutine stays behind, however sessions end.
func TestNoGoroutineStays(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	round := func(i int) {
		p := newPublisher(t, nil, media.Opus, media.VP8)
		p.publish(url+"/whip/demo", nil)
		snd := newSender(p, media.VP8)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		seat := h.seat(i)
		eventually(t, "a picture", func() bool { snd.stream(1, tick.C); return len(seat.packets(media.VP8)) > 0 })
		switch i % 3 {
		case 0:
			request(t, http.MethodDelete, p.resource, "", "")
		case 1:
			seat.req.Kick(errors.New("enough"))
		}
		closed := make(chan error, 1)
		go func() { closed <- p.pc.GracefulClose() }()
		select {
		case err := <-closed:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(patience):
			t.Fatal("the client does not close")
		}
		eventually(t, "the end", func() bool { return len(s.Stats().Sessions) == 0 })
		http.DefaultClient.CloseIdleConnections()
	}
	round(0)
	before := runtime.NumGoroutine()
	for i := 1; i < 7; i++ {
		round(i)
	}
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
}
