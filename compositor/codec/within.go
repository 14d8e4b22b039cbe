package codec

import (
	"fmt"

	"tilecast/media"
)

// Within is the set with video decoders that take no pictures of more than pixels, less than MaxPixels: a unit that
// holds one is an error. 0 or less changes nothing.
func (s Set) Within(pixels int) Set {
	if pixels <= 0 || pixels >= MaxPixels {
		return s
	}
	open := s.NewVideoDecoder
	s.NewVideoDecoder = func(c media.Codec) (VideoDecoder, error) {
		d, err := open(c)
		if err != nil {
			return nil, err
		}
		if l, ok := d.(limiter); ok {
			if err := l.limit(pixels); err != nil {
				d.Close()
				return nil, err
			}
		}
		return &boundedDecoder{VideoDecoder: d, pixels: pixels}, nil
	}
	return s
}

// limiter is a decoder that can be kept from even allocating what is much larger than this. It is called before the first unit.
type limiter interface{ limit(pixels int) error }

// boundedDecoder holds what a decoder gives against a limit, to the pixel.
type boundedDecoder struct {
	VideoDecoder
	pixels  int
	waiting bool // for a key frame, after one too large
}

func (d *boundedDecoder) Decode(p media.Packet) ([]*Picture, error) {
	if d.waiting && !p.Key {
		return nil, ErrNeedKey
	}
	pics, err := d.VideoDecoder.Decode(p)
	d.waiting = false
	for _, pic := range pics {
		if w, h := pic.W, pic.H; w*h > d.pixels {
			for _, pic := range pics {
				pic.Release()
			}
			d.waiting = true
			return nil, fmt.Errorf("a picture of %dx%d has more than %d pixels: %w", w, h, d.pixels, ErrNeedKey)
		}
	}
	return pics, err
}
