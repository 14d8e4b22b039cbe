package main

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"sync"
	"time"
)

// packets counts the RTP of clients as it goes by: SRTP leaves its headers in the clear.
type packets struct {
	mu       sync.Mutex
	repair   map[byte]bool // payload types of retransmissions, by the answer
	seen     map[uint64]struct{}
	sent     int // media packets, each once
	received int // all RTP that passed
	bytes    int // of it
	since    time.Time
}

func newPackets() *packets {
	return &packets{repair: map[byte]bool{}, seen: map[uint64]struct{}{}, since: time.Now()}
}

// answer learns which payload types are retransmissions.
func (c *packets) answer(sdp []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range bytes.Lines(sdp) {
		rest, ok := bytes.CutPrefix(line, []byte("a=rtpmap:"))
		pt, name, found := bytes.Cut(rest, []byte(" "))
		if n, err := strconv.Atoi(string(pt)); ok && found && err == nil && bytes.HasPrefix(name, []byte("rtx/")) {
			c.repair[byte(n)] = true
		}
	}
}

// tap counts one packet.
func (c *packets) tap(p []byte, passes bool) {
	if len(p) < 12 || p[0]>>6 != 2 || p[1] >= 192 && p[1] <= 223 { // STUN, DTLS, RTCP (RFC 5761 4)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if passes {
		c.received++
		c.bytes += len(p)
	}
	if c.repair[p[1]&0x7f] {
		return
	}
	key := uint64(binary.BigEndian.Uint32(p[8:]))<<16 | uint64(binary.BigEndian.Uint16(p[2:]))
	if _, again := c.seen[key]; !again {
		c.seen[key] = struct{}{}
		c.sent++
	}
}

// reset begins to count anew. What was sent before is still known.
func (c *packets) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent, c.received, c.bytes, c.since = 0, 0, 0, time.Now()
}

// ratio is the packets that passed for each media packet sent.
func (c *packets) ratio() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.received) / float64(max(c.sent, 1))
}

// rate is what passed since reset, in kb/s.
func (c *packets) rate() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.bytes) * 8 / 1000 / time.Since(c.since).Seconds()
}
