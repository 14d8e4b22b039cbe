package ingest

import (
	"fmt"
	"net/http"
	"net/netip"
	neturl "net/url"
	"strings"
	"testing"
)

// Sessions are limited in each room and in all; who leaves makes room; a refused POST holds none.
func TestSessionLimits(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{Limits: Limits{Sessions: 3, SessionsPerRoom: 2}})
	try := func(room string, status int, says string) string {
		t.Helper()
		res, body := request(t, http.MethodPost, url+"/whip/"+room, sdpType, readFixture(t, "obs"))
		if res.StatusCode != status || status == 503 && (!strings.Contains(body, says) || res.Header.Get("Retry-After") == "") {
			t.Fatalf("room %s: %s %s, want %d", room, res.Status, body, status)
		}
		return res.Header.Get("Location")
	}
	h.refuse = ErrForbidden
	for range 5 {
		try("a", 403, "")
	}
	h.refuse = nil
	first := try("a", 201, "")
	try("a", 201, "")
	try("a", 503, `room "a" has 2 sessions`)
	try("b", 201, "")
	try("b", 503, "the gateway has 3 sessions")
	request(t, http.MethodDelete, first, "", "")
	try("a", 201, "")
	try("a", 503, "")
}

// A burst of 30 POSTs from one address is fine; what is beyond gets 429 and the time to wait. Others
// don't pay for it, and a proxy's clients are told apart (W-5).
func TestPostRate(t *testing.T) {
	s, url := startServer(t, newHall(), Config{Limits: Limits{
		PostBurst: 30, PostsPerMinute: 1, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}})
	for i := range 30 {
		if res, body := request(t, http.MethodPost, url+"/whip/demo", sdpType, "v=0"); res.StatusCode != 400 {
			t.Fatalf("POST %d: %s %s", i, res.Status, body)
		}
	}
	res, body := request(t, http.MethodPost, url+"/whip/demo", sdpType, readFixture(t, "obs"))
	if res.StatusCode != 429 || res.Header.Get("Retry-After") != "60" || !strings.Contains(body, "60 s") {
		t.Fatalf("%s, Retry-After %q: %s", res.Status, res.Header.Get("Retry-After"), body)
	}
	if res, body := request(t, http.MethodPost, url+"/whip/demo", sdpType, readFixture(t, "obs"), "X-Forwarded-For", "203.0.113.9"); res.StatusCode != 201 {
		t.Fatalf("another client of the proxy: %s %s", res.Status, body)
	}
	n := 0
	for ; n < 2000; n++ {
		if res, _ := request(t, http.MethodDelete, url+"/whip/demo/guess", "", ""); res.StatusCode == 429 {
			break
		} else if res.StatusCode != 404 {
			t.Fatal(res.Status)
		}
	}
	if n != 30*touchesPerPost || len(s.Stats().Sessions) != 1 {
		t.Errorf("%d guesses, %+v", n, s.Stats().Sessions)
	}
}

// Names of sessions can't be guessed: 128 random bits each (W-5).
func TestSessionURLs(t *testing.T) {
	_, url := startServer(t, newHall(), Config{})
	seen := map[string]bool{}
	for range 10 {
		resource, _, _ := post(t, url+"/whip/demo", "obs")
		id := strings.TrimPrefix(resource, url+"/whip/demo/")
		if len(id) != 22 || seen[id] || strings.ContainsAny(id, "/?#") {
			t.Errorf("session %q", id)
		}
		seen[id] = true
	}
}

func TestOfferAndFragmentSize(t *testing.T) {
	_, url := startServer(t, newHall(), Config{Limits: Limits{Offer: 4000, Fragment: 200}})
	big := readFixture(t, "obs") + strings.Repeat("a=x\r\n", 800)
	if res, body := request(t, http.MethodPost, url+"/whip/demo", sdpType, big); res.StatusCode != 413 || !strings.Contains(body, "4000") {
		t.Errorf("%s %s", res.Status, body)
	}
	resource, _, _ := post(t, url+"/whip/demo", "obs")
	if res, body := patch(t, resource, "*", "m=audio 9 RTP/AVP 0\r\n"+strings.Repeat("a=x\r\n", 50)); res.StatusCode != 413 || !strings.Contains(body, "200") {
		t.Errorf("%s %s", res.Status, body)
	}
}

