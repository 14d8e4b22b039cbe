package lint

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verdictOf is what a cache says of where an answer came from.
type verdictOf int

const (
	unsaid verdictOf = iota
	missed
	hit
)

// source reads what caches say: Cache-Status (RFC 9211) and the fields that were there before it.
func source(h http.Header) verdictOf {
	if v := strings.ToLower(h.Get("Cache-Status")); v != "" {
		last := v[strings.LastIndexByte(v, ',')+1:]
		for item := range strings.SplitSeq(last, ";") {
			if item = strings.TrimSpace(item); item == "hit" || item == "collapsed" || item == "collapsed=?1" {
				return hit
			}
		}
		return missed
	}
	for _, name := range []string{"CF-Cache-Status", "X-Cache", "X-Cache-Status", "X-Proxy-Cache", "X-Cache-Lookup", "CDN-Cache"} {
		v := strings.ToLower(h.Get(name))
		if i := strings.LastIndexByte(v, ','); i >= 0 { // the edge comes last: MISS, HIT
			v = v[i+1:]
		}
		switch {
		case strings.Contains(v, "hit"), strings.Contains(v, "stale"), strings.Contains(v, "revalidated"), strings.Contains(v, "updating"):
			return hit
		case v != "":
			return missed
		}
	}
	if v := h.Get("X-Varnish"); v != "" { // of a hit it has two numbers
		if len(strings.Fields(v)) > 1 {
			return hit
		}
		return missed
	}
	if age, ok := ageOf(h); ok && age > 0 {
		return hit
	}
	return unsaid
}

// ageOf is the field Age, and whether it is there.
func ageOf(h http.Header) (time.Duration, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Age")))
	return time.Duration(n) * time.Second, err == nil
}

// signed reports whether any field says that the answer went through a cache.
func signed(h http.Header) bool {
	return source(h) != unsaid || slices.ContainsFunc([]string{"Age", "Via", "X-Served-By", "X-Amz-Cf-Id", "CF-Ray", "X-Akamai-Request-ID", "X-Cache-Hits"},
		func(name string) bool { return h.Get(name) != "" })
}

// collapsed sums up the answers to requests for one thing that were sent at the same time.
type collapsed struct {
	n, misses, unsaid, other int           // other: statuses but 200
	status                   int           // one of those
	spread                   time.Duration // of the first bytes
	lost                     error         // one that had no answer
	held                     time.Duration
}

func sumUp(answers []*answer, errs []error) collapsed {
	c := collapsed{n: len(answers)}
	var first, last time.Time
	for i, a := range answers {
		if errs[i] != nil {
			c.lost = errs[i]
			continue
		}
		switch {
		case a.status != http.StatusOK:
			c.other++
			c.status = a.status
		case source(a.header) == missed:
			c.misses++
		case source(a.header) == unsaid:
			c.unsaid++
		}
		if first.IsZero() || a.first.Before(first) {
			first = a.first
		}
		if a.first.After(last) {
			last = a.first
		}
		c.held = max(c.held, a.done.Sub(a.sent))
	}
	c.spread = last.Sub(first)
	return c
}
