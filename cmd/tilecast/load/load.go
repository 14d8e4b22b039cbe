// Package load plays an LL-HLS stream as many viewers at once, and tells how well they were served.
//
// A viewer does what a player does at the live edge: it holds a blocking reload of each of its playlists, as a
// delta, and a request for each hinted part, reads everything and decodes nothing.
package load

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/packager/m3u8"
)

// Config says what to play, and how often.
type Config struct {
	URL      string // of a multivariant playlist, or of a media playlist
	Viewers  int
	For      time.Duration // measured; joining comes before
	Ramp     time.Duration // over which the viewers join; 0: a second for each hundred
	Spread   bool          // over all variants; else everybody takes the highest
	Insecure bool          // any TLS certificate will do
	HTTP1    bool          // HTTP/1.1 also where HTTP/2 is offered
	H2C      bool          // HTTP/2 without TLS
	Files    int           // how many this process may have open; 0: unknown
}

// connections is how many connections a viewer has at most: over HTTP/1.1 a reload and a part at a time, of
// pictures and of sound.
func (c *Config) connections() int {
	if c.H2C || c.secure() && !c.HTTP1 {
		return 1
	}
	return 4
}

func (c *Config) secure() bool { return strings.HasPrefix(c.URL, "https:") }

func (c *Config) check() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q is not the address of a playlist: use one such as http://localhost:8080/hls/demo/index.m3u8", c.URL)
	case c.Viewers < 1:
		return fmt.Errorf("--viewers: %d is nobody: use 1 or more", c.Viewers)
	case c.For <= 0:
		return fmt.Errorf("--for: %v is no time to watch: use 30s or more", c.For)
	}
	if need := c.Viewers*c.connections() + 50; c.Files > 0 && need > c.Files {
		return fmt.Errorf("--viewers: %d need about %d connections, but this process may open %d files: raise the limit (ulimit -n %d), "+
			"play over HTTP/2 (https, one connection for each viewer), or share them among several machines", c.Viewers, need, c.Files, need)
	}
	if c.Ramp <= 0 {
		c.Ramp = time.Duration(c.Viewers) * 10 * time.Millisecond
	}
	return nil
}

// run is what the viewers of one Run share.
type run struct {
	cfg   Config
	begin time.Time
	memo  memo
	tally tally

	measuring atomic.Bool
	joined    atomic.Int64
	target    atomic.Int64 // part target, ns
}

// Run plays until the time is over or ctx ends, and reports what was measured until then. An error says that
// nothing could be.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, begin: time.Now()}
	tracks, err := r.tracks(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	viewers := make([]*viewer, cfg.Viewers)
	var all sync.WaitGroup
	for i := range viewers {
		v := newViewer(r, tracks[i%len(tracks)])
		viewers[i] = v
		all.Go(func() {
			defer v.client.close()
			if pause(ctx, cfg.Ramp*time.Duration(i)/time.Duration(cfg.Viewers)) {
				v.watch(ctx)
			}
		})
	}
	gone := make(chan struct{}) // everybody has left, which they do when the stream ends
	go func() { all.Wait(); close(gone) }()
	used := r.measure(ctx, gone)
	cancel()
	<-gone
	if r.joined.Load() == 0 {
		return nil, fmt.Errorf("no viewer could join: %s", r.tally.mostly())
	}
	return r.report(viewers, used), nil
}

// settle is how long at most after the last viewer joined measuring begins.
const settle = 2 * time.Second

// measure lets the viewers join, then measures, and answers for how long.
func (r *run) measure(ctx context.Context, gone <-chan struct{}) time.Duration {
	wait := func(d time.Duration) bool {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return true
		case <-gone:
		case <-ctx.Done():
		}
		return false
	}
	if !wait(r.cfg.Ramp + min(settle, r.cfg.For/2)) {
		return 0
	}
	r.measuring.Store(true)
	begin := time.Now()
	wait(r.cfg.For)
	r.measuring.Store(false)
	return time.Since(begin)
}

// track is a media playlist to play.
type track struct {
	url   string
	sound bool
}

// tracks reads the multivariant playlist and answers what the viewers choose from: one variant, or all of
// them, each with its sound.
func (r *run) tracks(ctx context.Context) ([][]track, error) {
	c := newClient(&r.cfg)
	defer c.close()
	body, err := c.get(ctx, r.cfg.URL, "", nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", r.cfg.URL, explain(err))
	}
	text, err := unzip(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.cfg.URL, err)
	}
	mv, err := m3u8.ParseMultivariant(text)
	if err != nil {
		if _, bad := m3u8.ReadMedia(text); len(bad) == 0 {
			return [][]track{{{url: r.cfg.URL}}}, nil
		}
		return nil, fmt.Errorf("%s is not a playlist that can be played: %w", r.cfg.URL, err)
	}
	if len(mv.Variants) == 0 {
		return nil, fmt.Errorf("%s names no variant", r.cfg.URL)
	}
	var all [][]track
	best := 0
	for i, v := range mv.Variants {
		if v.Bandwidth > mv.Variants[best].Bandwidth {
			best = i
		}
		one := []track{{url: resolve(r.cfg.URL, v.URI)}}
		for _, m := range mv.Audio {
			if v.Audio != "" && m.GroupID == v.Audio && m.URI != "" && (m.Default || len(one) == 1) {
				one = append(one[:1], track{url: resolve(r.cfg.URL, m.URI), sound: true})
			}
		}
		all = append(all, one)
	}
	if !r.cfg.Spread {
		all = all[best : best+1]
	}
	return all, nil
}

// resolve is ref as seen from base (S-13).
func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}

// pause reports whether d passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var errNotLow = errors.New("not a low-latency playlist (no EXT-X-PART-INF or no CAN-BLOCK-RELOAD): there is no part to be late")
