package lint

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"tilecast/packager/m3u8"
)

// walker is what walk knows of a rendition. One goroutine has it.
type walker struct {
	first   *m3u8.Playlist
	refused error                // why there is none
	now     snapshot             // the newest
	grown   time.Time            // when the last segment came
	parted  time.Time            // when the last part came, or not long before
	seen    map[cursor]time.Time // when a request that waited brought each part
	dated   map[int64]mark       // complete segments
	claims  map[*rendition]claim // that have yet to come true
	listed  cursor               // what stands before it is in the queue
	segment int64                // and so are the segments before this
	leaving []leaving
	opened  int    // hints that were ranges
	left    int    // segments that were asked for after they had gone
	lost    string // why it was given up

	reloads, blocking, deltas, discarded int
	latency                              Spread
	final                                *m3u8.Playlist // of farewell
}

// mark is where a segment stands on the timelines.
type mark struct {
	date     time.Time
	uri      string
	dsn      int64
	duration float64
}

// leaving is a file that has left the playlist, and when to ask for it.
type leaving struct {
	item
	due time.Time
}

// failures is how many reloads in a row may fail, pace the least time between two.
const (
	failures = 5
	pace     = 20 * time.Millisecond
)

// walk follows the playlist until ctx is done, the stream ends, or nothing more can be had.
func (o *rendition) walk(ctx context.Context) {
	defer close(o.queue)
	if !o.begin(ctx) {
		return
	}
	failed := 0
	for n := 1; ctx.Err() == nil && !o.now.list.EndList; n++ {
		var err error
		begun := o.cfg.Now()
		switch {
		case !o.now.list.CanBlockReload:
			o.pause(ctx, o.target()/2)
			err = o.plain(ctx)
		case n%8 == 7:
			err = o.plain(ctx)
		case n%4 == 2 && o.now.list.CanSkipUntil > 0:
			err = o.both(ctx)
		case n%4 == 0 && o.now.list.CanSkipUntil > 0:
			err = o.delta(ctx)
		default:
			err = o.block(ctx)
		}
		if o.cfg.Now().Sub(begun) < pace { // what is answered at once over and over is not asked for in a rush
			o.pause(ctx, pace)
		}
		if err == nil || ctx.Err() != nil {
			failed = 0
			continue
		}
		if failed++; failed == failures {
			o.lost = err.Error()
			return
		}
		o.pause(ctx, o.target()/4)
		if err := o.plain(ctx); err != nil {
			continue
		}
	}
}

// begin loads the first playlist.
func (o *rendition) begin(ctx context.Context) bool {
	defer close(o.ready)
	var a *answer
	o.first, a, o.refused = o.ask(ctx, "", false)
	if o.first == nil {
		return false
	}
	o.grown, o.parted = a.done, a.done
	e := edge(o.first)
	o.segment = e.msn
	if o.first.EndList {
		o.segment = o.first.MediaSequence
	} else {
		o.segment = max(o.first.MediaSequence, e.msn-6)
	}
	o.listed = cursor{o.segment, 0}
	o.take(ctx, o.first, a, false)
	return true
}

func (o *rendition) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// plain reloads without directives. What comes may be older than what is known.
func (o *rendition) plain(ctx context.Context) error {
	p, a, err := o.ask(ctx, "", false)
	if err != nil {
		return err
	}
	if !o.older(p) {
		o.take(ctx, p, a, false)
	}
	return nil
}

// older reports whether p is a copy that has been overtaken, as caches keep them. What ends with another segment than
// the one that had its number before is the stream itself, gone back.
func (o *rendition) older(p *m3u8.Playlist) bool {
	then, now := edge(p), edge(o.now.list)
	if p.EndList || !then.before(now) {
		return false
	}
	if n := len(p.Segments); then.msn < now.msn-2 && n > 0 {
		last := &p.Segments[n-1]
		if was, ok := o.dated[last.MSN]; !ok || was.uri != last.URI || !was.date.Equal(last.ProgramDateTime) {
			return false
		}
	}
	o.note(o.now.list, m3u8.CheckUpdate(p, o.now.list), true)
	return true
}

// wanted is what a player asks for next.
func (o *rendition) wanted() cursor {
	c := edge(o.now.list)
	if o.now.list.PartTarget == 0 {
		c.part = -1
	}
	return c
}

// block reloads as a player does.
func (o *rendition) block(ctx context.Context) error {
	want := o.wanted()
	p, a, err := o.ask(ctx, directives(want), true)
	if err != nil {
		return o.complain(ctx, want, err)
	}
	o.answered(ctx, p, a, want)
	return nil
}

// complain notes a blocking request that was not answered with a playlist.
func (o *rendition) complain(ctx context.Context, want cursor, err error) error {
	var r refusal
	id := "Q-4"
	if want.part < 0 {
		id = "Q-3"
	}
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errHeld):
		o.found.add("Q-10", o.url, at(want), "%s: %v", directives(want), err)
	case errors.As(err, &r) && r.status != 503:
		o.found.add(id, o.url, at(want), "%s: %v after %v", directives(want), err, r.held.Round(time.Millisecond))
	}
	return err
}

// answered takes the answer to a request that waited for want.
func (o *rendition) answered(ctx context.Context, p *m3u8.Playlist, a *answer, want cursor) {
	o.blocking++
	o.promptly(p, a, want)
	advanced := edge(o.now.list).before(edge(p)) || p.EndList
	if !o.older(p) {
		o.take(ctx, p, a, true)
	}
	if !advanced {
		o.pause(ctx, max(o.partTarget(), 200*time.Millisecond))
	}
}

