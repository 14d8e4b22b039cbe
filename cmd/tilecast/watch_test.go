package main

import (
	"context"
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
		g.watch(ctx, serveOptions{File: file, Reload: func() (configs.Config, error) { return read() }, Log: slog.New(slog.NewTextHandler(log, nil))})
	}()
	mode := func() layout.Mode { return g.rooms.Config("demo").Canvases[0].Look.Layout.Mode }
	poke(t, file, log, "configuration taken over", func(k int) { put("    layout: {mode: split, gap: " + strings.Repeat("1", k%2+1) + "px}\n") })
	if mode() != layout.Split {
		t.Errorf("the mode is %s", mode())
	}
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
	put("    ladder: [{name: 720p}, {name: 360p, fps: 15}]\n    window: 2m\nlog: {level: debug}\n")
	if said := log.await(t, "configuration taken over"); !strings.Contains(said, "ladder") {
		t.Errorf("another frame rate of a rung: %s", said)
	}
	cancel()
	<-watching
}

// poke changes the file until the watcher, which may not have begun yet, has seen it.
func poke(t *testing.T, file string, log *lines, word string, change func(k int)) {
	t.Helper()
	for k := range 20 {
		change(k)
		limit := time.After(2 * time.Second)
		for waiting := true; waiting; {
			log.mu.Lock()
			seen := strings.Contains(log.text.String(), word)
			log.mu.Unlock()
			if seen {
				log.await(t, word)
				return
			}
			select {
			case <-log.more:
			case <-limit:
				waiting = false
			}
		}
	}
	t.Fatalf("changes of %s are not seen", file)
}
