package lint

import (
	"context"
	"path"
	"slices"

	"tilecast/packager/m3u8"
)

// frames looks at an I-frame playlist (MV-20, M-25), once there is something to hold it against.
func (r *runner) frames(ctx context.Context, v *m3u8.Variant) {
	u, err := resolve(r.base, v.URI)
	if err != nil {
		r.found.add("MV-20", r.cfg.URL, "", "URI %q: %v", v.URI, err)
		return
	}
	o := newRendition(r, u)
	p, _, err := o.ask(ctx, "", false)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		r.found.add("MV-20", r.cfg.URL, "", "%s: %v", u, err)
		return
	case !p.IFramesOnly:
		r.found.add("MV-20", u, "", "no EXT-X-I-FRAMES-ONLY")
		return
	}
	o.latest.Store(&snapshot{list: p, at: r.cfg.Now()})
	r.sameTarget(ctx, u, p)
	for i := max(0, len(p.Segments)-2); i < len(p.Segments); i++ {
		o.keyFrame(ctx, p, i)
	}
	r.found.done("I-frames")
}

// sameTarget wants the TARGETDURATION of the other playlists (M-3); lists of what is over may have their own.
func (r *runner) sameTarget(ctx context.Context, u string, p *m3u8.Playlist) {
	for _, other := range r.renditions {
		select {
		case <-other.ready:
		case <-ctx.Done():
			return
		}
		if s := other.latest.Load(); s != nil && !p.EndList && s.list.TargetDuration != p.TargetDuration {
			r.found.add("M-3", u, "", "TARGETDURATION is %d, in %s %d", p.TargetDuration, other.url, s.list.TargetDuration)
			return
		}
	}
}

// keyFrame fetches one entry, which is the beginning of a segment: its moof and a sync sample.
func (o *rendition) keyFrame(ctx context.Context, p *m3u8.Playlist, i int) {
	s := &p.Segments[i]
	u, err := resolve(o.url, s.URI)
	if err != nil || s.Gap {
		return
	}
	it := item{kind: segmentItem, url: u, seg: s, byteRange: segmentRange(p, i)}
	a := o.fetchMedia(ctx, it, "L-4", patience)
	if a == nil || !fmp4(a.body) {
		return
	}
	t := o.initOf(ctx, it)
	if t == nil {
		return
	}
	m := firstSample(a.body, t)
	if m == nil {
		o.found.add("M-25", o.url, it.at(), "%s has no whole frame in %d bytes", path.Base(u), len(a.body))
	} else if !m.sync {
		o.found.add("M-25", o.url, it.at(), "the frame of %s is no sync sample", path.Base(u))
	}
}

// firstSample reads the first sample of a fragment whose mdat may end behind it; nil when it is not whole.
func firstSample(b []byte, t *track) *sample {
	list, _ := boxes(b)
	at := slices.IndexFunc(list, func(x box) bool { return x.name == "moof" })
	if at < 0 {
		return nil
	}
	// What follows is an mdat that was cut: read it as one that ends here.
	rest := list[at].at + len(list[at].data)
	if len(b)-rest < 8 {
		return nil
	}
	mdat := box{"mdat", rest, b[rest:]}
	m := &file{start: -1}
	m.moof(list[at], b, mdat, t)
	if len(m.samples) == 0 {
		return nil
	}
	return &m.samples[0]
}
