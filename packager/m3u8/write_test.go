package m3u8

import (
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

func TestGoldenPlaylists(t *testing.T) {
	full := live(112, 2)
	golden(t, "live.m3u8", full.Append(nil))
	golden(t, "delta.m3u8", delta(full))
	golden(t, "multivariant.m3u8", ladder().Append(nil))

	ended := live(112, 0)
	ended.Hints, ended.EndList = nil, true
	last := &ended.Segments[11].Segment
	last.Parts, last.Duration = last.Parts[:2], 2.0/3
	golden(t, "ended.m3u8", ended.Append(nil))

	broken := live(112, 2)
	broken.DiscontinuitySequence = 3
	broken.Segments[10].Gap, broken.Segments[10].Parts = true, nil
	broken.Open.Discontinuity, broken.Open.Map = true, "init.1.mp4"
	broken.Open.Parts[1] = Part{URI: "112.1.m4s", Duration: 0.32, Gap: true}
	golden(t, "discontinuity.m3u8", broken.Append(nil))
}

// V-3: what is written without asking for a version.
func TestVersions(t *testing.T) {
	if p := parse(t, live(112, 2).Append(nil)); p.Version != 9 {
		t.Errorf("media playlist of version %d", p.Version)
	}
	m, err := ParseMultivariant(ladder().Append(nil))
	if err != nil || m.Version != 6 {
		t.Errorf("multivariant playlist of version %d: %v", m.Version, err)
	}
}

// S-6: numbers have neither exponent nor sign, durations five decimals, dates milliseconds and Z.
func TestNumbersAndDates(t *testing.T) {
	for _, c := range []struct {
		s    Segment
		want string
	}{
		{Segment{URI: "a", Duration: 1e-9}, "#EXTINF:0.00000,\na\n"},
		{Segment{URI: "a", Duration: 1e7}, "#EXTINF:10000000.00000,\na\n"},
		{Segment{URI: "a", Duration: 2.002}, "#EXTINF:2.00200,\na\n"},
		{Segment{Parts: []Part{{URI: "p", Duration: 0.34133333}}}, "#EXT-X-PART:DURATION=0.34133,URI=\"p\"\n"},
		{Segment{ProgramDateTime: time.Date(2026, 5, 1, 12, 0, 0, 1_999_600_000, time.FixedZone("", 7200))}, "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:02.000Z\n"},
	} {
		if got := string(AppendSegment(nil, &c.s)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	header := string(AppendHeader(nil, Header{TargetDuration: 2, CanBlockReload: true, HoldBack: 6, PartHoldBack: 0.96, PartTarget: 0.32, MediaSequence: 1 << 62}))
	for _, want := range []string{"YES,HOLD-BACK=6.0,PART-HOLD-BACK=0.96\n", "PART-TARGET=0.32\n", ":4611686018427387904\n"} {
		if !strings.Contains(header, want) {
			t.Errorf("no %q in\n%s", want, header)
		}
	}
	if strings.Contains(header, "CAN-SKIP-UNTIL") {
		t.Errorf("zero is written:\n%s", header)
	}
	if got := AppendSkip(nil, 0); len(got) > 0 { // K-9
		t.Errorf("SKIP of nothing: %q", got)
	}
	if got := string(AppendRenditionReport(nil, "../a.m3u8", 7, -1)); got != "#EXT-X-RENDITION-REPORT:URI=\"../a.m3u8\",LAST-MSN=7\n" {
		t.Errorf("report without parts: %q", got)
	}
}

// S-2, S-6: no name and no URI can break out of its place.
func TestWhatUsersSaySurvives(t *testing.T) {
	nasty := "a\"b\n#EXT-X-ENDLIST\r\x00é\xff"
	m := ladder()
	m.Audio[0].Name, m.Variants[0].URI = nasty, "#"+nasty
	got, err := ParseMultivariant(m.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got.Audio[0].Name != "a'b #EXT-X-ENDLIST  é\ufffd" || got.Variants[0].URI != "%23a%22b%0A#EXT-X-ENDLIST%0D%00%C3%A9%FF" {
		t.Errorf("name %q, URI %q", got.Audio[0].Name, got.Variants[0].URI)
	}
	p := live(112, 2)
	p.Segments[3].URI, p.Open.Parts[0].URI = nasty, nasty
	if got := parse(t, p.Append(nil)); got.EndList || len(got.Segments) != 12 {
		t.Errorf("%d segments, ended %v", len(got.Segments), got.EndList)
	}
}

// A second opinion: gohlslib reads what we write, and reads the same.
func TestGohlslibReadsTheSame(t *testing.T) {
	for _, parts := range []int{0, 2} {
		var media playlist.Media
		if err := media.Unmarshal(live(112, parts).Append(nil)); err != nil {
			t.Fatal(err)
		}
		control := media.ServerControl
		if media.TargetDuration != 2 || media.MediaSequence != 100 || !control.CanBlockReload || media.PartInf.PartTarget != 341340*time.Microsecond ||
			control.PartHoldBack.Round(time.Microsecond) != 1025*time.Millisecond || *control.CanSkipUntil != 12*time.Second || media.Map.URI != "init.0.mp4" {
			t.Errorf("header %+v, %+v", media, control)
		}
		if len(media.Segments) != 12 || len(media.Parts) != parts || media.PreloadHint.URI != uri(112, parts) || len(media.RenditionReport) != 2 {
			t.Errorf("%d segments, %d parts, hint %+v", len(media.Segments), len(media.Parts), media.PreloadHint)
		}
		last := media.Segments[11]
		if last.URI != "111.m4s" || last.Duration != 2*time.Second || len(last.Parts) != 6 || !last.Parts[0].Independent || last.Parts[1].Independent || !last.DateTime.Equal(start.Add(22*time.Second)) {
			t.Errorf("last segment %+v", last)
		}
	}
	var skipped playlist.Media
	if err := skipped.Unmarshal(delta(live(112, 2))); err != nil || skipped.Skip.SkippedSegments != 5 {
		t.Errorf("delta %+v: %v", skipped.Skip, err)
	}
	var m playlist.Multivariant
	if err := m.Unmarshal(ladder().Append(nil)); err != nil {
		t.Fatal(err)
	}
	v, a := m.Variants[0], m.Renditions[0]
	if v.Bandwidth != 3_100_000 || *v.AverageBandwidth != 2_700_000 || len(v.Codecs) != 2 || v.Resolution != "1280x720" || *v.FrameRate != 29.97 || v.Audio != "audio" {
		t.Errorf("variant %+v", v)
	}
	if a.Name != "Program" || !a.Default || *a.URI != "p/audio/stream.m3u8" || *a.Channels != "2" {
		t.Errorf("rendition %+v", a)
	}
}

// The hot path of the origin allocates nothing once its buffer has grown.
func TestWritersDoNotAllocate(t *testing.T) {
	p, b := live(112, 2), make([]byte, 0, 1<<14)
	if n := testing.AllocsPerRun(100, func() { b = p.Append(b[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	p, buf := live(112, 2), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = p.Append(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}
