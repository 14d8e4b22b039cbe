package origin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"tilecast/media"
	"tilecast/packager/m3u8"
)

// frames is the playlist of key frames, read by the strict parser.
func (r *rig) keys(s *Stream, query string) *m3u8.Playlist {
	r.t.Helper()
	text := r.get(at(s, "iframes.m3u8"+query))
	m, err := m3u8.ParseMedia([]byte(text))
	if err != nil {
		r.t.Fatalf("%v\n%s", err, text)
	}
	return m
}

// The playlist of key frames has one entry to a segment, with its number and length, the init section in front and a range
// from the moof to the end of the first frame (M-25, AAS 6.10), no part, hint or report (P-14, PH-1), the SERVER-CONTROL and
// TARGETDURATION of all (M-3, M-16, AAS 6.11), dates (G-12), and the end (M-14).
func TestKeyFramePlaylist(t *testing.T) {
	for _, preset := range []string{"low", "ultra", "apple", "classic"} {
		c := newCutter(t, preset, media.FrameRate{Num: 30, Den: 1}, 700_000, 1_000_000)
		c.run(c.plan.SegmentStart(40) + c.plan.Rate.Frame(3))
		text := c.get(at(c.top, "iframes.m3u8"))
		m, whole := c.keys(c.top, ""), c.list(c.top, "")
		for _, f := range m3u8.Check(m) {
			if !strings.HasPrefix(f.Rule, "PH-") && f.Rule != "R-1" {
				t.Errorf("%s: %v", preset, f)
			}
		}
		if !m.IFramesOnly || m.Version < 5 || len(m.Segments) != len(whole.Segments) || m.MediaSequence != whole.MediaSequence || m.TargetDuration != whole.TargetDuration {
			t.Errorf("%s:\n%s", preset, text)
		}
		if control(text) != control(c.get(at(c.top, "stream.m3u8"))) {
			t.Errorf("%s: SERVER-CONTROL %s", preset, control(text))
		}
		for _, no := range []string{"EXT-X-PART:", "EXT-X-PART-INF", "PRELOAD-HINT", "RENDITION-REPORT"} {
			if strings.Contains(text, no) {
				t.Errorf("%s in a playlist of key frames", no)
			}
		}
		for i, s := range m.Segments {
			of := whole.Segments[i]
			if s.URI != of.URI || s.Duration != of.Duration || s.InForce != of.InForce || !s.ProgramDateTime.Equal(of.ProgramDateTime) {
				t.Errorf("%s: entry %+v for segment %+v", preset, s, of)
			}
			var n, offset int
			if _, err := fmt.Sscanf(s.ByteRange, "%d@%d", &n, &offset); err != nil || offset != 0 {
				t.Fatalf("%s: %q", preset, s.ByteRange)
			}
			w := c.do("GET", at(c.top, s.URI), "Range", fmt.Sprintf("bytes=0-%d", n-1))
			body := w.Body.String()
			if w.Code != http.StatusPartialContent || len(body) != n || !strings.Contains(body, "moof") || !strings.Contains(body, "mdat") || !strings.HasSuffix(body, "\x9a") {
				t.Fatalf("%s: %d with %d bytes", preset, w.Code, len(body))
			}
			if whole := c.get(at(c.top, s.URI)); len(whole) <= n || whole[n+4] != 0x41 { // behind the length of the second frame
				t.Errorf("%s: the key frame does not end at %d of %d", preset, n, len(whole))
			}
		}
		c.p.Finish()
		if text := c.get(at(c.top, "iframes.m3u8")); !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") {
			t.Errorf("%s: no end:\n%s", preset, text)
		}
		if w := c.do("GET", at(c.audio, "iframes.m3u8")); w.Code != http.StatusNotFound {
			t.Errorf("key frames of the sound: %d", w.Code)
		}
	}
}

func control(text string) string {
	_, rest, _ := strings.Cut(text, "#EXT-X-SERVER-CONTROL:")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// The multivariant playlist leads to the key frames of each rung with what it may say of them: BANDWIDTH that holds, CODECS and
// RESOLUTION, but no frame rate, sound or captions (MV-20, AAS 6.1).
func TestKeyFrameVariants(t *testing.T) {
	c := newCutter(t, "low", media.FrameRate{Num: 30, Den: 1}, 700_000, 1_000_000)
	c.run(c.plan.SegmentStart(30))
	text := c.get("/hls/demo/index.m3u8")
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#EXT-X-I-FRAME-STREAM-INF:") {
			lines = append(lines, line)
		}
	}
	var bandwidth int
	if len(lines) != 1 || !strings.HasSuffix(lines[0], `,CODECS="avc1.64001e",RESOLUTION=640x360,URI="`+programID+"/main-360p/iframes.m3u8\"\n") {
		t.Fatalf("%q", lines)
	}
	fmt.Sscanf(lines[0], "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%d", &bandwidth)
	for _, s := range c.keys(c.top, "").Segments {
		var n int
		fmt.Sscanf(s.ByteRange, "%d@", &n)
		if rate := 8 * float64(n) / s.Duration; rate > float64(bandwidth) || rate < 0.3*float64(bandwidth) {
			t.Errorf("key frame %d runs at %.0f bit/s, announced are %d", s.MSN, rate, bandwidth)
		}
	}
}

// Waiting for a whole segment works as in the other playlists, parts mean nothing, deltas skip the same segments (Q-12, K-2,
// K-3) and keep the others to the letter (K-5).
func TestKeyFramesBlockAndSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN+12, 1)
		req := []*pending{
			r.start(at(r.top, fmt.Sprintf("iframes.m3u8?_HLS_msn=%d", firstMSN+12))),
			r.start(at(r.top, fmt.Sprintf("iframes.m3u8?_HLS_msn=%d&_HLS_part=0", firstMSN+12))),
		}
		for range 3 {
			r.feed(1)
			synctest.Wait()
			if req[0].finished() || req[1].finished() {
				t.Fatal("released before the segment was complete")
			}
		}
		r.feed(1)
		synctest.Wait()
		for _, p := range req {
			if !p.finished() || p.Code != http.StatusOK || !strings.HasSuffix(p.Body.String(), "112.m4s\n") {
				t.Errorf("not released by its segment: %d\n%s", p.Code, p.Body)
			}
		}
		if w := r.do("GET", at(r.top, "iframes.m3u8?_HLS_msn=999")); w.Code != http.StatusBadRequest {
			t.Errorf("too far ahead: %d", w.Code)
		}
		full, text := r.keys(r.top, ""), r.get(at(r.top, "iframes.m3u8"))
		for query, removed := range map[string]string{"YES": "", "v2": `,RECENTLY-REMOVED-DATERANGES=""`} {
			got := r.get(at(r.top, "iframes.m3u8?_HLS_skip="+query))
			n := full.Skippable()
			_, rest, _ := strings.Cut(text, full.Segments[n-1].URI+"\n")
			if want := fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d%s\n%s", n, removed, rest); n == 0 || !strings.HasSuffix(got, want) {
				t.Errorf("%s:\n%s\nwant the end\n%s", query, got, want)
			}
		}
	})
}
