package lint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"tilecast/packager/m3u8"
)

// cache asks what somebody asks who has put a cache in front of a stream, of one rendition. One goroutine has it.
type cache struct {
	*rendition
	known  []known        // full playlists that were seen, oldest first
	newest *m3u8.Playlist // of those that many requests were answered with
	apart  int            // how often equal requests were answered far apart
}

// known is where the stream was at a time.
type known struct {
	edge cursor
	at   time.Time
}

// throng is how many requests are sent at the same time.
const throng = 16

// question asks one thing after the other, until ctx ends.
func (c *cache) question(ctx context.Context) {
	select {
	case <-c.ready:
	case <-ctx.Done():
	}
	s := c.latest.Load()
	if s == nil || !c.there(ctx, s.list) {
		return
	}
	questions := []func(context.Context, *m3u8.Playlist){c.ranges, c.pages, c.cookies}
	if s.list.CanBlockReload && !s.list.EndList {
		questions = append(questions, c.together, c.kept, c.keys, c.hinted, c.together, c.together, c.together, c.held)
	}
	if !s.list.EndList {
		questions = append(questions, c.expiry)
	}
	for _, ask := range append(questions, c.plainText, c.refusals) {
		if s := c.latest.Load(); ctx.Err() == nil {
			ask(ctx, s.list)
		}
	}
}

// send asks for u with fields of its own; nil when there is no answer.
func (c *cache) send(ctx context.Context, u string, header map[string]string) *answer {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := get(u)
	q.header = header
	a, err := c.fetch.do(limited, q)
	if err != nil {
		return nil
	}
	return a
}

// throng sends equal requests at the same time.
func (c *cache) throng(ctx context.Context, u string, wait time.Duration) ([]*answer, collapsed) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	answers, errs := make([]*answer, throng), make([]error, throng)
	var all sync.WaitGroup
	for i := range throng {
		all.Go(func() { answers[i], errs[i] = c.fetch.do(limited, get(u)) })
	}
	all.Wait()
	return answers, sumUp(answers, errs)
}

// whole is the URL of a complete segment that is a file of its own, counted from the end; empty when there is none.
func (c *cache) whole(p *m3u8.Playlist, back int) string {
	for i := len(p.Segments) - 1; i >= 0; i-- {
		if s := &p.Segments[i]; !s.Gap && s.ByteRange == "" {
			if back--; back < 0 {
				u, _ := resolve(c.url, s.URI)
				return u
			}
		}
	}
	return ""
}

// there asks for a segment until a cache has it (CDN-1, CDN-3), and reports whether there is a cache at all.
func (c *cache) there(ctx context.Context, p *m3u8.Playlist) bool {
	u := c.whole(p, 0)
	if u == "" {
		return false
	}
	sign, said := false, false
	var last *answer
	for range 4 { // a CDN has several machines, each of which misses once
		a := c.send(ctx, u, nil)
		if a == nil || a.status != http.StatusOK {
			return false
		}
		last, sign, said = a, sign || signed(a.header), said || source(a.header) != unsaid
		if source(a.header) == hit {
			break
		}
		c.pause(ctx, 1100*time.Millisecond)
	}
	switch {
	case ctx.Err() != nil:
		return false
	case !sign:
		c.found.add("CDN-1", c.url, "", "%s was asked for four times, and no answer shows a cache: neither Age nor Via, Cache-Status, X-Cache or the like", path.Base(u))
		return false
	case said && source(last.header) != hit:
		c.found.add("CDN-1", c.url, "", "%s was asked for four times, and came from the origin each time (%s)", path.Base(u), words(last.header))
	}
	if !said {
		c.found.done("mute cache")
	}
	c.aged(ctx, u)
	return true
}

// words are what a cache says of an answer.
func words(h http.Header) string {
	for _, name := range []string{"Cache-Status", "CF-Cache-Status", "X-Cache", "X-Cache-Status", "X-Proxy-Cache", "X-Varnish", "Age"} {
		if v := h.Get(name); v != "" {
			return name + ": " + v
		}
	}
	return "no word of it"
}

// aged asks again for what has been in a cache for a while (CDN-3).
func (c *cache) aged(ctx context.Context, u string) {
	c.pause(ctx, 1100*time.Millisecond)
	a := c.send(ctx, u, nil)
	if a == nil {
		return
	}
	_, ok := ageOf(a.header)
	if !ok {
		c.found.add("CDN-3", c.url, "", "%s, asked for again after a second, has no Age (%s)", path.Base(u), words(a.header))
		return
	}
	if !exposes(a.header, "age") {
		c.found.add("CDN-3/expose", c.url, "", "Access-Control-Expose-Headers is %q", a.header.Get("Access-Control-Expose-Headers"))
	}
}

