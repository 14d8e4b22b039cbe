package room

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/ingest"
	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager/m3u8"
)

// fetch is what a viewer of the last program gets from file, as it is below /hls/demo/.
func fetch(t *testing.T, s *shelf, file string) []byte {
	t.Helper()
	srv := origin.NewServer(origin.ServerConfig{})
	srv.Publish("demo", s.programs[len(s.programs)-1])
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("GET", "/hls/demo/"+file, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", file, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// mediaOf is a rendition's playlist, and the media of its last n segments that are complete.
func mediaOf(t *testing.T, s *shelf, rendition string, n int) (*m3u8.Playlist, []byte) {
	t.Helper()
	dir := s.programs[len(s.programs)-1].ID() + "/" + rendition
	list, err := m3u8.ParseMedia(fetch(t, s, dir+"/stream.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, seg := range list.Segments[max(0, len(list.Segments)-n):] {
		all = append(all, fetch(t, s, path.Join(dir, seg.URI))...)
	}
	return list, all
}

// sizes are those of the variants of a canvas's playlist.
func sizes(t *testing.T, s *shelf, canvas string) (all string) {
	t.Helper()
	list, err := m3u8.ParseMultivariant(fetch(t, s, canvas+".m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list.Variants {
		if v.Width > 0 {
			all += fmt.Sprintf("%dx%d ", v.Width, v.Height)
		}
	}
	return strings.TrimSpace(all)
}

var (
	red   = color.RGBA{200, 40, 40, 255}
	green = color.RGBA{40, 200, 60, 255}
	blue  = color.RGBA{40, 60, 200, 255}
)

// twoCanvases is a room of unlike canvases: wide shows all side by side on red, tall shows Bob alone on blue.
func twoCanvases() Config {
	cfg := demo()
	wide, tall := cfg.Canvases[0], cfg.Canvases[0]
	wide.Name, wide.Look.Layout.Mode, wide.Look.Background = "wide", layout.Grid, red
	tall.Name, tall.Look.Layout.Mode, tall.Look.Background = "tall", layout.Custom, blue
	tall.Look.Layout.Slots = []layout.SlotSpec{{Who: layout.Who{By: "name", Text: "Bob", N: 1},
		X: layout.Percent(25), Y: layout.Percent(25), W: layout.Percent(50), H: layout.Percent(50)}}
	tall.W, tall.H, tall.Rungs = 180, 320, []compositor.Rung{{Name: "320p", W: 180, H: 320, BitRate: 300_000}}
	cfg.Canvases = []compositor.Canvas{wide, tall}
	return cfg
}

// Each canvas is of a size, an address and a look of its own: from the first picture on, after a change of all and after
// one that is merged.
func TestCanvasesAreOfTheirOwn(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		people := []codec.YCbCr{codec.RGB(240, 240, 240), codec.RGB(10, 10, 10)}
		colours := map[codec.YCbCr]string{people[0]: "A", people[1]: "B"}
		for name, c := range map[string]color.RGBA{"r": red, "g": green, "b": blue} {
			colours[codec.RGB(c.R, c.G, c.B)] = name
		}
		var ins []ingest.Inlet
		v := enter(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		for _, v := range []*visitor{v, enter(t, rs, ingest.Request{Session: "2", Name: "Bob"})} {
			in, err := v.Open(media.VP8)
			if err != nil {
				t.Fatal(err)
			}
			ins = append(ins, in)
		}
		var k int64
		play := func(d time.Duration) {
			for range d / (100 * time.Millisecond) {
				for i, in := range ins {
					in.Push(codec.FakeVideoPacket(media.VP8, 64, 36, people[i], true, k, v.Clock().At(time.Now())))
				}
				time.Sleep(100 * time.Millisecond)
				k++
			}
		}
		// shown is what stands in the corner and at the middle of each half of a canvas: ground, left and right or above and below.
		shown := func(canvas string) string {
			pic := rs.rooms["demo"].prog.comp.SnapshotOf(canvas)
			defer pic.Release()
			x, y := pic.W/4, pic.H/2
			if pic.W < pic.H {
				x, y = pic.W/2, pic.H*3/8
			}
			return colours[pic.Pixel(2, 2)] + colours[pic.Pixel(x, y)] + colours[pic.Pixel(pic.W-x, pic.H-y)]
		}
		want := func(when, wide, tall string) {
			t.Helper()
			play(time.Second)
			if w, h := shown("wide"), shown("tall"); w != wide || h != tall {
				t.Errorf("%s: wide shows %s, want %s; tall %s, want %s", when, w, wide, h, tall)
			}
			if w, h := sizes(t, s, "wide"), sizes(t, s, "tall"); w != "320x180" || h != "180x320" {
				t.Errorf("%s: wide.m3u8 has %s, tall.m3u8 %s", when, w, h)
			}
		}
		play(5 * time.Second)
		want("at first", "rAB", "bBB")
		next := twoCanvases()
		wide, tall := &next.Canvases[0].Look, &next.Canvases[1].Look
		wide.Background, tall.Background = tall.Background, wide.Background
		tall.Layout.Slots[0].Who.Text = "Ada"
		if later, err := rs.Apply(next); err != nil || len(later) > 0 {
			t.Errorf("%v, %v", later, err)
		}
		want("applied", "bAB", "rAA")
		edited := twoCanvases()
		edited.Canvases[1].Look.Background = green
		if later, err := rs.Merge(twoCanvases(), edited); err != nil || len(later) > 0 {
			t.Errorf("%v, %v", later, err)
		}
		want("merged", "bAB", "gAA")
	}, twoCanvases())
}

// speak has in say something for d, in packets of 20 ms from number k on, and answers the next one's number.
func speak(v *visitor, in ingest.Inlet, k int64, d time.Duration) int64 {
	for range d / (20 * time.Millisecond) {
		level := 0.2
		if k%10 > 7 {
			level = 0.001
		}
		in.Push(codec.FakeAudioPacket(level, 300, k, v.Clock().At(time.Now())))
		time.Sleep(20 * time.Millisecond)
		k++
	}
	return k
}

// loudness is the highest level in the last second or so of sound that viewers can have.
func loudness(t *testing.T, s *shelf) (most float64) {
	t.Helper()
	_, b := mediaOf(t, s, compositor.AudioID, 1)
	frames := bytes.SplitAfter(b, []byte("fake audio "))[1:]
	for _, f := range frames[max(0, len(frames)-30):] {
		a, err := codec.ParseFakeAudio(append([]byte("fake audio "), f...))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, a.Level[0], a.Level[1])
	}
	return most
}

// What is changed about a participant's sound is heard.
func TestVolumeIsHeard(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		ada := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		in, err := ada.Open(media.Opus)
		if err != nil {
			t.Fatal(err)
		}
		half, twice, yes, no := 0.5, 2.0, true, false
		var k int64
		for _, c := range []struct {
			change Change
			want   float64
		}{{Change{}, 0.2}, {Change{Volume: &half}, 0.1}, {Change{Muted: &yes}, 0}, {Change{Volume: &twice}, 0}, {Change{Muted: &no}, 0.4}} {
			p, err := rs.Change("demo", rs.List()[0].Participants[0].ID, c.change)
			if err != nil {
				t.Fatal(err)
			}
			k = speak(ada, in, k, 6*time.Second)
			if got := loudness(t, s); math.Abs(got-c.want) > 0.01 {
				t.Errorf("at volume %v, muted %v: a level of %v, want %v", p.Volume, p.Muted, got, c.want)
			}
		}
	}, demo())
}

// Who speaks is in the playlists and the media where the room says so, and nowhere else.
func TestSpeakersAreCuedWhereAsked(t *testing.T) {
	for _, cues := range []bool{true, false} {
		cfg := demo()
		cfg.SpeakerCues = cues
		house(t, func(t *testing.T, rs *Rooms, s *shelf) {
			ada := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
			in, err := ada.Open(media.Opus)
			if err != nil {
				t.Fatal(err)
			}
			speak(ada, in, 0, 10*time.Second)
			if p := rs.List()[0].Participants[0]; rs.List()[0].Speaker != p.ID {
				t.Fatal("nobody speaks")
			}
			list, data := mediaOf(t, s, "main-180p", 10)
			if told, inside := len(list.DateRanges) > 0, bytes.Contains(data, []byte("emsg")); told != cues || inside != cues {
				t.Errorf("cues %v: told in the playlist %v, in the media %v", cues, told, inside)
			}
		}, cfg)
	}
}
