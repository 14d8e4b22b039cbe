package lint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tilecast/packager/m3u8"
)

// rendition is one media playlist that is followed. walk reads the playlist again and again, load fetches
// what it names, probe asks the questions that a player would not.
type rendition struct {
	*runner
	url    string
	queue  chan item                // from walk to load; what does not fit is counted
	ready  chan struct{}            // closed once there is a first playlist, or never will be
	latest atomic.Pointer[snapshot] // newest full playlist

	walker // of walk
	loader // of load
}

// snapshot is a full playlist and when it came.
type snapshot struct {
	list   *m3u8.Playlist
	at     time.Time
	waited bool // its request blocked
}

// queueLength bounds what waits to be fetched.
const queueLength = 1024

func newRendition(r *runner, u string) *rendition {
	return &rendition{
		runner: r, url: u, queue: make(chan item, queueLength), ready: make(chan struct{}),
		walker: walker{seen: map[cursor]time.Time{}, dated: map[int64]mark{}, claims: map[*rendition]claim{}}, loader: newLoader(),
	}
}

// cursor is a place between parts: in front of part of segment msn.
type cursor struct {
	msn  int64
	part int
}

func (c cursor) before(o cursor) bool { return c.msn < o.msn || c.msn == o.msn && c.part < o.part }

// edge is where the next part will come.
func edge(p *m3u8.Playlist) cursor {
	c := cursor{msn: p.MediaSequence + int64(p.Skipped+len(p.Segments))}
	if p.Open != nil {
		c.part = len(p.Open.Parts)
	}
	return c
}

// segment is the one with that number, complete or open; nil when it is not listed.
func segment(p *m3u8.Playlist, msn int64) *m3u8.Listed {
	if i := msn - p.MediaSequence - int64(p.Skipped); i >= 0 && i < int64(len(p.Segments)) {
		return &p.Segments[i]
	}
	if p.Open != nil && p.Open.MSN == msn {
		return p.Open
	}
	return nil
}

// settled is where a request for (msn, part) leads in p: a part past the end of a whole segment is the
// first of the next. part -1 is the whole segment.
func settled(p *m3u8.Playlist, c cursor) cursor {
	if c.part < 0 {
		return cursor{c.msn + 1, 0}
	}
	if s := segment(p, c.msn); s != nil && s.URI != "" && len(s.Parts) > 0 && c.part >= len(s.Parts) {
		return cursor{c.msn + 1, 1}
	}
	return cursor{c.msn, c.part + 1}
}

// satisfied reports whether p has what a request for c waits for.
func satisfied(p *m3u8.Playlist, c cursor) bool {
	e := edge(p)
	return p.EndList || c.msn < e.msn-1 || !e.before(settled(p, c))
}

// beyond is how many parts p has behind what a request for c waits for.
func beyond(p *m3u8.Playlist, c cursor) int {
	from, n := settled(p, c), 0
	for msn := from.msn; ; msn++ {
		s := segment(p, msn)
		if s == nil {
			return n
		}
		n += len(s.Parts)
		if msn == from.msn {
			n -= min(from.part, len(s.Parts))
		}
	}
}

func (o *rendition) target() time.Duration {
	if s := o.latest.Load(); s != nil && s.list.TargetDuration > 0 {
		return time.Duration(s.list.TargetDuration) * time.Second
	}
	return 6 * time.Second
}

func (o *rendition) partTarget() time.Duration {
	if s := o.latest.Load(); s != nil {
		return time.Duration(s.list.PartTarget * float64(time.Second))
	}
	return 0
}

// patience is how long a request that blocks may take, the network included: three target durations.
func (o *rendition) patience() time.Duration { return 3*o.target() + 2*time.Second }

// slack is how much later than due something may come, for the network's sake.
func (o *rendition) slack() time.Duration { return max(500*time.Millisecond, o.partTarget()) }

// query is the playlist's URL with directives.
func (o *rendition) query(directives string) string {
	if directives == "" {
		return o.url
	}
	if strings.Contains(o.url, "?") {
		return o.url + "&" + directives
	}
	return o.url + "?" + directives
}

// directives ask for c.
func directives(c cursor) string {
	q := "_HLS_msn=" + strconv.FormatInt(c.msn, 10)
	if c.part >= 0 {
		q += "&_HLS_part=" + strconv.Itoa(c.part)
	}
	return q
}

// refusal is an answer that is no playlist.
type refusal struct {
	status int
	held   time.Duration
}

func (r refusal) Error() string {
	return fmt.Sprintf("answered with %d %s", r.status, http.StatusText(r.status))
}

// errHeld says that a request was held for longer than three target durations.
var errHeld = errors.New("no answer within three target durations")

// ask sends a playlist request. Only with a nil error is there a playlist.
func (o *rendition) ask(ctx context.Context, query string, waited bool) (*m3u8.Playlist, *answer, error) {
	limited, cancel := context.WithTimeout(ctx, o.patience())
	defer cancel()
	q := get(o.query(query))
	q.limit = maxPlaylist
	a, err := o.fetch.do(limited, q)
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		return nil, nil, errHeld
	case err != nil:
		return nil, nil, err
	case a.status != http.StatusOK:
		if fresh, _ := lifetime(a.header); fresh > o.target() && (a.status == http.StatusBadRequest || a.status == http.StatusServiceUnavailable) {
			o.found.add("N-16", o.url, "", "%d for %s with Cache-Control: %s", a.status, query, a.header.Get("Cache-Control"))
		}
		return nil, a, refusal{a.status, a.done.Sub(a.sent)}
	}
	p, mistakes := m3u8.ReadMedia(a.body)
	if p == nil {
		return nil, a, errors.New("is not a playlist")
	}
	for _, m := range mistakes {
		o.found.add(m.Rule, o.url, "", "line %d: %s", m.Line, m.Text)
	}
	if p.Skipped > 0 && !strings.Contains(query, "_HLS_skip") {
		if p = o.unasked(p, query); p == nil {
			return nil, a, errors.New("is a delta")
		}
	}
	o.note(p, m3u8.Check(p), false)
	o.found.playlistHeader(a, o.url, time.Duration(p.TargetDuration)*time.Second, p.PartTarget > 0, waited, p.EndList)
	return p, a, nil
}

// unasked is the full playlist that a delta stands for which nobody has asked for; nil when that cannot be told.
func (o *rendition) unasked(delta *m3u8.Playlist, query string) *m3u8.Playlist {
	o.found.add("K-1", o.url, "", "EXT-X-SKIP in the answer to %q, without _HLS_skip", query)
	s := o.latest.Load()
	if s == nil {
		return nil
	}
	full, err := m3u8.ApplyDelta(s.list, delta)
	if err != nil {
		return nil
	}
	return full
}

// note passes on what the playlist package found.
func (o *rendition) note(p *m3u8.Playlist, list []m3u8.Finding, update bool) {
	for _, f := range list {
		id := f.Rule
		switch {
		case id == "M-20" && p.PartHoldBack > 0 && p.PartHoldBack >= 2*p.PartTarget-1e-9:
			id = "M-20/should"
		case id == "P-12" && update:
			id = "P-12/order"
		}
		o.found.add(id, o.url, "", "%s", f.Text)
	}
}
