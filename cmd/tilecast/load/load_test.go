package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tilecast/cmd/tilecast/canned"
)

// serve runs a canned program on a server of its own until end. wrap may stand in its way.
func serve(t *testing.T, secure bool, wrap func(http.Handler) http.Handler) (url string, end func()) {
	t.Helper()
	p, err := canned.New("low", time.Now().Add(-20*time.Second), 400_000, 200_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Catch(time.Now()); err != nil {
		t.Fatal(err)
	}
	var h http.Handler = p.Server
	if wrap != nil {
		h = wrap(h)
	}
	srv := httptest.NewUnstartedServer(h)
	if secure {
		srv.EnableHTTP2 = true
		srv.TLS = &tls.Config{}
		srv.StartTLS()
	} else {
		srv.Config.Protocols = new(http.Protocols)
		srv.Config.Protocols.SetHTTP1(true)
		srv.Config.Protocols.SetUnencryptedHTTP2(true)
		srv.Start()
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	return srv.URL + "/hls/" + canned.Room + "/index.m3u8", cancel
}

// Viewers get every part of a stream that is well, over every protocol. What came in time is not asserted: the
// machine may be busy.
func TestViewersGetEveryPart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secure bool
		cfg    Config
		proto  string
	}{
		"HTTP/1.1":        {cfg: Config{Viewers: 20}, proto: "HTTP/1.1"},
		"HTTP/2":          {secure: true, cfg: Config{Viewers: 20, Insecure: true, Spread: true}, proto: "HTTP/2 with TLS"},
		"HTTP/1.1 on TLS": {secure: true, cfg: Config{Viewers: 5, Insecure: true, HTTP1: true}, proto: "HTTP/1.1 with TLS"},
		"h2c":             {cfg: Config{Viewers: 5, H2C: true}, proto: "HTTP/2 without TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := serve(t, c.secure, nil)
			c.cfg.URL, c.cfg.For, c.cfg.Ramp = url, 2*time.Second, 300*time.Millisecond
			rep, err := Run(t.Context(), c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			// Two tracks of three parts a second, of which a few at the edges do not count.
			least := c.cfg.Viewers * 2 * 3
			if rep.Joined != c.cfg.Viewers || rep.Parts.Got < least || rep.Parts.Missed != 0 || len(rep.Errors) != 0 || rep.Protocol != c.proto {
				t.Errorf("%+v", rep)
			}
			if rep.Latency.P50 <= 0 || rep.Latency.P50 > 20 || rep.Bytes == 0 || rep.Playlists.Count < int64(least) || rep.PartTarget < .3 {
				t.Errorf("%+v", rep)
			}
			var text, doc bytes.Buffer
			if err := rep.WriteText(&text); err != nil || !strings.Contains(text.String(), "served") {
				t.Errorf("%v\n%s", err, &text)
			}
			if err := json.NewEncoder(&doc).Encode(rep); err != nil || !strings.Contains(doc.String(), `"inTime"`) {
				t.Errorf("%v\n%s", err, &doc)
			}
		})
	}
}

// What a server does badly shows in the report.
func TestFaultsShow(t *testing.T) {
	t.Parallel()
	late := func(h http.Handler) http.Handler {
		var n atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".m4s") && n.Add(1)%5 == 0 { // one viewer's part comes late
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				time.Sleep(time.Second)
				w.Write(rec.Body.Bytes())
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	refuse := func(h http.Handler) http.Handler {
		var n atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.RawQuery, "_HLS_msn") && n.Add(1)%20 == 0 {
				http.Error(w, "no", http.StatusBadGateway)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	for name, c := range map[string]struct {
		wrap func(http.Handler) http.Handler
		seen func(*Report) bool
	}{
		"parts that come late": {late, func(r *Report) bool {
			return r.Parts.InTime < r.Parts.Got && r.Behind.Max > 0.5 && r.Served.Viewers < r.Viewers
		}},
		"refused reloads": {refuse, func(r *Report) bool { return len(r.Errors) == 1 && r.Errors[0].What == "502 Bad Gateway" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := serve(t, false, c.wrap)
			rep, err := Run(t.Context(), Config{URL: url, Viewers: 10, For: 3 * time.Second, Ramp: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if !c.seen(rep) || rep.Good() {
				t.Errorf("%+v", rep)
			}
		})
	}
}

// A stream that ends lets its viewers go.
func TestEndOfTheStream(t *testing.T) {
	t.Parallel()
	url, end := serve(t, false, nil)
	time.AfterFunc(time.Second, end)
	begin := time.Now()
	rep, err := Run(t.Context(), Config{URL: url, Viewers: 3, For: time.Hour, Ramp: 10 * time.Millisecond})
	if err != nil || time.Since(begin) > 30*time.Minute || len(rep.Errors) != 0 || rep.Parts.Missed != 0 {
		t.Errorf("%+v, %v", rep, err)
	}
}

// What is wrong from the beginning is said, with what to do.
func TestProblems(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			w.Write([]byte("<html>"))
		case "/slow.m3u8":
			w.Write([]byte("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:4,\na.m4s\n"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer page.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it will say what it thinks of us
	secure.StartTLS()
	defer secure.Close()
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{URL: "localhost:8080", Viewers: 1}, "is not the address of a playlist"},
		{Config{URL: page.URL + "/page", Viewers: 0}, "--viewers: 0 is nobody"},
		{Config{URL: page.URL + "/page", Viewers: 1, For: -1}, "is no time to watch"},
		{Config{URL: page.URL + "/page", Viewers: 5000, Files: 1024}, "raise the limit (ulimit -n 20050)"},
		{Config{URL: page.URL + "/page", Viewers: 1}, "is not a playlist that can be played"},
		{Config{URL: page.URL + "/nowhere", Viewers: 1}, "404 Not Found: nothing is live there"},
		{Config{URL: page.URL + "/slow.m3u8", Viewers: 2}, "not a low-latency playlist"},
		{Config{URL: "http://127.0.0.1:1/x.m3u8", Viewers: 1}, "connection refused: nobody listens there"},
		{Config{URL: secure.URL, Viewers: 1}, "--insecure takes it all the same"},
		{Config{URL: "https" + strings.TrimPrefix(page.URL, "http"), Viewers: 1}, "use http:// instead"},
	} {
		if c.cfg.For == 0 {
			c.cfg.For = time.Second
		}
		_, err := Run(t.Context(), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0: time.Millisecond, .5: 500 * time.Millisecond, .95: 950 * time.Millisecond, 1: time.Second} {
		if got := h.quantile(q); got < want || got > want+want/15 {
			t.Errorf("quantile %v is %v, want %v or a sixteenth more", q, got, want)
		}
	}
	for d := time.Duration(1); d < time.Hour; d = d*3/2 + 1 {
		if s := slot(d); top(s) < d || s > 0 && top(s-1) >= d {
			t.Errorf("%v is in the bucket that ends at %v, behind one that ends at %v", d, top(s), top(s-1))
		}
	}
}
