package lint

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilecast/packager/m3u8"
)

// compare holds the renditions against each other, and all against the multivariant playlist. It runs after
// the goroutines of the run.
func (r *runner) compare() {
	var live []*rendition
	for _, o := range r.renditions {
		if o.first != nil {
			live = append(live, o)
		}
	}
	for _, o := range live[1:] {
		r.sameRules(live[0], o)
		r.sameTimes(live[0], o)
		r.sameWindow(live[0], o)
	}
	r.sameRanges(live)
	r.together(live)
	if r.list != nil {
		for i := range r.list.Variants {
			r.variant(&r.list.Variants[i])
		}
	}
}

// sameRules compares what is said for all playlists.
func (r *runner) sameRules(a, o *rendition) {
	p, q := a.now.list, o.now.list
	if p.TargetDuration != q.TargetDuration {
		r.found.add("M-3", o.url, "", "TARGETDURATION is %d, in %s %d", q.TargetDuration, a.url, p.TargetDuration)
	}
	if x, y := control(p), control(q); x != y {
		r.found.add("M-16", o.url, "", "SERVER-CONTROL is %s, in %s %s", y, a.url, x)
	}
	if p.Type != q.Type {
		r.found.add("M-13", o.url, "", "PLAYLIST-TYPE is %q, in %s %q", q.Type, a.url, p.Type)
	}
	if x, y := dated(p), dated(q); x != y {
		r.found.add("G-12", o.url, "", "PROGRAM-DATE-TIME: %v, in %s: %v", y, a.url, x)
	}
}

func control(p *m3u8.Playlist) string {
	return fmt.Sprintf("CAN-BLOCK-RELOAD=%v,CAN-SKIP-UNTIL=%g,CAN-SKIP-DATERANGES=%v,HOLD-BACK=%g,PART-HOLD-BACK=%g",
		p.CanBlockReload, p.CanSkipUntil, p.CanSkipDateRanges, p.HoldBack, p.PartHoldBack)
}

func dated(p *m3u8.Playlist) bool {
	return slices.ContainsFunc(p.Segments, func(s m3u8.Listed) bool { return !s.ProgramDateTime.IsZero() })
}

// How far dates and media of two renditions may be apart, in seconds: a millisecond of rounding on either side
// of each, and a frame.
const (
	dateTolerance  = 0.010
	frameTolerance = 0.045
)

// sameTimes compares segments of the same number. Where all are off alike, the numbering is.
func (r *runner) sameTimes(a, o *rendition) {
	shifted, compared := 0, 0
	blind := len(a.starts) == 0 || len(o.starts) == 0
	for _, msn := range common(a.dated, o.dated) {
		x, y := a.dated[msn], o.dated[msn]
		s, ok1 := a.starts[msn]
		t, ok2 := o.starts[msn]
		byDate, dates := y.date.Sub(x.date).Seconds(), !x.date.IsZero() && !y.date.IsZero()
		byMedia, both := t-s, ok1 && ok2
		if both || blind && dates {
			compared++
		}
		switch {
		case both && dates && math.Abs(byDate-byMedia) > dateTolerance && math.Abs(byMedia) > frameTolerance && math.Abs(byDate) <= frameTolerance+dateTolerance:
			r.found.add("C-1", o.url, strconv.FormatInt(msn, 10), "the media begins %.3f s after that of %s, the dates are %.3f s apart", byMedia, a.url, byDate)
		case both && dates && math.Abs(byDate-byMedia) > dateTolerance:
			r.found.add("G-12", o.url, strconv.FormatInt(msn, 10), "the date is %.3f s after that of %s, the media %.3f s", byDate, a.url, byMedia)
		case both && math.Abs(byMedia) > frameTolerance, blind && math.Abs(byDate) > frameTolerance:
			shifted++
		case x.dsn != y.dsn:
			r.found.add("C-2", o.url, strconv.FormatInt(msn, 10), "the discontinuity sequence number is %d, in %s %d", y.dsn, a.url, x.dsn)
		}
	}
	if compared > 0 && shifted == compared {
		r.found.add("C-8", o.url, "", "segments do not begin where those of the same number in %s do", a.url)
	} else if shifted > 0 {
		r.found.add("C-7", o.url, "", "%d of %d segments do not begin where those of %s do", shifted, compared, a.url)
	}
}

