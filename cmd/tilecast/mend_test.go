package main

import (
	"net/http/httptest"
	"testing"
	"time"

	"tilecast/cmd/tilecast/relay"
)

// TestStageMendsInChromium: the stage page goes on in the same seat after its address changes under it and
// after the network was gone, by a restart of ICE in the same session where that can do, and the program
// never notices.
func TestStageMendsInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser")
	}
	gw := startGateway(t, nil)
	path, err := relay.New(relay.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { path.Close() })
	proxy, err := relay.Proxy(relay.ProxyConfig{Gateway: gw.base, Relay: path})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections) // a page follows what is wanted of it

	b := openBrowser(t, writeCamera(t, yuv{150, 60, 180}))
	b.open(front.URL + "/stage/demo?name=Ada&auto=1")
	b.until("it is live", `document.body.dataset.state === "live"`)
	moves := func(what string) {
		t.Helper()
		pictures, sounds := gw.decoded()
		since := time.Now()
		eventually(t, what, func() bool {
			p, s := gw.decoded()
			return p > pictures+30 && s > sounds+50
		})
		t.Logf("%s: %v until a second of picture and sound was decoded", what, time.Since(since).Round(time.Millisecond))
		b.until("it is live again", `document.body.dataset.state === "live"`)
		if st := gw.status(t, "demo"); len(st.Participants) != 1 {
			t.Errorf("%s: %d seats are taken by one broadcaster", what, len(st.Participants))
		}
	}
	moves("it comes through")
	if err := path.Rebind(); err != nil {
		t.Fatal(err)
	}
	moves("its address changed")

	path.Blackout(true)
	b.until("it knows that it is cut off", `document.body.dataset.state === "reconnecting"`)
	b.shot("stage-cut-off")
	path.Blackout(false)
	moves("the network is back")
	gw.expectUnbroken(t, "demo")
}

// decoded counts the pictures and the pieces of sound that came through to the mix and the canvas.
func (h *harness) decoded() (pictures, sounds int64) {
	for _, i := range h.rooms.Stats()[0].Compositor.Inputs {
		if i.Codec == "Opus" {
			sounds += i.Decoded
		} else {
			pictures += i.Decoded
		}
	}
	return pictures, sounds
}
