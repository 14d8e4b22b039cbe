package lint

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tilecast/media"
)

// defect is one thing that is wrong with an otherwise good stream.
type defect struct {
	name  string
	rule  string // ID under which it must be found
	also  string // IDs of what follows from it
	spoil func(http.Handler) http.Handler
	then  func(*program)
}

// Every planted defect is found under its rule, and nothing is found that does not follow from it. Every rule of the
// table has one at least, and the test prints which.
func TestPlantedDefects(t *testing.T) {
	fixtures := map[string][]string{
		"N-1":       {"TestOldProtocolOverTLS"},
		"N-1/plain": {"all of them"},
	}
	nth := 0
	plant := func(name, rule, also string, check func(*testing.T) *Report) {
		fixtures[rule] = append(fixtures[rule], name)
		if nth++; nth%20 != 0 && testing.Short() {
			return // the passes with the race detector and without C take a sample
		}
		t.Run(rule+" "+name, func(t *testing.T) {
			t.Parallel() // most wait for parts
			expectFound(t, check(t), rule, also)
		})
	}
	for _, d := range slices.Concat(syntaxDefects, headerDefects, changeDefects, blockingDefects, mediaDefects, multivariantDefects, httpDefects, cacheDefects) {
		plant(d.name, d.rule, d.also, d.check)
	}
	for _, o := range oddities {
		plant(o.name, o.rule, o.also, o.check)
	}
	var table strings.Builder
	planted := 0
	for _, id := range slices.SortedFunc(maps.Keys(rules), byNumber) {
		fmt.Fprintf(&table, "%-12s %-8s %s\n", id, rules[id].Level, strings.Join(fixtures[id], "; "))
		if planted += len(fixtures[id]); len(fixtures[id]) == 0 {
			t.Errorf("no defect is planted for %s: %s", id, rules[id].Text)
		}
	}
	t.Logf("%d rules, %d planted defects\n%s", len(rules), planted, table.String())
}

func (d defect) check(t *testing.T) *Report {
	var then []func(*program)
	if d.then != nil {
		then = append(then, d.then)
	}
	cfg := Config{For: 9 * time.Second}
	if strings.HasPrefix(d.rule, "CDN-") {
		cfg = Config{For: 22 * time.Second, CDN: true}
	}
	return checkedBy(t, cfg, d.spoil, then...)
}

// expectFound wants a finding of the rule, and none but of those that may follow from it; * is any.
func expectFound(t *testing.T, rep *Report, rule, also string) {
	found := false
	allowed := append(strings.Fields(also), rule, "N-1/plain")
	for _, f := range rep.Findings {
		if found = found || f.id == rule; f.id == rule && (f.Evidence == "" || f.Section == "" || f.Where == "") {
			t.Errorf("a finding without evidence, section or place: %+v", f)
		}
		if !slices.Contains(allowed, f.id) && also != "*" {
			t.Errorf("unrelated: %s %s %s %s: %s (%d)", f.Level, f.id, f.Where, f.At, f.Evidence, f.Count)
		}
	}
	if !found {
		t.Errorf("not found; %d findings", len(rep.Findings))
		for _, f := range rep.Findings {
			t.Logf("%s %s %s %s: %s (%d)", f.Level, f.id, f.Where, f.At, f.Evidence, f.Count)
		}
	}
}

// lists edits every media playlist whose path contains part.
func lists(part string, change func(string) string) func(http.Handler) http.Handler {
	return edit(func(r *http.Request, body string) string {
		if !strings.Contains(r.URL.Path, part) {
			return body
		}
		return change(body)
	}, "/stream.m3u8")
}

// replaced is lists with a regular expression.
func replaced(part, pattern, by string) func(http.Handler) http.Handler {
	re := regexp.MustCompile(pattern)
	return lists(part, func(s string) string { return re.ReplaceAllString(s, by) })
}

// later changes playlists from the moment that segment 120 is listed.
func later(part, pattern, by string) func(http.Handler) http.Handler {
	re := regexp.MustCompile(pattern)
	return lists(part, func(s string) string {
		if strings.Contains(s, "\n120.m4s") {
			return re.ReplaceAllString(s, by)
		}
		return s
	})
}

// index edits the multivariant playlist.
func multi(pattern, by string) func(http.Handler) http.Handler {
	re := regexp.MustCompile(pattern)
	return edit(func(_ *http.Request, s string) string { return re.ReplaceAllString(s, by) }, "/index.m3u8")
}

