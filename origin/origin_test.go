package origin

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// Synthetic programs: parts cut by the plan as the packager would, with bytes that name
// them, for everything where the media itself does not matter.

const (
	roomName  = "demo"
	programID = "Pq7x"
	firstMSN  = 100
)

var epoch = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)

// rig is a published program with two rungs and sound.
type rig struct {
	t      testing.TB
	plan   packager.Plan
	p      *Program
	srv    *Server
	top    *Stream
	low    *Stream
	audio  *Stream
	played map[*Stream]int64 // parts fed so far
}

func plan(t testing.TB, preset string, rate media.FrameRate) packager.Plan {
	t.Helper()
	p, err := packager.NewPlan(preset, rate)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newRig(t testing.TB) *rig {
	return newRigWith(t, plan(t, "low", media.FrameRate{Num: 30, Den: 1}), 0)
}

func newRigWith(t testing.TB, plan packager.Plan, window media.Time) *rig {
	r := &rig{t: t, plan: plan, srv: NewServer(ServerConfig{}), played: map[*Stream]int64{}}
	r.p = NewProgram(ProgramConfig{ID: programID, Plan: plan, FirstMSN: firstMSN, Wall: media.NewClock(epoch).Wall, Window: window})
	r.top = r.p.AddVideo("main", "720p", videoInit(plan, 1280, 720, 2_500_000))
	r.low = r.p.AddVideo("main", "360p", videoInit(plan, 640, 360, 700_000))
	r.audio = r.p.AddAudio("audio", audioInit())
	r.srv.Publish(roomName, r.p)
	return r
}

func videoInit(plan packager.Plan, w, h, rate int) packager.Init {
	return packager.Init{
		Params: media.Params{Video: &media.VideoParams{Codec: media.H264, W: w, H: h, Rate: plan.Rate, BitRate: rate, MaxRate: rate * 3 / 2}},
		Codecs: "avc1.42c01f", Timescale: 90000, Data: []byte(fmt.Sprintf("init %dx%d", w, h)),
	}
}

func audioInit() packager.Init {
	return packager.Init{
		Params: media.Params{Audio: &media.AudioParams{Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024, BitRate: 128_000}},
		Codecs: "mp4a.40.2", Timescale: 48000, Data: []byte("init sound"),
	}
}

// cut is part n of the timeline of s, counted from the program's start.
func (r *rig) cut(s *Stream, n int64) packager.Part {
	edge := func(n int64) media.Time {
		t := r.plan.Rate.Frame(n * int64(r.plan.PartFrames))
		if s.canvas == "" {
			const frame = media.Second / 48000 * 1024
			t = t / frame * frame
		}
		return t
	}
	per := int64(r.plan.PartsPerSegment)
	i := n % per
	key := 0
	if i == 0 && s.canvas != "" {
		key = 4
	}
	return packager.Part{
		KeyLen: key,
		MSN:    firstMSN + n/per, Index: int(i), Start: edge(n), Dur: edge(n+1) - edge(n),
		Independent: i == 0 || s.canvas == "", Last: i == per-1,
		Data: partData(s, Cursor{firstMSN + n/per, int(i)}),
	}
}

// partData names its part and has a length of its own.
func partData(s *Stream, c Cursor) []byte {
	return []byte(fmt.Sprintf("<%s %d.%d%*s>", s.name, c.MSN, c.Part, 1+(int(c.MSN)*7+c.Part)%13, ""))
}

// feed appends the next n parts to each of the streams.
func (r *rig) feed(n int, streams ...*Stream) {
	r.t.Helper()
	if len(streams) == 0 {
		streams = []*Stream{r.top, r.low, r.audio}
	}
	for range n {
		for _, s := range streams {
			if err := s.Append(r.cut(s, r.played[s])); err != nil {
				r.t.Fatal(err)
			}
			r.played[s]++
		}
	}
}

// to feeds all streams until part c is the last one published.
func (r *rig) to(msn int64, part int) {
	r.t.Helper()
	n := (msn-firstMSN)*int64(r.plan.PartsPerSegment) + int64(part) + 1
	r.feed(int(n - r.played[r.top]))
}

func at(s *Stream, file string) string {
	return "/hls/" + roomName + "/" + programID + "/" + s.name + "/" + file
}

// do sends one request straight to the handler.
func (r *rig) do(method, target string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.srv.ServeHTTP(w, req)
	return w
}

// get is the body of a request that must succeed.
func (r *rig) get(target string, header ...string) string {
	r.t.Helper()
	w := r.do("GET", target, header...)
	if w.Code != http.StatusOK && w.Code != http.StatusPartialContent {
		r.t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

// list is a media playlist, read by the strict parser and held against every rule that can be seen in it alone.
func (r *rig) list(s *Stream, query string) *m3u8.Playlist {
	r.t.Helper()
	text := r.get(at(s, "stream.m3u8"+query))
	m, err := m3u8.ParseMedia([]byte(text))
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", s.name, err, text)
	}
	for _, f := range m3u8.Check(m) {
		r.t.Errorf("%s: %v", s.name, f)
	}
	return m
}

func gunzip(t testing.TB, b []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// pending is a request that runs in a goroutine of its own.
type pending struct {
	*httptest.ResponseRecorder
	done chan struct{}
}

func (r *rig) start(target string, header ...string) *pending {
	p := &pending{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.ResponseRecorder = r.do("GET", target, header...)
	}()
	return p
}

func (p *pending) finished() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