// Remote candidates are bounded, however many PATCHes bring them.
func TestCandidatesAreBounded(t *testing.T) {
	s, url := startServer(t, newHall(), Config{})
	resource, _, _ := post(t, url+"/whip/demo", "obs")
	for i := range 3 {
		var f strings.Builder
		f.WriteString("m=audio 9 RTP/AVP 0\r\na=mid:0\r\n")
		for j := range 50 {
			fmt.Fprintf(&f, "a=candidate:1 1 udp 1 192.0.2.%d %d typ host\r\n", j, 1000+i)
		}
		if res, body := patch(t, resource, "", f.String()); res.StatusCode != 204 {
			t.Fatalf("%s %s", res.Status, body)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sess := range s.sessions {
		if n := len(sess.remote); n != maxRemote {
			t.Errorf("%d candidates are kept", n)
		}
	}
}

// Who sends more than is allowed for ten seconds is ended; a burst is not.
func TestFlood(t *testing.T) {
	c := scale{limit: 1_000_000}
	var bytes int64
	weigh := func(kbps int64) error {
		bytes += kbps * 1000 / 8 * int64(weighEvery.Seconds())
		return c.weigh(bytes)
	}
	for range 3 {
		for range maxHeavy - 1 {
			if err := weigh(2500); err != nil {
				t.Fatal("a burst:", err)
			}
		}
		if err := weigh(1900); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for range maxHeavy {
		err = weigh(2500)
	}
	if err == nil || !strings.Contains(err.Error(), "2500 kb/s") || !strings.Contains(err.Error(), "1000 kb/s") {
		t.Fatal(err)
	}
	free := scale{}
	for range 10 {
		if err := free.weigh(1 << 40); err != nil {
			t.Fatal(err)
		}
	}
}

// W-60, W-61: with another gateway at hand, who finds no room is sent there, once; else there is 503.
func TestOverflow(t *testing.T) {
	h := newHall()
	_, there := startServer(t, newHall(), Config{})
	_, url := startServer(t, h, Config{Overflow: there + "/", Limits: Limits{Sessions: 1}})
	post(t, url+"/whip/demo", "obs")
	once := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(query string) *http.Response {
		res, err := once.Post(url+"/whip/r%C3%A9union"+query, sdpType, strings.NewReader(readFixture(t, "obs")))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	if res := ask("?name=Ada"); res.StatusCode != 307 || res.Header.Get("Location") != there+"/whip/r%C3%A9union?name=Ada&redirected=1" {
		t.Errorf("%s to %q", res.Status, res.Header.Get("Location"))
	}
	if res := ask("?redirected=1"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("sent to and fro: %s", res.Status)
	}
	resource, _, _ := post(t, url+"/whip/demo", "obs") // follows
	if !strings.HasPrefix(resource, there+"/whip/demo/") {
		t.Errorf("the session is at %q", resource)
	}
	if res, body := request(t, http.MethodDelete, resource, "", ""); res.StatusCode != 200 {
		t.Errorf("DELETE there: %s %s", res.Status, body)
	}
}

// W-64, W-65; checklist 11.10: a room that asks for a token gets it with the POST; later requests
// may leave it out unless the server is strict, but a wrong one never passes.
func TestTokens(t *testing.T) {
	for _, strict := range []bool{false, true} {
		h := newHall()
		h.token = "open sesame"
		_, url := startServer(t, h, Config{Strict: strict})
		for _, headers := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "Basic open sesame"}} {
			res, body := request(t, http.MethodPost, url+"/whip/demo", sdpType, readFixture(t, "obs"), headers...)
			if res.StatusCode != 401 || !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer") || !strings.Contains(body, "token") {
				t.Errorf("%v: %s, %q: %s", headers, res.Status, res.Header.Get("WWW-Authenticate"), body)
			}
		}
		if len(h.seats) != 0 {
			t.Error("seated without a token")
		}
		post(t, url+"/whip/demo?token=open+sesame", "obs")
		resource, etag, _ := post(t, url+"/whip/demo", "obs", "Authorization", "bearer open sesame")
		if h.seat(1).req.Token != "open sesame" {
			t.Errorf("the room is shown token %q", h.seat(1).req.Token)
		}
		fragment := "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n"
		touch := func(method, token string, want int) {
			t.Helper()
			headers := []string{"If-Match", etag}
			if token != "" {
				headers = append(headers, "Authorization", "Bearer "+token)
			}
			if res, body := request(t, method, resource, fragmentType, fragment, headers...); res.StatusCode != want {
				t.Errorf("strict %v, %s with token %q: %s %s", strict, method, token, res.Status, body)
			}
		}
		without := 204
		if strict {
			without = 401
		}
		touch(http.MethodPatch, "wrong", 401)
		touch(http.MethodDelete, "wrong", 401)
		touch(http.MethodPatch, "", without)
		touch(http.MethodPatch, "open sesame", 204)
		touch(http.MethodDelete, "open sesame", 200)
	}
}

// What a layout could not name is no role.
func TestRole(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	for _, role := range []string{"", "host", "co-host_2", "Gäste", strings.Repeat("x", 64)} {
		post(t, url+"/whip/demo?role="+neturl.QueryEscape(role), "obs")
		if got := h.seat(len(h.seats) - 1).req.Role; got != role {
			t.Errorf("%q is %q", role, got)
		}
	}
	for _, role := range []string{"role:host", "a b", "a\n", strings.Repeat("x", 65), "host;"} {
		res, body := request(t, http.MethodPost, url+"/whip/demo?role="+neturl.QueryEscape(role), sdpType, readFixture(t, "obs"))
		if res.StatusCode != 400 || !strings.Contains(body, "such as host") {
			t.Errorf("%q: %s %s", role, res.Status, body)
		}
	}
}

// A source that nobody knows is refused, with what there is.
func TestSource(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	for source, want := range map[string]string{"": "", "camera": "", "screen": SourceScreen} {
		post(t, url+"/whip/demo?source="+source, "obs")
		if got := h.seat(len(h.seats) - 1).req.Source; got != want {
			t.Errorf("%q is %q", source, got)
		}
	}
	for query, says := range map[string]string{"source=scren": "screen", "id=" + strings.Repeat("x", maxID+1): "256"} {
		res, body := request(t, http.MethodPost, url+"/whip/demo?"+query, sdpType, readFixture(t, "obs"))
		if res.StatusCode != 400 || !strings.Contains(body, says) {
			t.Errorf("%s: %s %s", query, res.Status, body)
		}
	}
}

// OPTIONS tells a right token from a wrong one where there are ICE servers, so guesses are limited there, too; preflights are none.
func TestOptionsRate(t *testing.T) {
	h := newHall()
	h.token = "open sesame"
	_, url := startServer(t, h, Config{ICEServers: iceServers(), Limits: Limits{PostBurst: 1, PostsPerMinute: 1}})
	guess := func(headers ...string) int {
		res, _ := request(t, http.MethodOptions, url+"/whip/demo", "", "", headers...)
		return res.StatusCode
	}
	for i := range touchesPerPost {
		if status := guess("Authorization", "Bearer guess"); status != 200 {
			t.Fatalf("guess %d: %d", i, status)
		}
	}
	if status := guess("Authorization", "Bearer open sesame"); status != 429 {
		t.Errorf("one guess more: %d", status)
	}
	if status := guess("Origin", "https://a.example", "Access-Control-Request-Method", "POST"); status != 200 {
		t.Errorf("a preflight: %d", status)
	}
}