func common[V any](a, b map[int64]V) []int64 {
	var list []int64
	for k := range a {
		if _, ok := b[k]; ok {
			list = append(list, k)
		}
	}
	slices.Sort(list)
	return list
}

// sameWindow compares playlists that were loaded at the same time (C-4).
func (r *runner) sameWindow(a, o *rendition) {
	p, q := a.final, o.final
	if p == nil || q == nil || len(p.Segments) == 0 || len(q.Segments) == 0 {
		return
	}
	x, y := p.Segments[0].ProgramDateTime, q.Segments[0].ProgramDateTime
	if x.IsZero() || y.IsZero() {
		return
	}
	r.found.done("windows")
	limit := time.Duration(min(p.TargetDuration, q.TargetDuration))*time.Second + 500*time.Millisecond
	if !p.EndList { // the one may have dropped a segment just before the other
		limit += time.Duration(max(p.Segments[0].Duration, q.Segments[0].Duration) * float64(time.Second))
	}
	if off := y.Sub(x).Abs(); off > limit {
		r.found.add("C-4", o.url, "", "begins %v apart from %s", off.Round(time.Millisecond), a.url)
	}
}

// sameRanges wants the date ranges of all playlists that have any to be the same (D-9). They were loaded at the same
// time, but for a part.
func (r *runner) sameRanges(live []*rendition) {
	var first *rendition
	for _, o := range live {
		if o.final == nil || len(o.final.DateRanges) == 0 {
			continue
		}
		if first == nil {
			first = o
			continue
		}
		x, y := settledRanges(first), settledRanges(o)
		for id := range x {
			if _, ok := y[id]; !ok {
				r.found.add("D-9", o.url, "", "date range %s of %s is not here", id, first.url)
			}
		}
		for id, list := range y {
			if other, ok := x[id]; !ok {
				r.found.add("D-9", o.url, "", "date range %s is not in %s", id, first.url)
			} else if !maps.Equal(list, other) {
				r.found.add("D-9", o.url, "", "date range %s has other attributes than in %s", id, first.url)
			}
		}
	}
}

// settledRanges are those of the last playlist that were in the one before, too.
func settledRanges(o *rendition) map[string]map[string]string {
	list := map[string]map[string]string{}
	for _, d := range o.final.DateRanges {
		if slices.ContainsFunc(o.now.list.DateRanges, func(e m3u8.Range) bool { return e.ID == d.ID }) {
			list[d.ID] = d.Attributes
		}
	}
	return list
}

// together holds the arrival of the same part in all renditions against C-9.
func (r *runner) together(live []*rendition) {
	for _, o := range live[1:] {
		a := live[0]
		if a.partTarget() == 0 || o.partTarget() == 0 || !sameNumbers(a, o) {
			continue
		}
		target := max(a.partTarget(), o.partTarget())
		limit := target + max(target/2, 300*time.Millisecond)
		for c, t := range o.seen {
			s, ok := a.seen[c]
			if !ok {
				continue
			}
			r.found.done("together")
			if off := t.Sub(s).Abs(); off > limit {
				r.found.add("C-9", o.url, at(c), "came %v apart from that of %s", off.Round(time.Millisecond), a.url)
			}
		}
	}
}

// sameNumbers reports whether the same numbers mean the same times.
func sameNumbers(a, o *rendition) bool {
	for _, msn := range common(a.starts, o.starts) {
		return math.Abs(a.starts[msn]-o.starts[msn]) <= frameTolerance
	}
	return false
}

