package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/configs"
	"tilecast/media"
	"tilecast/packager/m3u8"
)

// recording is a stretch of one rendition as files: its segments, and the same
// stretch put together from parts.
type recording struct{ segments, parts string }

// record fetches count segments from MSN from on, as they are published.
func (h *harness) record(t *testing.T, r rendition, name string, from int64, count int) recording {
	t.Helper()
	init, _, ok := h.get(t, resolve(t, r.url, r.list.Segments[0].Map))
	if !ok {
		t.Fatalf("%s: no init section", r.url)
	}
	segments, parts := bytes.Clone(init), bytes.Clone(init)
	for msn := from; msn < from+int64(count); msn++ {
		u := fmt.Sprintf("%s?_HLS_msn=%d", r.url, msn)
		if body, _, ok := h.get(t, u); !ok {
			t.Fatalf("%s: %s", u, body)
		}
		whole, _, ok := h.get(t, resolve(t, r.url, fmt.Sprintf("%d.m4s", msn)))
		if !ok {
			t.Fatalf("%s: segment %d is missing", r.url, msn)
		}
		segments = append(segments, whole...)
		for i := 0; ; i++ {
			part, _, ok := h.get(t, resolve(t, r.url, fmt.Sprintf("%d.%d.m4s", msn, i)))
			if !ok {
				break
			}
			parts = append(parts, part...)
		}
	}
	if !bytes.Equal(segments, parts) {
		t.Errorf("%s: the parts make %d bytes, the segments %d", name, len(parts), len(segments))
	}
	dir := t.TempDir()
	rec := recording{filepath.Join(dir, name+"-segments.mp4"), filepath.Join(dir, name+"-parts.mp4")}
	for path, data := range map[string][]byte{rec.segments: segments, rec.parts: parts} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return rec
}

// TestDecodedProgram decodes twelve seconds of the program with ffmpeg: no error, a
// constant frame rate, sound and picture from the same instant, and each flash of
// the publisher within 20 ms of its beep.
func TestDecodedProgram(t *testing.T) {
	needFFmpeg(t)
	gw := startGateway(t, nil)
	pub, leave := gw.publish(t, broadcast.Config{Name: "Flash", Video: media.VP8, Picture: broadcast.FlashBeep{}, Sound: broadcast.FlashBeep{}})
	const count = 6 // of two seconds
	var video, audio rendition
	for ref, r := range gw.renditions(t, "demo") {
		switch {
		case strings.Contains(ref, "audio"):
			audio = r
		case strings.Contains(ref, "720p"):
			video = r
		}
	}
	from := video.list.MediaSequence + int64(len(video.list.Segments)) + 1 // the publisher is in the picture by then
	v := gw.record(t, video, "video", from, count)
	a := gw.record(t, audio, "audio", from, count)
	if err := leave(); err != nil {
		t.Errorf("publisher: %v", err)
	}
	for _, f := range []string{v.segments, v.parts, a.segments, a.parts} {
		decodesCleanly(t, f)
	}
	starts := onGrid(t, v.segments, media.FrameRate{Num: 30, Den: 1}, count*60, gw.skipped())
	sound := firstTime(t, a.segments)
	if d := math.Abs(starts - sound); d > 1.0/30 {
		t.Errorf("picture starts at %.4f s, sound at %.4f s: %.1f ms apart", starts, sound, d*1000)
	}
	flashes, beeps := flashTimes(t, v.segments), beepTimes(t, a.segments, sound)
	t.Logf("flashes %.3f", flashes)
	t.Logf("beeps   %.3f", beeps)
	if len(flashes) < count*2-2 {
		t.Fatalf("%d flashes in %d s", len(flashes), count*2)
	}
	if gw.skipped() > 0 || pub.Stats().Skipped > 0 { // the machine is too slow for every frame; the clocks still have to agree
		t.Logf("frames were skipped: %d by the program, %d by the publisher", gw.skipped(), pub.Stats().Skipped)
	}
	whole := func(f float64) bool { return f >= starts+0.2 && f <= starts+count*2-0.2 } // its partner may be outside, or too near the edge to be told
	flashes = slices.DeleteFunc(flashes, func(f float64) bool { return !whole(f) })
	for _, off := range offBeat(flashes, beeps, frameTimes(t, v.segments), int(pub.Stats().Skipped)) {
		t.Error(off)
	}
}

