package lint

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"tilecast/packager/m3u8"
)

// enqueue puts what is new in p into the queue: parts before their segment, the hint behind all.
func (o *rendition) enqueue(ctx context.Context, p *m3u8.Playlist) {
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.MSN < o.segment {
			continue
		}
		o.enqueueParts(ctx, s)
		o.push(ctx, item{kind: segmentItem, url: s.URI, seg: s, byteRange: segmentRange(p, i)})
		o.segment, o.listed = s.MSN+1, cursor{s.MSN + 1, 0}
	}
	if p.Open != nil {
		o.enqueueParts(ctx, p.Open)
	}
	if p.EndList {
		return
	}
	for _, h := range p.Hints {
		it := item{kind: hintItem, url: h.URI, from: h.Start, seg: &m3u8.Listed{MSN: edge(p).msn}}
		switch {
		case h.Type != "PART" || h.Length > 0:
			continue
		case h.Ranged || ranged(p):
			if o.opened++; o.opened%4 != 1 {
				return // the answer takes as long as the segment
			}
			it.byteRange = fmt.Sprintf("bytes=%d-9007199254740991", h.Start)
		}
		o.push(ctx, it)
		return
	}
}

func (o *rendition) enqueueParts(ctx context.Context, s *m3u8.Listed) {
	if o.reloads == 1 && s.URI != "" && !whole(s) {
		return // the first of them may have gone already: their numbers are not known
	}
	ranges := partRanges(s)
	for i := range s.Parts {
		if here := (cursor{s.MSN, i}); !here.before(o.listed) {
			o.push(ctx, item{kind: partItem, url: s.Parts[i].URI, seg: s, part: i, byteRange: ranges[i]})
			o.listed = cursor{s.MSN, i + 1}
		}
	}
}

// push resolves it and puts it into the queue. Of a stream that has ended there is time to wait for room.
func (o *rendition) push(ctx context.Context, it item) {
	u, err := resolve(o.url, it.url)
	if err != nil {
		o.found.add("S-3", o.url, it.at(), "URI %q: %v", it.url, err)
		return
	}
	it.url = u
	it.plain = !strings.Contains(it.seg.Key, "METHOD=AES-")
	if o.now.list.EndList {
		select {
		case o.queue <- it:
		case <-ctx.Done():
		}
		return
	}
	select {
	case o.queue <- it:
	default:
		o.discarded++
	}
}

// departures asks for what p has that the newest playlist has not any more: a segment at once (L-6), a part
// shortly before three target durations are over (P-13).
func (o *rendition) departures(old *m3u8.Playlist) {
	p := o.now.list
	if p.MediaSequence > old.MediaSequence && len(old.Segments) > 0 && !old.Segments[0].Gap && o.left < 3 {
		o.left++
		o.push(context.Background(), item{kind: goneItem, rule: "L-6", url: old.Segments[0].URI, seg: &old.Segments[0], byteRange: segmentRange(old, 0)})
	}
	for i := range old.Segments {
		s := &old.Segments[i]
		if now := segment(p, s.MSN); len(s.Parts) > 0 && !s.Parts[0].Gap && (now == nil || len(now.Parts) == 0) && len(o.leaving) < 3 {
			it := item{kind: goneItem, rule: "P-13", url: s.Parts[0].URI, seg: s, byteRange: partRanges(s)[0]}
			o.leaving = append(o.leaving, leaving{it, o.now.at.Add(o.target() * 5 / 2)})
		}
	}
	for len(o.leaving) > 0 && o.leaving[0].due.Before(o.now.at) {
		o.push(context.Background(), o.leaving[0].item)
		o.leaving = o.leaving[1:]
	}
}

// whole reports whether all parts of a complete segment are listed.
func whole(s *m3u8.Listed) bool {
	sum := 0.0
	for i := range s.Parts {
		sum += s.Parts[i].Duration
	}
	return sum > s.Duration-0.02
}

// ranged reports whether parts are pieces of their segments.
func ranged(p *m3u8.Playlist) bool {
	if p.Open != nil {
		return p.Open.Parts[0].ByteRange != ""
	}
	n := len(p.Segments)
	return n > 0 && len(p.Segments[n-1].Parts) > 0 && p.Segments[n-1].Parts[0].ByteRange != ""
}

// partRanges are the values of Range that the parts of s need.
func partRanges(s *m3u8.Listed) []string {
	ranges := make([]string, len(s.Parts))
	var next int64
	for i := range s.Parts {
		if i > 0 && s.Parts[i].URI != s.Parts[i-1].URI {
			next = 0
		}
		ranges[i], next = byteRange(s.Parts[i].ByteRange, next)
	}
	return ranges
}

// segmentRange is the value of Range that segment i needs.
func segmentRange(p *m3u8.Playlist, i int) string {
	first := i
	for first > 0 && p.Segments[first].ByteRange != "" && !strings.Contains(p.Segments[first].ByteRange, "@") {
		first--
	}
	var value string
	var next int64
	for ; first <= i; first++ {
		value, next = byteRange(p.Segments[first].ByteRange, next)
	}
	return value
}

// byteRange turns n[@o] into a value of Range; without an offset it begins at next.
func byteRange(s string, next int64) (value string, end int64) {
	if s == "" {
		return "", 0
	}
	length, offset, explicit := strings.Cut(s, "@")
	n, _ := strconv.ParseInt(length, 10, 64)
	if explicit {
		next, _ = strconv.ParseInt(offset, 10, 64)
	}
	return fmt.Sprintf("bytes=%d-%d", next, next+n-1), next + n
}

// splitMap takes the byte range off an init section's name as m3u8 gives it.
func splitMap(ref string) (uri, value string) {
	uri, r, _ := strings.Cut(ref, "#")
	value, _ = byteRange(r, 0)
	return uri, value
}