// files edits media whose path contains part.
func files(part string, change func(name string, b []byte) []byte) func(http.Handler) http.Handler {
	return edit(func(r *http.Request, body string) string {
		if !strings.Contains(r.URL.Path, part) {
			return body
		}
		return string(change(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], []byte(body)))
	}, ".m4s", ".mp4")
}

// requests lets f answer before the origin does; it reports whether it did.
func requests(f func(w http.ResponseWriter, r *http.Request, h http.Handler) bool) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !f(w, r, h) {
				h.ServeHTTP(w, r)
			}
		})
	}
}

// query rewrites the directives of playlist requests.
func query(f func(q map[string]string)) func(http.Handler) http.Handler {
	return requests(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		q := map[string]string{}
		for k, v := range r.URL.Query() {
			q[k] = v[0]
		}
		f(q)
		var s []string
		for k, v := range q {
			s = append(s, k+"="+v)
		}
		r.URL.RawQuery = strings.Join(s, "&")
		return false
	})
}

// headers changes the header of answers to paths that end so.
func headers(suffix string, f func(h http.Header)) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, suffix) {
				w = &headerWriter{ResponseWriter: w, f: f}
			}
			h.ServeHTTP(w, r)
		})
	}
}

type headerWriter struct {
	http.ResponseWriter
	f    func(http.Header)
	once sync.Once
}

func (w *headerWriter) WriteHeader(status int) {
	w.once.Do(func() { w.f(w.Header()) })
	w.ResponseWriter.WriteHeader(status)
}

func (w *headerWriter) Write(b []byte) (int, error) {
	w.once.Do(func() { w.f(w.Header()) })
	return w.ResponseWriter.Write(b)
}

