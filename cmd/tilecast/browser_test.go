package main

import (
	"fmt"
	"image"
	"testing"

	"tilecast/configs"
)

// watched is what the page sees in its video element: a grid of average colours
// around the centres asked for, and the level of the sound.
type watched struct {
	Time   float64
	Colors [][3]float64
	Level  float64
	Width  int
}

// look reads the player's picture at points given in canvas pixels, and its sound.
func (b *browser) look(points []image.Point) (w watched) {
	b.t.Helper()
	js := "[0,0]"
	if len(points) > 0 {
		js = ""
		for _, p := range points {
			js += fmt.Sprintf("[%d,%d],", p.X, p.Y)
		}
	}
	b.must(`(async()=>{
		const v = document.querySelector("video");
		if (!window.__probe) {
			const ac = new AudioContext(), an = ac.createAnalyser();
			an.fftSize = 32768;
			ac.createMediaStreamSource(v.captureStream()).connect(an);
			await ac.resume();
			window.__probe = {an, buf: new Float32Array(an.fftSize), c: new OffscreenCanvas(1280, 720)};
			await new Promise(r => setTimeout(r, 1000));
		}
		const {an, buf, c} = window.__probe, g = c.getContext("2d", {willReadFrequently: true});
		g.drawImage(v, 0, 0, 1280, 720);
		const colors = [`+js+`].map(([x, y]) => {
			const d = g.getImageData(x - 8, y - 8, 16, 16).data, s = [0, 0, 0];
			for (let i = 0; i < d.length; i += 4) for (let k = 0; k < 3; k++) s[k] += d[i+k] / 256;
			return s;
		});
		an.getFloatTimeDomainData(buf);
		return {time: v.currentTime, colors, width: v.videoWidth, level: Math.sqrt(buf.reduce((a, x) => a + x*x, 0) / buf.length)};
	})()`, &w)
	return w
}

// rgb is c as a screen shows it.
func (c yuv) rgb() [3]float64 {
	y, u, v := 1.164*(float64(c.y)-16), float64(c.u)-128, float64(c.v)-128
	out := [3]float64{y + 1.596*v, y - 0.392*u - 0.813*v, y + 2.017*u}
	for i := range out {
		out[i] = min(255, max(0, out[i]))
	}
	return out
}

// TestBrowsersPublishAndWatch is the whole way: two Chromium publish VP8 and
// H.264, a third plays the program with hls.js; then one publisher is killed,
// comes back and leaves, and the player goes on.
func TestBrowsersPublishAndWatch(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	gw := startGateway(t, func(c *configs.Config) { c.Rooms[0].Ladder = twoRungs }) // beside three browsers
	orange, blue := yuv{150, 60, 180}, yuv{90, 190, 90}
	first := openBrowser(t, writeCamera(t, orange))
	first.open(gw.base + "/stage/demo?codec=VP8&name=Ada&auto=1")
	first.until("the first is live", `document.body.dataset.state === "live"`)
	second := openBrowser(t, writeCamera(t, blue))
	second.open(gw.base + "/stage/demo?codec=H264&name=Bob&auto=1")
	second.until("the second is live", `document.body.dataset.state === "live"`)
	first.shot("stage")

	held := gw.watchRules(t, "demo")
	viewer := openBrowser(t, "")
	viewer.open(gw.base + "/watch/demo")
	viewer.until("it plays", `document.body.dataset.state === "playing" && document.querySelector("video").currentTime > 1`)
	centres := centresOf(gw, 2)
	viewer.until("both tiles show their colours", colorsJS(centres, []yuv{orange, blue}))
	var a watched
	eventually(t, "it is heard", func() bool {
		a = viewer.look(centres)
		return a.Level >= 0.001
	})
	viewer.until("time advances", fmt.Sprintf(`document.querySelector("video").currentTime > %f`, a.Time+2))
	viewer.shot("watch")
	gw.expectCodecs(t, "VP8", "H264")

	first.kill()
	b := viewer.look(nil)
	viewer.until("time goes on after a publisher died", fmt.Sprintf(`document.querySelector("video").currentTime > %f`, b.Time+3))
	again := openBrowser(t, writeCamera(t, orange))
	again.open(gw.base + "/stage/demo?codec=VP8&name=Ada&auto=1")
	again.until("it is live again", `document.body.dataset.state === "live"`)
	second.open("about:blank") // leaves
	viewer.until("one tile fills the canvas, or its place is kept", `document.body.dataset.state === "playing"`)
	c := viewer.look(nil)
	viewer.until("time goes on after one left", fmt.Sprintf(`document.querySelector("video").currentTime > %f`, c.Time+3))
	gw.expectUnbroken(t, "demo")
	held()
}

// colorsJS is a condition on the picture: the points have the colours.
func colorsJS(points []image.Point, want []yuv) string {
	js := `(()=>{const v=document.querySelector("video"),c=new OffscreenCanvas(1280,720),g=c.getContext("2d");g.drawImage(v,0,0,1280,720);
		return [`
	for i, p := range points {
		w := want[i].rgb()
		js += fmt.Sprintf("[%d,%d,%.0f,%.0f,%.0f],", p.X, p.Y, w[0], w[1], w[2])
	}
	return js + `].every(([x,y,...w])=>{const d=g.getImageData(x,y,1,1).data;return w.every((n,k)=>Math.abs(n-d[k])<40)})})()`
}

func centresOf(gw *harness, n int) []image.Point {
	points := make([]image.Point, n)
	for i, r := range gw.tiles(n) {
		points[i] = r.Min.Add(r.Max).Div(2)
	}
	return points
}

// layers counts the simulcast layers that came.
func (h *harness) layers() (n int) {
	for _, s := range h.ingest.Stats().Sessions {
		for _, t := range s.Streams {
			if t.RID != "" {
				n++
			}
		}
	}
	return n
}

// TestBrowserCodecs: what Chromium sends in each codec is decoded without a fault.
func TestBrowserCodecs(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	gw := startGateway(t, nil)
	for _, codec := range []string{"VP8", "VP9", "H264", "AV1"} {
		t.Run(codec, func(t *testing.T) {
			b := openBrowser(t, writeCamera(t, yuv{150, 60, 180}))
			b.open(gw.base + "/stage/demo?codec=" + codec + "&name=" + codec + "&auto=1")
			b.until("it is live", `document.body.dataset.state === "live"`)
			decoded := func(of string) (n, faults int64) {
				for _, i := range gw.rooms.Stats()[0].Compositor.Inputs {
					if i.Codec == of {
						n, faults = n+i.Decoded, faults+i.Faults
					}
				}
				return n, faults
			}
			eventually(t, "a second of "+codec+" is decoded", func() bool { n, _ := decoded(codec); return n >= 30 })
			eventually(t, "a second of sound is decoded", func() bool { n, _ := decoded("Opus"); return n >= 50 })
			if layers := gw.layers(); codec == "VP8" && layers < 2 {
				t.Errorf("%d simulcast layers came", layers)
			}
			if _, faults := decoded(codec); faults > 0 {
				t.Errorf("%d access units could not be decoded", faults)
			}
			b.open("about:blank")
			eventually(t, "it has left", func() bool { return len(gw.status(t, "demo").Participants) == 0 })
		})
	}
}
