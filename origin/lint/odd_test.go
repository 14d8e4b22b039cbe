package lint

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// oddity is a defect of a stream that is not the usual one: pages that stand still, or another style.
type oddity struct {
	name, rule, also string // also may be *: anything may follow from it
	pages            map[string]string
	how              style
	spoil            func(http.Handler) http.Handler
	then             func(*program)
}

func (o oddity) check(t *testing.T) *Report {
	if o.pages == nil {
		var then []func(*program)
		if o.then != nil {
			then = append(then, o.then)
		}
		return checkedStyle(t, o.how, Config{For: 9 * time.Second}, o.spoil, then...)
	}
	return standing(t, o.pages)
}

// standing checks a site of pages that never change.
func standing(t *testing.T, pages map[string]string) *Report {
	start := "/index.m3u8"
	if _, ok := pages[start]; !ok {
		start = "/list"
	}
	var rep *Report
	synctest.Test(t, func(t *testing.T) {
		rep = runOn(t, site(pages), Config{URL: "http://stream.test" + start, For: 3 * time.Second})
	})
	return rep
}

// site serves files as a good server does.
func site(pages map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := pages[r.URL.Path]
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Age, Date")
		h.Set("Cache-Control", "max-age=60")
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if !strings.HasPrefix(text, "#EXTM3U") {
			http.ServeContent(w, r, "a.ts", time.Time{}, strings.NewReader(text))
			return
		}
		rec := httptest.NewRecorder()
		rec.Header().Set("Vary", "Accept-Encoding")
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			rec.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		}
		if pages["plain"] != "" {
			r.Header.Del("Accept-Encoding")
		}
		send(w, r, rec, []byte(text))
	})
}

// ts looks like MPEG-TS from outside.
var ts = strings.Repeat("\x47"+strings.Repeat("\xff", 187), 100)

const (
	vodHead = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n"
	vodTail = "#EXTINF:4.00000,\na.ts\n#EXTINF:4.00000,\nb.ts\n#EXT-X-ENDLIST\n"
	dateTag = "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:00.000Z\n"
	dayTag  = "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-05-01T10:00:00Z\""
	twoOf   = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,AVERAGE-BANDWIDTH=90000,CODECS=\"avc1.64001e\",RESOLUTION=640x360,FRAME-RATE=30.000\n"
)

// list is a site of one media playlist.
func list(text string) map[string]string {
	return map[string]string{"/index.m3u8": text, "/a.ts": ts, "/b.ts": ts}
}

// between puts lines between the header and the segments of one.
func between(lines string) map[string]string { return list(vodHead + lines + vodTail) }

// variants is a site of a multivariant playlist with lines of its own.
func variants(lines string) map[string]string {
	return map[string]string{"/index.m3u8": twoOf + "v.m3u8\n" + lines, "/v.m3u8": vodHead + vodTail, "/w.m3u8": vodHead + vodTail, "/a.ts": ts, "/b.ts": ts}
}

// tag puts a line into the header of every media playlist whose path contains part.
func tag(part, line string) func(http.Handler) http.Handler {
	return replaced(part, `(#EXT-X-TARGETDURATION[^\n]*\n)`, "$1"+line+"\n")
}

// frames edits I-frame playlists.
func frameLists(pattern, by string) func(http.Handler) http.Handler {
	re := regexp.MustCompile(pattern)
	return edit(func(_ *http.Request, s string) string { return re.ReplaceAllString(s, by) }, "/iframes.m3u8")
}

