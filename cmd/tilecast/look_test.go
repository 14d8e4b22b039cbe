package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/gobold"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/configs"
	"tilecast/media"
)

var (
	red   = color.RGBA{200, 40, 40, 255}
	green = color.RGBA{40, 160, 60, 255}
	blue  = color.RGBA{50, 70, 200, 255}
	grey  = color.RGBA{120, 120, 120, 255}
	dark  = color.RGBA{0x12, 0x14, 0x19, 255} // the ground as it is by default
)

// cast is who is on the stage of TestEverySettingIsSeen, in order: Dan's camera and microphone are off.
var cast = []struct {
	name, role string
	color      color.RGBA
}{{"Cyd", "guest", red}, {"Ada", "host", green}, {"Bob", "guest", blue}, {"Dan", "", grey}}

// stage composes the room of a configuration file, 640x360, with so many of the cast, the second of whom speaks.
func stage(t *testing.T, dir, settings string, people int, more ...string) image.Image {
	t.Helper()
	file := filepath.Join(dir, "t.yaml")
	text := "fonts: " + dir + "\nrooms:\n  - name: a\n    canvas: {width: 640, height: 360}\n    layout: {" + settings + "}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := cfg.Rooms[0].All()[0]
	l, err := look(s)
	if err != nil {
		t.Fatal(err)
	}
	l.Motion = compositor.Motion{}
	p, err := compositor.NewInline(compositor.Config{
		Rate: media.FrameRate{Num: 30, Den: 1}, GOP: 60, PartFrames: 10, Fonts: readFonts(cfg.Fonts, slog.New(slog.DiscardHandler)),
		Canvases: []compositor.Canvas{{Name: s.Name, W: s.Width, H: s.Height, Look: l, Rungs: []compositor.Rung{{Name: "r", W: 640, H: 360, BitRate: 100_000}}}},
		Open:     func(string, string, media.Params) (compositor.Outlet, error) { return nowhere{}, nil },
	}, codec.Fake())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var ids []string
	join := func(cfg compositor.TileConfig, w, h int, c color.RGBA, on bool) {
		tile := p.JoinTile(cfg, true)
		tile.SetDevices(on, on)
		pic := codec.NewPicture(w, h)
		codec.Fill(pic, codec.RGB(c.R, c.G, c.B))
		pic.At = 0
		p.Show(tile, pic)
	}
	for k := range people {
		c := cast[k%len(cast)]
		ids = append(ids, fmt.Sprint("p", k))
		join(compositor.TileConfig{ID: ids[k], Name: c.name, Role: c.role}, 320, 180, c.color, c.name != "Dan")
	}
	for _, what := range more {
		switch what {
		case "screen":
			join(compositor.TileConfig{ID: "s", Name: "Screen", Kind: compositor.Screen}, 320, 240, color.RGBA{240, 240, 240, 255}, true)
		case "gone":
			p.JoinTile(compositor.TileConfig{ID: "x"}, false).Leave()
		case "closing":
			p.SetClosing(true)
		}
	}
	if people > 0 {
		p.Speak(ids[min(1, people-1)], ids)
	}
	for range 3 {
		p.Frame()
	}
	pic := p.Snapshot()
	defer pic.Release()
	return pic.ToImage()
}

// closeTo reports whether two colours look the same.
func closeTo(a, b color.Color) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	near := func(x, y uint32) bool { d := int(x>>8) - int(y>>8); return d > -24 && d < 24 }
	return near(r1, r2) && near(g1, g2) && near(b1, b2)
}

// ink is the share of a rectangle that is as bright as the text of labels, in thousandths.
func ink(img image.Image, r image.Rectangle) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if c, g, b, _ := img.At(x, y).RGBA(); min(c, g, b) > 0xc800 {
				n++
			}
		}
	}
	return 1000 * n / (r.Dx() * r.Dy())
}

