package origin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// Before every stream has a whole segment, playlists wait; parts and init sections can be had (24.10, H-9, H-14).
func TestHeldUntilReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		targets := []string{"/hls/demo/index.m3u8", "/hls/demo/main.m3u8", at(r.top, "stream.m3u8"),
			at(r.audio, "stream.m3u8?_HLS_skip=YES"), at(r.low, "stream.m3u8?_HLS_msn=101&_HLS_part=0")}
		var reqs []*pending
		for _, target := range targets {
			reqs = append(reqs, r.start(target))
		}
		r.feed(7, r.top)
		r.feed(7, r.audio)
		r.feed(5, r.low)
		synctest.Wait()
		for i, req := range reqs {
			if req.finished() {
				t.Fatalf("%s was answered before 360p had a segment: %d %s", targets[i], req.Code, req.Body)
			}
		}
		if r.p.Live() || r.p.Stats().Ready || r.srv.Stats().Waiting != 5 {
			t.Error("ready too early, or nobody waits")
		}
		if r.get(at(r.top, "100.0.m4s")) == "" || r.get(at(r.audio, "init.0.mp4")) != "init sound" {
			t.Error("media cannot be had before the program is ready")
		}
		r.feed(1, r.low)
		synctest.Wait()
		for i, req := range reqs[:4] {
			if !req.finished() || req.Code != http.StatusOK {
				t.Errorf("%s was not answered when the last stream had a segment", targets[i])
			}
		}
		if reqs[4].finished() {
			t.Error("a directive was not honoured by a request that came before the program was ready")
		}
		r.feed(1, r.low)
		synctest.Wait()
		if !reqs[4].finished() || !r.p.Live() || r.srv.Stats().Waiting != 0 {
			t.Error("not live")
		}
	})
}

// The wait is bounded; then 404 that is not kept (24.10).
func TestNeverReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		index, list := r.start("/hls/demo/index.m3u8"), r.start(at(r.top, "stream.m3u8"))
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		if index.finished() || list.finished() {
			t.Fatal("told too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		late := r.start("/hls/demo/index.m3u8")
		synctest.Wait()
		r.feed(3)
		r.p.Finish() // two parts are a segment now, so there is something to play
		synctest.Wait()
		for _, req := range []*pending{index, list} {
			if req.Code != http.StatusNotFound || req.Header().Get("Cache-Control") != "max-age=1" {
				t.Errorf("%d %q", req.Code, req.Header().Get("Cache-Control"))
			}
		}
		if !late.finished() || late.Code != http.StatusOK {
			t.Error("a program that ended within its first segment cannot be played")
		}
	})
}

// A program that ends with nothing releases those who wait for it, at once.
func TestEndedEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		req := r.start("/hls/demo/index.m3u8")
		synctest.Wait()
		r.p.Finish()
		synctest.Wait()
		if !req.finished() || req.Code != http.StatusNotFound {
			t.Error("still waiting for a program that is over")
		}
		select {
		case <-r.p.Done():
		default:
			t.Error("not done")
		}
	})
}

// Streams that begin at different segments are listed from the first that all have (C-4).
func TestStartTogether(t *testing.T) {
	r := newRig(t)
	r.played[r.low] = 12 // the encoder came two segments late
	r.played[r.audio] = 6
	r.feed(14, r.top)
	r.feed(6, r.low) // 102
	r.feed(11, r.audio)
	if r.p.Live() {
		t.Fatal("ready although the sound has no 102")
	}
	r.feed(3, r.audio) // 102.1
	if r.p.Live() {
		t.Fatal("ready although 102 of the sound is not whole")
	}
	r.feed(4, r.audio)
	if r.p.Live() {
		t.Fatal("ready although 720p has no whole 102")
	}
	r.feed(4, r.top)
	for _, s := range []*Stream{r.top, r.low, r.audio} {
		text := r.get(at(s, "stream.m3u8"))
		segments, _ := uris(text)
		if len(segments) == 0 || segments[0] != "102.m4s" || !strings.Contains(text, "MEDIA-SEQUENCE:102\n") {
			t.Errorf("%s begins otherwise:\n%s", s.name, text)
		}
		if strings.Count(text, "RENDITION-REPORT") != 2 {
			t.Errorf("%s lacks reports:\n%s", s.name, text)
		}
	}
	r.get(at(r.top, "100.m4s")) // not listed, but there
}