// together sends many requests for a part that nobody else has asked for, a little ahead of the next one, since what is
// known may have been late (CDN-4, CDN-5, CDN-14).
func (c *cache) together(ctx context.Context, p *m3u8.Playlist) {
	if c.newest != nil && edge(p).before(edge(c.newest)) {
		p = c.newest
	}
	want := wantedAfter(p)
	switch {
	case want.part < 0:
		want.msn++
	case p.PartTarget < 0.5:
		want.part += 4
	default:
		want.part++
	}
	answers, sum := c.throng(ctx, c.query(directives(want)), c.patience())
	c.judge(ctx, sum, directives(want))
	if list := read(answers[0]); list != nil && list.Skipped == 0 {
		c.newest = list
	}
}

// hinted does the same with the part that is announced.
func (c *cache) hinted(ctx context.Context, p *m3u8.Playlist) {
	for _, h := range p.Hints {
		u, err := resolve(c.url, h.URI)
		if h.Type != "PART" || err != nil || ranged(p) {
			continue
		}
		_, sum := c.throng(ctx, u, c.patience())
		if sum.other < sum.n { // a hint that is abandoned is answered with 404
			c.judge(ctx, sum, path.Base(u))
		}
		return
	}
}

// judge says what the answers to many equal requests show.
func (c *cache) judge(ctx context.Context, sum collapsed, what string) {
	switch {
	case ctx.Err() != nil:
		return
	case sum.lost != nil:
		c.found.add("CDN-14", c.url, "", "%s: of %d requests at the same time one was lost: %v", what, sum.n, sum.lost)
		return
	case sum.other > 0:
		c.found.add("CDN-14", c.url, "", "%s: of %d requests at the same time %d were answered with %d, within %v", what, sum.n, sum.other, sum.status, sum.held.Round(time.Millisecond))
		return
	}
	if sum.unsaid < sum.n {
		c.found.done("collapsing")
		if sum.misses > 2 { // a CDN has several machines
			c.found.add("CDN-4", c.url, "", "%s: of %d requests at the same time %d went to the origin", what, sum.n, sum.misses)
			return
		}
	}
	if sum.spread <= max(100*time.Millisecond, c.partTarget()/2) {
		return
	}
	if c.apart++; c.apart > 1 { // once may be the network
		c.found.add("CDN-5", c.url, "", "%s: %v from the first answer to the last of %d", what, sum.spread.Round(time.Millisecond), sum.n)
	}
}

func wantedAfter(p *m3u8.Playlist) cursor {
	want := edge(p)
	if p.PartTarget == 0 {
		want.part = -1
	}
	return want
}

// kept asks again for a playlist that was waited for (CDN-2).
func (c *cache) kept(ctx context.Context, p *m3u8.Playlist) {
	u := c.query(directives(wantedAfter(p)))
	first := c.send(ctx, u, nil)
	if first == nil || first.status != http.StatusOK {
		return
	}
	for range 3 {
		a := c.send(ctx, u, nil)
		if a == nil || source(a.header) != missed {
			return
		}
		first = a
	}
	c.found.add("CDN-2", c.url, "", "%s was asked for four times, and came from the origin each time (%s)", directives(wantedAfter(p)), words(first.header))
}

// keys asks for two things that differ in their directives only, and for one in several ways (CDN-6, CDN-7).
func (c *cache) keys(ctx context.Context, p *m3u8.Playlist) {
	want := wantedAfter(p)
	one := c.send(ctx, c.query(directives(want)), nil)
	list := read(one)
	if list == nil {
		return
	}
	after := wantedAfter(list)
	if other := c.send(ctx, c.query(directives(after)), nil); other != nil {
		if l := read(other); l != nil && !satisfied(l, after) && bytes.Equal(one.body, other.body) {
			c.found.add("CDN-6", c.url, at(after), "%s is answered with the playlist of %s", directives(after), directives(want))
			return
		}
	}
	if c.skips(ctx, directives(want)); want.part < 0 {
		return
	}
	again := c.send(ctx, c.query(directives(want)), nil)
	if again == nil || source(again.header) != hit {
		return
	}
	number, part := "_HLS_msn="+strconv.FormatInt(want.msn, 10), "_HLS_part="+strconv.Itoa(want.part)
	for _, way := range []string{part + "&" + number, number + "&" + part + "&check=1"} {
		if a := c.send(ctx, c.query(way), nil); a != nil && a.status == http.StatusOK && source(a.header) == missed {
			c.found.add("CDN-7", c.url, at(want), "%s went to the origin, though %s was there", way, directives(want))
		}
	}
}

