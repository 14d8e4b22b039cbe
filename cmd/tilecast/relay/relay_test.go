package relay

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// gatewayPort echoes what comes, with the address it came from.
func gatewayPort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() { // ends with the socket
		buf := make([]byte, maxPacket)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			conn.WriteToUDPAddrPort(fmt.Appendf(nil, "%s from %s", buf[:n], from), from)
		}
	}()
	return conn.LocalAddr().String()
}

func newRelay(t *testing.T, cfg Config) *Relay {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func dial(t *testing.T, r *Relay) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends text until an answer comes, and says who the gateway took us for.
func ask(t *testing.T, conn net.Conn, text string) (from string) {
	t.Helper()
	buf := make([]byte, maxPacket)
	for range 100 {
		io.WriteString(conn, text)
		conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		for {
			n, err := conn.Read(buf)
			if err != nil {
				break
			}
			if said, from, ok := strings.Cut(string(buf[:n]), " from "); ok && said == text {
				return from
			}
		}
	}
	t.Fatalf("no answer to %q", text)
	return ""
}

// Clients are told apart, keep their address, and get another when the path is rebound.
func TestRebind(t *testing.T) {
	r := newRelay(t, Config{Gateway: gatewayPort(t)})
	a, b := dial(t, r), dial(t, r)
	first, other := ask(t, a, "one"), ask(t, b, "two")
	if first == other || ask(t, a, "three") != first {
		t.Fatalf("clients are mixed up: %s, %s", first, other)
	}
	if err := r.Rebind(); err != nil {
		t.Fatal(err)
	}
	if after := ask(t, a, "four"); after == first || after == other {
		t.Fatalf("still at %s", after)
	}
	if n := r.Stats().Clients; n != 2 {
		t.Fatalf("%d clients", n)
	}
}

// taken waits until the relay has taken in n packets.
func taken(t *testing.T, r *Relay, n int64) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if up := r.Stats().Up; up.Packets >= n && up.Packets == up.Passed+up.Blacked+int64(r.up.underWay()) {
			return
		}
	}
	t.Fatalf("%d packets never came: %+v", n, r.Stats().Up)
}

func TestBlackout(t *testing.T) {
	r := newRelay(t, Config{Gateway: gatewayPort(t), Up: Link{Delay: time.Hour}})
	a := dial(t, r)
	io.WriteString(a, "under way")
	taken(t, r, 1)
	r.Blackout(true)
	if up := r.Stats().Up; up.Blacked != 1 {
		t.Fatalf("what was under way: %+v", up)
	}
	io.WriteString(a, "lost")
	taken(t, r, 2)
	r.Blackout(false)
	r.Set(Link{}, Link{})
	ask(t, a, "back")
	up := r.Stats().Up
	if up.Blacked != 2 || up.Packets != up.Blacked+up.Passed || up.Lost != 0 {
		t.Fatalf("%+v", up)
	}
}

const anAnswer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 udp 2130706431 10.1.2.3 PORT typ host\r\n" +
	"a=candidate:2 1 udp 2130706431 127.0.0.1 PORT typ host\r\na=candidate:3 1 tcp 1 10.1.2.3 9 typ host tcptype passive\r\n" +
	"a=end-of-candidates\r\nm=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:1\r\n"

// The proxy hides either side's address from the other and finds the gateway by itself.
func TestProxy(t *testing.T) {
	media := gatewayPort(t)
	_, port, _ := net.SplitHostPort(media)
	var offered string
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		offered = string(body)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("Location", "http://"+r.Header.Get("X-Forwarded-Host")+"/whip/demo/x")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, strings.ReplaceAll(anAnswer, "PORT", port))
	}))
	defer gateway.Close()
	const offer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 udp 1 192.0.2.1 4000 typ host\r\na=mid:0\r\n"
	for _, keep := range []bool{false, true} {
		r := newRelay(t, Config{})
		h, err := Proxy(ProxyConfig{Gateway: gateway.URL, Relay: r, Keep: keep})
		if err != nil {
			t.Fatal(err)
		}
		front := httptest.NewServer(h)
		defer front.Close()
		for _, typ := range []string{"application/sdp", "application/trickle-ice-sdpfrag; charset=utf-8"} {
			resp, err := http.Post(front.URL+"/whip/demo", typ, strings.NewReader(offer))
			if err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if strings.Contains(offered, "192.0.2.1") != keep {
				t.Errorf("%s, keep %v: the gateway is offered\n%s", typ, keep, offered)
			}
			want := fmt.Sprintf("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 udp 2130706431 127.0.0.1 %d typ host\r\n"+
				"a=end-of-candidates\r\nm=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:1\r\n", r.Addr().Port())
			if string(answer) != want {
				t.Errorf("answer\n%s\nwant\n%s", answer, want)
			}
			if at := resp.Header.Get("Location"); at != front.URL+"/whip/demo/x" {
				t.Errorf("Location %s", at)
			}
		}
		ask(t, dial(t, r), "media")
	}
}

func TestRedirectPrefersLoopback(t *testing.T) {
	_, gateway := redirect([]byte(strings.ReplaceAll(anAnswer, "PORT", "5000")), netip.MustParseAddrPort("127.0.0.1:1"))
	if gateway != netip.MustParseAddrPort("127.0.0.1:5000") {
		t.Fatalf("the gateway is at %v", gateway)
	}
}

func (p *pipe) underWay() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.flight)
}