// promptly holds the answer to a request for want, which had not come before, against what it asked for.
func (o *rendition) promptly(p *m3u8.Playlist, a *answer, want cursor) {
	id := "Q-4"
	if want.part < 0 {
		id = "Q-3"
	}
	if !satisfied(p, want) {
		o.found.add(id, o.url, at(want), "%s was answered after %v, before it was there: the playlist ends before %s",
			directives(want), a.done.Sub(a.sent).Round(time.Millisecond), at(edge(p)))
	} else if n := beyond(p, want); n >= 2 {
		o.found.add(id, o.url, at(want), "%s was answered %d parts late", directives(want), n)
	}
}

func at(c cursor) string {
	if c.part < 0 {
		return strconv.FormatInt(c.msn, 10)
	}
	return strconv.FormatInt(c.msn, 10) + "." + strconv.Itoa(c.part)
}

// delta reloads with _HLS_skip and applies what comes.
func (o *rendition) delta(ctx context.Context) error {
	want := o.wanted()
	d, a, err := o.ask(ctx, directives(want)+o.skip(), true)
	if err != nil {
		return o.complain(ctx, want, err)
	}
	if d.Skipped > 0 {
		o.deltas++
		if o.now.list.CanSkipDateRanges && !d.SkipsRanges && len(o.now.list.DateRanges) > 0 {
			o.found.add("K-6", o.url, at(want), "EXT-X-SKIP in the answer to _HLS_skip=v2 has no RECENTLY-REMOVED-DATERANGES")
		}
	}
	p, err := m3u8.ApplyDelta(o.now.list, d)
	if err != nil {
		rule, text, _ := strings.Cut(err.Error(), ": ")
		o.found.add(rule, o.url, at(want), "%s", text)
		return o.plain(ctx)
	}
	o.answered(ctx, p, a, want)
	return nil
}

// skip asks for a delta, in the way that players do.
func (o *rendition) skip() string {
	if o.now.list.CanSkipDateRanges {
		return "&_HLS_skip=v2"
	}
	return "&_HLS_skip=YES"
}

// both asks for the next part with and without _HLS_skip, and compares the two.
func (o *rendition) both(ctx context.Context) error {
	want := o.wanted()
	var d *m3u8.Playlist
	var second sync.WaitGroup
	second.Go(func() { d, _, _ = o.ask(ctx, directives(want)+"&_HLS_skip=YES", true) })
	p, a, err := o.ask(ctx, directives(want), true)
	second.Wait()
	if err != nil {
		return o.complain(ctx, want, err)
	}
	if d != nil && edge(d) == edge(p) && d.EndList == p.EndList {
		o.compareDelta(p, d, want)
	}
	o.answered(ctx, p, a, want)
	return nil
}

// compareDelta holds a delta against the full playlist of the same moment. Reports are left out, since the
// two may have been written at different times.
func (o *rendition) compareDelta(full, d *m3u8.Playlist, want cursor) {
	skippable := full.Skippable()
	switch {
	case d.Skipped > 0:
		o.deltas++
	case skippable == 0:
		return
	default:
		o.found.done("deltas")
		o.found.add("Q-12", o.url, at(want), "_HLS_skip=YES is answered with the full playlist, although %d segments lie beyond CAN-SKIP-UNTIL=%g", skippable, full.CanSkipUntil)
		return
	}
	o.found.done("deltas")
	f, e := *full, *d
	f.Reports, e.Reports = nil, nil
	o.note(full, m3u8.CheckDelta(&f, &e), false)
}

// take makes p, which came with a, the newest playlist.
func (o *rendition) take(ctx context.Context, p *m3u8.Playlist, a *answer, waited bool) {
	o.reloads++
	before := o.now
	o.now = snapshot{p, a.done, waited}
	newest := o.now
	o.latest.Store(&newest)
	if before.list != nil {
		o.note(p, m3u8.CheckUpdate(before.list, p), true)
		if e := edge(p); e.msn < edge(before.list).msn-2 { // numbering began anew
			clear(o.dated)
			clear(o.seen)
			o.segment, o.listed = e.msn, cursor{e.msn, 0}
		}
		o.cadence(before, a)
		o.departures(before.list)
		if edge(before.list).before(edge(p)) {
			o.latencyOf(p, a)
		}
	}
	for i := range p.Segments {
		s := &p.Segments[i]
		o.dated[s.MSN] = mark{s.ProgramDateTime, s.URI, s.DSN, s.Duration}
	}
	o.reports(p, waited)
	o.enqueue(ctx, p)
}

// farewell loads the playlist once more, at the same time as all others are, and looks at a segment again.
func (o *rendition) farewell(ctx context.Context) {
	if o.first == nil || o.lost != "" {
		return
	}
	if p, _, err := o.ask(ctx, "", false); err == nil {
		o.final = p
		if o.now.list.EndList {
			o.note(p, m3u8.CheckUpdate(o.now.list, p), true)
		}
	}
	if a := o.kept; a != nil && o.final != nil && segment(o.final, o.keptMSN) != nil {
		again, err := o.fetch.do(ctx, get(a.url))
		if err == nil && again.status == 200 && string(again.body) != string(a.body) {
			o.found.add("L-11", o.url, "", "%s has changed: %d bytes, and %d before", a.url, len(again.body), len(a.body))
		}
	}
}
