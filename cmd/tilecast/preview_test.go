package main

import (
	"bytes"
	"flag"
	"image"
	"image/jpeg"
	_ "image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/configs"
)

var update = flag.Bool("update", false, "draw the pictures of docs/layouts anew")

// TestPicturesOfReadyLayouts draws every ready layout as the README shows it, and holds that the pictures
// there are what comes out. go test ./cmd/tilecast -run ReadyLayouts -update draws them; then look at them.
func TestPicturesOfReadyLayouts(t *testing.T) {
	if testing.Short() {
		t.Skip("draws whole pictures")
	}
	for name, o := range map[string]previewOptions{
		"webinar": {participants: 5, speaker: 1}, "interview": {participants: 2, speaker: 1}, "panel": {participants: 5, speaker: 2},
		"podcast": {participants: 3, speaker: 2}, "classroom": {participants: 5, speaker: 1, screens: 1}, "vertical": {participants: 3, speaker: 3},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configs.Default()
			cfg.Fonts = "" // what another machine has must not matter
			if c := &cfg.Rooms[0].Canvas; name == "vertical" {
				c.Width, c.Height = c.Height, c.Width
			}
			o.layout = name
			pic := composed(t, o, cfg)
			defer pic.Release()
			small := codec.NewPicture(pic.W/2, pic.H/2)
			defer small.Release()
			codec.Scale(small, pic)
			got := small.ToImage()
			file := filepath.Join("..", "..", "docs", "layouts", name+".jpg")
			if *update {
				var b bytes.Buffer
				if err := jpeg.Encode(&b, got, &jpeg.Options{Quality: 80}); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := configs.ReadPicture(configs.File(file))
			if err != nil {
				t.Fatal(err)
			}
			if mean, worst := apart(got, want); mean > 3 || worst > 32 {
				t.Errorf("%s is %.1f levels away from what comes out, and %.0f in the worst place: draw it anew with -update, and look at it", file, mean, worst)
			}
		})
	}
}