// sleep reports whether the client is still there after d.
func sleep(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// refuse answers with a status.
func refuse(w http.ResponseWriter, status int) bool {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return true
}

var syntaxDefects = []defect{
	{"byte order mark", "S-2", "", lists("low", func(s string) string { return "\ufeff" + s }), nil},
	{"space in front of a tag", "S-3", "M-11", replaced("low", `\n#EXT-X-DISCONTINUITY-SEQUENCE`, "\n #EXT-X-DISCONTINUITY-SEQUENCE"), nil},
	{"space behind a comma", "S-5", "", replaced("low", `,HOLD-BACK`, ", HOLD-BACK"), nil},
	{"duration with an exponent", "S-6", "M-22", replaced("low", `PART-TARGET=0\.21334`, "PART-TARGET=2.1334e-1"), nil},
	{"two versions", "S-8", "", replaced("low", `(#EXT-X-VERSION:\d+\n)`, "$1$1"), nil},
	{"no version", "S-8", "", replaced("low", `#EXT-X-VERSION:\d+\n`, ""), nil},
	{"tag of the other kind", "S-9", "", replaced("low", `#EXT-X-TARGET`, "#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-TARGET"), nil},
	{"two target durations", "S-10", "", replaced("low", `(#EXT-X-TARGETDURATION:1\n)`, "$1$1"), nil},
	{"undefined variable", "S-16", "", replaced("low", `RENDITION-REPORT:URI="`, `RENDITION-REPORT:X-NAME="{$$name}",URI="`), nil},
	{"version too low", "V-3", "", replaced("low", `VERSION:\d+`, "VERSION:5"), nil},
	{"EXTINF without comma", "G-2", "", replaced("low", `(#EXTINF:[\d.]+),`, "$1"), nil},
	{"date behind the first part", "G-16", "", replaced("low", `(#EXT-X-PROGRAM[^\n]*\n)(#EXT-X-PART[^\n]*\n)`, "$2$1"), nil},
	{"part without duration", "P-1", "P-15 P-8 G-1", replaced("low", `PART:DURATION=[\d.]+,URI="(\d+\.2)`, `PART:URI="$1`), nil},
}

var headerDefects = []defect{
	{"long segments", "M-1", "P-15 G-1 K-2 P-12", replaced("low", `EXTINF:1\.00000`, "EXTINF:1.60000"), nil},
	{"other target duration", "M-3", "M-17 M-19", replaced("low", `TARGETDURATION:1`, "TARGETDURATION:2"), nil},
	{"other server control", "M-16", "", replaced("low", `([^-]HOLD-BACK)=3`, "$1=4"), nil},
	{"short skip boundary", "M-17", "K-2 M-16", replaced("low", `CAN-SKIP-UNTIL=6`, "CAN-SKIP-UNTIL=5"), nil},
	{"skipping date ranges without skipping", "M-18", "M-16 K-1", replaced("low", `CAN-SKIP-UNTIL=[\d.]+,`, ""), nil},
	{"short hold-back", "M-19", "M-16", replaced("low", `([^-]HOLD-BACK)=3`, "$1=2"), nil},
	{"very short part hold-back", "M-20", "M-16", replaced("low", `PART-HOLD-BACK=[\d.]+`, "PART-HOLD-BACK=0.4"), nil},
	{"short part hold-back", "M-20/should", "M-16", replaced("low", `PART-HOLD-BACK=[\d.]+`, "PART-HOLD-BACK=0.54"), nil},
	{"no blocking", "M-21", "M-16", replaced("low", `CAN-BLOCK-RELOAD=YES,`, ""), nil},
	{"no part target", "M-22", "M-20", replaced("low", `#EXT-X-PART-INF[^\n]*\n`, ""), nil},
	{"no init section", "G-8", "", replaced("low", `#EXT-X-MAP[^\n]*\n`, ""), nil},
	{"no dates", "G-12", "", replaced("low", `#EXT-X-PROGRAM[^\n]*\n`, ""), nil},
	{"dates without a zone", "G-10", "", replaced("low", `(PROGRAM-DATE-TIME:[^\n]*)Z\n`, "$1\n"), nil},
	{"dates that jump", "G-11", "G-12", lists("low", func(s string) string { return shiftDate(s, 7) }), nil},
	{"dates of one rendition are off", "G-12", "", lists("low", func(s string) string { return shiftDate(s, 1) }), nil},
	{"hint is missing", "PH-1", "", replaced("low", `#EXT-X-PRELOAD[^\n]*\n`, ""), nil},
	{"hint is wrong", "PH-2", "", replaced("low", `(PRELOAD-HINT:TYPE=PART,URI=")`, "${1}x"), nil},
	{"two hints", "PH-5", "PH-2", replaced("low", `(#EXT-X-PRELOAD[^\n]*)\n`, "$1\n$1\n"), nil},
	{"no reports", "R-1", "", replaced("low", `#EXT-X-RENDITION[^\n]*\n`, ""), nil},
	{"report on itself", "R-1", "R-6", replaced("low", `main-high/stream`, "main-low/stream"), nil},
	{"absolute report", "R-2", "", replaced("low", `REPORT:URI="\.\./`, `REPORT:URI="http://stream.test/hls/demo/Pq7x/`), nil},
	{"report of the future", "R-3", "", replaced("low", `LAST-MSN=1(\d)(\d)`, "LAST-MSN=2$1$2"), nil},
	{"report without a part", "R-4", "", replaced("low", `,LAST-PART=\d+`, ""), nil},
	{"report of the past", "R-6", "", replaced("low", `LAST-MSN=1(\d)(\d)`, "LAST-MSN=0$1$2"), nil},
	{"long part", "P-7", "P-15 G-1 G-1/should", replaced("low", `DURATION=0\.20000,URI="(\d+\.2)`, `DURATION=0.22000,URI="$1`), nil},
	{"short part", "P-8", "P-15 G-1", replaced("low", `DURATION=0\.20000,URI="(\d+\.2)`, `DURATION=0.10000,URI="$1`), nil},
	{"parts do not add up", "P-15", "G-1 G-1/should K-2", replaced("low", `EXTINF:1\.00000`, "EXTINF:1.01000"), nil},
	{"EXTINF is off by more than a frame", "G-1", "P-15 K-2", replaced("low", `EXTINF:1\.00000`, "EXTINF:1.04000"), nil},
	{"EXTINF is rounded", "G-1/should", "K-2", replaced("audio", `EXTINF:([\d.]*)\d\d,`, "EXTINF:$1,"), nil},
	{"independent part is not marked", "P-5", "", replaced("low", `,INDEPENDENT=YES`, ""), nil},
	{"every part is marked", "P-5", "", replaced("low", `(#EXT-X-PART:[^\n]*\.[1-4]\.m4s")`, "$1,INDEPENDENT=YES"), nil},
	{"parts are kept too long", "P-12", "", oldParts(), nil},
	{"other discontinuity sequence", "C-2", "", replaced("low", `DISCONTINUITY-SEQUENCE:0`, "DISCONTINUITY-SEQUENCE:1"), nil},
	{"window begins later", "C-4", "Q-12", windowed(), nil},
	{"parts behind EXTINF", "H-17", "", replaced("low", `((?:#EXT-X-PART:[^\n]*\n)+)(#EXTINF[^\n]*\n)`, "$2$1"), nil},
}

var changeDefects = []defect{
	{"target duration changes", "M-2", "M-3 M-17 M-19", later("low", `TARGETDURATION:1`, "TARGETDURATION:2"), nil},
	{"part target changes", "M-23", "", later("low", `PART-TARGET=0\.21334`, "PART-TARGET=0.21350"), nil},
	{"numbering begins anew", "M-5", "L-1 L-11 M-9 PH-2 Q-3 Q-4 Q-5 R-3 R-6 K-3 C-8 L-3 P-11 F-5 Q-10", renumbered(), nil},
	{"durations of listed segments change", "L-1", "K-2", later("low", `EXTINF:1\.00000`, "EXTINF:1.00001"), nil},
	{"names of listed segments change", "L-11", "", later("low", `\n(\d+\.m4s)`, "\n$1?v=2"), nil},
	{"discontinuity sequence goes back", "M-9", "C-2", later("low", `DISCONTINUITY-SEQUENCE:0`, "DISCONTINUITY-SEQUENCE:2"), nil},
	{"the program halts", "L-3", "P-11 Q-3 Q-4 Q-5 C-9 R-6 PH-9", nil, func(g *program) { g.stall(5*media.Second, 3*media.Second) }},
	{"parts come late", "P-11", "Q-3 Q-4 Q-5 C-9 R-6 PH-9 L-3", nil, func(g *program) { g.stall(4*media.Second, 1200*media.Millisecond) }},
	{"sound jumps over a gap", "L-3", "P-11 PH-8 PH-9 Q-3 Q-4 Q-5 C-9 R-6", delayed("audio", 300*time.Millisecond), func(g *program) {
		g.jump = [2]media.Time{past + 2*media.Second, past + 6*media.Second + media.FromTicks(960, 48000)}
	}},
	{"one rendition lags", "C-9", "R-3 R-6 P-11 Q-3 Q-4 Q-5", delayed("low", 600*time.Millisecond), nil},
}

var blockingDefects = []defect{
	{"msn alone waits for a part", "Q-3", "", query(func(q map[string]string) {
		if q["_HLS_msn"] != "" && q["_HLS_part"] == "" {
			q["_HLS_part"] = "0"
		}
	}), nil},
	{"nothing blocks", "Q-4", "Q-3 Q-5 Q-7 Q-8", query(func(q map[string]string) { delete(q, "_HLS_msn"); delete(q, "_HLS_part") }), nil},
	{"part past the end waits for a segment", "Q-5", "", query(func(q map[string]string) {
		if n, _ := strconv.Atoi(q["_HLS_part"]); n > 4 {
			msn, _ := strconv.Atoi(q["_HLS_msn"])
			q["_HLS_msn"] = strconv.Itoa(msn + 1)
			delete(q, "_HLS_part")
		}
	}), nil},
	{"old msn is refused", "Q-6", "", requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		msn, err := strconv.Atoi(r.URL.Query().Get("_HLS_msn"))
		return err == nil && msn < 105 && refuse(w, 400)
	}), nil},
	{"lone part is answered", "Q-7", "", query(func(q map[string]string) {
		if q["_HLS_msn"] == "" {
			delete(q, "_HLS_part")
		}
	}), nil},
	{"far msn hangs", "Q-8", "", requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		msn, _ := strconv.Atoi(r.URL.Query().Get("_HLS_msn"))
		if msn < 130 {
			return false
		}
		<-r.Context().Done()
		return true
	}), nil},
	{"unknown parameters are refused", "Q-1", "", requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return strings.Contains(r.URL.RawQuery, "_HLS_primary_id") && refuse(w, 400)
	}), nil},
	{"deltas are not given", "Q-12", "", query(func(q map[string]string) { delete(q, "_HLS_skip") }), nil},
	{"the same request again is refused", "Q-13", "Q-5 Q-3", once(), nil},
	{"delta skips too much", "K-2", "", replaced("", `CAN-SKIP-UNTIL=6[\d.]*`, "CAN-SKIP-UNTIL=7"), nil},
	{"delta has another media sequence", "K-3", "Q-4 L-1 L-11 PH-2 R-3 M-5 L-5 M-9", lists("low", func(s string) string {
		if !strings.Contains(s, "#EXT-X-SKIP") {
			return s
		}
		return regexp.MustCompile(`MEDIA-SEQUENCE:1`).ReplaceAllString(s, "MEDIA-SEQUENCE:2")
	}), nil},
	{"delta has another text", "K-5", "L-1", lists("low", func(s string) string {
		if !strings.Contains(s, "#EXT-X-SKIP") {
			return s
		}
		return strings.ReplaceAll(s, "EXTINF:1.00000", "EXTINF:1.00001")
	}), nil},
	{"hinted parts are not there", "PH-8", "", early(func(w http.ResponseWriter, r *http.Request, h http.Handler) { refuse(w, 404) }), nil},
	{"half of a hinted part", "PH-9", "", early(func(w http.ResponseWriter, r *http.Request, h http.Handler) {
		rec := recorded(h, r)
		send(w, r, rec, rec.Body.Bytes()[:rec.Body.Len()/2])
	}), nil},
	{"hinted parts trickle", "PH-9", "", early(func(w http.ResponseWriter, r *http.Request, h http.Handler) {
		rec := recorded(h, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		for _, b := range rec.Body.Bytes() {
			w.Write([]byte{b})
			w.(http.Flusher).Flush()
			if !sleep(r, 100*time.Microsecond) {
				return
			}
		}
	}), nil},
	{"blocking playlists hang", "Q-10", "L-3", requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !strings.Contains(r.URL.Path, "low") || r.URL.Query().Get("_HLS_part") == "" || r.URL.Query().Get("_HLS_msn") < "116" {
			return false
		}
		<-r.Context().Done()
		return true
	}), nil},
}