// skips asks for a playlist with _HLS_skip and without, in the order that a wrong key would mix up (CDN-6).
func (c *cache) skips(ctx context.Context, query string) {
	full, delta := read(c.send(ctx, c.query(query), nil)), read(c.send(ctx, c.query(query+"&_HLS_skip=YES"), nil))
	if full == nil || delta == nil {
		return
	}
	if full.Skipped > 0 {
		c.found.add("CDN-6", c.url, "", "%s is answered with a delta, without _HLS_skip", query)
	} else if delta.Skipped == 0 && full.Skippable() > 0 {
		c.found.add("CDN-6", c.url, "", "%s&_HLS_skip=YES is answered with the full playlist", query)
	}
}

// read is the playlist of an answer; nil when it is none.
func read(a *answer) *m3u8.Playlist {
	if a == nil || a.status != http.StatusOK {
		return nil
	}
	p, _ := m3u8.ReadMedia(a.body)
	return p
}

// expiry reloads without directives for a while (CDN-8).
func (c *cache) expiry(ctx context.Context, p *m3u8.Playlist) {
	for until := c.fetch.now().Add(4 * c.target()); c.fetch.now().Before(until) && ctx.Err() == nil; c.pause(ctx, 300*time.Millisecond) {
		s := c.latest.Load()
		c.known = append(c.known, known{edge(s.list), s.at})
		a := c.send(ctx, c.url, nil)
		list := read(a)
		if list == nil || list.EndList {
			continue
		}
		fresh, said := lifetime(a.header)
		if age, ok := ageOf(a.header); ok && said && age > fresh+time.Second {
			c.found.add("CDN-8", c.url, "", "Age: %.0f with Cache-Control: %s", age.Seconds(), a.header.Get("Cache-Control"))
		}
		if by, ok := c.overtaken(list, a.sent, fresh+1500*time.Millisecond); ok && said {
			c.found.add("CDN-8", c.url, at(edge(list)), "a plain reload ends before %s, which had come %.1f s before; Cache-Control: %s",
				at(edge(list)), by.Seconds(), a.header.Get("Cache-Control"))
		}
	}
}

// overtaken reports that there was a newer playlist than p longer ago than age, when p was asked for.
func (c *cache) overtaken(p *m3u8.Playlist, asked time.Time, age time.Duration) (time.Duration, bool) {
	for _, k := range c.known {
		if by := asked.Sub(k.at); by > age && edge(p).before(k.edge) {
			return by, true
		}
	}
	return 0, false
}

// held waits for the segment behind the open one, for one to two target durations (CDN-14).
func (c *cache) held(ctx context.Context, p *m3u8.Playlist) {
	want := cursor{edge(p).msn + 1, -1}
	_, a, err := c.ask(ctx, directives(want), true)
	var r refusal
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &r) && r.status >= 500:
		c.found.add("CDN-14", c.url, at(want), "%s: %v after %v", directives(want), err, r.held.Round(time.Millisecond))
	case err != nil && a == nil && !errors.Is(err, errHeld):
		c.found.add("CDN-14", c.url, at(want), "%s: %v", directives(want), err)
	}
}

// plainText asks without Accept-Encoding for a playlist that a cache has with it (CDN-9).
func (c *cache) plainText(ctx context.Context, p *m3u8.Playlist) {
	u := c.url
	if c := edge(p); p.CanBlockReload && !p.EndList && c.part > 0 {
		u += "?" + directives(cursor{c.msn, c.part - 1})
	}
	for _, accept := range []string{"gzip", "identity", "gzip"} {
		a := c.send(ctx, u, map[string]string{"Accept-Encoding": accept})
		if a != nil && a.zipped && accept == "identity" {
			c.found.add("CDN-9", c.url, "", "gzip for Accept-Encoding: identity (%s)", words(a.header))
		}
	}
}

