package m3u8

import (
	"slices"
	"strings"
)

// CheckUpdate holds a version of a media playlist against an earlier one of the same URL: only the edits of
// L-1 are allowed, and a listed segment never changes (L-11). Both are full playlists; apply a delta first.
func CheckUpdate(prev, next *Playlist) []Finding {
	var c checker
	if prev.Skipped > 0 || next.Skipped > 0 {
		c.add("K-1", 0, "a delta cannot be compared before it is applied")
		return c.findings
	}
	c.constants(prev, next)
	c.window(prev, next)
	gone := false // a younger segment than this has lost parts
	for i := len(next.Segments) - 1; i >= 0; i-- {
		s := &next.Segments[i]
		old, open := prev.find(s.MSN)
		if old == nil {
			continue
		}
		c.sameSegment(old, s, open)
		if gone && len(s.Parts) > 0 {
			c.add("P-12", s.Line, "segment %d has kept parts longer than a younger one", s.MSN)
		}
		gone = gone || !open && len(s.Parts) < len(old.Parts)
	}
	if next.Open != nil {
		if old, open := prev.find(next.Open.MSN); open {
			c.sameSegment(old, next.Open, open)
		} else if old != nil {
			c.add("L-1", next.Open.Line, "segment %d was complete and is open again", old.MSN)
		}
	}
	c.promised(prev, next)
	c.keptRanges(prev, next)
	return c.findings
}

// constants never change in the life of a playlist.
func (c *checker) constants(prev, next *Playlist) {
	if prev.TargetDuration != next.TargetDuration {
		c.add("M-2", 0, "TARGETDURATION changed from %d to %d", prev.TargetDuration, next.TargetDuration)
	}
	a, b := prev.Header, next.Header
	a.Version, a.TargetDuration, a.MediaSequence, a.DiscontinuitySequence = b.Version, b.TargetDuration, b.MediaSequence, b.DiscontinuitySequence
	if a != b {
		c.add("M-23", 0, "SERVER-CONTROL or PART-INF changed from %+v to %+v", a, b)
	}
	if prev.Type != next.Type {
		c.add("M-12", 0, "PLAYLIST-TYPE changed from %q to %q", prev.Type, next.Type)
	}
	if prev.EndList && !next.EndList {
		c.add("M-14", 0, "EXT-X-ENDLIST is gone")
	}
}

// window looks at where the playlist begins and ends.
func (c *checker) window(prev, next *Playlist) {
	if next.MediaSequence < prev.MediaSequence {
		c.add("M-5", 0, "MEDIA-SEQUENCE went back from %d to %d", prev.MediaSequence, next.MediaSequence)
	}
	if next.DiscontinuitySequence < prev.DiscontinuitySequence {
		c.add("M-9", 0, "DISCONTINUITY-SEQUENCE went back from %d to %d", prev.DiscontinuitySequence, next.DiscontinuitySequence)
	}
	before, after := prev.MediaSequence+int64(len(prev.Segments)), next.MediaSequence+int64(len(next.Segments))
	if after < before {
		c.add("L-1", 0, "the last segment went back from %d to %d", before-1, after-1)
	}
	if prev.EndList && after > before {
		c.add("M-14", 0, "segments were added after EXT-X-ENDLIST")
	}
	if next.MediaSequence > prev.MediaSequence && !next.EndList {
		var listed int64
		for i := range next.Segments {
			listed += micros(next.Segments[i].Duration)
		}
		if listed < 3e6*int64(next.TargetDuration) {
			c.add("L-5", 0, "segments were removed and %gs are left, less than 3 target durations", float64(listed)/1e6)
		}
	}
}

// find answers the segment with that number and whether it is the open one.
func (p *Playlist) find(msn int64) (s *Listed, open bool) {
	if i := msn - p.MediaSequence; i >= 0 && i < int64(len(p.Segments)) {
		return &p.Segments[i], false
	}
	if p.Open != nil && p.Open.MSN == msn {
		return p.Open, true
	}
	return nil, false
}

// sameSegment holds a segment against its earlier self, which was open or complete.
func (c *checker) sameSegment(old, s *Listed, open bool) {
	switch {
	case !open && (old.URI != s.URI || old.ByteRange != s.ByteRange):
		c.add("L-11", s.Line, "segment %d was %s and is %s now", s.MSN, old.URI, s.URI)
	case !open && old.Duration != s.Duration:
		c.add("L-1", s.Line, "segment %d lasted %g and lasts %g now", s.MSN, old.Duration, s.Duration)
	case old.DSN != s.DSN:
		c.add("M-9", s.Line, "segment %d had discontinuity sequence number %d and has %d now", s.MSN, old.DSN, s.DSN)
	case old.InForce != s.InForce || old.Key != s.Key || old.Gap && !s.Gap || !open && s.Gap != old.Gap:
		c.add("L-1", s.Line, "EXT-X-MAP, EXT-X-KEY or EXT-X-GAP of segment %d changed", s.MSN)
	case !old.ProgramDateTime.IsZero() && !s.ProgramDateTime.IsZero() && !old.ProgramDateTime.Equal(s.ProgramDateTime):
		c.add("L-1", s.Line, "the date of segment %d changed from %v to %v", s.MSN, old.ProgramDateTime, s.ProgramDateTime)
	}
	if !sameParts(old.Parts, s.Parts, open, s.URI == "") {
		c.add("L-1", s.Line, "the parts of segment %d changed", s.MSN)
	}
}

// sameParts reports whether next can have become of prev: parts are added behind while a segment is
// open, and removed, oldest first, once they are old.
func sameParts(prev, next []Part, wasOpen, isOpen bool) bool {
	if wasOpen && (isOpen || len(next) >= len(prev)) {
		return len(next) >= len(prev) && equal(prev, next[:len(prev)])
	}
	if wasOpen {
		return true // complete and old by now: what is left is its end, which was not seen before
	}
	return len(next) <= len(prev) && equal(prev[len(prev)-len(next):], next)
}

func equal(a, b []Part) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// promised holds the hint of prev against the part that came next (PH-2).
func (c *checker) promised(prev, next *Playlist) {
	if prev.Open == nil && len(prev.Segments) == 0 {
		return
	}
	msn, part := prev.MediaSequence+int64(len(prev.Segments)), 0
	if prev.Open != nil {
		part = len(prev.Open.Parts)
	}
	s, open := next.find(msn)
	if s != nil && !open && len(s.Parts) == part && part > 0 {
		s, _ = next.find(msn + 1)
		part = 0
	}
	if s == nil || part >= len(s.Parts) {
		return
	}
	c.newInit(prev, s)
	for _, h := range prev.Hints {
		if h.Type == "PART" && s.Parts[part].URI != h.URI {
			c.add("PH-2", s.Line, "%s was promised, %s came", h.URI, s.Parts[part].URI)
		}
	}
}

// newInit wants a hint at the init section of s, the segment of the part that came next, where it is another than that
// of the last part before (PH-4).
func (c *checker) newInit(prev *Playlist, s *Listed) {
	last := prev.Open
	if last == nil && len(prev.Segments) > 0 {
		last = &prev.Segments[len(prev.Segments)-1]
	}
	if last == nil || last.InForce == s.InForce || prev.EndList {
		return
	}
	uri, _, _ := strings.Cut(s.InForce, "#")
	if !slices.ContainsFunc(prev.Hints, func(h Hint) bool { return h.Type == "MAP" && h.URI == uri }) {
		c.add("PH-4", s.Line, "segment %d has the new init section %s, and no hint said so", s.MSN, uri)
	}
}
