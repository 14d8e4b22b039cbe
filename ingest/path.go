package ingest

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

const (
	// pathSilence is how long nothing may come by the path in use before another that the client
	// checks takes its place. Sound alone is a packet each 20 ms.
	pathSilence = 300 * time.Millisecond
	maxPaths    = 64
)

// paths follows a client whose address changes under it: a phone that goes from one mast to the
// next, a NAT that forgets. The client knows nothing of it and nominates nothing, and by the rules
// of priority (RFC 8445 7.3.1.5) our side would keep to the old address until it fails.
//
// check is called by the ICE agent, one call after the other, and the library waits for it, with
// its locks held, when it closes the agent: so it asks the library nothing. What it needs to know it is told by selected.
type paths struct {
	used  atomic.Pointer[pathKey] // the path in use; nil: still connecting, or again
	known map[pathKey]*ice.CandidatePair
	moved func(to netip.AddrPort)
}

// bindingHandler is called with a connectivity check of the client that is authentic.
type bindingHandler = func(m *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool

type pathKey struct{ local, remote netip.AddrPort }

func newPaths(moved func(to netip.AddrPort)) *paths {
	return &paths{known: make(map[pathKey]*ice.CandidatePair), moved: moved}
}

// selected is told which path is used from now on.
func (p *paths) selected(pair *webrtc.ICECandidatePair) {
	p.used.Store(&pathKey{candidateAddr(pair.Local.Address, int(pair.Local.Port)), candidateAddr(pair.Remote.Address, int(pair.Remote.Port))})
}

// check is called with each of the client's connectivity checks, whose integrity is proven. It
// reports whether the path it came by is to be used from now on.
func (p *paths) check(_ *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool {
	key := pathKey{candidateAddr(local.Address(), local.Port()), candidateAddr(remote.Address(), remote.Port())}
	if len(p.known) >= maxPaths {
		clear(p.known)
	}
	p.known[key] = pair
	used := p.used.Load()
	if used == nil {
		return false
	}
	old := p.known[*used]
	if *used == key || old == nil || time.Since(old.Remote.LastReceived()) < pathSilence {
		return false
	}
	p.used.Store(&key)
	p.moved(key.remote)
	return true
}

func candidateAddr(host string, port int) netip.AddrPort {
	addr, _ := netip.ParseAddr(host)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port))
}
