package configs

import (
	"os"
	"reflect"
	"strings"
	"testing"
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
		if at := strings.ReplaceAll(path, "[]", "[0]"); d.lines[at] == 0 {
			t.Errorf("%s does not mention %s", shipped, path)
		}
	}
}

func TestDefaultsAreRight(t *testing.T) {
	cfg := Default()
	check(&cfg, func(path, format string, args ...any) { t.Errorf("%s: "+format, append([]any{path}, args...)...) })
}

func TestEmptyFilesLeaveDefaults(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "http:\nudp:\n", "http:\n  listen:\n", "rooms:\n", "\xef\xbb\xbfdata: data\r\n"} {
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
    layout: {gap: 0, labels: false}
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
	if wide.Preset != "ultra" || wide.Canvas.FPS.String() != "29.970" || wide.Canvas.Background != want.Canvas.Background ||
		wide.Layout != (Layout{Mode: "grid", Fit: "cover"}) || len(wide.Ladder) != 2 ||
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
			room.Ladder = defaultLadder(room.Canvas)
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
    layout: {fit: contain}
  - <<: *base
    name: two
    layout: {gap: 2}
`))
	if err != nil {
		t.Fatal(err)
	}
	two := cfg.Rooms[1]
	if two.Name != "two" || two.Linger != cfg.Rooms[0].Linger || two.Layout.Gap != 2 || two.Layout.Fit != "cover" {
		t.Errorf("%+v", two)
	}
	for _, text := range []string{"http: &a\n  <<: *a\n  listen: :1\n", "http: &a\n  <<: [*a, *a, *a]\n"} {
		if _, err := Parse("x.yaml", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
