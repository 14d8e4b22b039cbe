package ingest

import (
	"fmt"
	"io"

	"github.com/pion/transport/v4/packetio"
)

const (
	// maxBuffers bounds the SSRCs, of RTP and of RTCP, that one client sends from or speaks of in its life. For each
	// the WebRTC library keeps a buffer until the end, and one packet of RTCP can name hundreds.
	maxBuffers = 512

	rtpBuffer  = 1_000_000 // bytes that may wait to be read, as the library has it
	rtcpBuffer = 100_000
)

type bufferFactory = func(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser

// buffer holds what comes of one SSRC. A client that needs too many of them is sent away.
func (s *session) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	b := packetio.NewBuffer()
	b.SetLimitSize(rtpBuffer)
	if kind == packetio.RTCPBufferPacket {
		b.SetLimitSize(rtcpBuffer)
	}
	if s.buffers.Add(1) > maxBuffers {
		s.end(false, fmt.Errorf("the client sends from more than %d SSRCs", maxBuffers))
		_ = b.Close() // it takes nothing
		return b
	}
	if kind == packetio.RTPBufferPacket {
		return &firstLook{b, func(pt uint8) { s.arrived(ssrc, pt) }}
	}
	return b
}
