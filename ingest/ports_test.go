package ingest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// candidatesOf are the fields of an answer's candidates, in order.
func candidatesOf(answer string) (out [][]string) {
	for _, line := range strings.Split(answer, "\r\n") {
		if c, ok := strings.CutPrefix(line, "a=candidate:"); ok {
			out = append(out, strings.Fields(c))
		}
	}
	return out
}

// flows sends pictures until some arrive.
func (p *publisher) flows(seat *testSeat) {
	p.t.Helper()
	video := newSender(p, media.VP8)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	eventually(p.t, "pictures", func() bool { video.stream(1, tick.C); return len(seat.packets(media.VP8)) > 10 })
}

// A client whose network lets no UDP through comes in by TCP; UDP stays what is offered first (O-33).
func TestICEOverTCP(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{TCPPort: -1, NoIPv6: true})
	p := newPublisher(t, func(set *webrtc.SettingEngine) {
		set.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}, media.Opus, media.VP8)
	p.publish(url+"/whip/demo", nil)
	p.flows(h.seat(0))
	var protocols []string
	for _, c := range candidatesOf(p.answer) {
		protocols = append(protocols, c[2])
		if c[2] == "tcp" && (c[5] != fmt.Sprint(s.TCPPort()) || !slices.Contains(c, "passive")) {
			t.Errorf("candidate %v", c)
		}
		if strings.Contains(c[4], ":") {
			t.Errorf("IPv6 though it is off: %v", c)
		}
	}
	if !slices.Contains(protocols, "tcp") || !slices.IsSortedFunc(protocols, func(a, b string) int { return -strings.Compare(a, b) }) {
		t.Errorf("protocols in the order %v", protocols)
	}
	p.restart("*")
	eventually(t, "the connection after a restart", func() bool {
		return p.pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected
	})
	p.flows(h.seat(0))
}

func TestTCPPortInUseIsSaidClearly(t *testing.T) {
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	s, err := New(Config{TCPPort: port}, newHall())
	if err == nil {
		s.Close(context.Background())
		t.Fatal("two programs share a port")
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("TCP port %d is in use", port)) {
		t.Fatal(err)
	}
}

func TestInterfaces(t *testing.T) {
	_, url := startServer(t, newHall(), Config{Interfaces: []string{"none", "l?"}, TCPPort: -1})
	_, _, answer := post(t, url+"/whip/demo", "obs")
	list := candidatesOf(answer)
	if len(list) < 2 {
		t.Fatalf("candidates %v", list)
	}
	for _, c := range list {
		if !netip.MustParseAddr(c[4]).IsLoopback() {
			t.Errorf("candidate %v", c)
		}
	}
	s, err := New(Config{Interfaces: []string{"nosuch*"}}, newHall())
	if err == nil {
		s.Close(context.Background())
		t.Fatal("it listens nowhere")
	}
	if !strings.Contains(err.Error(), "interfaces that are configured (nosuch*): those there are: ") || !strings.Contains(err.Error(), "lo") {
		t.Error(err)
	}
}

