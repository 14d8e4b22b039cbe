package origin

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
)

// A plan without parts makes playlists of whole segments that speak of no part, no hint and no report, promise
// no blocking reload (M-21, M-22, PH-1) and ignore requests for it; deltas and dates stay (Q-12, G-12).
func TestClassicPlaylists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigWith(t, plan(t, "classic", media.FrameRate{Num: 30, Den: 1}), 0)
		r.to(firstMSN+11, 0)
		text := r.get(at(r.top, "stream.m3u8"))
		for _, no := range []string{"EXT-X-PART", "PRELOAD-HINT", "RENDITION-REPORT", "CAN-BLOCK-RELOAD", "PART-HOLD-BACK"} {
			if strings.Contains(text, no) {
				t.Errorf("%s in a playlist without parts:\n%s", no, text)
			}
		}
		m := r.list(r.top, "")
		if m.TargetDuration != 6 || m.HoldBack != 18 || m.CanSkipUntil != 36 || len(m.Segments) != 10 || m.Open != nil {
			t.Errorf("TD %d, hold-back %g, skip until %g, %d segments", m.TargetDuration, m.HoldBack, m.CanSkipUntil, len(m.Segments))
		}
		for i, s := range m.Segments {
			if s.ProgramDateTime.IsZero() || s.Duration != 6 || i > 0 && s.ProgramDateTime.Sub(m.Segments[i-1].ProgramDateTime) != 6*time.Second {
				t.Errorf("segment %d of %gs at %v", s.MSN, s.Duration, s.ProgramDateTime)
			}
		}
		for _, query := range []string{"?_HLS_msn=111", "?_HLS_msn=112", "?_HLS_msn=112&_HLS_part=0", "?_HLS_msn=9999", "?_HLS_part=1", "?_HLS_msn=x"} {
			req := r.start(at(r.top, "stream.m3u8"+query))
			if synctest.Wait(); !req.finished() || req.Code != http.StatusOK || req.Body.String() != text || req.Header().Get("Cache-Control") != "public, max-age=3" {
				t.Errorf("%s is not the plain playlist at once", query)
			}
		}
		// K-2: of ten segments of 6 s, three are further than 36 s from the end.
		if delta := r.list(r.top, "?_HLS_skip=YES"); delta.Skipped != 3 || len(delta.Segments) != 7 {
			t.Errorf("a delta skips %d and keeps %d", delta.Skipped, len(delta.Segments))
		}
		for file, want := range map[string]int{"111.m4s": 200, "111.0.m4s": 404, "112.m4s": 404, "112.0.m4s": 404} {
			req := r.start(at(r.top, file))
			if synctest.Wait(); !req.finished() || req.Code != want {
				t.Errorf("%s: want %d at once", file, want)
			}
		}
		r.p.Finish()
		if text := r.get(at(r.top, "stream.m3u8")); !strings.HasSuffix(text, "#EXTINF:6.00000,\n111.m4s\n#EXT-X-ENDLIST\n") {
			t.Errorf("ended:\n%s", text)
		}
	})
}
