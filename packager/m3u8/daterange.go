package m3u8

import (
	"slices"
	"strings"
	"time"
)

// Range is an EXT-X-DATERANGE that was read. Times are zero, and durations -1, where their attribute is absent.
type Range struct {
	Line              int
	ID, Class         string
	Start, End        time.Time
	Duration, Planned float64 // s
	EndOnNext         bool
	Attributes        map[string]string // all, as they stand
}

// dateRange reads one tag (D-1, D-2, D-5, D-6, D-7).
func (p *parser) dateRange(v string) error {
	a := p.attributes("EXT-X-DATERANGE", v)
	a.need("D-1", "ID")
	r := Range{
		Line: p.line, ID: a.text("ID"), Class: a.text("CLASS"), Start: a.date("START-DATE"), End: a.date("END-DATE"),
		Duration: -1, Planned: -1, EndOnNext: a.yes("END-ON-NEXT"), Attributes: a.values,
	}
	if !slices.ContainsFunc(p.list.DateRanges, func(o Range) bool { return o.ID == r.ID }) {
		a.need("D-1", "START-DATE")
	}
	if a.has("DURATION") {
		r.Duration = a.float("DURATION")
	}
	if a.has("PLANNED-DURATION") {
		r.Planned = a.float("PLANNED-DURATION")
	}
	a.cue()
	for name, value := range a.values {
		if strings.HasPrefix(name, "X-") && value[0] != '"' && !strings.HasPrefix(strings.ToLower(value), "0x") && !signed(value) {
			a.fail("D-7", "%s=%s is no quoted string, hexadecimal sequence or number", name, value)
		}
	}
	switch {
	case !r.End.IsZero() && r.End.Before(r.Start):
		a.fail("D-2", "%s ends before it starts", r.ID)
	case !r.End.IsZero() && !r.Start.IsZero() && r.Duration >= 0 && micros(r.End.Sub(r.Start).Seconds()-r.Duration)/1000 != 0:
		a.fail("D-2", "%s has a DURATION of %gs and ends %v after its start", r.ID, r.Duration, r.End.Sub(r.Start))
	case r.EndOnNext && (r.Class == "" || r.Duration >= 0 || !r.End.IsZero()):
		a.fail("D-5", "END-ON-NEXT goes with CLASS, without DURATION and END-DATE")
	}
	p.list.DateRanges = append(p.list.DateRanges, r)
	return a.err
}

func signed(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789.") == ""
}

// date is a quoted ISO 8601 date.
func (a *attributes) date(name string) (t time.Time) {
	s := a.text(name)
	if s == "" {
		return t
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	a.fail("D-1", "%s=%q is not a date", name, s)
	return t
}

// cue reads CUE (D-6).
func (a *attributes) cue() {
	if !a.has("CUE") {
		return
	}
	list := strings.Split(a.text("CUE"), ",")
	for _, word := range list {
		if word != "PRE" && word != "POST" && word != "ONCE" {
			a.fail("D-6", "CUE has the word %q", word)
		}
	}
	if slices.Contains(list, "PRE") && slices.Contains(list, "POST") {
		a.fail("D-6", "CUE has PRE and POST")
	}
}

// dateRanges holds those of one playlist against each other and against its dates (D-3, D-4, D-5).
func (c *checker) dateRanges(p *Playlist) {
	if len(p.DateRanges) == 0 {
		return
	}
	if p.Skipped == 0 && !slices.ContainsFunc(p.Segments, func(s Listed) bool { return !s.ProgramDateTime.IsZero() }) &&
		(p.Open == nil || p.Open.ProgramDateTime.IsZero()) {
		c.add("D-3", p.DateRanges[0].Line, "EXT-X-DATERANGE without EXT-X-PROGRAM-DATE-TIME")
	}
	for i := range p.DateRanges {
		for k := range p.DateRanges[:i] {
			a, b := &p.DateRanges[k], &p.DateRanges[i]
			if a.ID != b.ID && a.Class == b.Class && (a.EndOnNext || b.EndOnNext) && a.Start.Equal(b.Start) {
				c.add("D-5", b.Line, "date ranges %s and %s of class %s begin together, one of them with END-ON-NEXT", a.ID, b.ID, b.Class)
			}
			c.sameRange(a, b, false)
		}
	}
}

// sameRange wants two tags with one ID not to contradict each other; complete: the second has all of the first.
func (c *checker) sameRange(a, b *Range, complete bool) {
	if a.ID != b.ID {
		return
	}
	for name, value := range a.Attributes {
		if now, ok := b.Attributes[name]; ok && now != value {
			c.add("D-4", b.Line, "date range %s has %s=%s, and had %s", b.ID, name, now, value)
		} else if !ok && complete {
			c.add("D-4", b.Line, "date range %s has lost its %s", b.ID, name)
		}
	}
}

// following is when the next range of the class of r begins, of those in lists.
func following(r *Range, lists ...[]Range) (at time.Time, ok bool) {
	for _, list := range lists {
		for i := range list {
			if o := &list[i]; o.Class == r.Class && o.Start.After(r.Start) && (!ok || o.Start.Before(at)) {
				at, ok = o.Start, true
			}
		}
	}
	return at, ok
}

// keptRanges wants date ranges to stay as they are for as long as a segment that they speak of is listed (D-4, D-8).
func (c *checker) keptRanges(prev, next *Playlist) {
	if len(prev.DateRanges) == 0 {
		return
	}
	var from time.Time
	for i := range next.Segments {
		if from = next.Segments[i].ProgramDateTime; !from.IsZero() {
			break
		}
	}
	for i := range prev.DateRanges {
		r := &prev.DateRanges[i]
		at := slices.IndexFunc(next.DateRanges, func(o Range) bool { return o.ID == r.ID })
		if at >= 0 {
			c.sameRange(r, &next.DateRanges[at], true)
			continue
		}
		end := r.Start
		if r.EndOnNext {
			next, ok := following(r, prev.DateRanges, next.DateRanges)
			if !ok {
				c.add("D-8", 0, "date range %s is gone, and lasts until the next of class %s", r.ID, r.Class)
				continue
			}
			end = next
		} else if !r.End.IsZero() {
			end = r.End
		} else if r.Duration > 0 {
			end = r.Start.Add(time.Duration(r.Duration * float64(time.Second)))
		}
		if !r.Start.IsZero() && !from.IsZero() && end.After(from.Add(time.Millisecond)) {
			c.add("D-8", 0, "date range %s is gone, and lasts until %v; the playlist begins at %v", r.ID, end, from)
		}
	}
}
