package packager

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	fmp4codecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"tilecast/media"
)

// dump is the box tree as mp4ff reads it.
func dump(t *testing.T, data []byte) []byte {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Info(&b, "trun:1,avcC:1,esds:1,tfhd:1,prft:1", "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// F-1, F-2, F-7, F-8, F-13, F-14: the header of each kind of track, to be read.
func TestInitGolden(t *testing.T) {
	plan := mustPlan(t, "low", rates[2])
	video, audio := mustInit(t, videoParams(plan.Rate), plan), mustInit(t, audioParams(), plan)
	golden(t, "init_video.txt", dump(t, video.Data))
	golden(t, "init_audio.txt", dump(t, audio.Data))
	if video.Codecs != "avc1.64001e" || audio.Codecs != "mp4a.40.2" { // MV-12
		t.Errorf("CODECS %q and %q", video.Codecs, audio.Codecs)
	}
}

// F-3, F-4, F-9, F-15: the first part of a segment with its prft, one without, one where a tick was
// skipped, and one of sound, to be read.
func TestPartGolden(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	var video, audio recorder
	track := NewTrack(mustInit(t, videoParams(plan.Rate), plan), plan, TrackConfig{FirstMSN: 1, Wall: wall}, &video)
	for n := int64(60); n < 90; n++ {
		p := videoPacket(plan, n)
		switch n {
		case 81:
			p.Dur *= 2
		case 82:
			continue
		}
		if err := track.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	track = NewTrack(mustInit(t, audioParams(), plan), plan, TrackConfig{FirstMSN: 1, Wall: wall}, &audio)
	for n := range int64(15) {
		if err := track.Write(audioPacket(n)); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"part_key.txt", "part_plain.txt", "part_skipped_tick.txt"} {
		golden(t, name, dump(t, video.parts[i].Data))
	}
	golden(t, "part_audio.txt", dump(t, audio.parts[0].Data))
}

// F-16: frames are whole ticks at every rate.
// A part is prft (in the first of a segment), emsg, moof and mdat, and nothing else: no sidx (F-10), no styp that the parent would
// repeat (F-11); the brands that an init section claims are those whose rules it keeps (F-6, F-7, F-8).
func TestPartsHoldNothingElse(t *testing.T) {
	eachTrack(t, func(t *testing.T, plan Plan, in Init) {
		book := NewEvents(plan, 1)
		if _, err := book.Add(event("a", plan.partTime()/2)); err != nil {
			t.Fatal(err)
		}
		var out recorder
		track := NewTrack(in, plan, TrackConfig{FirstMSN: 1, Wall: wall, Events: book}, &out)
		for n := int64(0); len(out.parts) < plan.PartsPerSegment+1; n++ {
			if err := track.Write(packet(plan, in, n)); err != nil {
				t.Fatal(err)
			}
		}
		for k, p := range out.parts {
			file, err := mp4.DecodeFile(bytes.NewReader(p.Data))
			if err != nil {
				t.Fatal(err)
			}
			var boxes []string
			for _, b := range file.Children {
				boxes = append(boxes, b.Type())
			}
			want := "moof mdat"
			if k == 0 {
				want = "emsg " + want
			}
			if p.Index == 0 {
				want = "prft " + want
			}
			if got := strings.Join(boxes, " "); got != want {
				t.Errorf("part %d: %s, want %s", k, got, want)
			}
		}
		init, err := mp4.DecodeFile(bytes.NewReader(in.Data))
		if err != nil {
			t.Fatal(err)
		}
		brands := strings.Join(init.Ftyp.CompatibleBrands(), " ")
		if trak := init.Moov.Trak; len(init.Moov.Traks) != 1 || trak.Edts != nil || brands != map[bool]string{true: "iso6 cmfc cmf2", false: "iso6 cmfc"}[in.Params.Video != nil] {
			t.Errorf("%d tracks, edit list %v, brands %s", len(init.Moov.Traks), trak.Edts, brands)
		}
	})
}

func TestVideoTimescaleIsExact(t *testing.T) {
	for _, r := range append(rates, media.FrameRate{Num: 24000, Den: 1001}, media.FrameRate{Num: 60000, Den: 1001}, media.FrameRate{Num: 48, Den: 1}, media.FrameRate{Num: 120, Den: 1}) {
		scale := videoTimescale(r)
		if scale < 90000 || scale%r.Num != 0 || scale*r.Den%r.Num != 0 || media.FromTicks(scale*r.Den/r.Num, scale) != r.Frame(1) {
			t.Errorf("%v fps: timescale %d", r, scale)
		}
	}
}

// A foreign reader finds every sample where it belongs, part by part and in the segment that the parts
// add up to: P-3, P-4, P-15, F-3, F-5, C-1.
func TestForeignReaderFindsEverySample(t *testing.T) {
	eachTrack(t, func(t *testing.T, plan Plan, in Init) {
		if in.Params.Video != nil {
			readInit(t, in, uint32(in.Timescale), func(c any) bool {
				h, ok := c.(*fmp4codecs.H264)
				return ok && bytes.Equal(h.SPS, sps) && bytes.Equal(h.PPS, pps)
			})
		} else {
			readInit(t, in, 48000, func(c any) bool {
				a, ok := c.(*fmp4codecs.MPEG4Audio)
				return ok && a.Config.Type == mpeg4audio.ObjectTypeAACLC && a.Config.SampleRate == 48000 && a.Config.ChannelConfig == 2
			})
		}
		var out recorder
		track := NewTrack(in, plan, TrackConfig{FirstMSN: 1, Wall: wall}, &out)
		written := int64(0)
		for ; len(out.parts) < 3*plan.PartsPerSegment; written++ {
			if err := track.Write(packet(plan, in, written)); err != nil {
				t.Fatal(err)
			}
		}
		var n, next int64
		for i, part := range readParts(t, out.bytes()) {
			if alone := readParts(t, out.parts[i].Data); len(alone) != 1 || len(alone[0].Tracks[0].Samples) != len(part.Tracks[0].Samples) {
				t.Fatalf("part %d read alone differs", i)
			}
			if int64(part.SequenceNumber) != int64(i)+1 || len(part.Tracks) != 1 || int64(part.Tracks[0].BaseTime) != next {
				t.Fatalf("part %d: sequence %d, tfdt %d where %d is due", i, part.SequenceNumber, part.Tracks[0].BaseTime, next)
			}
			if next != out.parts[i].Start.Ticks(in.Timescale) {
				t.Fatalf("part %d: tfdt %d, Start %v", i, next, out.parts[i].Start)
			}
			for _, s := range part.Tracks[0].Samples {
				checkSample(t, s, packet(plan, in, n))
				n, next = n+1, next+int64(s.Duration)
			}
			if end := out.parts[i].Start + out.parts[i].Dur; next != end.Ticks(in.Timescale) {
				t.Fatalf("part %d ends at tick %d, Start+Dur is %v", i, next, end)
			}
		}
		if n != written {
			t.Errorf("%d of %d samples", n, written)
		}
	})
}

func readInit(t *testing.T, in Init, timescale uint32, codec func(any) bool) {
	t.Helper()
	var init fmp4.Init
	if err := init.Unmarshal(bytes.NewReader(in.Data)); err != nil {
		t.Fatal(err)
	}
	if len(init.Tracks) != 1 || init.Tracks[0].TimeScale != timescale || !codec(init.Tracks[0].Codec) {
		t.Fatalf("the foreign reader sees %+v", init.Tracks)
	}
}

func readParts(t *testing.T, data []byte) fmp4.Parts {
	t.Helper()
	var parts fmp4.Parts
	if err := parts.Unmarshal(data); err != nil {
		t.Fatal(err)
	}
	return parts
}

func checkSample(t *testing.T, s *fmp4.Sample, p media.Packet) {
	t.Helper()
	want := p.Data
	if bytes.HasPrefix(want, startCode) || bytes.HasPrefix(want, []byte{0, 0, 0, 1}) {
		slice := p.Data[bytes.LastIndex(p.Data, startCode)+3:]
		want = append([]byte{0, 0, 0, byte(len(slice))}, slice...)
	}
	if !bytes.Equal(s.Payload, want) || s.IsNonSyncSample == p.Key || s.PTSOffset != 0 {
		t.Fatalf("sample of the packet at %v: %x, want %x; non-sync %v", p.At, s.Payload, want, s.IsNonSyncSample)
	}
}

func TestInitRefusals(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	video := func(change func(*media.VideoParams)) media.Params {
		p := videoParams(plan.Rate)
		change(p.Video)
		return p
	}
	audio := func(change func(*media.AudioParams)) media.Params {
		p := audioParams()
		change(p.Audio)
		return p
	}
	for _, c := range []struct {
		params media.Params
		want   string
	}{
		{media.Params{}, "either video or audio"},
		{video(func(p *media.VideoParams) { p.Codec = media.VP8 }), "codec VP8: only H264"},
		{video(func(p *media.VideoParams) { p.Rate = rates[0] }), "encoder runs at 24 frames per second, the plan cuts 30"},
		{video(func(p *media.VideoParams) { p.Extra = nil }), "does not begin with a start code"},
		{video(func(p *media.VideoParams) { p.Extra = annexB(sps) }), "1 SPS and 0 PPS"},
		{video(func(p *media.VideoParams) { p.Extra = annexB(sps[:5], pps) }), "SPS 6764001eac"},
		{video(func(p *media.VideoParams) { p.Extra = annexB(sps[:1], pps) }), "SPS 67"},
		{video(func(p *media.VideoParams) { p.W = 1280 }), "SPS says 640x360, the encoder 1280x360"},
		{audio(func(p *media.AudioParams) { p.Codec = media.Opus }), "codec Opus: only AAC"},
		{audio(func(p *media.AudioParams) { p.SampleRate = 44100 }), "44100 Hz in frames of 1024 samples"},
		{audio(func(p *media.AudioParams) { p.Extra = nil }), "AudioSpecificConfig"},
		{audio(func(p *media.AudioParams) { p.Channels = 1 }), "2 channels where AAC-LC, 48000 Hz, 1 channels"},
		{audio(func(p *media.AudioParams) { p.Extra = []byte{0x2b, 0x11, 0x88} }), "object type 5"},
	} {
		if _, err := NewInit(c.params, plan); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// A rung may have a part of the plan's frames, the same number between any two cuts.
func TestInitOfLessFrames(t *testing.T) {
	for _, c := range []struct {
		preset    string
		rate, own media.FrameRate
		ok        bool
	}{
		{"low", media.FrameRate{Num: 30, Den: 1}, media.FrameRate{Num: 15, Den: 1}, true},
		{"low", media.FrameRate{Num: 30, Den: 1}, media.FrameRate{Num: 12, Den: 1}, true}, // each third: 4 to a part of 10
		{"low", media.FrameRate{Num: 30, Den: 1}, media.FrameRate{Num: 10, Den: 1}, false},
		{"low", media.FrameRate{Num: 30, Den: 1}, media.FrameRate{Num: 60, Den: 1}, false},
		{"low", media.FrameRate{Num: 30000, Den: 1001}, media.FrameRate{Num: 15000, Den: 1001}, true},
		{"low", media.FrameRate{Num: 50, Den: 1}, media.FrameRate{Num: 450, Den: 17}, true},
		{"low", media.FrameRate{Num: 50, Den: 1}, media.FrameRate{Num: 25, Den: 1}, false},
		{"classic", media.FrameRate{Num: 30, Den: 1}, media.FrameRate{Num: 1, Den: 1}, true},
	} {
		in, err := NewInit(videoParams(c.own), mustPlan(t, c.preset, c.rate))
		if (err == nil) != c.ok || err == nil && in.Timescale != videoTimescale(c.rate) {
			t.Errorf("%s: %v of %v: %v, timescale %d", c.preset, c.own, c.rate, err, in.Timescale)
		}
	}
}

// Whatever an encoder says, an init section is made or refused, without a panic, and what is made can be read.
func FuzzNewInit(f *testing.F) {
	f.Add(annexB(sps, pps))
	f.Add(annexB(sps[:9], pps))
	f.Add(asc)
	f.Fuzz(func(t *testing.T, extra []byte) {
		plan := mustPlan(t, "low", rates[3])
		for _, p := range []media.Params{videoParams(plan.Rate), audioParams()} {
			if p.Video != nil {
				p.Video.Extra = extra
			} else {
				p.Audio.Extra = extra
			}
			if in, err := NewInit(p, plan); err == nil {
				dump(t, in.Data)
			}
		}
	})
}

// Any access unit becomes a sample whose length prefixes lead exactly through its NAL units, or an error.
func FuzzAnnexB(f *testing.F) {
	f.Add(annexB([]byte{nalAUD, 0x10}, sps, pps, []byte{0x65, 0x88, 1}))
	f.Add([]byte{0, 0, 1, 0x41, 0, 0, 0, 0, 1, 0, 0, 1, 0x41, 0, 0})
	f.Add([]byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		sets := parameterSets{sps: [][]byte{sps}, pps: [][]byte{pps}}
		nals, size, err := sets.appendSample(nil, data)
		if err != nil {
			return
		}
		var want int
		for _, nal := range nals {
			want += 4 + len(nal)
			if len(nal) == 0 || bytes.Contains(nal, startCode) || nal[len(nal)-1] == 0 || !bytes.Contains(data, nal) {
				t.Fatalf("NAL unit %x of %x", nal, data)
			}
			if kind := nal[0] & 31; kind == nalSPS || kind == nalPPS || kind == nalAUD {
				t.Fatalf("NAL unit of type %d in a sample", kind)
			}
		}
		if size != want || size == 0 {
			t.Fatalf("size %d, its NAL units have %d", size, want)
		}
		again, _, err := sets.appendSample(nil, annexB(nals...))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(nals) {
			t.Fatalf("%x read again is %x: %v", nals, again, err)
		}
	})
}
