package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
)

// W-2, W-3, W-6, W-30; checklist 11.8.
func TestMethods(t *testing.T) {
	_, url := startServer(t, newHall(), Config{})
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/whip/demo", 204, ""}, {"HEAD", "/whip/demo", 204, ""},
		{"GET", "/whip/demo/some", 204, ""}, {"GET", "/whip/r%C3%A9union", 204, ""},
		{"OPTIONS", "/whip/demo", 200, endpointMethods}, {"OPTIONS", "/whip/demo/some", 200, resourceMethods},
		{"PUT", "/whip/demo", 405, endpointMethods}, {"PUT", "/whip/demo/some", 405, resourceMethods}, {"PATCH", "/whip/demo/some", 404, ""},
		{"PATCH", "/whip/demo", 405, endpointMethods},
		{"DELETE", "/whip/demo/some", 404, ""}, {"POST", "/whip/demo/some", 405, resourceMethods},
		{"POST", "/whip", 404, ""}, {"POST", "/whip/demo/", 404, ""}, {"POST", "/whip/a/b/c", 404, ""},
	} {
		res, body := request(t, c.method, url+c.path, "", "", "Origin", "https://elsewhere.example")
		if res.StatusCode != c.status || res.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %s, Allow %q", c.method, c.path, res.Status, res.Header.Get("Allow"))
		}
		if (res.StatusCode >= 400) != (body != "") {
			t.Errorf("%s %s: %s with %q", c.method, c.path, res.Status, body)
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(res.Header.Get("Access-Control-Expose-Headers"), "Location") {
			t.Errorf("%s %s: CORS headers are missing", c.method, c.path)
		}
		if c.method == "OPTIONS" && (res.Header.Get("Accept-Post") != "application/sdp" ||
			!strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "Authorization")) {
			t.Errorf("OPTIONS %s: %v", c.path, res.Header)
		}
	}
}

// W-10: 415 for what does not call itself SDP.
func TestContentType(t *testing.T) {
	_, url := startServer(t, newHall(), Config{})
	for typ, status := range map[string]int{
		"": 415, "text/plain": 415, "application/json": 415, "application/sdpx": 415,
		"application/sdp": 201, "Application/SDP; charset=utf-8": 201,
	} {
		res, body := request(t, http.MethodPost, url+"/whip/demo", typ, readFixture(t, "obs"))
		if res.StatusCode != status {
			t.Errorf("%q: %s: %s", typ, res.Status, body)
		}
	}
}

// whip.md 7.1: what the room refuses with.
func TestRoomsRefusals(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	for _, c := range []struct {
		err    error
		status int
	}{
		{ErrNoRoom, 404}, {ErrForbidden, 403}, {ErrTaken, 409}, {ErrFull, 503},
		{fmt.Errorf("%w: nine are here already", ErrFull), 503}, {errors.New("out of paint"), 500},
	} {
		h.refuse = c.err
		res, body := request(t, http.MethodPost, url+"/whip/demo", "application/sdp", readFixture(t, "obs"))
		if res.StatusCode != c.status || (res.Header.Get("Retry-After") != "") != (c.status == 503) || len(body) < 10 {
			t.Errorf("%v: %s, Retry-After %q: %s", c.err, res.Status, res.Header.Get("Retry-After"), body)
		}
	}
}

// W-17, O-4: absolute, as the client sees us.
func TestLocation(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	for _, c := range []struct {
		headers []string
		prefix  string
	}{
		{nil, url + "/whip/r%C3%A9union%2F1/"},
		{[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "live.example.org"}, "https://live.example.org/whip/r%C3%A9union%2F1/"},
		{[]string{"X-Forwarded-Proto", "https, http"}, strings.Replace(url, "http:", "https:", 1) + "/whip/"},
		{[]string{"X-Forwarded-Proto", "gopher", "X-Forwarded-Host", "a b/c"}, url + "/whip/"},
	} {
		res, body := request(t, http.MethodPost, url+"/whip/r%C3%A9union%2F1", "application/sdp", readFixture(t, "obs"), c.headers...)
		if !strings.HasPrefix(res.Header.Get("Location"), c.prefix) {
			t.Errorf("%v: %s %q: %s", c.headers, res.Status, res.Header.Get("Location"), body)
		}
	}
	if r := h.seat(0).req.Room; r != "réunion/1" {
		t.Errorf("room %q", r)
	}
	res, _ := request(t, http.MethodPost, url+"/whip/r%C3%A9union%2F1", "application/sdp", readFixture(t, "obs"))
	if res, body := request(t, http.MethodDelete, res.Header.Get("Location"), "", ""); res.StatusCode != 200 {
		t.Errorf("DELETE of an escaped room: %s %s", res.Status, body)
	}
}

