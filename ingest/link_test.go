package ingest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Servers of the kinds there are, as a person would name them.
func iceServers() []ICEServer {
	return []ICEServer{
		{URL: "stun:stun.example.org"},
		{URL: "turn:turn.example.org?transport=udp", Username: "ada", Credential: `pa"ss\word`},
		{URL: "turns:turn.example.org:443?transport=tcp", Secret: "shared", Lifetime: time.Hour},
	}
}

// W-62, O-5: one line for each server, in order, with what it needs; credentials that coturn accepts.
func TestLinks(t *testing.T) {
	_, url := startServer(t, newHall(), Config{ICEServers: iceServers()})
	res, _ := request(t, http.MethodPost, url+"/whip/demo", sdpType, readFixture(t, "obs"))
	links := res.Header.Values("Link")
	if len(links) != 5 || !strings.Contains(links[3], wantedRel) || !strings.Contains(links[4], devicesRel) {
		t.Fatalf("%d lines: %q", len(links), links)
	}
	if links[0] != `<stun:stun.example.org>; rel="ice-server"` {
		t.Error(links[0])
	}
	if links[1] != `<turn:turn.example.org?transport=udp>; rel="ice-server"; username="ada"; credential="pa\"ss\\word"; credential-type="password"` {
		t.Error(links[1])
	}
	m := regexp.MustCompile(`^<turns:turn\.example\.org:443\?transport=tcp>; rel="ice-server"; username="((\d+):[\w-]+)"; credential="([^"]+)"; credential-type="password"$`).FindStringSubmatch(links[2])
	if m == nil {
		t.Fatal(links[2])
	}
	until, _ := strconv.ParseInt(m[2], 10, 64)
	if left := time.Until(time.Unix(until, 0)); left < 50*time.Minute || left > time.Hour {
		t.Errorf("holds for %v", left)
	}
	mac := hmac.New(sha1.New, []byte("shared"))
	mac.Write([]byte(m[1]))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); m[3] != want {
		t.Errorf("credential %q, want %q", m[3], want)
	}
	if strings.Contains(m[1], strings.TrimPrefix(res.Header.Get("Location"), url+"/whip/demo/")) {
		t.Error("the name gives the session's secret away")
	}
}

// W-63: who asks what is possible is told of the servers, a preflight is not, nor who may not publish.
func TestLinksInOptions(t *testing.T) {
	h := newHall()
	h.token = "open sesame"
	_, url := startServer(t, h, Config{ICEServers: iceServers()})
	ask := func(headers ...string) []string {
		res, _ := request(t, http.MethodOptions, url+"/whip/demo", "", "", headers...)
		if res.StatusCode != 200 {
			t.Errorf("%v: %s", headers, res.Status)
		}
		return res.Header.Values("Link")
	}
	if links := ask("Authorization", "Bearer open sesame"); len(links) != 3 || !slices.ContainsFunc(links, func(l string) bool { return strings.Contains(l, "credential=") }) {
		t.Errorf("with a token: %q", links)
	}
	if links := ask("Authorization", "Bearer open sesame", "Origin", "https://a.example", "Access-Control-Request-Method", "POST"); len(links) != 0 {
		t.Errorf("in a preflight: %q", links)
	}
	if links := ask(); len(links) != 0 {
		t.Errorf("without a token: %q", links)
	}
	res, _ := request(t, http.MethodPost, url+"/whip/demo", sdpType, readFixture(t, "obs"))
	if res.StatusCode != 401 || len(res.Header.Values("Link")) != 0 {
		t.Errorf("refused: %s, %q", res.Status, res.Header.Values("Link"))
	}
}

// W-66: links to extensions stand in the 201 and nowhere else.
func TestExtensionLinks(t *testing.T) {
	_, url := startServer(t, newHall(), Config{ICEServers: iceServers()})
	extension := func(res *http.Response) (n int) {
		for _, l := range res.Header.Values("Link") {
			if !strings.Contains(l, `rel="ice-server"`) {
				n++
			}
		}
		return n
	}
	res, _ := request(t, http.MethodPost, url+"/whip/demo", sdpType, readFixture(t, "obs"))
	resource := res.Header.Get("Location")
	for _, c := range []struct{ method, url, typ, body string }{
		{http.MethodOptions, url + "/whip/demo", "", ""},
		{http.MethodOptions, resource, "", ""},
		{http.MethodGet, resource, "", ""},
		{http.MethodPost, url + "/whip/demo", sdpType, "v=0"},
		{http.MethodPatch, resource, fragmentType, "a=end-of-candidates"},
		{http.MethodPatch, resource, fragmentType, newCredentials},
		{http.MethodDelete, resource, "", ""},
	} {
		if res, _ := request(t, c.method, c.url, c.typ, c.body); extension(res) != 0 {
			t.Errorf("%s %s: %q", c.method, res.Status, res.Header.Values("Link"))
		}
	}
}
