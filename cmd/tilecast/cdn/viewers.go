package cdn

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"tilecast/packager/m3u8"
)

// Watched is what a crowd of viewers saw.
type Watched struct {
	Parts    int             // that every viewer got while it waited for them
	Spreads  []time.Duration // of each of those, from the first viewer who had it to the last; sorted
	Failures []string        // the first of each viewer who had to give up
	Answers  int
	FromHere int // answers that the cache says it had, by X-Cache
}

// Spread is the p-th percentile of the spreads.
func (w Watched) Spread(p int) time.Duration {
	if len(w.Spreads) == 0 {
		return 0
	}
	return w.Spreads[min(len(w.Spreads)-1, len(w.Spreads)*p/100)]
}

// viewer reloads a playlist with blocking requests, and fetches every part that is new.
type viewer struct {
	id     int
	client *http.Client
	list   string
	have   map[string]time.Time // parts, and when they were there
	hits   int
	all    int
}

// Watch lets n viewers play the media playlist at list for d. A viewer keeps its connection, as a player does. Some
// write their parameters in another order, some add one of their own, some ask for deltas.
func Watch(ctx context.Context, list string, n int, d time.Duration) (Watched, error) {
	watching, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	transport := &http.Transport{MaxIdleConns: n, MaxIdleConnsPerHost: n, MaxConnsPerHost: 2 * n}
	defer transport.CloseIdleConnections()
	crowd := make([]*viewer, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range crowd {
		crowd[i] = &viewer{id: i, client: &http.Client{Transport: transport}, list: list, have: map[string]time.Time{}}
		all.Go(func() { errs[i] = crowd[i].play(watching) })
	}
	all.Wait()
	return gather(crowd, errs), ctx.Err()
}

func gather(crowd []*viewer, errs []error) Watched {
	var w Watched
	for i, v := range crowd {
		if errs[i] != nil {
			w.Failures = append(w.Failures, fmt.Sprintf("viewer %d: %v", i, errs[i]))
		}
		w.Answers += v.all
		w.FromHere += v.hits
	}
	for part := range crowd[0].have {
		var first, last time.Time
		everybody := true
		for _, v := range crowd {
			at, ok := v.have[part]
			everybody = everybody && ok
			if first.IsZero() || at.Before(first) {
				first = at
			}
			if at.After(last) {
				last = at
			}
		}
		if everybody {
			w.Spreads = append(w.Spreads, last.Sub(first))
		}
	}
	slices.Sort(w.Spreads)
	w.Parts = len(w.Spreads)
	return w
}

// play goes on until ctx ends.
func (v *viewer) play(ctx context.Context) error {
	known, err := v.reload(ctx, "")
	for err == nil {
		next := known.MediaSequence + int64(len(known.Segments))
		part := 0
		if known.Open != nil {
			part = len(known.Open.Parts)
		}
		var now *m3u8.Playlist
		if now, err = v.reload(ctx, v.directives(next, part)); err != nil {
			break
		}
		if now, err = m3u8.ApplyDelta(known, now); err != nil { // what is known is too old
			if now, err = v.reload(ctx, ""); err != nil {
				break
			}
		}
		if last := now.MediaSequence + int64(len(now.Segments)); last < next {
			continue // a copy that a cache has kept
		}
		err = v.fetch(ctx, now, next, part)
		known = now
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// directives ask for a part, in this viewer's way.
func (v *viewer) directives(msn int64, part int) string {
	m, p := "_HLS_msn="+strconv.FormatInt(msn, 10), "_HLS_part="+strconv.Itoa(part)
	switch v.id % 4 {
	case 1:
		return p + "&" + m
	case 2:
		return m + "&" + p + "&_HLS_skip=YES"
	case 3:
		return "viewer=" + strconv.Itoa(v.id) + "&" + m + "&" + p
	}
	return m + "&" + p
}

func (v *viewer) reload(ctx context.Context, directives string) (*m3u8.Playlist, error) {
	u := v.list
	if directives != "" {
		u += "?" + directives
	}
	body, err := v.get(ctx, u)
	if err != nil {
		return nil, err
	}
	return m3u8.ParseMedia(body)
}

// fetch loads what list has from (msn, part) on.
func (v *viewer) fetch(ctx context.Context, list *m3u8.Playlist, msn int64, part int) error {
	segments := list.Segments
	if list.Open != nil {
		segments = append(slices.Clone(segments), *list.Open)
	}
	for i := range segments {
		s := &segments[i]
		for k := range s.Parts {
			if s.MSN < msn || s.MSN == msn && k < part {
				continue
			}
			if _, again := v.have[s.Parts[k].URI]; again {
				return fmt.Errorf("%s came again in the answer to %d.%d", s.Parts[k].URI, msn, part)
			}
			u, err := url.Parse(v.list)
			if err != nil {
				return err
			}
			u.Path = path.Join(path.Dir(u.Path), s.Parts[k].URI)
			if _, err := v.get(ctx, u.String()); err != nil {
				return err
			}
			v.have[s.Parts[k].URI] = time.Now()
		}
	}
	return nil
}

func (v *viewer) get(ctx context.Context, u string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	v.all++
	if cmp.Or(resp.Header.Get("X-Cache"), "MISS") == "HIT" {
		v.hits++
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s is answered with %s", u, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
