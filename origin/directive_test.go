package origin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// examplePlan is the one of the example in section 10: TD 4, parts of 1 s.
var examplePlan = packager.Plan{
	Preset: "example", Rate: media.FrameRate{Num: 30, Den: 1}, PartFrames: 30, PartsPerSegment: 4, Target: 4,
	PartTarget: media.Second * 1024 / 1000, PartHoldBack: media.Second * 3072 / 1000,
	HoldBack: 12 * media.Second, SkipUntil: 24 * media.Second,
}

// TestDecisions is the table of section 10: the last complete segment is 271,
// parts 272.0 and 272.1 are listed.
func TestDecisions(t *testing.T) {
	const now, refused = "now", "400"
	tests := []struct{ query, want string }{
		{"", now},
		{"_HLS_skip=YES", now},
		{"_HLS_msn=272&_HLS_part=0", now},
		{"_HLS_msn=272&_HLS_part=1", now},
		{"_HLS_msn=272&_HLS_part=2", "272.2"},
		{"_HLS_msn=272&_HLS_part=3", "272.3"},
		{"_HLS_msn=272&_HLS_part=4", "273.0"},
		{"_HLS_msn=272&_HLS_part=9", "273.0"}, // Q-9, lenient by Q-18
		{"_HLS_msn=272&_HLS_part=18446744073709551615", "273.0"},
		{"_HLS_msn=272", "272.3"}, // not before the whole segment
		{"_HLS_msn=273&_HLS_part=0", "273.0"},
		{"_HLS_msn=273&_HLS_part=3", "273.3"},
		{"_HLS_msn=273&_HLS_part=4", "274.0"},
		{"_HLS_msn=273", "273.3"}, // two ahead of the last listed
		{"_HLS_msn=274", refused},
		{"_HLS_msn=274&_HLS_part=0", refused},
		{"_HLS_msn=18446744073709551615", refused},
		{"_HLS_msn=271", now},
		{"_HLS_msn=271&_HLS_part=3", now},
		{"_HLS_msn=271&_HLS_part=4", now}, // is 272.0
		{"_HLS_msn=270&_HLS_part=99", now},
		{"_HLS_msn=100", now},
		{"_HLS_msn=100&_HLS_part=99", now},
		{"_HLS_msn=0", now},
		{"_HLS_part=1", refused},
		{"_HLS_part=1&_HLS_skip=YES", refused},
		{"_HLS_msn=", refused},
		{"_HLS_msn", refused},
		{"_HLS_msn=-1", refused},
		{"_HLS_msn=+272", refused},
		{"_HLS_msn=%2B272", refused},
		{"_HLS_msn=272.0", refused},
		{"_HLS_msn=0x110", refused},
		{"_HLS_msn=1_0", refused},
		{"_HLS_msn=18446744073709551616", refused},
		{"_HLS_msn=272&_HLS_part=", refused},
		{"_HLS_msn=272&_HLS_part=-1", refused},
		{"_HLS_msn=272&_HLS_part=two", refused},
		{"_HLS_msn=271&_HLS_msn=271", refused},
		{"_HLS_msn=271&_HLS_part=0&_HLS_part=0", refused},
		{"_HLS_skip=YES&_HLS_skip=YES", refused},
		{"_HLS_part=2&_HLS_skip=YES&_HLS_msn=272", "272.2"}, // any order
		{"%5FHLS_msn=27%32&_HLS_part=2", "272.2"},
		{"token=a%20b&_HLS_msn=272&_HLS_part=2&x", "272.2"}, // unknown ones are ignored
		{"_HLS_primary_id=7&_HLS_new=1&_HLS_msn=271", now},
		{"_hls_msn=999", now},
		{"_HLS_skip=NO&_HLS_msn=271", now},
		{"%zz&_HLS_msn=271", now},
		{"&&", now},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRigWith(t, examplePlan, 0)
				r.to(272, 1)
				req := r.start(at(r.top, "stream.m3u8?"+test.query))
				got := now
				for synctest.Wait(); !req.finished(); synctest.Wait() {
					r.feed(1)
					edge, _ := r.top.Edge()
					got = fmt.Sprintf("%d.%d", edge.MSN, edge.Part)
					if edge.MSN > 275 {
						t.Fatal("never answered")
					}
				}
				if req.Code == http.StatusBadRequest {
					got = refused
					if cache := req.Header().Get("Cache-Control"); cache != "no-store" { // N-16
						t.Errorf("Cache-Control of a 400: %q", cache)
					}
				} else if req.Code != http.StatusOK {
					t.Fatalf("%d %s", req.Code, req.Body)
				}
				if got != test.want {
					t.Errorf("answered: %s, want %s", got, test.want)
				}
			})
		})
	}
}

