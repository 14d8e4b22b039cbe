package packager

import (
	"fmt"
	"strings"
	"testing"

	"tilecast/media"
)

// told is what a list of parts says: a letter for each, i independent, p plain, g gap; a bar behind a segment.
func told(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.Gap:
			b.WriteByte('g')
		case p.Independent:
			b.WriteByte('i')
		default:
			b.WriteByte('p')
		}
		if p.Last {
			b.WriteByte('|')
		}
	}
	return b.String()
}

// Media that never came makes gaps of whole parts, in the place and of the length that the parts would have had
// (G-14, P-9, P-11, C-1); pictures go on with a key frame at a part's edge (P-5), sound with the next part.
func TestHolesBecomeGaps(t *testing.T) {
	plan := mustPlan(t, "low", rates[3]) // 10 frames a part, 60 a segment
	video, sound := mustInit(t, videoParams(plan.Rate), plan), mustInit(t, audioParams(), plan)
	for _, c := range []struct {
		name    string
		in      Init
		missing func(n int64) bool
		key     int64 // an additional key frame
		want    string
	}{
		{"nothing", video, func(int64) bool { return false }, 0, "ippppp|ippppp|ippppp|"},
		{"one frame", video, func(n int64) bool { return n == 63 }, 0, "ippppp|gggggg|ippppp|"},
		{"a part's first frame", video, func(n int64) bool { return n == 70 }, 0, "ippppp|iggggg|ippppp|"},
		{"a part's last frame", video, func(n int64) bool { return n == 79 }, 0, "ippppp|iggggg|ippppp|"},
		{"a segment's first frame", video, func(n int64) bool { return n == 60 }, 0, "ippppp|gggggg|ippppp|"},
		{"a segment's last frame", video, func(n int64) bool { return n == 59 }, 0, "ippppg|ippppp|ippppp|"},
		{"a key frame comes to help", video, func(n int64) bool { return n == 71 }, 90, "ippppp|iggipp|ippppp|"},
		{"one that stands within a part does not help", video, func(n int64) bool { return n == 71 }, 94, "ippppp|iggggg|ippppp|"},
		{"a second", video, func(n int64) bool { return n >= 45 && n < 75 }, 0, "ipppgg|gggggg|ippppp|"},
		{"two segments", video, func(n int64) bool { return n >= 58 && n < 121 }, 0, "ippppg|gggggg|gggggg|"},
		{"sound", sound, func(n int64) bool { return n == 100 }, 0, "iiiiii|giiiii|iiiiii|"},
		{"more sound", sound, func(n int64) bool { return n >= 93 && n < 120 }, 0, "iiiiii|ggiiii|iiiiii|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out recorder
			track := NewTrack(c.in, plan, TrackConfig{FirstMSN: 1}, &out)
			for n := int64(0); len(out.parts) < 3*plan.PartsPerSegment; n++ {
				if c.missing(n) {
					continue
				}
				p := packet(plan, c.in, n)
				if c.key > 0 && n == c.key {
					p = videoPacket(plan, 0)
					p.At = plan.Rate.Frame(n)
				}
				if err := track.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			// When a hole is longer than a part its end brings several parts at once.
			parts := out.parts[:3*plan.PartsPerSegment]
			if got := told(parts); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			at, gaps := media.Time(0), int64(0)
			for k, p := range parts {
				if p.Start != at || p.MSN != 1+int64(k)/6 || p.Index != k%6 || p.Start+p.Dur > plan.partEdge(int64(k+1)) ||
					p.Start+p.Dur+track.grain <= plan.partEdge(int64(k+1)) {
					t.Errorf("part %d is %d.%d from %v for %v, due at %v", k, p.MSN, p.Index, p.Start, p.Dur, at)
				}
				if p.Gap {
					gaps++
				}
				if p.Gap != (len(p.Data) == 0) || p.Gap && (p.Independent || p.KeyLen > 0) {
					t.Errorf("gap %v with %d bytes", p.Gap, len(p.Data))
				}
				at += p.Dur
			}
			if got := track.Stats().Gaps; got != gaps {
				t.Errorf("%d gaps counted, %d came", got, gaps)
			}
		})
	}
}

