package ingest

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// rembs are the rates that a session without a connection told its sender, in kb/s, and the SSRCs of the last.
func (m *mailbox) rembs() (rates []int, ssrcs []uint32) {
	for _, p := range m.sent {
		if r, ok := p.(*rtcp.ReceiverEstimatedMaximumBitrate); ok {
			rates, ssrcs = append(rates, int(r.Bitrate/1000)), r.SSRCs
		}
	}
	return rates, ssrcs
}

// turn changes what is wanted of a jar's track.
func (j *jar) turn(d Demand) {
	if j.changed != nil {
		close(j.changed)
	}
	j.changed = make(chan struct{})
	j.demand, j.demand.Changed = d, j.changed
}

// A sender is told what its tile can show: each second, and at once when that changes; one on no canvas hardly anything, but
// enough to be back at once. One that did not say that it understands is told nothing.
func TestRateOfATile(t *testing.T) {
	s, in, back := loneStream(Config{}, testSection(media.VP8))
	in.turn(Demand{W: 1280, H: 720, FPS: 30})
	s.t.demand = in.demand
	snd, now := newSender(nil, media.VP8), media.Second
	for _, c := range []struct {
		demand      Demand
		least, most int // kb/s
	}{
		{Demand{W: 1280, H: 720, FPS: 30}, 2000, 3000},
		{Demand{W: 640, H: 360, FPS: 30}, 600, 1000},
		{Demand{W: 320, H: 180, FPS: 15}, 250, 500},
		{Demand{}, 300, 500},
		{Demand{W: 640, H: 360, FPS: 30}, 600, 1000},
	} {
		in.turn(c.demand)
		back.sent = nil
		feed(t, s, snd, now, 0, vp8Key(1280, 720, 100))
		if rates, ssrcs := back.rembs(); len(rates) != 1 || rates[0] < c.least || rates[0] > c.most || !slices.Equal(ssrcs, []uint32{s.ssrc}) {
			t.Errorf("%dx%d: told %v kb/s for %v, want one of %d to %d", c.demand.W, c.demand.H, rates, ssrcs, c.least, c.most)
		}
		for range 50 {
			now = feed(t, s, snd, now, 100*ms, vp8Frame(false, 100))
		}
		if rates, _ := back.rembs(); len(rates) < 5 || len(rates) > 7 {
			t.Errorf("told %d times in five seconds", len(rates))
		}
	}
	deaf := testSection(media.VP8)
	deaf.fb = []string{"nack", "nack pli"}
	s, _, back = loneStream(Config{}, deaf)
	feed(t, s, newSender(nil, media.VP8), now, 0, vp8Key(1280, 720, 100))
	if rates, _ := back.rembs(); len(rates) != 0 {
		t.Errorf("told %v kb/s though it would not understand", rates)
	}
}

// kept is a jar that is told that its source is there.
type kept struct {
	jar
	alive []media.Time
}

func (k *kept) Alive(now media.Time) { k.alive = append(k.alive, now) }