// TestEverySettingIsSeen holds that each setting of a layout in a file comes to be what it says in the picture: at each
// point there is one colour with it and another without.
func TestEverySettingIsSeen(t *testing.T) {
	if testing.Short() {
		t.Skip("draws whole pictures")
	}
	dir := t.TempDir()
	flat := func(name string, c color.RGBA) {
		img := image.NewRGBA(image.Rect(0, 0, 64, 36))
		for i := 0; i < len(img.Pix); i += 4 {
			img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.R, c.G, c.B, c.A
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cyan, pink := color.RGBA{30, 200, 220, 255}, color.RGBA{230, 80, 160, 255}
	flat("cyan.png", cyan)
	flat("pink.png", pink)
	for _, c := range []struct {
		setting string
		people  int
		more    string // further things on the stage, and settings of both pictures after a |
		x, y    int
		want    color.RGBA
	}{
		{`mode: split`, 2, "", 1, 180, red},
		{`mode: single`, 3, "", 4, 4, green},
		{`use: podcast`, 1, "", 20, 20, color.RGBA{0x2a, 0x1f, 0x2d, 255}},
		{`screen: "off"`, 1, "screen", 160, 150, red},
		{`tile: {aspect: "1:1"}`, 1, "", 100, 180, dark},
		{`tile: {aspect: fill}`, 2, "", 160, 20, red},
		{`tile: {fit: contain}`, 1, "|tile: {aspect: '1:1'}", 320, 30, dark},
		{`tile: {screen_fit: cover}`, 1, `screen|screen: "off"`, 340, 180, color.RGBA{240, 240, 240, 255}},
		{`tile: {radius: 60px}`, 1, "", 20, 10, dark},
		{`tile: {border: {width: 10px, color: "#1ec8dc"}}`, 3, "", 12, 60, cyan},
		{`tile: {highlight: {width: 10px, color: "#1ec8dc"}}`, 2, "", 480, 97, cyan},
		{`tile: {shadow: {size: 8%, opacity: 1}}`, 2, "|background: {color: '#c8c8c8'}", 160, 274, color.RGBA{90, 90, 90, 255}},
		{`gap: 40px`, 2, "", 304, 180, dark},
		{`margin: 60px`, 1, "", 40, 180, dark},
		{`columns: 1`, 2, "", 320, 60, red},
		{`max: 1`, 3, "|more: false", 320, 180, green},
		{`more: false`, 4, "|max: 2", 480, 180, green},
		{`order: name`, 3, "", 160, 60, green},
		{`order: spoken`, 3, "", 160, 60, green},
		{`pinned: ["name:Bob"]`, 3, "", 160, 60, blue},
		{`pinned: ["role:host"]`, 3, "", 160, 60, green},
		{`omit: {video_off: true}`, 4, "", 330, 250, blue},
		{`strip: {edge: left}`, 3, "|mode: active-speaker", 70, 140, red},
		{`strip: {edge: bottom}`, 3, "|mode: active-speaker", 240, 320, red},
		{`strip: {count: 1}`, 3, "|mode: active-speaker, more: false", 570, 180, red},
		{`strip: {size: 40%}`, 3, "|mode: active-speaker", 400, 130, red},
		{`pip: {corner: top-left}`, 2, "|mode: pip", 90, 60, red},
		{`pip: {size: 50%}`, 2, "|mode: pip", 400, 240, red},
		{`pip: {offset: 20%}`, 2, "|mode: pip", 420, 210, red},
		{`pip: {who: "name:Bob"}`, 3, "|mode: pip", 560, 300, blue},
		{`split: {direction: column}`, 2, "|mode: split", 480, 60, red},
		{`split: {count: 2}`, 3, "|mode: split, more: false", 250, 180, red},
		{`mode: custom, slots: [{who: "role:host", x: 50%, y: 50%, width: 40%, height: 40%}]`, 3, "", 440, 260, green},
		{`mode: custom, slots: [{who: speaker, x: 0%, y: 0%, width: 100%, height: 100%, z: 0}, {who: anyone, x: 60%, y: 10%, width: 30%, height: 30%, z: 1}]`, 3, "", 480, 90, red},
		{`labels: {background: "#1ec8dc"}`, 1, "", 18, 332, cyan},
		{`placeholder: {kind: image, image: pink.png}`, 4, "", 480, 270, pink},
		{`background: {color: "#1ec8dc"}`, 2, "", 320, 20, cyan},
		{`background: {image: pink.png}`, 2, "", 320, 20, pink},
		{`overlays: [{image: cyan.png, position: top-right, x: 10px, y: 10px, size: 20%}]`, 1, "", 560, 50, cyan},
		{`overlays: [{image: cyan.png, position: center, size: 20%, opacity: 0.5}]`, 1, "", 320, 180, color.RGBA{115, 120, 130, 255}},
		{`overlays: [{text: x, kind: banner, position: bottom, y: 0px, background: "#1ec8dc"}]`, 1, "", 600, 345, cyan},
		{`overlays: [{text: Xx, position: top-left, x: 10px, y: 10px, size: 40px, background: "#1ec8dc"}]`, 1, "", 28, 22, cyan},
		{`overlays: [{text: Xx, position: top-left, x: 10px, y: 10px, size: 40px, accent: "#1ec8dc"}]`, 1, "", 13, 50, cyan},
		{`slates: {opening: {image: pink.png, text: ""}}`, 0, "", 320, 180, pink},
		{`slates: {empty: {image: pink.png, text: ""}}`, 0, "gone", 320, 180, pink},
		{`slates: {closing: {image: pink.png, text: ""}}`, 0, "gone closing", 320, 180, pink},
	} {
		t.Run(c.setting, func(t *testing.T) {
			things, both, _ := strings.Cut(c.more, "|")
			without := stage(t, dir, both, c.people, strings.Fields(things)...)
			with := stage(t, dir, merged(both, c.setting), c.people, strings.Fields(things)...)
			if got := with.At(c.x, c.y); !closeTo(got, c.want) {
				keep(t, with)
				t.Errorf("at %d,%d it is %v, want %v", c.x, c.y, got, c.want)
			}
			if got := without.At(c.x, c.y); closeTo(got, c.want) {
				t.Errorf("at %d,%d it is %v without it, too", c.x, c.y, got)
			}
		})
	}
}

// A layout that has a place for none of the people shows the slate of an empty stage, beneath its overlays.
func TestPeopleWithoutAPlaceAreAnEmptyStage(t *testing.T) {
	for text, want := range map[string]bool{"": false, "Nobody": true} {
		img := stage(t, t.TempDir(), `mode: custom, slots: [{who: "role:teacher", width: 50%, height: 50%}], slates: {empty: {text: "`+text+`"}},
      overlays: [{text: x, kind: banner, position: bottom, y: 0px, background: "#e650a0"}]`, 2)
		if n := ink(img, image.Rect(250, 150, 390, 220)); n > 0 != want || !closeTo(img.At(600, 345), color.RGBA{230, 80, 160, 255}) {
			keep(t, img)
			t.Errorf("of %q there is %d to be seen, or the banner is %v", text, n, img.At(600, 345))
		}
	}
}

// merged is one line of settings, of which both may speak of tile.
func merged(both, setting string) string {
	if rest, ok := strings.CutPrefix(setting, "tile: {"); ok && strings.HasPrefix(both, "tile: {") {
		return strings.TrimSuffix(both, "}") + ", " + rest
	}
	return strings.TrimPrefix(both+", "+setting, ", ")
}

// keep writes a picture where -artifacts keeps it.
func keep(t *testing.T, img image.Image) {
	if out, err := os.Create(filepath.Join(t.ArtifactDir(), "seen.png")); err == nil {
		_ = png.Encode(out, img)
		out.Close()
	}
}

// TestLabelSettingsAreSeen: what cannot be told by one point, text, is told by how much ink is where.
func TestLabelSettingsAreSeen(t *testing.T) {
	if testing.Short() {
		t.Skip("draws whole pictures")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "House.ttf"), gobold.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	of := func(settings string, people int, r image.Rectangle) int {
		return ink(stage(t, dir, settings, people), r)
	}
	left, right, top := image.Rect(8, 310, 120, 356), image.Rect(520, 310, 632, 356), image.Rect(8, 4, 120, 50)
	plain := of("", 1, left)
	dan := image.Rect(322, 320, 400, 356)
	for name, ok := range map[string]bool{
		"a name":      plain > 10,
		"none":        of("labels: {show: false}", 1, left) == 0,
		"at the top":  of("labels: {position: top-left}", 1, top) > 10 && of("", 1, top) == 0,
		"right":       of("labels: {position: bottom-right}", 1, right) > 10 && of("", 1, right) == 0,
		"larger":      of("labels: {size: 1.5}", 1, left) > plain*3/2,
		"in a colour": of(`labels: {color: "#ff0000"}`, 1, left) == 0,
		"bold":        of("labels: {font: House}", 1, left) > plain,
		"the icon":    of("", 4, dan) > of("labels: {muted_icon: false}", 4, dan),
		"no initials": of("placeholder: {kind: color}", 4, image.Rect(440, 220, 510, 310)) == 0 && of("", 4, image.Rect(440, 220, 510, 310)) > 10,
		"a slate":     of("", 0, image.Rect(100, 150, 540, 220)) > 10 && of(`slates: {opening: {text: ""}}`, 0, image.Rect(100, 150, 540, 220)) == 0,
		"a caption":   of("overlays: [{text: Hello, position: center, size: 40px}]", 1, image.Rect(200, 140, 440, 220)) > 30,
	} {
		if !ok {
			t.Error(name)
		}
	}
}
