package lint

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"path"
	"time"

	"tilecast/packager/m3u8"
)

// kind says what an item of the queue is.
type kind int

const (
	partItem kind = iota
	segmentItem
	hintItem
	goneItem // not listed any more, to be had nevertheless
)

// item is a file that a playlist has named.
type item struct {
	kind      kind
	url       string
	byteRange string // value of Range
	seg       *m3u8.Listed
	part      int
	rule      string // of a goneItem
	from      int64  // of a hint that is a range
	plain     bool   // in the clear, as far as samples go
}

func (it item) at() string {
	if it.kind == partItem {
		return fmt.Sprintf("%d.%d", it.seg.MSN, it.part)
	}
	return fmt.Sprint(it.seg.MSN)
}

// loader is what load knows of a rendition's media. One goroutine has it.
type loader struct {
	inits    map[string]*track // by EXT-X-MAP; nil: cannot be read
	track    *track
	format   *track // of what came last
	formatAt position
	early    map[string]*answer // hinted parts that were asked for ahead
	tail     *grown             // the last of those that were asked for as open ranges
	twice    int                // hinted parts fetched again to compare
	unlike   bool               // one of them was another then
	parts    map[int64][]*file  // of segments whose parent has not come
	bytes    map[int64][]byte   // the same, laid end to end
	last     map[kind]position  // where the last part and the last segment ended
	anchor   *position          // the first segment of an unbroken run
	extinf   float64            // since anchor
	kept     *answer            // a segment to look at once more at the end
	keptMSN  int64

	measured  []measured
	durations map[kind]*Spread
	common    map[uint32]int // how many samples have a duration
	starts    map[int64]float64
	strange   string // why media was not looked into
}

type position struct {
	msn, dsn int64
	part     int
	at       int64 // ticks
}

// measured is a segment for bit rates.
type measured struct {
	msn     int64
	seconds float64
	bits    float64
}

func newLoader() loader {
	return loader{
		inits: map[string]*track{}, early: map[string]*answer{}, parts: map[int64][]*file{}, bytes: map[int64][]byte{},
		last: map[kind]position{}, durations: map[kind]*Spread{partItem: {}, segmentItem: {}},
		common: map[uint32]int{}, starts: map[int64]float64{},
	}
}

// load fetches what walk has put into the queue, in order, until walk closes it. After ctx it only empties it.
func (o *rendition) load(ctx context.Context) {
	for it := range o.queue {
		if ctx.Err() != nil {
			continue
		}
		switch it.kind {
		case hintItem:
			o.ahead(ctx, it)
		case goneItem:
			o.departed(ctx, it)
		default:
			o.media(ctx, it)
		}
	}
}

// fetchMedia is nil when there is no answer worth looking at, which is noted under rule, unless that is empty.
func (o *rendition) fetchMedia(ctx context.Context, it item, rule string, wait time.Duration) *answer {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	q := get(it.url)
	q.byteRange = it.byteRange
	a, err := o.fetch.do(limited, q)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		if rule != "" {
			o.found.add(rule, o.url, it.at(), "%s: %v", path.Base(it.url), err)
		}
		return nil
	case a.status == http.StatusPartialContent && it.byteRange != "", a.status == http.StatusOK && it.byteRange == "":
		o.found.mediaHeader(a, o.url, it.at())
		return a
	case a.status == http.StatusOK:
		o.found.add("N-4", o.url, it.at(), "%s: a range is answered with 200, BYTERANGE needs 206", path.Base(it.url))
		return nil
	}
	if rule != "" {
		o.found.add(rule, o.url, it.at(), "%s is answered with %d", path.Base(it.url), a.status)
	}
	return nil
}

// departed asks for what has left the playlist (P-13, L-6).
func (o *rendition) departed(ctx context.Context, it item) {
	if o.fetchMedia(ctx, it, it.rule, patience) != nil {
		o.found.done(it.rule)
	}
}

// media fetches a part or a segment and looks at it.
func (o *rendition) media(ctx context.Context, it item) {
	if it.seg.Gap || it.kind == partItem && it.seg.Parts[it.part].Gap {
		delete(o.loader.last, it.kind)
		return
	}
	rule := map[kind]string{partItem: "P-10", segmentItem: "L-4"}[it.kind]
	a := o.promised(ctx, it)
	if a == nil {
		a = o.fetchMedia(ctx, it, rule, patience)
	}
	if a == nil {
		delete(o.loader.last, it.kind)
		return
	}
	if it.kind == segmentItem && it.byteRange == "" && (o.kept == nil || o.keptMSN < o.latest.Load().list.MediaSequence) {
		o.kept, o.keptMSN = a, it.seg.MSN
	}
	if it.kind == segmentItem && it.seg.Duration > 0 {
		bits := 8 * float64(len(a.body))
		o.measured = append(o.measured, measured{it.seg.MSN, it.seg.Duration, bits})
		if said := 1000 * float64(it.seg.BitRate); said > 0 && it.byteRange == "" && (bits/it.seg.Duration > 1.1*said || bits/it.seg.Duration < 0.9*said) {
			o.found.add("G-15", o.url, it.at(), "%s has %.0f kbit/s, EXT-X-BITRATE says %d", path.Base(it.url), bits/it.seg.Duration/1000, it.seg.BitRate)
		}
	}
	if !it.plain || !fmp4(a.body) {
		o.strange = foreign(a.body, it.plain)
		return
	}
	t := o.initOf(ctx, it)
	if t == nil {
		return
	}
	o.changed(it, t)
	m, problems := readMedia(a.body, t)
	for _, p := range problems {
		o.found.add(p.rule, o.url, it.at(), "%s: %s", path.Base(it.url), p.text)
	}
	if m != nil {
		o.look(it, a, m, t)
	}
}