// forward is a NAT with a fixed mapping: what comes to its address goes to target as if from one of
// its own, and back.
func forward(t *testing.T, target *net.UDPAddr) netip.AddrPort {
	t.Helper()
	outside, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	back := func(inside *net.UDPConn, client netip.AddrPort) { // ends with inside
		for buf := make([]byte, 4096); ; {
			n, err := inside.Read(buf)
			if err != nil {
				return
			}
			outside.WriteToUDPAddrPort(buf[:n], client)
		}
	}
	go func() { // ends with outside
		sockets := map[netip.AddrPort]*net.UDPConn{}
		for buf := make([]byte, 4096); ; {
			n, from, err := outside.ReadFromUDPAddrPort(buf)
			if err != nil {
				for _, c := range sockets {
					c.Close()
				}
				return
			}
			if sockets[from] == nil {
				if sockets[from], err = net.DialUDP("udp4", nil, target); err != nil {
					return
				}
				go back(sockets[from], from)
			}
			sockets[from].Write(buf[:n])
		}
	}()
	t.Cleanup(func() { outside.Close() })
	return outside.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Behind a NAT that maps a public address to us, clients are told of that, first, and connect by it.
func TestPublicAddress(t *testing.T) {
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.LocalAddr().(*net.UDPAddr).Port
	free.Close()
	public := forward(t, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	h := newHall()
	s, url := startServer(t, h, Config{
		UDPPort: port, TCPPort: -1,
		Public: []netip.AddrPort{public, netip.MustParseAddrPort("203.0.113.7:0")},
	})
	p := newPublisher(t, nil, media.Opus, media.VP8)
	offer := regexp.MustCompile(`(?m)^a=(candidate|end-of-candidates).*\r\n`).ReplaceAllString(p.offer(), "")
	res, answer := request(t, "POST", url+"/whip/demo", sdpType, offer)
	if res.StatusCode != 201 {
		t.Fatalf("%s %s", res.Status, answer)
	}
	list := candidatesOf(answer)
	if got := list[0][4] + ":" + list[0][5]; got != public.String() {
		t.Errorf("the first candidate is %s, want %s", got, public)
	}
	if got := strings.Join(list[1][2:6], " "); !strings.HasPrefix(got, "udp ") || !strings.HasSuffix(got, fmt.Sprint(" 203.0.113.7 ", port)) {
		t.Errorf("the second candidate is %s", got)
	}
	if !slices.ContainsFunc(list, func(c []string) bool {
		return c[2] == "tcp" && c[4] == "203.0.113.7" && c[5] == fmt.Sprint(s.TCPPort()) && slices.Contains(c, "passive")
	}) {
		t.Errorf("no public TCP candidate in %v", list)
	}
	only := "a=candidate:" + strings.Join(list[0], " ") + "\r\n"
	for _, c := range list[1:] {
		answer = strings.ReplaceAll(answer, "a=candidate:"+strings.Join(c, " ")+"\r\n", "")
	}
	if strings.Count(answer, "a=candidate") != strings.Count(answer, only) {
		t.Fatalf("not only that:\n%s", answer)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	p.flows(h.seat(0))
	pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || int(pair.Remote.Port) != int(public.Port()) {
		t.Errorf("connected by %v, %v", pair, err)
	}
}

// Sockets of addresses that this machine has had once don't add up; one that comes back soon is still there.
func TestAddressesThatWentAwayAreGivenUp(t *testing.T) {
	u, err := listenUDP(Config{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	all, now := slices.Clone(u.present), time.Now()
	some := all[1:]
	if gone := u.leave(some, now); len(gone) != 0 {
		t.Errorf("%d of those that have just gone are given up", len(gone))
	}
	if gone := append(u.leave(all, now.Add(absentTime/2)), u.leave(some, now.Add(absentTime))...); len(gone) != 0 {
		t.Errorf("%d of those that came back are given up", len(gone))
	}
	gone := u.leave(some, now.Add(2*absentTime))
	if len(gone) != 1 || len(u.muxes) != len(some) || len(u.absent) != 0 {
		t.Fatalf("%d are given up, %d left of %d", len(gone), len(u.muxes), len(all))
	}
	if err := gone[0].Close(); err != nil {
		t.Error(err)
	}
	if err := u.refresh(); err != nil || !slices.Equal(u.present, all) || len(u.muxes) != len(all) {
		t.Errorf("%v; %v are not taken back: %v", err, all, u.present)
	}
}

// A socket that failed closes its mux. The next session has another.
func TestAddressThatFailedIsBoundAnew(t *testing.T) {
	u, err := listenUDP(Config{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	a := u.present[0]
	old := u.muxes[a]
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if err := u.refresh(); err != nil || u.muxes[a] == old || u.muxes[a].IsClosed() {
		t.Errorf("%v; the mux is another: %v", err, u.muxes[a] != old)
	}
}
