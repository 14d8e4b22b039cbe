package lint

import (
	"bytes"
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// Parameter sets of constrained baseline at 1920x1080, where the order of decoding is that of display.
var baseline, pps = unhex("6742c028d900780227e584000003000400000300f03c60c920"), unhex("68ef3cb0")

// peer is gohlslib's muxer with a publisher that sends 30 frames a second, then 24, and then connects anew.
type peer struct {
	t     *testing.T
	muxer atomic.Pointer[gohlslib.Muxer]
	all   []*gohlslib.Muxer
	video *gohlslib.Track
	sound *gohlslib.Track
	start time.Time // of this connection
	aac   int64     // frames sent
}

func (p *peer) connect() {
	p.video = &gohlslib.Track{Codec: &codecs.H264{SPS: baseline, PPS: pps}, ClockRate: 90000}
	p.sound = &gohlslib.Track{Codec: &codecs.MPEG4Audio{Config: mpeg4audio.AudioSpecificConfig{
		Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 48000, ChannelCount: 2}}, ClockRate: 48000}
	m := &gohlslib.Muxer{
		Tracks: []*gohlslib.Track{p.video, p.sound}, Variant: gohlslib.MuxerVariantLowLatency,
		OnEncodeError: func(error) {}, // that PART-TARGET changes
	}
	if err := m.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.start, p.aac = time.Now(), 0
	p.all = append(p.all, m)
	p.muxer.Store(m)
}

// publish sends for d, in step with the clock, with a key frame every second.
func (p *peer) publish(ctx context.Context, d time.Duration, rate int64) {
	m, from := p.muxer.Load(), time.Since(p.start).Round(time.Second)
	for frame := int64(0); ; frame++ {
		at := time.Duration(frame) * time.Second / time.Duration(rate)
		if at >= d || !wait(ctx, time.Until(p.start.Add(from+at))) {
			return
		}
		unit := append([]byte{0x41, byte(frame)}, bytes.Repeat([]byte{0x9a}, 300)...)
		access := [][]byte{unit}
		if frame%rate == 0 {
			unit[0] = 0x65
			access = [][]byte{baseline, pps, unit}
		}
		if err := m.WriteH264(p.video, p.start.Add(from+at), int64(from/time.Second)*90000+frame*90000/rate, access); err != nil {
			p.t.Error(err)
		}
		for ; time.Duration(p.aac)*1024*time.Second/48000 <= from+at; p.aac++ {
			ntp := p.start.Add(time.Duration(p.aac) * 1024 * time.Second / 48000)
			if err := m.WriteMPEG4Audio(p.sound, ntp, p.aac*1024, [][]byte{bytes.Repeat([]byte{0x21}, 80)}); err != nil {
				p.t.Error(err)
			}
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// check watches gohlslib's muxer while a publisher sends 30 frames a second, and then for d at another rate,
// after a new connection or not.
func (p *peer) check(t *testing.T, reconnect bool) map[string]bool {
	var rep *Report
	synctest.Test(t, func(t *testing.T) {
		p.t = t
		p.connect()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.publish(ctx, 14*time.Second, 30)
			if reconnect {
				before := p.muxer.Load()
				p.connect()
				before.Close()
			}
			p.publish(ctx, time.Hour, 24)
		}()
		time.Sleep(8 * time.Second)
		rep = runOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.muxer.Load().Handle(w, r) }),
			Config{URL: "http://stream.test/index.m3u8", For: 14 * time.Second})
		cancel()
		<-done
		for _, m := range p.all {
			m.Close()
		}
		synctest.Wait()
	})
	found := map[string]bool{}
	for _, f := range rep.Findings {
		found[f.id] = true
		t.Logf("%s %s %s %s: %s (%d)", f.Level, f.id, f.Where, f.At, f.Evidence, f.Count)
	}
	return found
}

// What gohlslib's muxer is known to do is named, and what it does right is not.
func TestPeer(t *testing.T) {
	found := new(peer).check(t, false)
	for id, what := range map[string]string{
		"Q-3":         "_HLS_msn without a part is answered at part 0",
		"Q-5":         "a part past the end of a segment waits for a whole segment",
		"Q-6":         "an old MSN is refused",
		"K-2":         "the delta skips another number than the boundary allows",
		"M-20/should": "hold-back of 2.5 parts",
		"M-23":        "PART-TARGET is computed anew",
		"N-4/plain":   "Range is ignored",
		"R-1":         "no rendition reports",
		"N-6":         "no gzip",
		"F-1":         "brands older than iso6",
	} {
		if !found[id] {
			t.Errorf("%s was not found: %s", id, what)
		}
	}
	for _, id := range []string{"M-5", "L-1", "L-3", "L-4", "L-6", "L-11", "P-3", "P-10", "P-11", "PH-2", "PH-8", "PH-9", "Q-4", "Q-7", "Q-8", "Q-12", "C-8", "F-3", "F-4"} {
		if found[id] {
			t.Errorf("%s was found", id)
		}
	}
}

// A publisher that connects again makes gohlslib count from the start.
func TestPeerReconnects(t *testing.T) {
	if found := new(peer).check(t, true); !found["M-5"] || found["L-11"] || found["P-3"] {
		t.Errorf("found %v, want M-5", found)
	}
}
