package main

import (
	"image/color"
	"reflect"
	"testing"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/art"
	"tilecast/compositor/layout"
	"tilecast/configs"
	"tilecast/media"
	"tilecast/packager"
	"tilecast/room"
)

// TestRoomsAreAsTheFileSays compares a room whose every setting is another than by default, and one that says nothing,
// with what the stages are told.
func TestRoomsAreAsTheFileSays(t *testing.T) {
	cfg, err := configs.Parse("x.yaml", []byte(`
ingest: {limits: {overload: 37}}
rooms:
  - name: hall
    preset: apple
    start: always
    publish_token: sesame
    linger: 7m
    latency: {part: 500ms, parts_per_segment: 8, hold_back: 2500ms, delay: 250ms}
    parts: ranges
    window: 11m
    record: {enabled: true, iso: false, keep: 13h}
    canvas: {width: 960, height: 540, fps: 25}
    ladder: [{name: top, width: 960, height: 540}]
    audio: {bitrate: 96k, low_bitrate: 32k, loudness: -23, ducking: 17, speaker_cues: true}
    canvases:
      - name: wide
        layout: {mode: split, background: {color: "#112233"}}
        ladder:
          - {name: big, width: 960, height: 540, bitrate: 1700k, max_rate: 1900k, encoder: libx264, preset: fast, bt709: true}
          - {name: little, width: 480, height: 270, fps: 12.5, bitrate: 310k, max_rate: 330k, encoder: libopenh264}
      - {name: tall, width: 270, height: 480, layout: {mode: single, background: {color: "#445566"}}}
  - name: plain
    window: event
    record: {iso: true}
    audio: {low_bitrate: 0, loudness: 0, ducking: 0}
`))
	if err != nil {
		t.Fatal(err)
	}
	fonts := &art.Fonts{}
	got, err := roomConfigs(cfg, fonts)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got { // of a look it is enough here to see whose it is: TestEveryFieldOfALayoutIsTaken
		for i, cv := range r.Canvases {
			r.Canvases[i].Look = compositor.Look{Background: cv.Look.Background, Layout: layout.Spec{Mode: cv.Look.Layout.Mode}}
		}
	}
	of := func(mode layout.Mode, r, g, b uint8) compositor.Look {
		return compositor.Look{Background: color.RGBA{r, g, b, 0xff}, Layout: layout.Spec{Mode: mode}}
	}
	want := []room.Config{{
		Name: "hall", Start: room.Always, Linger: 7 * time.Minute, Hold: 90 * time.Second, Preset: "apple",
		Numbers: packager.Numbers{Part: media.Second / 2, PartsPerSegment: 8, HoldBack: media.Second * 5 / 2, Delay: media.Second / 4},
		Ranges:  true, Window: 11 * time.Minute, Record: room.Record{Enabled: true, Keep: 13 * time.Hour},
		Canvases: []compositor.Canvas{
			{Name: "wide", W: 960, H: 540, Look: of(layout.Split, 0x11, 0x22, 0x33), Rungs: []compositor.Rung{
				{Name: "big", W: 960, H: 540, Every: 1, BitRate: 1_700_000, MaxRate: 1_900_000, Encoder: "libx264", Preset: "fast", BT709: true},
				{Name: "little", W: 480, H: 270, Every: 2, BitRate: 310_000, MaxRate: 330_000, Encoder: "libopenh264"},
			}},
			{Name: "tall", W: 270, H: 480, Look: of(layout.Single, 0x44, 0x55, 0x66), Rungs: []compositor.Rung{
				{Name: "270p", W: 270, H: 480, Every: 1, BitRate: 600_000, MaxRate: 720_000, Encoder: "libx264", Preset: "superfast"},
				{Name: "134p", W: 134, H: 240, Every: 1, BitRate: 200_000, MaxRate: 240_000, Encoder: "libx264", Preset: "superfast"},
			}},
		},
		Fonts: fonts, Rate: media.FrameRate{Num: 25, Den: 1}, Mix: compositor.Mix{Loudness: -23, Duck: 17}, SpeakerCues: true,
		Sounds:       []compositor.Sound{{Name: "audio", BitRate: 96_000}, {Name: "audio-low", BitRate: 32_000}},
		PublishToken: "sesame", Overload: 37,
	}, {
		Name: "plain", Start: room.OnPublish, Linger: 5 * time.Minute, Hold: 90 * time.Second, Preset: "low",
		Window: time.Hour, Event: true, Record: room.Record{Iso: true},
		Canvases: []compositor.Canvas{{Name: "main", W: 1280, H: 720, Look: of(layout.Grid, 0x12, 0x14, 0x19), Rungs: []compositor.Rung{
			{Name: "720p", W: 1280, H: 720, Every: 1, BitRate: 2_500_000, MaxRate: 3_000_000, Encoder: "libx264", Preset: "superfast"},
			{Name: "360p", W: 640, H: 360, Every: 1, BitRate: 900_000, MaxRate: 1_080_000, Encoder: "libx264", Preset: "superfast"},
		}}},
		Fonts: fonts, Rate: media.FrameRate{Num: 30, Den: 1}, Overload: 37,
		Sounds: []compositor.Sound{{Name: "audio", BitRate: 128_000}},
	}}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got\n%+v\nwant\n%+v", got[i], want[i])
		}
		if err := got[i].Validate(); err != nil {
			t.Error(err)
		}
	}
	for i := range reflect.TypeFor[room.Config]().NumField() { // or nothing holds what the file says of it
		if a, b := reflect.ValueOf(want[0]).Field(i), reflect.ValueOf(want[1]).Field(i); a.IsZero() && b.IsZero() {
			t.Errorf("%s is set in neither room", reflect.TypeFor[room.Config]().Field(i).Name)
		}
	}
}
