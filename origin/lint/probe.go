package lint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"tilecast/packager/m3u8"
)

// probe asks the questions that a player has no occasion to, one after the other.
func (o *rendition) probe(ctx context.Context) {
	select {
	case <-o.ready:
	case <-ctx.Done():
	}
	s := o.latest.Load()
	if s == nil {
		return
	}
	o.probeMedia(ctx, s.list)
	o.probeNothing(ctx)
	if s.list.EndList {
		o.probeEnded(ctx)
		return
	}
	if !s.list.CanBlockReload {
		return
	}
	for _, q := range []func(context.Context) error{
		o.probeLonePart, o.probeFar, o.probeOld, o.probeUnknown, o.probeAgain,
		o.probePastEnd, o.probePastOpen, o.probeSegment,
	} {
		if err := q(ctx); ctx.Err() != nil || err != nil && !errors.As(err, new(refusal)) {
			return
		}
	}
}

// at once, the network included
const prompt = 2 * time.Second

// status asks for the playlist with directives and answers with the HTTP status; 0 when none came in time.
func (o *rendition) status(ctx context.Context, query string, wait time.Duration) (int, error) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_, a, err := o.ask(limited, query, false)
	switch {
	case a != nil:
		return a.status, nil
	case ctx.Err() == nil && limited.Err() != nil:
		return 0, nil
	}
	return 0, err
}

// verdict is how a status reads.
func verdict(status int, wait time.Duration) string {
	if status == 0 {
		return fmt.Sprintf("not answered within %v", wait)
	}
	return fmt.Sprintf("answered with %d", status)
}

// probeLonePart asks for a part of no segment.
func (o *rendition) probeLonePart(ctx context.Context) error {
	status, err := o.status(ctx, "_HLS_part=0", prompt)
	if err == nil && ctx.Err() == nil && status != http.StatusBadRequest && !o.ended() {
		o.found.add("Q-7", o.url, "", "_HLS_part=0 alone is %s, 400 is wanted", verdict(status, prompt))
	}
	return err
}

// probeFar asks for a segment far in the future.
func (o *rendition) probeFar(ctx context.Context) error {
	query := directives(cursor{edge(o.latest.Load().list).msn + 20, -1})
	status, err := o.status(ctx, query, prompt)
	if err == nil && ctx.Err() == nil && status != http.StatusBadRequest && !o.ended() {
		o.found.add("Q-8", o.url, "", "%s is %s, 400 at once is wanted", query, verdict(status, prompt))
	}
	return err
}

// probeOld asks for segments that are there already, or were once.
func (o *rendition) probeOld(ctx context.Context) error {
	p := o.latest.Load().list
	for _, c := range []cursor{{p.MediaSequence, -1}, {p.MediaSequence, 0}, {max(0, p.MediaSequence-2), -1}} {
		status, err := o.status(ctx, directives(c), prompt)
		if err != nil {
			return err
		}
		if ctx.Err() == nil && status != http.StatusOK {
			o.found.add("Q-6", o.url, "", "%s is %s, the playlist begins with %d", directives(c), verdict(status, prompt), p.MediaSequence)
		}
	}
	return nil
}

// probeUnknown sends a parameter that is defined for other purposes.
func (o *rendition) probeUnknown(ctx context.Context) error {
	status, err := o.status(ctx, "_HLS_primary_id=check", prompt)
	if err == nil && ctx.Err() == nil && status != http.StatusOK {
		o.found.add("Q-1", o.url, "", "_HLS_primary_id=check is %s", verdict(status, prompt))
	}
	return err
}

// probeAgain asks once more for the last part that is there.
func (o *rendition) probeAgain(ctx context.Context) error {
	s := o.latest.Load()
	c := edge(s.list)
	if c.part--; c.part < 0 {
		last := segment(s.list, c.msn-1)
		if last == nil {
			return nil
		}
		c = cursor{last.MSN, len(last.Parts) - 1} // -1: the segment itself
	}
	for range 2 {
		status, err := o.status(ctx, directives(c), prompt)
		if err != nil {
			return err
		}
		if ctx.Err() == nil && status != http.StatusOK {
			o.found.add("Q-13", o.url, at(c), "%s is %s although it was there", directives(c), verdict(status, prompt))
		}
	}
	o.found.done("again")
	return nil
}

