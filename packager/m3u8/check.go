package m3u8

import (
	"fmt"
	"math"
	"path"
	"strings"
	"time"
)

// Finding is a rule that a playlist breaks.
type Finding struct {
	Rule string // of the checklist
	Line int    // 0: the playlist as a whole
	Text string
}

func (f Finding) String() string {
	if f.Line == 0 {
		return f.Rule + ": " + f.Text
	}
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Rule, f.Text)
}

type checker struct{ findings []Finding }

func (c *checker) add(rule string, line int, format string, args ...any) {
	c.findings = append(c.findings, Finding{rule, line, fmt.Sprintf(format, args...)})
}

// tolerance is how far sums of printed durations may be off: each has five decimals or fewer.
const tolerance = 1000 // µs

// Check holds one version of a media playlist, full or delta, against the rules that can be
// seen in it alone. What the grammar says, ParseMedia has held already.
func Check(p *Playlist) []Finding {
	var c checker
	c.version(p)
	c.header(p)
	c.edge(p)
	var previous *Listed
	for i := range p.Segments {
		c.segment(p, &p.Segments[i])
		c.dates(previous, &p.Segments[i])
		previous = &p.Segments[i]
	}
	if p.Open != nil {
		c.parts(p, p.Open)
		c.dates(previous, p.Open)
	}
	c.dated(p)
	c.dateRanges(p)
	c.oldParts(p)
	return c.findings
}

// lowLatency reports whether the playlist speaks of parts.
func (p *Playlist) lowLatency() bool {
	if p.PartTarget > 0 || p.Open != nil {
		return true
	}
	for i := range p.Segments {
		if len(p.Segments[i].Parts) > 0 {
			return true
		}
	}
	return false
}

// version wants at least what the contents need (section 2).
func (c *checker) version(p *Playlist) {
	least, why := 1, ""
	need := func(n int, what string) {
		if n > least {
			least, why = n, what
		}
	}
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Duration != math.Trunc(s.Duration) {
			need(3, "durations with a fraction")
		}
		if s.ByteRange != "" {
			need(4, "EXT-X-BYTERANGE")
		}
		if s.Map != "" && p.IFramesOnly {
			need(5, "EXT-X-MAP")
		} else if s.Map != "" {
			need(6, "EXT-X-MAP")
		}
		if strings.Contains(s.Key, "IV=") {
			need(2, "IV")
		}
		if strings.Contains(s.Key, "SAMPLE-AES") || strings.Contains(s.Key, "KEYFORMAT") {
			need(5, "SAMPLE-AES and KEYFORMAT")
		}
	}
	if p.IFramesOnly {
		need(4, "EXT-X-I-FRAMES-ONLY")
	}
	if p.variables {
		need(8, "variables")
	}
	if p.Skipped > 0 {
		need(9, "EXT-X-SKIP")
	}
	if p.SkipsRanges {
		need(10, "RECENTLY-REMOVED-DATERANGES")
	}
	if p.queried {
		need(11, "EXT-X-DEFINE with QUERYPARAM")
	}
	switch {
	case p.Version == 0 && least > 1:
		c.add("S-8", 0, "EXT-X-VERSION is missing, and %s need %d", why, least)
	case p.Version > 0 && p.Version < least:
		c.add("V-3", 0, "version %d is too low for %s, which needs %d", p.Version, why, least)
	}
}

func (c *checker) header(p *Playlist) {
	target := float64(p.TargetDuration)
	below := func(rule, name string, value, least float64) {
		if value > 0 && micros(value) < micros(least) {
			c.add(rule, 0, "%s of %g is less than %g", name, value, least)
		}
	}
	below("M-17", "CAN-SKIP-UNTIL", p.CanSkipUntil, 6*target)
	below("M-19", "HOLD-BACK", p.HoldBack, 3*target)
	below("M-20", "PART-HOLD-BACK", p.PartHoldBack, 3*p.PartTarget)
	if p.CanSkipDateRanges && p.CanSkipUntil == 0 {
		c.add("M-18", 0, "CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL")
	}
	if p.Skipped > 0 && p.CanSkipUntil == 0 {
		c.add("K-1", 0, "EXT-X-SKIP without CAN-SKIP-UNTIL")
	}
	if p.Type == "VOD" && !p.EndList {
		c.add("M-12", 0, "a VOD playlist without EXT-X-ENDLIST")
	}
	if !p.lowLatency() {
		return
	}
	if p.PartTarget == 0 {
		c.add("M-22", 0, "parts without EXT-X-PART-INF")
	}
	if p.PartHoldBack == 0 {
		c.add("M-20", 0, "EXT-X-PART-INF without PART-HOLD-BACK")
	}
	if !p.CanBlockReload {
		c.add("M-21", 0, "parts without CAN-BLOCK-RELOAD=YES")
	}
	if !p.EndList && len(p.Segments) == 0 && p.Skipped == 0 {
		c.add("H-14", 0, "parts, but no complete segment yet")
	}
	if n := len(p.Segments); n > 0 && p.Segments[n-1].MSN == 0 {
		c.add("H-6", 0, "numbering from 0 keeps some players from blocking reloads")
	}
}

