package main

import (
	"testing"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/configs"
	"tilecast/media"
)

// bounces makes the page take the smaller rung in the middle of a segment, with a line that is good enough for the larger
// one, so many times, each in a segment that began with the larger one; it counts how often hls.js goes back within it.
const bounces = `(times => {
	const hls = tilecast.hls, on = (event, do_) => hls.on(event, do_), seen = window.__bounces = {down: 0, up: 0, back: 0, loads: []};
	let sn = -1, downs = new Set(), first = new Map();
	on("hlsLevelSwitching", (_, {level}) => seen[level ? "up" : "down"]++);
	on("hlsFragLoading", (_, {frag, part}) => {
		if (frag.type !== "main") return;
		if (!first.has(frag.sn)) first.set(frag.sn, part?.index === 0 && frag.level === 1);
		if (frag.level === 1 && downs.delete(frag.sn)) seen.back++;
		seen.loads.push(frag.level + ":" + frag.sn + "." + part?.index);
	});
	on("hlsFragLoaded", (_, {frag, part}) => {
		if (frag.type !== "main" || !part || frag.level !== 1 || part.index !== 2 || !first.get(frag.sn) || frag.sn < sn + 3 || seen.down >= times) return;
		sn = frag.sn;
		downs.add(sn);
		hls.nextLoadLevel = 0;
		hls.bandwidthEstimate = 1e8;
	});
})(5)`

// TestBrowserLosesNothingWhenRungsBounce: where the watch page takes a smaller rung in the middle of a segment and would like to
// be back at once, it goes back with the next one: within it browsers would throw away what comes before the next key frame.
func TestBrowserLosesNothingWhenRungsBounce(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	gw := startGateway(t, func(c *configs.Config) {
		r := &c.Rooms[0]
		r.Preset = "ultra"
		r.Ladder = []configs.Rung{
			{Name: "360p", Width: 640, Height: 360, BitRate: 900_000, MaxRate: 1_080_000, Encoder: "libx264", Preset: "superfast"},
			{Name: "180p", Width: 320, Height: 180, BitRate: 300_000, MaxRate: 360_000, Encoder: "libx264", Preset: "superfast"},
		}
	})
	gw.publish(t, broadcast.Config{Name: "Ada", Video: media.VP8, W: 640, H: 360, Picture: broadcast.Solid{R: 220, G: 120, B: 40}, Sound: broadcast.Tone{Hz: 440, Level: -20}})
	b := openBrowser(t, "")
	b.open(gw.base + "/watch/demo")
	b.until("it plays the larger rung", `tilecast.hls?.loadLevel === 1 && tilecast.video.currentTime > 2`)
	b.must(bounces, nil)
	b.until("it has bounced", `__bounces.down >= 5 && __bounces.up >= 5`)
	time.Sleep(2 * time.Second)
	var saw struct {
		Down, Up, Back int
		Loads          []string
	}
	b.must(`__bounces`, &saw)
	var ranges [][2]float64
	b.must(`[...Array(tilecast.video.buffered.length).keys()].map(i => [tilecast.video.buffered.start(i), tilecast.video.buffered.end(i)])`, &ranges)
	t.Logf("%d down, %d up, %d times back in the same segment; buffered: %v", saw.Down, saw.Up, saw.Back, ranges)
	if saw.Back > 1 { // once may be the page's start on a busy machine; without what is tested it is each time
		t.Errorf("loaded: %v", saw.Loads)
	}
}
