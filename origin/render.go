package origin

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"sync"

	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// form is one of the ways in which a version can be asked for, made of these.
type form int

const (
	delta  form = 1 << iota // without the segments that may be skipped
	ranges                  // and without the date ranges; goes with delta
	frames                  // the playlist of key frames
	gzipped
	formCount      = 2 * gzipped
	full      form = 0
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

// initName is the k-th init section of a stream: another with each restart.
func initName(k int) string { return "init." + strconv.Itoa(k) + ".mp4" }

// segmentName and partName are the last elements of media URLs.
func segmentName(msn int64) string { return strconv.FormatInt(msn, 10) + ".m4s" }

func partName(c Cursor) string {
	return strconv.FormatInt(c.MSN, 10) + "." + strconv.Itoa(c.Part) + ".m4s"
}

// byteRange is n bytes from an offset on, as playlists say it.
func byteRange(n, offset int64) string {
	return strconv.FormatInt(n, 10) + "@" + strconv.FormatInt(offset, 10)
}

// appendPart writes the line of p, the next part of seg, with what applies to the segment in front of the first one (G-16).
func (s *Stream) appendPart(b []byte, p packager.Part, seg *segment) []byte {
	if p.Index == 0 {
		b = s.appendHead(b, seg)
	}
	if !s.program.cfg.Plan.LowLatency() {
		return b
	}
	parts := [1]m3u8.Part{{
		URI:         partName(Cursor{p.MSN, p.Index}),
		Duration:    p.Dur.Seconds(),
		Independent: p.Independent,
		Gap:         p.Gap,
	}}
	if s.program.cfg.Ranges {
		parts[0].URI = segmentName(p.MSN)
		if !p.Gap {
			parts[0].ByteRange = byteRange(int64(len(p.Data)), seg.size)
		}
	}
	return m3u8.AppendSegment(b, &m3u8.Segment{Parts: parts[:]})
}

// appendHead writes what applies to a segment and stands before its first line.
func (s *Stream) appendHead(b []byte, seg *segment) []byte {
	head := m3u8.Segment{ProgramDateTime: seg.wall, Discontinuity: seg.cut}
	if seg.cut {
		head.Map = initName(seg.init)
	}
	return m3u8.AppendSegment(b, &head)
}

// appendEnd writes the lines behind the last part of seg.
func appendEnd(b []byte, seg *segment) []byte {
	return m3u8.AppendSegment(b, &m3u8.Segment{URI: segmentName(seg.msn), Duration: seg.dur.Seconds(), Gap: seg.gap})
}

// appendPlain writes seg without its parts.
func (s *Stream) appendPlain(b []byte, seg *segment) []byte {
	return appendEnd(s.appendHead(b, seg), seg)
}

// writeTail renders what all forms of v share. Whole segments lose their part lines, as soon as they
// begin more than three target durations from the end (P-12), so indices stay whole. Called locked.
func (s *Stream) writeTail(v *version) {
	plan, lim := &s.program.cfg.Plan, &s.program.limits
	end := s.pos
	if n := len(v.open); n > 0 {
		end += v.open[n-1].Start + v.open[n-1].Dur - v.open[0].Start
	}
	shown := lim.partTags
	if s.retired {
		shown = 0
	}
	for ; s.plain < s.next; s.plain++ {
		seg := v.segment(s.plain)
		if seg.start >= end-shown {
			break
		}
		s.old = s.appendPlain(s.old, seg)
		seg.text = s.base + int64(len(s.old))
	}
	v.old = s.old[:len(s.old):len(s.old)]
	if v.skipped = min(v.skippable(plan.SkipUntil), int(max(0, s.plain-v.first))); v.skipped > 0 {
		v.skipLen = int(v.textEnd(v.first+int64(v.skipped)-1) - s.base)
	}

	b := make([]byte, 0, 4096)
	for msn := s.plain; msn < s.next; msn++ {
		b = append(b, v.segment(msn).parted...)
	}
	b = append(b, s.lines...)
	v.tail = b
	s.tell(v)

	b = make([]byte, 0, 1024)
	if c, ok := v.hinted(); ok {
		b = s.appendHint(b, c)
		if k, cut := s.initOf(c.MSN); cut && c.Part == 0 {
			b = m3u8.AppendMapHint(b, initName(k)) // PH-4
		}
	}
	b = s.appendReports(b)
	if v.ended {
		b = m3u8.AppendEndList(b)
	}
	v.edges = b
}

// appendHint names what comes next, in the way in which it will be listed (PH-1, PH-2).
func (s *Stream) appendHint(b []byte, c Cursor) []byte {
	switch {
	case !s.program.cfg.Ranges:
		return m3u8.AppendPreloadHint(b, partName(c))
	case c.Part == 0:
		return m3u8.AppendRangeHint(b, segmentName(c.MSN), 0)
	}
	return m3u8.AppendRangeHint(b, segmentName(c.MSN), s.making.size)
}

// appendReports says how far the other renditions of the canvas are now.
func (s *Stream) appendReports(b []byte) []byte {
	if !s.program.cfg.Plan.LowLatency() {
		return b
	}
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

// cheap reports whether a form may be rendered before anybody asks: not the full text of a long window.
func (v *version) cheap(f form) bool {
	return f&frames == 0 && (f&delta != 0 && v.skipped > 0 || len(v.old) < 64<<10)
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
	if f&delta != 0 && v.skips(f) == 0 {
		t := v.make(f &^ (delta | ranges)) // nothing to skip: the whole playlist (K-9)
		v.forms[f].text.Store(t)
		return t
	}
	var data []byte
	if f&gzipped != 0 {
		data = compress(v.make(f &^ gzipped).data)
	} else {
		data = v.write(f)
		if f&frames != 0 {
			data = v.writeFrames(f)
		}
	}
	tag := strconv.FormatUint(v.number, 36) + "-" + strconv.Itoa(int(f))
	t := newText(data, tag, f&gzipped != 0)
	v.forms[f].text.Store(t)
	v.stream.renders.Add(1)
	return t
}

// skips is how many segments a delta leaves out.
func (v *version) skips(f form) int {
	if f&frames != 0 {
		return v.skippable(v.stream.program.cfg.Plan.SkipUntil)
	}
	return v.skipped
}

// header is what all plain forms begin with.
func (v *version) header(f form) m3u8.Header {
	plan := &v.stream.program.cfg.Plan
	h := m3u8.Header{
		TargetDuration:    plan.Target,
		CanBlockReload:    plan.LowLatency(),
		CanSkipUntil:      plan.SkipUntil.Seconds(),
		CanSkipDateRanges: true,
		HoldBack:          plan.HoldBack.Seconds(),
		PartHoldBack:      plan.PartHoldBack.Seconds(),
		PartTarget:        plan.PartTarget.Seconds(),
		Event:             v.stream.program.cfg.Event,
		IFramesOnly:       f&frames != 0,

		MediaSequence:         v.first,
		DiscontinuitySequence: v.dsn,
	}
	switch {
	case f&ranges != 0:
		h.Version = 10
	case f&delta == 0 && (f&frames != 0 || !plan.LowLatency()):
		h.Version = 6
	}
	if h.IFramesOnly { // it has no parts (P-14); SERVER-CONTROL is that of all playlists (M-16)
		h.PartTarget = 0
	}
	return h
}

// write joins the pieces of a plain form. What a delta keeps is the same to the byte (K-5); its MAP went
// with the first segment (K-8).
func (v *version) write(f form) []byte {
	b := make([]byte, 0, len(v.old)+len(v.tail)+len(v.ranges)+len(v.edges)+512)
	b = m3u8.AppendHeader(b, v.header(f))
	if f&delta != 0 {
		b = v.appendSkip(b, f, v.skipped)
		b = append(b, v.old[v.skipLen:]...)
	} else {
		if k, cut := v.opening(v.first); !cut { // else its own lines say it (L-10)
			b = m3u8.AppendSegment(b, &m3u8.Segment{Map: initName(k)})
		}
		b = append(b, v.old...)
	}
	b = append(b, v.tail...)
	if f&ranges != 0 {
		b = append(b, v.recent...)
	} else {
		b = append(b, v.ranges...)
	}
	return append(b, v.edges...)
}

func (v *version) appendSkip(b []byte, f form, n int) []byte {
	if f&ranges != 0 {
		return m3u8.AppendSkipDateRanges(b, n, v.removed)
	}
	return m3u8.AppendSkip(b, n)
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
