package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// here is a request as a person at this machine makes it.
func here(method, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:50000", "localhost:8080"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// changes are all requests that change something.
var changes = []struct{ method, path, body string }{
	{"POST", "/api/v1/rooms/demo/events", `{}`},
	{"POST", "/api/v1/rooms/demo/recording", `{"on": true}`},
	{"PATCH", "/api/v1/rooms/demo/participants/ada", `{"muted": true}`},
	{"POST", "/api/v1/rooms/demo/participants/ada", `{"muted": true}`},
}

func status(token string, r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	New(token, &rooms{}, &cues{}, &tape{}).ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	return w.Code, string(body)
}

// Without a token only this machine itself may change anything; whoever else asks is told what to set.
func TestChangesComeFromThisMachine(t *testing.T) {
	for _, c := range changes {
		for _, from := range []struct {
			what, addr, host string
			headers          []string
			may              bool
		}{
			{"curl", "127.0.0.1:5", "localhost:8080", nil, true},
			{"curl by IPv6", "[::1]:5", "[::1]:8080", nil, true},
			{"curl by IPv4 to a socket of both", "[::ffff:127.0.0.1]:5", "127.0.0.1", nil, true},
			{"a page of ours", "127.0.0.1:5", "localhost:8080", []string{"Origin", "http://localhost:8080", "Sec-Fetch-Site", "same-origin"}, true},
			{"the network", "192.0.2.7:5", "live.example:8080", nil, false},
			{"the network, lying", "192.0.2.7:5", "localhost:8080", []string{"X-Forwarded-For", "127.0.0.1"}, false},
			{"nobody knows", "@", "localhost", nil, false},
			{"a proxy here", "127.0.0.1:5", "localhost:8080", []string{"X-Forwarded-For", "192.0.2.7"}, false},
			{"a proxy here, by the standard", "127.0.0.1:5", "localhost:8080", []string{"Forwarded", "for=192.0.2.7"}, false},
			{"a proxy here that keeps the name", "127.0.0.1:5", "live.example", nil, false},
			{"another site's page", "127.0.0.1:5", "localhost:8080", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, false},
			{"another site's page in an old browser", "127.0.0.1:5", "localhost:8080", []string{"Origin", "https://evil.example"}, false},
			{"a page whose name leads here", "127.0.0.1:5", "evil.example:8080", []string{"Origin", "http://evil.example:8080", "Sec-Fetch-Site", "same-origin"}, false},
		} {
			r := here(c.method, c.path, c.body, from.headers...)
			r.RemoteAddr, r.Host = from.addr, from.host
			code, text := status("", r)
			if from.may && code >= 300 || !from.may && (code != http.StatusForbidden || !strings.Contains(text, "http.api_token")) {
				t.Errorf("%s %s from %s: %d %s", c.method, c.path, from.what, code, text)
			}
		}
	}
}

// With a token it is all that counts, from wherever a change comes.
func TestChangesNeedTheToken(t *testing.T) {
	for _, c := range changes {
		for auth, want := range map[string]bool{"Bearer sesame": true, "bearer sesame": true, "": false, "Bearer": false, "Bearer sesam": false, "Basic sesame": false} {
			r := here(c.method, c.path, c.body, "Authorization", auth)
			if code, text := status("sesame", r); want != (code < 300) || !want && (code != http.StatusUnauthorized || !strings.Contains(text, "http.api_token")) {
				t.Errorf("%s %s with %q: %d %s", c.method, c.path, auth, code, text)
			}
			r = here(c.method, c.path, c.body, "Authorization", auth)
			r.RemoteAddr, r.Host = "192.0.2.7:5", "live.example"
			if code, _ := status("sesame", r); want != (code < 300) {
				t.Errorf("%s %s from afar with %q: %d", c.method, c.path, auth, code)
			}
		}
	}
}

// Who only looks needs nothing.
func TestLookingIsFree(t *testing.T) {
	for _, token := range []string{"", "sesame"} {
		for _, path := range []string{"/api/v1/rooms", "/api/v1/rooms/demo/recordings"} {
			if code, text := status(token, httptest.NewRequest(http.MethodGet, path, nil)); code != http.StatusOK {
				t.Errorf("%s: %d %s", path, code, text)
			}
		}
	}
}