// patched sets the bytes behind the nth occurrence of a name.
func patched(b []byte, name string, off int, by ...byte) []byte {
	for i := 0; ; {
		j := bytes.Index(b[i:], []byte(name))
		if j < 0 {
			return b
		}
		copy(b[i+j+off:], by)
		i += j + len(name)
	}
}

var mediaDefects = []defect{
	{"segment is not its parts", "P-3", "", files("low", func(name string, b []byte) []byte {
		if strings.Count(name, ".") == 1 {
			b[len(b)-1] ^= 1
		}
		return b
	}), nil},
	{"truncated part", "P-4", "F-5", files("low", func(name string, b []byte) []byte {
		if strings.HasSuffix(name, ".2.m4s") {
			return b[:len(b)-5]
		}
		return b
	}), nil},
	{"part is missing", "P-10", "PH-8 P-13", requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return strings.Contains(r.URL.Path, "low") && strings.HasSuffix(r.URL.Path, ".2.m4s") && refuse(w, 404)
	}), nil},
	{"segment is missing", "L-4", "L-6", requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return strings.Contains(r.URL.Path, "low") && strings.Count(r.URL.Path, ".") == 1 && strings.HasSuffix(r.URL.Path, ".m4s") && refuse(w, 404)
	}), nil},
	{"segment goes too soon", "L-6", "", requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		if strings.Count(r.URL.Path, ".") != 1 || !strings.HasSuffix(r.URL.Path, ".m4s") {
			return false
		}
		q, _ := http.NewRequest("GET", r.URL.Path[:strings.LastIndexByte(r.URL.Path, '/')]+"/stream.m3u8", nil)
		body := recorded(h, q).Body.String()
		return !strings.Contains(body, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]) && refuse(w, 404)
	}), nil},
	{"part goes too soon", "P-13", "", requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		if strings.Count(r.URL.Path, ".") != 2 || !strings.HasSuffix(r.URL.Path, ".m4s") {
			return false
		}
		name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		q, _ := http.NewRequest("GET", r.URL.Path[:strings.LastIndexByte(r.URL.Path, '/')]+"/stream.m3u8", nil)
		return !strings.Contains(recorded(h, q).Body.String(), name) && refuse(w, 404)
	}), nil},
	{"init section is missing", "G-7", "", requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return strings.Contains(r.URL.Path, "low") && strings.HasSuffix(r.URL.Path, ".mp4") && refuse(w, 404)
	}), nil},
	{"old brands", "F-1", "", files("low", func(name string, b []byte) []byte {
		b = bytes.ReplaceAll(b, []byte("iso6"), []byte("mp42"))
		b = bytes.ReplaceAll(b, []byte("cmfc"), []byte("isom"))
		return bytes.ReplaceAll(b, []byte("cmf2"), []byte("mp41"))
	}), nil},
	{"duration in mvhd", "F-2", "", files("low", func(name string, b []byte) []byte {
		if strings.HasSuffix(name, ".mp4") {
			return patched(b, "mvhd", 20, 0, 0, 0, 9)
		}
		return b
	}), nil},
	{"no mvex", "F-2", "", files("low", func(name string, b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("mvex"), []byte("free"))
	}), nil},
	{"no tfdt", "F-3", "M-25", files("low", func(name string, b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("tfdt"), []byte("free"))
	}), nil},
	{"addressed from the file", "F-4", "", files("low", func(name string, b []byte) []byte { return patched(b, "tfhd", 5, 0) }), nil},
	{"hole in the timeline", "F-5", "P-3", files("low", func(name string, b []byte) []byte {
		if strings.HasSuffix(name, ".2.m4s") {
			at := bytes.Index(b, []byte("tfdt")) + 8
			b[at+6]++
		}
		return b
	}), nil},
	{"timestamps of one rendition are off", "C-1", "", files("audio", func(name string, b []byte) []byte {
		for i := 0; ; {
			j := bytes.Index(b[i:], []byte("tfdt"))
			if j < 0 {
				return b
			}
			b[i+j+8+5]++ // 65536 ticks
			i += j + 4
		}
	}), nil},
	{"no independent frame", "G-17", "P-5 M-25", files("low", func(name string, b []byte) []byte {
		if strings.HasSuffix(name, ".m4s") {
			return bytes.ReplaceAll(b, []byte{2, 0, 0, 0}, []byte{1, 1, 0, 0})
		}
		return b
	}), nil},
	{"sync samples that are no IDR pictures", "P-5", "", files("low", func(name string, b []byte) []byte {
		return bytes.ReplaceAll(b, []byte{0, 0, 0, 152, 0x65}, []byte{0, 0, 0, 152, 0x61})
	}), nil},
	{"segments change", "L-11", "P-3", files("low", func(name string, b []byte) []byte {
		if strings.Count(name, ".") == 1 && strings.HasSuffix(name, ".m4s") {
			b[len(b)-1] = byte(time.Now().Second())
		}
		return b
	}), nil},
}

