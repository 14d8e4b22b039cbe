package ingest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tilecast/media"
)

const ms = media.Millisecond

// simTrack is one track of a simulated sender.
type simTrack struct {
	clock *trackClock
	rate  int64
	every media.Time // between frames
	base  uint32     // first RTP timestamp
	ppm   float64    // by which its sampling clock runs fast
	delay media.Time // of encoding and network, at least
	srGap media.Time // between sender reports; 0: none
	ntp   media.Time // sender's wall clock less ours

	next, nextSR media.Time
	frames       []simFrame
}

type simFrame struct {
	capture, at media.Time // by our clock
	ts          int64
}

// rtp is the timestamp of what is captured at t.
func (s *simTrack) rtp(t media.Time) uint32 {
	return s.base + uint32(media.Time(float64(t)*(1+s.ppm/1e6)).Ticks(s.rate))
}

// ntp64 is t as an NTP timestamp.
func ntp64(t media.Time) uint64 {
	return uint64(t/media.Second)<<32 | uint64(float64(t%media.Second)/float64(media.Second)*(1<<32))
}

// simulate runs the tracks from `from` to `to`, jitter adding to each delay.
func simulate(from, to media.Time, jitter func(*simTrack, media.Time) media.Time, tracks ...*simTrack) {
	for now := from; now < to; now += ms {
		for _, s := range tracks {
			for s.next <= now {
				t := s.next
				s.next += s.every
				arrival := t + s.delay + jitter(s, t)
				ts := s.clock.observe(s.rtp(t), arrival)
				s.frames = append(s.frames, simFrame{t, s.clock.at(ts, arrival), ts})
			}
			if s.srGap > 0 && s.nextSR <= now {
				s.nextSR += s.srGap
				s.clock.report(ntp64(now+s.ntp), s.rtp(now), now+s.delay)
			}
		}
	}
}

func exponential(mean media.Time) func(*simTrack, media.Time) media.Time {
	r := rand.New(rand.NewPCG(1, 2))
	return func(*simTrack, media.Time) media.Time { return media.Time(r.ExpFloat64() * float64(mean)) }
}

func newPair(s *syncer) (audio, video *simTrack) {
	const ntp = 3_900_000_000 * media.Second
	audio = &simTrack{clock: s.track(48000), rate: 48000, every: 20 * ms, base: 1<<32 - 96000, delay: 10 * ms, srGap: 5 * media.Second, ntp: ntp, nextSR: 2 * media.Second}
	video = &simTrack{clock: s.track(90000), rate: 90000, every: 33 * ms, base: 1<<32 - 900000, delay: 10 * ms, srGap: media.Second, ntp: ntp, nextSR: ms}
	return audio, video
}

// lag is how far after its capture a frame is placed, least and most, after `from`.
func lag(s *simTrack, from media.Time) (least, most media.Time) {
	least, most = media.Second*1000, -media.Second*1000
	for _, f := range s.frames {
		if f.capture >= from {
			least, most = min(least, f.at-f.capture), max(most, f.at-f.capture)
		}
	}
	return least, most
}

func checkOrder(t *testing.T, s *simTrack) {
	t.Helper()
	for i := 1; i < len(s.frames); i++ {
		if s.frames[i].at <= s.frames[i-1].at {
			t.Fatalf("frame %d at %v, the one before at %v", i, s.frames[i].at, s.frames[i-1].at)
		}
	}
}

// W-74: with reports, sound and picture are placed by when they were captured,
// though the picture takes 120 ms longer; wrap-around of both timestamps included.
func TestSyncKeepsSoundAndPictureTogether(t *testing.T) {
	for _, ppm := range []float64{-200, -30, 0, 30, 200} {
		var s syncer
		audio, video := newPair(&s)
		video.delay = 130 * ms
		audio.ppm, video.ppm = ppm, ppm/2
		simulate(0, 60*media.Second, exponential(8*ms), audio, video)
		for _, track := range []*simTrack{audio, video} {
			checkOrder(t, track)
			least, most := lag(track, 30*media.Second)
			if least < 5*ms || most > 16*ms {
				t.Errorf("%+v ppm, %d Hz: placed %v to %v after capture, want about 10 ms", ppm, track.rate, least, most)
			}
			if snaps, outliers, jumps := track.clock.counts(); snaps+outliers+jumps != 0 {
				t.Errorf("%+v ppm, %d Hz: %d snaps, %d outliers, %d jumps", ppm, track.rate, snaps, outliers, jumps)
			}
		}
	}
}

