package m3u8

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; look at it, then run with -update:\n%s", path, got)
	}
}

var start = time.Date(2026, 5, 1, 10, 0, 0, 123_000_000, time.UTC)

// live is a playlist of the preset low as an origin writes it when the program has come to part parts of
// segment msn: twelve segments of 2 s, and parts for those within three target durations of the end.
func live(msn int64, parts int) *Playlist {
	p := &Playlist{Header: Header{CanBlockReload: true,
		TargetDuration: 2, CanSkipUntil: 12, HoldBack: 6, PartHoldBack: 1.025, PartTarget: 0.34134, MediaSequence: msn - 12,
	}}
	for n := msn - 12; n < msn; n++ {
		s := segment(n, 0)
		if float64(msn-n-1)*2+float64(parts)/3 <= 6 {
			s = segment(n, 6)
		}
		s.URI, s.Duration = uri(n, -1), 2
		p.Segments = append(p.Segments, Listed{Segment: s})
	}
	p.Segments[0].Map = "init.0.mp4"
	lastMSN, lastPart := msn-1, 5
	if parts > 0 {
		p.Open = &Listed{Segment: segment(msn, parts)}
		lastMSN, lastPart = msn, parts-1
	}
	p.Hints = []Hint{{Type: "PART", URI: uri(msn, parts)}}
	p.Reports = []Report{{"../main-360p/stream.m3u8", lastMSN, lastPart}, {"../audio/stream.m3u8", lastMSN, lastPart}}
	return p
}

func segment(msn int64, parts int) Segment {
	s := Segment{ProgramDateTime: start.Add(time.Duration(msn-100) * 2 * time.Second)}
	for i := range parts {
		s.Parts = append(s.Parts, Part{URI: uri(msn, i), Duration: 1.0 / 3, Independent: i == 0})
	}
	return s
}

func uri(msn int64, part int) string {
	if part < 0 {
		return fmt.Sprintf("%d.m4s", msn)
	}
	return fmt.Sprintf("%d.%d.m4s", msn, part)
}

// delta is the delta update of a full playlist, written as an origin writes it.
func delta(p *Playlist) []byte {
	n := p.Skippable()
	d := *p
	d.Skipped, d.Segments = n, p.Segments[n:]
	return d.Append(nil)
}

func parse(t testing.TB, b []byte) *Playlist {
	t.Helper()
	p, err := ParseMedia(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return p
}

func ladder() *Multivariant {
	const codecs = "avc1.64001f,mp4a.40.2"
	return &Multivariant{
		IndependentSegments: true,
		Audio:               []Media{{GroupID: "audio", Name: "Program", Language: "und", URI: "p/audio/stream.m3u8", Channels: "2", Default: true, AutoSelect: true}},
		Variants: []Variant{
			{URI: "p/main-720p/stream.m3u8", Bandwidth: 3_100_000, AverageBandwidth: 2_700_000, Codecs: codecs, Width: 1280, Height: 720, FrameRate: 30000.0 / 1001, Audio: "audio"},
			{URI: "p/main-360p/stream.m3u8", Bandwidth: 900_000, AverageBandwidth: 800_000, Codecs: codecs, Width: 640, Height: 360, FrameRate: 30, Audio: "audio"},
		},
	}
}