var multivariantDefects = []defect{
	{"no average", "MV-9", "", multi(`,AVERAGE-BANDWIDTH=\d+`, ""), nil},
	{"bandwidth far too low", "MV-10", "MV-7", multi(`:BANDWIDTH=\d+`, ":BANDWIDTH=50000"), nil},
	{"bandwidth too low", "MV-7", "", multi(`:BANDWIDTH=\d+`, ":BANDWIDTH=105000"), nil},
	{"audio codec is missing", "MV-11", "", multi(`,mp4a\.40\.2`, ""), nil},
	{"no codecs", "MV-11/should", "", multi(`,?CODECS="[^"]*"`, ""), nil},
	{"other profile", "MV-12", "", multi(`avc1\.\w+`, "avc1.42001e"), nil},
	{"no frame rate", "MV-13", "", multi(`,FRAME-RATE=[\d.]+`, ""), nil},
	{"other resolution", "MV-13/wrong", "", multi(`RESOLUTION=640x360`, "RESOLUTION=1280x720"), nil},
	{"other frame rate", "MV-13/wrong", "", multi(`FRAME-RATE=30`, "FRAME-RATE=60"), nil},
	{"not HDR", "MV-14", "", multi(`(FRAME-RATE=[\d.]+)`, "$1,VIDEO-RANGE=PQ"), nil},
	{"no such group", "MV-16", "MV-11", multi(`AUDIO="audio"`, `AUDIO="sound"`), nil},
	{"no channels", "MV-4", "", multi(`,CHANNELS="2"`, ""), nil},
	{"no name", "MV-1", "", multi(`,NAME="Program"`, ""), nil},
	{"default that is not selected", "MV-3", "", multi(`AUTOSELECT=YES`, "AUTOSELECT=NO"), nil},
	{"no bandwidth", "MV-6", "MV-9 MV-10 MV-7", multi(`-X-STREAM-INF:BANDWIDTH=\d+,`, "-X-STREAM-INF:"), nil},
	{"playlist is missing", "MV-6", "R-1", multi(`main-low/stream`, "main-lower/stream"), nil},
	{"two hosts", "N-3", "R-1", multi(`URI="Pq7x`, `URI="http://other.test/hls/demo/Pq7x`), nil},
}

