package ingest

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/pion/rtcp"

	"tilecast/media"
)

// feed gives a lone stream what a sender made of frames, each after the time step, and is the time after it.
func feed(t *testing.T, s *stream, snd *sender, now, step media.Time, frames ...[]byte) media.Time {
	t.Helper()
	for _, frame := range frames {
		for _, p := range snd.packets(frame, media.Packet{}) {
			p.PayloadType, p.SSRC = s.pt, s.ssrc
			raw, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			s.take(raw, now)
			s.deliver(now)
		}
		now += step
	}
	return now
}

// vp8Key is a key frame of w by h.
func vp8Key(w, h, n int) []byte {
	b := vp8Frame(true, n)
	b[6], b[7], b[8], b[9] = byte(w), byte(w>>8), byte(h), byte(h>>8)
	return b
}

func (m *mailbox) plis() (n int) {
	for _, p := range m.sent {
		if _, ok := p.(*rtcp.PictureLossIndication); ok {
			n++
		}
	}
	return n
}

// A source whose pictures have more pixels than it may is not shown, in any codec; it is said why, and not asked for
// key frames that would be no smaller. It is back with its first picture that is small enough.
func TestPicturesThatAreTooLarge(t *testing.T) {
	for _, c := range videoCodecs {
		frame := frameMakers[c]
		w, h, ok := unitSize(c, frame(true, 300))
		if !ok {
			t.Fatalf("%v: the size of a key frame can't be told", c)
		}
		var log bytes.Buffer
		cfg := Config{Log: slog.New(slog.NewTextHandler(&log, nil))}
		cfg.Limits.Pixels = w * h
		s, in, _ := loneStream(cfg, testSection(c))
		feed(t, s, newSender(nil, c), media.Second, 33*ms, frame(true, 300), frame(false, 300))
		if len(in.got) != 2 || s.stats.Oversize != 0 || log.Len() != 0 {
			t.Errorf("%v: %d pictures of just the most pixels passed; %s", c, len(in.got), &log)
		}
		cfg.Limits.Pixels--
		s, in, back := loneStream(cfg, testSection(c))
		snd := newSender(nil, c)
		now := feed(t, s, snd, media.Second, 33*ms, frame(true, 300))
		asked := back.plis()
		for range 100 {
			now = feed(t, s, snd, now, 33*ms, frame(false, 300))
		}
		now = feed(t, s, snd, now, 33*ms, frame(true, 300), frame(false, 300))
		if len(in.got) != 0 || s.stats.Oversize != 2 || back.plis() != asked {
			t.Errorf("%v: %d pictures passed, %d refused, %d key frames asked for", c, len(in.got), s.stats.Oversize, back.plis()-asked)
		}
		if w, _, _ := s.t.wanted(now); w.Refused != "size" {
			t.Errorf("%v: the client is told %+v", c, w)
		}
		if text := log.String(); strings.Count(text, "ingest.limits.max_pixels") != 1 || !strings.Contains(text, "level=WARN") {
			t.Errorf("%v: the log says %s", c, text)
		}
		s.t.sess.srv.cfg.Limits.Pixels++ // as if the picture had become smaller
		feed(t, s, snd, now, 33*ms, frame(true, 300), frame(false, 300))
		if w, _, _ := s.t.wanted(now); len(in.got) != 2 || !in.got[0].Key || w.Refused != "" {
			t.Errorf("%v: %d pictures after it is small enough; the client is told %+v", c, len(in.got), w)
		}
	}
}

// After a loss nobody knows how large the next picture will be: it is asked for.
func TestTooLargeAndLost(t *testing.T) {
	cfg := Config{}
	cfg.Limits.Pixels = 640 * 360
	sec := testSection(media.VP8)
	sec.fb = []string{"nack pli"} // a packet that is overdue asks for a key frame in any case
	s, in, back := loneStream(cfg, sec)
	snd := newSender(nil, media.VP8)
	now := feed(t, s, snd, media.Second, 33*ms, vp8Key(1280, 720, 300))
	asked := back.plis()
	snd.packets(vp8Key(640, 360, 300), media.Packet{}) // is lost, for good
	for range 30 {
		now = feed(t, s, snd, now, 33*ms, vp8Frame(false, 300))
	}
	if back.plis() == asked {
		t.Fatal("no key frame was asked for")
	}
	feed(t, s, snd, now, 33*ms, vp8Key(640, 360, 300))
	if len(in.got) != 1 {
		t.Fatalf("%d pictures passed", len(in.got))
	}
}

// H.264 names its size wherever its parameter sets stand, and by those that its slices refer to.
func TestSizeOfAUnit(t *testing.T) {
	otherSPS := slices.Clone(testSPS)
	otherSPS[4] = 0x46 // id 1, which shifts what follows: no size that could be read
	delimiter := []byte{9, 0xf0}
	for name, c := range map[string]struct {
		unit []byte
		ok   bool
	}{
		"as always":       {annexB(testSPS, testPPS, slice(true, true, 20)), true},
		"with delimiter":  {annexB(delimiter, testSPS, testPPS, slice(true, true, 20)), true},
		"PPS first":       {annexB(testPPS, testSPS, slice(true, true, 20)), true},
		"another SPS too": {annexB(testSPS, otherSPS, testPPS, slice(true, true, 20)), true},
		"only another":    {annexB(otherSPS, testPPS, slice(true, true, 20)), false},
		"nothing":         {annexB(slice(true, true, 20)), false},
	} {
		unit := c.unit
		if i := bytes.Index(unit, []byte{0x65}); i > 0 {
			unit[i+1] = 0x88 // first_mb_in_slice 0, slice_type I (7), pic_parameter_set_id 0
			unit[i+2] = 0x80
		}
		if w, h, ok := unitSize(media.H264, unit); ok != c.ok || ok && (w != 640 || h != 360) {
			t.Errorf("%s: %d x %d, %v", name, w, h, ok)
		}
	}
}

