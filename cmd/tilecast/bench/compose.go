package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor/codec"
	"tilecast/media"
)

// The job of the compose contest: four VP8 clips of 640x360 become one 720p30
// program of 2.5 Mb/s, x264 superfast, one thread for each codec, no sound.
const (
	clips      = 4
	clipFrames = 300
	clipW      = 640
	clipH      = 360
)

var fps30 = media.FrameRate{Num: 30, Den: 1}

// contestant does the job once and answers the CPU time that it took.
type contestant struct {
	name string
	run  func() (time.Duration, error)
}

// compose measures the CPU of composing and encoding, on one core.
func compose(s settings) ([]row, error) {
	paths, err := makeClips(s.dir, clips, clipW, clipH)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out := filepath.Join(s.dir, "out")
	all := []contestant{
		{"tilecast", inProcess(append([]string{self, "job", "compose"}, paths...))},
		{"codecs alone", inProcess(append([]string{self, "job", "codecs"}, paths...))},
		{"tilecast, whole process", wholeProcess(append([]string{self, "job", "compose"}, paths...))},
		{"ffmpeg", wholeProcess(ffmpegJob(paths, out+".mp4", false))},
		{"GStreamer", wholeProcess(gstreamerJob(paths, out+".h264"))},
	}
	times, err := interleave(all, s.runs)
	if err != nil {
		return nil, err
	}
	name := "CPU s per 10 s, 4 x 640x360 VP8 to 720p"
	return []row{
		versus(name+", against decode+encode alone", times["tilecast"], times["codecs alone"], "<= 1.05"),
		versus(name+", against ffmpeg's CLI", times["tilecast, whole process"], times["ffmpeg"], "<= 1.03"),
		versus(name+", against GStreamer's compositor", times["tilecast, whole process"], times["GStreamer"], "<= 0.98"),
	}, nil
}

// interleave runs every contestant in turn, as many times as asked.
func interleave(all []contestant, runs int) (map[string][]time.Duration, error) {
	times := map[string][]time.Duration{}
	for i := range runs {
		for _, c := range all {
			d, err := c.run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			progress("run %d: %-24s %.3f s", i+1, c.name, d.Seconds())
			times[c.name] = append(times[c.name], d)
		}
	}
	return times, nil
}

// versus is the row of two contestants: minimum and median, and the ratio of the minima.
func versus(name string, ours, theirs []time.Duration, goal string) row {
	slices.Sort(ours)
	slices.Sort(theirs)
	show := func(d []time.Duration) string {
		return fmt.Sprintf("%.3f (median %.3f)", d[0].Seconds(), d[len(d)/2].Seconds())
	}
	return row{name, show(ours), show(theirs), fmt.Sprintf("%.3f", float64(ours[0])/float64(theirs[0])), goal}
}

// inProcess runs a command that prints the CPU seconds of its job alone.
func inProcess(args []string) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		out, _, err := pinned(args)
		if err != nil {
			return 0, err
		}
		s, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
		return time.Duration(s * float64(time.Second)), err
	}
}

// wholeProcess counts user and system time of the command from start to end.
func wholeProcess(args []string) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		_, cpu, err := pinned(args)
		return cpu, err
	}
}

// pinned runs a command on the first core.
func pinned(args []string) (stdout string, cpu time.Duration, err error) {
	cmd := exec.Command("taskset", append([]string{"-c", "0"}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w\n%s", strings.Join(args[:2], " "), err, errs.String())
	}
	return string(out), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // of this process: never
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// makeClips draws the demo's first n broadcasters, over and over where they are not so many, unless that was done before.
func makeClips(dir string, n, w, h int) ([]string, error) {
	script := broadcast.NewScript(2026, n)
	var paths []string
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("clip-%dx%d-%d.ivf", w, h, i))
		paths = append(paths, path)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		progress("drawing %s", path)
		if err := makeClip(path, broadcast.NewScene(broadcast.Cast[i%len(broadcast.Cast)], script, i, nil), w, h); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func makeClip(path string, scene broadcast.Picture, w, h int) error {
	enc, err := codec.LibAV().NewVideoEncoder(codec.VideoConfig{
		Codec: media.VP8, W: w, H: h, Rate: fps30, BitRate: 800_000 * max(w*h/(clipW*clipH), 1), GOP: clipFrames,
	})
	if err != nil {
		return err
	}
	defer enc.Close()
	pic := codec.NewPicture(w, h)
	defer pic.Release()
	begin := 20 * 365 * 86400 * media.Second // any day will do
	b := ivfHeader(nil, w, h, fps30)
	for n := range int64(clipFrames) {
		scene.Draw(pic, begin+fps30.Frame(n))
		pic.At = fps30.Frame(n)
		packets, err := enc.Encode(pic, fps30.Frame(1), n == 0)
		if err != nil {
			return err
		}
		for _, p := range packets {
			b = ivfFrame(b, n, p.Data)
		}
	}
	return os.WriteFile(path, b, 0o644)
}

// ffmpegJob is the same with ffmpeg's command line; larger clips are halved first.
func ffmpegJob(paths []string, out string, halve bool) []string {
	graph := "[0][1][2][3]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0"
	if halve {
		graph = "[0]scale=640:360:flags=bilinear[a];[1]scale=640:360:flags=bilinear[b];[2]scale=640:360:flags=bilinear[c];[3]scale=640:360:flags=bilinear[d];" +
			"[a][b][c][d]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0"
	}
	args := []string{"ffmpeg", "-v", "error", "-y"}
	for _, p := range paths {
		args = append(args, "-threads", "1", "-i", p)
	}
	return append(args, "-filter_threads", "1", "-filter_complex_threads", "1",
		"-filter_complex", graph,
		"-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-threads", "1",
		"-b:v", "2500k", "-maxrate", "3000k", "-bufsize", "1500k", "-g", "60", "-sc_threshold", "0", "-f", "mp4", out)
}

// gstreamerJob is the same with GStreamer's compositor.
func gstreamerJob(paths []string, out string) []string {
	args := []string{"gst-launch-1.0", "-q", "compositor", "name=c", "background=black"}
	for i := range paths {
		args = append(args, fmt.Sprintf("sink_%d::xpos=%d", i, i%2*clipW), fmt.Sprintf("sink_%d::ypos=%d", i, i/2*clipH),
			fmt.Sprintf("sink_%d::width=%d", i, clipW), fmt.Sprintf("sink_%d::height=%d", i, clipH))
	}
	args = append(args, "!", "video/x-raw,format=I420,width=1280,height=720,framerate=30/1",
		"!", "x264enc", "speed-preset=superfast", "tune=zerolatency", "threads=1", "bitrate=2500", "vbv-buf-capacity=600", "key-int-max=60",
		"!", "filesink", "location="+out)
	for i, p := range paths {
		args = append(args, "filesrc", "location="+p, "!", "ivfparse", "!", "vp8dec", "threads=1", "!", fmt.Sprintf("c.sink_%d", i))
	}
	return args
}
