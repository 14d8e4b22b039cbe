package origin

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	foreign "github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// The playlist of section 26, as this program writes it.
const golden = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24.0,CAN-SKIP-DATERANGES=YES,HOLD-BACK=12.0,PART-HOLD-BACK=3.072
#EXT-X-PART-INF:PART-TARGET=1.024
#EXT-X-MEDIA-SEQUENCE:265
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-MAP:URI="init.0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:00.000Z
#EXTINF:4.00000,
265.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:04.000Z
#EXTINF:4.00000,
266.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:08.000Z
#EXTINF:4.00000,
267.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:12.000Z
#EXTINF:4.00000,
268.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:16.000Z
#EXTINF:4.00000,
269.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:20.000Z
#EXTINF:4.00000,
270.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:24.000Z
#EXT-X-PART:DURATION=1.00000,URI="271.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.00000,URI="271.1.m4s"
#EXT-X-PART:DURATION=1.00000,URI="271.2.m4s"
#EXT-X-PART:DURATION=1.00000,URI="271.3.m4s"
#EXTINF:4.00000,
271.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:28.000Z
#EXT-X-PART:DURATION=1.00000,URI="272.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.00000,URI="272.1.m4s"
#EXT-X-PART:DURATION=1.00000,URI="272.2.m4s"
#EXT-X-PART:DURATION=1.00000,URI="272.3.m4s"
#EXTINF:4.00000,
272.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:32.000Z
#EXT-X-PART:DURATION=1.00000,URI="273.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.00000,URI="273.1.m4s"
#EXT-X-PART:DURATION=1.00000,URI="273.2.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="273.3.m4s"
#EXT-X-RENDITION-REPORT:URI="../v2/stream.m3u8",LAST-MSN=273,LAST-PART=1
#EXT-X-RENDITION-REPORT:URI="../audio/stream.m3u8",LAST-MSN=273,LAST-PART=1
`

// TestReferencePlaylist is section 26, full and delta: 265 is skipped, 266 ends at the very boundary and stays (K-2).
func TestReferencePlaylist(t *testing.T) {
	p := NewProgram(ProgramConfig{ID: "x", Plan: examplePlan, FirstMSN: 265, Wall: media.NewClock(epoch).Wall})
	streams := []*Stream{
		p.AddVideo("v", "1", videoInit(examplePlan, 1280, 720, 1_000_000)), p.AddVideo("v", "2", videoInit(examplePlan, 640, 360, 300_000)), p.AddAudio("audio", audioInit()),
	}
	streams[1].report = "../v2/stream.m3u8"
	for n := range 8*4 + 3 {
		for _, s := range []int{0, 1, 2} {
			if err := streams[s].Append(packager.Part{MSN: 265 + int64(n/4), Index: n % 4, Start: media.Time(n) * media.Second, Dur: media.Second,
				Independent: n%4 == 0, Last: n%4 == 3, Data: []byte("x")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	v := streams[0].current.Load()
	if got := string(v.form(full).data); got != golden {
		t.Errorf("full:\n%s\nwant:\n%s", got, golden)
	}
	head, rest, _ := strings.Cut(golden, "#EXT-X-MAP")
	_, rest, _ = strings.Cut(rest, "265.m4s\n")
	if got, want := string(v.form(delta).data), head+"#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"+rest; got != want {
		t.Errorf("delta:\n%s\nwant:\n%s", got, want)
	}
}

// plans are those that the properties below hold for.
var plans = []struct {
	preset   string
	num, den int64
}{
	{"low", 30, 1}, {"low", 30000, 1001}, {"low", 25, 1}, {"low", 24, 1}, {"low", 60, 1}, {"ultra", 30, 1}, {"ultra", 50, 1}, {"apple", 30000, 1001},
}

// TestEveryVersion checks all versions of all playlists of a program, one after the other: the header is constant (M-2, M-16,
// M-23), parts keep to PART-TARGET (P-7) and to the last three target durations (P-12), the hint is the part that
// comes (PH-1, PH-2), reports are there, dates map as durations do (G-12), only legal edits happen (L-1, M-5), every
// listed thing can be had (L-4, L-13, P-10), and a delta is the full text without what it skips (K-1 to K-5, K-9).
func TestEveryVersion(t *testing.T) {
	for _, test := range plans {
		t.Run(fmt.Sprintf("%s %d/%d", test.preset, test.num, test.den), func(t *testing.T) {
			r := newRigWith(t, plan(t, test.preset, media.FrameRate{Num: test.num, Den: test.den}), 20*media.Second)
			r.to(firstMSN, r.plan.PartsPerSegment-1)
			half := int64(r.plan.SkipUntil / 2 / r.plan.Rate.Frame(int64(r.plan.PartFrames))) // K-10: players ask with copies younger than this
			before, base := map[*Stream]*m3u8.Playlist{}, map[*Stream]*m3u8.Playlist{}
			for range int64(20) * int64(media.Second) / int64(r.plan.SegmentStart(1)) * int64(r.plan.PartsPerSegment) * 2 {
				for _, s := range []*Stream{r.audio, r.top, r.low} {
					r.feed(1, s)
					now := r.list(s, "")
					r.checkVersion(s, now)
					if b := before[s]; b != nil {
						checkEdits(t, b, now)
						none(t, m3u8.CheckUpdate(b, now))
					}
					before[s] = now
					if base[s] == nil || r.played[s]%half == 0 {
						base[s] = now
					}
					r.checkDelta(s, now, base[s])
					if t.Failed() {
						t.Fatalf("%s:\n%s", s.name, r.get(at(s, "stream.m3u8")))
					}
				}
			}
			if n := before[r.top].MediaSequence; n <= firstMSN {
				t.Error("the window never moved")
			}
		})
	}
}

// none fails for every rule that is broken.
func none(t testing.TB, findings []m3u8.Finding) {
	for _, f := range findings {
		t.Error(f)
	}
}

func (r *rig) checkVersion(s *Stream, m *m3u8.Playlist) {
	t := r.t
	td := float64(r.plan.Target)
	if m.TargetDuration != r.plan.Target || !m.CanBlockReload || math.Abs(m.PartTarget-r.plan.PartTarget.Seconds()) > 1e-9 ||
		math.Abs(m.PartHoldBack-r.plan.PartHoldBack.Seconds()) > 1e-9 || m.HoldBack != 3*td || m.CanSkipUntil != 6*td || m.Version < 9 {
		t.Errorf("header %+v", m.Header)
	}
	segments := m.Segments
	if len(segments) == 0 || segments[0].Map != initName(0) || segments[0].MSN != m.MediaSequence || m.DiscontinuitySequence != 0 {
		t.Errorf("begins with %+v", segments[0])
	}
	if m.Open != nil {
		segments = append(segments[:len(segments):len(segments)], *m.Open)
	}
	end, span := 0.0, 0.0
	for i := range segments {
		for _, p := range segments[i].Parts {
			if segments[i].URI == "" {
				end += p.Duration
			}
		}
		end += segments[i].Duration
	}
	at0 := segments[0].ProgramDateTime
	for i, seg := range segments {
		if d := seg.ProgramDateTime.Sub(at0).Seconds() - span; math.Abs(d) > 0.002 {
			t.Errorf("date of %d is %v s off", seg.MSN, d)
		}
		if len(seg.Parts) > 0 && end-span > 3*td+0.001 {
			t.Errorf("parts of %d are %v s from the end", seg.MSN, end-span)
		}
		if len(seg.Parts) == 0 && end-span < 3*td-0.001 {
			t.Errorf("%d shows no parts %v s from the end", seg.MSN, end-span)
		}
		sum := 0.0
		for j, p := range seg.Parts {
			sum += p.Duration
			if p.Duration > m.PartTarget || !p.Independent && j < len(seg.Parts)-1 && p.Duration < 0.85*m.PartTarget {
				t.Errorf("part %s of %v s, target %v", p.URI, p.Duration, m.PartTarget)
			}
			if p.URI != partName(Cursor{seg.MSN, j}) || p.Independent != (j == 0 || s.canvas == "") {
				t.Errorf("part %d of %d: %+v", j, seg.MSN, p)
			}
			r.get(at(s, p.URI))
		}
		if seg.URI != "" {
			if len(seg.Parts) > 0 && (math.Abs(sum-seg.Duration) > 1e-4 || len(seg.Parts) != r.plan.PartsPerSegment) { // P-15
				t.Errorf("%d parts of %d add up to %v of %v s", len(seg.Parts), seg.MSN, sum, seg.Duration)
			}
			if math.Round(seg.Duration) > td { // M-1
				t.Errorf("segment of %v s", seg.Duration)
			}
			r.get(at(s, seg.URI))
		}
		if i > 0 && seg.Map != "" {
			t.Errorf("MAP again at %d", seg.MSN)
		}
		span += seg.Duration
	}
	next := r.cut(s, r.played[s])
	if len(m.Hints) != 1 || m.Hints[0].Type != "PART" || m.Hints[0].URI != partName(Cursor{next.MSN, next.Index}) {
		t.Errorf("hints %+v, next is %d.%d", m.Hints, next.MSN, next.Index)
	}
	if len(m.Reports) != 2 {
		t.Errorf("reports %+v", m.Reports)
	}
}

// checkDelta: the same header, SKIP, and then the very lines of the full text behind the skipped URIs. What is
// skipped ends further than CAN-SKIP-UNTIL from the end of the last segment, counted without rounding. A player that
// applies it to an older copy has the full playlist.
func (r *rig) checkDelta(s *Stream, m, base *m3u8.Playlist) {
	t := r.t
	d := r.list(s, "?_HLS_skip=YES")
	none(t, m3u8.CheckDelta(m, d))
	if applied, err := m3u8.ApplyDelta(base, d); err != nil {
		t.Errorf("delta on a copy that ends at %d: %v", base.Segments[len(base.Segments)-1].MSN, err)
	} else if got, want := string(applied.Append(nil)), r.get(at(s, "stream.m3u8")); got != want {
		t.Errorf("applied:\n%s\nfull:\n%s", got, want)
	}
	whole, got := r.get(at(s, "stream.m3u8")), r.get(at(s, "stream.m3u8?_HLS_skip=YES"))
	v2 := strings.NewReplacer("EXT-X-VERSION:9\n", "EXT-X-VERSION:10\n").Replace(got)
	v2 = regexp.MustCompile("(#EXT-X-SKIP:.*)\n").ReplaceAllString(v2, "$1,RECENTLY-REMOVED-DATERANGES=\"\"\n")
	if !strings.Contains(got, "#EXT-X-SKIP") {
		v2 = got // a full playlist (K-9)
	}
	if text := r.get(at(s, "stream.m3u8?_HLS_skip=v2")); text != v2 { // K-6
		t.Errorf("v2 where there is no date range:\n%s\nwant\n%s", text, v2)
	}
	end := func(msn int64) media.Time {
		p := r.cut(s, (msn-firstMSN+1)*int64(r.plan.PartsPerSegment)-1)
		return p.Start + p.Dur
	}
	last, skip := m.Segments[len(m.Segments)-1].MSN, 0
	for _, seg := range m.Segments {
		if end(last)-end(seg.MSN) > r.plan.SkipUntil {
			skip++
		}
	}
	if skip == 0 {
		if got != whole {
			t.Error("nothing to skip, but another text than the full one")
		}
		return
	}
	head, _, _ := strings.Cut(whole, "#EXT-X-MAP")
	_, rest, _ := strings.Cut(whole, fmt.Sprintf("%d.m4s\n", m.MediaSequence+int64(skip)-1))
	if want := fmt.Sprintf("%s#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n%s", head, skip, rest); got != want {
		t.Errorf("delta:\n%s\nwant:\n%s", got, want)
	}
}

// checkEdits allows what L-1 allows between two versions.
func checkEdits(t testing.TB, a, b *m3u8.Playlist) {
	if b.MediaSequence < a.MediaSequence || b.MediaSequence > a.MediaSequence+1 {
		t.Errorf("MEDIA-SEQUENCE from %d to %d", a.MediaSequence, b.MediaSequence)
	}
	for _, old := range a.Segments {
		i := old.MSN - b.MediaSequence
		if i < 0 {
			continue
		}
		now := b.Segments[i]
		if now.URI != old.URI || now.Duration != old.Duration || !now.ProgramDateTime.Equal(old.ProgramDateTime) || now.DSN != old.DSN {
			t.Errorf("%d changed from %+v to %+v", old.MSN, old, now)
		}
		if len(now.Parts) != 0 && len(now.Parts) != len(old.Parts) {
			t.Errorf("parts of %d changed from %d to %d", old.MSN, len(old.Parts), len(now.Parts))
		}
	}
	if len(b.Segments) < len(a.Segments)-1 {
		t.Error("the end went back")
	}
}

// Just below, at and above the boundary (K-2): segments a flick longer than the boundary allows are skipped.
func TestDeltaBoundary(t *testing.T) {
	for _, test := range []struct {
		dur     media.Time
		segs    int
		skipped int
	}{
		{4 * media.Second, 9, 2},               // ends 0, 4, ... 24 s from the end: the seventh is not further
		{4*media.Second - 1, 9, 2},             // just below
		{4*media.Second + 1, 9, 3},             // just above
		{media.Second * 400008 / 100000, 9, 3}, // Apple's sample keeps six
		{4 * media.Second, 7, 0},
		{4*media.Second + 1, 7, 1},
		{4 * media.Second, 1, 0},
	} {
		p := NewProgram(ProgramConfig{ID: "x", Plan: examplePlan})
		s := p.AddVideo("main", "720p", videoInit(examplePlan, 1280, 720, 1))
		for n := range test.segs {
			if err := s.Append(packager.Part{MSN: 5 + int64(n), Start: media.Time(n) * test.dur, Dur: test.dur, Independent: true, Last: true}); err != nil {
				t.Fatal(err)
			}
		}
		text := string(s.current.Load().form(delta).data)
		want := fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", test.skipped)
		if has := strings.Contains(text, want); has != (test.skipped > 0) || strings.Contains(text, "SKIP:") != has {
			t.Errorf("%d segments of %v, want %d skipped:\n%s", test.segs, test.dur, test.skipped, text)
		}
	}
}

// A second opinion: the parser of another project reads the same.
func TestForeignParser(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+40, 3)
	for _, s := range []*Stream{r.top, r.audio} {
		for _, query := range []string{"", "?_HLS_skip=YES"} {
			var m foreign.Media
			if err := m.Unmarshal([]byte(r.get(at(s, "stream.m3u8"+query)))); err != nil {
				t.Fatal(err)
			}
			if m.MediaSequence != 110 || m.TargetDuration != 2 || m.PreloadHint == nil || m.PreloadHint.URI != "140.4.m4s" ||
				len(m.Parts) != 4 || len(m.RenditionReport) != 2 || (m.Skip != nil) != (query != "") {
				t.Errorf("%s%s: %+v", s.name, query, m)
			}
		}
	}
	var m foreign.Multivariant
	if err := m.Unmarshal([]byte(r.get("/hls/demo/index.m3u8"))); err != nil || len(m.Variants) != 2 || len(m.Renditions) != 1 {
		t.Errorf("%v %+v", err, m)
	}
}

// What the multivariant playlist says of a program (section 12).
func TestMultivariant(t *testing.T) {
	r := newRig(t)
	r.feed(8)
	m, err := m3u8.ParseMultivariant([]byte(r.get("/hls/demo/index.m3u8")))
	if err != nil {
		t.Fatal(err)
	}
	none(t, m3u8.CheckMultivariant(m))
	if !m.IndependentSegments || len(m.Audio) != 1 || len(m.Variants) != 2 {
		t.Fatalf("%+v", m)
	}
	a := m.Audio[0]
	if a.URI != programID+"/audio/stream.m3u8" || !a.Default || !a.AutoSelect || a.Channels != "2" || a.Name == "" {
		t.Errorf("%+v", a)
	}
	for i, want := range []struct {
		uri   string
		w, h  int
		video int
	}{{programID + "/main-720p/stream.m3u8", 1280, 720, 2_500_000}, {programID + "/main-360p/stream.m3u8", 640, 360, 700_000}} {
		v := m.Variants[i]
		if v.URI != want.uri || v.Width != want.w || v.Height != want.h || v.FrameRate != 30 || v.Codecs != "avc1.42c01f,mp4a.40.2" ||
			v.Audio != a.GroupID || v.ClosedCaptions != "NONE" {
			t.Errorf("%+v", v)
		}
		if least := want.video + 128_000; v.AverageBandwidth < least || v.AverageBandwidth > least*105/100 || v.Bandwidth < want.video*3/2+128_000 {
			t.Errorf("bandwidth %d, average %d for %d bit/s of video", v.Bandwidth, v.AverageBandwidth, want.video)
		}
	}
}

// A list is as old as its last part, whatever the wall clock does: dates are arithmetic on the program's (G-13).
func TestDatesComeFromTheProgram(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+3, 0)
	m := r.list(r.top, "")
	if want := epoch.Add(6 * time.Second); !m.Open.ProgramDateTime.Equal(want) {
		t.Errorf("%v, want %v", m.Open.ProgramDateTime, want)
	}
}