// offBeat names the flashes that are more than 20 ms from their beep. Two frames more is one that the program shows
// right after a slot it skipped, and as many of the others as the publisher left frames out.
func offBeat(flashes, beeps, frames []float64, left int) (off []string) {
	const most, frame = 0.020, 1.0 / 30
	for _, f := range flashes {
		skew := math.Inf(1)
		for _, b := range beeps {
			if math.Abs(b-f) < math.Abs(skew) {
				skew = b - f
			}
		}
		i := slices.Index(frames, f)
		late := i > 0 && f-frames[i-1] > 1.5*frame
		switch d := math.Abs(skew); {
		case d <= most:
			continue
		case d <= most+2*frame && late:
			continue
		case d <= most+2*frame && left > 0:
			left--
			continue
		}
		off = append(off, fmt.Sprintf("the flash at %.3f s is %.1f ms from its beep", f, skew*1000))
	}
	return off
}

// One frame that is left out excuses the flash beside it, and no other.
func TestSkippedFramesExcuseTheirFlashes(t *testing.T) {
	frames := []float64{0}
	for n := 1; n < 300; n++ {
		if n != 90 && n != 200 {
			frames = append(frames, float64(n)/30)
		}
	}
	at := func(n int) float64 { return float64(n) / 30 }
	beeps := []float64{at(30), at(90), at(150), at(210), at(270)}
	for _, c := range []struct {
		flashes []int
		left    int
		want    int
	}{
		{[]int{30, 91, 150, 210, 270}, 0, 0}, {[]int{31, 91, 150, 210, 270}, 0, 1}, {[]int{30, 92, 150, 210, 270}, 0, 1},
		{[]int{31, 91, 150, 209, 270}, 1, 1}, {[]int{31, 91, 150, 209, 270}, 2, 0}, {[]int{35, 91, 150, 210, 270}, 9, 1},
	} {
		var flashes []float64
		for _, n := range c.flashes {
			flashes = append(flashes, frames[slices.Index(frames, at(n))])
		}
		if off := offBeat(flashes, beeps, frames, c.left); len(off) != c.want {
			t.Errorf("%v, %d left out by the publisher: %q", c.flashes, c.left, off)
		}
	}
}

func needFFmpeg(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: make test installs it", tool)
		}
	}
}

