package main

import (
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"tilecast/configs"
)

// What a person writes under ingest reaches those who publish.
func TestIngestSettings(t *testing.T) {
	gw := startGateway(t, func(c *configs.Config) {
		c.Rooms[0].PublishToken = "open sesame"
		c.Ingest.TCPPort = -1
		c.Ingest.PublicAddresses = []string{"203.0.113.7:9000"}
		c.Ingest.ICEServers = []configs.ICEServer{{URL: "turn:turn.example.org", Secret: "shared", Lifetime: time.Hour}}
		c.Ingest.Limits.SessionsPerRoom = 1
		c.Ingest.Limits.PostBurst = 5
		c.Ingest.Limits.PostsPerMinute = 1 // none comes back while the test runs
	})
	offer, err := os.ReadFile("../../ingest/testdata/offers/obs.sdp")
	if err != nil {
		t.Fatal(err)
	}
	post := func(token string, want int) *http.Response {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, gw.base+"/whip/demo", strings.NewReader(strings.ReplaceAll(string(offer), "\n", "\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/sdp")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if resp.StatusCode != want {
			t.Fatalf("with token %q: %s, want %d", token, resp.Status, want)
		}
		return resp
	}
	post("", 401)
	post("close sesame", 401)
	resp := post("open sesame", 201)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := string(body)
	if first := strings.Index(answer, "a=candidate:"); first < 0 || !strings.Contains(answer[first:first+80], " 203.0.113.7 9000 ") {
		t.Errorf("the first candidate is not the public address:\n%s", answer)
	}
	if !strings.Contains(answer, "tcptype passive") {
		t.Error("no TCP candidate")
	}
	if links := strings.Join(resp.Header.Values("Link"), "\n"); !strings.Contains(links, "<turn:turn.example.org>") || !strings.Contains(links, "credential=") {
		t.Errorf("links: %s", links)
	}
	post("open sesame", 503)
	post("open sesame", 503)
	post("open sesame", 429)
}

func TestIngestConfig(t *testing.T) {
	cfg := configs.Default()
	cfg.Ingest.TrustedProxies = []string{"10.1.2.3/8", "192.0.2.1"}
	cfg.Ingest.PublicAddresses = []string{"203.0.113.7", "[2001:db8::1]:9"}
	cfg.Ingest.IPv6 = false
	cfg.Ingest.Limits.MaxPixels = 1280 * 720
	in, err := ingestConfig(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")}
	if got := in.Limits.TrustedProxies; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("proxies %v", got)
	}
	if got := in.Public; len(got) != 2 || got[0].Port() != 0 || got[1] != netip.MustParseAddrPort("[2001:db8::1]:9") {
		t.Errorf("public addresses %v", got)
	}
	if in.UDPPort != 8189 || !in.NoIPv6 || in.Limits.Sessions != 200 || in.Limits.BitRate != 20_000_000 || in.Limits.Fragment != 16<<10 || in.Limits.Pixels != 1280*720 {
		t.Errorf("%+v", in)
	}
}