// After the end the playlists stay for the window, media for as long again as the longest playlist, then all
// is let go (L-6, L-8).
func TestLifeAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for range 6 * 40 {
			time.Sleep(time.Second / 3)
			r.feed(1)
		}
		if !r.p.Live() {
			t.Fatal("not live")
		}
		r.top.Finish()
		r.low.Finish()
		if !r.p.Live() {
			t.Error("over while the sound goes on")
		}
		r.audio.Finish()
		if r.p.Live() || !r.p.Stats().Ended {
			t.Error("not over")
		}
		segments, _ := uris(r.get(at(r.top, "stream.m3u8")))
		time.Sleep(60 * time.Second)
		r.get("/hls/demo/index.m3u8")
		r.get(at(r.top, "stream.m3u8"))
		time.Sleep(time.Second)
		for _, target := range []string{"/hls/demo/index.m3u8", at(r.top, "stream.m3u8"), at(r.audio, "stream.m3u8?_HLS_msn=1")} {
			if w := r.do("GET", target); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "max-age=1" {
				t.Errorf("%s a window after the end: %d", target, w.Code)
			}
		}
		time.Sleep(60 * time.Second) // a segment and a playlist after the removal
		for _, uri := range segments {
			r.get(at(r.top, uri))
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if st := r.srv.Stats(); st.Rooms != 0 || st.Programs != 0 {
			t.Errorf("not let go: %+v", st)
		}
		if w := r.do("GET", at(r.top, segments[0])); w.Code != http.StatusNotFound {
			t.Errorf("media for ever: %d", w.Code)
		}
	})
}

// A new program takes over the room's address; the one before stays under its own.
func TestNextProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.feed(8)
		r.p.Finish()
		next := NewProgram(ProgramConfig{ID: "next", Plan: r.plan, FirstMSN: 500})
		s := next.AddVideo("main", "720p", videoInit(r.plan, 1280, 720, 1_000_000))
		r.srv.Publish(roomName, next)
		r.srv.Publish(roomName, next) // as good as once
		req := r.start("/hls/demo/index.m3u8")
		synctest.Wait()
		if req.finished() {
			t.Error("the old program is handed out, or an error, while the new one begins")
		}
		if err := s.Append(packager.Part{MSN: 500, Dur: media.Second, Independent: true, Last: true, Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !req.finished() || !strings.Contains(req.Body.String(), "next/main-720p/stream.m3u8") {
			t.Errorf("index: %d %s", req.Code, req.Body)
		}
		if !strings.Contains(r.get(at(r.top, "stream.m3u8")), "ENDLIST") {
			t.Error("the old program is not there any more")
		}
		if st := r.srv.Stats(); st.Rooms != 1 || st.Programs != 2 {
			t.Errorf("%+v", st)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if st := r.srv.Stats(); st.Rooms != 1 || st.Programs != 1 {
			t.Errorf("five minutes later: %+v", st)
		}
		if !strings.Contains(r.get("/hls/demo/index.m3u8"), "next/") {
			t.Error("letting go of the old program hurt the new one")
		}
	})
}

// A withdrawn program: playlists are gone at once, media stays (L-8).
func TestUnpublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.feed(8)
		r.srv.Unpublish("nobody")
		r.srv.Unpublish(roomName)
		r.srv.Unpublish(roomName)
		for _, target := range []string{"/hls/demo/index.m3u8", at(r.top, "stream.m3u8")} {
			if w := r.do("GET", target); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", target, w.Code)
			}
		}
		time.Sleep(62 * time.Second)
		r.get(at(r.top, "100.m4s"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.srv.Stats().Rooms != 0 {
			t.Error("not let go")
		}
		r.feed(1) // the writer does not notice
	})
}

