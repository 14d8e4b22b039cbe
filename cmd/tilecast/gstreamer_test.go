package main

import (
	"bufio"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// gstreamer is the Python of the distribution, whose GStreamer has webrtcbin; it skips the test without.
func gstreamer(t *testing.T) string {
	t.Helper()
	const python = "/usr/bin/python3"
	check := `import gi; gi.require_version("GstWebRTC", "1.0"); from gi.repository import Gst, GstWebRTC; Gst.init(None); ` +
		`[exit(f"no {e}") for e in ("webrtcbin", "nicesrc", "vp8enc", "x264enc", "opusenc", "srtpenc") if not Gst.ElementFactory.find(e)]`
	if out, err := exec.Command(python, "-c", check).CombinedOutput(); err != nil {
		t.Skipf("GStreamer's webrtcbin is not installed (scripts/setup test installs it): %v: %s", err, out)
	}
	return python
}

// GStreamer's webrtcbin publishes (O-20, O-22): all candidates in its offer, video first, and very long
// key intervals, so that it shows soon only because it was asked for a key frame.
func TestGStreamerPublishes(t *testing.T) {
	if testing.Short() {
		t.Skip("another program")
	}
	python := gstreamer(t)
	gw := startGateway(t, nil)
	for codec, name := range map[string]string{"vp8": "VP8", "h264": "H264"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(python, "testdata/webrtcbin.py", gw.base+"/whip/demo?name="+name, codec)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stderr = t.Output()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != "connected" {
				t.Log(lines.Text())
				if strings.Contains(lines.Text(), "refused") || strings.Contains(lines.Text(), "error") || lines.Text() == "failed" {
					rest, _ := io.ReadAll(out)
					t.Fatalf("%s", rest)
				}
			}
			eventually(t, "a second of picture and sound is decoded", func() bool {
				stats := gw.rooms.Stats()
				if len(stats) == 0 {
					return false
				}
				var pictures, sounds int64
				for _, i := range stats[0].Compositor.Inputs {
					switch i.Codec {
					case name:
						pictures += i.Decoded
					case "Opus":
						sounds += i.Decoded
					}
					if i.Faults > 0 {
						t.Fatalf("%d faults in decoding %s", i.Faults, i.Codec)
					}
				}
				return pictures >= 30 && sounds >= 50
			})
			in.Close()
			rest, err := io.ReadAll(out)
			if err := errors.Join(err, cmd.Wait()); err != nil || !strings.Contains(string(rest), "left") {
				t.Errorf("it ended with %v: %s", err, rest)
			}
			eventually(t, "it has left", func() bool { return len(gw.status(t, "demo").Participants) == 0 })
		})
	}
}