var oddities = []oddity{
	{name: "playlist by no sign", rule: "S-1", also: "N-6/should", pages: map[string]string{"/list": vodHead + vodTail, "/a.ts": ts, "/b.ts": ts}},
	{name: "blank first line", rule: "S-7", spoil: replaced("low", `^#EXTM3U`, "\n#EXTM3U")},
	{name: "INDEPENDENT-SEGMENTS twice", rule: "S-11", spoil: tag("low", "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-INDEPENDENT-SEGMENTS")},
	{name: "start at the end", rule: "S-14", spoil: tag("low", "#EXT-X-START:TIME-OFFSET=-1.5")},
	{name: "variable without a value", rule: "S-15", spoil: tag("low", `#EXT-X-DEFINE:NAME="a"`)},
	{name: "late MEDIA-SEQUENCE", rule: "M-4", pages: list(vodHead + "#EXTINF:4.00000,\na.ts\n#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-ENDLIST\n")},
	{name: "late DISCONTINUITY-SEQUENCE", rule: "M-8", pages: list(vodHead + "#EXTINF:4.00000,\na.ts\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-ENDLIST\n")},
	{name: "no DISCONTINUITY-SEQUENCE", rule: "M-11", pages: list(vodHead + "#EXTINF:4.00000,\na.ts\n#EXT-X-DISCONTINUITY\n" + vodTail)},
	{name: "type LIVE", rule: "M-12", pages: between("#EXT-X-PLAYLIST-TYPE:LIVE\n")},
	{name: "two types", rule: "M-13", pages: map[string]string{
		"/index.m3u8": twoOf + "v.m3u8\n" + twoOf[8:] + "w.m3u8\n", "/a.ts": ts, "/b.ts": ts,
		"/v.m3u8": vodHead + "#EXT-X-PLAYLIST-TYPE:VOD\n" + vodTail, "/w.m3u8": vodHead + vodTail}},
	{name: "the end is taken back", rule: "M-14", also: "*", spoil: reopened(), then: func(g *program) { g.close(); g.end = 1 }},
	{name: "parts behind the last segment", rule: "M-15", also: "*", pages: list(strings.Replace(vodHead+vodTail, "#EXT-X-ENDLIST",
		"#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART:DURATION=1,URI=\"c.ts\"\n#EXT-X-ENDLIST", 1))},
	{name: "entries without a frame", rule: "M-25", spoil: frameLists(`BYTERANGE:\d+@0`, "BYTERANGE:100@0"), also: "P-4"},
	{name: "range that goes on from nothing", rule: "G-3", pages: list(vodHead + "#EXT-X-BYTERANGE:188\n" + vodTail), also: "L-4"},
	{name: "another profile without DISCONTINUITY", rule: "G-4", also: "PH-4 MV-12", spoil: newInit(true)},
	{name: "gap with parts that are none", rule: "G-14", also: "L-1 K-5 C-7", spoil: replaced("low", `(#EXTINF[^\n]*\n(117|118)\.m4s)`, "#EXT-X-GAP\n$1")},
	{name: "bit rate far too low", rule: "G-15", also: "K-5 L-1", spoil: replaced("low", `(#EXT-X-MAP[^\n]*\n)`, "$1#EXT-X-BITRATE:1\n")},
	{name: "key frame later in the segment", rule: "G-17/aas", also: "P-3 M-25", spoil: lateKey()},
	{name: "range of a part without its beginning", rule: "P-6", also: "*", spoil: replaced("low", `(#EXT-X-PART:[^\n]*1\.m4s")`, `$1,BYTERANGE="100"`)},
	{name: "younger parts go first", rule: "P-12/order", also: "*", spoil: later("low", `#EXT-X-PART:[^\n]*"119\.\d\.m4s"[^\n]*\n`, "")},
	{name: "parts of key frames", rule: "P-14", also: "*", spoil: frameLists(`(#EXTINF)`, "#EXT-X-PART:DURATION=1.0,URI=\"x.m4s\",INDEPENDENT=YES\n$1")},
	{name: "init section without a hint", rule: "PH-4", spoil: newInit(false)},
	{name: "anything is there", rule: "PH-10", spoil: requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return strings.Contains(r.URL.Path, "no-such") && refuse(w, 200)
	})},
	{name: "hint after the end", rule: "PH-11", pages: between("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"c.ts\"\n")},
	{name: "date range without ID", rule: "D-1", pages: between(dateTag + "#EXT-X-DATERANGE:START-DATE=\"2026-05-01T10:00:00Z\"\n")},
	{name: "range that ends before it starts", rule: "D-2", pages: between(dateTag + dayTag + ",END-DATE=\"2026-05-01T09:00:00Z\"\n")},
	{name: "range without dates", rule: "D-3", pages: between(dayTag + "\n")},
	{name: "range that contradicts itself", rule: "D-4", pages: between(dateTag + dayTag + ",CLASS=\"x\"\n" + dayTag + ",CLASS=\"y\"\n")},
	{name: "two states at once", rule: "D-5", pages: between(dateTag + dayTag + ",CLASS=\"c\",END-ON-NEXT=YES\n" +
		strings.Replace(dayTag, `"a"`, `"b"`, 1) + ",CLASS=\"c\",END-ON-NEXT=YES\n")},
	{name: "END-ON-NEXT without CLASS", rule: "D-5", pages: between(dateTag + dayTag + ",END-ON-NEXT=YES\n")},
	{name: "CUE of both ends", rule: "D-6", pages: between(dateTag + dayTag + ",CUE=\"PRE,POST\"\n")},
	{name: "X- attribute without quotes", rule: "D-7", pages: between(dateTag + dayTag + ",X-A=YES\n")},
	{name: "date range goes too soon", rule: "D-8", spoil: later("", `#EXT-X-DATERANGE[^\n]*\n`, ""), then: announce},
	{name: "date range differs", rule: "D-9", spoil: replaced("low", `X-CHECK="one"`, `X-CHECK="uno"`), then: announce},
	{name: "two segments of three target durations", rule: "L-5", also: "*", spoil: short()},
	{name: "directives after the end", rule: "Q-11", spoil: requests(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return strings.Contains(r.URL.RawQuery, "_HLS_msn") && refuse(w, 400)
	}), then: func(g *program) { g.close(); g.end = 1 }},
	{name: "deltas for all", rule: "K-1", also: "Q-12 Q-6 Q-5", spoil: query(func(q map[string]string) {
		if q["_HLS_msn"] != "" {
			q["_HLS_skip"] = "v2"
		}
	})},
	{name: "two EXT-X-SKIP", rule: "K-4", spoil: replaced("low", `(#EXT-X-SKIP[^\n]*\n)`, "$1$1")},
	{name: "removed ranges are not told", rule: "K-6", also: "D-8", spoil: replaced("", `,RECENTLY-REMOVED-DATERANGES="[^"]*"`, ""), then: announce},
	{name: "captions without INSTREAM-ID", rule: "MV-2", pages: variants("#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"c\"\n")},
	{name: "two of one name", rule: "MV-5", also: "C-8", pages: variants(strings.Repeat("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\",CHANNELS=\"2\",URI=\"w.m3u8\"\n", 2))},
	{name: "I-frames with sound", rule: "MV-20", pages: variants("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\",URI=\"w.m3u8\"\n")},
	{name: "no I-frames", rule: "MV-20", spoil: frameLists(`#EXT-X-I-FRAMES-ONLY\n`, "")},
	{name: "session data without a value", rule: "MV-21", pages: variants("#EXT-X-SESSION-DATA:DATA-ID=\"a\"\n")},
	{name: "session key of nothing", rule: "MV-22", pages: variants("#EXT-X-SESSION-KEY:METHOD=NONE\n")},
	{name: "steering without a server", rule: "MV-23", pages: variants("#EXT-X-CONTENT-STEERING:PATHWAY-ID=\"a\"\n")},
	{name: "every other segment is shifted", rule: "C-7", also: "*", spoil: shifted()},
	{name: "other numbers", rule: "C-8", also: "*", spoil: othersNumbers()},
	{name: "key of no method", rule: "E-1", pages: between("#EXT-X-KEY:URI=\"k\"\n")},
	{name: "key without URI", rule: "E-5", pages: between("#EXT-X-KEY:METHOD=AES-128\n")},
	{name: "key with a short IV", rule: "E-5", pages: between("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x12\n")},
	{name: "parameter sets in the samples", rule: "F-14", also: "MV-11 MV-12", spoil: files("low", func(name string, b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("avc1"), []byte("avc3"))
	})},
	{name: "old emsg", rule: "T-1", spoil: files("", func(name string, b []byte) []byte { return patched(b, "emsg", 4, 0) }), then: announce},
	{name: "emsg of another time", rule: "T-2", spoil: files("low", func(name string, b []byte) []byte { return patched(b, "emsg", 15, 1) }), then: announce},
	{name: "plain text", rule: "N-6/should", pages: map[string]string{"/index.m3u8": vodHead + vodTail, "/a.ts": ts, "/b.ts": ts, "plain": "yes"}},
	{name: "numbers from 0", rule: "H-6", also: "*", pages: list("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n")},
	{name: "no segment yet", rule: "H-14", also: "*", pages: list("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART:DURATION=1,URI=\"a.ts\"\n")},
}

