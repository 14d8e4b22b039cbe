package cdn

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
)

// Program is a live program without codecs: the real packager and the real origin, fed with access units of the right
// size in real time. It counts what it is asked for.
type Program struct {
	Plan packager.Plan
	srv  *origin.Server

	video, sound *packager.Track
	frames, aac  int64
	began        time.Time

	mu    sync.Mutex
	asked map[string]int // by URL as it came
}

// List is the path of the program's picture playlist, Index that of the multivariant playlist.
const (
	List  = "/hls/demo/Pq7x/main-360p/stream.m3u8"
	Index = "/hls/demo/index.m3u8"
)

// Parameter sets of x264 at 640x360, and of AAC-LC in stereo.
const (
	pictureSets = "000000016764001eacb405017fcb80b506060640000003004000000f23c58ba80000000168ef3cb0"
	soundConfig = "1190"
)

// past is what a program has behind it when it starts.
const past = 14 * media.Second

// NewProgram makes a program of 30 frames a second with one rung, of the given preset. Run lets it go on.
func NewProgram(preset string) (*Program, error) {
	plan, err := packager.NewPlan(preset, media.FrameRate{Num: 30, Den: 1})
	if err != nil {
		return nil, err
	}
	g := &Program{Plan: plan, srv: origin.NewServer(origin.ServerConfig{}), asked: map[string]int{}, began: time.Now().Add(-past.Duration())}
	wall := media.NewClock(g.began).Wall
	first := plan.FirstMSN(g.began)
	p := origin.NewProgram(origin.ProgramConfig{ID: "Pq7x", Plan: plan, FirstMSN: first, Wall: wall, Window: 30 * media.Second})
	extra, _ := hex.DecodeString(pictureSets)
	picture, err := packager.NewInit(media.Params{Video: &media.VideoParams{
		Codec: media.H264, W: 640, H: 360, Rate: plan.Rate, BitRate: 800_000, MaxRate: 1_000_000, Extra: extra}}, plan)
	if err != nil {
		return nil, err
	}
	extra, _ = hex.DecodeString(soundConfig)
	sound, err := packager.NewInit(media.Params{Audio: &media.AudioParams{
		Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024, BitRate: 64_000, Extra: extra}}, plan)
	if err != nil {
		return nil, err
	}
	cfg := packager.TrackConfig{FirstMSN: first, Wall: wall}
	g.video = packager.NewTrack(picture, plan, cfg, p.AddVideo("main", "360p", picture))
	g.sound = packager.NewTrack(sound, plan, cfg, p.AddAudio("audio", sound))
	g.srv.Publish("demo", p)
	return g, g.write(past)
}

// Run writes the program in step with the clock until ctx ends, and then ends it.
func (g *Program) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second / 100)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := g.write(media.FromDuration(time.Since(g.began))); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if err := g.video.Close(); err != nil {
		return err
	}
	return g.sound.Close()
}

// write goes on until the program is d long, pictures and sound in step.
func (g *Program) write(d media.Time) error {
	for ; g.Plan.Rate.Frame(g.frames) < d; g.frames++ {
		at := g.Plan.Rate.Frame(g.frames)
		key := g.frames%int64(g.Plan.SegmentFrames()) == 0
		unit := append([]byte{0, 0, 0, 1, 0x41, byte(g.frames)}, bytes.Repeat([]byte{0x9a}, 3000)...)
		if key {
			unit[4] = 0x65
		}
		if err := g.video.Write(media.Packet{At: at, Dur: g.Plan.Rate.Frame(1), Key: key, Data: unit}); err != nil {
			return err
		}
		for ; media.FromTicks(g.aac*1024, 48000) <= at; g.aac++ {
			err := g.sound.Write(media.Packet{At: media.FromTicks(g.aac*1024, 48000), Dur: media.FromTicks(1024, 48000),
				Key: true, Data: bytes.Repeat([]byte{byte(g.aac)}, 160)})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// ServeHTTP counts and answers.
func (g *Program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked[r.URL.String()]++
	g.mu.Unlock()
	g.srv.ServeHTTP(w, r)
}

// Load is what the origin was asked for.
type Load struct {
	Requests int
	Objects  int // different things, however their URLs were written
	URLs     int // different URLs
	Most     int // requests for the URL that was asked for most
	MostURL  string
}

// Load counts what came for things that never change: media, and playlists with directives.
func (g *Program) Load() Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	var l Load
	objects := map[string]bool{}
	for raw, n := range g.asked {
		u, err := url.Parse(raw)
		if err != nil || u.RawQuery == "" && bytes.HasSuffix([]byte(u.Path), []byte(".m3u8")) {
			continue
		}
		q := u.Query()
		for name := range q {
			if name != "_HLS_msn" && name != "_HLS_part" && name != "_HLS_skip" {
				q.Del(name)
			}
		}
		objects[u.Path+"?"+q.Encode()] = true
		l.Requests += n
		l.URLs++
		if n > l.Most {
			l.Most, l.MostURL = n, raw
		}
	}
	l.Objects = len(objects)
	return l
}

// Forget sets the counts to zero.
func (g *Program) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.asked)
}
