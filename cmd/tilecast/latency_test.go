package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tilecast/configs"
)

// seenEvents is what hls.js made of an event: a sample of timed metadata, a cue in its metadata track, and a date range, with the
// moments that they stand for.
type seenEvents struct {
	Samples   int
	ID3, Date []float64 // Unix seconds
	Text      string
}

// TestBrowserPlaysEveryPreset: stock hls.js plays apple, classic and parts as byte ranges; an event that is posted comes out of it as
// ID3 and as a date range at the frame that the answer named.
func TestBrowserPlaysEveryPreset(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	gw := startGateway(t, func(cfg *configs.Config) {
		room := cfg.Rooms[0]
		cfg.Rooms = nil
		for _, name := range []string{"low", "ranges", "apple", "classic"} {
			r := room
			r.Name, r.Preset, r.Start = name, name, "always"
			if name == "ranges" {
				r.Preset, r.Parts = "low", "ranges"
			}
			r.Canvas.Width, r.Canvas.Height = 320, 180
			r.Ladder = []configs.Rung{{Name: "180p", Width: 320, Height: 180, BitRate: 200_000, MaxRate: 240_000, Encoder: "libx264", Preset: "ultrafast"}}
			cfg.Rooms = append(cfg.Rooms, r)
		}
	})
	b := openBrowser(t, "")
	for _, name := range []string{"low", "ranges", "apple", "classic"} {
		b.open(gw.base + "/watch/" + name)
		b.until(name+" plays", `document.body.dataset.state === "playing" && document.querySelector("video").currentTime > 0`)
		if name == "low" {
			b.seesEvent(gw)
		}
		var at float64
		b.must(`document.querySelector("video").currentTime`, &at)
		b.until(name+" goes on", fmt.Sprintf(`document.querySelector("video").currentTime > %f`, at+2))
	}
}

func (b *browser) seesEvent(gw *harness) {
	t := b.t
	t.Helper()
	b.must(`(()=>{window.__samples=0; window.__text="";
		tilecast.hls.on("hlsFragParsingMetadata", (_, d) => { for (const s of d.samples) {
			window.__samples++; window.__text += new TextDecoder().decode(s.data) } });
		return 1})()`, nil)
	resp, err := http.Post(gw.base+"/api/v1/rooms/low/events", "application/json",
		strings.NewReader(`{"id":"goal-1","class":"com.example.score","duration":1.5,"data":{"home":"3"}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var done struct{ Time time.Time }
	if err := json.NewDecoder(resp.Body).Decode(&done); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	const look = `(()=>{
		const v = document.querySelector("video"), frags = tilecast.hls.levels[tilecast.hls.loadLevel].details.fragments.filter(f => f.programDateTime);
		const frag = frags[frags.length - 1], date = t => frag.programDateTime / 1000 + t - frag.start;
		const seen = {samples: window.__samples, id3: [], date: [], text: window.__text};
		for (const track of v.textTracks) if (track.kind === "metadata") { track.mode = "hidden";
			for (const cue of track.cues ?? []) {
				if (cue.type === "https://aomedia.org/emsg/ID3" && cue.value?.info === "id" && cue.value.data === "goal-1") seen.id3.push(date(cue.startTime));
			} }
		const range = tilecast.hls.latestLevelDetails?.dateRanges?.["goal-1"];
		if (range?.attr["X-COM-EXAMPLE-SCORE-HOME"] === "3") seen.date.push(date(range.startTime));
		return seen})()`
	b.until("the event has come", `(s => s.samples > 0 && s.id3.length > 0 && s.date.length > 0)(`+look+`)`)
	var seen seenEvents
	b.must(look, &seen)
	want := float64(done.Time.UnixMicro()) / 1e6
	for kind, at := range map[string][]float64{"ID3": seen.ID3, "date range": seen.Date} {
		// hls.js puts the start of a playlist where the media says, to a millisecond or two.
		if off := at[0] - want; off < -0.02 || off > 0.02 {
			t.Errorf("the %s is shown %.3f s off its frame", kind, off)
		}
	}
	if seen.Samples != 1 || len(seen.ID3) != 1 || !strings.Contains(seen.Text, "TXXX") || !strings.Contains(seen.Text, "home\x003") {
		t.Errorf("%d samples, %d cues, payload %q", seen.Samples, len(seen.ID3), seen.Text)
	}
}
