package codec

import (
	"fmt"
	"slices"
	"strings"

	"tilecast/media"
)

// encoder is what we know about one of libavcodec's video encoders.
type encoder struct {
	name    string
	preset  string   // name of its option for VideoConfig.Preset
	dflt    string   // real-time default of that option
	presets []string // what it takes; nil: it decides itself
	options string   // for no delay and no key frames but ours, key=value lines
	input   pictureInput
	lends   bool    // is done with its input when the call returns
	tunable bool    // takes a new bit rate while it runs
	capped  bool    // but keeps to the mean that it was opened with, up to the peak
	peak    float64 // the highest that it is given, in means; 0: any
}

// given are the mean and the peak that the encoder is told, to keep to those. x264 forgets what a calm scene saved, in
// seconds, only where the peak is below 1.5 of the mean (and ratetol lets it); from there on it would spend it for hours.
// And it comes out some percent above the mean then.
func (e encoder) given(bitRate, maxRate int) (mean, peak int) {
	if e.peak == 0 || maxRate <= bitRate {
		return bitRate, maxRate
	}
	mean = int(0.95 * float64(bitRate))
	return mean, min(maxRate, int(e.peak*float64(mean)))
}

type pictureInput int // as TC_I420 and its neighbours in av.h

const (
	inputI420 pictureInput = iota
	inputNV12
	inputVAAPI
)

var x264Presets = []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"}

// encoders lists the encoders of each codec in the order they are tried in.
func encoders(c media.Codec) []encoder {
	switch c {
	case media.H264:
		return []encoder{
			{name: "libx264", preset: "preset", dflt: "superfast", presets: x264Presets, lends: true, tunable: true, capped: true, peak: 1.3,
				options: "tune=zerolatency\nforced-idr=1\nsc_threshold=0\nx264-params=ratetol=inf"},
			{name: "libopenh264", options: "rc_mode=bitrate\nallow_skip_frames=0", lends: true},
			{name: "h264_nvenc", preset: "preset", dflt: "p2", tunable: true,
				options: "tune=ull\nzerolatency=1\nrc=cbr\nforced-idr=1\nno-scenecut=1\ndelay=0"},
			{name: "h264_qsv", preset: "preset", dflt: "veryfast", options: "async_depth=1\nforced_idr=1", input: inputNV12},
			{name: "h264_vaapi", options: "async_depth=1", input: inputVAAPI},
		}
	case media.VP8:
		return []encoder{{name: "libvpx", preset: "cpu-used", dflt: "8", lends: true,
			options: "deadline=realtime\nlag-in-frames=0\nauto-alt-ref=0\nerror-resilient=default"}}
	case media.VP9:
		return []encoder{{name: "libvpx-vp9", preset: "cpu-used", dflt: "8", lends: true,
			options: "deadline=realtime\nlag-in-frames=0\nauto-alt-ref=0\nerror-resilient=default"}}
	case media.AV1:
		// libsvtav1 gives no key frame when asked for one.
		return []encoder{{name: "libaom-av1", preset: "cpu-used", dflt: "8", lends: true, options: "usage=realtime\nlag-in-frames=0"}}
	}
	return nil
}

// choose returns the encoders to try for cfg: the one it names, or all of its codec.
func choose(cfg VideoConfig) ([]encoder, error) {
	all := encoders(cfg.Codec)
	if cfg.Name == "" {
		return all, nil
	}
	var names []string
	for _, e := range all {
		if e.name == cfg.Name {
			return []encoder{e}, nil
		}
		names = append(names, e.name)
	}
	return nil, fmt.Errorf("no %v encoder is called %q, there are %s: %w", cfg.Codec, cfg.Name, strings.Join(names, ", "), ErrUnavailable)
}

// lines is what e is opened with, the preset checked and put in front.
func (e encoder) lines(preset string) (string, error) {
	switch {
	case preset == "":
		preset = e.dflt
	case e.preset == "":
		return "", fmt.Errorf("%s has no presets, but %q was asked for: leave it empty", e.name, preset)
	case e.presets != nil && !slices.Contains(e.presets, preset):
		return "", fmt.Errorf("%s has no preset %q, there are %s", e.name, preset, strings.Join(e.presets, ", "))
	case strings.ContainsAny(preset, "\n\\'= "):
		return "", fmt.Errorf("%s cannot have a preset %q", e.name, preset)
	}
	if e.preset == "" {
		return e.options, nil
	}
	return e.preset + "=" + preset + "\n" + e.options, nil
}