// variant holds an EXT-X-STREAM-INF against the media.
func (r *runner) variant(v *m3u8.Variant) {
	picture := r.byURI(v.URI)
	if picture == nil || picture.first == nil {
		return
	}
	var sound []*rendition
	for _, m := range r.list.Audio {
		if o := r.byURI(m.URI); m.GroupID == v.Audio && m.URI != "" && o != nil && o.first != nil {
			sound = append(sound, o)
		}
	}
	if v.Codecs != "" {
		r.codecs(v, append([]*rendition{picture}, sound...))
	}
	if t := picture.track; t != nil && t.video {
		r.picture(v, picture, t)
	}
	r.bandwidth(v, picture, sound)
}

// byURI is the rendition that the multivariant playlist calls ref.
func (r *runner) byURI(ref string) *rendition {
	u, err := resolve(r.base, ref)
	if err != nil || ref == "" {
		return nil
	}
	return r.rendition(u)
}

// codecs holds CODECS against the sample entries (MV-11, MV-12).
func (r *runner) codecs(v *m3u8.Variant, members []*rendition) {
	said := strings.Split(v.Codecs, ",")
	for i := range said {
		said[i] = strings.TrimSpace(said[i])
	}
	for _, o := range members {
		if o.track == nil {
			continue
		}
		codec := o.track.codec
		kind, details, _ := strings.Cut(codec, ".")
		near := ""
		found := slices.ContainsFunc(said, func(s string) bool {
			k, _, _ := strings.Cut(s, ".")
			if strings.EqualFold(k, kind) {
				near = s
			}
			return strings.EqualFold(s, codec) || details == "" && strings.EqualFold(k, kind)
		})
		switch {
		case found:
		case near != "":
			r.found.add("MV-12", r.cfg.URL, "", "%s has %s in CODECS, the media is %s", v.URI, near, codec)
		default:
			r.found.add("MV-11", r.cfg.URL, "", "%s has CODECS=%q, which lacks the %s of %s", v.URI, v.Codecs, codec, o.url)
		}
	}
}

// picture holds RESOLUTION, FRAME-RATE and VIDEO-RANGE against the media.
func (r *runner) picture(v *m3u8.Variant, o *rendition, t *track) {
	if v.Width > 0 && t.w > 0 && (v.Width != t.w || v.Height != t.h) {
		r.found.add("MV-13/wrong", r.cfg.URL, "", "%s has RESOLUTION=%dx%d, the SPS says %dx%d", v.URI, v.Width, v.Height, t.w, t.h)
	}
	said := cmp.Or(v.VideoRange, "SDR")
	is := "SDR"
	switch t.transfer {
	case 16:
		is = "PQ"
	case 18:
		is = "HLG"
	}
	if t.w > 0 && t.transfer > 0 && said != is {
		r.found.add("MV-14", r.cfg.URL, "", "%s has VIDEO-RANGE=%s, the transfer characteristics %d are %s", v.URI, said, t.transfer, is)
	}
	all, most, usual := 0, 0, uint32(0)
	for dur, n := range o.common {
		if all += n; n > most {
			most, usual = n, dur
		}
	}
	if v.FrameRate == 0 || usual == 0 || most*10 < all*9 {
		return // the rate varies
	}
	if rate := float64(t.timescale) / float64(usual); rate > v.FrameRate*1.01 || rate < v.FrameRate*0.75 {
		r.found.add("MV-13/wrong", r.cfg.URL, "", "%s has FRAME-RATE=%.3f, the media %.3f", v.URI, v.FrameRate, rate)
	}
}

