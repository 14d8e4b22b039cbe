package main

import (
	"net/http/httptest"
	"testing"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/cmd/tilecast/relay"
	"tilecast/configs"
	"tilecast/ingest"
	"tilecast/media"
)

// through puts a bad network between publishers and the gateway, and is the address to publish by.
func (h *harness) through(t *testing.T, up, down relay.Link) (base string) {
	t.Helper()
	path, err := relay.New(relay.Config{Seed: 1, Up: up, Down: down})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(path.Close)
	proxy, err := relay.Proxy(relay.ProxyConfig{Gateway: h.base, Relay: path})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	return front.URL
}

// video is what came of the only publisher's picture.
func (h *harness) video() (v ingest.StreamStats) {
	for _, sess := range h.ingest.Stats().Sessions {
		for _, st := range sess.Streams {
			if st.Codec.Video() {
				v = st
			}
		}
	}
	return v
}

// What a bad network loses of a picture comes again by RTX, and what is decoded lacks nothing.
func TestRetransmissionsThroughABadNetwork(t *testing.T) {
	gw := startGateway(t, nil)
	front := gw.through(t, relay.Link{Loss: .05, Delay: 10 * time.Millisecond}, relay.Link{Delay: 10 * time.Millisecond})
	_, leave := gw.publish(t, broadcast.Config{URL: front + "/whip/demo", Video: media.VP8, Picture: broadcast.Solid{R: 200}})
	eventually(t, "lost packets by RTX", func() bool { v := gw.video(); return v.RTX >= 10 && v.Repaired >= 10 })
	if v := gw.video(); v.Nacks < v.Repaired || v.Repaired > v.RTX {
		t.Errorf("%+v", v)
	}
	if err := leave(); err != nil {
		t.Errorf("publisher: %v", err)
	}
}

// A source with more pixels than one may have is not decoded; the program goes on, and the metrics say why.
func TestSourceThatIsTooLarge(t *testing.T) {
	gw := startGateway(t, func(c *configs.Config) { c.Ingest.Limits.MaxPixels = 320 * 180 })
	_, leave := gw.publish(t, broadcast.Config{Name: "Ada", Video: media.VP8, Picture: broadcast.Solid{R: 200}, Sound: broadcast.Tone{Hz: 440, Level: -12}})
	eventually(t, "a refusal", func() bool { return gw.video().Oversize > 0 })
	_, heard := gw.decoded()
	eventually(t, "more sound", func() bool { _, now := gw.decoded(); return now > heard+50 })
	if pictures, _ := gw.decoded(); pictures != 0 || gw.video().Units == 0 {
		t.Errorf("%d pictures were decoded; %+v", pictures, gw.video())
	}
	gw.renditions(t, "demo")
	if err := leave(); err != nil {
		t.Errorf("publisher: %v", err)
	}
}
