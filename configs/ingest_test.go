package configs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestIngestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"ingest: {tcp_port: 70000}":                                                             `x.yaml:1: ingest.tcp_port: 70000 is out of range: use 0 to 65535`,
		"ingest:\n  interfaces: [lo, \"[\"]":                                                    `x.yaml:2: ingest.interfaces[1]: "[" is not the name of a network interface, nor a pattern such as eth*`,
		"ingest:\n  public_addresses:\n    - 203.0.113.7\n    - live.org":                       `x.yaml:4: ingest.public_addresses[1]: "live.org" is not an IP address such as 203.0.113.7, or one with a port, 203.0.113.7:8189`,
		"ingest:\n  public_addresses: [0.0.0.0]":                                                `x.yaml:2: ingest.public_addresses[0]: "0.0.0.0" is not an IP address such as 203.0.113.7, or one with a port, 203.0.113.7:8189`,
		"ingest:\n  trusted_proxies: [10.0.0.0/33]":                                             `x.yaml:2: ingest.trusted_proxies[0]: "10.0.0.0/33" is not an IP address or network such as 10.0.0.0/8`,
		"ingest:\n  overflow: live2":                                                            `x.yaml:2: ingest.overflow: "live2" is not the address of another gateway, such as https://live2.example.org`,
		"ingest:\n  strict: yes":                                                                `x.yaml:2: ingest.strict: "yes" is not true or false`,
		"ingest:\n  ice_servers:\n  - url: http://turn.org":                                     `x.yaml:3: ingest.ice_servers[0].url: "http://turn.org" is not the address of a STUN or TURN server, such as stun:stun.example.org or turn:turn.example.org:3478?transport=udp`,
		"ingest:\n  ice_servers:\n  - username: ada":                                            `x.yaml:3: ingest.ice_servers[0].url: is missing: name a server, such as turn:turn.example.org:3478?transport=udp`,
		"ingest:\n  ice_servers:\n  - url: turn:turn.org":                                       `x.yaml:3: ingest.ice_servers[0]: a TURN server needs a username and a credential, or a secret by which they are made`,
		"ingest:\n  ice_servers:\n  - {url: \"turn:t\", username: a, credential: b, secret: c}": `x.yaml:3: ingest.ice_servers[0]: has a secret as well as a username or a credential: the secret makes those, leave them out`,
		"ingest:\n  ice_servers:\n  - {url: \"stun:t\", secret: c}":                             `x.yaml:3: ingest.ice_servers[0]: a STUN server needs no username, credential or secret: leave them out`,
		"ingest:\n  ice_servers:\n  - {url: \"turn:t\", secret: c, lifetime: 1s}":               `x.yaml:3: ingest.ice_servers[0].lifetime: 1s is out of range: use 1m0s to 8760h0m0s`,
		"ingest:\n  ice_servers:\n  - {url: \"turn:t\", username: a, credential: ü}":            `x.yaml:3: ingest.ice_servers[0].credential: holds a character that can't stand in an HTTP header: use ASCII`,
		"ingest:\n  limits: {post_burst: 0}":                                                    `x.yaml:2: ingest.limits.post_burst: 0 is out of range: use 1 to 1000000`,
		"ingest:\n  limits: {offer_bytes: 100}":                                                 `x.yaml:2: ingest.limits.offer_bytes: 100 is out of range: use 8192 to 1048576`,
		"ingest:\n  limits: {bitrate: 20}":                                                      `x.yaml:2: ingest.limits.bitrate: 20 is out of range: use 100k to 1000000k`,
		"ingest:\n  limits: {max_pixels: 1080}":                                                 `x.yaml:2: ingest.limits.max_pixels: 1080 is out of range: use 14400 to 9437184`,
		"ingest:\n  limits: {max_pixels: 1080p}":                                                `x.yaml:2: ingest.limits.max_pixels: "1080p" is not a whole number`,
		"ingest:\n  limits: {sesions: 20}":                                                      `x.yaml:2: ingest.limits.sesions: unknown key, did you mean "sessions"?`,
		"ingest:\n  limits: {overload: 101}":                                                    `x.yaml:2: ingest.limits.overload: 101 is out of range: use 0 to 100`,
	} {
		if got := strings.Join(mistakes(t, text), "\n"); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// What docs/whip.md shows of a configuration is right.
func TestExamplesInTheWHIPDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/whip.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, b := range blocks {
		if _, err := Parse("whip.md", []byte(b[1])); err != nil {
			t.Errorf("%v in\n%s", err, b[1])
		}
	}
}
