package ingest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// A client that has nothing but IPv6 comes in by it; where IPv6 is off none is offered.
func TestIPv6(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, func(set *webrtc.SettingEngine) {
		set.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP6})
	}, media.Opus, media.VP8)
	p.publish(url+"/whip/demo", nil)
	p.flows(h.seat(0))
	pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || !netip.MustParseAddr(pair.Remote.Address).Is6() {
		t.Errorf("connected by %v, %v", pair, err)
	}
	_, url = startServer(t, newHall(), Config{NoIPv6: true})
	_, _, answer := post(t, url+"/whip/demo", "obs")
	for _, c := range candidatesOf(answer) {
		if strings.Contains(c[4], ":") {
			t.Errorf("IPv6 though it is off: %v", c)
		}
	}
}
