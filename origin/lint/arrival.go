package lint

import (
	"time"

	"tilecast/packager/m3u8"
)

// cadence holds the arrival of parts and segments against P-11 and L-3. Only a request that was held tells when
// something came.
func (o *rendition) cadence(before snapshot, a *answer) {
	p, old, now := o.now.list, edge(before.list), edge(o.now.list)
	gap := o.now.at.Sub(o.parted)
	if old.before(now) {
		o.parted = o.now.at
	}
	if o.now.waited && old.before(now) && a.done.Sub(a.sent) > 20*time.Millisecond {
		o.arrived(p, old, now)
		if p.PartTarget > 0 && !p.EndList && gap > o.partTarget()+o.slack() {
			o.found.add("P-11", o.url, at(old), "no part for %v, PART-TARGET is %g s", gap.Round(time.Millisecond), p.PartTarget)
		}
	}
	limit := o.target()*3/2 + o.slack()
	if !p.CanBlockReload {
		limit += o.target() / 2
	}
	if gap := o.now.at.Sub(o.grown); !p.EndList && gap > limit {
		o.found.add("L-3", o.url, at(now), "no segment for %v, TARGETDURATION is %d", gap.Round(time.Millisecond), p.TargetDuration)
		o.grown = o.now.at
	}
	if now.msn > old.msn {
		o.grown = o.now.at
	}
}

// arrived notes when the parts from old to now came.
func (o *rendition) arrived(p *m3u8.Playlist, old, now cursor) {
	for c := old; c.before(now); {
		o.seen[c] = o.now.at
		c.part++
		if s := segment(p, c.msn); s == nil || s.URI != "" && c.part >= len(s.Parts) {
			c = cursor{c.msn + 1, 0}
		}
	}
}

// latencyOf notes how old the end of p was when it came.
func (o *rendition) latencyOf(p *m3u8.Playlist, a *answer) {
	var end time.Time
	add := func(seconds float64) { end = end.Add(time.Duration(seconds * float64(time.Second))) }
	for i := range p.Segments {
		if !p.Segments[i].ProgramDateTime.IsZero() {
			end = p.Segments[i].ProgramDateTime
		}
		add(p.Segments[i].Duration)
	}
	dated := !end.IsZero() && len(p.Segments) > 0 && end.Year() > 1
	if p.Open != nil {
		if !p.Open.ProgramDateTime.IsZero() {
			end, dated = p.Open.ProgramDateTime, true
		}
		for i := range p.Open.Parts {
			add(p.Open.Parts[i].Duration)
		}
	}
	if dated {
		o.latency.add(a.done.Sub(end).Seconds())
	}
}

// reports holds the rendition reports of p against the other renditions.
func (o *rendition) reports(p *m3u8.Playlist, waited bool) {
	if p.PartTarget == 0 || p.EndList || o.list == nil {
		return
	}
	on := map[string]bool{}
	for _, r := range p.Reports {
		u, err := resolve(o.url, r.URI)
		if err != nil {
			o.found.add("R-2", o.url, "", "report on %q: %v", r.URI, err)
			continue
		}
		on[u] = true
		other := o.rendition(u)
		switch {
		case other == o:
			o.found.add("R-1", o.url, "", "the playlist reports on itself")
		case other == nil:
			o.found.add("R-1", o.url, "", "a report on %s, which the multivariant playlist does not list", r.URI)
		case waited && r.LastMSN >= 0:
			o.fresh(r, other)
		}
	}
	for _, other := range o.renditions {
		if other != o && !on[other.url] {
			o.found.add("R-1", o.url, "", "no report on %s", other.url)
		}
	}
}

// claim is what a report said of another rendition, which was segments ahead of what was known of it.
type claim struct {
	said, known cursor
	at          time.Time
}

// fresh holds a report that has just come against what is known of the other rendition, which may be a part
// behind or ahead. Where it is segments ahead the other one may have jumped, over a gap: then its playlist, too, comes
// to that within a target duration.
func (o *rendition) fresh(r m3u8.Report, other *rendition) {
	s := other.latest.Load()
	if s == nil {
		return
	}
	o.found.done("reports")
	said := cursor{r.LastMSN, max(r.LastPart, 0)}
	if r.LastPart < 0 {
		said.part = -1
	}
	e := edge(s.list)
	if c, ok := o.claims[other]; ok && s.at.Sub(c.at) >= o.target() {
		if e.before(cursor{c.said.msn, 0}) {
			o.found.add("R-3", o.url, at(c.said), "the report on %s says LAST-MSN=%d when its next part was %s", r.URI, c.said.msn, at(c.known))
		}
		delete(o.claims, other)
	}
	switch {
	case said.msn < s.list.MediaSequence || said.msn < e.msn-1 || beyond(s.list, said) >= 2:
		o.found.add("R-6", o.url, at(said), "the report on %s says LAST-MSN=%d, LAST-PART=%d when %s was there already", r.URI, r.LastMSN, r.LastPart, at(e))
	case said.msn > e.msn+1 && o.now.at.Sub(s.at) < o.target():
		if _, ok := o.claims[other]; !ok {
			o.claims[other] = claim{said, e, o.now.at}
		}
	}
}
