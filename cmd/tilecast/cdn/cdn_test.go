package cdn

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tilecast/origin/lint"
)

// behind runs f with a program and the URL under which a cache in front of it is reached.
func behind(t *testing.T, kind Kind, f func(*Program, string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("the same in every build, and slow")
	}
	g, err := NewProgram("ultra")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	c, err := Start(kind, filepath.Join("..", "..", "..", "configs"), t.TempDir(), strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	f(g, c.URL)
	if t.Failed() {
		t.Log(c.Log())
	}
}

// 200 viewers who wait cost the origin one request for each object, whatever their URLs look like.
func TestCrowdBehindCaches(t *testing.T) {
	for _, kind := range []Kind{Varnish, Nginx} {
		t.Run(string(kind), func(t *testing.T) {
			behind(t, kind, func(g *Program, base string) {
				w, err := Watch(t.Context(), base+List, 200, 4*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				l := g.Load()
				t.Logf("%d parts to each of 200; first to last viewer p50 %v, p95 %v; %d answers, %d of them from the cache; at the origin %+v",
					w.Parts, w.Spread(50), w.Spread(95), w.Answers, w.FromHere, l)
				if len(w.Failures) > 0 {
					t.Errorf("%d viewers failed: %s", len(w.Failures), w.Failures[0])
				}
				if w.Parts < 3 {
					t.Errorf("only %d parts reached everybody", w.Parts)
				}
				if l.URLs != l.Objects {
					t.Errorf("%d objects were asked for by %d URLs", l.Objects, l.URLs)
				}
				if l.Objects == 0 || float64(l.Requests) > 1.1*float64(l.Objects) {
					t.Errorf("%d requests for %d objects, %d of them for %s", l.Requests, l.Objects, l.Most, l.MostURL)
				}
			})
		})
	}
}

// What check has to say of the two: nothing of Varnish, and of nginx what cannot be set there, with what follows from it.
func TestCheckOfCaches(t *testing.T) {
	late := []string{"Q-3", "Q-4", "Q-5", "R-6", "P-11", "C-9", "PH-9"} // answers that come half a second late
	for kind, known := range map[Kind][]string{Varnish: nil, Nginx: {"CDN-3", "CDN-5"}} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			behind(t, kind, func(_ *Program, base string) {
				rep, err := lint.Run(t.Context(), lint.Config{URL: base + Index, For: 15 * time.Second, CDN: true})
				if err != nil {
					t.Fatal(err)
				}
				found := map[string]bool{}
				for _, f := range rep.Findings {
					found[f.Rule] = true
					if f.Level != lint.Note && !slices.Contains(known, f.Rule) && (known == nil || !slices.Contains(late, f.Rule)) {
						t.Errorf("%s %s %s %s: %s (%d)", f.Level, f.Rule, f.Where, f.At, f.Evidence, f.Count)
					}
				}
				if kind == Nginx && !found["CDN-3"] { // CDN-5 is a matter of when the first viewer of a part comes
					t.Error("CDN-3 was not found")
				}
			})
		})
	}
}

// What cannot be started says why, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	configs := t.TempDir()
	if _, err := Start(Nginx, configs, t.TempDir(), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "nginx.conf") {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(configs, "nginx.conf"), []byte("upstream tilecast { server 127.0.0.1:8080; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Nginx, configs, t.TempDir(), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), `no "listen 80;"`) {
		t.Errorf("with a file that is not ours: %v", err)
	}
	text := "listen 80;\n/var/cache/nginx/tilecast\n127.0.0.1:8080\n"
	if err := os.WriteFile(filepath.Join(configs, "nginx.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Nginx, configs, t.TempDir(), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "ended at once:\n") {
		t.Errorf("with a file that nginx refuses: %v", err)
	}
}
