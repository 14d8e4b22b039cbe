package ingest

import (
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"tilecast/media"
)

// jar is an inlet that keeps what comes.
type jar struct {
	got     []media.Packet
	demand  Demand
	changed chan struct{}
}

func (j *jar) Push(p media.Packet) bool { j.got = append(j.got, p); return false }
func (j *jar) Demand() Demand           { return j.demand }
func (j *jar) Close()                   {}

// mailbox keeps the feedback that a session without a connection would send.
type mailbox struct{ sent []rtcp.Packet }

func (m *mailbox) WriteRTCP(p []rtcp.Packet) error { m.sent = append(m.sent, p...); return nil }

// loneStream is the only stream of a session without a connection, whose packets a test makes itself. Nothing is
// measured, and time is what the test says.
func loneStream(cfg Config, sec *section) (*stream, *jar, *mailbox) {
	cfg = cfg.withDefaults()
	in, back := &jar{demand: Demand{W: 640, H: 360, FPS: 30}}, &mailbox{}
	sess := &session{
		id: "lone stream", srv: &Server{cfg: cfg, log: cfg.Log}, log: cfg.Log, clock: media.NewClock(time.Now()), back: back,
		sync: syncer{jitter: cfg.Jitter}, ending: make(chan struct{}), tracks: map[media.Codec]*track{},
	}
	sess.state.Store(StateConnected)
	sess.rttAt.Store(1 << 62)
	t := newTrack(sess, sec, in)
	sess.tracks[sec.codec] = t
	return t.newStream(7, ""), in, back
}

// testSection is what is agreed on for c.
func testSection(c media.Codec) *section {
	if c == media.Opus {
		return &section{codec: c, rate: 48000, pt: 111, capExt: "4", lvlExt: "5"}
	}
	return &section{codec: c, rate: 90000, pt: 96, fb: []string{"nack", "nack pli", "goog-remb"}, capExt: "4"}
}

// pieces cuts what a fuzzer makes into payloads, each behind its length.
func pieces(data []byte) (out [][]byte) {
	for len(data) > 0 {
		n := min(int(data[0]), len(data)-1)
		out = append(out, data[1:1+n:1+n])
		data = data[1+n:]
	}
	return out
}

// piled is the inverse of pieces; payloads that are too long are cut.
func piled(payloads ...[]byte) (data []byte) {
	for _, p := range payloads {
		n := min(len(p), 255)
		data = append(append(data, byte(n)), p[:n]...)
	}
	return data
}

// fuzzDepacketizer checks that no payloads of c, in whatever order, make its depacketizer fall over, read past its
// input or keep more than its bound; and that what passes is whole and begins with a key frame.
func fuzzDepacketizer(f *testing.F, c media.Codec, params map[string]string) {
	seeded(f)
	packets, _, _ := packetize(c, 9)
	var seed [][]byte
	for _, p := range packets {
		seed = append(seed, p.Payload)
	}
	f.Add(uint32(1<<2|1<<5), uint32(0), piled(seed...))
	f.Add(^uint32(0), uint32(1<<7), piled(seed...))
	f.Fuzz(func(t *testing.T, markers, lost uint32, data []byte) {
		a := newAssembler(newDepacketizer(c, params))
		ts := int64(0)
		begun, units := false, int64(0)
		for i, payload := range pieces(data) {
			p := released{rtpPacket{ts: ts, marker: markers>>(i%32)&1 != 0, payload: payload}, lost>>(i%32)&1 != 0}
			if p.marker || i%5 == 4 {
				ts++
			}
			if p.lost {
				begun = false
			}
			pictureSize(c, payload)
			for _, u := range a.push(p) {
				units++
				begun = begun || u.key
				if len(u.data) == 0 || len(u.data) > maxUnit+1<<20 || !begun {
					t.Fatalf("an access unit of %d bytes, key %v, after a key frame %v", len(u.data), u.key, begun)
				}
			}
			if a.gated {
				begun = false
			}
		}
		if a.passed != units || a.keys > units || a.broken < 0 || a.bframes < 0 {
			t.Fatalf("%d units, counted %+v", units, a)
		}
	})
}

func FuzzVP8(f *testing.F) { fuzzDepacketizer(f, media.VP8, nil) }
func FuzzVP9(f *testing.F) { fuzzDepacketizer(f, media.VP9, nil) }
func FuzzAV1(f *testing.F) { fuzzDepacketizer(f, media.AV1, nil) }

func FuzzH264(f *testing.F) {
	fuzzDepacketizer(f, media.H264, map[string]string{"sprop-parameter-sets": "Z0LgH9oCgL3lQA==,aM48gA=="})
}

