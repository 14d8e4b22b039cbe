package main

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/cmd/tilecast/chromium"
)

//go:embed publish.html
var publishHTML string

//go:embed stock.html
var stockHTML string

// probeJS reads the barcode off every picture that the page's video shows.
const probeJS = `(() => {
	const v = document.querySelector("video"), c = new OffscreenCanvas(320, 180);
	const g = c.getContext("2d", {willReadFrequently: true});
	const p = window.__probe = {ages: [], unread: 0, frames: 0, stalls: 0, gap: 0, last: 0, log: []};
	v.addEventListener("waiting", () => { p.stalls++; note("stall"); });
	const note = what => p.log.push(Math.round(performance.now()) + " " + what + " t=" + v.currentTime.toFixed(2) + " rate=" + v.playbackRate);
	const hls = window.tilecast?.hls ?? window.hls;
	hls?.on("hlsLevelSwitched", (_, d) => note("level " + d.level));
	hls?.on("hlsError", (_, d) => note(d.details + " " + (d.reason ?? d.error?.message ?? "")));
	const frame = now => {
		if (p.last && now - p.last > 500) p.gap = Math.max(p.gap, now - p.last);
		p.last = now;
		p.frames++;
		g.drawImage(v, 0, 0, 320, 180);
		const code = readBarcode(g.getImageData(0, 0, 320, 180));
		if (code.ok) p.ages.push(barcodeAge(code.ms)); else p.unread++;
		v.requestVideoFrameCallback(frame);
	};
	v.requestVideoFrameCallback(frame);
})()`

// watching is what a player saw.
type watching struct {
	Ages   []float64 // ms from the drawing of each picture to its showing
	Unread int       // pictures whose barcode could not be read
	Frames int
	Stalls int      // times the player ran dry
	Log    []string // what the player had to say
	Gap    float64  // ms, the longest time over half a second without a new picture
}

// latency measures glass to glass: a page draws a barcode of the clock and publishes it, another
// page plays the composed program and reads it.
func latency(s settings) ([]row, error) {
	runs := []struct {
		preset, player string
		goal           float64 // s, p95
	}{
		{"low", "watch", 1.5}, {"ultra", "watch", 0.95}, {"low", "stock", 1.5}, {"ultra", "stock", 1.3},
	}
	var rows []row
	for _, r := range runs {
		progress("glass to glass: %s, %s page, %v", r.preset, r.player, s.watch)
		w, err := watchOnce(s, r.preset, r.player)
		if err != nil {
			return rows, fmt.Errorf("%s on the %s page: %w", r.preset, r.player, err)
		}
		for _, line := range w.Log {
			progress("  %s", line)
		}
		slices.Sort(w.Ages)
		at := func(q float64) float64 { return w.Ages[int(q*float64(len(w.Ages)-1))] / 1000 }
		player := "our watch page"
		if r.player == "stock" {
			player = "stock hls.js with catch-up"
		}
		rows = append(rows, row{
			name: fmt.Sprintf("s glass to glass, %s, %s, %v", r.preset, player, s.watch),
			ours: fmt.Sprintf("p50 %.3f, p95 %.3f, max %.3f", at(.5), at(.95), at(1)),
			theirs: fmt.Sprintf("%d stalls, longest gap %.1f s; %d pictures, %d unreadable",
				w.Stalls, w.Gap/1000, w.Frames, w.Unread),
			ratio: fmt.Sprintf("%.3f", at(.95)/r.goal),
			goal:  fmt.Sprintf("p95 <= %.2f", r.goal),
		})
		progress("  %s; %s", rows[len(rows)-1].ours, rows[len(rows)-1].theirs)
	}
	return rows, nil
}

// watchOnce runs a gateway, a publisher and a player.
func watchOnce(s settings, preset, player string) (w watching, err error) {
	base, stop, err := startGateway(s, preset)
	if err != nil {
		return w, err
	}
	defer stop()
	pages, closePages, err := servePages(base)
	if err != nil {
		return w, err
	}
	defer closePages()
	pub, err := chromium.Open(chromium.Config{Width: 700, Height: 500})
	if err != nil {
		return w, err
	}
	defer pub.Close()
	if err := errors.Join(pub.Go(pages+"/publish"), pub.Until(time.Minute, `document.body.dataset.state === "live"`)); err != nil {
		return w, fmt.Errorf("publisher: %w", err)
	}
	view, err := chromium.Open(chromium.Config{})
	if err != nil {
		return w, err
	}
	defer view.Close()
	address := base + "/watch/bench"
	if player == "stock" {
		address = pages + "/stock"
	}
	playing := `document.querySelector("video")?.currentTime > 0 && !document.querySelector("video").paused`
	if err := errors.Join(view.Go(address), view.Until(time.Minute, playing)); err != nil {
		return w, fmt.Errorf("player: %w", err)
	}
	time.Sleep(15 * time.Second) // the player has found its place by then
	// A page of ours runs no foreign script; evaluated code is not bound by that.
	if err := view.Eval("(()=>{"+broadcast.BarcodeJS+";window.readBarcode=readBarcode;window.barcodeAge=barcodeAge})()", nil); err != nil {
		return w, err
	}
	if err := view.Eval(probeJS, nil); err != nil {
		return w, err
	}
	time.Sleep(s.watch)
	if err := view.Eval("window.__probe", &w); err != nil {
		return w, err
	}
	if len(w.Ages) == 0 {
		return w, errors.New("no barcode could be read")
	}
	return w, nil
}

// startGateway runs the binary with one room whose only tile fills the canvas.
func startGateway(s settings, preset string) (base string, stop func(), err error) {
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	config := filepath.Join(s.dir, "latency.yaml")
	text := fmt.Sprintf("rooms:\n  - name: bench\n    preset: %s\n    layout: {gap: 0, margin: 0}\n", preset)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return "", nil, err
	}
	cmd := exec.Command("bin/tilecast", "serve", "--config", config, "--http", fmt.Sprintf("127.0.0.1:%d", port), "--udp", "0", "--data", s.dir)
	log, err := os.Create(filepath.Join(s.dir, "gateway-"+preset+".log"))
	if err != nil {
		return "", nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("%w (make build comes first)", err)
	}
	begin := time.Now()
	stop = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		log.Close()
		used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		progress("the gateway used %.2f cores", used.Seconds()/time.Since(begin).Seconds())
	}
	base = fmt.Sprintf("http://localhost:%d", port)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(base + "/readyz"); err == nil {
			resp.Body.Close()
			return base, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("the gateway does not answer; see %s", log.Name())
}

// playable reports whether a playlist is there.
func playable(url string) bool {
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// servePages serves the publisher's page and a player that is hls.js and nothing else.
func servePages(gateway string) (base string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	page := func(path, html string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, strings.ReplaceAll(html, "GATEWAY", gateway))
		})
	}
	page("/publish", publishHTML)
	page("/stock", stockHTML)
	mux.HandleFunc("/barcode.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, broadcast.BarcodeJS)
	})
	mux.HandleFunc("/hls.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "origin/web/static/lib/hls.min.js")
	})
	srv := &http.Server{Handler: mux}
	go srv.Serve(ln) // ends with Close
	return "http://localhost:" + fmt.Sprint(ln.Addr().(*net.TCPAddr).Port), func() { srv.Close() }, nil
}
