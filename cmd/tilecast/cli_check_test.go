package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/configs"
	"tilecast/media"
	"tilecast/origin/lint"
)

// The whole gateway with a broadcaster, over HTTP/2, has not even a note.
func TestCheckFindsNothingInOurProgram(t *testing.T) {
	gw := startGateway(t, func(c *configs.Config) { c.HTTP.TLSDev = true })
	_, leave := gw.publish(t, broadcast.Config{
		Name: "Ada", Video: media.VP8, Picture: broadcast.FlashBeep{}, Sound: broadcast.FlashBeep{}, Insecure: true})
	defer leave()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"check", gw.base + "/hls/demo/index.m3u8", "--for", "10s", "--json", "--insecure"}, &out, &errs)
	var rep lint.Report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	gw.expectRules(t, &rep)
	punctual := true
	for _, f := range rep.Findings {
		if punctual = punctual && !late(f); f.Level == lint.Note {
			t.Errorf("note %s: %s %s: %s (%d)", f.Rule, f.Where, f.At, f.Evidence, f.Count)
		}
	}
	if punctual && (code != exitOK || errs.Len() > 0) {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
	if n := len(rep.Facts.Renditions); n < 2 {
		t.Errorf("%d renditions", n)
	}
}

// What cannot be checked is one line and exit code 2; what has errors is a report and exit code 1.
func TestCheckExitCodes(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			w.Write([]byte("<!doctype html>"))
		case "/bad.m3u8":
			w.Write([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:4,\nmissing.ts\n#EXT-X-ENDLIST\n"))
		case "/lost.m3u8":
			w.Write([]byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nnowhere.m3u8\n"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	for args, want := range map[string]struct {
		code int
		err  string
	}{
		"":                          {exitUsage, "name one playlist"},
		"nonsense":                  {exitUsage, "is not an address"},
		srv.URL + "/page":           {exitUsage, "is not an HLS playlist"},
		srv.URL + "/none":           {exitUsage, "answered with 404 Not Found"},
		srv.URL + "/lost.m3u8":      {exitUsage, "no media playlist can be had"},
		srv.URL + "/x --for 0s":     {exitUsage, "--for: 0s is no time to watch"},
		"http://127.0.0.1:1/x.m3u8": {exitUsage, "connection refused"},
		srv.URL + "/bad.m3u8":       {exitFailed, "of the rules are broken"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"check"}, strings.Fields(args)...), &out, &errs)
		line := errs.String()
		if code != want.code || !strings.Contains(line, want.err) || strings.Count(line, "\n") != 1 {
			t.Errorf("check %s: exit code %d, %q", args, code, line)
		}
		if bad := want.code == exitFailed; bad != strings.Contains(out.String(), "[4.4.3.1]") {
			t.Errorf("check %s: %s", args, out.String())
		}
	}
}
