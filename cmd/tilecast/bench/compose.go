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

	"tilecast/media"
)

// The job of the compose contest: four VP8 clips of 640x360 become one 720p30
// program of 2.5 Mb/s, x264 superfast, one thread for each codec; four Opus voices are mixed to AAC of 128 kb/s.
const (
	clips      = 4
	clipFrames = 300
	clipW      = 640
	clipH      = 360
)

var fps30 = media.FrameRate{Num: 30, Den: 1}

// contestant does the job once and answers the CPU time that it took; one may be several, in turns.
type contestant struct {
	names []string
	run   func() ([]time.Duration, error)
}

// compose measures the CPU of composing and encoding, on one core.
func compose(s settings) ([]row, error) {
	return contest(s, "CPU s per 10 s, 4 x 640x360 VP8 and Opus to 720p and AAC", clipW, clipH, [3]string{"<= 1.05", "<= 1.03", "<= 0.98"})
}

// contest is ours against the codecs alone and two peers, with four broadcasters whose pictures have that size.
func contest(s settings, name string, w, h int, goals [3]string) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	pictures, err := makeClips(s.dir, clips, w, h)
	if err != nil {
		return nil, err
	}
	voices, err := makeVoiceFiles(s.dir, clips)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(pictures, voices)
	out := filepath.Join(s.dir, "out")
	times, err := interleave([]contestant{
		inProcess(self, "turns", all, "ours", "alone"),
		wholeProcess("whole", append([]string{self, "job", "compose"}, all...)),
		wholeProcess("ffmpeg", ffmpegJob(pictures, voices, out+".mp4", w != clipW)),
		wholeProcess("GStreamer", gstreamerJob(pictures, voices, out)),
	}, s.runs)
	if err != nil {
		return nil, err
	}
	alike, err := likeness(self, pictures, out)
	return []row{
		versus(name+", against decode+encode alone", times["ours"], times["alone"], goals[0]),
		versus(name+", against ffmpeg's CLI", times["whole"], times["ffmpeg"], goals[1]),
		versus(name+", against GStreamer's compositor", times["whole"], times["GStreamer"], goals[2]),
		alike,
	}, err
}

// interleave runs every contestant in turn, as many times as asked.
func interleave(all []contestant, runs int) (map[string][]time.Duration, error) {
	times := map[string][]time.Duration{}
	for i := range runs {
		for _, c := range all {
			took, err := c.run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", strings.Join(c.names, ", "), err)
			}
			for k, name := range c.names {
				progress("run %d: %-24s %.3f s", i+1, name, took[k].Seconds())
				times[name] = append(times[name], took[k])
			}
		}
	}
	return times, nil
}

// versus is the row of two contestants: minimum and median, and the ratio of the minima.
func versus(name string, ours, theirs []time.Duration, goal string) row {
	a, b := slices.Sorted(slices.Values(ours)), slices.Sorted(slices.Values(theirs))
	show := func(d []time.Duration) string {
		return fmt.Sprintf("%.3f (median %.3f)", d[0].Seconds(), d[len(d)/2].Seconds())
	}
	return row{name, show(a), show(b), fmt.Sprintf("%.3f", float64(a[0])/float64(b[0])), goal}
}

// inProcess runs a job of ours that prints the CPU seconds of each of these contestants.
func inProcess(self, job string, files []string, names ...string) contestant {
	return contestant{names, func() ([]time.Duration, error) {
		out, _, err := pinned(append([]string{self, "job", job}, files...))
		if err != nil {
			return nil, err
		}
		took := make([]time.Duration, len(names))
		for i, f := range strings.Fields(out) {
			s, err := strconv.ParseFloat(f, 64)
			if err != nil || i >= len(took) {
				return nil, fmt.Errorf("job %s printed %q", job, out)
			}
			took[i] = time.Duration(s * float64(time.Second))
		}
		return took, nil
	}}
}

// wholeProcess counts user and system time of the command from start to end.
func wholeProcess(name string, args []string) contestant {
	return contestant{[]string{name}, func() ([]time.Duration, error) {
		_, cpu, err := pinned(args)
		return []time.Duration{cpu}, err
	}}
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

// ffmpegJob is the same with ffmpeg's command line; larger clips are halved first.
func ffmpegJob(clips, voices []string, out string, halve bool) []string {
	graph, pads, heard := "", "", ""
	args := []string{"ffmpeg", "-v", "error", "-y"}
	for i, p := range slices.Concat(clips, voices) {
		args = append(args, "-threads", "1", "-i", p)
		switch {
		case i >= len(clips):
			heard += fmt.Sprintf("[%d]", i)
		case halve:
			graph += fmt.Sprintf("[%d]scale=%d:%d:flags=bilinear[s%d];", i, clipW, clipH, i)
			pads += fmt.Sprintf("[s%d]", i)
		default:
			pads += fmt.Sprintf("[%d]", i)
		}
	}
	graph += pads + "xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0[v];" + heard + fmt.Sprintf("amix=inputs=%d:normalize=0[a]", len(voices))
	return append(args, "-filter_threads", "1", "-filter_complex_threads", "1", "-filter_complex", graph, "-map", "[v]", "-map", "[a]",
		"-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-threads", "1",
		"-b:v", "2500k", "-maxrate", "3000k", "-bufsize", "1500k", "-g", "60", "-sc_threshold", "0",
		"-c:a", "aac", "-aac_coder", "fast", "-b:a", "128k", "-ac", "2", "-ar", "48000", "-f", "mp4", out)
}

// gstreamerJob is the same with GStreamer's compositor and mixer.
func gstreamerJob(clips, voices []string, out string) []string {
	args := []string{"gst-launch-1.0", "-q", "compositor", "name=c", "background=black"}
	for i := range clips {
		args = append(args, fmt.Sprintf("sink_%d::xpos=%d", i, i%2*clipW), fmt.Sprintf("sink_%d::ypos=%d", i, i/2*clipH),
			fmt.Sprintf("sink_%d::width=%d", i, clipW), fmt.Sprintf("sink_%d::height=%d", i, clipH))
	}
	args = append(args, "!", "video/x-raw,format=I420,width=1280,height=720,framerate=30/1",
		"!", "x264enc", "speed-preset=superfast", "tune=zerolatency", "threads=1", "bitrate=2500", "vbv-buf-capacity=600", "key-int-max=60",
		"!", "filesink", "location="+out+".h264")
	for i, p := range clips {
		args = append(args, "filesrc", "location="+p, "!", "ivfparse", "!", "vp8dec", "threads=1", "!", fmt.Sprintf("c.sink_%d", i))
	}
	args = append(args, "audiomixer", "name=m", "!", "audioconvert", "!", "audio/x-raw,rate=48000,channels=2",
		"!", "avenc_aac", "aac-coder=fast", "bitrate=128000", "!", "filesink", "location="+out+".aac")
	for _, p := range voices {
		args = append(args, "filesrc", "location="+p, "!", "oggdemux", "!", "opusdec", "!", "m.")
	}
	return args
}
