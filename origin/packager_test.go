package origin

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// Programs cut by the real packager from access units whose sizes are the worst that an encoder's
// rate control allows.

// Parameter sets of x264 at 640x360.
var paramSets = unhex("00000001 6764001eacb405017fcb80b506060640000003004000000f23c58ba8 00000001 68ef3cb0")

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// cutter is a real program of one rung and sound.
type cutter struct {
	*rig
	video, sound *packager.Track
	frames       int64
	aac          int64
	sizes        sizes
}

// sizes is a rate control that uses what it may: the buffer fills at the peak rate, a key frame empties it.
type sizes struct {
	rate, buffer, level, perFrame float64 // bits
}

func (s *sizes) next(key bool) int {
	s.level = min(s.level+s.perFrame, s.buffer)
	bits := min(s.level, s.perFrame)
	if key {
		bits = s.level
	} else if s.level < s.buffer {
		bits *= 0.9 // save up for the next key frame
	}
	s.level -= bits
	return max(32, int(bits/8))
}

func newCutter(t testing.TB, preset string, rate media.FrameRate, bitRate, maxRate int) *cutter {
	r := &rig{t: t, plan: plan(t, preset, rate), srv: NewServer(ServerConfig{})}
	c := &cutter{rig: r, sizes: sizes{rate: float64(maxRate), buffer: float64(maxRate) / 2, level: float64(maxRate) / 2, perFrame: float64(maxRate) / rate.Float()}}
	wall := media.NewClock(epoch).Wall
	r.p = NewProgram(ProgramConfig{ID: programID, Plan: r.plan, FirstMSN: firstMSN, Wall: wall})
	init := func(p media.Params) packager.Init {
		in, err := packager.NewInit(p, r.plan)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	videoIn := init(media.Params{Video: &media.VideoParams{Codec: media.H264, W: 640, H: 360, Rate: rate, BitRate: bitRate, MaxRate: maxRate, Extra: paramSets}})
	soundIn := init(media.Params{Audio: &media.AudioParams{Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024, BitRate: 128_000, Extra: unhex("1190")}})
	r.top, r.audio = r.p.AddVideo("main", "360p", videoIn), r.p.AddAudio("audio", soundIn)
	cfg := packager.TrackConfig{FirstMSN: firstMSN, Wall: wall}
	c.sound = packager.NewTrack(soundIn, r.plan, cfg, r.audio)
	cfg.Events = r.p.Events()
	c.video = packager.NewTrack(videoIn, r.plan, cfg, r.top)
	r.srv.Publish(roomName, r.p)
	return c
}

// run writes until the program is d long, pictures and sound in step.
func (c *cutter) run(d media.Time) {
	c.t.Helper()
	for ; c.plan.Rate.Frame(c.frames) < d; c.frames++ {
		key := c.frames%int64(c.plan.SegmentFrames()) == 0
		n := c.sizes.next(key)
		unit := append([]byte{0, 0, 0, 1, 0x41}, bytes.Repeat([]byte{0x9a}, n-5)...)
		if key {
			unit[4] = 0x65
		}
		if err := c.video.Write(media.Packet{At: c.plan.Rate.Frame(c.frames), Dur: c.plan.Rate.Frame(1), Key: key, Data: unit}); err != nil {
			c.t.Fatal(err)
		}
		for ; media.FromTicks(c.aac*1024, 48000) <= c.plan.Rate.Frame(c.frames); c.aac++ {
			data := bytes.Repeat([]byte{0x21}, 341) // 128 kbit/s
			if err := c.sound.Write(media.Packet{At: media.FromTicks(c.aac*1024, 48000), Dur: media.FromTicks(1024, 48000), Key: true, Data: data}); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// peak is the peak segment bit rate of the listed segments as MV-8 defines it, and average that over all of them.
func (c *cutter) rates(s *Stream) (peak, average float64) {
	td := float64(c.plan.Target)
	segments := c.list(s, "").Segments
	total, span := 0.0, 0.0
	for i := range segments {
		bits, dur := 0.0, 0.0
		for _, seg := range segments[i:] {
			bits += 8 * float64(len(c.get(at(s, seg.URI))))
			dur += seg.Duration
			if dur > 1.5*td+0.5 {
				break
			}
			if dur >= 0.5*td {
				peak = max(peak, bits/dur)
			}
		}
		total += 8 * float64(len(c.get(at(s, segments[i].URI))))
		span += segments[i].Duration
	}
	return peak, total / span
}

// BANDWIDTH holds against the worst that the rate control allows, and is not far above it (MV-7, MV-8, MV-10, AAS 1.29).
func TestBandwidthHolds(t *testing.T) {
	for _, test := range []struct {
		preset           string
		rate             media.FrameRate
		bitRate, maxRate int
	}{
		{"low", media.FrameRate{Num: 30, Den: 1}, 2_500_000, 2_500_000},
		{"low", media.FrameRate{Num: 25, Den: 1}, 2_500_000, 3_000_000},
		{"low", media.FrameRate{Num: 60, Den: 1}, 300_000, 400_000},
		{"ultra", media.FrameRate{Num: 30, Den: 1}, 700_000, 900_000},
		{"ultra", media.FrameRate{Num: 60, Den: 1}, 100_000, 100_000},
		{"apple", media.FrameRate{Num: 30000, Den: 1001}, 4_000_000, 4_000_000},
	} {
		c := newCutter(t, test.preset, test.rate, test.bitRate, test.maxRate)
		c.run(40 * media.Second)
		m, err := m3u8.ParseMultivariant([]byte(c.get("/hls/demo/index.m3u8")))
		if err != nil {
			t.Fatal(err)
		}
		video, _ := c.rates(c.top)
		sound, soundAverage := c.rates(c.audio)
		declared := float64(m.Variants[0].Bandwidth)
		if ratio := (video + sound) / declared; ratio > 1 || ratio < 0.75 {
			t.Errorf("%s at %v, %d bit/s: measured peak %.0f is %.2f of BANDWIDTH %.0f", test.preset, test.rate, test.maxRate, video+sound, ratio, declared)
		}
		if average := float64(m.Variants[0].AverageBandwidth); average < float64(test.bitRate)+soundAverage || average > (float64(test.bitRate)+soundAverage)*1.25 {
			t.Errorf("%s: AVERAGE-BANDWIDTH %.0f of %d and %.0f", test.preset, average, test.bitRate, soundAverage)
		}
	}
}

// From the packager through HTTP into another project's parser: every listed segment is its parts, one after the
// other (P-3), each with the samples of the plan, on one timeline without a hole (F-5).
func TestRealSegments(t *testing.T) {
	c := newCutter(t, "low", media.FrameRate{Num: 30000, Den: 1001}, 500_000, 700_000)
	c.run(20 * media.Second)
	for _, s := range []*Stream{c.top, c.audio} {
		var init fmp4.Init
		if err := init.Unmarshal(bytes.NewReader([]byte(c.get(at(s, "init.0.mp4"))))); err != nil || len(init.Tracks) != 1 {
			t.Fatalf("%s: %v", s.name, err)
		}
		next := uint64(0)
		for _, seg := range c.list(s, "").Segments {
			whole := c.get(at(s, seg.URI))
			var joined strings.Builder
			for i := range c.plan.PartsPerSegment {
				joined.WriteString(c.get(at(s, partName(Cursor{seg.MSN, i}))))
			}
			if whole != joined.String() {
				t.Fatalf("%s is not its parts", seg.URI)
			}
			var parts fmp4.Parts
			if err := parts.Unmarshal([]byte(whole)); err != nil || len(parts) != c.plan.PartsPerSegment {
				t.Fatalf("%s: %d fragments, %v", seg.URI, len(parts), err)
			}
			start := next
			for _, p := range parts {
				track := p.Tracks[0]
				if track.BaseTime != next {
					t.Errorf("%s of %s: tfdt %d, want %d", seg.URI, s.name, track.BaseTime, next)
				}
				for _, sample := range track.Samples {
					next += uint64(sample.Duration)
				}
			}
			if d := float64(next-start) / float64(init.Tracks[0].TimeScale); math.Abs(d-seg.Duration) > 1e-5 {
				t.Errorf("%s of %s lasts %v s, EXTINF %v", seg.URI, s.name, d, seg.Duration)
			}
		}
	}
	if err := c.video.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.sound.Close(); err != nil {
		t.Fatal(err)
	}
	if m := c.list(c.top, ""); !m.EndList || m.Open != nil || len(m.Hints) != 0 || c.p.Live() {
		t.Errorf("after the tracks were closed: %+v", m)
	}
}

// An LL-HLS player in small: it walks by blocking reload with deltas, fetches each hinted part ahead, and gets
// every byte once, in order, while the program is made in real time.
func TestPlayerWalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCutter(t, "ultra", media.FrameRate{Num: 30, Den: 1}, 500_000, 700_000)
		var recorded, played bytes.Buffer
		var players sync.WaitGroup
		players.Go(func() {
			for cur := (Cursor{}); ; {
				p, err := c.top.Next(t.Context(), cur)
				if err == io.EOF {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				recorded.Write(p.Data)
				cur = After(p)
			}
		})
		players.Go(func() {
			<-c.p.Ready()
			m := c.list(c.top, "")
			for _, seg := range m.Segments {
				played.WriteString(c.get(at(c.top, seg.URI)))
			}
			for !m.EndList {
				cur := Cursor{m.Segments[len(m.Segments)-1].MSN + 1, 0}
				if m.Open != nil {
					t.Error("met the playlist in the middle of a segment") // it begins as soon as there is one
					return
				}
				for range c.plan.PartsPerSegment {
					w := c.do("GET", at(c.top, partName(cur))) // the hint
					if w.Code == http.StatusOK {
						played.Write(w.Body.Bytes())
					}
					query := fmt.Sprintf("?_HLS_msn=%d&_HLS_part=%d&_HLS_skip=YES", cur.MSN, cur.Part)
					m = c.list(c.top, query)
					cur.Part++
				}
			}
		})
		for d := media.Second / 10; d <= 30*media.Second+media.Second/2; d += media.Second / 10 {
			time.Sleep(100 * time.Millisecond)
			c.run(d)
		}
		c.video.Close()
		c.sound.Close()
		players.Wait()
		if recorded.Len() == 0 || !bytes.Equal(recorded.Bytes(), played.Bytes()) {
			t.Errorf("recorded %d bytes, played %d", recorded.Len(), played.Len())
		}
	})
}

// Many readers of all kinds beside the writers, under the race detector: whatever they see is whole.
func TestReadersBesideWriters(t *testing.T) {
	c := newCutter(t, "ultra", media.FrameRate{Num: 30, Den: 1}, 300_000, 400_000)
	c.run(2 * media.Second)
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			for n := 0; ; n++ {
				s := []*Stream{c.top, c.audio}[(i+n)%2]
				query := []string{"", "?_HLS_skip=YES", "?_HLS_msn=3"}[n%3]
				w := c.do("GET", at(s, "stream.m3u8"+query), "Accept-Encoding", []string{"", "gzip"}[n/2%2])
				body := w.Body.String()
				if w.Header().Get("Content-Encoding") == "gzip" {
					body = gunzip(t, w.Body.Bytes())
				}
				m, err := m3u8.ParseMedia([]byte(body))
				if err != nil || w.Code != http.StatusOK || len(m.Segments) == 0 {
					t.Errorf("%d %v", w.Code, err)
					return
				}
				c.top.Stats()
				if m.EndList {
					return
				}
				last := m.Segments[len(m.Segments)-1]
				if w := c.do("GET", at(s, last.URI)); w.Code != http.StatusOK {
					t.Errorf("%s: %d", last.URI, w.Code)
				}
				if w := c.do("GET", at(s, m.Hints[0].URI)); w.Code != http.StatusOK && w.Code != http.StatusNotFound {
					t.Errorf("hint: %d", w.Code)
				}
			}
		})
	}
	readers.Go(func() {
		for cur := (Cursor{}); ; {
			p, err := c.audio.Next(t.Context(), cur)
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			cur = After(p)
		}
	})
	for d := 2 * media.Second; d < 40*media.Second; d += media.Second / 5 {
		c.run(d)
	}
	c.video.Close()
	c.sound.Close()
	readers.Wait()
}
