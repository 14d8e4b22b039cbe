package codec

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"tilecast/media"
)

func x264Config() VideoConfig {
	return VideoConfig{Codec: media.H264, Name: "libx264", W: 640, H: 360, Rate: fps30, BitRate: 800_000, GOP: 60}
}

func TestH264SaysWhatItIs(t *testing.T) {
	set := needLibAV(t)
	for _, preset := range []string{"", "veryfast"} {
		cfg := x264Config()
		cfg.Preset = preset
		e := mustEncoder(t, set, cfg)
		var sets h264.AnnexB
		if err := sets.Unmarshal(e.Params().Extra); err != nil || len(sets) != 2 {
			t.Fatalf("Extra holds %d units: %v", len(sets), err)
		}
		var sps h264.SPS
		if err := sps.Unmarshal(sets[0]); err != nil {
			t.Fatal(err)
		}
		if sps.Width() != 640 || sps.Height() != 360 || sps.FPS() != 30 || sps.ProfileIdc != 100 && sps.ProfileIdc != 77 {
			t.Errorf("%dx%d at %v fps, profile %d", sps.Width(), sps.Height(), sps.FPS(), sps.ProfileIdc)
		}
		v := sps.VUI
		if v == nil || v.VideoFullRangeFlag || v.ColourPrimaries != 6 || v.TransferCharacteristics != 6 || v.MatrixCoefficients != 6 {
			t.Errorf("not tagged as BT.601 limited: %+v", v)
		}
		if r := v.BitstreamRestriction; r == nil || r.MaxNumReorderFrames != 0 {
			t.Errorf("frames may be reordered: %+v", r)
		}
	}
}

func TestParameterSetsAreWhereTheyWereAskedFor(t *testing.T) {
	set := needLibAV(t)
	for _, inBand := range []bool{false, true} {
		cfg := x264Config()
		cfg.InBand = inBand
		e := mustEncoder(t, set, cfg)
		if (len(e.Params().Extra) == 0) != inBand {
			t.Errorf("in band %v: Extra of %d bytes", inBand, len(e.Params().Extra))
		}
		for i, pkt := range encode(t, e, 20, 9) {
			var units h264.AnnexB
			if err := units.Unmarshal(pkt.Data); err != nil {
				t.Fatalf("packet %d: %v", i, err)
			}
			var sps, idr int
			for _, u := range units {
				switch h264.NALUType(u[0] & 31) {
				case h264.NALUTypeSPS:
					sps++
				case h264.NALUTypeIDR:
					idr++
				}
			}
			if key := i == 0 || i == 9; pkt.Key != key || idr > 0 != key || sps > 0 != (key && inBand) {
				t.Errorf("in band %v: packet %d: key %v, %d IDR, %d SPS", inBand, i, pkt.Key, idr, sps)
			}
		}
	}
}

// noise is the worst an encoder can be given.
func noise(p *Picture, seed uint32) {
	for _, pl := range p.planes() {
		for y := range pl.h {
			row := pl.row(y)
			for x := range row {
				seed = seed*1664525 + 1013904223
				row[x] = 16 + uint8(seed>>24)/2
			}
		}
	}
}

// The buffer that a player's decoder is promised never runs dry: H.264 annex C.
func TestRateStaysWithinItsBuffer(t *testing.T) {
	set := needLibAV(t)
	cfg := x264Config()
	cfg.BitRate, cfg.MaxRate, cfg.Buffer = 1_000_000, 1_200_000, 400_000
	e := mustEncoder(t, set, cfg)
	p := NewPicture(cfg.W, cfg.H)
	defer p.Release()
	fill, total := float64(cfg.Buffer), 0
	for n := range 90 {
		texture(p, 40*n)
		if n%30 < 6 {
			noise(p, uint32(n))
		}
		p.At = fps30.Frame(int64(n))
		pkts, err := e.Encode(p, fps30.Frame(1), n%30 == 0)
		if err != nil || len(pkts) != 1 {
			t.Fatal(len(pkts), err)
		}
		bits := 8 * len(pkts[0].Data)
		total += bits
		if fill -= float64(bits); fill < -0.05*float64(cfg.Buffer) {
			t.Errorf("frame %d: the buffer lacks %.0f of %d bits", n, -fill, cfg.Buffer)
		}
		fill = min(float64(cfg.Buffer), fill+float64(cfg.MaxRate)/30)
	}
	if rate := total / 3; rate > cfg.MaxRate+cfg.Buffer/3 {
		t.Errorf("%d bit/s", rate)
	}
}

