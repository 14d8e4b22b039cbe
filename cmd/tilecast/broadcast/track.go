package broadcast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

const payloadSize = 1180 // of one RTP packet, so that it fits 1280 with every header

// codecInfo is how a codec goes into RTP.
type codecInfo struct {
	kind webrtc.RTPCodecType
	pt   webrtc.PayloadType
	cap  webrtc.RTPCodecCapability
	pay  func() rtp.Payloader
}

func info(c media.Codec) codecInfo {
	if c == media.Opus {
		return codecInfo{webrtc.RTPCodecTypeAudio, 111, webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}},
		}, func() rtp.Payloader { return &codecs.OpusPayloader{} }}
	}
	i := codecInfo{kind: webrtc.RTPCodecTypeVideo, pt: 96, cap: webrtc.RTPCodecCapability{
		ClockRate:    90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}},
	}}
	switch c {
	case media.VP8:
		i.cap.MimeType = webrtc.MimeTypeVP8
		i.pay = func() rtp.Payloader { return &codecs.VP8Payloader{EnablePictureID: true} }
	case media.VP9:
		i.cap.MimeType, i.cap.SDPFmtpLine = webrtc.MimeTypeVP9, "profile-id=0"
		i.pay = func() rtp.Payloader { return &codecs.VP9Payloader{} }
	case media.H264:
		i.cap.MimeType, i.cap.SDPFmtpLine = webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
		i.pay = func() rtp.Payloader { return &codecs.H264Payloader{} }
	case media.AV1:
		i.cap.MimeType = webrtc.MimeTypeAV1
		i.pay = func() rtp.Payloader { return &codecs.AV1Payloader{} }
	}
	return i
}

// registerCodecs teaches engine Opus, and video with RTX as browsers offer it.
func registerCodecs(engine *webrtc.MediaEngine, video media.Codec) error {
	register := func(i codecInfo) error {
		return engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: i.cap, PayloadType: i.pt}, i.kind)
	}
	if err := register(info(media.Opus)); err != nil || video == media.CodecNone {
		return err
	}
	i := info(video)
	if err := register(i); err != nil {
		return err
	}
	i.cap = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", i.pt)}
	i.pt++
	return register(i)
}

// track is one outgoing RTP stream. One goroutine sends; another reports and reads.
type track struct {
	out    *webrtc.TrackLocalStaticRTP
	pay    rtp.Payloader
	rate   int64  // RTP ticks per second
	offset uint32 // RTP timestamp of the Unix epoch
	ssrc   uint32
	seq    uint16
	count  *counters

	packets, octets atomic.Uint32 // as in the SR: they wrap
	keyWanted       atomic.Bool
}

func (s *session) addTrack(c media.Codec, id string) (*track, error) {
	i := info(c)
	out, err := webrtc.NewTrackLocalStaticRTP(i.cap, id, "broadcast")
	if err != nil {
		return nil, err
	}
	tr, err := s.pc.AddTransceiverFromTrack(out, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	t := &track{
		out: out, pay: i.pay(), rate: int64(i.cap.ClockRate), offset: rand.Uint32(), seq: uint16(rand.Uint32()), count: &s.p.count,
		ssrc: uint32(tr.Sender().GetParameters().Encodings[0].SSRC),
	}
	s.readers.Go(func() { t.listen(tr.Sender()) }) // ends with the peer connection
	return t, nil
}

// stamp is the RTP timestamp of an instant: the same arithmetic for audio and video.
func (t *track) stamp(at media.Time) uint32 { return t.offset + uint32(at.Ticks(t.rate)) }

// started reports whether a packet went out.
func (t *track) started() bool { return t.packets.Load() != 0 }

// send sends one access unit or audio frame presented at at; marker ends it.
func (t *track) send(at media.Time, data []byte, marker bool) error {
	parts := t.pay.Payload(payloadSize, data)
	for i, part := range parts {
		pkt := rtp.Packet{
			Header:  rtp.Header{Version: 2, Marker: marker && i == len(parts)-1, SequenceNumber: t.seq, Timestamp: t.stamp(at)},
			Payload: part,
		}
		t.seq++
		if err := t.out.WriteRTP(&pkt); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return err
		}
		t.octets.Add(uint32(len(part)))
		t.packets.Add(1)
		t.count.packets.Add(1)
		t.count.bytes.Add(int64(len(part)))
	}
	return nil
}

// listen takes the receiver's RTCP; NACK is answered by the interceptor on the way.
func (t *track) listen(from *webrtc.RTPSender) {
	for {
		pkts, _, err := from.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range pkts {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				t.keyWanted.Store(true)
				t.count.pli.Add(1)
			case *rtcp.TransportLayerNack:
				for _, pair := range p.Nacks {
					t.count.nack.Add(int64(len(pair.PacketList())))
				}
			}
		}
	}
}

// report is a sender report for the instant now (RFC 3550 section 6.4.1): its NTP time
// and its RTP timestamp are the same instant exactly.
func (t *track) report(now media.Time) []rtcp.Packet {
	return []rtcp.Packet{
		&rtcp.SenderReport{
			SSRC: t.ssrc, NTPTime: ntp(now), RTPTime: t.stamp(now),
			PacketCount: t.packets.Load(), OctetCount: t.octets.Load(),
		},
		rtcp.NewCNAMESourceDescription(t.ssrc, "broadcast"),
	}
}

// ntp is t, flicks since the Unix epoch, in NTP format: seconds since 1900 in 32.32 bits.
func ntp(t media.Time) uint64 {
	const unix = 2_208_988_800
	sec, frac := t/media.Second, t%media.Second
	return uint64(sec+unix)<<32 | uint64(frac)<<32/uint64(media.Second)
}

// reports sends a report of each started track: soon after the start, then each second.
func (s *session) reports(ctx context.Context) error {
	for n := 0; ; n++ {
		wait := media.Second
		if n < 3 {
			wait = 100 * media.Millisecond
		}
		if !sleep(ctx, wait.Duration()) {
			return nil
		}
		now := s.clock.now()
		for _, t := range []*track{s.video, s.audio} {
			if t == nil || !t.started() {
				continue
			}
			if err := s.pc.WriteRTCP(t.report(now)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				return fmt.Errorf("send a report: %w", err)
			}
		}
	}
}
