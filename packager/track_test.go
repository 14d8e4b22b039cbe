package packager

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tilecast/media"
)

// eachTrack runs f for video and sound, for every preset and rate.
func eachTrack(t *testing.T, f func(t *testing.T, plan Plan, in Init)) {
	for _, preset := range Presets() {
		for _, rate := range rates {
			plan := mustPlan(t, preset, rate)
			for kind, params := range map[string]media.Params{"video": videoParams(rate), "audio": audioParams()} {
				t.Run(fmt.Sprintf("%s %v %s", preset, rate, kind), func(t *testing.T) { f(t, plan, mustInit(t, params, plan)) })
			}
		}
	}
}

// A part is handed on by the write of its last sample, neither earlier nor later, and the parts
// are those of the timeline: P-2, P-5, P-7, F-5, C-1.
func TestPartsComeTheMomentTheyAreWhole(t *testing.T) {
	eachTrack(t, func(t *testing.T, plan Plan, in Init) {
		var out recorder
		track := NewTrack(in, plan, TrackConfig{FirstMSN: 100}, &out)
		pps, at := int64(plan.PartsPerSegment), media.Time(0)
		for n := int64(0); len(out.parts) < 10*plan.PartsPerSegment; n++ {
			k := int64(len(out.parts)) // number of the open part
			p := packet(plan, in, n)
			if err := track.Write(p); err != nil {
				t.Fatal(err)
			}
			whole := p.At+2*p.Dur > plan.partEdge(k+1)
			if whole != (int64(len(out.parts)) == k+1) {
				t.Fatalf("frame %d at %v: %d parts, the edge of %d is at %v", n, p.At, len(out.parts), k, plan.partEdge(k+1))
			}
			if !whole {
				continue
			}
			part := out.parts[k]
			if part.MSN != 100+k/pps || int64(part.Index) != k%pps || part.Last != (k%pps == pps-1) {
				t.Fatalf("part %d is %d.%d, last %v", k, part.MSN, part.Index, part.Last)
			}
			if part.Start != at || plan.LowLatency() && part.Dur > plan.PartTarget || part.Start+part.Dur > plan.partEdge(k+1) {
				t.Fatalf("part %d from %v for %v, due at %v", k, part.Start, part.Dur, at)
			}
			if part.Independent != (in.Params.Audio != nil || part.Index == 0) {
				t.Fatalf("part %d.%d independent: %v", part.MSN, part.Index, part.Independent)
			}
			at += part.Dur
		}
		if got := track.Stats(); got.Parts != int64(len(out.parts)) || got.Segments != 10 || got.Dropped != 0 || got.Bytes != int64(len(out.bytes())) {
			t.Errorf("stats %+v after %d parts", got, len(out.parts))
		}
	})
}

// A track that begins late begins with the first whole segment, under the number that
// segment has in every rendition (C-4, C-8).
func TestTrackBeginsWithAWholeSegment(t *testing.T) {
	eachTrack(t, func(t *testing.T, plan Plan, in Init) {
		grain := audioFrame
		if in.Params.Video != nil {
			grain = plan.Rate.Frame(1)
		}
		perSegment := int64(plan.SegmentStart(1) / grain)
		for _, from := range []int64{-2, 0, 1, perSegment - 1, perSegment, perSegment + 1, perSegment + 2} {
			var out recorder
			track := NewTrack(in, plan, TrackConfig{FirstMSN: 7}, &out)
			n := from
			for ; len(out.parts) < 1; n++ {
				if err := track.Write(packet(plan, in, n)); err != nil {
					t.Fatal(err)
				}
			}
			segment := int64(0)
			for plan.SegmentStart(segment)/grain < media.Time(from) {
				segment++
			}
			first := out.parts[0]
			if first.MSN != 7+segment || first.Index != 0 || first.Start != plan.SegmentStart(segment)/grain*grain {
				t.Errorf("from frame %d: begins with %d.%d at %v, want segment %d", from, first.MSN, first.Index, first.Start, segment)
			}
			if want := int64(first.Start/grain) - from; track.Stats().Dropped != want {
				t.Errorf("from frame %d: %d dropped, want %d", from, track.Stats().Dropped, want)
			}
		}
	})
}

func TestTrackWaitsForAKeyFrameAtASegmentStart(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	var out recorder
	track := NewTrack(mustInit(t, videoParams(plan.Rate), plan), plan, TrackConfig{FirstMSN: 1}, &out)
	for n := range int64(plan.SegmentFrames() + plan.PartFrames) {
		p := videoPacket(plan, n)
		p.Key = p.Key && n > 0
		if err := track.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.parts) != 1 || out.parts[0].MSN != 2 || track.Stats().Dropped != int64(plan.SegmentFrames()) {
		t.Errorf("%d parts, first %+v, stats %+v", len(out.parts), out.parts[:1], track.Stats())
	}
}