var httpDefects = []defect{
	{"no gzip", "N-6", "N-6/should", requests(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		r.Header.Del("Accept-Encoding")
		return false
	}), nil},
	{"no Vary", "N-6/vary", "", headers(".m3u8", func(h http.Header) { delete(h, "Vary") }), nil},
	{"no CORS", "N-13", "", headers("", func(h http.Header) { delete(h, "Access-Control-Allow-Origin") }), nil},
	{"Age is hidden", "N-13/expose", "", headers("", func(h http.Header) { delete(h, "Access-Control-Expose-Headers") }), nil},
	{"cookie", "N-8", "", headers("", func(h http.Header) { h.Set("Set-Cookie", "session=1") }), nil},
	{"no Cache-Control", "N-15", "", headers("", func(h http.Header) { delete(h, "Cache-Control") }), nil},
	{"live playlist kept too long", "N-19", "", headers(".m3u8", func(h http.Header) {
		if h.Get("Cache-Control") != "no-store" {
			h["Cache-Control"] = []string{"max-age=60"}
		}
	}), nil},
	{"refusal kept too long", "N-16", "", headers("stream.m3u8", func(h http.Header) {
		if h.Get("Cache-Control") == "no-store" {
			h["Cache-Control"] = []string{"max-age=600"}
		}
	}), nil},
	{"old Last-Modified", "N-12", "", headers("stream.m3u8", func(h http.Header) {
		h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		h.Set("Last-Modified", time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat))
	}), nil},
	{"MIME type of playlists", "N-11", "", headers(".m3u8", func(h http.Header) { h["Content-Type"] = []string{"application/x-mpegURL"} }), nil},
	{"MIME type of media", "N-11", "", headers(".m4s", func(h http.Header) { h["Content-Type"] = []string{"application/octet-stream"} }), nil},
	{"no Content-Length", "N-14", "N-7 N-4", headers(".m4s", func(h http.Header) { delete(h, "Content-Length") }), nil},
	{"redirected media", "N-10", "", requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		if strings.HasSuffix(r.URL.Path, ".m4s") && r.URL.RawQuery == "" {
			http.Redirect(w, r, r.URL.Path+"?moved", http.StatusFound)
			return true
		}
		return false
	}), nil},
	{"no HEAD", "N-7", "", requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		return r.Method == http.MethodHead && refuse(w, 404)
	}), nil},
	{"no ranges", "N-4/plain", "N-4", requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		r.Header.Del("Range")
		return false
	}), nil},
	{"wrong Content-Range", "N-4", "", headers(".m4s", func(h http.Header) {
		if s := h.Get("Content-Range"); s != "" {
			h["Content-Range"] = []string{s[:strings.IndexByte(s, '/')] + "/1"}
		}
	}), nil},
	{"no open ranges", "PH-7", "", requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		return strings.Contains(r.Header.Get("Range"), "9007199254740991") && refuse(w, 416)
	}), nil},
}