// A shared screen that stands still, or any source that sends a picture now and then, is said to be there for as long as
// its connection is; a camera that stops, one whose picture is refused and a client that is gone are not.
func TestStillSourcesAreKept(t *testing.T) {
	open := func(screen bool, pixels int) (*stream, *kept) {
		cfg := Config{}
		cfg.Limits.Pixels = pixels
		s, _, _ := loneStream(cfg, testSection(media.VP8))
		k := &kept{jar: jar{demand: Demand{W: 640, H: 360, FPS: 30}}}
		s.t.inlet, s.t.sess.screen = k, screen
		return s, k
	}
	// still lets nothing come for ten seconds.
	still := func(s *stream, now media.Time) media.Time {
		for range 100 {
			now += 100 * ms
			s.deliver(now)
		}
		return now
	}
	camera := func(s *stream, step media.Time) media.Time {
		return feed(t, s, newSender(nil, media.VP8), media.Second, step, vp8Key(640, 360, 100), vp8Frame(false, 100), vp8Frame(false, 100), vp8Frame(false, 100))
	}
	s, screen := open(true, 0)
	now := still(s, camera(s, 33*ms))
	if n := len(screen.alive); n < 18 || n > 22 {
		t.Errorf("a screen that stands still is told to be there %d times in ten seconds", n)
	}
	s.t.sess.state.Store(StateInterrupted)
	n := len(screen.alive)
	still(s, now)
	if len(screen.alive) != n {
		t.Error("a client that is gone is said to be there")
	}
	s, slide := open(false, 0)
	still(s, camera(s, media.Second))
	if len(slide.alive) < 18 {
		t.Errorf("a source of a picture a second is told to be there %d times", len(slide.alive))
	}
	s, stopped := open(false, 0)
	still(s, camera(s, 33*ms))
	if len(stopped.alive) != 0 {
		t.Error("a camera that stopped is said to be there")
	}
	s, refused := open(true, 320*180)
	still(s, camera(s, 33*ms))
	if len(refused.alive) != 0 || len(refused.got) != 0 {
		t.Errorf("a screen that is too large: %d pictures, told to be there %d times", len(refused.got), len(refused.alive))
	}
}

// A sender of B-frames is told off in the log, once, and counted; its key frames are shown, and no others asked for (W-75).
func TestSenderOfBFrames(t *testing.T) {
	var log bytes.Buffer
	s, in, back := loneStream(Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, testSection(media.H264))
	snd, now := newSender(nil, media.H264), media.Second
	b := slice(false, true, 300)
	b[1] = 0xa0 // first_mb_in_slice is 0, slice_type is B (1)
	for range 5 {
		now = feed(t, s, snd, now, 33*ms, h264Frame(true, 300))
		for range 29 {
			now = feed(t, s, snd, now, 33*ms, annexB(b))
		}
	}
	if s.stats.BFrames != 5*29 || len(in.got) != 5 || back.plis() > 1 {
		t.Errorf("%d B-frames counted, %d pictures shown, %d key frames asked for", s.stats.BFrames, len(in.got), back.plis())
	}
	if text := log.String(); strings.Count(text, "B-frames, which") != 1 || !strings.Contains(text, "bframes=0") {
		t.Errorf("the log says %s", text)
	}
}

// A sender that takes no notice of requests is shown again from its next key frame on, and asked ever less often (W-73, O-7, O-34).
func TestSenderThatIgnoresPLI(t *testing.T) {
	s, in, back := loneStream(Config{}, testSection(media.H264))
	snd, now := newSender(nil, media.H264), media.Second
	send := func(n int, key bool) {
		for i := range n {
			now = feed(t, s, snd, now, 33*ms, h264Frame(key && i == 0, 300))
		}
	}
	send(30, true)
	snd.packets(h264Frame(false, 300), media.Packet{}) // is lost for good
	send(270, false)
	if n := len(in.got); n < 30 || n > 31 {
		t.Fatalf("%d pictures came of 30 before the loss", n)
	}
	if n := back.plis(); n < 6 || n > 14 {
		t.Errorf("asked for a key frame %d times in nine seconds", n)
	}
	before := len(in.got)
	send(30, true)
	if n := len(in.got) - before; n != 30 || !in.got[before].Key {
		t.Errorf("%d pictures came from the next key frame on", n)
	}
}

