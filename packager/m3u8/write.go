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
	b = append(b, "\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"...)
	b = appendSeconds(b, ",CAN-SKIP-UNTIL=", h.CanSkipUntil)
	b = appendSeconds(b, ",HOLD-BACK=", h.HoldBack)
	b = appendSeconds(b, ",PART-HOLD-BACK=", h.PartHoldBack)
	b = appendSeconds(b, "\n#EXT-X-PART-INF:PART-TARGET=", h.PartTarget)
	if h.Event {
		b = append(b, "\n#EXT-X-PLAYLIST-TYPE:EVENT"...)
	}
	b = append(b, "\n#EXT-X-MEDIA-SEQUENCE:"...)
	b = strconv.AppendInt(b, h.MediaSequence, 10)
	b = append(b, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
	b = strconv.AppendInt(b, h.DiscontinuitySequence, 10)
	return append(b, '\n')
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
		b = s.ProgramDateTime.UTC().Round(time.Millisecond).AppendFormat(b, "2006-01-02T15:04:05.000Z")
		b = append(b, '\n')
	}
	if s.Gap {
		b = append(b, "#EXT-X-GAP\n"...)
	}
	for i := range s.Parts {
		b = appendPart(b, &s.Parts[i])
	}
	if s.URI == "" {
		return b
	}
	b = append(b, "#EXTINF:"...)
	b = strconv.AppendFloat(b, s.Duration, 'f', 5, 64)
	b = append(b, ",\n"...)
	b = appendURI(b, s.URI)
	return append(b, '\n')
}

func appendPart(b []byte, p *Part) []byte {
	b = append(b, "#EXT-X-PART:DURATION="...)
	b = strconv.AppendFloat(b, p.Duration, 'f', 5, 64)
	b = append(b, ",URI="...)
	b = appendQuoted(b, p.URI)
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

// AppendMapHint names the init section that the hinted part needs, where it is another than the one before (PH-4).
func AppendMapHint(b []byte, uri string) []byte {
	b = append(b, "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="...)
	b = appendQuoted(b, uri)
	return append(b, '\n')
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

// Append writes the whole playlist.
func (m *Multivariant) Append(b []byte) []byte {
	version := m.Version
	if version == 0 {
		version = 6
	}
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, int64(version), 10)
	b = append(b, '\n')
	if m.IndependentSegments {
		b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	for i := range m.Audio {
		b = m.Audio[i].append(b)
	}
	for i := range m.Other {
		b = m.Other[i].append(b)
	}
	for i := range m.Variants {
		b = m.Variants[i].append(b)
	}
	return b
}

func (m *Media) append(b []byte) []byte {
	b = append(b, "#EXT-X-MEDIA:TYPE="...)
	if m.Type == "" {
		b = append(b, "AUDIO"...)
	}
	b = append(b, m.Type...)
	b = appendString(b, ",GROUP-ID=", m.GroupID)
	b = appendString(b, ",NAME=", m.Name)
	b = appendString(b, ",LANGUAGE=", m.Language)
	if m.Default {
		b = append(b, ",DEFAULT=YES"...)
	}
	if m.AutoSelect {
		b = append(b, ",AUTOSELECT=YES"...)
	}
	b = appendString(b, ",CHANNELS=", m.Channels)
	b = appendString(b, ",INSTREAM-ID=", m.InstreamID)
	b = appendString(b, ",URI=", m.URI)
	return append(b, '\n')
}

func (v *Variant) append(b []byte) []byte {
	b = append(b, "#EXT-X-STREAM-INF:BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(v.Bandwidth), 10)
	if v.AverageBandwidth > 0 {
		b = append(b, ",AVERAGE-BANDWIDTH="...)
		b = strconv.AppendInt(b, int64(v.AverageBandwidth), 10)
	}
	b = appendString(b, ",CODECS=", v.Codecs)
	if v.Width > 0 && v.Height > 0 {
		b = append(b, ",RESOLUTION="...)
		b = strconv.AppendInt(b, int64(v.Width), 10)
		b = append(b, 'x')
		b = strconv.AppendInt(b, int64(v.Height), 10)
	}
	if v.FrameRate > 0 {
		b = append(b, ",FRAME-RATE="...)
		b = strconv.AppendFloat(b, v.FrameRate, 'f', 3, 64)
	}
	if v.VideoRange != "" {
		b = append(b, ",VIDEO-RANGE="...)
		b = append(b, v.VideoRange...)
	}
	b = appendString(b, ",AUDIO=", v.Audio)
	if v.ClosedCaptions == "" || v.ClosedCaptions == "NONE" {
		b = append(b, ",CLOSED-CAPTIONS=NONE"...)
	} else {
		b = appendString(b, ",CLOSED-CAPTIONS=", v.ClosedCaptions)
	}
	b = append(b, '\n')
	b = appendURI(b, v.URI)
	return append(b, '\n')
}

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
	if plain(s) {
		return append(append(b, s...), '"')
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
	return append(b, '"')
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
