package lint

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
)

// A program of two rungs and sound, cut by the real packager and served by the real origin over pipes, in
// the time of a synctest bubble. Between the two and the checker stands a handler that may spoil things.

const programURL = "http://stream.test/hls/demo/index.m3u8"

// Parameter sets of x264 at 640x360.
var paramSets = unhex("000000016764001eacb405017fcb80b506060640000003004000000f23c58ba80000000168ef3cb0")

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

type program struct {
	t      testing.TB
	plan   packager.Plan
	srv    *origin.Server
	p      *origin.Program
	videos []*packager.Track
	sound  *packager.Track
	frames int64
	aac    int64
	past   media.Time
	halt   [2]media.Time // between which the program stands still
	end    media.Time    // where it ends; 0: never
	silent [2]media.Time // as in its style
	jump   [2]media.Time // between which sound stands still: half a second of it comes before the end, the rest never
	dead   media.Time    // until when none comes of the first rung
}

// style is how a program is packaged. The zero style is ultra, with 14 s behind it.
type style struct {
	preset string
	ranges bool
	past   media.Time
	silent [2]media.Time // between which no media comes, and the program goes on without
	dead   media.Time    // until when nothing comes of the first rung
}

// newProgram has d of its past already.
func newProgram(t testing.TB, d media.Time) *program { return newProgramOf(t, style{past: d}) }

func newProgramOf(t testing.TB, s style) *program {
	t.Helper()
	d := cmp.Or(s.past, past)
	plan, err := packager.NewPlan(cmp.Or(s.preset, "ultra"), media.FrameRate{Num: 30, Den: 1})
	if err != nil {
		t.Fatal(err)
	}
	g := &program{t: t, plan: plan, past: d, silent: s.silent, dead: s.dead, srv: origin.NewServer(origin.ServerConfig{})}
	wall := media.NewClock(time.Now().Add(-d.Duration())).Wall
	g.p = origin.NewProgram(origin.ProgramConfig{ID: "Pq7x", Plan: plan, FirstMSN: 100, Wall: wall, Window: 10 * media.Second, Ranges: s.ranges})
	cfg := packager.TrackConfig{FirstMSN: 100, Wall: wall, Events: g.p.Events()}
	for i, rung := range []string{"high", "low"} {
		in := g.init(media.Params{Video: &media.VideoParams{
			Codec: media.H264, W: 640, H: 360, Rate: plan.Rate, BitRate: 100_000 >> i, MaxRate: 120_000 >> i, Extra: paramSets}})
		g.videos = append(g.videos, packager.NewTrack(in, plan, cfg, g.p.AddVideo("main", rung, in)))
	}
	in := g.init(media.Params{Audio: &media.AudioParams{
		Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024, BitRate: 32_000, Extra: unhex("1190")}})
	g.sound = packager.NewTrack(in, plan, cfg, g.p.AddAudio("audio", in))
	g.srv.Publish("demo", g.p)
	g.run(d)
	return g
}

func (g *program) init(p media.Params) packager.Init {
	in, err := packager.NewInit(p, g.plan)
	if err != nil {
		g.t.Fatal(err)
	}
	return in
}

// run writes until the program is d long, pictures and sound in step.
func (g *program) run(d media.Time) {
	write := func(t *packager.Track, p media.Packet) {
		if p.At >= g.silent[0] && p.At < g.silent[1] || t == g.videos[0] && p.At < g.dead {
			if err := t.Gap(p.At + p.Dur); err != nil {
				g.t.Error(err)
			}
			return
		}
		if err := t.Write(p); err != nil {
			g.t.Error(err)
		}
	}
	for ; g.plan.Rate.Frame(g.frames) < d; g.frames++ {
		key := g.frames%int64(g.plan.SegmentFrames()) == 0
		for i, v := range g.videos {
			unit := append([]byte{0, 0, 0, 1, 0x41, byte(g.frames)}, bytes.Repeat([]byte{0x9a}, 300>>i)...)
			if key {
				unit[4] = 0x65
			}
			write(v, media.Packet{At: g.plan.Rate.Frame(g.frames), Dur: g.plan.Rate.Frame(1), Key: key, Data: unit})
		}
		for ; media.FromTicks(g.aac*1024, 48000) <= g.plan.Rate.Frame(g.frames); g.aac++ {
			at, data := media.FromTicks(g.aac*1024, 48000), bytes.Repeat([]byte{byte(g.aac)}, 85)
			if late := g.jump[1] - media.Second/2; at >= g.jump[0] && at < late {
				continue
			} else if at >= late && at < g.jump[1] {
				at -= late - g.jump[0]
			}
			write(g.sound, media.Packet{At: at, Dur: media.FromTicks(1024, 48000), Key: true, Data: data})
		}
	}
}