// What packets say of when they were captured (abs-capture-time) is agreed, and counts more than when they come.
func TestCaptureTimeOfPackets(t *testing.T) {
	o, err := parseOffer(strings.Replace(readFixture(t, "chromium"), "a=rtpmap:96 ", "a=extmap:14 "+captureTimeURI+"\r\na=rtpmap:96 ", 1), false)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(o.sections, func(s *section) bool { return s.kind == "video" }); o.sections[i].capExt != "14" ||
		!strings.Contains(o.sdp(nil), "a=extmap:14 "+captureTimeURI+"\r\n") {
		t.Fatalf("not agreed:\n%s", o.sdp(nil))
	}
	video, in, _ := loneStream(Config{}, testSection(media.VP8))
	ear := &jar{demand: Demand{W: 1}}
	audio := newTrack(video.t.sess, testSection(media.Opus), ear).newStream(9, "")
	send := func(s *stream, seq int, captured, now media.Time, payload []byte) {
		p := &rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: s.pt, SSRC: s.ssrc, SequenceNumber: uint16(seq), Marker: true, Timestamp: uint32(captured.Ticks(s.clock.rate)),
		}, Payload: payload}
		if err := p.SetExtension(4, binary.BigEndian.AppendUint64(nil, ntp64(captured+1000*media.Second))); err != nil {
			t.Fatal(err)
		}
		raw, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		s.take(raw, now)
		s.deliver(now)
	}
	for i := range 500 { // pictures take 120 ms longer than sound to come
		captured := 10*media.Second + media.Time(i)*20*ms
		send(audio, i, captured, captured+20*ms, append([]byte{0xfc}, noise(20)...))
		send(video, i, captured-120*ms, captured+20*ms, append([]byte{0x10}, vp8Frame(i == 0, 50)...))
	}
	last, heard := in.got[len(in.got)-1].At, ear.got[len(ear.got)-1].At
	if apart := heard - last; abs(apart-120*ms) > 2*ms {
		t.Errorf("placed %v apart, captured 120 ms apart", apart.Duration())
	}
}

// Browsers steer their rate by receiver reports and by transport-wide feedback: both are sent (W-56).
func TestFeedbackForCongestionControl(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	numbers, err := twcc.NewHeaderExtensionInterceptor()
	if err != nil {
		t.Fatal(err)
	}
	learn := func(engine *webrtc.MediaEngine) error {
		return engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}, webrtc.RTPCodecTypeVideo)
	}
	var last interceptor.Factory = numbers
	p := newClientWith(t, nil, []engineOption{learn}, last, media.VP8)
	p.tracks[media.VP8] = p.addTrack(media.VP8)
	p.publish(url+"/whip/demo", func(offer string) string {
		return strings.Replace(offer, "a=rtcp-fb:96 nack\r\n", "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 transport-cc\r\n", 1)
	})
	for _, want := range []string{"a=rtcp-fb:96 transport-cc\r\n", sdp.TransportCCURI} {
		if !strings.Contains(p.answer, want) {
			t.Fatalf("no %q in the answer:\n%s", want, p.answer)
		}
	}
	video := newSender(p, media.VP8)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	eventually(t, "feedback of both kinds", func() bool {
		video.stream(1, tick.C)
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.twcc > 2 && p.reported > 0
	})
}

// A sender that is silent sends a packet now and then (DTX): nothing is lost of it, nothing is asked for, and what is said
// next is at its own time (W-76).
func TestSilentSender(t *testing.T) {
	sec := testSection(media.Opus)
	sec.fb = []string{"nack"}
	s, in, back := loneStream(Config{}, sec)
	var sent []media.Time
	at, seq := 10*media.Second, uint16(65530)
	send := func(n int, step media.Time, payload ...byte) {
		for range n {
			raw, err := (&rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: s.pt, SSRC: s.ssrc, SequenceNumber: seq, Timestamp: uint32(at.Ticks(48000))},
				Payload: payload,
			}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			s.take(raw, at+30*ms)
			s.deliver(at + 30*ms)
			sent = append(sent, at)
			seq++
			at += step
		}
	}
	for range 3 {
		send(100, 20*ms, append([]byte{0xfc}, noise(60)...)...)
		send(25, 400*ms, 0xf8) // a frame of nothing but its first byte
	}
	send(100, 20*ms, append([]byte{0xfc}, noise(60)...)...)
	if len(in.got) != len(sent) || s.buf.gone != 0 || s.stats.Nacks != 0 || len(back.sent) != 0 {
		t.Fatalf("%d of %d packets came; %+v", len(in.got), len(sent), s.stats)
	}
	for i, p := range in.got {
		if late := p.At - sent[i]; abs(late-30*ms) > ms || p.Dur != 20*ms {
			t.Fatalf("packet %d is %v after it was said, for %v", i, late.Duration(), p.Dur.Duration())
		}
	}
}
