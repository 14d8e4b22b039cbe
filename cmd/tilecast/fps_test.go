package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/configs"
	"tilecast/media"
	"tilecast/packager/m3u8"
)

// TestRungOfHalfTheFrames: beside a rung of 30 frames per second one of 15, both from x264. ffmpeg decodes both, all
// frames are there at their times, and the key frames of both at the same; no rule is broken.
func TestRungOfHalfTheFrames(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes time, and has nothing of its own to race with")
	}
	needFFmpeg(t)
	gw := startGateway(t, func(c *configs.Config) { c.Rooms[0].Ladder[1].FPS = 15 })
	_, leave := gw.publish(t, broadcast.Config{Name: "Flash", Video: media.VP8, Picture: broadcast.FlashBeep{}, Sound: broadcast.FlashBeep{}})
	stop := gw.watchRules(t, "demo")
	body, _, _ := gw.get(t, gw.base+"/hls/demo/index.m3u8")
	mv, err := m3u8.ParseMultivariant(body)
	if err != nil || len(mv.Variants) < 2 || mv.Variants[0].FrameRate != 30 || mv.Variants[1].FrameRate != 15 {
		t.Errorf("%v\n%s", err, body)
	}
	const count = 4 // of two seconds
	all := map[string]rendition{}
	for ref, r := range gw.renditions(t, "demo") {
		for _, name := range []string{"720p", "360p"} {
			if strings.Contains(ref, name) {
				all[name] = r
			}
		}
	}
	from := all["720p"].list.MediaSequence + int64(len(all["720p"].list.Segments)) + 1
	var keys [2][]float64
	var flashes [2][]float64
	for k, c := range []struct {
		name string
		rate int64
	}{{"720p", 30}, {"360p", 15}} {
		rec := gw.record(t, all[c.name], c.name, from, count)
		decodesCleanly(t, rec.segments)
		decodesCleanly(t, rec.parts)
		skipped := int(gw.rooms.Stats()[0].Compositor.Rungs[k].Skipped)
		onGrid(t, rec.segments, media.FrameRate{Num: c.rate, Den: 1}, count*2*int(c.rate), skipped)
		keys[k], flashes[k] = keyTimes(t, rec.segments), flashTimes(t, rec.segments)
	}
	if err := leave(); err != nil {
		t.Errorf("publisher: %v", err)
	}
	stop()
	if len(keys[0]) != count || len(keys[1]) != count {
		t.Fatalf("%d and %d key frames in %d segments", len(keys[0]), len(keys[1]), count)
	}
	for i := range keys[0] {
		if math.Abs(keys[0][i]-keys[1][i]) > 1e-5 {
			t.Errorf("key frames at %.6f and %.6f s", keys[0][i], keys[1][i])
		}
	}
	t.Logf("flashes %.3f and %.3f", flashes[0], flashes[1])
	both := min(len(flashes[0]), len(flashes[1])) // the last may begin with the last frame of one
	if both == 0 || len(flashes[0])-both > 1 || len(flashes[1]) > both {
		t.Fatalf("%d and %d flashes", len(flashes[0]), len(flashes[1]))
	}
	for i := range both {
		if d := flashes[1][i] - flashes[0][i]; d < -1e-5 || d > 1.0/30+1e-5 && gw.skipped() == 0 {
			t.Errorf("the flash at %.3f s comes %.3f s later with half the frames", flashes[0][i], d)
		}
	}
}

// keyTimes are the times of a file's key frames.
func keyTimes(t *testing.T, path string) (times []float64) {
	t.Helper()
	var probed struct {
		Frames []struct {
			Key  int     `json:"key_frame"`
			Time float64 `json:"pts_time,string"`
		}
	}
	out := tool(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=key_frame,pts_time", "-of", "json", path)
	if err := json.Unmarshal(out, &probed); err != nil {
		t.Fatal(err)
	}
	for _, f := range probed.Frames {
		if f.Key == 1 {
			times = append(times, f.Time)
		}
	}
	return times
}
