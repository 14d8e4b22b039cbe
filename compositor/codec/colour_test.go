package codec

import (
	"embed"
	"errors"
	"path"
	"strings"
	"testing"

	"tilecast/media"
)

// unitFiles are single key frames, left half R'G'B' (200,50,20), right half
// (20,60,210), coded in the colour space and format that their names say.
//
//go:embed testdata/units
var unitFiles embed.FS

// codedUnits calls f with each file's name, codec and bytes.
func codedUnits(t testing.TB, f func(name string, c media.Codec, data []byte)) {
	t.Helper()
	entries, err := unitFiles.ReadDir("testdata/units")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := unitFiles.ReadFile(path.Join("testdata/units", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".bin"), "-")
		c := map[string]media.Codec{"h264": media.H264, "vp8": media.VP8, "vp9": media.VP9, "av1": media.AV1}[kind]
		f(e.Name(), c, data)
	}
}

func TestEveryColourSpaceComesOutAs601Limited(t *testing.T) {
	set := needLibAV(t)
	left, right := RGB(200, 50, 20), RGB(20, 60, 210)
	copied := 0
	codedUnits(t, func(name string, c media.Codec, data []byte) {
		d := mustDecoder(t, set, c)
		pics, err := d.Decode(media.Packet{Key: true, At: 42, Data: data})
		if err != nil || len(pics) != 1 {
			t.Fatalf("%s: %d pictures, %v", name, len(pics), err)
		}
		p := pics[0]
		defer p.Release()
		if p.At != 42 {
			t.Errorf("%s: at %v", name, p.At)
		}
		for _, at := range []struct {
			x    int
			want YCbCr
		}{{p.W / 4, left}, {3 * p.W / 4, right}} {
			for _, y := range []int{0, p.H / 2, p.H - 1} {
				if got := p.Pixel(at.x, y); !nearly(got, at.want, 3) {
					t.Errorf("%s: %v instead of %v at %d,%d", name, got, at.want, at.x, y)
				}
			}
		}
		if !p.lent {
			copied++
		}
		if plain := strings.Contains(name, "untagged") || strings.Contains(name, "-601.") || strings.HasPrefix(name, "vp8"); plain && !p.lent {
			t.Errorf("%s was converted without need", name)
		}
	})
	if copied < 10 {
		t.Errorf("only %d files were converted", copied)
	}
	if Live() != 0 {
		t.Errorf("%d pictures still held", Live())
	}
}

func TestConversionFollowsAChangeOfTags(t *testing.T) {
	d := mustDecoder(t, needLibAV(t), media.H264)
	for _, name := range []string{"h264-709full", "h264-untagged", "h264-709", "h264-444", "h264-709full", "h264-rgb", "h264-601"} {
		data, err := unitFiles.ReadFile("testdata/units/" + name + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		pics, err := d.Decode(media.Packet{Key: true, Data: data})
		if err != nil || len(pics) != 1 {
			t.Fatalf("%s: %d pictures, %v", name, len(pics), err)
		}
		if got, want := pics[0].Pixel(16, 32), RGB(200, 50, 20); !nearly(got, want, 3) {
			t.Errorf("%s: %v instead of %v", name, got, want)
		}
		pics[0].Release()
	}
}

func needLibAV(t testing.TB) Set {
	t.Helper()
	if _, err := LibAV().NewVideoDecoder(media.VP8); errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	return LibAV()
}

func nearly(a, b YCbCr, most int) bool {
	near := func(a, b uint8) bool { return max(int(a)-int(b), int(b)-int(a)) <= most }
	return near(a.Y, b.Y) && near(a.Cb, b.Cb) && near(a.Cr, b.Cr)
}