// What is wrong is refused and said once, and is missing from then on like what never came: the track goes on with the
// next key frame.
func TestWrongPacketsAreLeftOut(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	frame := plan.Rate.Frame(1)
	other := append(append([]byte(nil), sps...), 1)
	for _, c := range []struct {
		name   string
		n      int64 // frames written before
		change func(*media.Packet)
		want   string
	}{
		{"overlap", 3, func(p *media.Packet) { p.At -= frame }, "packet at 0.066667s where 0.100000s is due: it overlaps what was written"},
		{"hole of an hour", 3, func(p *media.Packet) { p.At += 3600 * media.Second }, "nothing has come from 0.100000s to 3600.100000s: a gap is 60.000000s at most"},
		{"off the grid", 3, func(p *media.Packet) { p.At++ }, "not on the grid of frames of 0.033333s"},
		{"no duration", 3, func(p *media.Packet) { p.Dur = 0 }, "not on the grid"},
		{"over the edge", 9, func(p *media.Packet) { p.Dur = 2 * frame }, "reaches over the part's edge at 0.333333s"},
		// G-17
		{"segment without key", 60, func(p *media.Packet) { p.Key = false }, "segment 2 at 2.000000s does not begin with a key frame"},
		{"not Annex B", 3, func(p *media.Packet) { p.Data = []byte{0, 0, 0, 9, 0x41} }, "packet at 0.100000s: not H.264 in Annex B format"},
		{"no picture", 3, func(p *media.Packet) { p.Data = annexB([]byte{nalAUD, 0x10}) }, "access unit without a picture"},
		{"empty", 3, func(p *media.Packet) { p.Data = nil }, "not H.264"},
		{"other SPS", 60, func(p *media.Packet) { p.Data = annexB(other, pps, []byte{0x65, 1}) }, "in-band SPS 6764001e"},
		{"other PPS", 3, func(p *media.Packet) { p.Data = annexB([]byte{0x68, 1}, []byte{0x41, 1}) }, "in-band PPS 6801 differs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out recorder
			track := NewTrack(mustInit(t, videoParams(plan.Rate), plan), plan, TrackConfig{FirstMSN: 1}, &out)
			for n := range c.n {
				if err := track.Write(videoPacket(plan, n)); err != nil {
					t.Fatal(err)
				}
			}
			bad := videoPacket(plan, c.n)
			c.change(&bad)
			err := track.Write(bad)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if (c.n+1)%int64(plan.PartFrames) == 0 && told(out.parts) != "g" {
				t.Errorf("at the end of its part: %s", told(out.parts))
			}
			for n := c.n + 1; len(out.parts) < 3*plan.PartsPerSegment; n++ {
				if err := track.Write(videoPacket(plan, n)); err != nil {
					t.Fatalf("then frame %d: %v", n, err)
				}
			}
			want := "gggggg|ippppp|ippppp|"
			if c.n >= 60 {
				want = "ippppp|gggggg|ippppp|"
			}
			if got := told(out.parts); got != want {
				t.Errorf("parts %s, want %s", got, want)
			}
			if err := track.Close(); err != nil || out.finished != 1 || track.Stats().Refused != 1 {
				t.Errorf("Close answers %v, finished %d, %+v", err, out.finished, track.Stats())
			}
		})
	}
}

// A wrong packet of sound takes its part with it, and nothing else.
func TestWrongSoundIsLeftOut(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	var out recorder
	track := NewTrack(mustInit(t, audioParams(), plan), plan, TrackConfig{FirstMSN: 1}, &out)
	for n := int64(0); len(out.parts) < plan.PartsPerSegment; n++ {
		p := audioPacket(n)
		if n == 20 {
			p.Data = nil
		}
		if err := track.Write(p); (err != nil) != (n == 20) {
			t.Fatalf("frame %d: %v", n, err)
		}
	}
	if got := told(out.parts); got != "igiiii|" || track.Stats().Refused != 1 {
		t.Errorf("parts %s, %+v", got, track.Stats())
	}
}

func TestTrackPassesOnWhatTheSinkSays(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	full := errors.New("disk full")
	out := recorder{err: full}
	track := NewTrack(mustInit(t, videoParams(plan.Rate), plan), plan, TrackConfig{FirstMSN: 1}, &out)
	var err error
	for n := int64(0); err == nil; n++ {
		err = track.Write(videoPacket(plan, n))
	}
	if !errors.Is(err, full) || !strings.HasPrefix(err.Error(), "part 1.0: ") {
		t.Errorf("error %v", err)
	}
	if again := track.Write(videoPacket(plan, 100)); again != err {
		t.Errorf("the next write answers %v", again)
	}
	if again := track.Gap(10 * media.Second); again != err {
		t.Errorf("a gap answers %v", again)
	}
	if got := track.Close(); got != err || out.finished != 1 {
		t.Errorf("Close answers %v, finished %d", got, out.finished)
	}
}

