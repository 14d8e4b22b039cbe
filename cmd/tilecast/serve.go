package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor"
	"tilecast/compositor/art"
	"tilecast/compositor/codec"
	"tilecast/configs"
	"tilecast/ingest"
	"tilecast/media"
	"tilecast/origin"
	"tilecast/origin/archive"
	"tilecast/origin/web"
	"tilecast/packager"
	"tilecast/room"
	"tilecast/room/api"
)

// How shutdown divides its three seconds.
const (
	flushTime = time.Second            // encoders flush, playlists end
	byeTime   = 700 * time.Millisecond // publishers get their goodbye
	readTime  = 700 * time.Millisecond // players fetch the ENDLIST
)

// serveOptions is what serve needs besides the configuration.
type serveOptions struct {
	Out          io.Writer // addresses for people
	Log          *slog.Logger
	Broadcasters int            // synthetic ones in the first room
	Ready        func(*gateway) // called once everything listens; nil is nobody

	File   string                         // that the configuration comes from, to be watched; empty: none
	Reload func() (configs.Config, error) // reads it again
}

// gateway is the running whole.
type gateway struct {
	cfg    configs.Config
	base   string // of the pages, such as http://localhost:8080
	ingest *ingest.Server
	rooms  *room.Rooms
	fonts  *art.Fonts
	taken  []room.Config // what the rooms began with
	origin *origin.Server
	store  *archive.Store // nil: nothing is kept
	http   *http.Server
	conns  *connections // what http listens to; nil before that
	closed atomic.Bool
}

