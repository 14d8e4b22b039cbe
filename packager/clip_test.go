package packager

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/Eyevinn/mp4ff/aac"

	"tilecast/media"
)

const clipSeconds = 5

// Real H.264 and AAC go through a track of each; ffprobe and a whole decode by ffmpeg find every frame at its
// time, without a word of complaint: F-5, F-12, F-13, F-16, G-5, H-19.
func TestFFmpegPlaysWhatWeCut(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("there is no ffmpeg here")
	}
	for _, rate := range []media.FrameRate{rates[1], rates[2], rates[3]} {
		plan := mustPlan(t, "low", rate)
		t.Run(rate.String()+" video", func(t *testing.T) {
			params, packets := h264Clip(t, plan)
			checkPlayback(t, plan, params, packets, rate.Frame(1))
		})
	}
	t.Run("audio", func(t *testing.T) {
		params, packets := aacClip(t)
		checkPlayback(t, mustPlan(t, "low", rates[3]), params, packets, audioFrame)
	})
}

func checkPlayback(t *testing.T, plan Plan, params media.Params, packets []media.Packet, grain media.Time) {
	t.Helper()
	in := mustInit(t, params, plan)
	var out recorder
	track := NewTrack(in, plan, TrackConfig{FirstMSN: 1, Wall: wall}, &out)
	for _, p := range packets {
		if err := track.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := track.Close(); err != nil {
		t.Fatal(err)
	}
	if len(out.parts) < 2*plan.PartsPerSegment {
		t.Fatalf("only %d parts", len(out.parts))
	}
	whole := filepath.Join(t.TempDir(), "whole.mp4")
	write(t, whole, in.Data, out.bytes())
	checkFrames(t, whole, 0, len(packets), grain)
	run(t, "ffmpeg", "-v", "warning", "-xerror", "-i", whole, "-f", "null", "-")

	if params.Video != nil { // the bytes that an I-frame playlist names are one picture (M-25, AAS 6.10)
		frame := filepath.Join(t.TempDir(), "frame.mp4")
		write(t, frame, in.Data, out.parts[plan.PartsPerSegment].Data[:out.parts[plan.PartsPerSegment].KeyLen])
		out := run(t, "ffmpeg", "-v", "quiet", "-i", frame, "-f", "framehash", "-")
		if n := bytes.Count(out, []byte("\n0, ")); n != 1 {
			t.Errorf("%d pictures in the bytes of a key frame:\n%s", n, out)
		}
	}

	// A player that joins at the second segment finds the same timeline (C-1).
	var second []byte
	start := media.Time(0)
	for _, p := range out.parts {
		if p.MSN == 2 {
			if p.Index == 0 {
				start = p.Start
			}
			second = append(second, p.Data...)
		}
	}
	alone := filepath.Join(t.TempDir(), "second.mp4")
	write(t, alone, in.Data, second)
	frames := int(plan.SegmentStart(2)/grain - plan.SegmentStart(1)/grain)
	checkFrames(t, alone, start, frames, grain)
}

// checkFrames holds ffprobe's decoded frames against the grid.
func checkFrames(t *testing.T, path string, start media.Time, frames int, grain media.Time) {
	t.Helper()
	text := run(t, "ffprobe", "-v", "warning", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path)
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != frames {
		t.Fatalf("%s: %d frames, want %d", path, len(rows), frames)
	}
	for i, row := range rows {
		at, err := strconv.ParseFloat(row[0], 64)
		want := (start + media.Time(i)*grain).Seconds()
		if err != nil || math.Abs(at-want) > 2e-6 {
			t.Fatalf("%s: frame %d at %s, want %f", path, i, row[0], want)
		}
	}
}

// h264Clip is what our encoder makes: no B frames, a key frame each segment, parameter sets also in band.
func h264Clip(t *testing.T, plan Plan) (media.Params, []media.Packet) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.h264")
	rate := fmt.Sprintf("%d/%d", plan.Rate.Num, plan.Rate.Den)
	gop := strconv.Itoa(plan.SegmentFrames())
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r="+rate, "-t", strconv.Itoa(clipSeconds),
		"-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency",
		"-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-x264-params", "aud=1", "-f", "h264", path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	aud := []byte{0, 0, 0, 1, nalAUD}
	var packets []media.Packet
	var extra []byte
	for i, unit := range bytes.Split(data, aud)[1:] {
		unit = append(append([]byte(nil), aud...), unit...)
		key := bytes.Contains(unit, []byte{0, 0, 1, 0x65})
		if i == 0 {
			extra = unit
		}
		packets = append(packets, media.Packet{At: plan.Rate.Frame(int64(i)), Dur: plan.Rate.Frame(1), Key: key, Data: unit})
	}
	params := media.Params{Video: &media.VideoParams{Codec: media.H264, W: 320, H: 180, Rate: plan.Rate, Extra: extra}}
	return params, packets
}

func aacClip(t *testing.T) (media.Params, []media.Packet) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.aac")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:r=48000", "-t", strconv.Itoa(clipSeconds),
		"-ac", "2", "-c:a", "aac", "-b:a", "128k", "-f", "adts", path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packets []media.Packet
	for n := int64(0); len(data) > 0; n++ {
		h, _, err := aac.DecodeADTSHeader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		size := int(h.HeaderLength) + int(h.PayloadLength)
		packets = append(packets, media.Packet{At: media.Time(n) * audioFrame, Dur: audioFrame, Key: true, Data: data[h.HeaderLength:size]})
		data = data[size:]
	}
	return audioParams(), packets
}

// run answers what a command prints. What it says on stderr is a failure.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return out
}

func write(t *testing.T, path string, pieces ...[]byte) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Join(pieces, nil), 0o644); err != nil {
		t.Fatal(err)
	}
}
