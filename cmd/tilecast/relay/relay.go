// Package relay is a bad network in user space: between a WHIP client and a gateway it loses, delays,
// reorders and throttles UDP packets, from a seed.
//
// A client is led into it by Proxy, an HTTP proxy in front of the gateway that puts the relay's
// address into the answers. Neither the client nor the gateway knows.
package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// maxPacket is the largest UDP packet relayed, in bytes.
const maxPacket = 4096

// maxClients bounds the client addresses of a relay; packets of others are dropped.
const maxClients = 256

// Config says what the path is like from the start.
type Config struct {
	Listen   string // UDP address for clients; empty: a free port on 127.0.0.1
	Gateway  string // UDP address of the gateway; empty: Proxy finds it in the first answer
	Seed     uint64
	Up, Down Link // to the gateway, and from it

	// Tap is shown each packet from a client as it comes, and whether it is to reach the
	// gateway. It is called by one goroutine and does not keep the packet. May be nil.
	Tap func(packet []byte, passes bool)
}

// Relay is a path between any number of clients and one gateway. Its methods may be
// called from any goroutine.
type Relay struct {
	conn     *net.UDPConn
	up, down *pipe
	tap      func([]byte, bool)
	dark     atomic.Bool
	stop     chan struct{}
	stop1    sync.Once
	wg       sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	gateway netip.AddrPort // invalid: not known yet
	clients map[netip.AddrPort]*client
}

// client is one client address and the socket that stands for it at the gateway.
type client struct {
	addr netip.AddrPort
	conn *net.UDPConn
}

// Stats are what became of all packets.
type Stats struct {
	Clients  int
	Up, Down Counts
}

// New opens a relay and starts its goroutines, which end with Close.
func New(cfg Config) (*Relay, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	addr, err := net.ResolveUDPAddr("udp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	r := &Relay{
		tap: cfg.Tap, up: newPipe(cfg.Seed, 1), down: newPipe(cfg.Seed, 2),
		stop: make(chan struct{}), clients: make(map[netip.AddrPort]*client),
	}
	if cfg.Gateway != "" {
		gateway, err := net.ResolveUDPAddr("udp", cfg.Gateway)
		if err != nil {
			return nil, fmt.Errorf("relay: gateway: %w", err)
		}
		r.gateway = unmap(gateway.AddrPort())
	}
	if r.conn, err = net.ListenUDP("udp", addr); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	_ = r.conn.SetReadBuffer(4 << 20) // best effort
	r.Set(cfg.Up, cfg.Down)
	r.wg.Go(func() { r.up.run(r.stop) })
	r.wg.Go(func() { r.down.run(r.stop) })
	r.wg.Go(r.read) // ends when the socket is closed
	return r, nil
}

// Addr is where clients send.
func (r *Relay) Addr() netip.AddrPort { return unmap(r.conn.LocalAddr().(*net.UDPAddr).AddrPort()) }

// Set changes what both directions do, from the next packet on.
func (r *Relay) Set(up, down Link) {
	r.up.set(up)
	r.down.set(down)
}

// Blackout begins or ends a time in which nothing passes, requests to Proxy included.
func (r *Relay) Blackout(dark bool) {
	r.dark.Store(dark)
	r.up.black(dark)
	r.down.black(dark)
}

// Rebind gives every client another address at the gateway, as a NAT does that
// forgot them. What the gateway sends to the old ones is lost.
func (r *Relay) Rebind() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for addr, c := range r.clients {
		delete(r.clients, addr)
		fresh, err := r.open(addr) // first the new port, or it could be the old one
		c.conn.Close()
		if err != nil {
			errs = append(errs, err)
		} else {
			r.clients[addr] = fresh
		}
	}
	return errors.Join(errs...)
}

// Stats is a picture of the relay at this moment.
func (r *Relay) Stats() Stats {
	r.mu.Lock()
	n := len(r.clients)
	r.mu.Unlock()
	return Stats{Clients: n, Up: r.up.counts(), Down: r.down.counts()}
}

// Close ends the relay and waits for its goroutines.
func (r *Relay) Close() {
	r.stop1.Do(func() { close(r.stop) })
	r.conn.Close()
	r.mu.Lock()
	r.closed = true
	for addr, c := range r.clients {
		c.conn.Close()
		delete(r.clients, addr)
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// lead sets the gateway's address if it is not known yet.
func (r *Relay) lead(gateway netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.gateway.IsValid() {
		r.gateway = gateway
	}
}

// read takes what clients send.
func (r *Relay) read() {
	buf := make([]byte, maxPacket)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue
		}
		if addr := unmap(from); r.client(addr) != nil {
			passes := r.up.push(buf[:n], time.Now(), func(data []byte) {
				if c := r.client(addr); c != nil { // it may have been rebound meanwhile
					_, _ = c.conn.Write(data) // a lost packet is no surprise here
				}
			})
			if r.tap != nil {
				r.tap(buf[:n], passes)
			}
		}
	}
}

// client is the client of this address, new if need be; nil when there can't be one.
func (r *Relay) client(addr netip.AddrPort) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clients[addr]
	if c != nil || len(r.clients) >= maxClients {
		return c
	}
	c, err := r.open(addr)
	if err != nil {
		return nil
	}
	r.clients[addr] = c
	return c
}

var errNoGateway = errors.New("relay: the gateway's address is not known, or the relay is closed")

// open begins to stand for a client at the gateway. Called locked.
func (r *Relay) open(addr netip.AddrPort) (*client, error) {
	if r.closed || !r.gateway.IsValid() {
		return nil, errNoGateway
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.gateway))
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	_ = conn.SetReadBuffer(4 << 20) // best effort
	c := &client{addr, conn}
	r.wg.Go(func() { r.readBack(c) }) // ends when its socket is closed
	return c, nil
}

// readBack takes what the gateway sends to a client.
func (r *Relay) readBack(c *client) {
	buf := make([]byte, maxPacket)
	back := func(data []byte) { _, _ = r.conn.WriteToUDPAddrPort(data, c.addr) }
	for {
		n, err := c.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue // the gateway's port may be closed for now
		}
		r.down.push(buf[:n], time.Now(), back)
	}
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
