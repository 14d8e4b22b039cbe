package packager

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tilecast/media"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what a person can read with the file of that name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it, then run with -update:\n%s", path, got)
	}
}

// recorder is a Sink that keeps everything.
type recorder struct {
	parts    []Part
	finished int
	err      error // what Append answers
}

func (r *recorder) Append(p Part) error {
	if r.err == nil {
		r.parts = append(r.parts, p)
	}
	return r.err
}

func (r *recorder) Finish() { r.finished++ }

// bytes are all parts, one after the other.
func (r *recorder) bytes() []byte {
	var b []byte
	for _, p := range r.parts {
		b = append(b, p.Data...)
	}
	return b
}

// Parameter sets of x264 at 640x360, High 3.0, tagged BT.601 limited.
var (
	sps = unhex("6764001eacb405017fcb80b50606064000000300400000 0f23c58ba8")
	pps = unhex("68ef3cb0")
	asc = unhex("1190") // AAC-LC, 48 kHz, stereo
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	if err != nil {
		panic(err)
	}
	return b
}

func annexB(nals ...[]byte) []byte {
	var b []byte
	for _, n := range nals {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

func videoParams(rate media.FrameRate) media.Params {
	return media.Params{Video: &media.VideoParams{Codec: media.H264, W: 640, H: 360, Rate: rate, Extra: annexB(sps, pps)}}
}

func audioParams() media.Params {
	return media.Params{Audio: &media.AudioParams{Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024, Extra: asc}}
}

func mustPlan(t testing.TB, preset string, rate media.FrameRate) Plan {
	t.Helper()
	p, err := NewPlan(preset, rate)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustInit(t testing.TB, params media.Params, plan Plan) Init {
	t.Helper()
	in, err := NewInit(params, plan)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// videoPacket is frame n of a stream whose segments begin with a key frame; its number is in its bytes.
func videoPacket(plan Plan, n int64) media.Packet {
	p := media.Packet{At: plan.Rate.Frame(n), Dur: plan.Rate.Frame(1), Key: n%int64(plan.SegmentFrames()) == 0}
	number := binary.BigEndian.AppendUint32(nil, uint32(n)|0x80808080)
	if p.Key {
		p.Data = annexB([]byte{nalAUD, 0x10}, sps, pps, append([]byte{0x65, 0x88}, number...))
	} else {
		p.Data = annexB([]byte{nalAUD, 0x30}, append([]byte{0x41, 0x9a}, number...))
	}
	return p
}

// audioPacket is AAC frame n; its number is in its bytes.
func audioPacket(n int64) media.Packet {
	return media.Packet{
		At: media.Time(n) * audioFrame, Dur: audioFrame, Key: true,
		Data: binary.BigEndian.AppendUint32([]byte{0x21}, uint32(n)),
	}
}

// packet is frame n of either.
func packet(plan Plan, in Init, n int64) media.Packet {
	if in.Params.Video != nil {
		return videoPacket(plan, n)
	}
	return audioPacket(n)
}

var epoch = time.Date(2026, 5, 1, 10, 0, 0, 123_000_000, time.UTC)

func wall(t media.Time) time.Time { return epoch.Add(t.Duration()) }