// serve runs the gateway until ctx ends, then closes it in order: broadcasters of
// our own, publishers, programs, players. An error of a gateway that was up is a failure.
func serve(ctx context.Context, cfg configs.Config, opt serveOptions) error {
	ln, err := listenHTTP(cfg)
	if err != nil {
		return err
	}
	g, err := newGateway(cfg, opt.Log)
	if err != nil {
		ln.Close()
		return err
	}
	g.base = baseURL(ln.Addr(), cfg.HTTP.TLS())
	g.listen(ln, opt.Log)
	served := make(chan error, 1)
	go func() { served <- g.accept() }() // ends with Shutdown
	printAddresses(opt.Out, g.base, cfg.Rooms[0].Name)
	if opt.Ready != nil {
		opt.Ready(g)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	demo := make(chan error, 1)
	go func() { demo <- g.demo(ctx, opt) }() // ends with ctx
	watched := make(chan struct{})
	go func() { // ends with ctx
		defer close(watched)
		g.watch(ctx, opt)
	}()
	for running := true; running; {
		select {
		case err = <-served:
			running = false
		case err = <-demo:
			demo, running = nil, err == nil && ctx.Err() == nil
		case <-ctx.Done():
			running = false
		}
	}
	cancel()
	<-watched
	err = errors.Join(err, g.close(opt.Log))
	if demo != nil {
		err = errors.Join(err, <-demo)
	}
	if err != nil {
		return failure{err}
	}
	return nil
}

// listen leaves as many connections to ln as the files allow that this process may open.
func (g *gateway) listen(ln net.Listener, log *slog.Logger) {
	files := openFiles()
	g.conns = newConnections(ln, files-reserve(files), log)
	g.http.ConnState = g.conns.state
}

// accept serves HTTP until the server is shut down.
func (g *gateway) accept() error {
	var err error
	if g.http.TLSConfig != nil {
		err = g.http.ServeTLS(g.conns, "", "")
	} else {
		err = g.http.Serve(g.conns)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("http: %w", err)
}

// demo lets synthetic broadcasters publish into the first room, if any are asked for.
func (g *gateway) demo(ctx context.Context, opt serveOptions) error {
	if opt.Broadcasters == 0 {
		return nil
	}
	return broadcast.Demo(ctx, broadcast.DemoConfig{
		BaseURL: g.base, Room: g.cfg.Rooms[0].Name, N: opt.Broadcasters, Insecure: g.cfg.HTTP.TLS(), Log: opt.Log,
	})
}

func newGateway(cfg configs.Config, log *slog.Logger) (*gateway, error) {
	g := &gateway{cfg: cfg, origin: origin.NewServer(origin.ServerConfig{Log: log})}
	var (
		err error
		tls *tls.Config
	)
	if g.store, err = archive.Open(cfg.Data, log); err != nil {
		log.Error("nothing is kept: no long windows, no recordings, and programs do not survive a restart", "err", err)
	}
	g.fonts = readFonts(cfg.Fonts, log)
	rooms, err := roomConfigs(cfg, g.fonts)
	if err != nil {
		return nil, err
	}
	g.taken = rooms
	if g.rooms, err = room.New(rooms, codec.LibAV().Within(cfg.Ingest.Limits.MaxPixels), g.origin, g.store, log); err != nil {
		return nil, err
	}
	in, err := ingestConfig(cfg, log)
	if err == nil {
		g.ingest, err = ingest.New(in, g.rooms)
	}
	if err != nil {
		return nil, errors.Join(err, g.rooms.Close(context.Background()))
	}
	if tls, err = tlsConfig(cfg, log); err != nil {
		return nil, errors.Join(err, g.ingest.Close(context.Background()), g.rooms.Close(context.Background()))
	}
	g.http = newHTTPServer(g.routes(), tls, log)
	return g, nil
}

func (g *gateway) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hls/{room}/poster.jpg", g.rooms.ServePoster)
	if g.store != nil {
		mux.Handle("/rec/", g.store)
	}
	mux.Handle("/whip/", g.ingest)
	mux.Handle("/api/v1/", api.New(g.cfg.HTTP.APIToken, g.rooms, g.rooms, g.rooms))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if g.closed.Load() {
			say(w, http.StatusServiceUnavailable, "shutting down")
			return
		}
		say(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", g.metrics())
	mux.Handle("/", web.Handler())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Playlists and media go past the mux, which would look at every request and redirect some (N-10).
		if strings.HasPrefix(r.URL.Path, "/hls/") && !strings.HasSuffix(r.URL.Path, "/poster.jpg") {
			g.origin.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// close is shutdown as EOF flowing: nobody new, programs show what they have, flush and end while their
// publishers are told, players read the end, connections close. What is not through in its time is cut off.
func (g *gateway) close(log *slog.Logger) error {
	g.closed.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	errRooms := g.rooms.Close(ctx)
	cancel()
	ctx, cancel = context.WithTimeout(context.Background(), byeTime)
	if err := g.ingest.Close(ctx); err != nil {
		log.Warn("publishers cut off without a goodbye", "err", err)
	}
	cancel()
	ctx, cancel = context.WithTimeout(context.Background(), readTime)
	defer cancel()
	if errRooms != nil { // on a busy machine the goodbyes' time was needed, too
		errRooms = g.rooms.Close(ctx)
	}
	g.linger(ctx)
	if err := g.http.Shutdown(ctx); err != nil {
		g.http.Close()
		log.Debug("connections cut off", "reason", err)
	}
	if g.store != nil {
		g.store.Close()
	}
	return errRooms
}

// linger leaves players half the time to ask for the ended playlist, if there are any.
func (g *gateway) linger(ctx context.Context) {
	if g.origin.Stats().Programs == 0 {
		return
	}
	t := time.NewTimer(readTime / 2)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// jitter is how late packets may be before their publisher gets a delay of its own: half the
// shortest D of all rooms, the rest of which decoding and mixing need. 0 is ingest's own choice.
func jitter(cfg configs.Config) (least media.Time) {
	for _, r := range cfg.Rooms {
		if plan, err := packager.NewCustomPlan(r.Preset, r.Canvas.FPS, r.Latency.Numbers()); err == nil && (least == 0 || plan.Delay < least) {
			least = plan.Delay
		}
	}
	return least / 2
}

// roomConfigs says what a person wrote in the words of the stages.
func roomConfigs(cfg configs.Config, fonts *art.Fonts) ([]room.Config, error) {
	rooms := make([]room.Config, len(cfg.Rooms))
	for i, r := range cfg.Rooms {
		rooms[i] = room.Config{
			Name: r.Name, Start: room.Start(r.Start), Linger: r.Linger, Hold: 90 * time.Second,
			PublishToken: r.PublishToken, Overload: cfg.Ingest.Limits.Overload,
			Preset: r.Preset, Numbers: r.Latency.Numbers(), Ranges: r.Parts == "ranges", Window: window(r.Window), Event: r.Window.Event, Record: room.Record(r.Record),
			Fonts: fonts, Rate: r.Canvas.FPS, Sounds: sounds(r.Audio),
			SpeakerCues: r.Audio.SpeakerCues,
			Mix:         compositor.Mix{Loudness: float64(r.Audio.Loudness), Duck: float64(r.Audio.Ducking)},
		}
		for _, s := range r.All() {
			look, err := look(s)
			if err != nil {
				return nil, fmt.Errorf("room %s: %w", r.Name, err)
			}
			rooms[i].Canvases = append(rooms[i].Canvases, compositor.Canvas{
				Name: s.Name, W: s.Width, H: s.Height, Look: look, Rungs: rungs(s.Ladder, r.Canvas.FPS),
			})
		}
	}
	return rooms, nil
}

// window is how long playlists are, or how long those of an event stay after its end.
func window(w configs.Window) time.Duration {
	if w.Event {
		return time.Hour
	}
	return w.Length
}

// sounds are the renditions of the mix: the one that goes with the pictures, and one for listening only.
func sounds(a configs.Audio) []compositor.Sound {
	all := []compositor.Sound{{Name: compositor.AudioID, BitRate: int(a.BitRate)}}
	if a.LowBitRate > 0 {
		all = append(all, compositor.Sound{Name: compositor.AudioID + "-low", BitRate: int(a.LowBitRate)})
	}
	return all
}

func rungs(ladder []configs.Rung, rate media.FrameRate) (rungs []compositor.Rung) {
	for _, l := range ladder {
		rungs = append(rungs, compositor.Rung{
			Name: l.Name, W: l.Width, H: l.Height, Every: l.FPS.Every(rate), BitRate: int(l.BitRate), MaxRate: int(l.MaxRate),
			Encoder: l.Encoder, Preset: l.Preset, BT709: l.BT709,
		})
	}
	return rungs
}
