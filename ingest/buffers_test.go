package ingest

import (
	"testing"

	"github.com/pion/rtcp"

	"tilecast/media"
)

// A client that names ever new SSRCs, for each of which something is kept, is sent away before that is much.
func TestEndlessSSRCs(t *testing.T) {
	s, url := startServer(t, newHall(), Config{})
	p := newPublisher(t, nil, media.Opus)
	p.publish(url+"/whip/demo", nil)
	before := heap()
	ssrc := uint32(1)
	for range 200 {
		report := &rtcp.ReceiverReport{SSRC: 1}
		for range 31 {
			report.Reports = append(report.Reports, rtcp.ReceptionReport{SSRC: ssrc})
			ssrc++
		}
		if err := p.pc.WriteRTCP([]rtcp.Packet{report}); err != nil {
			break // it was sent away
		}
	}
	eventually(t, "the end of the session", func() bool { return len(s.Stats().Sessions) == 0 })
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d bytes are left of it", grown)
	}
}
