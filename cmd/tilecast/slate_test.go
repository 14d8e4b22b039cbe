package main

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/configs"
	"tilecast/media"
)

// seen is what the page of player noted.
type seen struct {
	Fatal  []string
	Errors []string // all of hls.js's, fatal or not
	Still  float64  // ms
	Holes  []string // in what is buffered, though all of it was loaded
	Failed string   // the video element's own error
	Frames int      // decoded
}

// noted reads what the page noted so far.
func (b *browser) noted() (s seen) {
	b.t.Helper()
	b.must(`(v => ({...window.seen, holes: holes().filter(h => !h.left).map(h => h.from + " to " + h.to), failed: v.error?.message ?? "",
		frames: v.getVideoPlaybackQuality().totalVideoFrames}))(document.querySelector("video"))`, &s)
	return s
}

// plays waits until the page has played so many more seconds, or has given up.
func (b *browser) plays(seconds float64) {
	b.t.Helper()
	b.until(fmt.Sprintf("it plays %v s more", seconds), fmt.Sprintf(`window.seen.fatal.length > 0 || document.querySelector("video").currentTime > %f`, b.time()+seconds))
}

func (b *browser) time() (at float64) {
	b.t.Helper()
	b.must(`document.querySelector("video").currentTime`, &at)
	return at
}

// replayed is how many pictures of the first room's rungs were not encoded again, and the sound's frames.
func (h *harness) replayed() (pictures, sounds int64) {
	for _, r := range h.rooms.Stats()[0].Compositor.Rungs {
		if r.Canvas == "" {
			sounds += r.Replayed
		} else {
			pictures += r.Replayed
		}
	}
	return pictures, sounds
}

// TestBrowserPlaysASlateGivenAgain: stock hls.js plays on while a slate's one group of pictures is given again and again,
// when a guest comes, when the guest has gone, and back in what was given again; and ffmpeg decodes all of it without a word.
func TestBrowserPlaysASlateGivenAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	needFFmpeg(t)
	gw := startGateway(t, func(c *configs.Config) {
		r := &c.Rooms[0]
		r.Start, r.Preset = "always", "ultra"
		r.Ladder = []configs.Rung{{Name: "360p", Width: 640, Height: 360, BitRate: 900_000, MaxRate: 1_080_000, Encoder: "libx264", Preset: "superfast"}}
	})
	b := openBrowser(t, "")
	b.open(player(t, gw.base+"/hls/demo/index.m3u8"))
	b.until("it plays", `document.querySelector("video").currentTime > 0`)
	var grid []image.Point
	for k := range 12 * 7 {
		grid = append(grid, image.Pt(50+k%12*107, 50+k/12*103))
	}
	settled := func(what string) {
		t.Helper()
		pictures, sounds := gw.replayed()
		eventually(t, what+" is given again", func() bool {
			p, s := gw.replayed()
			return p > pictures+120 && s > sounds+60
		})
	}
	settled("the first slate")
	b.must(`window.watching = true`, nil)
	opening, from := b.look(grid), b.time()
	b.plays(10)
	same(t, "after ten seconds of it", opening, b.look(grid))

	orange := broadcast.Solid{R: 220, G: 120, B: 40}
	_, leave := gw.publish(t, broadcast.Config{Name: "Ada", Video: media.VP8, W: 640, H: 360, Picture: orange, Sound: broadcast.Tone{Hz: 440, Level: -20}})
	middle := []image.Point{{640, 360}}
	guest := `(d => Math.abs(d[0] - 220) < 40 && Math.abs(d[1] - 120) < 40 && Math.abs(d[2] - 40) < 40)(` + pixelJS(middle[0]) + `)`
	b.until("the guest is seen", guest)
	b.plays(3)
	if w := b.look(middle); w.Level < 0.001 {
		t.Errorf("the guest is heard at %.5f", w.Level)
	}
	if err := leave(); err != nil {
		t.Errorf("publisher: %v", err)
	}
	b.until("the guest has gone", `!`+guest)
	settled("the second slate")
	b.plays(1)
	empty := b.look(grid)
	b.plays(5)
	same(t, "the second slate after five seconds of it", empty, b.look(grid))

	b.must(fmt.Sprintf(`document.querySelector("video").currentTime = %f`, from+5), nil)
	b.until("it has gone back", `!document.querySelector("video").seeking`)
	b.plays(2)
	same(t, "the first slate, gone back to", opening, b.look(grid))

	s := b.noted()
	t.Logf("the picture stood still for %.0f ms at most, %d frames decoded, errors %v", s.Still, s.Frames, s.Errors)
	faults := slices.DeleteFunc(s.Errors, slowness)
	if len(s.Fatal) > 0 || len(faults) > 0 || s.Failed != "" || len(s.Holes) > 0 {
		t.Errorf("hls.js gave up: %v, errors %v, the video says %q, holes in what is buffered: %v", s.Fatal, faults, s.Failed, s.Holes)
	}
	gw.expectUnbroken(t, "demo")
	gw.decodesWhole(t)
}

// slowness reports whether an error is what hls.js says on a machine that is too slow to play or to serve in time.
func slowness(e string) bool {
	return strings.HasPrefix(e, "networkError ") || strings.HasPrefix(e, "leftOut ") || e == "mediaError bufferStalledError" || e == "mediaError bufferNudgeOnStall"
}

// decodesWhole decodes every rendition of the first room's window. A picture that stands still may have fewer frames,
// where it was encoded on a busy machine, but each at its time and none more than a part after the one before.
func (h *harness) decodesWhole(t *testing.T) {
	t.Helper()
	rate := media.FrameRate{Num: 30, Den: 1}
	for ref, r := range h.renditions(t, "demo") {
		rec := h.record(t, r, strings.ReplaceAll(ref, "/", "-"), r.list.MediaSequence, len(r.list.Segments))
		decodesCleanly(t, rec.segments)
		if strings.Contains(ref, "audio") {
			continue
		}
		times := onTime(t, rec.segments, rate)
		for i := range times[1:] {
			if d := times[i+1] - times[i]; d > r.list.PartTarget+0.001 {
				t.Errorf("%s: no frame for %.3f s after %.3f s", ref, d, times[i])
			}
		}
		t.Logf("%s: %d frames in %d segments", ref, len(times), len(r.list.Segments))
	}
}

// same holds that two looks at a picture see the same.
func same(t *testing.T, what string, a, b watched) {
	t.Helper()
	for i, c := range a.Colors {
		for k := range c {
			if math.Abs(c[k]-b.Colors[i][k]) > 3 {
				t.Errorf("%s: the picture is another: %.0f at point %d, it was %.0f", what, b.Colors[i], i, c)
				return
			}
		}
	}
}

// pixelJS is the colour of one point of the canvas as the page sees it.
func pixelJS(p image.Point) string {
	return fmt.Sprintf(`(()=>{const c=new OffscreenCanvas(1280,720),g=c.getContext("2d");g.drawImage(document.querySelector("video"),0,0,1280,720);
		return g.getImageData(%d,%d,1,1).data})()`, p.X, p.Y)
}
