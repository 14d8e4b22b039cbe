package ingest

import (
	"testing"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/media"
)

// mixed is an outlet that knows when beeps begin.
type mixed struct{ beeps []media.Time }

func (m *mixed) Write(p media.Packet) error {
	if a, err := codec.ParseFakeAudio(p.Data); err == nil && a.Onset >= 0 {
		at := p.At + media.FromTicks(int64(a.Onset), 48000)
		if n := len(m.beeps); n == 0 || at-m.beeps[n-1] > media.Second {
			m.beeps = append(m.beeps, at)
		}
	}
	return nil
}

func (m *mixed) Close() error { return nil }

// An hour of a microphone whose crystal is 200 ppm off, from its RTP timestamps and reports and the arrival of its packets to
// the mix: what was captured with a picture is heard within 20 ms of when that is shown. Halfway the network gets so bad that the
// publisher is given more delay, and better again; nothing is late but there, and nothing ever jumps.
func TestLipsStayWithTheSoundForAnHour(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	drift(t, 200, 3600*media.Second)
	drift(t, -200, 600*media.Second)
}

func drift(t *testing.T, ppm float64, long media.Time) {
	const delay = 150 * ms
	bad, good := long/2, long/2+30*media.Second
	fps := media.FrameRate{Num: 30, Den: 1}
	out := &mixed{}
	p, err := compositor.NewInline(compositor.Config{
		Rate: fps, GOP: 60, PartFrames: 10, Delay: delay, Clock: media.NewClock(time.Now()),
		Canvases: []compositor.Canvas{{Name: "main", W: 64, H: 36, Look: compositor.DefaultLook(), Rungs: []compositor.Rung{{Name: "r", W: 64, H: 36, BitRate: 100_000}}}},
		Open: func(_, id string, _ media.Params) (compositor.Outlet, error) {
			if id == compositor.AudioID {
				return out, nil
			}
			return &mixed{}, nil
		},
	}, codec.Fake())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	k, err := p.Join("ada", media.VP8)
	if err == nil {
		err = p.Hear(k, media.Opus)
	}
	if err != nil {
		t.Fatal(err)
	}

	s := syncer{jitter: 100 * ms}
	audio, video := newPair(&s)
	audio.ppm, video.ppm, video.delay = ppm, ppm/10, 60*ms
	audio.every = media.Time(float64(20*ms) / (1 + ppm/1e6)) // 960 samples of its own
	arrivals := map[*simTrack][]media.Time{}
	const quiet, loud = 0.005, 0.1
	calm, storm := exponential(8*ms), exponential(120*ms)
	jitter := func(tr *simTrack, at media.Time) media.Time { // in order
		late := calm(tr, at)
		if at > bad && at < good {
			late = storm(tr, at)
		}
		arrival, all := at+tr.delay+late, arrivals[tr]
		if n := len(all); n > 0 {
			arrival = max(arrival, all[n-1])
		}
		arrivals[tr] = append(all, arrival)
		return arrival - at - tr.delay
	}
	var extra media.Time
	beeps, sent := []media.Time{}, 0
	var before, after compositor.InputStats
	for n := int64(0); fps.Frame(n) < long; n++ {
		now := fps.Frame(n + 1)
		simulate(fps.Frame(n), now, jitter, audio, video)
		for ; sent < len(audio.frames) && arrivals[audio][sent] <= now; sent++ {
			level, f := quiet, audio.frames[sent]
			if sent%500 == 250 { // each 10 s
				level = loud
				beeps = append(beeps, f.capture)
			}
			p.PushSound(k, codec.FakeAudioPacket(level, 0, int64(sent), f.at))
		}
		p.Frame()
		extra = max(extra, s.delayed())
		switch now {
		case bad:
			before = p.Heard(k)
		case good + 20*media.Second:
			after = p.Heard(k)
		}
	}

	end := p.Heard(k)
	if end.Snaps > 0 || end.Steered == 0 || before.Gaps+before.Late > 0 || end.Gaps > after.Gaps || end.Late > after.Late {
		t.Errorf("%+v ppm: %+v, when the network got bad %+v, and good %+v", ppm, end, before, after)
	}
	if extra < 100*ms || s.delayed() > extra/2 {
		t.Errorf("%+v ppm: up to %v of delay are given, and at last %v", ppm, extra, s.delayed())
	}
	for _, tr := range []*simTrack{audio, video} {
		if snaps, outliers, jumps := tr.clock.counts(); snaps+outliers+jumps != 0 {
			t.Errorf("%+v ppm, %d Hz: %d snaps, %d outliers, %d jumps", ppm, tr.rate, snaps, outliers, jumps)
		}
	}
	var worst, last media.Time
	matched, f := 0, 0
	for _, beep := range out.beeps[2:] { // reports have come, and what they say has been made up for
		for len(beeps) > 1 && beeps[1] < beep-delay { // beeps are heard after they were captured, and before the next
			beeps = beeps[1:]
		}
		for video.frames[f].capture < beeps[0] && f+1 < len(video.frames) {
			f++
		}
		shown := video.frames[f].at - video.frames[f].capture + beeps[0]
		off := beep - delay - shown
		if matched++; off < -20*ms || off > 20*ms {
			t.Errorf("%+v ppm: what was captured at %v is heard %v after it is shown", ppm, beeps[0], off)
		}
		worst, last = max(worst, abs(off)), off
	}
	if matched < int(long/media.Second)/10-6 {
		t.Errorf("%+v ppm: %d beeps were heard", ppm, matched)
	}
	t.Logf("%+v ppm: off by %v at most, %v at the end; %v of delay given; %d packets steered, %d holes, %d made up, %d late", ppm, worst, last, extra, end.Steered, end.Gaps, end.Concealed, end.Late)
}
