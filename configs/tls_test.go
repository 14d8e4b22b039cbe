package configs

import (
	"strings"
	"testing"
)

// There is one certificate at most, and it is whole; a token is one that can be sent.
func TestCertificates(t *testing.T) {
	for text, want := range map[string]string{
		"tls_cert: a.pem":                        `http.tls_cert: needs http.tls_key, the file of its key`,
		"tls_key: a.pem":                         `http.tls_key: needs http.tls_cert, the file of the certificate`,
		"tls_cert: a, tls_key: b, tls_dev: true": `http.tls_cert: is a second certificate beside that of http.tls_dev: set one of them`,
		"acme: a.org, tls_dev: true":             `http.acme: is a second certificate beside that of http.tls_cert or http.tls_dev: set one of them`,
		"acme: ' , '":                            `http.acme: names no host: use names such as live.example.org, with commas between`,
		"acme: 'a.org, 192.0.2.1'":               `http.acme: "192.0.2.1" is not a public host name such as live.example.org`,
		"acme: localhost":                        `http.acme: "localhost" is not a public host name such as live.example.org`,
		"acme: 'A.org,b.example.org'":            "",
		"tls_cert: a, tls_key: b":                "",
		"api_token: 'open sesame'":               `http.api_token: has spaces or letters that a header can't carry: use ASCII letters, digits and signs, as openssl rand -hex 16 makes them`,
		"api_token: 3f0c-_~":                     "",
	} {
		if want != "" {
			want = "x.yaml:1: " + want
		}
		if got := strings.Join(mistakes(t, "http: {"+text+"}"), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}
