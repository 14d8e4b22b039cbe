package load

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// tally is what all viewers count together.
type tally struct {
	mu     sync.Mutex
	parts  map[partKey]*arrivals
	spread histogram // of each part, from the first viewer that had it to the last
	late   histogram // of each part and viewer, behind the first
	age    histogram // of the end of each part when its last byte came, by PROGRAM-DATE-TIME

	playlists     int64
	playlistBytes int64
	errors        map[string]int
}

type partKey struct {
	url string
	at  cursor
}

// arrivals are those of one part.
type arrivals struct {
	first, last time.Time
	measured    bool
}

// arrived takes an arrival in and answers how far it is behind the first.
func (t *tally) arrived(url string, at cursor, now time.Time, measured bool) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.parts == nil {
		t.parts = map[partKey]*arrivals{}
	}
	key := partKey{url, at}
	a := t.parts[key]
	if a == nil {
		a = &arrivals{first: now, last: now, measured: measured}
		t.parts[key] = a
		if len(t.parts) > 4096 {
			t.fold(now.Add(-time.Minute))
		}
	}
	if now.After(a.last) {
		a.last = now
	}
	late := max(0, now.Sub(a.first))
	if measured {
		t.late.add(late)
	}
	return late
}

// fold forgets the parts that nobody had since then. Called locked.
func (t *tally) fold(since time.Time) {
	for key, a := range t.parts {
		if a.last.Before(since) {
			if a.measured {
				t.spread.add(a.last.Sub(a.first))
			}
			delete(t.parts, key)
		}
	}
}

func (t *tally) aged(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.age.add(d)
}

func (t *tally) playlist(bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.playlists++
	t.playlistBytes += int64(bytes)
}

func (t *tally) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.errors == nil {
		t.errors = map[string]int{}
	}
	if what := explain(err); len(t.errors) < 50 || t.errors[what] > 0 {
		t.errors[what]++
	} else {
		t.errors["others"]++
	}
}

// failures are the errors, the most frequent first.
func (t *tally) failures() []Failure {
	var all []Failure
	for what, n := range t.errors {
		all = append(all, Failure{what, n})
	}
	slices.SortFunc(all, func(a, b Failure) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		if a.What < b.What {
			return -1
		}
		return 1
	})
	return all
}

// mostly is the most frequent error.
func (t *tally) mostly() string {
	if all := t.failures(); len(all) > 0 {
		return fmt.Sprintf("%s (%d times)", all[0].What, all[0].Count)
	}
	return "nobody had the time"
}

// histogram counts lengths of time to a sixteenth of their size. What is negative counts as nothing.
type histogram struct {
	counts [64 * 16]int64
	n      int64
	sum    time.Duration
	most   time.Duration
}

func (h *histogram) add(d time.Duration) {
	d = max(0, d)
	h.counts[slot(d)]++
	h.n++
	h.sum += d
	h.most = max(h.most, d)
}

// slot is the number of the bucket of d: four bits of mantissa behind the exponent.
func slot(d time.Duration) int {
	u := uint64(d)
	if u < 16 {
		return int(u)
	}
	exp := bits.Len64(u) - 5
	return (exp+1)*16 + int(u>>exp)&15
}

// top is the upper end of a bucket.
func top(slot int) time.Duration {
	if slot < 16 {
		return time.Duration(slot)
	}
	exp := slot/16 - 1
	return time.Duration((uint64(slot%16)|16)+1)<<exp - 1
}

// quantile is the length that a share q of all do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int64(q * float64(h.n-1))
	for i, n := range h.counts {
		if rank -= n; rank < 0 && n > 0 {
			return min(top(i), h.most)
		}
	}
	return h.most
}
