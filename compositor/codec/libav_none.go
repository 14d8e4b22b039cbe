//go:build !cgo

package codec

import (
	"fmt"

	"tilecast/media"
)

var errNoCgo = fmt.Errorf("%w: this binary was built without cgo", ErrUnavailable)

// LibAV returns codecs that say they are unavailable: libav needs cgo.
func LibAV() Set {
	return Set{
		NewVideoDecoder: func(media.Codec) (VideoDecoder, error) { return nil, errNoCgo },
		NewVideoEncoder: func(VideoConfig) (VideoEncoder, error) { return nil, errNoCgo },
		NewAudioDecoder: func(media.Codec) (AudioDecoder, error) { return nil, errNoCgo },
		NewAudioEncoder: func(AudioConfig) (AudioEncoder, error) { return nil, errNoCgo },
	}
}
