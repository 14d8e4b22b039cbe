package origin

import (
	"context"
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// directives are what a playlist request asks for beyond the playlist (section 6.2.5 of rfc8216bis).
type directives struct {
	msn, part int64 // -1: not given
	skip      form  // a delta would do: delta, or delta|ranges
	err       error // of those above; an ended stream does not care
}

// What a playlist request can be refused with.
var (
	errBadDirective = errors.New("_HLS_msn and _HLS_part each take one decimal number, _HLS_skip one word")
	errLonePart     = errors.New("_HLS_part needs _HLS_msn")
	errTooFar       = errors.New("_HLS_msn is more than two segments ahead of the last complete one: reload the playlist first")
	errTooSlow      = errors.New("the stream did not get there in three target durations: try again")
)

// parseDirectives reads a raw query without allocating. What is not known is ignored.
func parseDirectives(query string) directives {
	d := directives{msn: -1, part: -1}
	skips := 0
	for query != "" && d.err == nil {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if strings.ContainsAny(pair, "%+") {
			key, value = unescape(key), unescape(value)
		}
		switch key {
		case "_HLS_msn":
			d.number(&d.msn, value)
		case "_HLS_part":
			d.number(&d.part, value)
		case "_HLS_skip":
			if skips++; skips > 1 {
				d.err = errBadDirective
			}
			switch value {
			case "YES":
				d.skip = delta
			case "v2":
				d.skip = delta | ranges
			default: // ignored
				d.skip = full
			}
		}
	}
	if d.err == nil && d.part >= 0 && d.msn < 0 {
		d.err = errLonePart
	}
	return d
}

func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}

// number reads a decimal-integer of the playlist grammar, which goes up to 2^64-1; what is beyond an int64 is as
// good as the largest.
func (d *directives) number(to *int64, s string) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || *to >= 0 {
		d.err = errBadDirective
		return
	}
	*to = int64(min(n, math.MaxInt64-1))
}

// answer is the version to answer d with, once there is one, by the decision procedure of section 10. own says
// that it is exactly what d waited for, so every later answer to d would be older news. Errors
// are those above or the context's.
func (s *Stream) answer(ctx context.Context, d directives) (v *version, own bool, err error) {
	v = s.current.Load()
	if v.ended || !s.program.cfg.Plan.LowLatency() {
		return v, false, nil
	}
	if d.err != nil {
		return nil, false, d.err
	}
	if d.msn < 0 {
		return v, false, nil
	}
	if d.msn > v.lastMSN()+2 {
		return nil, false, errTooFar
	}
	if !v.meets(&d) {
		if v, err = s.park(ctx, v, &d); err != nil {
			return nil, false, err
		}
	}
	return v, v.endsAt(d), nil
}

// park waits for a version that meets d, for three target durations at most.
func (s *Stream) park(ctx context.Context, v *version, d *directives) (*version, error) {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	defer s.program.waited(time.Now())
	limit := s.program.holdTimer()
	defer s.program.release(limit)
	for {
		select {
		case <-v.next:
		case <-limit.C:
			s.late.Add(1)
			return nil, errTooSlow
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if v = s.current.Load(); v.meets(d) {
			return v, nil
		}
	}
}

// meets reports whether v shows what d asks for. A part past the end of a complete segment is, from
// then on, the first of the next one.
func (v *version) meets(d *directives) bool {
	if v.ended {
		return true
	}
	if d.part < 0 {
		return v.lastMSN() >= d.msn
	}
	c := v.retarget(Cursor{d.msn, int(d.part)})
	d.msn, d.part = c.MSN, int64(c.Part)
	return d.msn < v.openMSN || d.msn == v.openMSN && c.Part < len(v.open)
}

// endsAt reports whether nothing is published behind what d asks for, in a version that meets d.
func (v *version) endsAt(d directives) bool {
	edge, ok := v.edge()
	return ok && !v.ended && edge.MSN == d.msn && (d.part < 0 || edge.Part == int(d.part))
}
