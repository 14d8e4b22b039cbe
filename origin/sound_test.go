package origin

import (
	"strings"
	"testing"

	"tilecast/media"
	"tilecast/packager/m3u8"
)

// A second rendition of the sound is a variant of its own of at most 64 kb/s with its container, whatever the
// preset (AAS 9.21), and no alternative of the first; every canvas has it, last in the list. Its playlist is
// reported on like any other and goes by the same numbers (C-8).
func TestAudioOnlyVariant(t *testing.T) {
	for _, preset := range []string{"low", "ultra", "apple", "classic"} {
		r := newRigWith(t, plan(t, preset, media.FrameRate{Num: 30, Den: 1}), 0)
		in := audioInit()
		in.Params.Audio.BitRate = 50_000
		alone := r.p.AddAudio("audio-low", in)
		tall := r.p.AddVideo("tall", "720p", videoInit(r.plan, 720, 1280, 2_000_000))
		r.feed(3*r.plan.PartsPerSegment+1, r.top, r.low, r.audio, alone, tall)
		for _, canvas := range []string{"index", "main", "tall"} {
			m, err := m3u8.ParseMultivariant([]byte(r.get("/hls/demo/" + canvas + ".m3u8")))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range m3u8.CheckMultivariant(m) {
				t.Errorf("%s: %v", canvas, f)
			}
			last := m.Variants[len(m.Variants)-1]
			if last.URI != programID+"/audio-low/stream.m3u8" || last.Audio != "" || last.Width != 0 || last.Codecs != "mp4a.40.2" ||
				last.Bandwidth > 64_000 || last.AverageBandwidth > last.Bandwidth || last.AverageBandwidth < 50_000 {
				t.Errorf("%s: audio-only variant %+v", preset, last)
			}
			if len(m.Audio) != 1 || m.Audio[0].URI != programID+"/audio/stream.m3u8" {
				t.Errorf("renditions of the sound: %+v", m.Audio)
			}
			for _, v := range m.Variants[:len(m.Variants)-1] {
				if v.Audio != "audio" || !strings.HasSuffix(v.Codecs, ",mp4a.40.2") {
					t.Errorf("%s: %+v is not played with the sound", canvas, v)
				}
			}
		}
		top, low := r.list(r.top, ""), r.list(alone, "")
		if top.MediaSequence != low.MediaSequence || len(top.Segments) != len(low.Segments) {
			t.Errorf("pictures from %d, sound alone from %d", top.MediaSequence, low.MediaSequence)
		}
		if want := map[bool]int{true: 3, false: 0}[r.plan.LowLatency()]; len(top.Reports) != want {
			t.Errorf("%s: %d reports, want %d", preset, len(top.Reports), want)
		}
	}
}