// Corrections after the start are at most 0.5 % of the time that passes.
func TestSyncSlewsGently(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	audio.ppm, video.ppm = 200, 200
	var worse media.Time
	r := rand.New(rand.NewPCG(3, 4))
	jitter := func(_ *simTrack, at media.Time) media.Time {
		if at > 40*media.Second {
			worse = 120 * ms // the path has become longer for good
		}
		return worse + media.Time(r.Float64()*float64(30*ms))
	}
	simulate(0, 120*media.Second, jitter, audio, video)
	for _, track := range []*simTrack{audio, video} {
		checkOrder(t, track)
		for i := 1; i < len(track.frames); i++ {
			a, b := track.frames[i-1], track.frames[i]
			if b.capture < 12*media.Second {
				continue
			}
			step := (b.at - a.at) - media.FromTicks(b.ts-a.ts, track.rate)
			if limit := (b.capture - a.capture + 60*ms) / 200; abs(step) > limit {
				t.Fatalf("%d Hz at %v: corrected by %v in %v", track.rate, b.capture, step, b.capture-a.capture)
			}
		}
		if least, most := lag(track, 100*media.Second); least < 120*ms || most > 150*ms {
			t.Errorf("%d Hz: %v to %v after capture at the end, want 130 ms", track.rate, least, most)
		}
	}
}

// A publisher on a bad network gets extra delay, on both tracks, no more than it
// needs, and loses it again.
func TestSyncDelaysThePublisherWhosePacketsAreLate(t *testing.T) {
	s := syncer{jitter: 100 * ms}
	audio, video := newPair(&s)
	r := rand.New(rand.NewPCG(5, 6))
	jitter := func(track *simTrack, at media.Time) media.Time {
		if track == audio && at > 10*media.Second && at < 100*media.Second {
			return media.Time(r.Float64() * float64(250*ms))
		}
		return 0
	}
	simulate(0, 200*media.Second, jitter, audio, video)
	for _, track := range []*simTrack{audio, video} {
		checkOrder(t, track)
		during := *track
		during.frames = slices.DeleteFunc(slices.Clone(track.frames), func(f simFrame) bool { return f.capture > 100*media.Second })
		if least, most := lag(&during, 70*media.Second); least < 130*ms || most > 165*ms {
			t.Errorf("%d Hz: %v to %v after capture, want about 150 ms more than 10", track.rate, least, most)
		}
		if least, most := lag(track, 160*media.Second); least < 9*ms || most > 11*ms {
			t.Errorf("%d Hz: %v to %v after capture when all is well again", track.rate, least, most)
		}
		if snaps, _, _ := track.clock.counts(); snaps != 0 {
			t.Errorf("%d Hz: %d snaps", track.rate, snaps)
		}
	}
}

// Without reports each track is placed by its arrival.
func TestSyncWithoutReportsGoesByArrival(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	audio.srGap, video.srGap, video.delay = 0, 0, 80*ms
	simulate(0, 40*media.Second, exponential(5*ms), audio, video)
	if least, most := lag(audio, 20*media.Second); least < 9*ms || most > 12*ms {
		t.Errorf("sound placed %v to %v after capture, want 10 ms", least, most)
	}
	if least, most := lag(video, 20*media.Second); least < 79*ms || most > 82*ms {
		t.Errorf("picture placed %v to %v after capture, want 80 ms", least, most)
	}
}

// A first report within the first seconds is taken over at once.
func TestSyncTakesTheFirstReportAtOnce(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	video.delay = 210 * ms
	video.nextSR = 3 * media.Second
	simulate(0, 10*media.Second, exponential(ms), audio, video)
	if _, most := lag(video, 4*media.Second); most > 20*ms {
		t.Errorf("a second after its first report the picture is still %v late", most)
	}
	if snaps, _, _ := video.clock.counts(); snaps != 0 {
		t.Errorf("%d snaps", snaps)
	}
}

