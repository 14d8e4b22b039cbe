package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// gapper stands before a gateway and makes gaps of the top rung, as the compositor does under load: from the fourth part of a
// segment to before another segment.
type gapper struct{ from, to atomic.Int64 } // MSN

var (
	topPlaylist = regexp.MustCompile(`/main-360p/stream\.m3u8$`)
	partLine    = regexp.MustCompile(`^#EXT-X-PART:.*URI="(\d+)\.(\d+)\.m4s"`)
	infoLine    = regexp.MustCompile(`^#EXTINF:`)
	segmentLine = regexp.MustCompile(`^(\d+)\.m4s`)
)

// in reports whether a part is a gap; of a segment, whether it is one from its beginning.
func (g *gapper) in(msn, part string) bool {
	n, _ := strconv.ParseInt(msn, 10, 64)
	from := g.from.Load()
	return (from < n || from == n && part >= "3") && n < g.to.Load()
}

func (g *gapper) rewrite(resp *http.Response) error {
	if !topPlaylist.MatchString(resp.Request.URL.Path) || resp.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var out strings.Builder
	lines := strings.SplitAfter(string(body), "\n")
	for i, line := range lines {
		if m := partLine.FindStringSubmatch(line); m != nil && g.in(m[1], m[2]) && !strings.Contains(line, "GAP=") {
			line = strings.TrimSuffix(line, "\n") + ",GAP=YES\n"
		}
		if infoLine.MatchString(line) && i+1 < len(lines) {
			if m := segmentLine.FindStringSubmatch(lines[i+1]); m != nil && g.in(m[1], "0") {
				out.WriteString("#EXT-X-GAP\n")
			}
		}
		out.WriteString(line)
	}
	resp.Body = io.NopCloser(bytes.NewBufferString(out.String()))
	resp.ContentLength = int64(out.Len())
	resp.Header.Set("Content-Length", fmt.Sprint(out.Len()))
	return nil
}

// before puts g before the gateway at base, and answers where.
func (g *gapper) before(t *testing.T, base string) string {
	to, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Accept-Encoding", "identity")
		},
		ModifyResponse: g.rewrite,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestBrowserPlaysBesideGaps: where a machine is too slow and the top rung is gaps, viewers take another: who is there, and who
// comes. When it is whole again they take it again.
func TestBrowserPlaysBesideGaps(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	gw := startTwoRungs(t, "low")
	var g gapper
	base := g.before(t, gw.base)
	b := openBrowser(t, "")
	b.open(base + "/watch/demo")
	b.until("it plays the larger rung", `tilecast.video?.currentTime > 2 && tilecast.hls.loadLevel === 1`)
	var msn int64
	b.must(`tilecast.hls.latestLevelDetails.endSN`, &msn)
	g.from.Store(msn + 2)
	g.to.Store(1 << 40)
	// What comes before the gap is parsed late, as on a busy machine.
	b.must(`(window.__gaps = [], tilecast.hls.on("hlsError", (_, d) => {
		__gaps.push(d.details);
		if (d.details === "fragGap") setTimeout(() => { tilecast.hls.streamController.state = "PARSING"; });
	}), true)`, nil)
	b.until("it is told of a gap", `__gaps.length > 0`)
	b.until("it plays on", `tilecast.hls.loadLevel === 0 && (window.__at ??= tilecast.video.currentTime) + 6 < tilecast.video.currentTime`)
	other := openBrowser(t, "")
	other.open(base + "/watch/demo")
	other.until("who comes plays", `tilecast.video?.currentTime > 4`)
	b.must(`tilecast.hls.latestLevelDetails.endSN`, &msn)
	g.to.Store(msn + 3)
	for _, b := range []*browser{b, other} {
		b.until("it plays the larger rung again", `tilecast.hls.loadLevel === 1 && (window.__again ??= tilecast.video.currentTime) + 3 < tilecast.video.currentTime`)
	}
}