// tool runs a command that must succeed and say nothing on stderr.
func tool(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

func decodesCleanly(t *testing.T, path string) {
	t.Helper()
	tool(t, "ffmpeg", "-v", "warning", "-xerror", "-err_detect", "explode", "-i", path,
		"-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-") // every frame at its own time
}

// skipped is how many frames of the first rung share a sample with the one before, which happens
// only on a machine too slow for the program.
func (h *harness) skipped() int { return int(h.rooms.Stats()[0].Compositor.Rungs[0].Skipped) }

// onGrid holds the frames against the grid of a constant rate: all of them are there, but for
// at most those skipped, and the first is where the stretch begins. It gives the first one's time.
func onGrid(t *testing.T, path string, rate media.FrameRate, want, skipped int) (first float64) {
	t.Helper()
	times := onTime(t, path, rate)
	if len(times) > want || len(times) < want-skipped {
		t.Errorf("%d frames, want %d less at most %d that were skipped", len(times), want, skipped)
	}
	t.Logf("%d frames of %d, %d skipped since the program began", len(times), want, skipped)
	return times[0]
}

// onTime gives the times of a file's frames, each of which is on the grid of a constant rate.
func onTime(t *testing.T, path string, rate media.FrameRate) []float64 {
	t.Helper()
	times := frameTimes(t, path)
	for i, at := range times {
		n := int64(math.Round((at - times[0]) * rate.Float()))
		if grid := times[0] + rate.Frame(n).Seconds(); math.Abs(at-grid) > 1e-5 {
			t.Fatalf("frame %d is at %.6f s, off the grid by %.6f s", i, at, at-grid)
		}
	}
	return times
}

func firstTime(t *testing.T, path string) float64 { return timesOf(t, path, "a")[0] }

func frameTimes(t *testing.T, path string) []float64 { return timesOf(t, path, "v") }

// timesOf are the times of the frames of a file's pictures ("v") or sound ("a").
func timesOf(t *testing.T, path, kind string) (times []float64) {
	t.Helper()
	var probed struct {
		Frames []struct {
			Time string `json:"pts_time"`
		}
	}
	out := tool(t, "ffprobe", "-v", "error", "-select_streams", kind, "-show_entries", "frame=pts_time", "-of", "json", path)
	if err := json.Unmarshal(out, &probed); err != nil {
		t.Fatal(err)
	}
	for _, f := range probed.Frames {
		s, err := strconv.ParseFloat(f.Time, 64)
		if err != nil {
			t.Fatalf("%s: a frame at %q", path, f.Time)
		}
		times = append(times, s)
	}
	if len(times) == 0 {
		t.Fatalf("%s: no frames", path)
	}
	return times
}

// flashTimes are the instants at which the picture turns bright.
func flashTimes(t *testing.T, path string) (at []float64) {
	t.Helper()
	const w, h = 32, 18
	raw := tool(t, "ffmpeg", "-v", "error", "-i", path, "-vsync", "passthrough", "-vf", fmt.Sprintf("scale=%d:%d", w, h), "-pix_fmt", "gray", "-f", "rawvideo", "-")
	times, bright := frameTimes(t, path), true
	for i := 0; (i+1)*w*h <= len(raw); i++ {
		sum := 0
		for _, b := range raw[i*w*h : (i+1)*w*h] {
			sum += int(b)
		}
		now := sum/(w*h) > 128
		if now && !bright {
			at = append(at, times[i])
		}
		bright = now
	}
	return at
}

// beepTimes are the instants at which the tone begins.
func beepTimes(t *testing.T, path string, start float64) (at []float64) {
	t.Helper()
	raw := tool(t, "ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", "48000", "-f", "f32le", "-")
	quiet := 0
	for i := 0; i+4 <= len(raw); i += 4 {
		x := math.Float32frombits(binary.LittleEndian.Uint32(raw[i:]))
		if math.Abs(float64(x)) < 0.05 {
			quiet++
			continue
		}
		if quiet > 4800 {
			at = append(at, start+float64(i/4)/48000)
		}
		quiet = 0
	}
	return at
}

// TestEndsWithEndlist: an orderly end of the gateway ends the playlists of those who watch.
func TestEndsWithEndlist(t *testing.T) {
	gw := startGateway(t, nil)
	pub, _ := gw.publish(t, broadcast.Config{Name: "Ada", Video: media.VP8, Picture: broadcast.FlashBeep{}})
	all := gw.renditions(t, "demo")
	ended := make(chan error, len(all))
	for ref, r := range all {
		go func() {
			err := follow(r)
			if err != nil {
				err = fmt.Errorf("%s: %w", ref, err)
			}
			ended <- err
		}()
	}
	eventually(t, "a player is parked on each playlist", func() bool { return gw.origin.Stats().Parked == int64(len(all)) })
	begin := time.Now()
	if err := gw.stop(); err != nil {
		t.Errorf("serve ended with: %v", err)
	}
	t.Logf("closed in %v", time.Since(begin))
	for range all {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	eventually(t, "the publisher knows that the gateway went away", func() bool { return !pub.Stats().Connected })
}

// follow reloads a playlist as players do, one blocking request after the other, until it ends.
func follow(r rendition) error {
	for list := r.list; !list.EndList; {
		next, part := list.MediaSequence+int64(len(list.Segments)), 0
		if list.Open != nil {
			part = len(list.Open.Parts)
		}
		body, err := fetch(fmt.Sprintf("%s?_HLS_msn=%d&_HLS_part=%d", r.url, next, part))
		if err != nil {
			return err
		}
		if list, err = m3u8.ParseMedia(body); err != nil {
			return err
		}
	}
	return nil
}

// TestHTTP2OverTLS: with --tls-dev a broadcaster publishes and a player reads everything over
// HTTP/2 (N-1, W-4), with the headers that a cache and a browser need.
func TestHTTP2OverTLS(t *testing.T) {
	gw := startGateway(t, func(c *configs.Config) { c.HTTP.TLSDev = true })
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
	}}
	t.Cleanup(client.CloseIdleConnections)
	get := func(url string) (*http.Response, []byte) {
		t.Helper()
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Fatalf("%s: %s over %s, %v: %.200s", url, resp.Status, resp.Proto, err, body)
		}
		return resp, body
	}
	get(gw.base + "/healthz")
	get(gw.base + "/readyz")
	_, leave := gw.publish(t, broadcast.Config{
		Name: "Ada", Insecure: true, Video: media.H264, Picture: broadcast.Solid{R: 200}, Sound: broadcast.Tone{Hz: 440, Level: -12},
	})
	at := gw.base + "/hls/demo/index.m3u8"
	_, body := get(at)
	mv, err := m3u8.ParseMultivariant(body)
	if err != nil {
		t.Fatal(err)
	}
	if found := m3u8.CheckMultivariant(mv); len(found) > 0 {
		t.Errorf("multivariant playlist: %v", found)
	}
	for _, v := range mv.Variants {
		u := resolve(t, at, v.URI)
		_, body := get(u)
		list, err := m3u8.ParseMedia(body)
		if err != nil {
			t.Fatal(err)
		}
		if found := m3u8.Check(list); len(found) > 0 {
			t.Errorf("%s: %v", v.URI, found)
		}
		hint := resolve(t, u, list.Hints[0].URI) // held until the part is whole
		resp, part := get(hint)
		if resp.Header.Get("Cache-Control") == "" || resp.ContentLength != int64(len(part)) || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d bytes with headers %v", hint, len(part), resp.Header)
		}
	}
	if err := leave(); err != nil {
		t.Errorf("publisher: %v", err)
	}
}