// W-20 to W-22; checklist 11.7.
func TestDelete(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	res, _ := request(t, http.MethodPost, url+"/whip/demo", "application/sdp", readFixture(t, "obs"))
	resource := res.Header.Get("Location")
	if res, _ := request(t, http.MethodDelete, strings.Replace(resource, "/demo/", "/other/", 1), "", ""); res.StatusCode != 404 {
		t.Errorf("in the wrong room: %s", res.Status)
	}
	for i := range 3 {
		res, body := request(t, http.MethodDelete, resource, "", "", "If-Match", `"junk"`)
		if res.StatusCode != 200 || body != "" {
			t.Errorf("DELETE %d: %s %q", i, res.Status, body)
		}
		if len(h.seat(0).left) != 1 {
			t.Errorf("after DELETE %d the seat was left %d times", i, len(h.seat(0).left))
		}
	}
	if res, _ := request(t, http.MethodDelete, strings.Replace(resource, "/demo/", "/other/", 1), "", ""); res.StatusCode != 404 {
		t.Errorf("in the wrong room, gone: %s", res.Status)
	}
}

// W-25: nobody keeps a seat without connecting.
func TestNeverConnectedEnds(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{ConnectTimeout: 50 * time.Millisecond})
	request(t, http.MethodPost, url+"/whip/demo", "application/sdp", readFixture(t, "obs"))
	if graceful := <-h.seat(0).left; graceful {
		t.Error("counts as a goodbye")
	}
	eventually(t, "the end of the session", func() bool { return len(s.Stats().Sessions) == 0 })
}

// How long a client may take to connect, be silent, be without consent, and come back, where nothing else is said (W-23, W-25).
func TestPatience(t *testing.T) {
	c := Config{}.withDefaults()
	for _, d := range []struct{ got, want time.Duration }{
		{c.ConnectTimeout, 15 * time.Second}, {c.InterruptTimeout, 2 * time.Second}, {c.ConsentTimeout, 30 * time.Second}, {c.ReturnTimeout, 90 * time.Second},
	} {
		if d.got != d.want {
			t.Errorf("%v, want %v", d.got, d.want)
		}
	}
}

// W-61: shutting down.
func TestCloseRefusesAndEndsAll(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	for range 3 {
		request(t, http.MethodPost, url+"/whip/demo", "application/sdp", readFixture(t, "obs"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if len(h.seat(i).left) != 1 {
			t.Errorf("seat %d was left %d times", i, len(h.seat(i).left))
		}
	}
	res, _ := request(t, http.MethodPost, url+"/whip/demo", "application/sdp", readFixture(t, "obs"))
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("%s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
}

// The room may end a session at any time, even before it is answered.
func TestKick(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	request(t, http.MethodPost, url+"/whip/demo", "application/sdp", readFixture(t, "obs"))
	for range 2 {
		h.seat(0).req.Kick(errors.New("too loud"))
	}
	if graceful := <-h.seat(0).left; !graceful {
		t.Error("the place is kept for one who was thrown out")
	}
	eventually(t, "the end of the session", func() bool { return len(s.Stats().Sessions) == 0 })
}

func TestPortInUseIsSaidClearly(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	port := conn.LocalAddr().(*net.UDPAddr).Port
	s, err := New(Config{UDPPort: port}, newHall())
	if err == nil {
		s.Close(context.Background())
		t.Fatal("two programs share a port")
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("UDP port %d is in use", port)) {
		t.Fatal(err)
	}
}

// A server gives its port back.
func TestPortIsFreeAfterClose(t *testing.T) {
	s, err := New(Config{}, newHall())
	if err != nil {
		t.Fatal(err)
	}
	port := s.UDPPort()
	for range 3 {
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s, err = New(Config{UDPPort: port}, newHall()); err != nil {
			t.Fatal(err)
		}
	}
	s.Close(context.Background())
}

// Tombstones are bounded, and expire.
func TestTombstones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{sessions: make(map[string]*session), tombstones: make(map[string]time.Time), places: make(map[string]int)}
		s.remove(&session{id: "old", room: "r"})
		if _, gone := s.find("r", "old"); !gone {
			t.Error("forgotten at once")
		}
		time.Sleep(tombstoneTime + time.Second)
		if _, gone := s.find("r", "old"); gone {
			t.Error("remembered for too long")
		}
		for i := range maxTombstones + 10 {
			s.remove(&session{id: fmt.Sprint(i), room: "r"})
		}
		if len(s.tombstones) > maxTombstones {
			t.Errorf("%d tombstones", len(s.tombstones))
		}
		if _, gone := s.find("r", fmt.Sprint(maxTombstones+9)); !gone {
			t.Error("the latest is forgotten")
		}
	})
}

func TestStatsBeforeMedia(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	request(t, http.MethodPost, url+"/whip/demo?name=Ada", "application/sdp", readFixture(t, "chromium"))
	request(t, http.MethodPost, url+"/whip/demo", "text/plain", "")
	st := s.Stats()
	if st.Admitted != 1 || st.Refused != 1 || len(st.Sessions) != 1 {
		t.Fatalf("%+v", st)
	}
	if x := st.Sessions[0]; x.State != StateConnecting || x.Name != "Ada" || x.Room != "demo" || x.ID != h.seat(0).req.Session {
		t.Fatalf("%+v", x)
	}
	if c := h.seat(0).req.Tracks; len(c) != 2 || c[1] != media.VP8 {
		t.Fatalf("tracks %v", c)
	}
}
