package m3u8

import (
	"strconv"
	"strings"
	"time"
)

// Writers append to b and return it, as append does; none allocates while b has room.
// Call them in the order header, skip, segments, open segment, hint, reports, end (1.1).

// AppendHeader writes everything that comes before the first segment, or before the SKIP of a delta.
func AppendHeader(b []byte, h Header) []byte {
	if h.Version == 0 {
		h.Version = 9
	}
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, int64(h.Version), 10)
	b = append(b, "\n#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, int64(h.TargetDuration), 10)
	b = appendServerControl(b, &h)
	b = appendSeconds(b, "\n#EXT-X-PART-INF:PART-TARGET=", h.PartTarget)
	if h.Event {
		b = append(b, "\n#EXT-X-PLAYLIST-TYPE:EVENT"...)
	}
	b = append(b, "\n#EXT-X-MEDIA-SEQUENCE:"...)
	b = strconv.AppendInt(b, h.MediaSequence, 10)
	b = append(b, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
	b = strconv.AppendInt(b, h.DiscontinuitySequence, 10)
	if h.IFramesOnly {
		b = append(b, "\n#EXT-X-I-FRAMES-ONLY"...)
	}
	return append(b, '\n')
}

// appendServerControl writes the tag if there is anything in it, in a line that is begun by its line feed.
func appendServerControl(b []byte, h *Header) []byte {
	const tag = "\n#EXT-X-SERVER-CONTROL:"
	begin := len(b) + len(tag)
	b = append(b, tag...)
	if h.CanBlockReload {
		b = append(b, ",CAN-BLOCK-RELOAD=YES"...)
	}
	b = appendSeconds(b, ",CAN-SKIP-UNTIL=", h.CanSkipUntil)
	if h.CanSkipDateRanges && h.CanSkipUntil > 0 {
		b = append(b, ",CAN-SKIP-DATERANGES=YES"...)
	}
	b = appendSeconds(b, ",HOLD-BACK=", h.HoldBack)
	b = appendSeconds(b, ",PART-HOLD-BACK=", h.PartHoldBack)
	if len(b) == begin {
		return b[:begin-len(tag)]
	}
	return append(b[:begin], b[begin+1:]...) // without the first comma
}

// AppendSkip replaces the first n segments of a delta update (K-1). Nothing is written for
// zero: a playlist with nothing to skip is a full one (K-9).
func AppendSkip(b []byte, n int) []byte {
	if n <= 0 {
		return b
	}
	b = append(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS="...)
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, '\n')
}

// AppendSkipDateRanges is AppendSkip of a delta that leaves out date ranges, too, and names those that have been
// removed lately (K-6). It is only right in a playlist of version 10.
func AppendSkipDateRanges(b []byte, n int, removed []string) []byte {
	if n <= 0 {
		return b
	}
	b = append(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS="...)
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, ",RECENTLY-REMOVED-DATERANGES=\""...)
	for i, id := range removed {
		if i > 0 {
			b = append(b, '\t')
		}
		b = appendClean(b, id)
	}
	return append(b, "\"\n"...)
}

// AppendSegment writes a segment with its parts, or, while it has no URI, the parts of
// the open one. What applies to the segment stands before its first part (G-16).
func AppendSegment(b []byte, s *Segment) []byte {
	if s.Discontinuity {
		b = append(b, "#EXT-X-DISCONTINUITY\n"...)
	}
	if s.Map != "" {
		b = append(b, "#EXT-X-MAP:URI="...)
		b = appendQuoted(b, s.Map)
		b = append(b, '\n')
	}
	if !s.ProgramDateTime.IsZero() {
		b = append(b, "#EXT-X-PROGRAM-DATE-TIME:"...)
		b = appendDate(b, s.ProgramDateTime)
		b = append(b, '\n')
	}
	for i := range s.Parts {
		b = appendPart(b, &s.Parts[i])
	}
	if s.URI == "" {
		return b
	}
	if s.Gap { // behind its parts, for they are listed before it is known that there is nothing else (L-1)
		b = append(b, "#EXT-X-GAP\n"...)
	}
	b = append(b, "#EXTINF:"...)
	b = strconv.AppendFloat(b, s.Duration, 'f', 5, 64)
	b = append(b, ",\n"...)
	if s.ByteRange != "" {
		b = append(b, "#EXT-X-BYTERANGE:"...)
		b = append(b, s.ByteRange...)
		b = append(b, '\n')
	}
	b = appendURI(b, s.URI)
	return append(b, '\n')
}

func appendPart(b []byte, p *Part) []byte {
	b = append(b, "#EXT-X-PART:DURATION="...)
	b = strconv.AppendFloat(b, p.Duration, 'f', 5, 64)
	b = append(b, ",URI="...)
	b = appendQuoted(b, p.URI)
	b = appendString(b, ",BYTERANGE=", p.ByteRange)
	if p.Independent {
		b = append(b, ",INDEPENDENT=YES"...)
	}
	if p.Gap {
		b = append(b, ",GAP=YES"...)
	}
	return append(b, '\n')
}

// AppendPreloadHint names the part that comes next (PH-1).
func AppendPreloadHint(b []byte, uri string) []byte {
	b = append(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI="...)
	b = appendQuoted(b, uri)
	return append(b, '\n')
}

// AppendRangeHint names the bytes that come next: those of uri from start on, however many (PH-6).
func AppendRangeHint(b []byte, uri string, start int64) []byte {
	b = append(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI="...)
	b = appendQuoted(b, uri)
	b = append(b, ",BYTERANGE-START="...)
	b = strconv.AppendInt(b, start, 10)
	return append(b, '\n')
}

// AppendMapHint names the init section of the part that comes next, where it is another one (PH-4).
func AppendMapHint(b []byte, uri string) []byte {
	b = append(b, "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="...)
	b = appendQuoted(b, uri)
	return append(b, '\n')
}

// AppendDateRange writes a date range (D-1, D-5).
func AppendDateRange(b []byte, d *DateRange) []byte {
	b = append(b, "#EXT-X-DATERANGE:ID="...)
	b = appendQuoted(b, d.ID)
	b = appendString(b, ",CLASS=", d.Class)
	b = append(b, ",START-DATE=\""...)
	b = appendDate(b, d.Start)
	b = append(b, '"')
	if d.Duration >= 0 {
		b = append(b, ",DURATION="...)
		b = strconv.AppendFloat(b, d.Duration, 'f', 5, 64)
	}
	if d.Next {
		b = append(b, ",END-ON-NEXT=YES"...)
	}
	for _, a := range d.Client {
		b = append(b, ',')
		b = append(b, a.Name...)
		b = append(b, '=')
		b = appendQuoted(b, a.Value)
	}
	return append(b, '\n')
}

// appendDate writes a date to the millisecond (G-10).
func appendDate(b []byte, t time.Time) []byte {
	return t.UTC().Round(time.Millisecond).AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

// AppendRenditionReport says how far another media playlist has come: the last part it
// lists and that part's segment. A negative lastPart means it has no parts.
func AppendRenditionReport(b []byte, uri string, lastMSN int64, lastPart int) []byte {
	b = append(b, "#EXT-X-RENDITION-REPORT:URI="...)
	b = appendQuoted(b, uri)
	if lastMSN >= 0 {
		b = append(b, ",LAST-MSN="...)
		b = strconv.AppendInt(b, lastMSN, 10)
	}
	if lastPart >= 0 {
		b = append(b, ",LAST-PART="...)
		b = strconv.AppendInt(b, int64(lastPart), 10)
	}
	return append(b, '\n')
}

// AppendEndList ends the playlist for good (M-14).
func AppendEndList(b []byte) []byte { return append(b, "#EXT-X-ENDLIST\n"...) }

// appendSeconds writes an attribute in seconds, rounded to five decimals without needless
// zeros; nothing for zero. Never an exponent (S-6).
func appendSeconds(b []byte, name string, s float64) []byte {
	if s < 0.000005 {
		return b
	}
	b = append(b, name...)
	b = strconv.AppendFloat(b, s, 'f', 5, 64)
	for b[len(b)-1] == '0' && b[len(b)-2] != '.' {
		b = b[:len(b)-1]
	}
	return b
}

// appendString writes an attribute whose value is a quoted string; nothing when it is empty.
func appendString(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendQuoted(append(b, name...), s)
}

// appendQuoted keeps any s within S-2 and S-6: a double quote becomes a single one, a
// control character a space, a broken character U+FFFD.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	return append(appendClean(b, s), '"')
}

// appendClean writes what may stand between double quotes.
func appendClean(b []byte, s string) []byte {
	if plain(s) {
		return append(b, s...)
	}
	for _, r := range s {
		switch {
		case r == '"':
			r = '\''
		case control(r):
			r = ' '
		}
		b = append(b, string(r)...)
	}
	return b
}

// appendURI writes a URI line. What would end the line or be read as a tag is escaped.
func appendURI(b []byte, s string) []byte {
	if plain(s) && !strings.HasPrefix(s, "#") {
		return append(b, s...)
	}
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c == '"' || c >= 0x7f || i == 0 && c == '#' {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// plain reports whether s may be written as it stands: printable ASCII without a double quote.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c >= 0x7f {
			return false
		}
	}
	return true
}

// control reports whether r may not be in a playlist (S-2).
func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