// shiftDate adds 0.5 s to every date of a segment whose number is divisible by n, and 2 s for n above 1.
func shiftDate(s string, n int64) string {
	by := 500 * time.Millisecond
	if n > 1 {
		by = 2 * time.Second
	}
	re := regexp.MustCompile(`#EXT-X-PROGRAM-DATE-TIME:(\S+)`)
	return re.ReplaceAllStringFunc(s, func(tag string) string {
		at, err := time.Parse("2006-01-02T15:04:05.999Z", tag[strings.IndexByte(tag, ':')+1:])
		if err != nil || at.Unix()%n != 0 {
			return tag
		}
		return "#EXT-X-PROGRAM-DATE-TIME:" + at.Add(by).Format("2006-01-02T15:04:05.000Z")
	})
}

// oldParts gives the second segment of the list parts that it had long ago.
func oldParts() func(http.Handler) http.Handler {
	re := regexp.MustCompile(`(\n#EXTINF:1\.00000,\n)(10[7-9]|11\d)(\.m4s)`)
	return lists("low", func(s string) string {
		return re.ReplaceAllStringFunc(s, func(m string) string {
			g := re.FindStringSubmatch(m)
			if strings.Contains(s, `"`+g[2]+`.4.m4s"`) {
				return m
			}
			var parts strings.Builder
			for i := range 5 {
				fmt.Fprintf(&parts, "\n#EXT-X-PART:DURATION=0.20000,URI=\"%s.%d.m4s\"", g[2], i)
				if i == 0 {
					parts.WriteString(",INDEPENDENT=YES")
				}
			}
			return parts.String() + m
		})
	})
}

