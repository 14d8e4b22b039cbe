package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tilecast/compositor/layout"
	"tilecast/configs"
)

// lines is a log that can be waited for.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

// await waits for a line with word and forgets all that was said until then.
func (l *lines) await(t *testing.T, word string) string {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		l.mu.Lock()
		text := l.text.String()
		if strings.Contains(text, word) {
			l.text.Reset()
		}
		l.mu.Unlock()
		if strings.Contains(text, word) {
			return text
		}
		select {
		case <-l.more:
		case <-limit:
			t.Fatalf("nothing is said of %q:\n%s", word, text)
		}
	}
}

func TestEditingTheFileChangesTheProgram(t *testing.T) {
	needCodecs(t)
	file := filepath.Join(t.TempDir(), "tilecast.yaml")
	head := "http: {listen: \"127.0.0.1:0\"}\nudp: {port: 0}\ndata: " + t.TempDir() + "\nrooms:\n  - name: demo\n    start: always\n"
	put := func(text string) { // as an editor does: a new file in the old one's place
		if err := os.WriteFile(file+"~", []byte(head+text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+"~", file); err != nil {
			t.Fatal(err)
		}
	}
	put("    layout: {mode: grid}\n")
	log := &lines{more: make(chan struct{}, 1)}
	read := func() (configs.Config, error) { return configs.ParseFile(file) }
	cfg, err := read()
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGateway(cfg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer g.close(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		g.watch(ctx, serveOptions{File: file, Reload: read, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	}()
	log.await(t, "is watched")
	mode := func() layout.Mode { return g.rooms.Config("demo").Canvases[0].Look.Layout.Mode }
	put("    layout: {mode: split, background: {color: '#c82828'}}\n")
	log.await(t, "configuration taken over")
	if mode() != layout.Split {
		t.Errorf("the mode is %s", mode())
	}
	awaitGround(t, g, red)
	put("    layout: {mode: splat}\n")
	if said := log.await(t, "not taken over"); !strings.Contains(said, `did you mean \"split\"`) || mode() != layout.Split {
		t.Errorf("a broken edit: %s, and the mode is %s", said, mode())
	}
	if err := os.WriteFile(file, []byte(head+"    layout: {mode: single}\n    window: 2m\nlog: {level: debug}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := log.await(t, "need a restart")
	if !strings.Contains(said, "withARestart=window") || mode() != layout.Single {
		t.Errorf("an edit in place: %s, and the mode is %s", said, mode())
	}
	awaitGround(t, g, dark)
	put("    ladder: [{name: 720p}, {name: 360p, fps: 15}]\n    window: 2m\nlog: {level: debug}\n")
	if said := log.await(t, "configuration taken over"); !strings.Contains(said, "ladder") {
		t.Errorf("another frame rate of a rung: %s", said)
	}
	cancel()
	<-watching
}

// awaitGround waits for a picture of the room demo whose corner is of a colour.
func awaitGround(t *testing.T, g *gateway, want color.Color) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for at := time.Now(); ; at = at.Add(time.Minute) { // each is too late for the poster before
		p, err := g.rooms.Poster("demo", at)
		if err == nil {
			var img image.Image
			if img, err = jpeg.Decode(bytes.NewReader(p.Data)); err == nil && closeTo(img.At(4, 4), want) {
				return
			}
		}
		select {
		case <-limit:
			t.Fatalf("the ground of the program does not become %v: %v", want, err)
		default:
		}
	}
}
