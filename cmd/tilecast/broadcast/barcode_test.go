package broadcast

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

func TestBarcodeRoundTrip(t *testing.T) {
	for _, size := range [][2]int{{640, 360}, {320, 180}, {480, 270}, {426, 240}, {1280, 720}, {64, 48}} {
		p := newPlanes(size[0], size[1])
		for _, ms := range []uint32{0, 1, 0x55555, 0xaaaaa, clockMask, 123456} {
			for id := range uint8(16) {
				DrawBarcode(p, ms, id)
				if m, i, ok := ReadBarcode(p.Y, p.StrideY, p.W, p.H); !ok || m != ms || i != id {
					t.Fatalf("%v: drew %d of %d, read %d of %d, %v", size, ms, id, m, i, ok)
				}
			}
		}
	}
}

func TestBarcodeIsNotSeenWhereThereIsNone(t *testing.T) {
	p := newPlanes(640, 360)
	for _, y := range []uint8{16, 60, 126, 235} {
		paint(p, p.Bounds(), codec.YCbCr{Y: y, Cb: 128, Cr: 128})
		if _, _, ok := ReadBarcode(p.Y, p.StrideY, p.W, p.H); ok {
			t.Fatalf("read a barcode in plain %d", y)
		}
	}
	DrawBarcode(p, 77777, 3)
	q := newPlanes(640, 360)
	DrawBarcode(q, 88888, 4)
	for i := range p.Y {
		p.Y[i] = byte((int(p.Y[i]) + int(q.Y[i])) / 2)
	}
	if _, _, ok := ReadBarcode(p.Y, p.StrideY, p.W, p.H); ok {
		t.Fatal("read a mix of two barcodes")
	}
	for _, bad := range [][3]int{{0, 640, 360}, {640, 640, 400}, {640, 0, 0}, {10, 640, 360}, {640, 32, 360}, {640, -5, -5}} {
		if _, _, ok := ReadBarcode(p.Y, bad[0], bad[1], bad[2]); ok {
			t.Fatalf("read %v", bad)
		}
	}
}

func TestBarcodeAge(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_123)
	at := media.FromDuration(time.Duration(now.UnixNano()))
	for _, age := range []time.Duration{0, 40 * time.Millisecond, 1300 * time.Millisecond, 10 * time.Minute, -200 * time.Millisecond} {
		if got := BarcodeAge(BarcodeClock(at-media.FromDuration(age)), now); got != age {
			t.Errorf("age %v read as %v", age, got)
		}
	}
}

