package codec

import (
	"bytes"
	"errors"
	"fmt"

	"tilecast/media"
)

// Fake returns codecs for tests in virtual time: deterministic, quick, without C.
//
// What they write is text, so that a test can craft it, read it and match it, and
// so that it holds no zero byte that a start code could begin with:
//
//	fake video 1280x720 key 12 at 4939200000 16x9 108080eb8080...   one Y Cb Cr per cell, in hex
//	fake audio 12 n 1024 level 0.5 0.25 tone 440 onset 17
//
// A video unit means what its cells say: a picture of W by H cut into columns x rows
// rectangles of one colour each. It says "key" or "delta", a sequence number, and
// the picture's At in flicks. An audio frame means n stereo samples, a sine of the
// given peak level per channel and frequency, phase running on with the sequence
// number; tone 0 is a constant. Dots may follow, which bring a unit to the size its
// bit rate allows. H264 wraps the text in Annex B: a start code, and 0x65 or 0x41 as
// the header of one slice, after SPS and PPS where they go in band.
//
// FakeVideo and FakeAudio build and parse them; parsing finds the text anywhere in a
// sample, such as behind the length that mp4 puts in front of a NAL unit.
func Fake() Set {
	return Set{
		NewVideoDecoder: newFakeVideoDecoder,
		NewVideoEncoder: newFakeVideoEncoder,
		NewAudioDecoder: newFakeAudioDecoder,
		NewAudioEncoder: newFakeAudioEncoder,
	}
}

// FakeVideo is what one access unit of the fake codecs says.
type FakeVideo struct {
	W, H       int
	Key        bool
	Seq        int64
	At         media.Time
	Cols, Rows int
	Cells      []YCbCr // Cols*Rows, row by row
}

// FakeVideoPacket is an access unit of one flat colour, as a browser might send it.
func FakeVideoPacket(c media.Codec, w, h int, colour YCbCr, key bool, seq int64, at media.Time) media.Packet {
	u := FakeVideo{W: w, H: h, Key: key, Seq: seq, At: at, Cols: 1, Rows: 1, Cells: []YCbCr{colour}}
	return media.Packet{At: at, Key: key, Data: u.Append(nil, c)}
}

// Append writes u as a unit of codec c, H264 with its parameter sets in band.
func (u FakeVideo) Append(b []byte, c media.Codec) []byte {
	if c == media.H264 {
		if u.Key {
			b = appendParameterSets(b, u.W, u.H, media.FrameRate{Num: 30, Den: 1}, false)
		}
		b = append(b, 0, 0, 0, 1, nalHeader(u.Key))
	}
	return u.appendText(b)
}

func (u FakeVideo) appendText(b []byte) []byte {
	kind := "delta"
	if u.Key {
		kind = "key"
	}
	b = fmt.Appendf(b, "fake video %dx%d %s %d at %d %dx%d ", u.W, u.H, kind, u.Seq, int64(u.At), u.Cols, u.Rows)
	const digits = "0123456789abcdef"
	for _, c := range u.Cells {
		for _, v := range [3]uint8{c.Y, c.Cb, c.Cr} {
			b = append(b, digits[v>>4], digits[v&15])
		}
	}
	return b
}

// ParseFakeVideo reads a unit wherever it begins in data.
func ParseFakeVideo(data []byte) (FakeVideo, error) {
	var u FakeVideo
	var kind, cells string
	var at int64
	i := bytes.Index(data, []byte("fake video "))
	if i < 0 {
		return u, errors.New("not a unit of the fake video codec")
	}
	text := bytes.TrimRight(data[i:], ".")
	_, err := fmt.Sscanf(string(text), "fake video %dx%d %s %d at %d %dx%d %s", &u.W, &u.H, &kind, &u.Seq, &at, &u.Cols, &u.Rows, &cells)
	switch {
	case err != nil:
		return u, fmt.Errorf("fake video unit: %w", err)
	case kind != "key" && kind != "delta":
		return u, fmt.Errorf("fake video unit: neither key nor delta but %.10q", kind)
	case u.W <= 0 || u.H <= 0 || u.W > MaxPixels/u.H:
		return u, fmt.Errorf("fake video unit: size %dx%d", u.W, u.H)
	case u.Cols <= 0 || u.Rows <= 0 || u.Cols > u.W || u.Rows > u.H || len(cells) != 6*u.Cols*u.Rows:
		return u, fmt.Errorf("fake video unit: %d digits for %dx%d cells", len(cells), u.Cols, u.Rows)
	}
	u.Key, u.At = kind == "key", media.Time(at)
	u.Cells = make([]YCbCr, u.Cols*u.Rows)
	for i := range u.Cells {
		c := &u.Cells[i]
		if _, err := fmt.Sscanf(cells[6*i:6*i+6], "%02x%02x%02x", &c.Y, &c.Cb, &c.Cr); err != nil {
			return u, fmt.Errorf("fake video unit: cell %d: %w", i, err)
		}
	}
	return u, nil
}

// FakeAudio is what one frame of the fake audio codecs says.
type FakeAudio struct {
	Seq     int64
	Samples int        // per channel
	Level   [2]float64 // peak of the left and the right channel
	Tone    float64    // Hz; 0: a constant
	Onset   int        // the first sample above 0.01; -1: none; written by the encoder, not obeyed
}

// FakeAudioPacket is an Opus frame of 20 ms at 48 kHz with the same level on both channels.
func FakeAudioPacket(level, tone float64, seq int64, at media.Time) media.Packet {
	a := FakeAudio{Seq: seq, Samples: 960, Level: [2]float64{level, level}, Tone: tone, Onset: -1}
	return media.Packet{At: at, Dur: 20 * media.Millisecond, Key: true, Data: a.Append(nil)}
}

// Append writes a as a frame, the same for every codec.
func (a FakeAudio) Append(b []byte) []byte {
	return fmt.Appendf(b, "fake audio %d n %d level %v %v tone %v onset %d ", a.Seq, a.Samples, a.Level[0], a.Level[1], a.Tone, a.Onset)
}

// ParseFakeAudio reads a frame wherever it begins in data.
func ParseFakeAudio(data []byte) (FakeAudio, error) {
	var a FakeAudio
	i := bytes.Index(data, []byte("fake audio "))
	if i < 0 {
		return a, errors.New("not a frame of the fake audio codec")
	}
	_, err := fmt.Sscanf(string(data[i:]), "fake audio %d n %d level %g %g tone %g onset %d", &a.Seq, &a.Samples, &a.Level[0], &a.Level[1], &a.Tone, &a.Onset)
	if err != nil {
		return a, fmt.Errorf("fake audio frame: %w", err)
	}
	if a.Samples <= 0 || a.Samples > 5760 {
		return a, fmt.Errorf("fake audio frame: %d samples", a.Samples)
	}
	return a, nil
}

// pad brings b, a unit that begins at from, to n bytes.
func pad(b []byte, from, n int) []byte {
	if more := n - (len(b) - from); more > 0 {
		b = append(b, bytes.Repeat([]byte{'.'}, more)...)
	}
	return b
}