func TestRateChangesWhileRunning(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		e := mustEncoder(t, set, VideoConfig{Codec: media.H264, W: 320, H: 180, Rate: fps30, BitRate: 4_000_000})
		p := NewPicture(320, 180)
		defer p.Release()
		run := func() (bytes int) {
			for n := range 60 {
				noise(p, uint32(n))
				pkts, err := e.Encode(p, 1, false)
				if err != nil {
					t.Fatal(err)
				}
				for _, pkt := range pkts {
					bytes += len(pkt.Data)
				}
			}
			return bytes
		}
		before := run()
		if err := e.(RateSetter).SetRate(1_000_000, 0, 0); err != nil {
			t.Fatal(err)
		}
		if after := run(); after > before/2 {
			t.Errorf("a quarter of the rate: %d bytes after %d", after, before)
		}
		if err := e.(RateSetter).SetRate(0, 0, 0); err == nil {
			t.Error("a rate of nothing was taken")
		}
	})
}

func TestEncoderKeepsAnyTimeExactly(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, real bool) {
		for _, c := range videoCodecs {
			e := mustEncoder(t, set, VideoConfig{Codec: c, W: 64, H: 64, Rate: media.FrameRate{Num: 30000, Den: 1001}, BitRate: 200_000})
			p := texture(NewPicture(64, 64), 0)
			defer p.Release()
			var times []media.Time
			var pkts []media.Packet
			for _, at := range []media.Time{1_000_000 * media.Second, 1_000_000*media.Second + 1, 1_000_001 * media.Second, 1_000_000 * media.Second, 1_000_010*media.Second + 12345} {
				p.At = at
				times = append(times, at)
				out, err := e.Encode(p, at%1000, false)
				if err != nil {
					t.Fatalf("%v: %v", c, err)
				}
				pkts = append(pkts, out...)
			}
			out, err := e.Encode(nil, 0, false)
			if err != nil {
				t.Fatal(err)
			}
			pkts = append(pkts, out...)
			if len(pkts) != len(times) {
				t.Fatalf("%v: %d packets of %d", c, len(pkts), len(times))
			}
			for i, pkt := range pkts {
				if pkt.At != times[i] || pkt.Dur != times[i]%1000 {
					t.Errorf("%v: packet %d at %d for %d", c, i, pkt.At, pkt.Dur)
				}
			}
		}
	})
}

func TestUnavailableEncodersSayWhy(t *testing.T) {
	set := needLibAV(t)
	for _, name := range []string{"libopenh264", "h264_nvenc", "h264_qsv", "h264_vaapi", "libx264"} {
		cfg := x264Config()
		cfg.Name, cfg.InBand = name, true
		e, err := set.NewVideoEncoder(cfg)
		if err == nil {
			if n := len(encode(t, e, 3)); n != 3 {
				t.Errorf("%s: %d packets of 3", name, n)
			}
			e.Close()
			continue
		}
		t.Log(err)
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := x264Config()
	cfg.Preset = "warp9"
	if _, err := set.NewVideoEncoder(cfg); err == nil || !strings.Contains(err.Error(), "superfast") {
		t.Errorf("preset: %v", err)
	}
	cfg = x264Config()
	cfg.Codec, cfg.Name, cfg.Preset = media.VP8, "", "fast\ndeadline=good"
	if _, err := set.NewVideoEncoder(cfg); err == nil {
		t.Error("a preset brought an option of its own")
	}
}

// An option that the hardware's encoders do not know would show with the hardware only. Where they may work on several
// pictures at once they are told not to: a packet would come with the next picture, a frame late.
func TestHardwareEncodersKnowTheirOptions(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip(err)
	}
	for _, e := range encoders(media.H264) {
		help, err := exec.Command("ffmpeg", "-hide_banner", "-h", "encoder="+e.name).Output()
		if err != nil || !strings.HasPrefix(e.name, "h264_") || !strings.Contains(string(help), "AVOptions:") {
			t.Log(e.name, "is not looked at")
			continue
		}
		for line := range strings.Lines(e.options) {
			if key, _, _ := strings.Cut(line, "="); !strings.Contains(string(help), "  -"+key+" ") {
				t.Errorf("%s has no option %s", e.name, key)
			}
		}
		if strings.Contains(string(help), "  -async_depth ") && !strings.Contains(e.options, "async_depth=1") {
			t.Errorf("%s is left to hold a picture back", e.name)
		}
	}
}

