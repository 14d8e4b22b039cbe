// Package web is the pages a person opens: rooms, stage and watch.
//
// Plain HTML, one stylesheet and ES modules, all embedded. Nothing refers to another host.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
)

//go:embed pages static
var embedded embed.FS

// player is the one file that comes from npm; see static/lib/README.txt.
const player = "lib/hls.min.js"

// A page is checked on every use, a file under its version never again.
const (
	revalidate = "no-cache"
	forever    = "public, max-age=31536000, immutable"
)

// policy allows what the pages need and nothing else: own files, media and hls.js's worker from blobs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"media-src 'self' blob:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

var roomRE = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$`)

// page is what a template may use.
type page struct {
	Static string // prefix of the static files, with their version
	Title  string
	Room   string
	Path   string // what was asked for
	Player bool   // hls.js is part of this build
}

type site struct {
	static *assets
	pages  *template.Template
	player bool
}

// Handler serves /, /stage/{room}, /watch/{room} and /static/…; anything else is a 404 in the same
// look. Pages answer whether or not the room exists: they ask the API themselves and say so.
func Handler() http.Handler { return newSite(embedded) }

func newSite(tree fs.FS) http.Handler {
	files, err := fs.Sub(tree, "static")
	if err != nil {
		panic(err) // "static" is a valid path
	}
	static, err := loadAssets(files)
	if err != nil {
		panic(fmt.Sprintf("web: embedded files: %v", err)) // built wrong
	}
	s := &site{static: static, pages: template.Must(template.ParseFS(tree, "pages/*.html"))}
	s.player = static.files[player] != nil

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		s.page(w, r, http.StatusOK, "home.html", page{Title: "tilecast"})
	})
	mux.HandleFunc("GET /stage/{room}", s.room("stage.html", "Go live in "))
	mux.HandleFunc("GET /watch/{room}", s.room("watch.html", "Watch "))
	mux.HandleFunc("GET /static/{path...}", s.file)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		s.static.files["favicon.svg"].serve(w, r, revalidate)
	})
	mux.HandleFunc("/", s.other)
	return secured(mux)
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(self), microphone=(self), fullscreen=(self), geolocation=()")
		next.ServeHTTP(w, r)
	})
}

func (s *site) room(name, title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		room := r.PathValue("room")
		if !roomRE.MatchString(room) {
			s.missing(w, r)
			return
		}
		s.page(w, r, http.StatusOK, name, page{Title: title + room + " · tilecast", Room: room})
	}
}

// file serves /static/name and /static/v-{version}/name. Modules import each other by relative paths,
// so all of them stay under the version that the page named, and that may be cached for ever.
func (s *site) file(w http.ResponseWriter, r *http.Request) {
	name, caching := r.PathValue("path"), revalidate
	if rest, ok := strings.CutPrefix(name, "v-"); ok {
		version, tail, _ := strings.Cut(rest, "/")
		name = tail
		if version == s.static.version {
			caching = forever
		}
	}
	if f := s.static.files[name]; f != nil {
		f.serve(w, r, caching)
		return
	}
	s.missing(w, r)
}

// other answers what no pattern took: a forgotten room name, a trailing slash, a wrong method, or nothing of ours.
func (s *site) other(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, r.Method+" is not possible here: pages are only read", http.StatusMethodNotAllowed)
		return
	}
	kind, room, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if kind == "stage" || kind == "watch" {
		if room == "" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/") && roomRE.MatchString(room) {
			target := "/" + kind + "/" + room
			if r.URL.RawQuery != "" {
				target += "?" + r.URL.RawQuery
			}
			http.Redirect(w, r, target, http.StatusFound)
			return
		}
	}
	s.missing(w, r)
}

func (s *site) missing(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusNotFound, "missing.html", page{Title: "Not found · tilecast", Path: r.URL.Path})
}

func (s *site) page(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Static, p.Player = "/static/v-"+s.static.version, s.player
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, p); err != nil {
		http.Error(w, "this page is broken: "+err.Error(), http.StatusInternalServerError)
		return
	}
	f := newAsset("page.html", b.Bytes())
	f.mime = "text/html; charset=utf-8"
	if status == http.StatusOK {
		f.serve(w, r, revalidate)
		return
	}
	w.Header().Set("Content-Type", f.mime)
	w.Header().Set("Cache-Control", "public, max-age=1")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.data) // a reader that left is not our error
	}
}
