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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

const starveEnv = "TILECAST_TEST_STARVE"

// A process that gets a fraction of the core it needs: each step is taken in its order, counted, announced, and
// undone when there is room again; the top rung's gaps are all that is missing of the pictures, and nothing is of
// the sound. The process is this test again, on one core, with hogs beside it.
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
	patience := time.NewTimer(90 * time.Second)
	steps, taken, said := &ladder{}, false, map[string]string{}
	var idle, total int64
	for line := range watch(lines, patience.C, func() { hogs.kill(); in.Close() }) {
		what, rest, _ := strings.Cut(line, ": ")
		switch what {
		case "ready":
			hogs.start(t, 40)
		case "load":
			steps.note(t, rest)
			if steps.at == giveSteps {
				taken = true
				hogs.kill()
				idle, total = core(t)
			} else if taken && steps.at == 0 {
				in.Close()
			}
		default:
			said[what] = rest
		}
		t.Log(line)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if !taken {
		t.Errorf("only these gave way: %v", steps.taken)
	}
	for what, want := range map[string]string{
		"sound": "0.000000s in 0 gaps are missing", "180p": "0.000000s in 0 gaps are missing", "counted": fmt.Sprint(steps.taken),
	} {
		if said[what] != want {
			t.Errorf("%s: %q, want %q", what, said[what], want)
		}
	}
	if top := said["360p"]; top == "" || top == said["180p"] {
		t.Errorf("the top rung: %q", top)
	}
	if taken && steps.at > 0 {
		i, n := core(t)
		if share := float64(i-idle) / float64(max(n-total, 1)); share < 0.5 {
			t.Skipf("%d steps are not undone: others left %.0f %% of the core", steps.at, 100*share)
		}
		t.Errorf("%d steps are not undone", steps.at)
	}
}

// core is how long the first core was idle, and how long it is counted, in ticks of the kernel.
func core(t *testing.T) (idle, total int64) {
	t.Helper()
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(stat)) {
		f := strings.Fields(line)
		if len(f) < 6 || f[0] != "cpu0" {
			continue
		}
		for k, v := range f[1:] {
			n, _ := strconv.ParseInt(v, 10, 64)
			if total += n; k == 3 {
				idle = n
			}
		}
	}
	return idle, total
}

// ladder follows what is announced of the steps.
type ladder struct {
	at    int              // steps that are taken
	taken [giveSteps]int64 // how often each was
}

// note takes an event: the next step is taken, or the last one undone.
func (l *ladder) note(t *testing.T, event string) {
	t.Helper()
	step, on := strings.CutSuffix(event, " true")
	if on && l.at < giveSteps {
		l.taken[l.at]++
		l.at++
	}
	if want := reliefNames[max(l.at, 1)]; step != want && step != want+" false" {
		t.Errorf("announced %q where it is %s's turn", event, want)
	}
	if !on {
		l.at--
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
	codec.ShareCores() // as the program does
	cfg := config()
	cfg.Event = func(kind string, attrs ...slog.Attr) {
		if kind == "load" {
			fmt.Println("load:", attrs[0].Value, attrs[1].Value)
		}
	}
	cv := &cfg.Canvases[0]
	cv.W, cv.H = 640, 360
	cv.Rungs = []Rung{
		{Name: "360p", W: 640, H: 360, BitRate: 900_000, Encoder: "libx264", Preset: "superfast"},
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
			gop := cfg.Rate.Frame(int64(cfg.GOP))
			for what, g := range map[string]*gapTape{"sound": tapes[AudioID], "360p": tapes["360p"], "180p": tapes["180p"]} {
				align := gop
				if what == "sound" {
					align = 0
				}
				fmt.Printf("%s: %v in %d gaps are missing\n", what, wholeExcept(t, what, g, align), len(g.gaps))
			}
			fmt.Println("counted:", c.Stats().Given)
			fmt.Println("sound lagged:", c.soundLags.Load())
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
			fmt.Println("ready: it composes")
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