// Each canvas has a playlist of its own and reports on its own renditions.
func TestCanvases(t *testing.T) {
	r := newRig(t)
	tall := r.p.AddVideo("tall", "720p", videoInit(r.plan, 720, 1280, 2_000_000))
	r.feed(8, r.top, r.low, r.audio, tall)
	index := r.get("/hls/demo/index.m3u8")
	if index != r.get("/hls/demo/main.m3u8") || strings.Contains(index, "tall") {
		t.Errorf("the first canvas is not the default one:\n%s", index)
	}
	if got := r.get("/hls/demo/tall.m3u8"); strings.Contains(got, "main-") || !strings.Contains(got, "RESOLUTION=720x1280") ||
		!strings.Contains(got, programID+"/tall-720p/stream.m3u8") {
		t.Errorf("tall:\n%s", got)
	}
	for _, test := range []struct {
		s    *Stream
		want string
	}{
		{r.top, "main-360p audio"}, {r.low, "main-720p audio"}, {tall, "audio"}, {r.audio, "main-720p main-360p tall-720p"},
	} {
		var got []string
		for line := range strings.Lines(r.get(at(test.s, "stream.m3u8"))) {
			if rest, ok := strings.CutPrefix(line, `#EXT-X-RENDITION-REPORT:URI="../`); ok {
				name, rest, _ := strings.Cut(rest, "/")
				got = append(got, name)
				if !strings.HasPrefix(rest, `stream.m3u8",LAST-MSN=101,LAST-PART=`) {
					t.Errorf("report %q", line)
				}
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s reports on %v, want %s", test.s.name, got, test.want)
		}
	}
	if w := r.do("GET", "/hls/demo/wide.m3u8"); w.Code != http.StatusNotFound {
		t.Errorf("a canvas that is not there: %d", w.Code)
	}
}

// Reports say what the others have published at the moment of rendering.
func TestReportsAreFresh(t *testing.T) {
	r := newRig(t)
	r.to(firstMSN+3, 1)
	for _, step := range []struct {
		feed *Stream
		want string // in the playlist of 720p after its own next part
	}{{r.low, "LAST-MSN=103,LAST-PART=2"}, {r.low, "LAST-MSN=103,LAST-PART=3"}} {
		r.feed(1, step.feed)
		r.feed(1, r.top)
		text := r.get(at(r.top, "stream.m3u8"))
		if !strings.Contains(text, fmt.Sprintf("URI=\"../main-360p/stream.m3u8\",%s\n", step.want)) {
			t.Errorf("want %s in\n%s", step.want, text)
		}
	}
	// At a segment's end the last part is of the closed segment, not of the open one.
	r.feed(2, r.low)
	r.feed(1, r.top)
	if text := r.get(at(r.top, "stream.m3u8")); !strings.Contains(text, "LAST-MSN=103,LAST-PART=5\n") {
		t.Errorf("at the end of a segment:\n%s", text)
	}
}

// Programs without sound or without pictures have playlists that say so.
func TestOneKindOnly(t *testing.T) {
	for _, sound := range []bool{false, true} {
		r := newRig(t)
		p := NewProgram(ProgramConfig{ID: "one", Plan: r.plan, FirstMSN: firstMSN})
		var s *Stream
		if sound {
			s = p.AddAudio("audio", audioInit())
		} else {
			s = p.AddVideo("main", "720p", videoInit(r.plan, 1280, 720, 1_000_000))
		}
		r.srv.Publish(roomName, p)
		r.feed(6, s)
		index := r.get("/hls/demo/index.m3u8")
		if strings.Contains(index, "EXT-X-MEDIA:") || strings.Contains(index, "AUDIO=") || strings.Contains(index, "RESOLUTION") == sound ||
			strings.Count(index, "stream.m3u8") != 1 || strings.Contains(index, "mp4a") != sound {
			t.Errorf("sound %v:\n%s", sound, index)
		}
		if strings.Contains(r.get("/hls/demo/one/"+s.name+"/stream.m3u8"), "RENDITION-REPORT") {
			t.Error("a report on nobody")
		}
	}
}
