package ingest

import (
	"testing"

	"tilecast/media"
)

// Whatever a packet holds, its size is read without harm, and is one that can be.
func FuzzPictureSize(f *testing.F) {
	f.Add(uint8(media.VP8), []byte("\x10\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"))
	f.Add(uint8(media.VP9), []byte("\x88\x01\x82\x49\x83\x42\x00\x4f\xf0\x2c\xf6"))
	f.Add(uint8(media.H264), []byte("\x67\x42\xc0\x1e\xd9\x00\xa0\x47\xfe\xc8"))
	f.Add(uint8(media.H264), []byte("\x78\x00\x0a\x67\x42\xc0\x1e\xd9\x00\xa0\x47\xfe\xc8"))
	f.Add(uint8(media.H264), []byte("\x67\x64\x00\x1f\xac\xd9\x40\x50\x05\xbb\x01\x6c\x80\x00\x00\x03\x00\x80\x00\x00\x1e\x07\x8c\x18\xcb"))
	f.Add(uint8(media.AV1), []byte("\x18\x0a\x0a\x00\x00\x00\x24\xcf\x7f\x0d\xbf\xff\x30"))
	f.Add(uint8(media.AV1), []byte("\x08\x0c\x0a\x0b\x00\x00\x00\x24\xcf\x7f\x0d\xbf\xff\x30\x08"))
	f.Fuzz(func(t *testing.T, codec uint8, payload []byte) {
		c := media.Codec(codec)
		w, h, ok := pictureSize(c, payload)
		if ok && (w <= 0 || h <= 0 || w > maxSide || h > maxSide) {
			t.Errorf("%v: %d x %d", c, w, h)
		}
		if w, h, ok := unitSize(c, payload); ok && (w <= 0 || h <= 0 || w > maxSide || h > maxSide) {
			t.Errorf("%v: a whole unit of %d x %d", c, w, h)
		}
	})
}
