package origin

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"sync"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// form is one of the ways in which a version can be asked for. Adding gzipped to a
// plain form gives its compressed one.
type form int

const (
	full form = iota
	delta
	gzipped
	formCount = 2 * gzipped
)

// text is a finished answer. The header values are made once, so that a handler only points at them.
type text struct {
	data   []byte
	length []string // Content-Length
	etag   []string
	zipped bool
}

func newText(data []byte, tag string, zipped bool) *text {
	return &text{data, []string{strconv.Itoa(len(data))}, []string{`"` + tag + `"`}, zipped}
}

const initName = "init.0.mp4"

// segmentName and partName are the last elements of media URLs.
func segmentName(msn int64) string { return strconv.FormatInt(msn, 10) + ".m4s" }

func partName(c Cursor) string {
	return strconv.FormatInt(c.MSN, 10) + "." + strconv.Itoa(c.Part) + ".m4s"
}

// appendPart writes the line of p, with what applies to its segment in front of the first one (G-16).
func (s *Stream) appendPart(b []byte, p packager.Part) []byte {
	parts := [1]m3u8.Part{{
		URI:         partName(Cursor{p.MSN, p.Index}),
		Duration:    p.Dur.Seconds(),
		Independent: p.Independent,
	}}
	seg := m3u8.Segment{Parts: parts[:]}
	if p.Index == 0 {
		seg.ProgramDateTime = s.program.cfg.Wall(p.Start)
	}
	return m3u8.AppendSegment(b, &seg)
}

// appendEnd writes the lines behind the last part of seg.
func appendEnd(b []byte, seg *segment) []byte {
	return m3u8.AppendSegment(b, &m3u8.Segment{URI: segmentName(seg.msn), Duration: seg.dur.Seconds()})
}

// appendPlain writes seg without its parts.
func (s *Stream) appendPlain(b []byte, seg *segment) []byte {
	return m3u8.AppendSegment(b, &m3u8.Segment{
		URI: segmentName(seg.msn), Duration: seg.dur.Seconds(), ProgramDateTime: s.program.cfg.Wall(seg.start),
	})
}

// writeTail renders what all forms of v share. Whole segments lose their part lines, as soon as they
// begin more than three target durations from the end (P-12), so indices stay whole. Called locked.
func (s *Stream) writeTail(v *version) {
	plan, lim := &s.program.cfg.Plan, &s.program.limits
	var end media.Time
	if n := len(v.open); n > 0 {
		end = v.open[n-1].Start + v.open[n-1].Dur
	} else if n := len(v.segs); n > 0 {
		end = v.segs[n-1].end()
	}
	listed := v.segs[v.listed:]
	for s.plain < len(listed) && listed[s.plain].start < end-lim.partTags {
		before := len(s.old)
		s.old = s.appendPlain(s.old, listed[s.plain])
		listed[s.plain].plainLen = len(s.old) - before
		s.plain++
	}
	v.old = s.old[:len(s.old):len(s.old)]
	v.skipped = min(skippable(listed, plan.SkipUntil), s.plain)
	for _, seg := range listed[:v.skipped] {
		v.skipLen += seg.plainLen
	}

	b := make([]byte, 0, 4096)
	for _, seg := range listed[s.plain:] {
		b = append(b, seg.parted...)
	}
	b = append(b, s.lines...)
	if c, ok := v.hinted(); ok {
		b = m3u8.AppendPreloadHint(b, partName(c))
	}
	b = s.appendReports(b)
	if v.ended {
		b = m3u8.AppendEndList(b)
	}
	v.tail = b
}

// appendReports says how far the other renditions of the canvas are now.
func (s *Stream) appendReports(b []byte) []byte {
	for _, other := range *s.program.streams.Load() {
		if other == s || s.canvas != "" && other.canvas != "" && other.canvas != s.canvas {
			continue
		}
		if c, ok := other.Edge(); ok {
			b = m3u8.AppendRenditionReport(b, other.report, c.MSN, c.Part)
		}
	}
	return b
}

// form is v in form f, rendered at the first call and for everybody.
func (v *version) form(f form) *text {
	slot := &v.forms[f]
	if !slot.asked.Load() {
		slot.asked.Store(true)
	}
	if t := slot.text.Load(); t != nil {
		return t
	}
	return v.render(f)
}

// render makes form f unless it is there already. Only the first caller works, the others wait for it.
func (v *version) render(f form) *text {
	v.rendering.Lock()
	defer v.rendering.Unlock()
	return v.make(f)
}

// make is render without the lock. Called locked, or before v is published.
func (v *version) make(f form) *text {
	if t := v.forms[f].text.Load(); t != nil {
		return t
	}
	if f&delta != 0 && v.skipped == 0 {
		t := v.make(f &^ delta) // nothing to skip: the whole playlist (K-9)
		v.forms[f].text.Store(t)
		return t
	}
	var data []byte
	if f&gzipped != 0 {
		data = compress(v.make(f &^ gzipped).data)
	} else {
		data = v.write(f)
	}
	tag := strconv.FormatUint(v.number, 36) + "-" + strconv.Itoa(int(f))
	t := newText(data, tag, f&gzipped != 0)
	v.forms[f].text.Store(t)
	v.stream.renders.Add(1)
	return t
}

// write joins the pieces of a plain form. What a delta keeps is the same to the byte (K-5); its MAP went
// with the first segment (K-8).
func (v *version) write(f form) []byte {
	plan := &v.stream.program.cfg.Plan
	first := v.openMSN
	if v.listed < len(v.segs) {
		first = v.segs[v.listed].msn
	}
	b := make([]byte, 0, len(v.old)+len(v.tail)+512)
	b = m3u8.AppendHeader(b, m3u8.Header{
		TargetDuration: plan.Target,
		CanSkipUntil:   plan.SkipUntil.Seconds(),
		HoldBack:       plan.HoldBack.Seconds(),
		PartHoldBack:   plan.PartHoldBack.Seconds(),
		PartTarget:     plan.PartTarget.Seconds(),
		MediaSequence:  first,
	})
	if f == delta {
		b = m3u8.AppendSkip(b, v.skipped)
		b = append(b, v.old[v.skipLen:]...)
	} else {
		b = m3u8.AppendSegment(b, &m3u8.Segment{Map: initName})
		b = append(b, v.old...)
	}
	return append(b, v.tail...)
}

var zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// compress never fails: a buffer takes everything.
func compress(b []byte) []byte {
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	out := bytes.NewBuffer(make([]byte, 0, len(b)/3+64))
	z.Reset(out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}
