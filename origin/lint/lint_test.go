package lint

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
)

// Our own origin has neither errors nor warnings, and nothing goes unchecked.
func TestOwnOrigin(t *testing.T) {
	rep := checked(t, 20*time.Second, nil)
	wantClean(t, rep)
	for _, f := range rep.Findings {
		if f.Rule != "N-1" {
			t.Errorf("note %s: %s %s", f.Rule, f.Where, f.Evidence)
		}
	}
	var text strings.Builder
	if err := rep.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	if len(rep.Unchecked) > 0 {
		t.Errorf("unchecked: %q", rep.Unchecked)
	}
}

// The end of a program: what follows EXT-X-ENDLIST is checked and nothing is waited for.
func TestProgramEnds(t *testing.T) {
	rep := checked(t, 20*time.Second, nil, func(g *program) { g.end = past + 5*media.Second })
	wantClean(t, rep)
	if rep.Watched > 10*time.Second {
		t.Errorf("watched for %v after the end", rep.Watched)
	}
}

// A program that is over already, and one whose server does not ignore directives then.
func TestEndedProgram(t *testing.T) {
	over := func(g *program) {
		g.close()
		g.end = 1
	}
	rep := checked(t, 20*time.Second, nil, over)
	wantClean(t, rep)
	for _, f := range rep.Facts.Renditions {
		if f.Segments.N < 10 || f.Parts.N == 0 {
			t.Errorf("little was fetched: %+v", f)
		}
	}
	rep = checked(t, 20*time.Second, requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return strings.Contains(r.URL.RawQuery, "_HLS_msn") && refuse(w, 400)
	}), over)
	if len(rep.Findings) == 0 || rep.Findings[0].Rule != "Q-11" {
		t.Errorf("found %+v", rep.Findings)
	}
}

// A media playlist alone is checked as far as that goes.
func TestMediaPlaylistAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newProgram(t, past)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.live(ctx, past)
		}()
		rep := runOn(t, g.srv, Config{URL: "http://stream.test/hls/demo/Pq7x/audio/stream.m3u8", For: 9 * time.Second})
		cancel()
		<-done
		wantClean(t, rep)
		if len(rep.Facts.Renditions) != 1 || rep.Facts.Renditions[0].Parts.N < 40 {
			t.Errorf("%+v", rep.Facts)
		}
	})
}

// Whoever loses patience gets what was seen until then.
func TestRunStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newProgram(t, past)
		h, stop := serveOn(g.srv)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		rep, err := Run(ctx, Config{URL: programURL, For: time.Hour, Client: h})
		stop()
		if err != nil || time.Since(start) != 3*time.Second || len(rep.Facts.Renditions) != 3 {
			t.Errorf("after %v: %+v, %v", time.Since(start), rep, err)
		}
	})
}

// Every rule that can be found is in the table, and every rule of the table can be found.
func TestRulesAreComplete(t *testing.T) {
	used := map[string]bool{}
	for _, pattern := range []string{"*.go", "../../packager/m3u8/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(filepath.Base(name), "rules") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`"((?:CDN|[A-Z]{1,2})-\d+(/[a-z]+)?)"|rror\w*\("([A-Z]{1,2}-\d+): `).FindAllStringSubmatch(string(text), -1) {
				used[m[1]+m[3]] = true
			}
		}
	}
	for id := range used {
		if _, ok := rules[id]; !ok {
			t.Errorf("%s can be found and is not in the table", id)
		}
	}
	for id, r := range rules {
		if !used[id] {
			t.Errorf("%s is in the table and cannot be found", id)
		}
		if r.Section == "" || r.Text == "" || r.Level != Error && r.Level != Warning && r.Level != Note {
			t.Errorf("%+v is incomplete", r)
		}
	}
}
