// Package codec decodes, scales, blends and encodes pictures and sound; it is the only package with C in it.
package codec

import (
	"errors"

	"tilecast/media"
)

// ErrUnavailable is wrapped by constructors for a codec or an encoder this build cannot open.
var ErrUnavailable = errors.New("codec unavailable")

// ErrNeedKey is wrapped by a decoder's error for an access unit that cannot be
// decoded because no key frame came before it, or an error did.
var ErrNeedKey = errors.New("decoder waits for a key frame")

// Set is a family of codecs that work together: LibAV, the real one, or Fake, for tests without C.
type Set struct {
	NewVideoDecoder func(media.Codec) (VideoDecoder, error)
	NewVideoEncoder func(VideoConfig) (VideoEncoder, error)
	NewAudioDecoder func(media.Codec) (AudioDecoder, error)
	NewAudioEncoder func(AudioConfig) (AudioEncoder, error)
}

// VideoDecoder turns access units into pictures. It is used by one goroutine at a time.
type VideoDecoder interface {
	// Decode takes one access unit and returns the pictures it completes, in order,
	// usually one. The pictures belong to the caller, who releases each and writes to
	// none; the slice is valid until the next call. After an error the decoder waits
	// for a key frame, and says ErrNeedKey until one comes, as it does at the start.
	Decode(media.Packet) ([]*Picture, error)
	Close()
}

// VideoConfig is what an encoder is asked for.
type VideoConfig struct {
	Codec   media.Codec
	Name    string // encoder name as libavcodec knows it ("libx264"); empty: the first that opens for Codec
	W, H    int    // even
	Rate    media.FrameRate
	BitRate int    // bit/s
	MaxRate int    // VBV peak in bit/s; 0: BitRate
	Buffer  int    // VBV size in bits; 0: half a second of MaxRate
	Preset  string // of the named encoder ("superfast"); empty: a real-time default
	GOP     int    // longest distance between key frames, in frames; key frames come only when asked for or then
	BT709   bool   // pictures are in BT.709 limited, and said to be; else in BT.601 limited
	InBand  bool   // repeat parameter sets before each key frame (for RTP) instead of giving them in Params().Extra
}

// VideoEncoder turns pictures into access units. It is used by one goroutine at a time.
type VideoEncoder interface {
	Params() media.VideoParams
	// Encode takes the picture to present at p.At for dur; key forces an IDR. It does
	// not keep the picture. Packets come out in order, one for one without delay in
	// the encoders we use; each owns its Data, the slice is valid until the next call.
	// A nil picture flushes.
	Encode(p *Picture, dur media.Time, key bool) ([]media.Packet, error)
	Close()
}

// RateSetter is a VideoEncoder whose bit rate can change while it runs.
type RateSetter interface {
	// SetRate holds from the next picture on. The arguments are those of VideoConfig, with its
	// defaults, and not above what the encoder was opened with; Params stays what it was. Below that
	// bitRate may be the peak, too: x264 never moves the mean that it was opened with
	// (x264_ratecontrol_init_reconfigurable), but it keeps to another VBV.
	SetRate(bitRate, maxRate, buffer int) error
}

// AudioDecoder turns audio frames into samples. It is used by one goroutine at a time.
type AudioDecoder interface {
	// Decode returns interleaved stereo at 48 kHz, -1..1, valid until the next call.
	// Mono input comes out on both channels.
	Decode(data []byte) ([]float32, error)
	Close()
}

// Delayer is an AudioDecoder whose sound comes later than its packets say.
type Delayer interface {
	// Delay is how many samples of 48 kHz the sound of a packet lies behind the packet's time.
	Delay() int
}

// Concealer is an AudioDecoder that makes up for packets that were lost.
type Concealer interface {
	// Conceal returns n samples per channel in place of those missing right before the packet
	// next, from the error correction in next where it has any (RFC 6716 2.1.7) and otherwise made up; next is still
	// to be decoded. n is a multiple of 2.5 ms, up to 120 ms. The samples are as Decode's.
	Conceal(n int, next []byte) ([]float32, error)
}

// AudioConfig is what an audio encoder is asked for: 48 kHz stereo in.
type AudioConfig struct {
	Codec   media.Codec
	BitRate int // bit/s
}

// AudioEncoder turns samples into audio frames. It is used by one goroutine at a time.
type AudioEncoder interface {
	Params() media.AudioParams
	// Encode takes exactly Params().FrameSize samples per channel, interleaved stereo,
	// each call continuing the one before. A packet's At is the time of the samples it
	// presents, counted from the first call: priming is dropped, not shown. Nil flushes.
	Encode(samples []float32) ([]media.Packet, error)
	Close()
}
