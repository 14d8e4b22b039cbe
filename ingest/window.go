package ingest

import (
	"slices"

	"tilecast/media"
)

// leastWindow is the least of values over the last syncWindow. When values of
// the last two seconds are all larger by more than syncSnap, only they count: the
// path has become longer, and will not soon be short again.
type leastWindow struct {
	buckets [syncWindow / syncBucket]bucket
	cur     int64 // number of the newest bucket
}

type bucket struct {
	n     int64 // its number + 1; 0: unused
	value media.Time
}

const recentBuckets = 4

func (w *leastWindow) empty() bool { return w.cur == 0 }

func (w *leastWindow) add(v, now media.Time) {
	n := int64(max(0, now)/syncBucket) + 1
	b := &w.buckets[n%int64(len(w.buckets))]
	if b.n != n {
		*b = bucket{n, v}
		w.cur = n
		w.shed(n)
	} else {
		b.value = min(b.value, v)
	}
}

// shed drops old buckets when the recent ones have all grown.
func (w *leastWindow) shed(n int64) {
	var recent, older media.Time
	full, hasOlder := 0, false
	for _, b := range w.buckets {
		switch {
		case b.n == 0 || b.n >= n || n-b.n >= int64(len(w.buckets)): // unused, current or expired
		case n-b.n <= recentBuckets:
			if full == 0 || b.value < recent {
				recent = b.value
			}
			full++
		default:
			if !hasOlder || b.value < older {
				older = b.value
			}
			hasOlder = true
		}
	}
	if full < recentBuckets || !hasOlder || recent-older <= syncSnap {
		return
	}
	for i := range w.buckets {
		if n-w.buckets[i].n > recentBuckets {
			w.buckets[i] = bucket{}
		}
	}
}

// least is the least value that counts. In a silence the last ones there were do.
func (w *leastWindow) least() (media.Time, bool) {
	if w.cur == 0 {
		return 0, false
	}
	var least media.Time
	ok := false
	for _, b := range w.buckets {
		if b.n != 0 && w.cur-b.n < int64(len(w.buckets)) && (!ok || b.value < least) {
			least, ok = b.value, true
		}
	}
	return least, ok
}

// lateWindow is how late things were over the last syncWindow.
type lateWindow struct {
	buckets [syncWindow / syncBucket]bucket // here of the largest value
}

// rare is the number of buckets whose largest value does not count.
const rare = 1

func (w *lateWindow) add(v, now media.Time) {
	n := int64(max(0, now)/syncBucket) + 1
	b := &w.buckets[n%int64(len(w.buckets))]
	if b.n != n {
		*b = bucket{n, v}
	}
	b.value = max(b.value, v)
}

// often is the lateness that is reached every few seconds; 0 when too little is known.
func (w *lateWindow) often(now media.Time) media.Time {
	var most []media.Time
	for _, b := range w.buckets {
		if age := int64(max(0, now)/syncBucket) + 1 - b.n; b.n != 0 && age < int64(len(w.buckets)) {
			most = append(most, b.value)
		}
	}
	if len(most) <= rare {
		return 0
	}
	slices.Sort(most)
	return most[len(most)-1-rare]
}
