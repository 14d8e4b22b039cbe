package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pion/ice/v4"
)

// udpReadBuffer is asked of the kernel for each socket, in bytes: a key frame of
// every broadcaster at once must fit. The kernel may give less.
const udpReadBuffer = 4 << 20

// udpPort is one UDP port on every address of this machine, shared by all
// sessions (ice.UDPMux). A socket per address, and not one for all, so that
// answers leave by the address that was asked. Addresses that appear later are
// bound by refresh; those that go away are no longer offered, and given up after a while:
// temporary addresses of IPv6 are another each day.
type udpPort struct {
	port int
	keep func(iface string, a netip.Addr) bool
	log  *slog.Logger

	mu      sync.Mutex
	muxes   map[netip.Addr]*ice.UDPMuxDefault
	absent  map[netip.Addr]time.Time // those of muxes that this machine does not have any more, since when that is known
	present []netip.Addr             // of this machine now, in order of preference
	closed  bool
}

var errNoAddress = errors.New("this machine has no address to listen on among the interfaces that are configured")

// interfaceNames are those of this machine, for a person who named none of them.
func interfaceNames() string {
	ifaces, _ := net.Interfaces()
	names := make([]string, len(ifaces))
	for i, iface := range ifaces {
		names[i] = iface.Name
	}
	return strings.Join(names, ", ")
}

// listenUDP binds the port of cfg on every address that it means; 0 picks one that is free.
func listenUDP(cfg Config) (*udpPort, error) {
	var err error
	port, log := cfg.UDPPort, cfg.Log
	for range 20 { // a free port on one address may be taken on the next
		u := &udpPort{port: port, keep: cfg.uses, log: log, muxes: make(map[netip.Addr]*ice.UDPMuxDefault), absent: make(map[netip.Addr]time.Time)}
		if err = u.refresh(); err == nil {
			return u, nil
		}
		u.Close()
		if port != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if errors.Is(err, errNoAddress) && len(cfg.Interfaces) > 0 {
		return nil, fmt.Errorf("%w (%s): those there are: %s", err, strings.Join(cfg.Interfaces, ", "), interfaceNames())
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("UDP port %d is in use by another program: stop it or choose another port: %w", port, err)
	}
	return nil, fmt.Errorf("listen for media on UDP port %d: %w", port, err)
}

// absentTime is how long an address may be away, and still be the one of sessions that come back.
const absentTime = time.Hour

// refresh binds addresses that have appeared, or failed, since the last time, and gives those up that have long gone.
func (u *udpPort) refresh() error {
	addrs, err := localAddrs(u.keep)
	if err != nil {
		return err
	}
	for _, m := range u.leave(addrs, time.Now()) {
		if err := m.Close(); err != nil {
			u.log.Debug("address given up", "err", err)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return net.ErrClosed
	}
	starting := len(u.muxes) == 0
	var present []netip.Addr
	for _, a := range addrs {
		if m := u.muxes[a]; m == nil || m.IsClosed() { // one closes itself where reading fails
			if err := u.bind(a); errors.Is(err, syscall.EADDRNOTAVAIL) || err != nil && !starting {
				u.log.Debug("address not usable", "addr", a, "err", err) // the others go on
				continue
			} else if err != nil {
				return err
			}
		}
		present = append(present, a)
	}
	if len(present) == 0 {
		return errNoAddress
	}
	u.present = present
	return nil
}

// leave takes out the muxes of addresses that this machine has not had for absentTime, of which it has addrs now.
func (u *udpPort) leave(addrs []netip.Addr, now time.Time) (gone []*ice.UDPMuxDefault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for a, m := range u.muxes {
		since, absent := u.absent[a]
		switch {
		case slices.Contains(addrs, a):
			delete(u.absent, a)
		case !absent:
			u.absent[a] = now
		case now.Sub(since) >= absentTime:
			gone = append(gone, m)
			delete(u.muxes, a)
			delete(u.absent, a)
		}
	}
	return gone
}

// bind opens the port on a. Called locked.
func (u *udpPort) bind(a netip.Addr) error {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(u.port))))
	if err != nil {
		return err
	}
	_ = conn.SetReadBuffer(udpReadBuffer)
	u.port = conn.LocalAddr().(*net.UDPAddr).Port
	u.muxes[a] = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: pionLogs{u.log}.NewLogger("udp")})
	return nil
}

// uses reports whether an address is one that media may come in by.
func (c Config) uses(iface string, a netip.Addr) bool { return c.usesInterface(iface) && c.usesAddr(a) }

func (c Config) usesInterface(name string) bool {
	return len(c.Interfaces) == 0 || slices.ContainsFunc(c.Interfaces, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// usesAddr leaves out IPv6 link-local addresses: they need a zone that SDP cannot carry.
func (c Config) usesAddr(a netip.Addr) bool {
	return !a.IsMulticast() && !a.IsUnspecified() && !(a.Is6() && (a.IsLinkLocalUnicast() || c.NoIPv6))
}

// localAddrs are the addresses a browser may reach us by, of those to keep: IPv4 before IPv6, real
// interfaces before loopback, which comes last because some clients (FFmpeg) try
// only the first.
func localAddrs(keep func(iface string, a netip.Addr) bool) ([]netip.Addr, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var ranked [3][]netip.Addr
	for _, iface := range ifaces {
		if iface.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := iface.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, addr := range addrs {
			ip, ok := addr.(*net.IPNet)
			if !ok {
				continue
			}
			a, _ := netip.AddrFromSlice(ip.IP)
			switch a = a.Unmap(); {
			case !keep(iface.Name, a):
			case a.IsLoopback():
				ranked[2] = append(ranked[2], a)
			case a.Is6():
				ranked[1] = append(ranked[1], a)
			default:
				ranked[0] = append(ranked[0], a)
			}
		}
	}
	return append(append(ranked[0], ranked[1]...), ranked[2]...), nil
}

// GetListenAddresses are the addresses to offer as host candidates.
func (u *udpPort) GetListenAddresses() []net.Addr {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := make([]net.Addr, len(u.present))
	for i, a := range u.present {
		out[i] = net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(u.port)))
	}
	return out
}

// GetConn is the packets of the session with this ufrag at addr.
func (u *udpPort) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return nil, fmt.Errorf("not a UDP address: %v", addr)
	}
	a, _ := netip.AddrFromSlice(udp.IP)
	u.mu.Lock()
	mux := u.muxes[a.Unmap()]
	u.mu.Unlock()
	if mux == nil {
		return nil, fmt.Errorf("not listening on %v", addr)
	}
	return mux.GetConn(ufrag, mux.LocalAddr())
}

// RemoveConnByUfrag forgets a session.
func (u *udpPort) RemoveConnByUfrag(ufrag string) {
	for _, m := range u.all() {
		m.RemoveConnByUfrag(ufrag)
	}
}

// Close frees the port. The sessions should be closed before.
func (u *udpPort) Close() error {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	var err error
	for _, m := range u.all() {
		err = errors.Join(err, m.Close())
	}
	return err
}

func (u *udpPort) all() []*ice.UDPMuxDefault {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := make([]*ice.UDPMuxDefault, 0, len(u.muxes))
	for _, m := range u.muxes {
		out = append(out, m)
	}
	return out
}
