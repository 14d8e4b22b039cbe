package compositor

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

const starveEnv = "TILECAST_TEST_STARVE"

// A process that gets a tenth of the core it needs: what gives way is announced and undone when there is
// room again, and the sound has no hole. The process is this test again, on one core, with hogs beside it.
func TestStarvedOfCPU(t *testing.T) {
	if os.Getenv(starveEnv) != "" {
		starvedChild(t)
		return
	}
	if testing.Short() {
		t.Skip("it takes some seconds of a whole core")
	}
	if _, err := codec.LibAV().NewVideoDecoder(media.VP8); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(taskset, "-c", "0", self, "-test.run=^TestStarvedOfCPU$")
	child.Env = append(os.Environ(), starveEnv+"=1")
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() { // ends with the child's output
		defer close(lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	hogs := &hogs{taskset: taskset}
	defer hogs.kill()
	patience := time.NewTimer(time.Minute)
	on, off, sound := 0, 0, ""
	for line := range watch(lines, patience.C, func() { in.Close() }) {
		switch {
		case line == "ready":
			hogs.start(t, 9)
		case strings.HasPrefix(line, "load ") && strings.HasSuffix(line, " true"):
			if on++; on == 2 {
				hogs.kill()
			}
		case strings.HasPrefix(line, "load "):
			if off++; off == on {
				in.Close()
			}
		case strings.HasPrefix(line, "sound "):
			sound = line
		}
		t.Log(line)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if on == 0 {
		t.Error("nothing gave way")
	}
	if !strings.HasSuffix(sound, " whole") {
		t.Errorf("the sound: %q", sound)
	}
	if load, _ := os.ReadFile("/proc/loadavg"); off < on {
		var busy float64
		if fmt.Sscan(string(load), &busy); busy > 2.5 {
			t.Skipf("%d of %d steps undone within a minute: the machine itself is busy (%s)", off, on, strings.TrimSpace(string(load)))
		}
		t.Errorf("%d of %d steps were undone", off, on)
	}
}

// watch passes lines on; when late it calls giveUp, once.
func watch(lines <-chan string, late <-chan time.Time, giveUp func()) func(func(string) bool) {
	return func(yield func(string) bool) {
		for {
			select {
			case line, ok := <-lines:
				if !ok || !yield(line) {
					return
				}
			case <-late:
				giveUp()
			}
		}
	}
}

// hogs are processes that want the first core for themselves.
type hogs struct {
	taskset string
	all     []*exec.Cmd
}

func (h *hogs) start(t *testing.T, n int) {
	for range n {
		c := exec.Command(h.taskset, "-c", "0", "sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Error(err)
			continue
		}
		h.all = append(h.all, c)
	}
}

func (h *hogs) kill() {
	for _, c := range h.all {
		c.Process.Kill()
		c.Wait()
	}
	h.all = nil
}

// starvedChild composes a picture that keeps an encoder busy, in real time, until its input ends.
func starvedChild(t *testing.T) {
	cfg := config()
	cfg.Event = func(kind string, attrs ...slog.Attr) {
		if kind == "load" {
			fmt.Println("load", attrs[0].Value, attrs[1].Value)
		}
	}
	cv := &cfg.Canvases[0]
	cv.Rungs = []Rung{
		{Name: "720p", W: 1280, H: 720, BitRate: 2_500_000, Encoder: "libx264", Preset: "superfast"},
		{Name: "180p", W: 320, H: 180, BitRate: 300_000, Encoder: "libx264", Preset: "superfast"},
	}
	set := codec.LibAV()
	clip, voice := busy(t, set), spoken(t, set, 100)
	cfg.Clock = media.NewClock(time.Now())
	var mu sync.Mutex
	tapes := map[string]*gapTape{}
	cfg.Open = func(_, id string, p media.Params) (Outlet, error) {
		mu.Lock()
		defer mu.Unlock()
		tapes[id] = &gapTape{tape: tape{params: p}}
		return tapes[id], nil
	}
	c, err := New(cfg, set)
	if err != nil {
		t.Fatal(err)
	}
	c.reliever.least = 2 * media.Second
	done := make(chan struct{})
	go func() { defer close(done); c.Run() }()
	tile := c.Join(TileConfig{ID: "a", Name: "Ada"})
	video, err1 := tile.Open(media.VP8)
	audio, err2 := tile.Open(media.Opus)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	go func() { defer close(end); io.Copy(io.Discard, os.Stdin) }()
	from := cfg.Clock.At(time.Now())
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for pictures, packets, ready := 0, 0, false; ; {
		select {
		case <-end:
			c.Stop()
			<-done
			g := tapes[AudioID]
			if left := wholeExcept(t, AudioID, g, 0); left == 0 && len(g.gaps) == 0 {
				fmt.Println("sound", len(g.packets), "whole")
			} else {
				fmt.Println("sound broke for", left)
			}
			return
		case <-ticker.C:
		}
		now := cfg.Clock.At(time.Now()) - from
		for ; fps30.Frame(int64(pictures)) < now; pictures++ {
			p := clip[pictures%len(clip)]
			p.At = from + fps30.Frame(int64(pictures))
			video.Push(p)
		}
		for ; media.Time(packets)*20*media.Millisecond < now; packets++ {
			p := voice[packets%len(voice)]
			p.At = from + media.Time(packets)*20*media.Millisecond
			audio.Push(p)
		}
		if !ready && now > 2*media.Second {
			ready = true
			fmt.Println("ready")
		}
	}
}

// busy is a second of pictures that are all different, in VP8.
func busy(t *testing.T, set codec.Set) (out []media.Packet) {
	enc, err := set.NewVideoEncoder(codec.VideoConfig{Codec: media.VP8, W: 320, H: 180, Rate: fps30, BitRate: 800_000, GOP: 30})
	if err != nil {
		t.Skip(err)
	}
	defer enc.Close()
	pic := codec.NewPicture(320, 180)
	defer pic.Release()
	rng := rand.New(rand.NewPCG(1, 1))
	for k := range 30 {
		for y := range 180 {
			for x := range 320 {
				pic.Y[y*pic.StrideY+x] = byte(90 + 60*((x/24+y/24+k)%2) + rng.IntN(16))
			}
		}
		pic.At = fps30.Frame(int64(k))
		packets, err := enc.Encode(pic, fps30.Frame(1), k == 0)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, packets...)
	}
	return out
}
