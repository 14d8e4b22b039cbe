package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// viewer plays one variant and its sound.
type viewer struct {
	run    *run
	client *client
	tracks []track

	mu    sync.Mutex
	score score
}

// score is what one viewer got while it was measured.
type score struct {
	parts, inTime, missed int
	stalls                int
	stalled               time.Duration
	bytes                 int64
}

func newViewer(r *run, tracks []track) *viewer {
	return &viewer{run: r, client: newClient(&r.cfg), tracks: tracks}
}

// watch plays all tracks until ctx or the stream ends.
func (v *viewer) watch(ctx context.Context) {
	v.client.drain(ctx, v.run.cfg.URL, "") // as players do; what is wrong shows with the playlists, too
	var all sync.WaitGroup
	for i := range v.tracks {
		all.Go(func() { (&head{viewer: v, track: v.tracks[i]}).play(ctx) })
	}
	all.Wait()
}

// head plays one track: it has fetched every part before next.
type head struct {
	*viewer
	track track
	list  *list
	next  cursor
	per   int // parts of a segment, as far as is known
	text  bytes.Buffer

	played time.Time     // when the first part that was fetched begins to show; moved by stalls
	shown  time.Duration // media fetched since
}

// play joins and stays, trying again after what went wrong.
func (h *head) play(ctx context.Context) {
	for wait := 500 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 4*time.Second) {
		err := h.join(ctx)
		for err == nil && !h.list.ended {
			err = h.advance(ctx)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		h.run.tally.failed(err)
		if errors.Is(err, errNotLow) || !pause(ctx, wait) {
			return
		}
	}
}

// join loads the playlist, the init section and what is buffered before playing begins.
func (h *head) join(ctx context.Context) error {
	if err := h.load(ctx, h.track.url); err != nil {
		return err
	}
	if h.list.init != "" {
		if err := h.fetch(ctx, h.list.limit, h.list.init, ""); err != nil {
			return err
		}
	}
	if h.next == (cursor{}) {
		h.run.target.CompareAndSwap(0, int64(h.list.target))
		h.next = h.list.units[h.list.start()].at
		h.played = time.Now().Add(h.list.hold)
		h.run.joined.Add(1)
	}
	return h.catch(ctx)
}

// load replaces the list by what url answers.
func (h *head) load(ctx context.Context, url string) error {
	limit := 30 * time.Second
	if h.list != nil {
		limit = h.list.limit + 10*time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	h.text.Reset()
	body, err := h.client.get(ctx, url, "", &h.text)
	if err != nil {
		return err
	}
	l, err := h.run.memo.read(h.track.url, body)
	if err != nil {
		return err
	}
	if len(l.units) == 0 && !l.ended {
		return errNotLow
	}
	h.list = l
	if h.run.measuring.Load() {
		h.run.tally.playlist(len(body))
	}
	return nil
}

// advance holds a reload for the next part and a request for the part itself, as it was hinted.
func (h *head) advance(ctx context.Context) error {
	want, hint, limit := h.list.next, h.list.hint, h.list.limit
	fetched := make(chan error, 1)
	if hint != "" && h.list.since(h.next) == len(h.list.units) {
		go func() {
			fetched <- h.fetch(ctx, limit, hint, "")
		}()
	} else {
		hint = ""
	}
	at := time.Time{}
	reloaded := make(chan error, 1)
	go func() { reloaded <- h.load(ctx, h.reload(want)) }()
	var err error
	if hint != "" {
		err = <-fetched
		at = time.Now()
	}
	if errLoad := <-reloaded; errLoad != nil {
		return errLoad
	}
	var status statusError
	switch {
	case hint == "":
	case errors.As(err, &status) && status == http.StatusNotFound:
		// The hint was given up (PH-10): what is listed says how it goes on.
	case err != nil:
		return err
	default:
		if i := h.list.since(want); i < len(h.list.units) && h.list.units[i].at == want {
			h.got(&h.list.units[i], at)
		}
	}
	return h.catch(ctx)
}

// reload asks for a playlist with part c, as a delta where there are any.
func (h *head) reload(c cursor) string {
	mark := "?"
	if strings.Contains(h.track.url, "?") {
		mark = "&"
	}
	skip := ""
	if h.list.skip != "" {
		skip = "&_HLS_skip=" + h.list.skip
	}
	return fmt.Sprintf("%s%s_HLS_msn=%d&_HLS_part=%d%s", h.track.url, mark, c.msn, c.part, skip)
}

// catch fetches what is listed and not fetched yet.
func (h *head) catch(ctx context.Context) error {
	for i := h.list.since(h.next); i < len(h.list.units); i++ {
		u := &h.list.units[i]
		h.skipTo(u.at)
		if u.gap {
			h.next = cursor{u.at.msn, u.at.part + 1}
			continue
		}
		if err := h.fetch(ctx, h.list.limit, u.url, u.byteRange); err != nil {
			return err
		}
		h.got(u, time.Now())
	}
	return nil
}

// skipTo counts what left the playlist before it was fetched.
func (h *head) skipTo(c cursor) {
	h.per = max(h.per, c.part+1)
	if c != h.next && c != (cursor{h.next.msn + 1, 0}) {
		n := int(c.msn-h.next.msn)*h.per + c.part - h.next.part
		h.count(func(s *score) { s.missed += max(0, n) })
	}
	h.next = c
}

// fetch loads media, which may be held for limit. It goes on beside a reload, so it leaves the list alone.
func (h *head) fetch(ctx context.Context, limit time.Duration, url, byteRange string) error {
	ctx, cancel := context.WithTimeout(ctx, limit+10*time.Second)
	defer cancel()
	n, err := h.client.drain(ctx, url, byteRange)
	h.count(func(s *score) { s.bytes += n })
	return err
}

// got takes part u in, whose last byte came at now.
func (h *head) got(u *unit, now time.Time) {
	h.next = cursor{u.at.msn, u.at.part + 1}
	due := h.played.Add(h.shown) // it shows then
	h.shown += u.dur
	stall := now.Sub(due)
	if stall > 0 {
		h.played = h.played.Add(stall)
	}
	if !h.run.measuring.Load() {
		h.run.tally.arrived(h.track.url, u.at, now, false)
		return
	}
	late := h.run.tally.arrived(h.track.url, u.at, now, true)
	if !u.end.IsZero() {
		h.run.tally.aged(now.Sub(u.end))
	}
	h.count(func(s *score) {
		s.parts++
		if late <= h.list.target {
			s.inTime++
		}
		if stall > stallLeast {
			s.stalls++
			s.stalled += stall
		}
	})
}

// stallLeast is the shortest time without a picture that is called a stall.
const stallLeast = 10 * time.Millisecond

// count changes the score while it is measured.
func (h *head) count(f func(*score)) {
	if !h.run.measuring.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.score)
}
