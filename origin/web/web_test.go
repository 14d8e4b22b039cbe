package web

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRoutes(t *testing.T) {
	h := Handler()
	for _, c := range []struct {
		method, target string
		status         int
		contains       string // of the body, or of Location
	}{
		{"GET", "/", 200, "Live now"},
		{"HEAD", "/", 200, ""},
		{"GET", "/stage/demo", 200, `data-room="demo"`},
		{"GET", "/watch/demo", 200, `data-room="demo"`},
		{"GET", "/watch/a.b_c-9", 200, `data-room="a.b_c-9"`},
		{"GET", "/watch/demo/", 302, "/watch/demo"},
		{"GET", "/watch/demo/?x=1", 302, "/watch/demo?x=1"},
		{"GET", "/stage", 302, "/"},
		{"GET", "/watch/", 302, "/"},
		{"GET", "/watch/%3Cscript%3E", 404, "&lt;script&gt;"},
		{"GET", "/watch/" + strings.Repeat("a", 65), 404, "Nothing on this tile"},
		{"GET", "/watch/demo/more", 404, "Nothing on this tile"},
		{"GET", "/nothing", 404, "Nothing on this tile"},
		{"GET", "/static/", 404, "Nothing on this tile"},
		{"GET", "/static/../web.go", 307, "/web.go"},
		{"GET", "/favicon.ico", 200, "<svg"},
		{"GET", "/static/lib/README.txt", 200, "npm ci"},
		{"POST", "/", 405, "only read"},
		{"DELETE", "/watch/demo", 405, "only read"},
		{"POST", "/nothing", 405, "only read"},
	} {
		r := get(t, h, c.method, c.target)
		body := text(t, r) + r.Header.Get("Location")
		if r.StatusCode != c.status || !strings.Contains(body, c.contains) {
			t.Errorf("%s %s: status %d, want %d with %q; got %.200q", c.method, c.target, r.StatusCode, c.status, c.contains, body)
		}
		if c.method == "HEAD" && body != "" {
			t.Errorf("HEAD %s has a body", c.target)
		}
	}
}

func TestHeaders(t *testing.T) {
	h := Handler()
	for _, target := range []string{"/", "/watch/demo", "/nothing", "/static/tilecast.css"} {
		r := get(t, h, "GET", target)
		csp := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "media-src 'self' blob:", "worker-src 'self' blob:"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %q", target, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "//") {
			t.Errorf("%s: policy is weak: %q", target, csp)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: headers %v", target, r.Header)
		}
	}
}

func TestTypes(t *testing.T) {
	h := Handler()
	for target, want := range map[string]string{
		"/static/tilecast.css": "text/css; charset=utf-8",
		"/static/watch.js":     "text/javascript; charset=utf-8",
		"/static/favicon.svg":  "image/svg+xml",
		"/watch/demo":          "text/html; charset=utf-8",
		"/nothing":             "text/html; charset=utf-8",
	} {
		if got := get(t, h, "GET", target).Header.Get("Content-Type"); got != want {
			t.Errorf("%s is %q, want %q", target, got, want)
		}
	}
}

var versioned = regexp.MustCompile(`/static/v-[0-9a-f]{12}/[a-z./]+`)

// Everything a page names exists, is named with its version and may be kept for ever; modules too.
func TestPagesNameWhatExists(t *testing.T) {
	h := Handler()
	imports := regexp.MustCompile(`from '\./([a-z]+\.js)'`)
	for _, page := range []string{"/", "/stage/demo", "/watch/demo", "/nothing"} {
		names := versioned.FindAllString(text(t, get(t, h, "GET", page)), -1)
		if len(names) < 2 {
			t.Fatalf("%s names only %v", page, names)
		}
		for i := 0; i < len(names); i++ {
			r := get(t, h, "GET", names[i])
			body := text(t, r)
			if r.StatusCode != 200 || r.Header.Get("Cache-Control") != forever {
				t.Errorf("%s: %s is %d, %q", page, names[i], r.StatusCode, r.Header.Get("Cache-Control"))
			}
			if !strings.HasSuffix(names[i], ".min.js") && len(names) < 100 {
				for _, m := range imports.FindAllStringSubmatch(body, -1) {
					names = append(names, names[i][:strings.LastIndex(names[i], "/")+1]+m[1])
				}
			}
		}
	}
}