// Past 300 ms the clock snaps, and says so.
func TestSyncSnapsWhenFarOff(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	later := func(_ *simTrack, at media.Time) media.Time {
		if at > 30*media.Second {
			return 600 * ms
		}
		return 0
	}
	simulate(0, 60*media.Second, later, audio, video)
	for _, track := range []*simTrack{audio, video} {
		checkOrder(t, track)
		if snaps, _, _ := track.clock.counts(); snaps != 1 {
			t.Errorf("%d Hz: %d snaps, want 1", track.rate, snaps)
		}
		if least, most := lag(track, 40*media.Second); least < 590*ms || most > 615*ms {
			t.Errorf("%d Hz: placed %v to %v after capture, want 610 ms", track.rate, least, most)
		}
	}
}

// A stall of three seconds whose packets then come in a burst moves nothing.
func TestSyncForgivesAStall(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	stall := func(_ *simTrack, at media.Time) media.Time {
		if at > 30*media.Second && at < 33*media.Second {
			return 33*media.Second - at
		}
		return 0
	}
	simulate(0, 45*media.Second, stall, audio, video)
	for _, track := range []*simTrack{audio, video} {
		checkOrder(t, track)
		if least, most := lag(track, 20*media.Second); least < 9*ms || most > 11*ms {
			t.Errorf("%d Hz: placed %v to %v after capture, want 10 ms", track.rate, least, most)
		}
	}
}

// One report that contradicts the others changes nothing; two that agree do.
func TestSyncIgnoresOutlyingReports(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	none := func(*simTrack, media.Time) media.Time { return 0 }
	simulate(0, 20*media.Second, none, audio, video)
	for i, bad := range []struct {
		ntp uint64
		rtp uint32
	}{
		{ntp64(20*media.Second + audio.ntp + 700*ms), audio.rtp(20 * media.Second)},
		{ntp64(20*media.Second + audio.ntp), audio.rtp(20*media.Second) + 48000*3600},
		{0, audio.rtp(20 * media.Second)},
	} {
		audio.clock.report(bad.ntp, bad.rtp, 20*media.Second)
		simulate(media.Time(20+i)*media.Second, media.Time(21+i)*media.Second, none, audio, video)
	}
	if least, most := lag(audio, 20*media.Second); least < 9*ms || most > 11*ms {
		t.Errorf("sound placed %v to %v after capture, want 10 ms", least, most)
	}
	if _, outliers, _ := audio.clock.counts(); outliers != 2 {
		t.Errorf("%d outliers, want 2", outliers)
	}
	// The sender's wall clock is set: both tracks' reports move, and stay.
	audio.ntp, video.ntp = audio.ntp+5*media.Second, video.ntp+5*media.Second
	simulate(23*media.Second, 50*media.Second, none, audio, video)
	for _, track := range []*simTrack{audio, video} {
		checkOrder(t, track)
		if least, most := lag(track, 20*media.Second); least < 9*ms || most > 11*ms {
			t.Errorf("%d Hz: placed %v to %v after capture, want 10 ms", track.rate, least, most)
		}
	}
}

// Tracks whose reports come from clocks of their own can't be tied together.
func TestSyncLeavesIncoherentTracksApart(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	video.ntp = 17 * media.Second
	simulate(0, 30*media.Second, exponential(ms), audio, video)
	for _, track := range []*simTrack{audio, video} {
		if least, most := lag(track, 12*media.Second); least < 8*ms || most > 13*ms {
			t.Errorf("%d Hz: placed %v to %v after capture, want 10 ms", track.rate, least, most)
		}
	}
}

// A timestamp that jumps begins a new timeline, forwards and backwards.
func TestSyncFollowsJumps(t *testing.T) {
	for _, jump := range []int64{-3600, -20, -1, 1, 20, 3600} {
		var s syncer
		audio, video := newPair(&s)
		none := func(*simTrack, media.Time) media.Time { return 0 }
		simulate(0, 20*media.Second, none, audio, video)
		video.base += uint32(jump * 90000)
		simulate(20*media.Second, 50*media.Second, none, audio, video)
		checkOrder(t, video)
		if least, most := lag(video, 35*media.Second); least < 9*ms || most > 11*ms {
			t.Errorf("jump of %d s: placed %v to %v after capture, want 10 ms", jump, least, most)
		}
		if least, most := lag(audio, 5*media.Second); least < 9*ms || most > 11*ms {
			t.Errorf("jump of %d s: the sound moved: %v to %v after capture", jump, least, most)
		}
	}
}

