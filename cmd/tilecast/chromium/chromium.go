// Package chromium drives a headless Chromium, for browser tests, benches and pictures.
package chromium

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrMissing says that there is no Chromium on this machine.
var ErrMissing = errors.New("chromium is not installed: scripts/setup test installs it")

// Config says what a browser is like.
type Config struct {
	Camera        string // y4m file that is its camera; empty: Chromium's own test picture, 30 fps
	Width, Height int    // of the window; 0: 1280x800
	Insecure      bool   // accept any certificate
}

// Browser is one Chromium process with a fresh profile and one page. It is used by
// one goroutine.
type Browser struct {
	ctx     context.Context
	close   func()
	profile string
	pid     int
}

// Open starts a browser.
func Open(cfg Config) (*Browser, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, ErrMissing
	}
	if cfg.Width == 0 {
		cfg.Width, cfg.Height = 1280, 800
	}
	profile, err := os.MkdirTemp("", "tilecast-chromium-")
	if err != nil {
		return nil, err
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.WindowSize(cfg.Width, cfg.Height),
		chromedp.Flag("headless", true), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", "fps=30"),
		chromedp.Flag("ignore-certificate-errors", cfg.Insecure),
	}
	if cfg.Camera != "" {
		opts = append(opts, chromedp.Flag("use-file-for-fake-video-capture", cfg.Camera))
	}
	actx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(actx)
	b := &Browser{ctx: ctx, profile: profile, close: func() { cancel(); stop() }}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		b.Close()
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	b.pid = chromedp.FromContext(ctx).Browser.Process().Pid
	return b, nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() {
	b.close()
	os.RemoveAll(b.profile)
}

// Kill ends all its processes as a crash would: no goodbye to anybody. Close is still due.
func (b *Browser) Kill() error {
	for _, pid := range append(descendants(b.pid), b.pid) {
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Kill()
		}
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("kill chromium: %w", err)
		}
	}
	return nil
}

// descendants are the processes below pid, as /proc has them.
func descendants(pid int) (all []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents := map[int]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		name := bytes.LastIndexByte(text, ')') // "pid (name) state parent ...", where the name may hold anything
		if err != nil || name < 0 {
			continue // ended meanwhile
		}
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if f := bytes.Fields(text[name+1:]); len(f) > 1 {
			parents[child], _ = strconv.Atoi(string(f[1]))
		}
	}
	for child := range parents {
		for p := parents[child]; p > 1; p = parents[p] {
			if p == pid {
				all = append(all, child)
				break
			}
		}
	}
	return all
}

// Go opens an address in the page.
func (b *Browser) Go(url string) error {
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		return fmt.Errorf("open %s: %w", url, err)
	}
	return nil
}

// Eval runs a JavaScript expression, awaits it if it is a promise, and decodes its
// value into out, unless that is nil.
func (b *Browser) Eval(js string, out any) error {
	js = `(async () => (` + js + `))().then(v => v === undefined ? null : v)`
	raw, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]byte](js, chromedp.EvalAsValue, chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// Until polls a JavaScript condition until it holds or limit is over.
func (b *Browser) Until(limit time.Duration, js string) error {
	var last error
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		var ok bool
		if last = b.Eval("!!("+js+")", &ok); last == nil && ok {
			return nil
		}
		if time.Now().After(end) {
			break
		}
	}
	var page string
	_ = b.Eval(`document.body.dataset.state + " | " + document.body.innerText.slice(0, 400)`, &page) // best effort
	return errors.Join(fmt.Errorf("gave up after %v; the page says: %s", limit, page), last)
}

// Screenshot is the page as a PNG.
func (b *Browser) Screenshot() ([]byte, error) {
	return chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
}
