package main

import (
	"context"

	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/media"
)

// child is tilecast as a process of its own, which can be killed.
type child struct {
	t    *testing.T
	bin  string
	addr string
	data string
	cmd  *exec.Cmd
}

// buildChild makes the real binary.
func buildChild(t *testing.T) *child {
	t.Helper()
	needCodecs(t)
	c := &child{t: t, bin: filepath.Join(t.TempDir(), "tilecast"), data: t.TempDir()}
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", c.bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.addr = ln.Addr().String()
	ln.Close()
	t.Cleanup(func() {
		if c.cmd != nil {
			c.kill()
		}
	})
	return c
}

// recorded is a room whose program is recorded, in rungs that a busy machine can encode without a gap.
const recorded = `rooms:
  - name: demo
    record: {enabled: true}
    ladder:
      - {name: 360p}
      - {name: 180p, width: 320, height: 180, bitrate: 300k}
`

// start runs it and returns when it answers.
func (c *child) start() {
	c.t.Helper()
	config := filepath.Join(c.data, "recorded.yaml")
	if err := os.WriteFile(config, []byte(recorded), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.cmd = exec.Command(c.bin, "serve", "--config", config, "--http", c.addr, "--udp", "0", "--data", c.data)
	c.cmd.Stderr = c.t.Output()
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "the gateway answers", func() bool {
		resp, err := http.Get("http://" + c.addr + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// kill ends it as a crash does.
func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
	c.cmd = nil
}

// end asks it to stop, in order.
func (c *child) end() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("ended with %v", err)
	}
	c.cmd = nil
}

// stockPage plays with hls.js as it comes, and notes each error, and how long the picture stood still. Where the network failed
// for good it loads again, as the documentation of hls.js tells: it does not retry with a server that is not there.
// On a busy machine hls.js leaves out a part now and then, so it notes what was loaded, too: a hole in that is not the program's.
const stockPage = `<!doctype html><meta charset="utf-8"><video muted></video><script src="/hls.js"></script><script>
const v = document.querySelector("video"), seen = window.seen = {fatal: [], again: 0, errors: [], still: 0, at: 0, discontinuities: 0};
const hls = window.hls = new Hls();
hls.on("hlsError", (_, d) => {
	const hole = d.details === "bufferSeekOverHole" && holes().find(h => h.to > v.currentTime - 0.2);
	seen.errors.push((hole?.left ? "leftOut " : d.type + " ") + d.details + (hole ? ": " + d.reason : ""));
	if (!d.fatal) return;
	if (d.type === "networkError") { seen.again++; setTimeout(() => hls.startLoad(), 250); } else seen.fatal.push(d.details);
});
const loaded = {main: [], audio: []};
hls.on("hlsFragBuffered", (_, {frag, part}) => { if (frag.sn !== "initSegment") loaded[frag.type].push(part ?? frag); });
window.holes = () => Array.from({length: Math.max(0, v.buffered.length - 1)}, (_, i) => {
	const from = v.buffered.end(i), to = v.buffered.start(i + 1), at = (from + to) / 2;
	return {from, to, left: Object.values(loaded).some(all => !all.some(m => m.start <= at && at < m.start + m.duration))};
});
hls.on("hlsFragChanged", (_, d) => { seen.discontinuities = Math.max(seen.discontinuities, d.frag.cc); });
let since = performance.now();
setInterval(() => {
	const now = performance.now();
	if (v.currentTime !== seen.at) { seen.at = v.currentTime; since = now; }
	if (window.watching) seen.still = Math.max(seen.still, now - since);
}, 20);
hls.loadSource("%s");
hls.attachMedia(v);
v.play();
</script>`

// player serves a page with stock hls.js from a server that is not the gateway.
func player(t *testing.T, playlist string) string {
	t.Helper()
	lib, err := os.ReadFile("../../origin/web/static/lib/hls.min.js")
	if err != nil {
		t.Skip("hls.js is not installed: ", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hls.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write(lib)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, stockPage, playlist)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestBrowserGoesOnAfterAKill: a viewer with stock hls.js goes on when the gateway is killed and started
// again, at the same address; what ended in order has its ENDLIST even then.
func TestBrowserGoesOnAfterAKill(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	gw := buildChild(t)
	gw.start()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, name := range []string{"Ada", "Bob"} {
		p, err := broadcast.New(broadcast.Config{
			URL: "http://" + gw.addr + "/whip/demo", ID: name, Name: name, Reconnect: true, Video: media.VP8, W: 320, H: 180,
			Picture: broadcast.Solid{R: 200}, Sound: broadcast.Tone{Hz: 440, Level: -12},
		})
		if err != nil {
			t.Fatal(err)
		}
		go p.Run(ctx)
	}
	index := "http://" + gw.addr + "/hls/demo/index.m3u8"
	b := openBrowser(t, "")
	eventually(t, "there is a program", func() bool { _, err := fetch(index); return err == nil })
	b.open(player(t, index))
	b.until("it plays", `document.querySelector("video").currentTime > 3`)
	program := programOf(t, index)

	b.must(`(window.watching = true, document.querySelector("video").currentTime)`, nil)
	killed := time.Now()
	gw.kill()
	gw.start()
	t.Logf("answers %v after the kill", time.Since(killed).Round(time.Millisecond))
	b.until("it plays what came after the restart", `(document.querySelector("video").currentTime > 1 && window.seen.discontinuities === 1) || window.seen.fatal.length > 0`)
	t.Logf("plays the new life %v after the kill", time.Since(killed).Round(time.Millisecond))
	var at float64
	b.must(`document.querySelector("video").currentTime`, &at)
	b.until("it goes on", fmt.Sprintf(`document.querySelector("video").currentTime > %f || window.seen.fatal.length > 0`, at+4))
	var seen struct {
		Fatal []string
		Again int
		Still float64
	}
	b.must(`window.seen`, &seen)
	if len(seen.Fatal) > 0 {
		t.Fatalf("hls.js gave up: %v", seen.Fatal)
	}
	t.Logf("the picture stood still for %.0f ms at most; hls.js was told %d times to load again", seen.Still, seen.Again)
	if again := programOf(t, index); again != program {
		t.Errorf("the program is %s, it was %s", again, program)
	}
	gw.end()
	gw.start()
	body, err := fetch("http://" + gw.addr + "/hls/demo/" + program + "/audio/stream.m3u8")
	if err != nil || !strings.Contains(string(body), "#EXT-X-ENDLIST") {
		t.Errorf("after an orderly end and another start: %v\n%s", err, body)
	}
	// What was recorded of both lives is one file.
	needFFmpeg(t)
	file := save(t, "http://"+gw.addr+"/rec/demo/"+program+"/main-360p.mp4")
	decodesCleanly(t, file)
	p := probe(t, file)
	for _, s := range p.Streams {
		if d := seconds(t, s.Duration) - seconds(t, p.Format.Duration); d < -0.1 || d > 0.1 {
			t.Errorf("%s is %s s long, the file %s", s.CodecType, s.Duration, p.Format.Duration)
		}
	}
	t.Logf("%s s are recorded", p.Format.Duration)
}

// programOf is the program that a room's address leads to.
func programOf(t *testing.T, index string) string {
	t.Helper()
	body, err := fetch(index)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if line[0] != '#' {
			id, _, _ := strings.Cut(line, "/")
			return id
		}
	}
	t.Fatalf("no variant in %s", body)
	return ""
}
