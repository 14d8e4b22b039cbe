package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/media"
)

// likeness is a row that says how like the sources each program is: the encoders have the same settings, so that nobody
// may be faster by being worse. The programs of the peers are those that were made last.
func likeness(self string, clips []string, out string) (row, error) {
	args := append([]string{"job", "write", out + "-ours.h264"}, clips...)
	if text, err := exec.Command(self, args...).CombinedOutput(); err != nil {
		return row{}, fmt.Errorf("write our program: %w\n%s", err, text)
	}
	var got [3]float64
	for i, file := range []string{out + "-ours.h264", out + ".mp4", out + ".h264"} {
		v, err := ssim(file, clips)
		if err != nil {
			return row{}, err
		}
		got[i] = v
	}
	return row{"SSIM of the same program, ours; ffmpeg's, GStreamer's", fmt.Sprintf("%.4f", got[0]), fmt.Sprintf("%.4f, %.4f", got[1], got[2]),
		fmt.Sprintf("%+.4f", got[0]-max(got[1], got[2])), ">= -0.001"}, nil
}

var (
	ssimAll   = regexp.MustCompile(`SSIM .*All:([0-9.]+)`)
	framesAll = regexp.MustCompile(`frame= *([0-9]+)`)
)

// ssim compares a program, frame by frame, with its four clips side by side, each scaled as well as ffmpeg can where it is larger. All
// frames must be there.
func ssim(file string, clips []string) (float64, error) {
	args := []string{"-hide_banner", "-nostats", "-i", file}
	for _, p := range clips {
		args = append(args, "-i", p)
	}
	graph := ""
	for i := range clips {
		graph += fmt.Sprintf("[%d]scale=%d:%d:flags=lanczos+accurate_rnd[s%d];", i+1, clipW, clipH, i)
	}
	graph += "[s0][s1][s2][s3]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0,settb=1/30,setpts=N[r];[0:v]settb=1/30,setpts=N[p];[p][r]ssim=shortest=1"
	text, err := exec.Command("ffmpeg", append(args, "-filter_complex", graph, "-f", "null", "-")...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("compare %s: %w\n%s", file, err, text)
	}
	if n := framesAll.FindAllSubmatch(text, -1); n == nil || string(n[len(n)-1][1]) != fmt.Sprint(clipFrames) {
		return 0, fmt.Errorf("compare %s: not %d frames\n%s", file, clipFrames, text)
	}
	m := ssimAll.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("compare %s: ffmpeg said nothing of SSIM\n%s", file, text)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// writer is an outlet that makes a file of Annex B.
type writer struct{ *os.File }

func (w writer) Write(p media.Packet) error {
	_, err := w.File.Write(p.Data)
	return err
}

// writeJob makes our program a file.
func writeJob(args []string) error {
	if len(args) < 2 || !strings.HasSuffix(args[0], ".h264") {
		return errors.New("job write: name the file to write, and the clips")
	}
	m, err := readMaterial(args[1:])
	if err != nil {
		return err
	}
	f, err := os.Create(args[0])
	if err != nil {
		return err
	}
	p := &program{m: m}
	p.open = func(_, _ string, params media.Params) (compositor.Outlet, error) {
		if params.Video == nil {
			return &p.sounds, nil
		}
		_, err := f.Write(params.Video.Extra)
		return writer{f}, err
	}
	if err := p.begin(codec.LibAV(), wide); err != nil {
		return errors.Join(err, f.Close())
	}
	for n := range m.frames() {
		p.push(n)
		p.Frame()
	}
	p.Close() // and the file
	return nil
}