// close ends the program. It may be called again.
func (g *program) close() {
	for _, v := range g.videos {
		v.Close()
	}
	g.sound.Close()
}

// live lets the program go on until ctx ends.
func (g *program) live(ctx context.Context, d media.Time) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d += media.Second / 10
			if d > g.halt[0] && d < g.halt[1] {
				continue
			}
			if g.end == 0 || d <= g.end {
				g.run(d)
			} else {
				g.close()
			}
		case <-ctx.Done():
			return
		}
	}
}

// stall lets the program stand still for d, and then catch up at once.
func (g *program) stall(from, d media.Time) { g.halt = [2]media.Time{past + from, past + from + d} }

const past = 14 * media.Second

// checked runs the checker for d against the program behind spoil, in a bubble.
func checked(t *testing.T, d time.Duration, spoil func(http.Handler) http.Handler, then ...func(*program)) *Report {
	t.Helper()
	return checkedBy(t, Config{For: d}, spoil, then...)
}

// checkedBy is checked with all that can be set but the address.
func checkedBy(t *testing.T, cfg Config, spoil func(http.Handler) http.Handler, then ...func(*program)) *Report {
	t.Helper()
	return checkedStyle(t, style{}, cfg, spoil, then...)
}

// checkedStyle is checkedBy of another kind of program.
func checkedStyle(t *testing.T, how style, cfg Config, spoil func(http.Handler) http.Handler, then ...func(*program)) *Report {
	t.Helper()
	var rep *Report
	synctest.Test(t, func(t *testing.T) {
		g := newProgramOf(t, how)
		for _, f := range then {
			f(g)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.live(ctx, g.past)
		}()
		var h http.Handler = g.srv
		if spoil != nil {
			h = spoil(h)
		}
		cfg.URL = programURL
		rep = runOn(t, h, cfg)
		cancel()
		<-done
		g.close() // lets go of requests that a cache in between has left waiting
		synctest.Wait()
	})
	return rep
}

// runOn checks what h serves, over pipes.
func runOn(t *testing.T, h http.Handler, cfg Config) *Report {
	t.Helper()
	client, stop := serveOn(h)
	cfg.Client = client
	rep, err := Run(t.Context(), cfg)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// serveOn serves h to a client, over pipes.
func serveOn(h http.Handler) (client *http.Client, stop func()) {
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(l)
	}()
	transport := &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 64}
	return &http.Client{Transport: transport}, func() {
		transport.CloseIdleConnections()
		srv.Close()
		<-served
	}
}

// pipes is a network of net.Pipe, which a bubble can hold.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case p.conns <- b:
		return a, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// recorded is the answer of h without compression.
func recorded(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	q := r.Clone(r.Context())
	q.Header.Del("Accept-Encoding")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

// send writes w's answer with another body, compressed if it is a playlist.
func send(w http.ResponseWriter, r *http.Request, from *httptest.ResponseRecorder, body []byte) {
	head := w.Header()
	for k, v := range from.Header() {
		head[k] = v
	}
	head.Del("Etag")
	if strings.HasSuffix(r.URL.Path, ".m3u8") && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && from.Code == http.StatusOK {
		var buf bytes.Buffer
		z := gzip.NewWriter(&buf)
		z.Write(body)
		z.Close()
		body = buf.Bytes()
		head.Set("Content-Encoding", "gzip")
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(from.Code)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// edit changes the body of answers with 200 whose path ends in one of the suffixes.
func edit(change func(r *http.Request, body string) string, suffixes ...string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, s := range suffixes {
				if !strings.HasSuffix(r.URL.Path, s) {
					continue
				}
				whole := r.Clone(r.Context())
				if r.Header.Get("Range") != "" {
					whole.Header.Del("Range")
				}
				whole.Method = http.MethodGet
				rec := recorded(h, whole)
				body := rec.Body.String()
				if rec.Code == http.StatusOK {
					body = change(r, body)
				}
				if r.Header.Get("Range") != "" && rec.Code == http.StatusOK {
					for k, v := range rec.Header() {
						w.Header()[k] = v
					}
					w.Header().Del("Content-Length")
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
					return
				}
				send(w, r, rec, []byte(body))
				return
			}
			h.ServeHTTP(w, r)
		})
	}
}

func wantClean(t *testing.T, rep *Report) {
	t.Helper()
	for _, f := range rep.Findings {
		if f.Level != Note {
			t.Errorf("%s %s %s %s: %s (%d)", f.Level, f.Rule, f.Where, f.At, f.Evidence, f.Count)
		}
	}
}