// edge looks at what stands behind the last segment.
func (c *checker) edge(p *Playlist) {
	hints := map[string]int{}
	for _, h := range p.Hints {
		if hints[h.Type]++; hints[h.Type] == 2 {
			c.add("PH-5", 0, "more than one hint of type %s", h.Type)
		}
	}
	switch {
	case p.EndList && len(p.Hints) > 0:
		c.add("PH-11", 0, "EXT-X-PRELOAD-HINT with EXT-X-ENDLIST")
	case p.EndList && p.Open != nil:
		c.add("M-15", p.Open.Line, "the last parts belong to no segment")
	case !p.EndList && p.lowLatency() && hints["PART"] == 0:
		c.add("PH-1", 0, "no EXT-X-PRELOAD-HINT for the next part")
	}
	if p.StartAt != nil && !p.EndList && *p.StartAt > -3*float64(p.TargetDuration) && *p.StartAt < 0 {
		c.add("S-14", 0, "EXT-X-START of %gs lies within three target durations of the end", *p.StartAt)
	}
	for _, r := range p.Reports {
		if strings.Contains(r.URI, "://") || strings.HasPrefix(r.URI, "//") {
			c.add("R-2", 0, "report on %s, which is not relative", r.URI)
		}
		if r.LastMSN < 0 {
			c.add("R-3", 0, "report on %s without LAST-MSN", r.URI)
		}
		if r.LastPart < 0 && p.lowLatency() {
			c.add("R-4", 0, "report on %s without LAST-PART", r.URI)
		}
	}
}

func (c *checker) segment(p *Playlist, s *Listed) {
	if (micros(s.Duration)+500_000)/1_000_000 > int64(p.TargetDuration) {
		c.add("M-1", s.Line, "segment %d of %gs rounds to more than TARGETDURATION %d", s.MSN, s.Duration, p.TargetDuration)
	}
	resource, _, _ := strings.Cut(s.URI, "?")
	switch path.Ext(resource) {
	case ".m4s", ".mp4", ".m4v", ".m4a", ".cmfv", ".cmfa":
		// The skipped part of a delta may have carried the tag (K-8).
		if s.InForce == "" && p.Skipped == 0 {
			c.add("G-8", s.Line, "segment %d has no EXT-X-MAP", s.MSN)
		}
	}
	if s.lateParts {
		c.add("H-17", s.Line, "segment %d has parts behind its EXTINF", s.MSN)
	}
	if s.Discontinuity && p.tags["EXT-X-DISCONTINUITY-SEQUENCE"] == 0 {
		c.add("M-11", s.Line, "EXT-X-DISCONTINUITY without EXT-X-DISCONTINUITY-SEQUENCE")
	}
	c.parts(p, s)
}

func (c *checker) parts(p *Playlist, s *Listed) {
	if len(s.Parts) == 0 {
		return
	}
	if p.IFramesOnly {
		c.add("P-14", s.Line, "segment %d of an I-frame playlist has parts", s.MSN)
	}
	var sum int64
	for i := range s.Parts {
		part := &s.Parts[i]
		sum += micros(part.Duration)
		if r := part.ByteRange; r != "" && !strings.Contains(r, "@") && i > 0 && (s.Parts[i-1].URI != part.URI || s.Parts[i-1].ByteRange == "") {
			c.add("P-6", s.Line, "the range %s of part %d.%d goes on from nothing", r, s.MSN, i)
		}
		if p.PartTarget > 0 && part.Duration > p.PartTarget {
			c.add("P-7", s.Line, "part %d.%d of %gs is longer than PART-TARGET %g", s.MSN, i, part.Duration, p.PartTarget)
		}
		// The last listed part of an open segment may turn out to be the last of all.
		exempt := part.Independent || part.Gap || i == len(s.Parts)-1 || s.Parts[i+1].Gap
		if !exempt && 100*micros(part.Duration) < 85*micros(p.PartTarget) {
			c.add("P-8", s.Line, "part %d.%d of %gs is shorter than 85 %% of PART-TARGET %g", s.MSN, i, part.Duration, p.PartTarget)
		}
		if s.Gap && !part.Gap {
			c.add("G-14", s.Line, "part %d.%d of a gap is not a gap", s.MSN, i)
		}
	}
	if off := sum - micros(s.Duration); s.URI != "" && max(off, -off) > tolerance {
		c.add("P-15", s.Line, "the parts of segment %d last %gs, it lasts %g", s.MSN, float64(sum)/1e6, s.Duration)
	}
}

// dates holds the date of s against the one before it.
func (c *checker) dates(before, s *Listed) {
	if s.zoneless {
		c.add("G-10", s.Line, "the date of segment %d has no time zone", s.MSN)
	}
	if before == nil || before.ProgramDateTime.IsZero() || s.ProgramDateTime.IsZero() || s.Discontinuity {
		return
	}
	due := before.ProgramDateTime.Add(time.Duration(micros(before.Duration)) * time.Microsecond)
	if off := s.ProgramDateTime.Sub(due).Abs(); off >= time.Second {
		c.add("G-11", s.Line, "the date of segment %d is %v off what segment %d leads to", s.MSN, off, before.MSN)
	}
}

// dated wants a date in every live low-latency playlist (G-12).
func (c *checker) dated(p *Playlist) {
	if !p.lowLatency() || len(p.Segments) == 0 {
		return
	}
	for i := range p.Segments {
		if !p.Segments[i].ProgramDateTime.IsZero() {
			return
		}
	}
	c.add("G-12", 0, "no EXT-X-PROGRAM-DATE-TIME")
}

// oldParts finds parts that should have gone: further than three target durations from the end (P-12).
func (c *checker) oldParts(p *Playlist) {
	var distance int64 // from the end of the segment at hand to the live edge
	if p.Open != nil {
		for i := range p.Open.Parts {
			distance += micros(p.Open.Parts[i].Duration)
		}
	}
	for i := len(p.Segments) - 1; i >= 0; i-- {
		s := &p.Segments[i]
		if len(s.Parts) > 0 && distance > 3e6*int64(p.TargetDuration) {
			c.add("P-12", s.Line, "segment %d still has parts %gs from the end", s.MSN, float64(distance)/1e6)
			return
		}
		distance += micros(s.Duration)
	}
}
