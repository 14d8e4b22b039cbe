package configs

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"tilecast/compositor/art"
)

const shipped = "tilecast.yaml"

func TestShippedFileEqualsDefaults(t *testing.T) {
	got, err := ParseFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if want := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("%s says\n%+v\nbut the defaults are\n%+v", shipped, got, want)
	}
}

// A file that says nothing would equal the defaults too.
func TestShippedFileSaysEverything(t *testing.T) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(shipped)
	var cfg Config
	d.document(data, &cfg)
	for _, path := range paths(reflect.TypeFor[Config](), "") {
		if at := strings.ReplaceAll(path, "[]", "[0]"); d.lines[at] == 0 && !shownInComment(data, path) {
			t.Errorf("%s does not mention %s", shipped, path)
		}
	}
}

func TestShippedFileSaysTheBounds(t *testing.T) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(string(data), "#", "")), " ")
	for _, want := range []string{
		fmt.Sprintf("Texts have up to %d characters", art.MostText), fmt.Sprintf("files of up to %d MB", maxPictureBytes>>20),
		fmt.Sprintf("the last one uppermost, at most %d", maxOverlays), "Position is " + list(positions, "or") + ";",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say: %s", shipped, want)
		}
	}
}

// shownInComment reports whether a key of a list that is empty by default is in an example
// (TestExamplesInComments), or is the same as elsewhere in the file.
func shownInComment(data []byte, path string) bool {
	for _, name := range []string{"canvases[].", "slots[].", "overlays[].", "ice_servers[]."} {
		_, key, ok := strings.Cut(path, name)
		if !ok {
			continue
		}
		if head, _, deep := strings.Cut(key, "."); deep || head == "ladder[]" {
			return true
		}
		return regexp.MustCompile(`(?m)^#:.*\b` + key + ":").Match(data)
	}
	return false
}

func TestDefaultsAreRight(t *testing.T) {
	cfg := Default()
	check(&cfg, func(path, format string, args ...any) { t.Errorf("%s: "+format, append([]any{path}, args...)...) })
}