// ranges asks for a piece of a segment that nobody has asked for, and for the whole then (CDN-10).
func (c *cache) ranges(ctx context.Context, p *m3u8.Playlist) {
	u := c.whole(p, len(p.Segments)-2)
	if u == "" {
		return
	}
	piece := map[string]string{"Range": "bytes=0-99", "Accept-Encoding": "identity"}
	before := c.send(ctx, u, piece)
	all := c.send(ctx, u, nil)
	after := c.send(ctx, u, piece)
	if all == nil || all.status == http.StatusNotFound || before == nil || after == nil {
		return
	}
	if all.status != http.StatusOK || len(all.body) <= 100 {
		c.found.add("CDN-10", c.url, "", "after a request for 100 bytes of %s the whole of it is answered with %d and %d bytes", path.Base(u), all.status, len(all.body))
		return
	}
	for i, a := range []*answer{before, after} {
		want := fmt.Sprintf("bytes 0-99/%d", len(all.body))
		got := a.header.Get("Content-Range")
		if a.status != http.StatusPartialContent || !bytes.Equal(a.body, all.body[:100]) || got != want {
			c.found.add("CDN-10", c.url, "", "100 bytes of %s, %s it was cached: answered with %d, %d bytes and Content-Range %q",
				path.Base(u), [...]string{"before", "after"}[i], a.status, len(a.body), got)
		}
	}
}

// pages asks for the same things from several pages, and from none (CDN-11, CDN-12).
func (c *cache) pages(ctx context.Context, p *m3u8.Playlist) {
	for _, u := range []string{c.url, c.whole(p, 1)} {
		for _, from := range []string{"", player, "https://other.invalid"} {
			if u == "" {
				continue
			}
			a := c.send(ctx, u, map[string]string{"Origin": from})
			if a == nil || a.status != http.StatusOK || from == "" {
				continue
			}
			if o := a.header.Get("Access-Control-Allow-Origin"); o != "*" && o != from {
				c.found.add("CDN-11", c.url, "", "%s: Access-Control-Allow-Origin is %q for Origin: %s (%s)", path.Base(a.url), o, from, words(a.header))
			}
		}
	}
	q := get(c.url)
	q.method = http.MethodOptions
	q.header = map[string]string{"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := c.fetch.do(limited, q)
	if err == nil && (a.status >= 300 || a.header.Get("Access-Control-Allow-Origin") == "") {
		c.found.add("CDN-12", c.url, "", "OPTIONS is answered with %d and Access-Control-Allow-Origin %q", a.status, a.header.Get("Access-Control-Allow-Origin"))
	}
}

// cookies asks with a cookie for what a cache has without, and looks for cookies that are set (CDN-15).
func (c *cache) cookies(ctx context.Context, p *m3u8.Playlist) {
	u := c.whole(p, 0)
	plain := c.send(ctx, u, nil)
	with := c.send(ctx, u, map[string]string{"Cookie": "check=" + strconv.FormatInt(c.fetch.now().UnixNano(), 36)})
	if plain == nil || with == nil {
		return
	}
	if source(plain.header) == hit && source(with.header) == missed {
		c.found.add("CDN-15", c.url, "", "%s is fetched from the origin for who sends a cookie", path.Base(u))
	}
	if list := c.send(ctx, c.url, nil); list != nil && list.header.Get("Set-Cookie") != "" || with.header.Get("Set-Cookie") != "" {
		c.found.add("CDN-15", c.url, "", "a cookie is set")
	}
}

// refusals asks twice for what is refused, now (CDN-13).
func (c *cache) refusals(ctx context.Context, p *m3u8.Playlist) {
	missing, err := resolve(c.url, "no-such-"+strconv.FormatInt(c.fetch.now().UnixNano(), 36)+".m4s")
	queries := []string{missing}
	if err != nil {
		queries = nil
	}
	if p.CanBlockReload && !p.EndList {
		queries = append(queries, c.query("_HLS_part=0"), c.query(directives(cursor{edge(p).msn + 20, -1})))
	}
	refused := map[string]*answer{}
	longest := time.Duration(0)
	for _, u := range queries {
		a := c.send(ctx, u, nil)
		if a == nil || a.status < 400 {
			continue
		}
		if fresh, _ := lifetime(a.header); fresh <= 2*time.Second { // beyond that the origin wants it kept, and N-16 has a word to say
			refused[u], longest = a, max(longest, fresh)
		}
	}
	c.pause(ctx, longest+1200*time.Millisecond)
	for u, first := range refused {
		if again := c.send(ctx, u, nil); again != nil && again.status >= 400 && source(again.header) == hit {
			c.found.add("CDN-13", c.url, "", "%d for %s with Cache-Control: %s came from the cache %v later (%s)",
				again.status, path.Base(u), first.header.Get("Cache-Control"), again.sent.Sub(first.done).Round(100*time.Millisecond), words(again.header))
		}
	}
}
