package origin

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
	"tilecast/packager/m3u8"
)

// crowd is a program of two canvases with three rungs and two renditions of the sound.
func crowd(t testing.TB, preset string) (*rig, []*Stream) {
	r := newRigWith(t, plan(t, preset, media.FrameRate{Num: 30, Den: 1}), 0)
	in := audioInit()
	in.Params.Audio.BitRate = 48_000
	tall := r.p.AddVideo("tall", "720p", videoInit(r.plan, 720, 1280, 2_000_000))
	return r, []*Stream{r.top, r.low, r.audio, r.p.AddAudio("audio-low", in), tall}
}

// Whatever has come, all playlists of a program agree: one TARGETDURATION (M-3, C-3), the same SERVER-CONTROL, type and date ranges
// (M-16, M-13, C-5, D-9), the same numbers, discontinuity numbers and windows (C-2, C-4, C-8), segments that begin at the same
// places but for a sample of sound (C-7) at dates that say so (G-12), parts in all that have them (P-16), edges within a part
// (C-9), reports on each other of the canvas, complete, an init section in force for the first segment (L-10),
// deltas that are promised and their boundary (K-11), a version that fits (V-1, V-3); no tag that does not belong (S-12, S-14).
func TestPlaylistsOfAProgramAgree(t *testing.T) {
	for _, preset := range []string{"low", "ultra", "apple", "classic"} {
		r, streams := crowd(t, preset)
		r.feed(r.plan.PartsPerSegment, streams...)
		if _, err := r.p.Announce(cue(r.p, "a", r.plan.SegmentStart(2))); err != nil {
			t.Fatal(err)
		}
		for step := range 12 * r.plan.PartsPerSegment {
			for i, s := range streams {
				r.feed(1, s)
				if step%5 == 0 && i < len(streams)-1 { // some are a part ahead
					r.agree(streams)
				}
			}
			r.agree(streams)
		}
	}
}

func (r *rig) agree(streams []*Stream) {
	r.t.Helper()
	var first *m3u8.Playlist
	var firstText string
	for _, s := range streams {
		text, m := r.get(at(s, "stream.m3u8")), r.list(s, "")
		if first == nil {
			first, firstText = m, text
		}
		head, _, _ := strings.Cut(text, "#EXT-X-MEDIA-SEQUENCE")
		firstHead, _, _ := strings.Cut(firstText, "#EXT-X-MEDIA-SEQUENCE")
		if head != firstHead || strings.Contains(text, "INDEPENDENT-SEGMENTS") || strings.Contains(text, "EXT-X-START") {
			r.t.Fatalf("headers differ:\n%s\n%s", head, firstHead)
		}
		if want := map[bool]int{true: 9, false: 6}[r.plan.LowLatency()]; m.Version != want || m.CanSkipUntil == 0 || !m.CanSkipDateRanges {
			r.t.Fatalf("version %d, deltas %g, of date ranges %v", m.Version, m.CanSkipUntil, m.CanSkipDateRanges)
		}
		if m.Segments[0].InForce != "init.0.mp4" || max(m.MediaSequence-first.MediaSequence, first.MediaSequence-m.MediaSequence) > 1 {
			r.t.Fatalf("%s begins with %d and %q, %s with %d", s.name, m.MediaSequence, m.Segments[0].InForce, streams[0].name, first.MediaSequence)
		}
		r.alike(first, m)
		if r.plan.LowLatency() {
			if parts := m.Segments[len(m.Segments)-1].Parts; len(parts) != r.plan.PartsPerSegment {
				r.t.Fatalf("%s lists %d parts", s.name, len(parts))
			}
			others := len(streams) - 1
			if s.canvas != "" {
				others = 0
				for _, o := range streams {
					if o != s && (o.canvas == "" || o.canvas == s.canvas) {
						others++
					}
				}
			}
			if len(m.Reports) != others {
				r.t.Fatalf("%s reports on %d others, there are %d", s.name, len(m.Reports), others)
			}
			for _, rep := range m.Reports {
				if rep.LastMSN < 1 || rep.LastPart < 0 {
					r.t.Fatalf("%s: report %+v", s.name, rep)
				}
			}
		}
		edge, _ := s.Edge()
		if lead, _ := streams[0].Edge(); lead.MSN*100+int64(lead.Part)-edge.MSN*100-int64(edge.Part) > 100 {
			r.t.Fatalf("%s is at %v, %s at %v", s.name, edge, streams[0].name, lead)
		}
	}
}

// alike holds the segments that two playlists have in common against each other.
func (r *rig) alike(a, b *m3u8.Playlist) {
	r.t.Helper()
	of := map[int64]m3u8.Listed{}
	for _, s := range a.Segments {
		of[s.MSN] = s
	}
	for _, s := range b.Segments {
		o, ok := of[s.MSN]
		if !ok {
			continue
		}
		if off := o.ProgramDateTime.Sub(s.ProgramDateTime).Abs(); o.DSN != s.DSN || off.Microseconds() > 22_000 || max(o.Duration-s.Duration, s.Duration-o.Duration) > 0.022 {
			r.t.Fatalf("segment %d is %+v here and %+v there", s.MSN, o, s)
		}
	}
}