func TestEmptyFilesLeaveDefaults(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "http:\n  # listen: \":80\"\nudp:\n", "\xef\xbb\xbfdata: data\r\n"} {
		got, err := Parse("x.yaml", []byte(text))
		if err != nil || !reflect.DeepEqual(got, Default()) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestRoomsTakeDefaults(t *testing.T) {
	cfg, err := Parse("x.yaml", []byte(`
rooms:
  - name: hall
  - name: wide
    preset: ultra
    canvas: {width: 1920, height: 1080, fps: 29.97}
    layout: {gap: 0, labels: {show: false}}
  - name: tall
    canvas: {width: 720, height: 1280, fps: 30000/1001}
    ladder:
      - {name: one, width: 540, height: 960, encoder: h264_nvenc}
`))
	if err != nil {
		t.Fatal(err)
	}
	hall, want := cfg.Rooms[0], Default().Rooms[0]
	want.Name = "hall"
	if !reflect.DeepEqual(hall, want) {
		t.Errorf("hall: %+v", hall)
	}
	wide := cfg.Rooms[1]
	if wide.Preset != "ultra" || wide.Canvas.FPS.String() != "29.970" || wide.Layout.Background != want.Layout.Background ||
		wide.Layout.Gap != (Length{}) || wide.Layout.Labels.Show || wide.Layout.Mode != "grid" || len(wide.Ladder) != 2 ||
		wide.Ladder[0].Name != "1080p" || wide.Ladder[0].BitRate < 4_000_000 || wide.Ladder[1].Width != 960 || wide.Ladder[1].Height != 540 {
		t.Errorf("wide: %+v", wide)
	}
	tall := cfg.Rooms[2]
	if tall.Canvas.FPS != wide.Canvas.FPS || len(tall.Ladder) != 1 || tall.Ladder[0].MaxRate <= tall.Ladder[0].BitRate ||
		tall.Ladder[0].BitRate < 1_000_000 || tall.Ladder[0].Preset != "" {
		t.Errorf("tall: %+v", tall)
	}
}

// The ladder that follows from a canvas must itself pass the rules, whatever the canvas.
func TestAnyCanvasHasALadder(t *testing.T) {
	for w := 64; w <= 3840; w += 38 {
		for h := 64; h <= 3840 && w*h <= maxPixels; h += 34 {
			cfg := Default()
			room := &cfg.Rooms[0]
			room.Canvas.Width, room.Canvas.Height = w, h
			room.Ladder = defaultLadder(w, h)
			check(&cfg, func(path, format string, args ...any) {
				t.Fatalf("%dx%d: %s: "+format, append([]any{w, h, path}, args...)...)
			})
		}
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	cfg, err := Parse("x.yaml", []byte(`
rooms:
  - &base
    name: one
    linger: 1m
    layout: {tile: {fit: contain}}
  - <<: *base
    name: two
    layout: {gap: 2}
`))
	if err != nil {
		t.Fatal(err)
	}
	two := cfg.Rooms[1]
	if two.Name != "two" || two.Linger != cfg.Rooms[0].Linger || two.Layout.Gap != (Length{Pixels: 2}) || two.Layout.Tile.Fit != "cover" {
		t.Errorf("%+v", two)
	}
	for _, text := range []string{"http: &a\n  <<: *a\n  listen: :1\n", "http: &a\n  <<: [*a, *a, *a]\n"} {
		if _, err := Parse("x.yaml", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// examples takes the marks off the comments that hold examples, and what they stand in for away.
func examples(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte(" []\n#:"), []byte("\n#:"))
	return bytes.ReplaceAll(data, []byte("#:"), []byte("  "))
}

// The examples that stand in comments, each line of which begins with "#:", are right once they are no comments.
func TestExamplesInComments(t *testing.T) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Parse("examples", examples(data))
	if err != nil {
		t.Fatal(err)
	}
	if room := cfg.Rooms[0]; len(room.Canvases) != 2 || room.Canvases[1].Width != 720 || len(room.Canvases[0].Ladder) != 2 ||
		len(room.Layout.Slots) != 2 || len(room.Layout.Overlays) != 1 || len(room.Layout.Pinned) != 1 || room.Canvases[1].Layout.Mode != "split" {
		t.Errorf("%+v", room)
	}
	if s := cfg.Ingest.ICEServers; len(s) != 3 || s[1].Lifetime != 24*time.Hour || s[2].Credential != "lovelace" {
		t.Errorf("%+v", s)
	}
}

func TestCanvasesTakeWhatTheRoomSays(t *testing.T) {
	cfg, err := Parse("x.yaml", []byte(`
rooms:
  - name: a
    canvases:
      - {name: wide}
      - {name: tall, width: 540, height: 960, layout: {tile: {fit: cover}}}
    layout: {tile: {fit: contain}, gap: 2, background: {color: "#ff0000"}}
`))
	if err != nil {
		t.Fatal(err)
	}
	all := cfg.Rooms[0].All()
	wide, tall := all[0], all[1]
	if len(all) != 2 || wide.Width != 1280 || wide.Layout.Tile.Fit != "contain" || wide.Ladder[0].Name != "720p" ||
		tall.Layout.Gap != (Length{Pixels: 2}) || tall.Layout.Tile.Fit != "cover" || tall.Layout.Background.Color != (Color{0xff, 0, 0}) || tall.Ladder[0].Width != 540 {
		t.Errorf("%+v", all)
	}
	if all := Default().Rooms[0].All(); len(all) != 1 || all[0].Name != "main" || all[0].Width != 1280 || len(all[0].Ladder) != 2 {
		t.Errorf("without canvases: %+v", all)
	}
}

func TestReadyLayouts(t *testing.T) {
	names := ReadyLayouts()
	if strings.Join(names, " ") != "classroom interview panel podcast vertical webinar" {
		t.Errorf("there are %q", names)
	}
	for _, name := range names {
		l, ok := ReadyLayout(name)
		if !ok || reflect.DeepEqual(l, defaultLayout()) {
			t.Errorf("%s can't be read, or says nothing", name)
		}
		cfg, err := Parse("x.yaml", []byte("rooms:\n  - name: a\n    layout: "+name+"\n  - name: b\n    layout: {gap: 3px, use: "+name+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		a, b := cfg.Rooms[0].Layout, cfg.Rooms[1].Layout
		if !reflect.DeepEqual(a, l) || b.Gap != (Length{Pixels: 3}) || b.Mode != l.Mode || b.Use != name {
			t.Errorf("%s: %+v\n%+v", name, a, b)
		}
	}
}

// A rung's name says its size, in the canvas's shape.
func TestRungsOfAName(t *testing.T) {
	cfg, err := Parse("x.yaml", []byte(`
rooms:
  - name: wide
    canvas: {width: 1920, height: 1080}
    ladder: [{name: 1080p}, {name: 720p}, {name: 480p}, {name: 360p, bitrate: 700k}]
  - name: tall
    canvas: {width: 720, height: 1280}
    ladder: [{name: 720p}, {name: 480p, preset: veryfast}]
`))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, room := range cfg.Rooms {
		for _, r := range room.Ladder {
			got += fmt.Sprintf("%s %dx%d %v %v %s\n", r.Name, r.Width, r.Height, r.BitRate, r.MaxRate, r.Preset)
		}
	}
	if want := `1080p 1920x1080 4600k 5520k superfast
720p 1280x720 2500k 3000k superfast
480p 854x480 1400k 1680k superfast
360p 640x360 700k 840k superfast
720p 720x1280 2500k 3000k superfast
480p 480x854 1400k 1680k veryfast
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, text := range []string{"{name: 2160p}", "{name: top}", "{name: 480p, width: 640}"} {
		if _, err := Parse("x.yaml", []byte("rooms:\n  - name: a\n    ladder: ["+text+"]\n")); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