// initOf is the track of the init section in force for it.
func (o *rendition) initOf(ctx context.Context, it item) *track {
	ref := it.seg.InForce
	if t, known := o.inits[ref]; known {
		return t
	}
	o.inits[ref] = nil
	uri, byteRange := splitMap(ref)
	u, err := resolve(o.url, uri)
	if ref == "" || err != nil {
		return nil
	}
	a := o.fetchMedia(ctx, item{url: u, byteRange: byteRange, seg: it.seg, kind: segmentItem}, "G-7", patience)
	if a == nil {
		if ctx.Err() != nil {
			delete(o.inits, ref)
		}
		return nil
	}
	t, problems := readInit(a.body)
	for _, p := range problems {
		o.found.add(p.rule, o.url, "", "%s: %s", path.Base(u), p.text)
	}
	o.inits[ref] = t
	if t != nil && o.track == nil {
		o.track = t
	}
	return t
}

// changed wants EXT-X-DISCONTINUITY where a part or segment is of another format than the one before (G-4).
func (o *rendition) changed(it item, t *track) {
	was, before := o.format, o.formatAt
	o.format, o.formatAt = t, position{msn: it.seg.MSN, dsn: it.seg.DSN}
	if was == nil || was == t || before.dsn != it.seg.DSN || before.msn > it.seg.MSN {
		return
	}
	if was.id != t.id || was.codec != t.codec || was.w != t.w || was.h != t.h || was.timescale != t.timescale {
		o.found.add("G-4", o.url, it.at(), "%s is %s with timescale %d, and what came before %s with timescale %d: EXT-X-DISCONTINUITY is missing",
			path.Base(it.url), t.format(), t.timescale, was.format(), was.timescale)
	}
}

// foreign says what media is that is not looked into.
func foreign(b []byte, plain bool) string {
	switch {
	case !plain:
		return "what is inside of media: it is encrypted"
	case len(b) > 188 && b[0] == 0x47 && b[188] == 0x47:
		return "what is inside of segments: MPEG-TS is not supported, only fragmented MP4 is"
	case bytes.HasPrefix(bytes.TrimPrefix(b, []byte("\ufeff")), []byte("WEBVTT")):
		return "what is inside of segments: WebVTT is not supported, only fragmented MP4 is"
	case bytes.HasPrefix(b, []byte("ID3")):
		return "what is inside of segments: packed audio is not supported, only fragmented MP4 is"
	}
	return "what is inside of media: it is no fragmented MP4"
}

// look holds the media of a part or segment against what the playlist says of it.
func (o *rendition) look(it item, a *answer, m *file, t *track) {
	listed := it.seg.Duration
	if it.kind == partItem {
		listed = it.seg.Parts[it.part].Duration
		o.lookAtPart(it, a, m, t)
	} else {
		o.lookAtSegment(it, a, m, t)
	}
	o.durations[it.kind].add(t.seconds(m.dur))
	missing, _ := o.missing(it, t.seconds(m.dur))
	listed -= missing
	off := math.Abs(t.seconds(m.dur) - listed)
	frame := 0.0
	for _, s := range m.samples {
		frame = max(frame, t.seconds(int64(s.dur)))
	}
	if off > max(frame, 0.001) {
		o.found.add("G-1", o.url, it.at(), "the media of %s lasts %.5f s, the playlist says %.5f", path.Base(it.url), t.seconds(m.dur), listed)
	} else if off > 1/float64(t.timescale)+6e-6 {
		o.found.add("G-1/should", o.url, it.at(), "the media of %s lasts %.6f s, the playlist says %.6f", path.Base(it.url), t.seconds(m.dur), listed)
	}
	o.follow(it, m, t)
}

// missing is how much of a segment whose media lasts so many seconds is marked as missing, and whether its beginning is. Where
// its parts are no longer listed, what lacks by a part or more may have been, and anywhere; the timeline has to tell then.
func (o *rendition) missing(it item, lasts float64) (seconds float64, first bool) {
	if it.kind != segmentItem {
		return 0, false
	}
	if part := o.partTarget().Seconds(); len(it.seg.Parts) == 0 && part > 0 && it.seg.Duration-lasts >= 0.85*part {
		return it.seg.Duration - lasts, true
	}
	for i := range it.seg.Parts {
		if it.seg.Parts[i].Gap {
			seconds += it.seg.Parts[i].Duration
			first = first || i == 0
		}
	}
	return seconds, first
}

