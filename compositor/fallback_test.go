package compositor

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// An encoder that libavcodec has, or the machine has no hardware for, gives way to the next best one: the program is
// encoded, and the log and an event say which was wanted and why it did not open. Where it does open it is used.
func TestNamedEncodersFallBack(t *testing.T) {
	set := codec.LibAV()
	if _, err := set.NewVideoDecoder(media.H264); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	for name, preset := range map[string]string{"h264_nvenc": "p4", "h264_qsv": "veryfast", "h264_vaapi": "", "libopenh264": "", "libx264": "superfast"} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			var told []string
			cfg := config()
			cfg.Log = slog.New(slog.NewTextHandler(&said, nil))
			cfg.Event = func(kind string, attrs ...slog.Attr) {
				for _, a := range attrs {
					kind += " " + a.Key + "=" + a.Value.String()
				}
				told = append(told, kind)
			}
			out := &tape{}
			cfg.Open = func(_, id string, p media.Params) (Outlet, error) {
				if id == "180p" {
					out.params = p
					return out, nil
				}
				return &tape{}, nil
			}
			cv := &cfg.Canvases[0]
			cv.W, cv.H = 320, 180
			cv.Rungs = []Rung{{Name: "180p", W: 320, H: 180, BitRate: 300_000, Encoder: name, Preset: preset}}
			direct, failed := set.NewVideoEncoder(codec.VideoConfig{Codec: media.H264, Name: name, Preset: preset, W: 320, H: 180, Rate: fps30, BitRate: 300_000, GOP: cfg.GOP})
			if failed == nil {
				direct.Close()
			}
			p, err := NewInline(cfg, set)
			if err != nil {
				t.Fatal(err)
			}
			for range 90 {
				p.Frame()
			}
			p.Close()
			n := 0
			if decodeTape(t, set, out, func(*codec.Picture) { n++ }); n != 90 {
				t.Errorf("%d pictures of 90 come out", n)
			}
			all := strings.Join(told, "\n")
			switch {
			case failed == nil && (all != "" || strings.Contains(said.String(), "does not open")):
				t.Errorf("it opens, and yet: %s\n%s", all, said.String())
			case failed != nil && (!strings.HasPrefix(all, "encoder canvas=main rung=180p wanted="+name) || !strings.Contains(all, failed.Error())):
				t.Errorf("it does not open (%v), and the event says %q", failed, all)
			case failed != nil && !(strings.Contains(said.String(), "encoder does not open, using the next best") && strings.Contains(said.String(), "encoder="+name)):
				t.Errorf("it does not open (%v), and the log says %s", failed, said.String())
			}
		})
	}
}
