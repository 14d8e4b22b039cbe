package lint

import (
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// every looks at what any answer of a stream has.
func (c *collector) every(a *answer, where string) {
	if o := a.header.Get("Access-Control-Allow-Origin"); o != "*" && o != player {
		c.add("N-13", where, "", "Access-Control-Allow-Origin is %q for a request with Origin: %s", o, player)
	}
	if cookie := a.header.Get("Set-Cookie"); cookie != "" {
		name, _, _ := strings.Cut(cookie, "=")
		c.add("N-8", where, "", "Set-Cookie: %s=…", name)
	}
}

// protocol looks at the version of HTTP (N-1).
func (c *collector) protocol(a *answer, where string) {
	switch {
	case a.major >= 2:
	case strings.HasPrefix(a.url, "https:"):
		c.add("N-1", where, "", "answered with HTTP/%d although TLS would allow more", a.major)
	default:
		c.add("N-1/plain", where, "", "answered with HTTP/%d", a.major)
	}
}

// playlistHeader looks at the header of a playlist. target is TARGETDURATION; 0 for a multivariant playlist.
func (c *collector) playlistHeader(a *answer, where string, target time.Duration, lowLatency, waited, ended bool) {
	c.every(a, where)
	kind := mediaType(a.header)
	u, _ := url.Parse(a.url)
	known := kind == "application/vnd.apple.mpegurl" || kind == "audio/mpegurl"
	if ext := path.Ext(u.Path); !known && ext != ".m3u8" && ext != ".m3u" {
		c.add("S-1", where, "", "Content-Type is %q and the path does not end in .m3u8", kind)
	} else if !known {
		c.add("N-11", where, "", "Content-Type is %q, application/vnd.apple.mpegurl is expected", kind)
	}
	if !a.zipped && a.method == http.MethodGet {
		id := "N-6/should"
		if lowLatency {
			id = "N-6"
		}
		c.add(id, where, "", "%d bytes came plain although gzip was accepted", a.wire)
	} else if a.zipped && !strings.Contains(strings.ToLower(strings.Join(a.header.Values("Vary"), ",")), "accept-encoding") && a.header.Get("Vary") != "*" {
		c.add("N-6/vary", where, "", "compressed, but Vary is %q", a.header.Get("Vary"))
	}
	if !exposes(a.header, "age") || !exposes(a.header, "date") {
		c.add("N-13/expose", where, "", "Access-Control-Expose-Headers is %q", a.header.Get("Access-Control-Expose-Headers"))
	}
	c.playlistCache(a, where, target, waited, ended)
}

func (c *collector) playlistCache(a *answer, where string, target time.Duration, waited, ended bool) {
	fresh, said := lifetime(a.header)
	switch {
	case !said:
		c.add("N-15", where, "", "no Cache-Control")
	case waited && fresh == 0:
		c.add("N-15", where, "", "Cache-Control: %s on a playlist that was waited for and never changes", a.header.Get("Cache-Control"))
	case target > 0 && !ended && fresh > target && !strings.Contains(a.url, "_HLS_"):
		c.add("N-19", where, "", "Cache-Control: %s on a plain reload", a.header.Get("Cache-Control"))
	}
	modified, err1 := http.ParseTime(a.header.Get("Last-Modified"))
	date, err2 := http.ParseTime(a.header.Get("Date"))
	if target > 0 && !ended && err1 == nil && err2 == nil && date.Sub(modified) > 3*target {
		c.add("N-12", where, "", "Last-Modified is %v before Date", date.Sub(modified))
	}
}

// mediaHeader looks at the header of a part, a segment or an init section.
func (c *collector) mediaHeader(a *answer, where, at string) {
	c.every(a, where)
	if a.length < 0 {
		c.add("N-14", where, at, "%s has no Content-Length", a.url)
	}
	if a.moved != "" {
		c.add("N-10", where, at, "%s leads to %s", a.url, a.moved)
	}
	fresh, said := lifetime(a.header)
	growing := strings.HasSuffix(a.header.Get("Content-Range"), "/*") // a piece of what is still being made
	if (!said || fresh == 0) && !growing {
		c.add("N-15", where, at, "Cache-Control of %s is %q, and media never changes", path.Base(a.url), a.header.Get("Cache-Control"))
	}
	if fmp4(a.body) {
		usual := []string{"video/mp4", "audio/mp4", "application/mp4", "video/iso.segment", "audio/iso.segment"}
		if kind := mediaType(a.header); !slices.Contains(usual, kind) {
			c.add("N-11", where, at, "Content-Type of %s is %q", path.Base(a.url), kind)
		}
	}
}

// exposes reports whether pages may read a field.
func exposes(h http.Header, name string) bool {
	value := strings.ToLower(strings.Join(h.Values("Access-Control-Expose-Headers"), ","))
	return value == "*" || listed(value, name)
}

func mediaType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return h.Get("Content-Type")
	}
	return kind
}

// listed reports whether a field's comma-separated value has a word.
func listed(value, word string) bool {
	return slices.ContainsFunc(strings.Split(value, ","), func(s string) bool { return strings.TrimSpace(s) == word })
}

// lifetime is how long a shared cache may keep an answer, and whether its header says so.
func lifetime(h http.Header) (d time.Duration, said bool) {
	value := strings.ToLower(strings.Join(h.Values("Cache-Control"), ","))
	if value == "" {
		return 0, h.Get("Expires") != ""
	}
	seconds := -1
	for item := range strings.SplitSeq(value, ",") {
		name, arg, _ := strings.Cut(strings.TrimSpace(item), "=")
		n, err := strconv.Atoi(strings.Trim(arg, `"`))
		switch {
		case name == "no-store" || name == "no-cache" || name == "private":
			return 0, true
		case name == "s-maxage" && err == nil:
			return time.Duration(n) * time.Second, true
		case name == "max-age" && err == nil:
			seconds = n
		}
	}
	return time.Duration(max(seconds, 0)) * time.Second, true
}