// composed is what o draws of cfg's first room, which the caller releases.
func composed(t *testing.T, o previewOptions, cfg configs.Config) *codec.Picture {
	t.Helper()
	s, err := o.shape(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	pic, err := o.compose(s, cfg.Fonts)
	if err != nil {
		t.Fatal(err)
	}
	return pic
}

// apart is how far two pictures are apart in levels: in the mean, and in the worst of blocks of 4 x 4; 255 when they are of
// different sizes.
func apart(a, b image.Image) (mean, worst float64) {
	size := a.Bounds().Size()
	if size != b.Bounds().Size() {
		return 255, 255
	}
	n := 0
	for y := 0; y+4 <= size.Y; y += 4 {
		for x := 0; x+4 <= size.X; x += 4 {
			var sum [3]float64
			for j := range 16 {
				at := image.Pt(x+j%4, y+j/4)
				p, q := a.Bounds().Min.Add(at), b.Bounds().Min.Add(at)
				r1, g1, b1, _ := a.At(p.X, p.Y).RGBA()
				r2, g2, b2, _ := b.At(q.X, q.Y).RGBA()
				sum[0] += float64(r1>>8) - float64(r2>>8)
				sum[1] += float64(g1>>8) - float64(g2>>8)
				sum[2] += float64(b1>>8) - float64(b2>>8)
			}
			d := max(math.Abs(sum[0]), math.Abs(sum[1]), math.Abs(sum[2])) / 16
			mean, worst = mean+d, max(worst, d)
			n++
		}
	}
	return mean / float64(n), worst
}

// Whom a layout speaks of is among the participants.
func TestPreviewHasWhomTheLayoutSpeaksOf(t *testing.T) {
	for _, c := range []struct {
		layout string
		o      previewOptions
		want   string
	}{
		{"{mode: grid}", previewOptions{participants: 2}, "Amara, Mateo"},
		{"classroom", previewOptions{participants: 2}, "Amara teacher, Mateo"},
		{`{mode: custom, slots: [{who: "role:host:2", width: 9%, height: 9%}, {who: speaker, width: 9%, height: 9%}, {who: "name:Ada", width: 9%, height: 9%}]}`,
			previewOptions{participants: 4}, "Amara host, Mateo host, Ada, Kofi"},
		{`{mode: pip, pinned: ["role:host"], pip: {who: "name:mateo"}}`, previewOptions{participants: 3}, "Amara host, Mateo, Yuki"},
		{`{mode: custom, slots: [{who: "role:host", width: 9%, height: 9%}]}`, previewOptions{participants: 3, roles: []string{"3=host", "1=guest"}, names: []string{"2=Bob"}},
			"Amara guest, Bob, Yuki host"},
		{`{mode: grid, slots: [{who: "role:host", width: 9%, height: 9%}]}`, previewOptions{participants: 1}, "Amara"},
		{`{mode: grid, pinned: ["role:a", "role:b"]}`, previewOptions{participants: 1}, "Amara a"},
	} {
		cfg, err := configs.Parse("x.yaml", []byte("rooms:\n  - name: a\n    layout: "+c.layout))
		if err != nil {
			t.Fatal(err)
		}
		people, err := c.o.people(&cfg.Rooms[0].Layout)
		var got []string
		for _, p := range people {
			got = append(got, strings.TrimSpace(p.name+" "+p.role))
		}
		if s := strings.Join(got, ", "); err != nil || s != c.want {
			t.Errorf("%s: %s, %v, want %s", c.layout, s, err, c.want)
		}
	}
}

func TestPreview(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "two.yaml")
	if err := os.WriteFile(file, []byte(`
fonts: ""
rooms:
  - name: hall
    canvases:
      - {name: wide, width: 320, height: 180}
      - {name: tall, width: 180, height: 320, layout: vertical}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.yaml"), []byte("rooms:\n  - name: a\n    layout: {mode: gird}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.png")
	for _, c := range []struct{ args, want string }{
		{"--config " + file + " --participants 3 -o " + out, out + ": canvas wide, 320x180, 3 participants\n"},
		{"--config " + file + " --room hall --canvas tall --participants 0 --slate closing -o " + out, out + ": canvas tall, 180x320, 0 participants\n"},
		{"--config " + file + " --layout pannel -o " + out, `tilecast: --layout: there is no "pannel", did you mean "panel"?` + "\n"},
		{"--config " + file + " --room hal -o " + out, `tilecast: --room: there is no "hal", did you mean "hall"?` + "\n"},
		{"--config " + file + " --canvas round -o " + out, `tilecast: --canvas: there is no "round"; there are wide, tall` + "\n"},
		{"--participants 3 --screen=5", "tilecast: --screen: 5 is out of range: use 0 to 4\n"},
		{"--participants 3 --screen 2", "tilecast: --screen: write --screen=2\n"},
		{"--participants 3 2", `tilecast: preview: takes flags only, got "2"` + "\n"},
		{"--config " + file + " --participants 1 --camera-off 0 -o " + out, out + ": canvas wide, 320x180, 1 participant\n"},
		{"--participants 3 --role 4=host -o " + out, "tilecast: --role: there is no participant 4\n"},
		{"--participants 3 --role host -o " + out, `tilecast: --role: "host" is not a participant's number and what to say of it, such as 1=host` + "\n"},
		{"--participants 3 --role 1=my,host -o " + out, `tilecast: --role: "my,host" is no role: use letters, digits, - and _, such as host` + "\n"},
		{"--participants 41", "tilecast: --participants: 41 is out of range: use 0 to 40\n"},
		{"--participants 2 --speaker 3", "tilecast: --speaker: there is no participant 3\n"},
		{"-o " + filepath.Join(dir, "x.gif"), `tilecast: --out: "` + filepath.Join(dir, "x.gif") + `": name a .png or a .jpg file` + "\n"},
		{"--config " + filepath.Join(dir, "broken.yaml"), filepath.Join(dir, "broken.yaml") + `:3: rooms[0].layout.mode: "gird" is not known, did you mean "grid"?` + "\n"},
	} {
		os.Remove(out)
		var said strings.Builder
		code := run(t.Context(), append([]string{"preview"}, strings.Fields(c.args)...), &said, &said)
		if said.String() != c.want {
			t.Errorf("%s:\n got %swant %s", c.args, said.String(), c.want)
		}
		wantCode := exitUsage
		if strings.Contains(c.args, "broken") {
			wantCode = exitFailed
		} else if strings.HasPrefix(c.want, out) {
			wantCode = exitOK
			if img, err := configs.ReadPicture(configs.File(out)); err != nil || min(img.Bounds().Dx(), img.Bounds().Dy()) != 180 {
				t.Errorf("%s: %v", c.args, err)
			}
		}
		if code != wantCode {
			t.Errorf("%s: exit code %d, want %d", c.args, code, wantCode)
		}
	}

	// What no font has is a box, and is told.
	var said strings.Builder
	run(t.Context(), []string{"preview", "--config", file, "--participants", "2", "--name", "1=សុខា", "--name", "2=ភ្នំ", "-o", out}, io.Discard, &said)
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "script=Khmer") {
		t.Errorf("of a script that no font has preview says %q", got)
	}
}

// Who is said to speak is seen to: with an open mouth and a meter that moves; the others are silent.
func TestPreviewShowsWhoSpeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("draws whole pictures")
	}
	cfg := configs.Default()
	cfg.Fonts = ""
	draw := func(speaker int) image.Image {
		pic := composed(t, previewOptions{participants: 2, speaker: speaker}, cfg)
		defer pic.Release()
		return pic.ToImage()
	}
	silent, first, second := draw(0), draw(1), draw(2)
	tiles := [2]image.Rectangle{image.Rect(200, 200, 440, 520), image.Rect(840, 200, 1080, 520)} // within their borders
	for k, speaks := range []image.Image{first, second} {
		for tile, r := range tiles {
			part := func(img image.Image) image.Image { return img.(*image.NRGBA).SubImage(r) }
			if _, worst := apart(part(silent), part(speaks)); (worst == 0) != (tile != k) {
				t.Errorf("participant %d is %v from how they look in silence, while %d speaks", tile+1, worst, k+1)
			}
		}
	}
}