// A request parked for a part that its segment turns out not to have waits for the first of the next one,
// whether the segment says that it is complete or just ends (Q-5, example of section 10).
func TestSegmentClosesWithFewerParts(t *testing.T) {
	for _, said := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRigWith(t, examplePlan, 0)
			r.to(272, 1)
			beyond := r.start(at(r.top, "stream.m3u8?_HLS_msn=272&_HLS_part=5"))
			third := r.start(at(r.top, "stream.m3u8?_HLS_msn=272&_HLS_part=3"))
			hinted := r.start(at(r.top, "272.2.m4s"))
			add := func(msn int64, index int, last bool) {
				n := r.played[r.top]
				r.played[r.top]++
				p := packager.Part{MSN: msn, Index: index, Start: r.plan.Rate.Frame(n * 30), Dur: media.Second,
					Independent: index == 0, Last: last, Data: []byte("x")}
				if err := r.top.Append(p); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			if said {
				add(272, 2, true)
				if !hinted.finished() || hinted.Code != http.StatusOK {
					t.Error("the hinted part came and was not handed out")
				}
				if beyond.finished() || third.finished() {
					t.Error("released when the segment closed, before 273.0 was there")
				}
			}
			add(273, 0, false)
			for _, req := range []*pending{beyond, third} {
				if !req.finished() || req.Code != http.StatusOK {
					t.Error("left hanging behind the end of a short segment")
				} else if c := req.Header().Get("Cache-Control"); c != "public, max-age=24" {
					t.Errorf("Cache-Control %q for what a request waited for", c)
				}
			}
			if !said { // the parent closed without the hinted part (PH-10)
				if !hinted.finished() || hinted.Code != http.StatusNotFound {
					t.Error("a request for an abandoned hint was not told 404")
				}
				if w := r.do("GET", at(r.top, "272.m4s")); w.Code != http.StatusOK {
					t.Error("a segment that was closed by the next one cannot be had")
				}
			}
		})
	}
}

// Blocked longer than three target durations: 503, not to be cached, to the nanosecond (Q-10, PH-12).
func TestBlockedTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN+1, 2)
		reqs := []*pending{
			r.start(at(r.top, fmt.Sprintf("stream.m3u8?_HLS_msn=%d&_HLS_part=3", firstMSN+1))),
			r.start(at(r.top, fmt.Sprintf("%d.3.m4s", firstMSN+1))),
		}
		time.Sleep(6*time.Second - 1)
		synctest.Wait()
		for _, req := range reqs {
			if req.finished() {
				t.Fatal("answered before three target durations")
			}
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		for _, req := range reqs {
			if !req.finished() || req.Code != http.StatusServiceUnavailable || req.Header().Get("Cache-Control") != "no-store" ||
				req.Header().Get("Retry-After") == "" {
				t.Errorf("want 503, no-store, Retry-After; got %d %v", req.Code, req.Header())
			}
		}
		if st := r.top.Stats(); st.Waiting != 0 || st.TimedOut != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// The end releases everybody with the final playlist; from then on directives mean nothing (Q-11, Q-12, M-15).
func TestEndWhileParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN+10, 2)
		msn := firstMSN + 10
		parked := []*pending{
			r.start(at(r.top, fmt.Sprintf("stream.m3u8?_HLS_msn=%d&_HLS_part=3&_HLS_skip=YES", msn))),
			r.start(at(r.top, fmt.Sprintf("stream.m3u8?_HLS_msn=%d", msn+1))),
		}
		hinted := r.start(at(r.top, fmt.Sprintf("%d.3.m4s", msn)))
		synctest.Wait()
		r.p.Finish()
		synctest.Wait()
		final := r.get(at(r.top, "stream.m3u8"))
		for _, req := range parked {
			if !req.finished() || req.Code != http.StatusOK || req.Body.String() != final {
				t.Error("a parked request did not get the final playlist")
			}
		}
		if !hinted.finished() || hinted.Code != http.StatusNotFound { // PH-10
			t.Error("a hinted part that never came was not told 404")
		}
		if !strings.Contains(final, "#EXT-X-ENDLIST\n") || strings.Contains(final, "PRELOAD-HINT") { // PH-11
			t.Errorf("final playlist:\n%s", final)
		}
		if !strings.Contains(final, fmt.Sprintf("#EXTINF:1.00000,\n%d.m4s\n", msn)) {
			t.Errorf("the last, short segment has no EXTINF and URI:\n%s", final)
		}
		for _, query := range []string{"?_HLS_part=1", "?_HLS_msn=99999", "?_HLS_msn=x", "?_HLS_skip=YES", "?_HLS_msn=1&_HLS_msn=2"} {
			if got := r.get(at(r.top, "stream.m3u8"+query)); got != final {
				t.Errorf("%s after the end is not the final playlist", query)
			}
		}
	})
}

