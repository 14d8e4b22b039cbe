package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/configs"
	"tilecast/media"
	"tilecast/packager/m3u8"
	"tilecast/room"
)

// harness is the whole gateway in this process, on free ports.
type harness struct {
	*gateway
	stop func() error // ends it in order; once
	log  *said
}

// said is a test's output for a log. It keeps in mind whether the machine stood still for so long that sound was left out.
type said struct {
	io.Writer
	still atomic.Bool
}

func (s *said) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("nothing could be mixed")) {
		s.still.Store(true)
	}
	return s.Writer.Write(line)
}

// startGateway runs serve with the default configuration, as edited.
func startGateway(t *testing.T, edit func(*configs.Config)) *harness {
	t.Helper()
	needCodecs(t)
	cfg := configs.Default()
	cfg.HTTP.Listen, cfg.UDP.Port, cfg.Data = "127.0.0.1:0", 0, t.TempDir()
	cfg.Ingest.Limits.Overload = 0 // however slow the machine is
	if edit != nil {
		edit(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	up, over := make(chan *gateway, 1), make(chan error, 1)
	h := &harness{log: &said{Writer: t.Output()}}
	go func() {
		over <- serve(ctx, cfg, serveOptions{
			Out: io.Discard, Log: slog.New(slog.NewTextHandler(h.log, nil)),
			Ready: func(g *gateway) { up <- g },
		})
	}()
	select {
	case h.gateway = <-up:
	case err := <-over:
		cancel()
		t.Fatalf("serve: %v", err)
	}
	stopped := false
	h.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-over
	}
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Errorf("serve ended with: %v", err)
		}
	})
	return h
}

// needCodecs skips a test of the whole in a build without C, which has no real codecs.
func needCodecs(t *testing.T) {
	t.Helper()
	dec, err := codec.LibAV().NewVideoDecoder(media.VP8)
	if errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	dec.Close()
}

// publish lets a synthetic broadcaster into room demo, or to its URL, and returns once it is on air. leave
// ends it with a goodbye and tells how it went.
func (h *harness) publish(t *testing.T, cfg broadcast.Config) (pub *broadcast.Publisher, leave func() error) {
	t.Helper()
	if cfg.URL == "" {
		cfg.URL = h.base + "/whip/demo"
	}
	pub, err := broadcast.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- pub.Run(ctx) }()
	select {
	case <-pub.Up():
	case err := <-done:
		t.Fatalf("publisher: %v", err)
	}
	return pub, func() error {
		cancel()
		return <-done
	}
}

// tiles are the rectangles of n guests on the first room's canvas.
func (h *harness) tiles(n int) []image.Rectangle {
	s := h.cfg.Rooms[0].All()[0]
	spec := spec(&s.Layout)
	var rects []image.Rectangle
	for _, slot := range layout.Arrange(&spec, s.Width, s.Height, &layout.Stage{People: make([]layout.Person, n)}).Slots {
		rects = append(rects, slot.Rect)
	}
	return rects
}

// fetch is the body of a resource that is answered with 200.
func fetch(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// get fetches a resource; ok says that it was answered with 200.
func (h *harness) get(t *testing.T, url string) (body []byte, header http.Header, ok bool) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatalf("get %s: %v", url, err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatalf("get %s: %v", url, err)
	}
	return body, resp.Header, resp.StatusCode == http.StatusOK
}

// status is what the API says of a room.
func (h *harness) status(t *testing.T, name string) room.Status {
	t.Helper()
	var all struct{ Rooms []room.Status }
	body, _, _ := h.get(t, h.base+"/api/v1/rooms")
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatalf("api: %v", err)
	}
	for _, r := range all.Rooms {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("the API does not know room %q", name)
	return room.Status{}
}

// expectCodecs holds what the publishers send against what was asked of them.
func (h *harness) expectCodecs(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, p := range h.status(t, "demo").Participants {
		got = append(got, p.Codec)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("publishers send %v, want %v", got, want)
	}
}

// rendition is one media playlist of a program, and where it is.
type rendition struct {
	url  string
	list *m3u8.Playlist
}

// renditions loads the multivariant playlist of a room and every media playlist in it.
func (h *harness) renditions(t *testing.T, name string) map[string]rendition {
	t.Helper()
	at := h.base + "/hls/" + name + "/index.m3u8"
	body, _, ok := h.get(t, at)
	if !ok {
		t.Fatalf("%s: %s", at, body)
	}
	mv, err := m3u8.ParseMultivariant(body)
	if err != nil {
		t.Fatalf("%s: %v\n%s", at, err, body)
	}
	all := map[string]rendition{}
	add := func(ref string) {
		u := resolve(t, at, ref)
		text, _, ok := h.get(t, u)
		list, err := m3u8.ParseMedia(text)
		if !ok || err != nil {
			t.Fatalf("%s: %v\n%s", u, err, text)
		}
		all[ref] = rendition{u, list}
	}
	for _, v := range mv.Variants {
		add(v.URI)
	}
	for _, m := range mv.Audio {
		add(m.URI)
	}
	return all
}

func resolve(t *testing.T, base, ref string) string {
	t.Helper()
	b, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u, err := b.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	return u.String()
}

// eventually waits for a condition; the limit only tells a failure from a slow machine.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("gave up waiting until %s", what)
}

// expectUnbroken holds every playlist of a room against the rule that a program goes on through all that
// publishers do: one MSN after the other, no DISCONTINUITY, sound in every segment. A picture may be missing
// where this machine is too slow for the program, and sound where it stood still for seconds, which is said.
func (h *harness) expectUnbroken(t *testing.T, name string) {
	t.Helper()
	for ref, r := range h.renditions(t, name) {
		if r.list.DiscontinuitySequence != 0 {
			t.Errorf("%s: DISCONTINUITY-SEQUENCE is %d", ref, r.list.DiscontinuitySequence)
		}
		for i, s := range r.list.Segments {
			switch {
			case s.Discontinuity, s.Gap && strings.Contains(ref, "/audio") && !h.log.still.Load():
				t.Errorf("%s: segment %d: discontinuity %v, gap %v", ref, i, s.Discontinuity, s.Gap)
			case s.Gap:
				t.Logf("%s: segment %d is a gap: this machine is too slow for the program", ref, i)
			}
		}
	}
}
