package ingest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// tcpPort is one TCP port for broadcasters whose network lets no UDP through (ICE over TCP, RFC
// 6544). We are passive: they connect.
type tcpPort struct {
	port int
	ln   *tcpListener
	mux  *ice.TCPMuxDefault
}

const (
	tcpReadQueue   = 256       // packets
	tcpWriteBuffer = 256 << 10 // bytes of feedback to one client; what is beyond is dropped
	tcpFirstCheck  = 10 * time.Second
)

// listenTCP binds the TCP port of cfg, if it names one.
func listenTCP(cfg Config) (*tcpPort, error) {
	if cfg.TCPPort == 0 {
		return nil, nil
	}
	network := "tcp"
	if cfg.NoIPv6 {
		network = "tcp4"
	}
	ln, err := net.Listen(network, fmt.Sprintf(":%d", max(0, cfg.TCPPort)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("TCP port %d is in use by another program: stop it or choose another port: %w", cfg.TCPPort, err)
	} else if err != nil {
		return nil, fmt.Errorf("listen for media on TCP port %d: %w", cfg.TCPPort, err)
	}
	bounded := newTCPListener(ln, maxTCP)
	return &tcpPort{
		port: ln.Addr().(*net.TCPAddr).Port, ln: bounded,
		mux: ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: bounded, Logger: pionLogs{cfg.Log}.NewLogger("tcp"),
			ReadBufferSize: tcpReadQueue, WriteBufferSize: tcpWriteBuffer,
			FirstStunBindTimeout: tcpFirstCheck, AliveDurationForConnFromStun: tcpFirstCheck,
		}),
	}, nil
}

// Close frees the port, if there is one.
func (t *tcpPort) Close() error {
	if t == nil {
		return nil
	}
	return t.mux.Close()
}

// networks tells the WebRTC library by which ports media comes in, and which addresses to offer.
func (s *Server) networks(set *webrtc.SettingEngine) {
	types := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	set.SetICEUDPMux(s.udp)
	if s.tcp != nil {
		types = append(types, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
		set.SetICETCPMux(s.tcp.mux)
		// Only TCP asks these; our UDP port knows its addresses.
		set.SetInterfaceFilter(s.cfg.usesInterface)
		set.SetIPFilter(func(ip net.IP) bool {
			a, ok := netip.AddrFromSlice(ip)
			return ok && s.cfg.usesAddr(a.Unmap())
		})
	}
	set.SetNetworkTypes(types)
	set.SetIncludeLoopbackCandidate(true)
	set.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	set.DisableActiveTCP(true)
}

// publicCandidates are candidate attributes for the addresses under which a NAT makes us known. To
// the library they are not worth knowing: what comes by them comes to an address of this machine.
func (s *Server) publicCandidates() (out []string) {
	add := func(a netip.Addr, proto string, priority uint32, port int, rest string) {
		out = append(out, fmt.Sprintf("public%d 1 %s %d %s %d typ host%s", len(out)+1, proto, priority, a, port, rest))
	}
	for i, p := range s.cfg.Public {
		port := int(p.Port())
		if port == 0 {
			port = s.udp.port
		}
		add(p.Addr(), "udp", hostPriority(126, i), port, "")
		if s.tcp != nil && p.Port() == 0 {
			add(p.Addr(), "tcp", hostPriority(90, i), s.tcp.port, " tcptype passive")
		}
	}
	return out
}

// hostPriority is RFC 8445 5.1.2.1 for the n-th address.
func hostPriority(typePreference, n int) uint32 {
	return uint32(typePreference)<<24 | uint32(65535-n)<<8 | 255
}