func TestCaching(t *testing.T) {
	h := Handler()
	for _, target := range []string{"/", "/watch/demo", "/static/watch.js", "/static/v-000000000000/watch.js"} {
		r := get(t, h, "GET", target)
		tag := r.Header.Get("ETag")
		if r.Header.Get("Cache-Control") != revalidate || tag == "" {
			t.Errorf("%s: %v", target, r.Header)
		}
		if again := get(t, h, "GET", target, "If-None-Match", tag); again.StatusCode != 304 || text(t, again) != "" {
			t.Errorf("%s: status %d for a copy that is current", target, again.StatusCode)
		}
		if again := get(t, h, "GET", target, "If-None-Match", `"old"`); again.StatusCode != 200 {
			t.Errorf("%s: status %d for an old copy", target, again.StatusCode)
		}
	}
	if get(t, h, "GET", "/watch/a").Header.Get("ETag") == get(t, h, "GET", "/watch/b").Header.Get("ETag") {
		t.Error("two rooms share an ETag")
	}
}

func TestCompression(t *testing.T) {
	h := Handler()
	plain := get(t, h, "GET", "/static/tilecast.css")
	for accept, packed := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "GZIP": true, "*": true, "gzip;q=1.0": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.0": false, "identity": false,
	} {
		r := get(t, h, "GET", "/static/tilecast.css", "Accept-Encoding", accept)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("Accept-Encoding %q: packed is %t", accept, got)
		}
		if r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: Vary is %q", accept, r.Header.Get("Vary"))
		}
		if packed && r.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Errorf("packed and plain bytes share the ETag %s", r.Header.Get("ETag"))
		}
	}
	z, err := gzip.NewReader(get(t, h, "GET", "/static/tilecast.css", "Accept-Encoding", "gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil || string(unpacked) != text(t, plain) {
		t.Errorf("packed bytes differ from plain ones (%v)", err)
	}
	part := get(t, h, "GET", "/static/tilecast.css", "Accept-Encoding", "gzip", "Range", "bytes=0-9")
	if part.StatusCode != 206 || len(text(t, part)) != 10 {
		t.Errorf("a range gives %d", part.StatusCode)
	}
}

// Privacy, and the policy above: nothing leaves this host, and nothing is inline.
func TestNothingForeign(t *testing.T) {
	foreign := regexp.MustCompile(`(?i)(src|href|action|url|import|fetch)\s*[=(]?\s*["'(]*(https?:)?//[a-z0-9]`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=`)
	for _, folder := range []string{"pages", "static"} {
		err := fs.WalkDir(embedded, folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(name, ".min.js") {
				return err
			}
			data, err := fs.ReadFile(embedded, name)
			if m := foreign.Find(data); m != nil {
				t.Errorf("%s names another host: %s", name, m)
			}
			if m := inline.Find(data); m != nil && strings.HasSuffix(name, ".html") {
				t.Errorf("%s has inline code or style, which the policy forbids: %s", name, m)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// withoutPlayer is what is embedded when hls.js was not fetched.
func withoutPlayer(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(embedded, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != "static/"+player {
			data, _ := fs.ReadFile(embedded, name)
			files[name] = &fstest.MapFile{Data: data}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// With and without hls.js the same pages work; the watch page loads it only where it is.
func TestPlayerMayBeMissing(t *testing.T) {
	without := withoutPlayer(t)
	if page := text(t, get(t, newSite(without), "GET", "/watch/demo")); strings.Contains(page, "hls.min.js") || !strings.Contains(page, "watch.js") {
		t.Error("the page names a player that is not there")
	}
	without["static/"+player] = &fstest.MapFile{Data: []byte("var Hls")}
	with := newSite(without)
	page := text(t, get(t, with, "GET", "/watch/demo"))
	i := strings.Index(page, "/static/v-")
	if !strings.Contains(page, "hls.min.js") || i < 0 {
		t.Fatal("the page does not name the player")
	}
	for _, name := range versioned.FindAllString(page, -1) {
		if r := get(t, with, "GET", name); r.StatusCode != 200 {
			t.Errorf("%s is %d", name, r.StatusCode)
		}
	}
}

// The lock file pins version and checksum and holds no address, so that any mirror serves.
func TestLockFileHoldsNoAddress(t *testing.T) {
	raw, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "://") || strings.Contains(string(raw), "resolved") {
		t.Error("package-lock.json names a registry; run npm in this folder, whose .npmrc prevents that")
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		t.Fatal(err)
	}
	if p := lock.Packages["node_modules/hls.js"]; p.Version == "" || !strings.HasPrefix(p.Integrity, "sha512-") {
		t.Errorf("hls.js is not pinned: %+v", p)
	}
}

// The logic of the pages is tested in test/, by node's own runner.
func TestModules(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	out, err := exec.Command(node, "--test", "test/").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
