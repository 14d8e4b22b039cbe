package configs

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilecast/packager"
)

// report takes a mistake at a path of the configuration.
type report func(path, format string, args ...any)

// check holds the rules that a value's type does not.
func check(cfg *Config, bad report) {
	checkListen(cfg.HTTP.Listen, bad)
	checkTLS(cfg.HTTP, bad)
	if strings.ContainsFunc(cfg.HTTP.APIToken, func(c rune) bool { return c <= ' ' || c > '~' }) {
		bad("http.api_token", "has spaces or letters that a header can't carry: use ASCII letters, digits and signs, as openssl rand -hex 16 makes them")
	}
	between(bad, "udp.port", cfg.UDP.Port, 0, 65535)
	checkIngest(&cfg.Ingest, bad)
	oneOf(bad, "log.level", cfg.Log.Level, "debug", "info", "warn", "error")
	if strings.TrimSpace(cfg.Data) == "" {
		bad("data", "is empty: name a folder")
	}
	if len(cfg.Rooms) == 0 {
		bad("rooms", "is empty: name at least one room (- name: demo)")
	}
	first := map[string]string{}
	for i := range cfg.Rooms {
		room, at := &cfg.Rooms[i], fmt.Sprintf("rooms[%d]", i)
		checkName(bad, at, room.Name, first)
		checkRoom(bad, at, room)
	}
}

// Bounds on pictures: what the codecs take, and the sides that a person may say.
const (
	maxPixels = 4096 * 2304
	leastSide = 64
	mostSide  = 3840
)

func checkRoom(bad report, at string, r *Room) {
	if oneOf(bad, at+".preset", r.Preset, packager.Presets()...) {
		checkLatency(bad, at+".latency", r)
	}
	oneOf(bad, at+".parts", r.Parts, "files", "ranges")
	oneOf(bad, at+".start", r.Start, "on-publish", "always")
	between(bad, at+".linger", r.Linger, 0, 24*time.Hour)
	if r.Window.Event && r.Start == "always" {
		bad(at+".window", "keeps all of a program, and one with start: always has no end: use a length such as 24h, or start: on-publish")
	} else if !r.Window.Event {
		between(bad, at+".window", r.Window.Length, 30*time.Second, 24*time.Hour)
	}
	between(bad, at+".record.keep", r.Record.Keep, 0, 10*365*24*time.Hour)
	between(bad, at+".audio.bitrate", r.Audio.BitRate, 32_000, 320_000)
	if r.Audio.Loudness != 0 {
		between(bad, at+".audio.loudness", r.Audio.Loudness, -31, -10)
	}
	between(bad, at+".audio.ducking", r.Audio.Ducking, 0, 40)
	if r.Audio.LowBitRate != 0 { // with its boxes the variant stays below 64 kb/s
		between(bad, at+".audio.low_bitrate", r.Audio.LowBitRate, 24_000, 50_000)
	}
	if n := len(r.Canvases); n > maxCanvases {
		bad(at+".canvases", "has %d entries: use at most %d", n, maxCanvases)
	}
	checkShape(bad, at, at+".canvas", r.Canvas.Width, r.Canvas.Height, &r.Layout, r.Ladder)
	checkRates(bad, at, r, r.Ladder)
	first := map[string]string{}
	for i := range r.Canvases {
		s, at := &r.Canvases[i], fmt.Sprintf("%s.canvases[%d]", at, i)
		checkName(bad, at, s.Name, first)
		if s.Name == "index" || s.Name == "audio" {
			bad(at+".name", "%q has a meaning of its own in addresses: use another", s.Name)
		}
		checkShape(bad, at, at, s.Width, s.Height, &s.Layout, s.Ladder)
		checkRates(bad, at, r, s.Ladder)
	}
}

// maxCanvases bounds what one room makes the machine compose.
const maxCanvases = 4