// An answer lives six target durations if it was released by its own directives, whether they waited or came just
// after, and half a target duration if it holds whatever is there now.
func TestLifetimeOfAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN+9, 5) // segment complete, nothing open
		const own, plain = "public, max-age=12", "public, max-age=1"
		check := func(query, want string) {
			t.Helper()
			w := r.do("GET", at(r.top, "stream.m3u8"+query))
			if got := w.Header().Get("Cache-Control"); got != want {
				t.Errorf("%q: %q, want %q", query, got, want)
			}
		}
		check("", plain)
		check("?_HLS_skip=YES", plain)
		check("?_HLS_msn=109&_HLS_part=5", own)
		check("?_HLS_msn=109", own)
		check("?_HLS_msn=109&_HLS_part=4", plain)
		check("?_HLS_msn=108", plain)
		check("?_HLS_msn=108&_HLS_part=6", plain) // is 109.0
		req := r.start(at(r.top, "stream.m3u8?_HLS_msn=109&_HLS_part=6"))
		synctest.Wait()
		r.feed(1)
		synctest.Wait()
		if got := req.Header().Get("Cache-Control"); got != own {
			t.Errorf("re-targeted to 110.0 and waited for: %q", got)
		}
		check("?_HLS_msn=109&_HLS_part=5", plain)
		check("?_HLS_msn=109", plain)
		check("?_HLS_msn=110&_HLS_part=0", own)
		r.p.Finish()
		check("?_HLS_msn=110&_HLS_part=0", plain)
	})
}

// A thousand who wait for the same part cost one render, and get the same bytes (N-8).
func TestOneRenderForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN+20, 2)
		target := at(r.top, fmt.Sprintf("stream.m3u8?_HLS_msn=%d&_HLS_part=3&_HLS_skip=YES", firstMSN+20))
		before := r.top.Stats().Renders
		reqs := make([]*pending, 1000)
		for i := range reqs {
			reqs[i] = r.start(target, "Accept-Encoding", "gzip")
		}
		synctest.Wait()
		if n := r.top.Stats().Waiting; n != 1000 {
			t.Fatalf("%d parked, want 1000", n)
		}
		r.feed(1)
		synctest.Wait()
		for _, req := range reqs {
			if !req.finished() || req.Code != http.StatusOK || req.Body.String() != reqs[0].Body.String() {
				t.Fatal("not all got the same answer")
			}
		}
		if n := r.top.Stats().Renders - before; n != 2 { // plain, and from it compressed
			t.Errorf("%d renders", n)
		}
		if n := r.top.Stats().Waiting; n != 0 {
			t.Errorf("%d still parked", n)
		}
		// What was asked of this version is there in the next one before anybody asks.
		r.feed(1)
		renders := r.top.Stats().Renders
		r.get(at(r.top, "stream.m3u8?_HLS_skip=YES"), "Accept-Encoding", "gzip")
		if r.top.Stats().Renders != renders {
			t.Error("rendered on the read path although it is asked for all the time")
		}
	})
}
