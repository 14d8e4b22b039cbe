package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tilecast/cmd/tilecast/chromium"
)

// browser is a Chromium whose troubles fail the test.
type browser struct {
	t *testing.T
	*chromium.Browser
}

// openBrowser starts Chromium; with a camera it publishes that y4m file as its picture.
func openBrowser(t *testing.T, camera string) *browser {
	t.Helper()
	b, err := chromium.Open(chromium.Config{Camera: camera})
	if errors.Is(err, chromium.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &browser{t, b}
}

func (b *browser) kill() {
	b.t.Helper()
	if err := b.Kill(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) open(url string) {
	b.t.Helper()
	if err := b.Go(url); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) must(js string, out any) {
	b.t.Helper()
	if err := b.Eval(js, out); err != nil {
		b.t.Fatalf("eval %s: %v", js, err)
	}
}

// until waits for a JavaScript condition. The limit is generous: it only tells a
// failure from a slow machine.
func (b *browser) until(what, js string) {
	b.t.Helper()
	if err := b.Until(90*time.Second, js); err != nil {
		b.shot("failed")
		b.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// shot keeps a screenshot where TILECAST_SHOTS points, for people to look at.
func (b *browser) shot(name string) {
	dir := os.Getenv("TILECAST_SHOTS")
	if dir == "" {
		return
	}
	png, err := b.Screenshot()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, b.t.Name()+"-"+name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Logf("screenshot: %v", err)
	}
}

// yuv is a colour as a y4m file has it.
type yuv struct{ y, u, v byte }

// writeCamera makes a y4m file of one colour with a square that moves, so that
// encoders have something to do, for Chromium to publish: at 15 fps, as three browsers on two slow cores can.
func writeCamera(t *testing.T, c yuv) string {
	t.Helper()
	const w, h, frames = 640, 360, 15
	path := filepath.Join(t.TempDir(), "camera.y4m")
	b := fmt.Appendf(nil, "YUV4MPEG2 W%d H%d F15:1 Ip A1:1 C420jpeg\n", w, h)
	for f := range frames {
		b = append(b, "FRAME\n"...)
		start := len(b)
		for i := range w * h * 3 / 2 {
			switch {
			case i < w*h:
				b = append(b, c.y)
			case i < w*h*5/4:
				b = append(b, c.u)
			default:
				b = append(b, c.v)
			}
		}
		for y := range 24 {
			for x := range 24 {
				b[start+(y+8)*w+x+f*16] = byte(40 + (x*y*7)%160)
			}
		}
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