// checkShape checks a canvas of w by h, said at size, with the layout and ladder below at.
func checkShape(bad report, at, size string, w, h int, l *Layout, ladder []Rung) {
	if !checkSize(bad, size, w, h) {
		return // everything below is measured by the canvas
	}
	if n := w * h; n > maxPixels {
		bad(size, "%dx%d is too large: use at most %d pixels, such as 3840x2160", w, h, maxPixels)
		return
	}
	checkLayout(bad, at+".layout", l, w, h)
	if n := len(ladder); n == 0 || n > 6 {
		bad(at+".ladder", "has %d rungs: use 1 to 6, or leave it out", n)
	}
	first := map[string]string{}
	for i := range ladder {
		rung, at := &ladder[i], fmt.Sprintf("%s.ladder[%d]", at, i)
		checkName(bad, at, rung.Name, first)
		if rung.Name == "audio" {
			bad(at+".name", `"audio" is the name of the sound: use another`)
		}
		checkRung(bad, at, rung, w, h)
	}
}

// checkLatency holds that the program can be cut so, whatever the numbers.
func checkLatency(bad report, at string, r *Room) {
	ok := between(bad, at+".part", r.Latency.Part, 0, 10*time.Second)
	ok = between(bad, at+".parts_per_segment", r.Latency.PartsPerSegment, 0, 100) && ok
	ok = between(bad, at+".hold_back", r.Latency.HoldBack, 0, 30*time.Second) && ok
	ok = between(bad, at+".delay", r.Latency.Delay, 0, time.Second) && ok
	if !ok || r.Canvas.FPS.Num == 0 { // a frame rate that could not be read is said already
		return
	}
	if _, err := packager.NewCustomPlan(r.Preset, r.Canvas.FPS, r.Latency.Numbers()); err != nil {
		bad(at, "%v", err)
	}
}

// checkRates holds that each rung of r's ladder at has a whole part of the canvas's frames, and one at least between two
// cuts, be they of parts or of GOPs.
func checkRates(bad report, at string, r *Room, ladder []Rung) {
	plan, err := packager.NewCustomPlan(r.Preset, r.Canvas.FPS, r.Latency.Numbers())
	if err != nil {
		return // said already
	}
	most := min(plan.PartFrames, plan.GOP())
	for i, rung := range ladder {
		every, path := rung.FPS.Every(plan.Rate), fmt.Sprintf("%s.ladder[%d].fps", at, i)
		near := FPS(plan.Rate.Float())
		for n := 2; n <= most && plan.Rate.Float() >= float64(n); n++ {
			if f := FPS(plan.Rate.Float() / float64(n)); math.Abs(float64(f-rung.FPS)) < math.Abs(float64(near-rung.FPS)) {
				near = f
			}
		}
		switch {
		case every == 0:
			bad(path, "%v is no whole part of the canvas's %v frames per second: the nearest that works is %v", rung.FPS, FPS(plan.Rate.Float()), near)
		case every > most || float64(every) > plan.Rate.Float():
			bad(path, "%v frames per second are too few: the nearest that works is %v", rung.FPS, near)
		}
	}
}

