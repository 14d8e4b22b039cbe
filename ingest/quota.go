package ingest

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxAddresses bounds how many clients' addresses are remembered.
const maxAddresses = 10_000

// quota lets each address do something so many times at once, and then so many times a minute
// (a token bucket). The zero value lets everything through.
type quota struct {
	burst     float64
	perMinute float64 // 0: no limit

	mu       sync.Mutex
	accounts map[netip.Addr]account
}

type account struct {
	left float64
	at   time.Time
}

// take counts one deed of addr at now. If that is too much, wait says when the next will be let through.
func (q *quota) take(addr netip.Addr, now time.Time) (wait time.Duration, ok bool) {
	if q.perMinute <= 0 {
		return 0, true
	}
	if addr.Is6() && !addr.Is4In6() { // whoever has one has all of them
		prefix, _ := addr.Prefix(64)
		addr = prefix.Addr()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	b, known := q.accounts[addr]
	if !known {
		q.makeRoom(now)
		b = account{q.burst, now}
	}
	b.left, b.at = q.refilled(b, now), now
	if ok = b.left >= 1; ok {
		b.left--
	} else {
		wait = time.Duration((1 - b.left) / q.perMinute * float64(time.Minute))
	}
	q.accounts[addr] = b
	return wait, ok
}

func (q *quota) refilled(b account, now time.Time) float64 {
	return min(q.burst, b.left+q.perMinute*max(0, now.Sub(b.at).Minutes()))
}

// makeRoom forgets those who have been quiet, and somebody when all are busy. Called locked.
func (q *quota) makeRoom(now time.Time) {
	if q.accounts == nil {
		q.accounts = make(map[netip.Addr]account)
	}
	if len(q.accounts) < maxAddresses {
		return
	}
	for addr, b := range q.accounts {
		if q.refilled(b, now) >= q.burst {
			delete(q.accounts, addr)
		}
	}
	for addr := range q.accounts {
		if len(q.accounts) < maxAddresses {
			return
		}
		delete(q.accounts, addr)
	}
}

// clientAddr is who sent r: whoever connected, unless that is one of our own proxies, which says in
// X-Forwarded-For for whom it speaks. Of that list only what our proxies added is believed.
func clientAddr(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	addr := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	slices.Reverse(hops)
	for _, hop := range hops {
		if !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			return addr
		}
		next, ok := hopAddr(strings.TrimSpace(hop))
		if !ok {
			return addr
		}
		addr = next
	}
	return addr
}

// hopAddr reads an entry of X-Forwarded-For, which some write with a port.
func hopAddr(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		var ap netip.AddrPort
		ap, err = netip.ParseAddrPort(s)
		addr = ap.Addr()
	}
	return addr.Unmap().WithZone(""), err == nil
}
