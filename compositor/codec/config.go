package codec

import (
	"fmt"

	"tilecast/media"
)

// SampleRate is what every audio decoder gives and every audio encoder takes, in Hz.
const SampleRate = 48000

// checked returns c with its defaults, or what is wrong with it.
func (c VideoConfig) checked() (VideoConfig, error) {
	c = c.rated()
	switch {
	case !c.Codec.Video():
		return c, fmt.Errorf("video encoder: %v is not a video codec: %w", c.Codec, ErrUnavailable)
	case c.W < 16 || c.H < 16 || c.W%2 != 0 || c.H%2 != 0 || c.W > MaxPixels/c.H:
		return c, fmt.Errorf("video encoder: size %dx%d: width and height must be even, 16 or more, together at most %d pixels", c.W, c.H, MaxPixels)
	case c.Rate.Num <= 0 || c.Rate.Den <= 0 || c.Rate.Float() > 240 || c.Rate.Float() < 1:
		return c, fmt.Errorf("video encoder: frame rate %d/%d is not between 1 and 240", c.Rate.Num, c.Rate.Den)
	case c.GOP < 0 || c.GOP > maxGOP:
		return c, fmt.Errorf("video encoder: GOP of %d frames is not between 0 (on request only) and %d", c.GOP, maxGOP)
	}
	return c, c.checkRates()
}

// maxGOP also stands for key frames on request only.
const maxGOP = 1 << 20

// rated returns c with the defaults of its rates.
func (c VideoConfig) rated() VideoConfig {
	if c.MaxRate == 0 {
		c.MaxRate = c.BitRate
	}
	if c.Buffer == 0 {
		c.Buffer = c.MaxRate / 2
	}
	return c
}

func (c VideoConfig) checkRates() error {
	const most = 1 << 30
	switch {
	case c.BitRate < 1000 || c.BitRate > most:
		return fmt.Errorf("video encoder: bit rate %d is not between 1000 and %d bit/s", c.BitRate, most)
	case c.MaxRate < c.BitRate || c.MaxRate > most:
		return fmt.Errorf("video encoder: peak rate %d is not between the bit rate, %d, and %d bit/s", c.MaxRate, c.BitRate, most)
	case c.Buffer < 1000 || c.Buffer > most:
		return fmt.Errorf("video encoder: buffer of %d bits is not between 1000 and %d", c.Buffer, most)
	}
	return nil
}

// checkChange holds that an encoder opened with the rates of p can go to those of c.
func (c VideoConfig) checkChange(p media.VideoParams) error {
	if c.BitRate > p.BitRate || c.MaxRate > p.MaxRate {
		return fmt.Errorf("video encoder: rates of %d and %d bit/s are above %d and %d, which it was opened with", c.BitRate, c.MaxRate, p.BitRate, p.MaxRate)
	}
	return c.checkRates()
}

func (c VideoConfig) params() media.VideoParams {
	return media.VideoParams{Codec: c.Codec, W: c.W, H: c.H, Rate: c.Rate, BitRate: c.BitRate, MaxRate: c.MaxRate}
}

// params describes what an encoder for c makes: stereo in frames of 1024 (AAC) or 960 samples.
func (c AudioConfig) params() (media.AudioParams, error) {
	p := media.AudioParams{Codec: c.Codec, SampleRate: SampleRate, Channels: 2, BitRate: c.BitRate}
	switch {
	case !c.Codec.Audio():
		return p, fmt.Errorf("audio encoder: %v is not an audio codec: %w", c.Codec, ErrUnavailable)
	case c.BitRate < 6000 || c.BitRate > 510000:
		return p, fmt.Errorf("audio encoder: bit rate %d is not between 6000 and 510000", c.BitRate)
	case c.Codec == media.AAC:
		p.FrameSize, p.Extra = 1024, []byte(stereoLC)
	default:
		p.FrameSize = 960
	}
	return p, nil
}

// stereoLC is the AudioSpecificConfig of AAC-LC, 48 kHz, stereo (ISO/IEC 14496-3 1.6.2.1).
const stereoLC = "\x11\x90"

func checkSamples(samples []float32, frame int) error {
	if len(samples) != 2*frame {
		return fmt.Errorf("encode %d samples: a frame is %d of each channel, %d in all", len(samples), frame, 2*frame)
	}
	return nil
}