// follow holds tfdt against where the media before ended (F-5).
func (o *rendition) follow(it item, m *file, t *track) {
	here := position{msn: it.seg.MSN, dsn: it.seg.DSN, part: it.part, at: m.end()}
	before, ok := o.last[it.kind]
	o.last[it.kind] = here
	next := before.msn == here.msn && before.part+1 == here.part
	if it.kind == segmentItem || here.part == 0 {
		next = before.msn+1 == here.msn
	}
	if !ok || !next || before.dsn != here.dsn {
		return
	}
	if off := m.start - before.at; off > 1 || off < -1 {
		o.found.add("F-5", o.url, it.at(), "%s begins at %d, %d is due: %.1f ms off", path.Base(it.url), m.start, before.at, 1000*t.seconds(off))
	}
}

func (o *rendition) lookAtPart(it item, a *answer, m *file, t *track) {
	part := &it.seg.Parts[it.part]
	if target := o.partTarget(); target > 0 && t.seconds(m.dur) > target.Seconds()+2/float64(t.timescale) {
		o.found.add("P-7", o.url, it.at(), "the media of %s lasts %.5f s, PART-TARGET is %v", path.Base(it.url), t.seconds(m.dur), target.Seconds())
	}
	sync := m.sync() || !t.video
	switch {
	case sync && !part.Independent:
		o.found.add("P-5", o.url, it.at(), "%s has a sync sample and is not marked as independent", path.Base(it.url))
	case !sync && part.Independent:
		o.found.add("P-5", o.url, it.at(), "%s is marked as independent and has no sync sample", path.Base(it.url))
	}
	for _, s := range m.samples {
		if t.avc && s.sync && !idr(s.data) {
			o.found.add("P-5", o.url, it.at(), "a sample of %s is flagged as sync and is no IDR picture", path.Base(it.url))
			break
		}
	}
	if it.part == 0 {
		delete(o.parts, it.seg.MSN)
		delete(o.bytes, it.seg.MSN)
	}
	if n := len(o.parts[it.seg.MSN]); n == it.part {
		o.parts[it.seg.MSN] = append(o.parts[it.seg.MSN], m)
		o.bytes[it.seg.MSN] = append(o.bytes[it.seg.MSN], a.body...)
	}
}

func (o *rendition) lookAtSegment(it item, a *answer, m *file, t *track) {
	msn := it.seg.MSN
	if g := o.tail; g != nil && g.url == it.url && it.byteRange == "" {
		if o.tail = nil; g.from > int64(len(a.body)) || !bytes.Equal(g.body, a.body[g.from:]) {
			o.found.add("PH-9", o.url, it.at(), "%s had %d bytes from %d on while it was made, and has %d now", path.Base(it.url), len(g.body), g.from, int64(len(a.body))-g.from)
		}
	}
	if parts := o.parts[msn]; len(parts) > 0 && len(parts) == len(it.seg.Parts) {
		if !bytes.Equal(o.bytes[msn], a.body) {
			if why, ok := m.same(parts); !ok {
				o.found.add("P-3", o.url, it.at(), "%s is not its parts: %s", path.Base(it.url), why)
			}
		}
		o.found.done("parents")
	}
	for old := range o.parts {
		if old <= msn {
			delete(o.parts, old)
			delete(o.bytes, old)
		}
	}
	if t.video {
		if !m.sync() {
			o.found.add("G-17", o.url, it.at(), "%s has no sync sample", path.Base(it.url))
		} else if !m.samples[0].sync {
			o.found.add("G-17/aas", o.url, it.at(), "%s does not begin with a sync sample", path.Base(it.url))
		}
		for _, s := range m.samples {
			o.common[s.dur]++
		}
	}
	if msn < o.last[segmentItem].msn { // numbering began anew
		clear(o.starts)
	}
	missing, late := o.missing(it, t.seconds(m.dur))
	if !late {
		o.starts[msn] = t.seconds(m.start)
	}
	if missing > 0 { // a new run begins behind it
		o.anchor = nil
		delete(o.last, segmentItem)
		return
	}
	o.accumulate(it, m, t)
}

// accumulate holds the sum of EXTINF against the media's own timeline (G-1, AAS 8.1).
func (o *rendition) accumulate(it item, m *file, t *track) {
	before, ok := o.last[segmentItem]
	if o.anchor == nil || !ok || before.msn+1 != it.seg.MSN || before.dsn != it.seg.DSN {
		o.anchor = &position{msn: it.seg.MSN, at: m.start}
		o.extinf = 0
	}
	off := t.seconds(m.start-o.anchor.at) - o.extinf
	frame := 0.001
	if len(m.samples) > 0 {
		frame = max(frame, t.seconds(int64(m.samples[0].dur)))
	}
	if math.Abs(off) > frame {
		o.found.add("G-1", o.url, it.at(), "since segment %d the EXTINF add up to %.5f s, the media to %.5f", o.anchor.msn, o.extinf, o.extinf+off)
	}
	o.extinf += it.seg.Duration
}
