package archive

import (
	"bytes"
	"testing"

	"tilecast/media"
)

// What a broadcaster sends is recorded or left out, whatever it is, and never written to: the decoder has it, too.
func FuzzTape(f *testing.F) {
	f.Add(uint8(media.H264), []byte("\x00\x00\x00\x01\x67\x42\x00\x1f\x95\xa8\x14\x01\x6e\x40\x00\x00\x00\x01\x68\xce\x3c\x80\x00\x00\x00\x01\x65\x88\x84"), []byte("\x00\x00\x00\x01\x41\x9a"))
	f.Add(uint8(media.H264), []byte("\x00\x00\x00\x01\x06\x00\x00\x01\x00\x00\x01\x65\x88\x84"), []byte("\x00\x00\x01"))
	f.Add(uint8(media.VP8), []byte("\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"), []byte("\x01"))
	f.Add(uint8(media.VP9), []byte("\x82\x49\x83\x42\x00\x27\xf0\x16\x76\x00"), []byte("\x86"))
	f.Add(uint8(media.AV1), []byte("\x0a\x0a\x00\x00\x00\x2c\xd5\x9f\x3f\xdd\xaf\x99\x32\x02\x10\x00"), []byte("\x32\x01\x30"))
	f.Add(uint8(media.Opus), []byte("\xf8\xff\xfe"), []byte("\xf8"))
	f.Fuzz(func(t *testing.T, c uint8, key, next []byte) {
		kind := media.Codec(c)
		if !kind.Video() && !kind.Audio() || len(key) == 0 || len(next) == 0 {
			return
		}
		was := bytes.Join([][]byte{key, next}, nil)
		tape := &Tape{codec: kind, scale: 90000}
		data, err := tape.encode([]media.Packet{{Key: true, Data: key}, {At: media.Second, Data: next}}, 2*media.Second, 1, true)
		if (err == nil) != (len(data) > 0) {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		if !bytes.Equal(was, bytes.Join([][]byte{key, next}, nil)) {
			t.Error("the packets have changed")
		}
	})
}