// M-15: what is open at the end goes out as a last, short part; then the playlist ends, once.
func TestCloseCutsTheOpenPart(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	for _, c := range []struct{ frames, parts, samples int }{{0, 0, 0}, {3, 1, 3}, {10, 1, 10}, {13, 2, 3}, {60, 6, 10}, {61, 7, 1}} {
		var out recorder
		track := NewTrack(mustInit(t, videoParams(plan.Rate), plan), plan, TrackConfig{FirstMSN: 1}, &out)
		for n := range int64(c.frames) {
			if err := track.Write(videoPacket(plan, n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := track.Close(); err != nil {
			t.Fatal(err)
		}
		if err := track.Close(); err != nil || out.finished != 1 || len(out.parts) != c.parts {
			t.Fatalf("%d frames: %v, finished %d times, %d parts", c.frames, err, out.finished, len(out.parts))
		}
		if c.parts > 0 {
			last := out.parts[c.parts-1]
			whole := last.Dur == plan.partTime() && last.Index < plan.PartsPerSegment-1
			if last.Dur != media.Time(c.samples)*plan.Rate.Frame(1) || last.Last == whole {
				t.Errorf("%d frames: the last part is %+v", c.frames, last)
			}
		}
		if err := track.Write(videoPacket(plan, int64(c.frames))); err == nil || !strings.Contains(err.Error(), "closed track") {
			t.Errorf("write after Close: %v", err)
		}
	}
}

// Audio has a contract of its own: frames of 1024 samples on their grid, nothing else.
func TestAudioTrackErrors(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	for want, change := range map[string]func(*media.Packet){
		"not on the grid of frames of 0.021333s": func(p *media.Packet) { p.At += media.FromTicks(1, 48000) },
		"it overlaps what was written":           func(p *media.Packet) { p.At -= audioFrame },
		"it is empty":                            func(p *media.Packet) { p.Data = nil },
	} {
		track := NewTrack(mustInit(t, audioParams(), plan), plan, TrackConfig{FirstMSN: 1}, &recorder{})
		if err := track.Write(audioPacket(0)); err != nil {
			t.Fatal(err)
		}
		p := audioPacket(1)
		change(&p)
		if err := track.Write(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestTrackWithoutAnInitSectionIsRefused(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	for _, track := range []*Track{
		NewTrack(Init{}, plan, TrackConfig{}, &recorder{}),
		NewTrack(mustInit(t, audioParams(), plan), Plan{}, TrackConfig{}, &recorder{}),
		NewTrack(Init{Timescale: 90000, Params: media.Params{Video: &media.VideoParams{}}}, plan, TrackConfig{}, &recorder{}),
	} {
		if err := track.Write(audioPacket(0)); err == nil {
			t.Error("no error")
		}
		if err := track.Close(); err == nil {
			t.Error("no error from Close")
		}
	}
}

// Packaging against the encoder: 30 frames of 720p cost x264 some 200 ms.
func BenchmarkTrack(b *testing.B) {
	plan := mustPlan(b, "low", rates[3])
	for name, params := range map[string]media.Params{"video second": videoParams(plan.Rate), "audio second": audioParams()} {
		b.Run(name, func(b *testing.B) {
			in := mustInit(b, params, plan)
			frames, body := int64(30), make([]byte, 2_500_000/8/30)
			if params.Audio != nil {
				frames, body = 47, make([]byte, 128_000/8/47)
			}
			for i := range body {
				body[i] = byte(i*7 + i>>8)
			}
			track := NewTrack(in, plan, TrackConfig{FirstMSN: 1, Wall: wall}, discard{})
			b.ReportAllocs()
			b.SetBytes(frames * int64(len(body)))
			for n := int64(0); b.Loop(); n++ {
				for k := n * frames; k < (n+1)*frames; k++ {
					p := media.Packet{At: media.Time(k) * audioFrame, Dur: audioFrame, Key: true, Data: body}
					if params.Video != nil {
						p.At, p.Dur, p.Key = plan.Rate.Frame(k), plan.Rate.Frame(1), k%60 == 0
						copy(body, []byte{0, 0, 0, 1, 0x41})
					}
					if err := track.Write(p); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

type discard struct{}

func (discard) Append(Part) error { return nil }
func (discard) Finish()           {}
