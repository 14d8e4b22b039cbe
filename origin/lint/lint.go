// Package lint checks a running LL-HLS stream from outside, as a player would see it, against the project's
// checklist of rules.
package lint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"tilecast/packager/m3u8"
)

// Config says what to check.
type Config struct {
	URL    string        // of a multivariant playlist, or of a media playlist
	For    time.Duration // how long to watch; 0 is a minute
	CDN    bool          // ask the questions of somebody who has put a cache in front of the stream, too
	Client *http.Client  // nil is one of its own; a client must not undo compression by itself
	Now    func() time.Time
}

// patience is how long Run waits for the first answer.
const patience = 15 * time.Second

// Run watches a stream until cfg.For is over, it ends, or ctx does, and reports what it saw. All
// goroutines have ended when it returns. An error means that the stream could not be checked at all.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.For <= 0 {
		cfg.For = time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	client := cfg.Client
	if client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		defer transport.CloseIdleConnections()
		client = &http.Client{Transport: transport}
	}
	r := &runner{cfg: cfg, found: newCollector(), fetch: &fetcher{client: *client, now: cfg.Now}}
	start := cfg.Now()
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if err := r.watch(ctx); err != nil {
		return nil, err
	}
	r.compare()
	if r.index != nil {
		r.found.playlistHeader(r.index, r.cfg.URL, 0, r.lowLatency(), false, false)
	}
	return r.report(cfg.Now().Sub(start)), nil
}

// runner is one run.
type runner struct {
	cfg        Config
	found      *collector
	fetch      *fetcher
	base       string             // where the playlist at cfg.URL really is
	list       *m3u8.Multivariant // nil when a media playlist is checked alone
	renditions []*rendition
	index      *answer // the multivariant playlist
}

// open loads the playlist at cfg.URL and finds the renditions.
func (r *runner) open(ctx context.Context) error {
	u, err := url.Parse(r.cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is not an address like https://host/path/index.m3u8", r.cfg.URL)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := get(r.cfg.URL)
	q.limit = maxPlaylist
	a, err := r.fetch.do(ctx, q)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer within %v", r.cfg.URL, patience)
	case err != nil:
		return fmt.Errorf("cannot be reached: %w", err)
	case a.status != http.StatusOK:
		return fmt.Errorf("%s: answered with %d %s", r.cfg.URL, a.status, http.StatusText(a.status))
	case !bytes.HasPrefix(bytes.TrimPrefix(a.body, []byte("\ufeff")), []byte("#EXTM3U")):
		return fmt.Errorf("%s: is not an HLS playlist: it does not begin with #EXTM3U", r.cfg.URL)
	}
	r.found.protocol(a, r.cfg.URL)
	r.base = a.url
	if a.moved != "" {
		r.base = a.moved
	}
	if !bytes.Contains(a.body, []byte("#EXT-X-STREAM-INF")) {
		if !bytes.Contains(a.body, []byte("#EXT-X-TARGETDURATION")) && !bytes.Contains(a.body, []byte("#EXTINF")) {
			return fmt.Errorf("%s: has neither variants nor segments", r.cfg.URL)
		}
		return r.add("")
	}
	r.index = a
	return r.multivariant(a.body)
}

func (r *runner) multivariant(body []byte) error {
	list, mistakes := m3u8.ReadMultivariant(body)
	for _, m := range mistakes {
		r.found.add(m.Rule, r.cfg.URL, "", "line %d: %s", m.Line, m.Text)
	}
	r.list = list
	for _, f := range m3u8.CheckMultivariant(list) {
		id := f.Rule
		if id == "MV-11" {
			id = "MV-11/should"
		}
		r.found.add(id, r.cfg.URL, "", "%s", f.Text)
	}
	hosts := []string{}
	refs := []string{}
	for _, v := range list.Variants {
		refs = append(refs, v.URI)
	}
	for _, m := range append(slices.Clone(list.Audio), list.Other...) {
		if m.URI != "" {
			refs = append(refs, m.URI)
		}
	}
	for _, ref := range refs {
		if err := r.add(ref); err != nil {
			r.found.add("MV-6", r.cfg.URL, "", "URI %q: %v", ref, err)
			continue
		}
		if u, _ := url.Parse(r.renditions[len(r.renditions)-1].url); !slices.Contains(hosts, u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	if len(r.renditions) == 0 {
		return fmt.Errorf("%s: lists no media playlist", r.cfg.URL)
	}
	if len(hosts) > 1 {
		r.found.add("N-3", r.cfg.URL, "", "renditions are on %q", hosts)
	}
	return nil
}

// add takes up the media playlist at ref, unless it is there already.
func (r *runner) add(ref string) error {
	u, err := resolve(r.base, ref)
	if err != nil {
		return err
	}
	if r.rendition(u) == nil {
		r.renditions = append(r.renditions, newRendition(r, u))
	}
	return nil
}

// lowLatency reports whether any playlist has parts.
func (r *runner) lowLatency() bool {
	return slices.ContainsFunc(r.renditions, func(o *rendition) bool { return o.first != nil && o.now.list.PartTarget > 0 })
}

func (r *runner) rendition(u string) *rendition {
	for _, o := range r.renditions {
		if o.url == u {
			return o
		}
	}
	return nil
}

// watch follows all renditions until it is time, then loads each once more, together.
func (r *runner) watch(ctx context.Context) error {
	watching, cancel := context.WithTimeout(ctx, r.cfg.For)
	defer cancel()
	var all sync.WaitGroup
	for _, o := range r.renditions {
		all.Go(func() { o.walk(watching) })
		all.Go(func() { o.load(watching) })
		all.Go(func() { o.probe(watching) })
	}
	if r.list != nil {
		for i := range r.list.IFrames {
			all.Go(func() { r.frames(watching, &r.list.IFrames[i]) })
		}
	}
	if r.cfg.CDN {
		edge := &cache{rendition: r.renditions[0]}
		all.Go(func() { edge.question(watching) })
	}
	all.Wait()
	last, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, o := range r.renditions {
		all.Go(func() { o.farewell(last) })
	}
	all.Wait()
	alive := false
	for _, o := range r.renditions {
		alive = alive || o.first != nil
		if o.first == nil {
			r.found.add("MV-6", r.cfg.URL, "", "%s: %v", o.url, o.refused)
		}
	}
	if !alive {
		return fmt.Errorf("no media playlist can be had: %s: %v", r.renditions[0].url, r.renditions[0].refused)
	}
	return nil
}

func (r *runner) report(watched time.Duration) *Report {
	rep := &Report{URL: r.cfg.URL, Watched: watched, Findings: r.found.findings(), Unchecked: r.unchecked()}
	rep.Facts = Facts{Requests: r.fetch.requests, Failed: r.fetch.failed, Bytes: r.fetch.bytes, Protocol: r.fetch.protocol, Renditions: []RenditionFacts{}}
	for _, o := range r.renditions {
		if o.first != nil {
			rep.Facts.Renditions = append(rep.Facts.Renditions, o.summary())
		}
	}
	return rep
}

func resolve(base, ref string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	u.Fragment = ""
	return u.String(), nil
}