// checkRung checks a rung of a canvas of w by h.
func checkRung(bad report, at string, r *Rung, w, h int) {
	side := r.side()
	switch {
	case r.Width == 0 && r.Height == 0 && side > min(w, h):
		bad(at, "%s is larger than the canvas (%dx%d): use %s or less, or enlarge the canvas", r.Name, w, h, rungName(w, h))
	case r.Width == 0 && r.Height == 0 && side > 0 && side < leastSide:
		bad(at, "%s is too small: use %dp or more", r.Name, leastSide)
	case checkSize(bad, at, r.Width, r.Height):
		off := r.Width*h - r.Height*w // 0 in the very same shape
		switch {
		case r.Width > w || r.Height > h:
			bad(at, "%dx%d is larger than the canvas (%dx%d)", r.Width, r.Height, w, h)
		case max(off, -off) > 2*(w+h): // more than rounding both sides to even makes
			right := r.Height * w / h
			bad(at, "%dx%d is not of the canvas's shape (%dx%d): use %dx%d", r.Width, r.Height, w, h, (right+1)/2*2, r.Height)
		}
	}
	if between(bad, at+".bitrate", r.BitRate, 50_000, 100_000_000) && r.MaxRate < r.BitRate {
		bad(at+".max_rate", "%s is less than the bitrate, %s", r.MaxRate, r.BitRate)
	}
	between(bad, at+".max_rate", r.MaxRate, 0, 200_000_000)
	if !oneOf(bad, at+".encoder", r.Encoder, "libx264", "libopenh264", "h264_nvenc", "h264_vaapi", "h264_qsv") || r.Encoder != "libx264" {
		return
	}
	oneOf(bad, at+".preset", r.Preset, "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
}

// checkName holds that a name can stand in a URL and is the first of its kind.
func checkName(bad report, at, name string, first map[string]string) {
	path := at + ".name"
	other, again := first[name]
	first[name] = at
	switch {
	case name == "":
		bad(path, "is missing: give it a name")
	case len(name) > 64:
		bad(path, "is longer than 64 letters")
	case strings.ContainsFunc(name, unfit):
		bad(path, "%q does not fit into an address: use letters (a-z), digits, - and _", name)
	case again:
		bad(path, "%q is the name of %s already", name, other)
	}
}

func unfit(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}

func checkSize(bad report, at string, w, h int) bool {
	ok := true
	for _, side := range []struct {
		key string
		n   int
	}{{"width", w}, {"height", h}} {
		if side.n == 0 {
			bad(at+"."+side.key, "is missing: use %d to %d", leastSide, mostSide)
			ok = false
		} else if !between(bad, at+"."+side.key, side.n, leastSide, mostSide) {
			ok = false
		} else if side.n%2 != 0 {
			bad(at+"."+side.key, "%d is odd: use %d or %d", side.n, side.n-1, side.n+1)
			ok = false
		}
	}
	return ok
}

// checkTLS holds that there is one certificate at most, and that it is whole.
func checkTLS(h HTTP, bad report) {
	switch {
	case h.TLSCert != "" && h.TLSKey == "":
		bad("http.tls_cert", "needs http.tls_key, the file of its key")
	case h.TLSKey != "" && h.TLSCert == "":
		bad("http.tls_key", "needs http.tls_cert, the file of the certificate")
	case h.TLSCert != "" && h.TLSDev:
		bad("http.tls_cert", "is a second certificate beside that of http.tls_dev: set one of them")
	case h.ACME != "" && (h.TLSCert != "" || h.TLSDev):
		bad("http.acme", "is a second certificate beside that of http.tls_cert or http.tls_dev: set one of them")
	}
	names := h.ACMENames()
	if h.ACME != "" && len(names) == 0 {
		bad("http.acme", "names no host: use names such as live.example.org, with commas between")
	}
	for _, name := range names {
		if net.ParseIP(name) != nil || !strings.Contains(strings.Trim(name, "."), ".") || strings.ContainsAny(name, " :/*") {
			bad("http.acme", "%q is not a public host name such as live.example.org", name)
		}
	}
}

func checkListen(addr string, bad report) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		if _, err := strconv.Atoi(addr); err == nil {
			bad("http.listen", "%q lacks a colon: did you mean %q?", addr, ":"+addr)
			return
		}
		bad("http.listen", `%q is not host:port, such as ":8080" or "127.0.0.1:8080"`, addr)
		return
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		bad("http.listen", "%q is not a port number", port)
		return
	}
	between(bad, "http.listen", n, 0, 65535)
}

func between[T int | float64 | BitRate | time.Duration](bad report, path string, v, least, most T) bool {
	if v < least || v > most {
		bad(path, "%v is out of range: use %v to %v", v, least, most)
		return false
	}
	return true
}

func oneOf(bad report, path, word string, words ...string) bool {
	if slices.Contains(words, word) {
		return true
	}
	if near := Nearest(word, words); near != "" {
		bad(path, "%q is not known, did you mean %q?", word, near)
	} else {
		bad(path, "%q is not known: use %s", word, list(words, "or"))
	}
	return false
}