// reopened takes ENDLIST away again, once a playlist has been asked for.
func reopened() func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		var seen sync.Map
		return edit(func(r *http.Request, s string) string {
			if _, again := seen.LoadOrStore(r.URL.Path, true); again {
				return strings.ReplaceAll(s, "#EXT-X-ENDLIST\n", "")
			}
			return s
		}, "/stream.m3u8")(h)
	}
}

// newInit lets segment 120 of one rendition have an init section of its own, with another profile or as it was.
func newInit(other bool) func(http.Handler) http.Handler {
	name := regexp.MustCompile(`(?m)^.*120\.(0\.)?m4s.*$`)
	change := lists("low", func(s string) string {
		at := name.FindStringIndex(s)
		if at == nil || strings.Contains(s[at[0]:at[1]], "PRELOAD") {
			return s
		}
		date := strings.LastIndex(s[:at[0]], "#EXT-X-PROGRAM")
		return s[:date] + "#EXT-X-MAP:URI=\"new.mp4\"\n" + s[date:]
	})
	serve := requests(func(w http.ResponseWriter, r *http.Request, h http.Handler) bool {
		if !strings.HasSuffix(r.URL.Path, "/new.mp4") {
			return false
		}
		q := r.Clone(r.Context())
		q.URL.Path = strings.Replace(r.URL.Path, "new", "init.0", 1)
		rec := recorded(h, q)
		body := rec.Body.Bytes()
		if other {
			body = bytes.ReplaceAll(body, []byte{0x67, 0x64, 0, 0x1e}, []byte{0x67, 0x64, 0, 0x1f})
		}
		send(w, r, rec, body)
		return true
	})
	return func(h http.Handler) http.Handler { return serve(change(h)) }
}