// bandwidth holds BANDWIDTH and AVERAGE-BANDWIDTH against what was fetched, with the loudest sound (MV-7 to MV-10).
func (r *runner) bandwidth(v *m3u8.Variant, picture *rendition, sound []*rendition) {
	peak, mean := picture.rates()
	var loud, loudMean float64
	for _, o := range sound {
		p, m := o.rates()
		loud, loudMean = max(loud, p), max(loudMean, m)
	}
	if peak == 0 {
		return
	}
	r.found.done("bit rates")
	peak, mean = peak+loud, mean+loudMean
	switch said := float64(v.Bandwidth); {
	case peak > said*1.25:
		r.found.add("MV-10", r.cfg.URL, "", "%s has BANDWIDTH=%d, measured peak %.0f", v.URI, v.Bandwidth, peak)
	case peak > said:
		r.found.add("MV-7", r.cfg.URL, "", "%s has BANDWIDTH=%d, measured peak %.0f", v.URI, v.Bandwidth, peak)
	}
	if said := float64(v.AverageBandwidth); said > 0 && mean > said*1.1 {
		r.found.add("MV-9", r.cfg.URL, "", "%s has AVERAGE-BANDWIDTH=%d, measured %.0f", v.URI, v.AverageBandwidth, mean)
	}
}

// rates are the peak segment bit rate (MV-8) and the mean of what was fetched, in bit/s; 0 when nothing was.
func (o *rendition) rates() (peak, mean float64) {
	target := float64(o.now.list.TargetDuration)
	total, span := 0.0, 0.0
	for i, first := range o.measured {
		bits, seconds := 0.0, 0.0
		for j, s := range o.measured[i:] {
			if s.msn != first.msn+int64(j) {
				break
			}
			bits, seconds = bits+s.bits, seconds+s.seconds
			if seconds > 1.5*target+0.5 {
				break
			}
			if seconds >= 0.5*target {
				peak = max(peak, bits/seconds)
			}
		}
		total, span = total+first.bits, span+first.seconds
	}
	if span > 0 {
		mean = total / span
	}
	return peak, mean
}

// summary are the facts of a rendition.
func (o *rendition) summary() RenditionFacts {
	peak, mean := o.rates()
	f := RenditionFacts{
		URL: o.url, Segments: *o.durations[segmentItem], Parts: *o.durations[partItem],
		PeakRate: int(peak), MeanRate: int(mean), Latency: o.latency,
		Reloads: o.reloads, Blocking: o.blocking, Deltas: o.deltas, Discarded: o.discarded, PartTarget: o.now.list.PartTarget,
	}
	if o.track != nil {
		f.Format = o.track.format()
	}
	return f
}

// unchecked says what there was no occasion for.
func (r *runner) unchecked() []string {
	lines := []string{}
	note := func(o *rendition, format string, args ...any) {
		lines = append(lines, o.url+": "+fmt.Sprintf(format, args...))
	}
	for _, o := range r.renditions {
		if o.first == nil {
			continue
		}
		if o.lost != "" {
			note(o, "what came after the playlist was lost: %s", o.lost)
		}
		if o.strange != "" {
			note(o, "%s", o.strange)
		}
	}
	first := r.renditions[slices.IndexFunc(r.renditions, func(o *rendition) bool { return o.first != nil })]
	if p := first.now.list; p.CanBlockReload && !p.EndList {
		for _, c := range []struct {
			check, text string
			may         bool
		}{
			{"deltas", "deltas (K): the playlist is shorter than CAN-SKIP-UNTIL", p.CanSkipUntil > 0},
			{"hints", "hinted parts asked for early (PH-8, PH-9)", p.PartTarget > 0},
			{"parents", "parts against their segment (P-3)", p.PartTarget > 0},
			{"L-6", "segments that have left the playlist (L-6)", true},
			{"P-13", "parts that have left the playlist (P-13)", p.PartTarget > 0},
			{"Q-3", "requests for a whole segment (Q-3)", true},
			{"Q-5", "a part past the end of a segment (Q-5)", p.PartTarget > 0},
			{"again", "the same blocking request twice (Q-13)", p.PartTarget > 0},
		} {
			if c.may && !r.found.ran[c.check] {
				lines = append(lines, c.text)
			}
		}
	}
	return lines
}
