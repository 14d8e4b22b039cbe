package origin

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// Media that never came is GAP=YES in its part, and EXT-X-GAP in a segment that has nothing else, written behind its parts
// because those are listed before that is known (G-14, P-9, L-1); durations add up all the same (P-15). Whoever waited for
// the part, and whoever asks for it or its segment, is told 404 (PH-10).
func TestGaps(t *testing.T) {
	for _, asRanges := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.p.cfg.Ranges = asRanges
			r.to(firstMSN+3, 5)
			add := func(gap bool) {
				for _, s := range []*Stream{r.top, r.low, r.audio} {
					p := r.cut(s, r.played[s])
					if r.played[s]++; gap && s == r.top {
						p.Gap, p.Independent, p.KeyLen, p.Data = true, false, 0, nil
					}
					if err := s.Append(p); err != nil {
						t.Fatal(err)
					}
				}
			}
			var hinted *pending
			for i := range 12 { // 104: two gaps; 105: nothing but gaps
				if i == 2 && !asRanges {
					hinted = r.start(at(r.top, "104.2.m4s"))
				}
				synctest.Wait()
				add(i == 2 || i == 3 || i >= 6)
				r.list(r.top, "")
			}
			synctest.Wait()
			if hinted != nil && (!hinted.finished() || hinted.Code != http.StatusNotFound) {
				t.Error("who waited for the part was not told that it never came")
			}
			m := r.list(r.top, "")
			two, all := m.Segments[4], m.Segments[5]
			if two.Gap || !all.Gap || !two.Parts[2].Gap || !two.Parts[3].Gap || two.Parts[4].Gap || !all.Parts[0].Gap || all.Duration != 2 {
				t.Errorf("segments %+v\n%+v", two, all)
			}
			if text := r.get(at(r.top, "stream.m3u8")); !strings.Contains(text, "GAP=YES\n#EXT-X-GAP\n#EXTINF:2.00000,\n105.m4s\n") {
				t.Errorf("EXT-X-GAP does not stand behind the parts:\n%s", text)
			}
			for file, want := range map[string]int{"104.m4s": 200, "105.m4s": 404, "104.2.m4s": 404, "105.0.m4s": 404} {
				w := r.do("GET", at(r.top, file))
				if w.Code != want || want == 404 && w.Header().Get("Cache-Control") != "public, max-age=8" {
					t.Errorf("%s: %d %q, want %d", file, w.Code, w.Header().Get("Cache-Control"), want)
				}
			}
			for range 4 * r.plan.PartsPerSegment { // once the parts have gone, too
				add(false)
				m = r.list(r.top, "")
			}
			if !m.Segments[5].Gap || len(m.Segments[5].Parts) > 0 || m.Segments[4].Gap {
				t.Errorf("later: %+v", m.Segments[5])
			}
			if frames := r.keys(r.top, ""); !frames.Segments[5].Gap || frames.Segments[4].Gap || frames.Segments[5].ByteRange != "" {
				t.Errorf("key frames: %+v", frames.Segments[4:6])
			}
			if low := r.list(r.low, ""); low.Segments[5].Gap || low.Segments[5].URI == "" {
				t.Errorf("the other rung has a gap: %+v", low.Segments[5])
			}
		})
	}
}

// A reader of parts is given gaps as such, and goes on (Next serves recorder and relay).
func TestNextHandsOutGaps(t *testing.T) {
	r := newRig(t)
	r.feed(2)
	p := r.cut(r.top, 2)
	p.Gap, p.Data = true, nil
	if err := r.top.Append(p); err != nil {
		t.Fatal(err)
	}
	got, err := r.top.Next(t.Context(), Cursor{firstMSN, 2})
	if err != nil || !got.Gap || got.Dur != p.Dur || After(got) != (Cursor{firstMSN, 3}) {
		t.Errorf("%+v, %v", got, err)
	}
}