// lateKey gives the sync sample of a segment to its second part.
func lateKey() func(http.Handler) http.Handler {
	key, delta := []byte{2, 0, 0, 0}, []byte{1, 1, 0, 0}
	return files("low", func(name string, b []byte) []byte {
		first := bytes.Index(b, []byte("moof"))
		second := first + 4 + bytes.Index(b[first+4:], []byte("moof"))
		if strings.Count(name, ".") != 1 || first < 0 || second < first+4 {
			return b
		}
		return append(bytes.ReplaceAll(b[:second], key, delta), patched(b[second:], "trun", 20, key...)...)
	})
}

// short leaves two segments in one rendition.
func short() func(http.Handler) http.Handler {
	number := regexp.MustCompile(`MEDIA-SEQUENCE:(\d+)`)
	segments := regexp.MustCompile(`(?s)((?:#EXT-X-(?:PROGRAM|PART:|DISCONTINUITY\n)[^\n]*\n)*#EXTINF[^\n]*\n[^\n]*\n)`)
	return lists("low", func(s string) string {
		all := segments.FindAllString(s, -1)
		if strings.Contains(s, "EXT-X-SKIP") || len(all) < 3 {
			return s
		}
		for _, text := range all[:len(all)-2] {
			s = strings.Replace(s, text, "", 1)
		}
		return number.ReplaceAllStringFunc(s, func(m string) string {
			n, _ := strconv.Atoi(m[strings.IndexByte(m, ':')+1:])
			return "MEDIA-SEQUENCE:" + strconv.Itoa(n+len(all)-2)
		})
	})
}