// No sound makes its stream fall over; what passes has a length, and lies near the time it came at.
func FuzzOpus(f *testing.F) {
	f.Add(piled([]byte{0xf8, 1, 2}, []byte{0xfc}, []byte{31<<3 | 3, 3, 9}, nil, []byte{31<<3 | 3}, []byte{3<<3 | 1, 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, in, _ := loneStream(Config{}, testSection(media.Opus))
		now := media.Second
		for i, payload := range pieces(data) {
			raw, err := (&rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: s.pt, SSRC: s.ssrc, SequenceNumber: uint16(i), Timestamp: uint32(960 * i)},
				Payload: payload,
			}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			s.take(raw, now)
			s.deliver(now)
			now += 20 * ms
		}
		for _, p := range in.got {
			if p.Dur <= 0 || p.Dur > 120*ms || len(p.Data) == 0 || abs(p.At-now) > media.Time(len(data))*20*ms+syncJump {
				t.Fatalf("%d bytes at %v for %v", len(p.Data), p.At, p.Dur)
			}
		}
	})
}

// Whatever bytes come as RTP, also headers that lie: the stream stays on its feet, its places in time lie near the clock,
// and it asks for no more than it should.
func FuzzRTP(f *testing.F) {
	seeded(f)
	for i, c := range videoCodecs {
		packets, _, _ := packetize(c, 4)
		var seed [][]byte
		for _, p := range packets {
			p.PayloadType, p.SSRC = 96, 7
			if err := p.SetExtension(4, []byte{0, 0, 0, 1, 0, 0, 0, 2}); err != nil {
				f.Fatal(err)
			}
			raw, err := p.Marshal()
			if err != nil {
				f.Fatal(err)
			}
			seed = append(seed, raw)
		}
		f.Add(byte(i), piled(seed...))
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		s, in, back := loneStream(Config{}, testSection(videoCodecs[int(which)%len(videoCodecs)]))
		now := media.Second
		for i, raw := range pieces(data) {
			s.take(raw, now)
			s.deliver(now)
			now += media.Time(i%7) * 10 * ms
			s.deliver(now)
		}
		for _, p := range in.got {
			if len(p.Data) == 0 || abs(p.At-now) > now+3*syncJump {
				t.Fatalf("%d bytes at %v while it is %v", len(p.Data), p.At, now)
			}
		}
		asked := 0
		for _, p := range back.sent {
			if nack, ok := p.(*rtcp.TransportLayerNack); ok {
				for _, pair := range nack.Nacks {
					asked += len(pair.PacketList())
				}
			}
		}
		if most := maxNacks * maxRepair * (1 + len(data)/12); asked > most {
			t.Fatalf("asked for %d packets", asked)
		}
	})
}

// Whatever bytes come as RTCP, through all that reads them on our side: nothing falls over, and sound that flows is
// placed near the clock.
func FuzzRTCP(f *testing.F) {
	add := func(packets ...rtcp.Packet) {
		raw, err := rtcp.Marshal(packets)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(piled(raw))
	}
	sr := &rtcp.SenderReport{SSRC: 7, NTPTime: ntp64(1000 * media.Second), RTPTime: 48000, PacketCount: 9, OctetCount: 99}
	sr.Reports = []rtcp.ReceptionReport{{SSRC: 7, FractionLost: 3}}
	add(sr, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 7, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "ada"}}}}})
	add(&rtcp.ReceiverReport{SSRC: 7}, &rtcp.Goodbye{Sources: []uint32{7}, Reason: "bye"})
	add(&rtcp.TransportLayerNack{SenderSSRC: 7, MediaSSRC: 9, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 5}}}, &rtcp.PictureLossIndication{SenderSSRC: 7})
	add(&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 7, Bitrate: 1e6, SSRCs: []uint32{7}}, &rtcp.FullIntraRequest{SenderSSRC: 7, FIR: []rtcp.FIREntry{{SSRC: 7}}})
	add(&rtcp.TransportLayerCC{SenderSSRC: 7, PacketStatusCount: 1, PacketChunks: []rtcp.PacketStatusChunk{
		&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 1},
	}, RecvDeltas: []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250}}})
	add(&rtcp.ExtendedReport{SenderSSRC: 7, Reports: []rtcp.ReportBlock{&rtcp.ReceiverReferenceTimeReportBlock{NTPTimestamp: 1}}})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, _ := loneStream(Config{}, testSection(media.Opus))
		registry, err := (&offer{}).interceptors(s.t.sess.srv)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := registry.Build("")
		if err != nil {
			t.Fatal(err)
		}
		defer chain.Close()
		chain.BindRemoteStream(&interceptor.StreamInfo{SSRC: s.ssrc, ClockRate: 48000}, interceptor.RTPReaderFunc(
			func([]byte, interceptor.Attributes) (int, interceptor.Attributes, error) { return 0, nil, nil }))
		var next []byte
		reader := chain.BindRTCPReader(interceptor.RTCPReaderFunc(
			func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
				return copy(b, next), a, nil
			}))
		buf := make([]byte, receiveMTU)
		now := media.Second
		for i, raw := range pieces(data) {
			ts := s.clock.observe(uint32(960*i), now)
			if at := s.clock.at(ts, now); abs(at-now) > 3*syncJump {
				t.Fatalf("at %v while it is %v", at, now)
			}
			next = raw
			n, attributes, err := reader.Read(buf, make(interceptor.Attributes))
			if err == nil {
				var packets []rtcp.Packet
				if packets, err = attributes.GetRTCPPackets(buf[:n]); err == nil {
					s.reports(packets, now)
				}
			}
			now += 20 * ms
		}
	})
}
