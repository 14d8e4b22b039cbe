package m3u8

import (
	"fmt"
	"math"
	"slices"
)

// ApplyDelta is what a player does with the answer to _HLS_skip: it takes the skipped segments from its
// older copy base and answers the full playlist that delta stands for. The first segment of the result
// carries the init section that applies to it, as it does in a full playlist (L-10). Neither argument is
// changed; a delta without SKIP is answered as it is.
func ApplyDelta(base, delta *Playlist) (*Playlist, error) {
	if delta.Skipped == 0 {
		return delta, nil
	}
	if base.Skipped > 0 {
		return nil, fmt.Errorf("K-1: a delta is applied to a full playlist, not to another delta")
	}
	from := delta.MediaSequence - base.MediaSequence
	to := from + int64(delta.Skipped)
	if n := int64(len(base.Segments)); from < 0 || from > n || to > n {
		return nil, fmt.Errorf("K-3: segments %d to %d are skipped, the older copy has %d to %d", delta.MediaSequence,
			delta.MediaSequence+int64(delta.Skipped)-1, base.MediaSequence, base.MediaSequence+int64(len(base.Segments))-1)
	}
	full := *delta
	full.Skipped = 0
	full.Segments = append(append([]Listed(nil), base.Segments[from:to]...), delta.Segments...)
	if first := &full.Segments[0]; first.Map == "" {
		first.Map = first.InForce
	}
	if delta.SkipsRanges {
		full.DateRanges = keepRanges(base, delta)
	}
	full.Open = carry(full.Segments, to-from, delta.Open)
	return &full, nil
}

// keepRanges are the date ranges of base that a delta v2 leaves out, and those of the delta (K-6).
func keepRanges(base, delta *Playlist) []Range {
	var list []Range
	for _, r := range base.DateRanges {
		given := slices.ContainsFunc(delta.DateRanges, func(d Range) bool { return d.ID == r.ID })
		if !given && !slices.Contains(delta.Removed, r.ID) {
			list = append(list, r)
		}
	}
	return append(list, delta.DateRanges...)
}

// carry gives the segments from position n on, and the open one, the init section and the discontinuity
// sequence number that the ones before them leave (K-8). It answers the open one.
func carry(list []Listed, n int64, open *Listed) *Listed {
	last := list[n-1]
	inForce, dsn := last.InForce, last.DSN
	fill := func(s *Listed) {
		if s.Map != "" {
			inForce = s.Map
		}
		if s.Discontinuity {
			dsn++
		}
		s.InForce, s.DSN = inForce, dsn
	}
	for i := n; i < int64(len(list)); i++ {
		fill(&list[i])
	}
	if open == nil {
		return nil
	}
	after := *open
	fill(&after)
	return &after
}

// Skippable is how many segments a delta of this full playlist leaves out: those that lie wholly further
// than CAN-SKIP-UNTIL from the end of the last complete segment (K-2).
func (p *Playlist) Skippable() int {
	if p.CanSkipUntil <= 0 || p.EndList {
		return 0
	}
	beyond := int64(0)
	n := len(p.Segments)
	for n > 0 && beyond <= micros(p.CanSkipUntil) {
		n--
		beyond += micros(p.Segments[n].Duration)
	}
	if beyond <= micros(p.CanSkipUntil) {
		return 0
	}
	return n
}

// CheckDelta holds a delta update against the full playlist of the same moment (K-1 to K-5).
func CheckDelta(full, delta *Playlist) []Finding {
	var c checker
	if want := full.Skippable(); delta.Skipped != want {
		c.add("K-2", 0, "%d segments are skipped, the boundary of %gs asks for %d", delta.Skipped, full.CanSkipUntil, want)
	}
	if delta.MediaSequence != full.MediaSequence || delta.DiscontinuitySequence != full.DiscontinuitySequence {
		c.add("K-3", 0, "sequence numbers %d and %d, in the full playlist %d and %d", delta.MediaSequence,
			delta.DiscontinuitySequence, full.MediaSequence, full.DiscontinuitySequence)
	}
	applied, err := ApplyDelta(full, delta)
	if err != nil {
		c.add("K-3", 0, "%v", err)
		return c.findings
	}
	if got, want := string(applied.Append(nil)), string(full.Append(nil)); got != want {
		c.add("K-5", 0, "what is not skipped differs from the full playlist")
	}
	return c.findings
}

// micros is a duration in microseconds, to add without the error of binary fractions.
func micros(s float64) int64 { return int64(math.Round(min(s, 1e12) * 1e6)) }