// Every encoder that this libavcodec has is opened by name once.
func TestNamedEncodersOpen(t *testing.T) {
	set := needLibAV(t)
	for _, c := range videoCodecs[1:] {
		for _, enc := range encoders(c) {
			e, err := set.NewVideoEncoder(VideoConfig{Codec: c, Name: enc.name, W: 320, H: 180, Rate: fps30, BitRate: 500_000, GOP: 30})
			if err != nil {
				t.Errorf("%s: %v", enc.name, err)
				continue
			}
			pkts := encode(t, e, 12, 6)
			if len(pkts) != 12 || !pkts[0].Key || !pkts[6].Key || pkts[5].Key {
				t.Errorf("%s: %d packets, keys not where they were asked for", enc.name, len(pkts))
			}
			e.Close()
		}
	}
}

func TestAfterCloseThereAreErrorsOnly(t *testing.T) {
	set := needLibAV(t)
	d := mustDecoder(t, set, media.VP8)
	e := mustEncoder(t, set, x264Config())
	p := NewPicture(640, 360)
	defer p.Release()
	Fill(p, YCbCr{50, 128, 128})
	if _, err := e.Encode(p, 1, false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if out, err := e.Encode(nil, 0, false); err != nil || len(out) != 0 {
			t.Errorf("flush: %v %v", out, err)
		}
	}
	if _, err := e.Encode(p, 1, false); err == nil {
		t.Error("a picture was taken after the flush")
	}
	for range 2 {
		e.Close()
		d.Close()
	}
	if _, err := e.Encode(p, 1, false); err == nil {
		t.Error("a closed encoder works")
	}
	if _, err := d.Decode(media.Packet{Key: true, Data: []byte{1}}); err == nil {
		t.Error("a closed decoder works")
	}
}

// A picture may outlive the decoder that made it.
func TestPicturesOutliveTheirDecoder(t *testing.T) {
	set := needLibAV(t)
	for _, c := range videoCodecs {
		e := mustEncoder(t, set, VideoConfig{Codec: c, W: 320, H: 180, Rate: fps30, BitRate: 1_500_000, InBand: true})
		d := mustDecoder(t, set, c)
		var held []*Picture
		for _, pkt := range encode(t, e, 20) {
			pics, err := d.Decode(pkt)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, pics...)
		}
		d.Close()
		want := NewPicture(320, 180)
		for i, p := range held {
			if got := psnr(texture(want, 2*i), p); got < 30 {
				t.Errorf("%v: picture %d is %.1f dB", c, i, got)
			}
			p.Release()
		}
		want.Release()
	}
	noneLive(t)
}

// C memory does not show in Go's heap: the process must not grow.
func TestNothingLeaks(t *testing.T) {
	set := needLibAV(t)
	var pkts [][]media.Packet
	for _, c := range videoCodecs {
		pkts = append(pkts, encode(t, mustEncoder(t, set, VideoConfig{Codec: c, W: 160, H: 96, Rate: fps30, BitRate: 300_000, InBand: true}), 5))
	}
	tagged, err := unitFiles.ReadFile("testdata/units/h264-709full.bin")
	if err != nil {
		t.Fatal(err)
	}
	sound := tone(3, 1024)
	round := func() {
		for i, c := range videoCodecs {
			d := mustDecoder(t, set, c)
			decode := func(pkt media.Packet) {
				pics, _ := d.Decode(pkt)
				for _, p := range pics {
					p.Release()
				}
			}
			for _, pkt := range pkts[i] {
				decode(pkt)
			}
			decode(media.Packet{Key: true, Data: pkts[i][0].Data[:len(pkts[i][0].Data)/2]})
			decode(media.Packet{Key: true, Data: tagged})
			d.Close()
		}
		e := mustEncoder(t, set, VideoConfig{Codec: media.H264, W: 160, H: 96, Rate: fps30, BitRate: 300_000})
		encode(t, e, 3)
		e.Close()
		a, err := set.NewAudioEncoder(AudioConfig{Codec: media.AAC, BitRate: 96000})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sound {
			if _, err := a.Encode(s); err != nil {
				t.Fatal(err)
			}
		}
		a.Close()
	}
	for range 20 {
		round()
	}
	before := resident(t)
	for range 60 {
		round()
	}
	if grown := resident(t) - before; grown > 12<<20 {
		t.Errorf("60 rounds cost %d KB", grown>>10)
	}
	noneLive(t)
}

func resident(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "RssAnon:" {
			n := 0
			for _, d := range f[1] {
				n = 10*n + int(d-'0')
			}
			return n << 10
		}
	}
	t.Skip("no RssAnon")
	return 0
}