// Everything that a playlist names can be had at once, below the playlist's own URL on the same host (S-13, N-3, L-4, P-10, L-13), with the type
// that belongs to it (S-1, N-11); sound is in renditions of its own that all variants share (C-6, MV-24).
func TestEverythingNamedIsThere(t *testing.T) {
	for _, preset := range []string{"low", "classic"} {
		r, streams := crowd(t, preset)
		r.feed(5*r.plan.PartsPerSegment+r.plan.PartsPerSegment/2, streams...)
		base := "/hls/demo/index.m3u8"
		m, err := m3u8.ParseMultivariant([]byte(r.get(base)))
		if err != nil {
			t.Fatal(err)
		}
		lists := map[string]bool{}
		rates := map[int]bool{}
		for _, v := range m.Variants {
			lists[v.URI], rates[v.Bandwidth] = true, true
			if v.Width > 0 && v.Audio != m.Audio[0].GroupID {
				t.Errorf("%+v has a sound of its own", v)
			}
		}
		if len(m.Variants) != 3 || len(rates) != 3 || len(m.Audio) != 1 || m.Audio[0].Language == "" {
			t.Errorf("variants %+v, sound %+v", m.Variants, m.Audio)
		}
		for _, v := range m.IFrames {
			lists[v.URI] = true
		}
		lists[m.Audio[0].URI] = true
		for list := range lists {
			from := follow(t, base, list)
			w := r.do("GET", from)
			if w.Header().Get("Content-Type") != "application/vnd.apple.mpegurl" || !strings.HasSuffix(from, ".m3u8") {
				t.Errorf("%s is %q", from, w.Header().Get("Content-Type"))
			}
			p, err := m3u8.ParseMedia(w.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]bool{p.Segments[0].InForce: true}
			for _, s := range p.Segments {
				names[s.URI] = true
				for _, part := range s.Parts {
					names[part.URI] = true
				}
			}
			for _, rep := range p.Reports {
				names[rep.URI] = true
			}
			for name := range names {
				if w := r.do("GET", follow(t, from, name)); w.Code != http.StatusOK {
					t.Errorf("%s names %s: %d", from, name, w.Code)
				}
			}
		}
	}
}

// follow resolves a reference as players do; it must stay on the host.
func follow(t *testing.T, base, ref string) string {
	t.Helper()
	b, _ := url.Parse("http://a.example" + base)
	u, err := b.Parse(ref)
	if err != nil || u.Host != "a.example" {
		t.Fatalf("%s leads away to %v, %v", ref, u, err)
	}
	return u.Path
}

// The same question has the same answer (Q-13, N-7), whichever of the directives it is asked with (N-17: they are part of the URL that caches
// key by); the answer of the moment carries no Last-Modified (N-12) and is for half a target duration at most (N-19). Sound is no different
//
func TestAnswersAreIdempotent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, streams := crowd(t, "low")
		r.feed(10*r.plan.PartsPerSegment+2, streams...)
		for _, s := range streams {
			for _, query := range []string{"", "?_HLS_msn=110&_HLS_part=1", "?_HLS_msn=110&_HLS_part=1&_HLS_skip=YES", "?_HLS_msn=110&_HLS_part=1&_HLS_skip=v2", "?_HLS_msn=109", "?_HLS_skip=YES"} {
				one, two := r.do("GET", at(s, "stream.m3u8"+query)), r.do("GET", at(s, "stream.m3u8"+query))
				if one.Code != 200 || one.Body.String() != two.Body.String() || fmt.Sprint(one.Header()) != fmt.Sprint(two.Header()) {
					t.Errorf("%s%s: two answers", s.name, query)
				}
				if one.Header().Get("Last-Modified") != "" {
					t.Errorf("%s: Last-Modified", query)
				}
				if query == "" && one.Header().Get("Cache-Control") != "public, max-age=1" {
					t.Errorf("a plain playlist: %q", one.Header().Get("Cache-Control"))
				}
			}
			waits := r.start(at(s, "stream.m3u8?_HLS_msn=110&_HLS_part=2"))
			synctest.Wait()
			if waits.finished() {
				t.Errorf("%s does not wait", s.name)
			}
			r.feed(1, s)
			synctest.Wait()
			if again := r.get(at(s, "stream.m3u8?_HLS_msn=110&_HLS_part=2")); !waits.finished() || waits.Body.String() != again {
				t.Errorf("%s: who waited has another answer than who came later", s.name)
			}
			if w := r.do("GET", at(s, "stream.m3u8?_HLS_part=2")); w.Code != http.StatusBadRequest {
				t.Errorf("%s: %d", s.name, w.Code)
			}
		}
	})
}

// A reader sees a version or the next, never something between (L-2).
func TestUpdatesAreAtomic(t *testing.T) {
	r := newRig(t)
	r.feed(r.plan.PartsPerSegment)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 * r.plan.PartsPerSegment {
			r.feed(1)
		}
	}()
	last := r.list(r.top, "")
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		next := r.list(r.top, "")
		none(t, m3u8.CheckUpdate(last, next))
		last = next
	}
}

// VIDEO-RANGE is left out, which says SDR, and the transfer that the media says is one of those that are (MV-14).
func TestVideoRange(t *testing.T) {
	c := newCutter(t, "low", media.FrameRate{Num: 30, Den: 1}, 700_000, 1_000_000)
	c.run(5 * media.Second)
	if text := c.get("/hls/demo/index.m3u8"); strings.Contains(text, "VIDEO-RANGE") {
		t.Errorf("\n%s", text)
	}
	init, err := mp4.DecodeFile(bytes.NewReader([]byte(c.get(at(c.top, "init.0.mp4")))))
	if err != nil {
		t.Fatal(err)
	}
	for _, box := range init.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX.Children {
		if colr, ok := box.(*mp4.ColrBox); ok && strings.Contains(" 1 6 13 14 15 ", fmt.Sprintf(" %d ", colr.TransferCharacteristics)) {
			return
		}
	}
	t.Error("no colr of standard range")
}