// Gap says in time what would be seen too late by the next packet (P-11), and after Close it does nothing.
func TestGapOnDemand(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	var out recorder
	track := NewTrack(mustInit(t, videoParams(plan.Rate), plan), plan, TrackConfig{FirstMSN: 1}, &out)
	for n := range int64(13) {
		if err := track.Write(videoPacket(plan, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := track.Gap(media.Second / 2); err != nil || told(out.parts) != "ig" {
		t.Errorf("%v, parts %s", err, told(out.parts))
	}
	if err := track.Gap(media.Second / 2); err != nil || len(out.parts) != 2 {
		t.Errorf("the same gap again: %v, parts %s", err, told(out.parts))
	}
	for n := int64(13); n < 70; n++ {
		if err := track.Write(videoPacket(plan, n)); err != nil {
			t.Fatal(err)
		}
	}
	if got := told(out.parts); got != "iggggg|i" {
		t.Errorf("parts %s", got)
	}
	if err := track.Close(); err != nil {
		t.Error(err)
	}
	if err := track.Gap(10 * media.Second); err != nil || len(out.parts) != 7 {
		t.Errorf("after Close: %v, %d parts", err, len(out.parts))
	}
}

// A track that nothing comes of begins with gaps, in the segment that the first of them ends in, so that its playlist
// is there (C-4); pictures go on as after any other gap, sound as well.
func TestTrackBeginsWithGaps(t *testing.T) {
	eachTrack(t, func(t *testing.T, plan Plan, in Init) {
		for _, c := range []struct {
			until media.Time
			msn   int64
			gaps  int
		}{
			{0, 1, 0}, // says nothing
			{1, 1, 1},
			{plan.partEdge(1) / audioFrame * audioFrame, 1, 1},
			{plan.SegmentStart(1) / audioFrame * audioFrame, 1, plan.PartsPerSegment},
			{plan.SegmentStart(1) + plan.Rate.Frame(1), 2, 1},
		} {
			var out recorder
			track := NewTrack(in, plan, TrackConfig{FirstMSN: 1}, &out)
			if err := track.Gap(c.until); err != nil || len(out.parts) != c.gaps || track.Stats().Gaps != int64(c.gaps) {
				t.Fatalf("up to %v: %v, %s", c.until, err, told(out.parts))
			}
			for n := int64(0); len(out.parts) < 3*plan.PartsPerSegment; n++ {
				if p := packet(plan, in, n); p.At >= c.until {
					if err := track.Write(p); err != nil {
						t.Fatalf("up to %v: frame %d: %v", c.until, n, err)
					}
				}
			}
			at := out.parts[0].Start
			for k, p := range out.parts {
				if want := c.msn + int64(k/plan.PartsPerSegment); p.MSN != want || p.Index != k%plan.PartsPerSegment || p.Start != at || p.Gap && p.Start >= plan.SegmentStart(c.msn) {
					t.Fatalf("up to %v: part %d is %d.%d at %v, gap %v", c.until, k, p.MSN, p.Index, p.Start, p.Gap)
				}
				at += p.Dur
			}
		}
	})
}

// The first sample of a part that begins with a key frame can be had without the others (M-25).
func TestKeyLen(t *testing.T) {
	eachTrack(t, func(t *testing.T, plan Plan, in Init) {
		var out recorder
		track := NewTrack(in, plan, TrackConfig{FirstMSN: 1, Wall: wall}, &out)
		for n := int64(0); len(out.parts) < plan.PartsPerSegment+1; n++ {
			if err := track.Write(packet(plan, in, n)); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range out.parts {
			if in.Params.Audio != nil || p.Index > 0 {
				if p.KeyLen != 0 {
					t.Errorf("part %d.%d has a key frame of %d bytes", p.MSN, p.Index, p.KeyLen)
				}
				continue
			}
			first := packet(plan, in, (p.MSN-1)*int64(plan.SegmentFrames()))
			nal := first.Data[len(first.Data)-6:]
			if got := fmt.Sprintf("%x", p.Data[p.KeyLen-len(nal):p.KeyLen]); got != fmt.Sprintf("%x", nal) {
				t.Errorf("the key frame ends with %s, want %x", got, nal)
			}
		}
	})
}