// probePastEnd asks for a part that the last whole segment does not have.
func (o *rendition) probePastEnd(ctx context.Context) error {
	p := o.latest.Load().list
	n := len(p.Segments)
	if n == 0 || len(p.Segments[n-1].Parts) == 0 {
		return nil
	}
	last := &p.Segments[n-1]
	return o.expect(ctx, "Q-5", cursor{last.MSN, len(last.Parts) + 1})
}

// probePastOpen asks for a part that the open segment will not have: it becomes the first of the next one,
// unless the server says at once that it is too far ahead.
func (o *rendition) probePastOpen(ctx context.Context) error {
	p := o.latest.Load().list
	if p.PartTarget == 0 {
		return nil
	}
	c := cursor{edge(p).msn, int(2*float64(p.TargetDuration)/p.PartTarget) + 2}
	answered, a, err := o.ask(ctx, directives(c), true)
	var r refusal
	if errors.As(err, &r) && r.status == http.StatusBadRequest {
		return nil
	}
	if err != nil {
		return o.refusedProbe(ctx, "Q-5", c, err)
	}
	if edge(answered).before(cursor{c.msn + 1, 1}) && !answered.EndList {
		o.found.add("Q-5", o.url, at(c), "%s was answered after %v, before segment %d had a part", directives(c), a.done.Sub(a.sent).Round(time.Millisecond), c.msn+1)
	}
	return nil
}

// probeSegment waits for a whole segment, the one behind the open one: that cannot be there already.
func (o *rendition) probeSegment(ctx context.Context) error {
	return o.expect(ctx, "Q-3", cursor{edge(o.latest.Load().list).msn + 1, -1})
}

// expect sends a request that may have to wait, and holds the answer against what it asks for: not a part
// sooner and, where it was there already, not later.
func (o *rendition) expect(ctx context.Context, rule string, c cursor) error {
	had := o.latest.Load().list
	p, a, err := o.ask(ctx, directives(c), true)
	if err != nil {
		return o.refusedProbe(ctx, rule, c, err)
	}
	held := a.done.Sub(a.sent)
	o.found.done(rule)
	switch {
	case !satisfied(p, c):
		o.found.add(rule, o.url, at(c), "%s was answered after %v, before it was there: the playlist ends before %s", directives(c), held.Round(time.Millisecond), at(edge(p)))
	case satisfied(had, c) && held > o.slack():
		o.found.add(rule, o.url, at(c), "%s was there, and was answered after %v", directives(c), held.Round(time.Millisecond))
	case !satisfied(had, c) && beyond(p, c) >= 2:
		o.found.add(rule, o.url, at(c), "%s was answered %d parts late, after %v", directives(c), beyond(p, c), held.Round(time.Millisecond))
	}
	return nil
}

func (o *rendition) refusedProbe(ctx context.Context, rule string, c cursor, err error) error {
	if ctx.Err() == nil && (errors.As(err, new(refusal)) || errors.Is(err, errHeld)) {
		o.found.add(rule, o.url, at(c), "%s: %v", directives(c), err)
	}
	return err
}

func (o *rendition) ended() bool { return o.latest.Load().list.EndList }

// probeEnded sends directives to a stream that is over.
func (o *rendition) probeEnded(ctx context.Context) {
	query := directives(cursor{edge(o.latest.Load().list).msn + 20, -1}) + "&_HLS_skip=YES"
	status, err := o.status(ctx, query, prompt)
	if err == nil && ctx.Err() == nil && status != http.StatusOK {
		o.found.add("Q-11", o.url, "", "%s is %s after EXT-X-ENDLIST", query, verdict(status, prompt))
	}
}