// Of simulcast layers those that are too large are as if they were not there.
func TestLayersThatAreTooLarge(t *testing.T) {
	cfg := Config{}
	cfg.Limits.Pixels = 640 * 360
	sec := testSection(media.VP8)
	sec.rids = []string{"h", "m", "l"}
	large, in, _ := loneStream(cfg, sec)
	large.rid = "h"
	in.demand = Demand{W: 1280, H: 720, FPS: 30}
	large.t.demand = in.demand
	middle, small := large.t.newStream(8, "m"), large.t.newStream(9, "l")
	senders := []*sender{newSender(nil, media.VP8), newSender(nil, media.VP8), newSender(nil, media.VP8)}
	now := media.Second
	for i := range 90 {
		for k, s := range []*stream{large, middle, small} {
			frame := vp8Frame(false, 300)
			if i%15 == 0 {
				frame = vp8Key(1280>>k, 720>>k, 300)
			}
			feed(t, s, senders[k], now, 0, frame)
		}
		now += 33 * ms
	}
	if large.t.cur != middle || len(in.got) < 60 || large.stats.Units > 1 {
		t.Errorf("on show: %+v; %d pictures came; of the large layer %+v", large.t.cur, len(in.got), large.stats)
	}
	for _, p := range in.got {
		if w, _, ok := unitSize(media.VP8, p.Data); p.Key && (!ok || w > 640) {
			t.Errorf("a picture %d wide was passed on", w)
		}
	}
	if w, _, _ := large.t.wanted(now); !slices.Equal(w.RIDs, []string{"m"}) {
		t.Errorf("wanted: %v", w.RIDs)
	}
}

// While a source sends more than it may its picture is not taken, and it is told to send less; its sound goes on.
// When it sends less its picture is back, with a key frame that was asked for.
func TestTooHighARate(t *testing.T) {
	var log bytes.Buffer
	cfg := Config{Log: slog.New(slog.NewTextHandler(&log, nil))}
	cfg.Limits.BitRate = 1_000_000
	video, in, back := loneStream(cfg, testSection(media.VP8))
	video.t.sess.load.limit = int64(cfg.Limits.BitRate) / 8
	ear := &jar{demand: Demand{W: 1}}
	audio := newTrack(video.t.sess, testSection(media.Opus), ear).newStream(9, "")
	snd, voice := newSender(nil, media.VP8), newSender(nil, media.Opus)
	now := media.Second
	// run sends so many kb/s for a time, in pictures of which each twentieth is a key frame.
	run := func(kbps int, span media.Time) {
		for i, end := 0, now+span; now < end; i++ {
			feed(t, video, snd, now, 0, vp8Frame(i%20 == 0, kbps*1000/8/50))
			now = feed(t, audio, voice, now, 20*ms, append([]byte{0xfc}, noise(50)...))
		}
	}
	run(800, 5*media.Second)
	if len(in.got) != 250 || video.stats.Excess != 0 {
		t.Fatalf("%d pictures of 250 passed below the limit; %+v", len(in.got), video.stats)
	}
	run(4000, 5*media.Second)
	if n := len(in.got) - 250; n > 60 || video.stats.Excess == 0 {
		t.Fatalf("%d pictures of 250 passed above the limit; %+v", n, video.stats)
	}
	if w, _, _ := video.t.wanted(now); w.Refused != "rate" {
		t.Errorf("the client is told %+v", w)
	}
	if text := log.String(); strings.Count(text, "ingest.limits.bitrate") != 1 {
		t.Errorf("the log says %s", text)
	}
	told := slices.IndexFunc(back.sent, func(p rtcp.Packet) bool {
		remb, ok := p.(*rtcp.ReceiverEstimatedMaximumBitrate)
		return ok && remb.Bitrate < 700_000
	})
	if told < 0 {
		t.Error("the sender was not told to send less")
	}
	before, nacks := len(in.got), video.stats.Nacks
	asked := back.plis()
	run(400, 10*media.Second)
	if n := len(in.got) - before; n < 300 || !in.got[before].Key || back.plis() == asked || video.stats.Nacks != nacks {
		t.Errorf("%d pictures of 500 came again; %d key frames asked for, %d packets", n, back.plis()-asked, video.stats.Nacks-nacks)
	}
	if len(ear.got) != len(voice.sent) {
		t.Errorf("%d of %d packets of sound came", len(ear.got), len(voice.sent))
	}
}

// Without a limit anything goes.
func TestNoLimitOfRate(t *testing.T) {
	s, in, _ := loneStream(Config{}, testSection(media.VP8))
	snd, now := newSender(nil, media.VP8), media.Second
	for i := range 100 {
		now = feed(t, s, snd, now, ms, vp8Frame(i == 0, 100_000))
	}
	if len(in.got) != 100 || s.stats.Excess != 0 {
		t.Errorf("%d pictures of 100 passed; %+v", len(in.got), s.stats)
	}
}
