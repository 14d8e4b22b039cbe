package codec

import (
	"bytes"
	"errors"
	"image"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"tilecast/media"
)

var fps30 = media.FrameRate{Num: 30, Den: 1}

func TestFakeParameterSetsParse(t *testing.T) {
	for _, size := range []image.Point{{1280, 720}, {640, 360}, {1920, 1080}, {426, 240}} {
		e, err := Fake().NewVideoEncoder(VideoConfig{Codec: media.H264, W: size.X, H: size.Y, Rate: media.FrameRate{Num: 30000, Den: 1001}, BitRate: 1e6})
		if err != nil {
			t.Fatal(err)
		}
		var units h264.AnnexB
		if err := units.Unmarshal(e.Params().Extra); err != nil || len(units) != 2 {
			t.Fatalf("%v: %d units, %v", size, len(units), err)
		}
		var sps h264.SPS
		if err := sps.Unmarshal(units[0]); err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		if sps.Width() != size.X || sps.Height() != size.Y || sps.FPS() != 30000.0/1001 {
			t.Fatalf("%v: SPS says %dx%d at %v", size, sps.Width(), sps.Height(), sps.FPS())
		}
		if v := sps.VUI; v.VideoFullRangeFlag || v.ColourPrimaries != 6 || v.TransferCharacteristics != 6 || v.MatrixCoefficients != 6 {
			t.Fatalf("%v: colour is not BT.601 limited: %+v", size, v)
		}
	}
}

func TestFakeAudioConfigParses(t *testing.T) {
	e, err := Fake().NewAudioEncoder(AudioConfig{Codec: media.AAC, BitRate: 128000})
	if err != nil {
		t.Fatal(err)
	}
	var asc mpeg4audio.AudioSpecificConfig
	if err := asc.Unmarshal(e.Params().Extra); err != nil {
		t.Fatal(err)
	}
	if asc.Type != mpeg4audio.ObjectTypeAACLC || asc.SampleRate != 48000 || asc.ChannelConfig != 2 {
		t.Fatalf("%+v", asc)
	}
}

func TestFakeVideoReadsBackWhatWasShown(t *testing.T) {
	red, blue := RGB(255, 0, 0), RGB(0, 0, 255)
	for _, c := range []media.Codec{media.H264, media.VP8, media.VP9, media.AV1} {
		d, _ := Fake().NewVideoDecoder(c)
		in, err := d.Decode(FakeVideoPacket(c, 320, 180, red, true, 7, 99))
		if err != nil || len(in) != 1 || in[0].At != 99 {
			t.Fatalf("%v: %v %v", c, in, err)
		}
		canvas := NewPicture(640, 360)
		Fill(canvas, blue)
		Scale(canvas.View(image.Rect(320, 0, 640, 360)), in[0])
		canvas.At = 1234
		e, err := Fake().NewVideoEncoder(VideoConfig{Codec: c, W: 640, H: 360, Rate: fps30, BitRate: 1e6, GOP: 30})
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Encode(canvas, 10, false)
		if err != nil || len(out) != 1 || !out[0].Key || out[0].At != 1234 || out[0].Dur != 10 {
			t.Fatalf("%v: %v %v", c, out, err)
		}
		u, err := ParseFakeVideo(out[0].Data)
		if err != nil {
			t.Fatal(err)
		}
		if l, r := u.Mean(image.Rect(0, 0, 320, 360)), u.Mean(image.Rect(320, 0, 640, 360)); l != blue || r != red {
			t.Fatalf("%v: left %v right %v", c, l, r)
		}
		in[0].Release()
		canvas.Release()
	}
	noneLive(t)
}

func TestFakeDecoderWantsAKey(t *testing.T) {
	d, _ := Fake().NewVideoDecoder(media.VP8)
	unit := func(key bool, seq int64) media.Packet {
		return FakeVideoPacket(media.VP8, 64, 64, YCbCr{16, 128, 128}, key, seq, 0)
	}
	for _, step := range []struct {
		pkt  media.Packet
		want error
		ok   bool
	}{
		{unit(false, 0), ErrNeedKey, false},
		{unit(true, 1), nil, true},
		{unit(false, 2), nil, true},
		{media.Packet{Data: []byte("garbage")}, nil, false},
		{unit(false, 3), ErrNeedKey, false},
		{unit(true, 4), nil, true},
	} {
		out, err := d.Decode(step.pkt)
		if (err == nil) != step.ok || step.want != nil && !errors.Is(err, step.want) {
			t.Fatalf("%q: %v", step.pkt.Data, err)
		}
		for _, p := range out {
			p.Release()
		}
	}
	noneLive(t)
}

func TestFakeVideoKeysAndSizes(t *testing.T) {
	e, err := Fake().NewVideoEncoder(VideoConfig{Codec: media.H264, W: 64, H: 64, Rate: fps30, BitRate: 800000, GOP: 10, InBand: true})
	if err != nil {
		t.Fatal(err)
	}
	p := NewPicture(64, 64)
	defer p.Release()
	Fill(p, YCbCr{100, 128, 128})
	total := 0
	for n := range 40 {
		out, err := e.Encode(p, fps30.Frame(1), n == 15)
		if err != nil {
			t.Fatal(err)
		}
		want := n == 0 || n == 10 || n == 15 || n == 25 || n == 35
		if out[0].Key != want || bytes.HasPrefix(out[0].Data, []byte{0, 0, 0, 1, 0x67}) != want {
			t.Fatalf("frame %d: key %v, %.8x", n, out[0].Key, out[0].Data)
		}
		total += len(out[0].Data)
	}
	if rate := float64(total) * 8 * 30 / 40; rate < 700000 || rate > 900000 {
		t.Fatalf("%v bit/s instead of 800000", rate)
	}
}

func TestFakeAudioReadsBackWhatWasHeard(t *testing.T) {
	d, _ := Fake().NewAudioDecoder(media.Opus)
	e, _ := Fake().NewAudioEncoder(AudioConfig{Codec: media.AAC, BitRate: 128000})
	var queue []float32
	var frames []FakeAudio
	for n := range int64(20) {
		level := 0.5
		if n < 2 {
			level = 0
		}
		s, err := d.Decode(FakeAudioPacket(level, 440, n, 0).Data)
		if err != nil {
			t.Fatal(err)
		}
		for queue = append(queue, s...); len(queue) >= 2048; queue = queue[2048:] {
			out, err := e.Encode(queue[:2048])
			if err != nil {
				t.Fatal(err)
			}
			a, err := ParseFakeAudio(out[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			if want := media.FromTicks(int64(len(frames))*1024, 48000); out[0].At != want {
				t.Fatalf("frame %d at %v", len(frames), out[0].At)
			}
			frames = append(frames, a)
		}
	}
	if a := frames[1]; a.Onset < 1920-1024 || a.Onset > 1920-1024+2 {
		t.Fatalf("onset at %d instead of 896", a.Onset)
	}
	if a := frames[10]; a.Tone < 430 || a.Tone > 450 || a.Level[0] < 0.49 || a.Level[1] > 0.5 {
		t.Fatalf("%+v", a)
	}
	if _, err := e.Encode(make([]float32, 10)); err == nil {
		t.Fatal("a short frame was taken")
	}
}

// noneLive fails a test that left pictures behind.
func noneLive(t *testing.T) {
	t.Helper()
	if n := Live(); n != 0 {
		t.Fatalf("%d pictures still held", n)
	}
}