// A silence of a minute, with drift in it, is corrected at once when it ends.
func TestSyncCorrectsAtOnceAfterSilence(t *testing.T) {
	var s syncer
	audio, video := newPair(&s)
	video.ppm = 200
	simulate(0, 20*media.Second, exponential(ms), audio, video)
	video.next = 400 * media.Second
	simulate(20*media.Second, 420*media.Second, exponential(ms), audio, video)
	checkOrder(t, video)
	if least, most := lag(video, 402*media.Second); least < 8*ms || most > 13*ms {
		t.Errorf("placed %v to %v after capture, want 10 ms", least, most)
	}
}

// B-frames: timestamps that step back are placed in their own order (W-75).
func TestSyncPlacesPicturesOutOfOrder(t *testing.T) {
	var s syncer
	clock := s.track(90000)
	ats := make(map[int64]media.Time)
	for i := range int64(300) {
		n := i + []int64{2, -1, -1}[i%3] // shown 2 0 1, 5 3 4, ...
		now := media.Time(i) * 33 * ms
		ts := clock.observe(uint32(n*3000), now)
		ats[n] = clock.at(ts, now)
	}
	for n := int64(4); n < 300; n++ {
		if d := ats[n] - ats[n-1]; d < 20*ms || d > 45*ms {
			t.Errorf("pictures %d and %d lie %v apart", n-1, n, d)
		}
	}
}

// Whatever comes, time does not run back and stays near the clock.
func FuzzSync(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		s := syncer{jitter: 50 * ms}
		tracks := []*trackClock{s.track(48000), s.track(90000)}
		var last [2]struct {
			ts int64
			at media.Time
		}
		var now media.Time
		ts := [2]uint32{r.Uint32(), r.Uint32()}
		for i := range 500 {
			now += media.Time(r.Int64N(int64(50 * ms)))
			if r.IntN(50) == 0 {
				now += media.Time(r.Int64N(int64(20 * media.Second)))
			}
			k := r.IntN(2)
			ts[k] += uint32(r.IntN(5000))
			if r.IntN(50) == 0 {
				ts[k] = r.Uint32()
			}
			if r.IntN(10) == 0 {
				tracks[k].report(r.Uint64(), ts[k], now)
				continue
			}
			x := tracks[k].observe(ts[k], now)
			at := tracks[k].at(x, now)
			if i > 10 && x > last[k].ts && at < last[k].at {
				t.Fatalf("timestamp rose from %d to %d, time fell from %v to %v", last[k].ts, x, last[k].at, at)
			}
			if abs(at-now) > 3*syncJump {
				t.Fatalf("at %v while it is %v", at, now)
			}
			last[k].ts, last[k].at = x, at
		}
	})
}

// Packets that say themselves when they were captured keep sound and picture together without reports, at
// any drift, and against reports that are wrong; so they are after a reconnect, which begins anew.
func TestSyncByCaptureTime(t *testing.T) {
	for _, ppm := range []float64{-200, 0, 200} {
		for connection := range 2 {
			var s syncer
			audio, video := newPair(&s)
			video.delay, audio.srGap, video.srGap = 130*ms, 0, 0
			audio.ppm, video.ppm = ppm, -ppm
			audio.base += uint32(connection) * 12345
			video.base += uint32(connection) * 54321
			for from := media.Time(0); from < 60*media.Second; from += media.Second / 2 {
				simulate(from, from+media.Second/2, exponential(5*ms), audio, video)
				for _, track := range []*simTrack{audio, video} {
					f := track.frames[len(track.frames)-1]
					track.clock.captured(ntp64(f.capture+track.ntp), track.rtp(f.capture), from+media.Second/2)
				}
				video.clock.report(ntp64(from+video.ntp+700*ms), video.rtp(from), from+media.Second/2) // wrong by 700 ms
			}
			for _, track := range []*simTrack{audio, video} {
				checkOrder(t, track)
				if least, most := lag(track, 30*media.Second); least < 0 || most > 30*ms {
					t.Errorf("%+v ppm, %d Hz: placed %v to %v after capture, want about 10 ms", ppm, track.rate, least, most)
				}
			}
		}
	}
}