// shifted moves the sound of every other segment by 0.1 s, dates and media alike.
func shifted() func(http.Handler) http.Handler {
	media := files("audio", func(name string, b []byte) []byte {
		n, _, _ := strings.Cut(name, ".")
		if msn, err := strconv.Atoi(n); err != nil || msn%2 == 1 {
			return b
		}
		for i := 0; ; {
			j := bytes.Index(b[i:], []byte("tfdt"))
			if j < 0 {
				return b
			}
			at := b[i+j+12 : i+j+16]
			n := uint32(at[0])<<24 | uint32(at[1])<<16 | uint32(at[2])<<8 | uint32(at[3])
			n += 4800
			at[0], at[1], at[2], at[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
			i += j + 4
		}
	})
	re := regexp.MustCompile(`#EXT-X-PROGRAM-DATE-TIME:(\S+)((?:\n#EXT-X-PART[^\n]*)*(?:\n#EXTINF[^\n]*)?\n[^\n]*?(\d+)\.)`)
	dates := lists("audio", func(s string) string {
		return re.ReplaceAllStringFunc(s, func(m string) string {
			g := re.FindStringSubmatch(m)
			at, err := time.Parse("2006-01-02T15:04:05.999Z", g[1])
			if msn, _ := strconv.Atoi(g[3]); err != nil || msn%2 == 1 {
				return m
			}
			return "#EXT-X-PROGRAM-DATE-TIME:" + at.Add(100*time.Millisecond).Format("2006-01-02T15:04:05.000Z") + g[2]
		})
	})
	return func(h http.Handler) http.Handler { return media(dates(h)) }
}

// othersNumbers counts the segments of the sound from one more.
func othersNumbers() func(http.Handler) http.Handler {
	number := regexp.MustCompile(`MEDIA-SEQUENCE:(\d+)`)
	change := lists("audio", func(s string) string {
		return number.ReplaceAllStringFunc(s, func(m string) string {
			n, _ := strconv.Atoi(m[strings.IndexByte(m, ':')+1:])
			return "MEDIA-SEQUENCE:" + strconv.Itoa(n+1)
		})
	})
	ask := requests(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		q := r.URL.Query()
		if n, err := strconv.Atoi(q.Get("_HLS_msn")); err == nil && strings.Contains(r.URL.Path, "audio") {
			q.Set("_HLS_msn", strconv.Itoa(n-1))
			r.URL.RawQuery = q.Encode()
		}
		return false
	})
	return func(h http.Handler) http.Handler { return ask(change(h)) }
}

// A site of MPEG-TS is good as far as it is looked into, and it is said that that is not all.
func TestForeignSegments(t *testing.T) {
	rep := standing(t, between(""))
	for _, f := range rep.Findings {
		if f.id != "N-1/plain" {
			t.Errorf("%s %s: %s", f.Level, f.id, f.Evidence)
		}
	}
	if text := strings.Join(rep.Unchecked, "\n"); !strings.Contains(text, "MPEG-TS is not supported") {
		t.Errorf("unchecked: %s", text)
	}
}

// TLS without HTTP/2 is an error (N-1).
func TestOldProtocolOverTLS(t *testing.T) {
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: site(between(""))}
	go srv.Serve(l)
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return l.dial(ctx, network, addr)
	}}}
	rep, err := Run(t.Context(), Config{URL: "https://stream.test/index.m3u8", For: time.Second, Client: client})
	if err != nil || rep.Count(Error) != 1 || rep.Findings[0].id != "N-1" {
		t.Errorf("%+v, %v", rep, err)
	}
}