// libav is the real codec set, which a build without cgo does not have.
func libav(t *testing.T, c media.Codec) codec.Set {
	t.Helper()
	set := codec.LibAV()
	enc, err := set.NewVideoEncoder(codec.VideoConfig{Codec: c, W: 64, H: 64, Rate: media.FrameRate{Num: 30, Den: 1}, BitRate: 100_000, GOP: 30, InBand: true})
	if errors.Is(err, codec.ErrUnavailable) {
		t.Skipf("%v: %v", c, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	enc.Close()
	return set
}

// coded passes n frames of a source through an encoder and a decoder.
func coded(t *testing.T, c media.Codec, src Picture, w, h, bitRate, n int, see func(i int, sent media.Time, p *codec.Picture)) {
	t.Helper()
	set := libav(t, c)
	rate := media.FrameRate{Num: 30, Den: 1}
	enc, err := set.NewVideoEncoder(codec.VideoConfig{Codec: c, W: w, H: h, Rate: rate, BitRate: bitRate, GOP: 300, InBand: true})
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	dec, err := set.NewVideoDecoder(c)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	pic := codec.NewPicture(w, h)
	defer pic.Release()
	zero, seen := 1_790_000_000*media.Second, 0
	for i := range n {
		at := zero + rate.Frame(int64(i))
		src.Draw(pic, at)
		pic.At = at - zero
		packets, err := enc.Encode(pic, rate.Frame(1), i == 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			pics, err := dec.Decode(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range pics {
				see(seen, zero+d.At, d)
				seen++
				d.Release()
			}
		}
	}
	if seen < n-2 {
		t.Fatalf("%d of %d frames came out", seen, n)
	}
}

func TestBarcodeSurvivesTheCodecs(t *testing.T) {
	script := NewScript(1, 1)
	for _, c := range []struct {
		codec         media.Codec
		w, h, bitRate int
	}{
		{media.VP8, 640, 360, 250_000}, {media.H264, 640, 360, 250_000}, {media.VP9, 640, 360, 250_000},
		{media.VP8, 320, 180, 150_000}, {media.H264, 320, 180, 150_000},
	} {
		t.Run(fmt.Sprintf("%v-%dx%d", c.codec, c.w, c.h), func(t *testing.T) {
			src := Barcode{ID: 9, Over: NewScene(Cast[0], script, 0, time.UTC)}
			grid := codec.NewPicture(2*c.w, 2*c.h) // the picture as tile 3 of 2x2
			defer grid.Release()
			half := codec.NewPicture(c.w/2, c.h/2)
			defer half.Release()
			coded(t, c.codec, src, c.w, c.h, c.bitRate, 60, func(i int, sent media.Time, p *codec.Picture) {
				want := BarcodeClock(sent)
				check := func(where string, p *codec.Picture) {
					if ms, id, ok := ReadBarcode(p.Y, p.StrideY, p.W, p.H); !ok || ms != want || id != 9 {
						t.Fatalf("frame %d %s: read %d of %d, %v; want %d of 9", i, where, ms, id, ok, want)
					}
				}
				check("as it came", p)
				codec.Scale(half, p)
				check("at half the size", half)
				tile := grid.View(image.Rect(0, c.h, c.w, 2*c.h))
				codec.Copy(tile, p)
				check("in its tile", tile)
			})
		})
	}
}

// The JavaScript reader reads what Go draws, and Go what JavaScript draws.
func TestBarcodeInJavaScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: make test installs it")
	}
	p := newPlanes(642, 362)
	DrawBarcode(p, 987654, 11)
	rgba := make([]byte, 0, 4*642*362)
	for y := range p.H {
		for _, v := range p.Y[y*p.StrideY:][:p.W] {
			g := byte((int(v) - 16) * 255 / 219)
			rgba = append(rgba, g, g, g, 255)
		}
	}
	dir := t.TempDir()
	raw, script := filepath.Join(dir, "image"), filepath.Join(dir, "test.js")
	const drive = `
const fs = require("fs");
const data = fs.readFileSync(process.argv[2]);
const image = { width: 642, height: 362, data };
const canvas = { canvas: { width: 642, height: 362 }, fillStyle: "", fillRect(x, y, w, h) {
  const v = this.fillStyle === "#fff" ? 255 : 0;
  for (let r = y; r < y + h; r++) data.fill(v, 4 * (r * 642 + x), 4 * (r * 642 + x + w));
} };
const read = readBarcode(image);
drawBarcode(canvas, 5 * 1048576 + 345678.9, 6);
const own = readBarcode(image);
fs.writeFileSync(process.argv[2], data);
data.fill(90);
console.log(JSON.stringify({ read, own, none: readBarcode(image), small: readBarcode(image, 600, 300, 40, 60),
  age: barcodeAge(1048000, 3 * 1048576 + 1000), early: barcodeAge(100, 50) }));`
	if err := os.WriteFile(raw, rgba, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte(BarcodeJS+drive), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(node, script, raw).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	type reading struct {
		OK     bool
		MS, ID int
	}
	var got struct {
		Read, Own, None, Small reading
		Age, Early             float64
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Read != (reading{true, 987654, 11}) || got.Own != (reading{true, 345678, 6}) || got.None.OK || got.Small.OK || got.Age != 1576 || got.Early != -50 {
		t.Fatalf("%s", out)
	}
	drawn, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	for y := range p.H {
		for x := range p.W {
			p.Y[y*p.StrideY+x] = 16 + byte(int(drawn[4*(y*p.W+x)])*219/255)
		}
	}
	if ms, id, ok := ReadBarcode(p.Y, p.StrideY, p.W, p.H); !ok || ms != 345678 || id != 6 {
		t.Fatalf("Go read %d of %d, %v", ms, id, ok)
	}
}