// windowed lists four segments less in one rendition, which then has no deltas.
func windowed() func(http.Handler) http.Handler {
	re := regexp.MustCompile(`(?s)(MEDIA-SEQUENCE:)(\d+)(.*?#EXT-X-MAP[^\n]*\n)((?:#EXT-X-PROGRAM[^\n]*\n#EXTINF[^\n]*\n[^\n]*\n){4})`)
	cut := lists("low", func(s string) string {
		g := re.FindStringSubmatch(s)
		if g == nil {
			return s
		}
		n, _ := strconv.Atoi(g[2])
		return strings.Replace(s, g[0], g[1]+strconv.Itoa(n+4)+g[3], 1)
	})
	plain := requests(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if strings.Contains(r.URL.Path, "low") {
			r.URL.RawQuery, _, _ = strings.Cut(r.URL.RawQuery, "&_HLS_skip=")
		}
		return false
	})
	return func(h http.Handler) http.Handler { return plain(cut(h)) }
}

// renumbered counts from a hundred less, once segment 118 is listed.
func renumbered() func(http.Handler) http.Handler {
	const by = 60
	return func(h http.Handler) http.Handler {
		var after atomic.Bool
		number := regexp.MustCompile(`(MEDIA-SEQUENCE:|LAST-MSN=)(\d+)`)
		down := edit(func(_ *http.Request, s string) string {
			if strings.Contains(s, "\n118.m4s") {
				after.Store(true)
			}
			if !after.Load() {
				return s
			}
			return number.ReplaceAllStringFunc(s, func(m string) string {
				g := number.FindStringSubmatch(m)
				n, _ := strconv.Atoi(g[2])
				return g[1] + strconv.Itoa(n-by)
			})
		}, "/stream.m3u8")
		up := query(func(q map[string]string) {
			if n, err := strconv.Atoi(q["_HLS_msn"]); err == nil && after.Load() {
				q["_HLS_msn"] = strconv.Itoa(n + by)
			}
		})
		return up(down(h))
	}
}

// delayed holds the answers of one rendition that are waited for back by so long.
func delayed(part string, by time.Duration) func(http.Handler) http.Handler {
	return requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		if !strings.Contains(r.URL.Path, part) || r.URL.Query().Get("_HLS_part") == "" {
			return false
		}
		rec := recorded(h, r)
		if sleep(r, by) {
			send(w, r, rec, rec.Body.Bytes())
		}
		return true
	})
}

// once refuses a blocking request that has been answered.
func once() func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		var seen sync.Map
		return requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
			if !strings.Contains(r.URL.RawQuery, "_HLS_part") {
				return false
			}
			if _, again := seen.Load(r.URL.String()); again {
				return refuse(w, 404)
			}
			defer seen.Store(r.URL.String(), true)
			h.ServeHTTP(w, r)
			return true
		})(h)
	}
}

// early answers requests for parts that are not listed yet.
func early(answer func(http.ResponseWriter, *http.Request, http.Handler)) func(http.Handler) http.Handler {
	return requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		if !strings.Contains(r.URL.Path, "low") || strings.Count(r.URL.Path, ".") != 2 || !strings.HasSuffix(r.URL.Path, ".m4s") {
			return false
		}
		dir, name := r.URL.Path[:strings.LastIndexByte(r.URL.Path, '/')], r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		q, _ := http.NewRequest("GET", dir+"/stream.m3u8", nil)
		if !strings.Contains(recorded(h, q).Body.String(), `HINT:TYPE=PART,URI="`+name) {
			return false
		}
		answer(w, r, h)
		return true
	})
}
