package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// uris are the segments and parts that a playlist lists, in order.
func uris(text string) (segments, parts []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if _, rest, ok := strings.Cut(line, "#EXT-X-PART:"); ok {
			_, uri, _ := strings.Cut(rest, `URI="`)
			uri, _, _ = strings.Cut(uri, `"`)
			parts = append(parts, uri)
		} else if line != "" && line[0] != '#' {
			segments = append(segments, line)
		}
	}
	return segments, parts
}

// Two hundred seconds in real time, by a clock that is not real: every segment can be had from its first listing
// for its own length and that of the longest playlist that had it (L-6, L-7), every part for three target durations
// after its tag has gone (P-13), the playlist never falls below its window once it is full (L-5), and memory is bounded.
func TestWindowInTime(t *testing.T) {
	for _, test := range []struct {
		preset string
		window media.Time
	}{{"low", 0}, {"ultra", 0}, {"low", media.Second}, {"ultra", 20 * media.Second}} {
		t.Run(fmt.Sprint(test.preset, test.window), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRigWith(t, plan(t, test.preset, media.FrameRate{Num: 30000, Den: 1001}), test.window)
				td := time.Duration(r.plan.Target) * time.Second
				segment := r.plan.SegmentStart(1).Duration()
				type listing struct{ first, last time.Time }
				segments, parts := map[string]*listing{}, map[string]*listing{}
				longest, full, most := time.Duration(0), false, 0
				note := func(seen map[string]*listing, uris []string) {
					for _, uri := range uris {
						if seen[uri] == nil {
							seen[uri] = &listing{first: time.Now()}
						}
						seen[uri].last = time.Now()
					}
				}
				for start := time.Now(); time.Since(start) < 200*time.Second; {
					time.Sleep(r.plan.Rate.Frame(int64(r.plan.PartFrames)).Duration())
					r.feed(1)
					if !r.p.Live() {
						continue
					}
					st := r.top.Stats()
					longest = max(longest, st.Length+segment)
					full = full || time.Since(start) > max(test.window.Duration(), 6*td)+2*segment && test.window != 0 ||
						time.Since(start) > 60*time.Second+2*segment
					if full && st.Length < max(r.p.cfg.Window.Duration(), 6*td) {
						t.Fatalf("playlist of %v, window %v", st.Length, r.p.cfg.Window)
					}
					most = max(most, st.Segments)
					s, p := uris(r.get(at(r.top, "stream.m3u8")))
					note(segments, s)
					note(parts, p)
					for uri, l := range segments {
						if time.Since(l.first) < segment+longest {
							r.get(at(r.top, uri))
						}
					}
					for uri, l := range parts {
						if time.Since(l.last) < 3*td {
							r.get(at(r.top, uri))
						}
					}
				}
				// The listed ones, and what L-6 and three target durations cost.
				if limit := int((r.p.cfg.Window+3*media.Time(r.plan.Target)*media.Second)/r.plan.SegmentStart(1)) + 6; most > limit {
					t.Errorf("%d segments held, want at most %d", most, limit)
				}
				if len(segments) < 90 {
					t.Errorf("only %d segments seen", len(segments))
				}
				w := r.do("GET", at(r.top, fmt.Sprintf("%d.m4s", firstMSN)))
				if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != fmt.Sprintf("public, max-age=%d", 4*r.plan.Target) {
					t.Errorf("a segment from long ago: %d %q", w.Code, w.Header().Get("Cache-Control"))
				}
			})
		})
	}
}

// A burst does not outgrow memory, a stall takes nothing away (L-5).
func TestBurstAndStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.feed(6 * 500)
		st := r.top.Stats()
		if st.Listed != 30 || st.Segments > 2*30+8 {
			t.Errorf("%d listed, %d held after 500 segments at once", st.Listed, st.Segments)
		}
		if st.Bytes == 0 || st.Bytes > int64(st.Segments)*6*64 {
			t.Errorf("%d bytes held", st.Bytes)
		}
		before := r.get(at(r.top, "stream.m3u8"))
		time.Sleep(time.Hour)
		if r.get(at(r.top, "stream.m3u8")) != before {
			t.Error("an hour without parts changed the playlist")
		}
		segments, _ := uris(before)
		for _, uri := range segments {
			r.get(at(r.top, uri))
		}
	})
}

// Next hands out every part once, in order, and then io.EOF; it skips what short segments lack.
func TestNextWalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var got []string
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			var c Cursor
			for {
				var p packager.Part
				if p, err = r.top.Next(t.Context(), c); err != nil {
					return
				}
				got = append(got, fmt.Sprintf("%d.%d", p.MSN, p.Index))
				c = After(p)
			}
		}()
		synctest.Wait()
		r.feed(7)
		synctest.Wait()
		if len(got) != 7 || got[0] != "100.0" || got[6] != "101.0" {
			t.Fatalf("after seven parts: %v", got)
		}
		// 101 has one part only, then 102 begins.
		if err := r.top.Append(packager.Part{MSN: 102, Start: 4 * media.Second, Dur: media.Second, Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		r.top.Finish()
		r.top.Finish() // does nothing
		<-done
		if got[len(got)-1] != "102.0" || !errors.Is(err, io.EOF) {
			t.Errorf("%v, then %v", got, err)
		}
		if err := r.top.Append(packager.Part{MSN: 103}); err == nil {
			t.Error("a part after the end was taken")
		}
	})
}

// Next: old parts are gone, future ones are waited for, a context ends the wait.
func TestNextErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.feed(6 * 200)
		if _, err := r.top.Next(t.Context(), Cursor{firstMSN, 0}); !errors.Is(err, ErrGone) {
			t.Errorf("a part from long ago: %v", err)
		}
		if p, err := r.top.Next(t.Context(), Cursor{}); err != nil || p.MSN <= firstMSN || p.Index != 0 {
			t.Errorf("the oldest part: %v %v", p, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.top.Next(ctx, Cursor{firstMSN + 500, 3}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a part from the future: %v", err)
		}
		r.do("GET", at(r.top, fmt.Sprintf("%d.0.m4s", firstMSN)))
		if st := r.top.Stats(); st.Waiting != 0 || st.Missed != 2 {
			t.Errorf("%+v", st)
		}
		if p, err := r.top.Next(t.Context(), Cursor{firstMSN + 190, 77}); err != nil || p.MSN != firstMSN+191 || p.Index != 0 {
			t.Errorf("past the end of a segment: %v %v", p, err)
		}
	})
}

// Parts that do not follow are refused and change nothing.
func TestAppendOrder(t *testing.T) {
	r := newRig(t)
	part := func(msn int64, index int) packager.Part {
		return packager.Part{MSN: msn, Index: index, Data: []byte("x")}
	}
	for _, p := range []packager.Part{part(firstMSN, 1), part(firstMSN-1, 0)} {
		if err := r.top.Append(p); err == nil {
			t.Errorf("first part %d.%d was taken", p.MSN, p.Index)
		}
	}
	r.feed(8)
	before := r.top.Stats()
	for _, p := range []packager.Part{part(101, 1), part(101, 3), part(100, 2), part(102, 1), part(103, 0), part(100, 0)} {
		if err := r.top.Append(p); err == nil || !strings.Contains(err.Error(), "expected 101.2") {
			t.Errorf("part %d.%d behind 101.1: %v", p.MSN, p.Index, err)
		}
	}
	if after := r.top.Stats(); after != before {
		t.Errorf("changed from %+v to %+v", before, after)
	}
	r.feed(1)
}
