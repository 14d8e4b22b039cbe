package lint

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"time"

	"tilecast/packager/m3u8"
)

// grown is what came of a segment while it was made, from an offset on.
type grown struct {
	url  string
	from int64
	body []byte
}

// ahead asks for a hinted part before it is there (PH-8, PH-9).
func (o *rendition) ahead(ctx context.Context, it item) {
	if s := o.latest.Load(); s == nil || s.list.EndList || !hinted(s.list, o.url, it.url) {
		return
	}
	limited, cancel := context.WithTimeout(ctx, o.patience())
	defer cancel()
	q := get(it.url)
	q.byteRange = it.byteRange
	a, err := o.fetch.do(limited, q)
	switch {
	case err == nil && it.byteRange != "":
		o.grew(it, a)
	case err == nil:
		clear(o.early)
		o.early[it.url] = a
		o.found.done("hints")
	}
}

// grew holds the answer to an open-ended range of a segment that was being made against what it became (PH-7, PH-9).
func (o *rendition) grew(it item, a *answer) {
	if a.status != http.StatusPartialContent {
		if a.status != http.StatusNotFound { // a hint may be given up
			o.found.add("PH-7", o.url, it.at(), "Range: %s of the hinted %s is answered with %d", it.byteRange, path.Base(it.url), a.status)
		}
		return
	}
	o.found.done("hints")
	o.tail = &grown{url: it.url, from: it.from, body: a.body}
}

func hinted(list *m3u8.Playlist, base, u string) bool {
	for _, h := range list.Hints {
		if abs, err := resolve(base, h.URI); err == nil && h.Type == "PART" && abs == u {
			return true
		}
	}
	return false
}

// promised is the answer to the hint of a part, if it was asked for early.
func (o *rendition) promised(ctx context.Context, it item) *answer {
	a := o.early[it.url]
	if a == nil || it.kind != partItem {
		return nil
	}
	delete(o.early, it.url)
	if a.status != http.StatusOK {
		o.found.add("PH-8", o.url, it.at(), "the hinted part %s was answered with %d", path.Base(it.url), a.status)
		return nil
	}
	o.found.mediaHeader(a, o.url, it.at())
	took := a.done.Sub(a.first)
	slow := took > max(50*time.Millisecond, o.partTarget()*3/10)
	if o.twice++; !slow && o.twice > 3 && !o.unlike {
		return a
	}
	again := o.fetchMedia(ctx, it, "P-10", patience)
	if again == nil {
		return a
	}
	if !bytes.Equal(again.body, a.body) {
		o.unlike = true
		o.found.add("PH-9", o.url, it.at(), "%s had %d bytes when it was asked for early, and %d later", path.Base(it.url), len(a.body), len(again.body))
	} else if slow && again.done.Sub(again.first) < took/3 {
		o.found.add("PH-9", o.url, it.at(), "the hinted part %s took %v from its first byte to its last, and %v later",
			path.Base(it.url), took.Round(time.Millisecond), again.done.Sub(again.first).Round(time.Millisecond))
	}
	return again
}