// probeNothing asks for what does not exist (PH-10).
func (o *rendition) probeNothing(ctx context.Context) {
	u, err := resolve(o.url, "no-such-part.m4s")
	if err != nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, prompt)
	defer cancel()
	a, err := o.fetch.do(limited, get(u))
	switch {
	case ctx.Err() != nil:
	case err != nil:
		o.found.add("PH-10", o.url, "", "%s is not answered within %v", path.Base(u), prompt)
	case a.status != http.StatusNotFound && a.status != http.StatusGone:
		o.found.add("PH-10", o.url, "", "%s, which does not exist, is answered with %d", path.Base(u), a.status)
	}
}

// probeMedia asks for a segment by HEAD and in ranges.
func (o *rendition) probeMedia(ctx context.Context, p *m3u8.Playlist) {
	u, ranged := "", false
	for i := len(p.Segments) - 1; i >= 0 && u == ""; i-- {
		if s := &p.Segments[i]; !s.Gap {
			u, _ = resolve(o.url, s.URI)
			ranged = s.ByteRange != ""
		}
	}
	if u == "" {
		return
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	whole, err := o.fetch.do(limited, get(u))
	if err != nil || whole.status != http.StatusOK {
		return // load says so
	}
	o.probeHead(limited, whole)
	o.probeRange(limited, whole, ranged)
}

func (o *rendition) probeHead(ctx context.Context, whole *answer) {
	q := get(whole.url)
	q.method = http.MethodHead
	a, err := o.fetch.do(ctx, q)
	switch {
	case err != nil:
	case a.status != http.StatusOK:
		o.found.add("N-7", o.url, "", "HEAD %s is answered with %d", path.Base(a.url), a.status)
	case a.length != whole.length:
		o.found.add("N-7", o.url, "", "HEAD %s says Content-Length %d, GET %d", path.Base(a.url), a.length, whole.length)
	}
}

func (o *rendition) probeRange(ctx context.Context, whole *answer, needed bool) {
	size := len(whole.body)
	if whole.zipped || size < 32 {
		return
	}
	q := get(whole.url)
	q.byteRange = "bytes=10-19"
	a, err := o.fetch.do(ctx, q)
	switch {
	case err != nil:
		return
	case a.status == http.StatusOK:
		id := "N-4/plain"
		if needed {
			id = "N-4"
		}
		o.found.add(id, o.url, "", "Range: %s of %s is answered with 200", q.byteRange, path.Base(a.url))
		return
	case a.status != http.StatusPartialContent:
		o.found.add("N-4", o.url, "", "Range: %s of %s is answered with %d", q.byteRange, path.Base(a.url), a.status)
		return
	}
	o.partial(a, whole.body, 10, 20)
	q.byteRange = "bytes=16-9007199254740991"
	a, err = o.fetch.do(ctx, q)
	if err != nil {
		return
	}
	if a.status != http.StatusPartialContent {
		o.found.add("PH-7", o.url, "", "Range: %s of %s is answered with %d", q.byteRange, path.Base(a.url), a.status)
		return
	}
	o.partial(a, whole.body, 16, size)
}

// partial holds a 206 against the bytes from..to of the whole.
func (o *rendition) partial(a *answer, whole []byte, from, to int) {
	want := "bytes " + strconv.Itoa(from) + "-" + strconv.Itoa(to-1) + "/" + strconv.Itoa(len(whole))
	got := a.header.Get("Content-Range")
	switch {
	case got != want && got != strings.TrimSuffix(want, strconv.Itoa(len(whole)))+"*":
		o.found.add("N-4", o.url, "", "Range: %s of %s has Content-Range %q, %q is right", a.byteRange, path.Base(a.url), got, want)
	case string(a.body) != string(whole[from:to]):
		o.found.add("N-4", o.url, "", "Range: %s of %s has other bytes than the whole", a.byteRange, path.Base(a.url))
	case a.length != int64(to-from):
		o.found.add("N-4", o.url, "", "Range: %s of %s says Content-Length %d for %d bytes", a.byteRange, path.Base(a.url), a.length, to-from)
	}
}
