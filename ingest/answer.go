package ingest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// captureTimeURI names the header extension that says when a picture or sound was captured.
const captureTimeURI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

// receiveMTU is the largest RTP packet taken, in bytes.
const receiveMTU = 2048

// newPeer opens a peer connection that can receive just what o asks for. Check is called with each
// of the client's connectivity checks and reports whether to use the path it came by. Buffer makes the
// buffer of an SSRC.
func (s *Server) newPeer(o *offer, check bindingHandler, buffer bufferFactory) (*webrtc.PeerConnection, error) {
	engine, err := o.mediaEngine()
	if err != nil {
		return nil, err
	}
	registry, err := o.interceptors(s)
	if err != nil {
		return nil, err
	}
	var set webrtc.SettingEngine
	set.LoggerFactory = pionLogs{s.log}
	s.networks(&set)
	// A quarter, so that three lost checks are not taken for an interruption.
	set.SetICETimeouts(s.cfg.InterruptTimeout, s.cfg.ConsentTimeout-s.cfg.InterruptTimeout, s.cfg.InterruptTimeout/4)
	set.SetReceiveMTU(receiveMTU)
	set.SetICEBindingRequestHandler(check)
	set.BufferFactory = buffer
	role := webrtc.DTLSRoleServer
	if o.setup == "passive" { // FFmpeg (O-31)
		role = webrtc.DTLSRoleClient
	}
	if err := set.SetAnsweringDTLSRole(role); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(set))
	return api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
}

// mediaEngine knows the payload types chosen from the offer and no others. The
// mid extension is agreed on only for simulcast: without it a stream that was not
// announced by its SSRC is still found by its payload type.
func (o *offer) mediaEngine() (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	for _, s := range o.sections {
		codec := webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: s.kind + "/" + s.name, ClockRate: uint32(s.rate), SDPFmtpLine: s.fmtp,
			},
			PayloadType: webrtc.PayloadType(s.pt),
		}
		kind := webrtc.RTPCodecTypeVideo
		if s.codec == media.Opus {
			codec.Channels, kind = 2, webrtc.RTPCodecTypeAudio
		}
		for _, fb := range s.fb {
			typ, param, _ := strings.Cut(fb, " ")
			codec.RTCPFeedback = append(codec.RTCPFeedback, webrtc.RTCPFeedback{Type: typ, Parameter: param})
		}
		if err := engine.RegisterCodec(codec, kind); err != nil {
			return nil, fmt.Errorf("register %s: %w", s.name, err)
		}
		if s.rtx != 0 {
			rtx := webrtc.RTPCodecParameters{
				RTPCodecCapability: webrtc.RTPCodecCapability{
					MimeType: webrtc.MimeTypeRTX, ClockRate: uint32(s.rate), SDPFmtpLine: fmt.Sprintf("apt=%d", s.pt),
				},
				PayloadType: webrtc.PayloadType(s.rtx),
			}
			if err := engine.RegisterCodec(rtx, kind); err != nil {
				return nil, fmt.Errorf("register retransmissions of %s: %w", s.name, err)
			}
		}
		uris := []string{sdp.TransportCCURI, captureTimeURI, sdp.AudioLevelURI}
		if len(s.rids) > 0 {
			uris = append(uris, sdp.SDESMidURI, sdp.SDESRTPStreamIDURI, sdp.SDESRepairRTPStreamIDURI)
		}
		for _, uri := range uris {
			if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return nil, fmt.Errorf("register %s: %w", uri, err)
			}
		}
	}
	return engine, nil
}

// interceptors are the receiver reports and the transport-wide feedback that
// senders steer their rate by. Lost packets and key frames are asked for by the
// track itself, which alone knows what it still waits for.
func (o *offer) interceptors(s *Server) (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(pionLogs{s.log}))
	if err != nil {
		return nil, err
	}
	registry.Add(reports)
	feedback, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(pionLogs{s.log}))
	if err != nil {
		return nil, err
	}
	registry.Add(feedback)
	return registry, nil
}

// sdp is the offer as the WebRTC library is given it: only what was understood
// and chosen, one payload type for each section. Heard are the SSRCs that each
// section's mid has brought, before the one that it announced.
func (o *offer) sdp(heard map[string][]webrtc.SSRC) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0")
	mids := make([]string, len(o.sections))
	for i, s := range o.sections {
		mids[i] = s.mid
	}
	line("a=group:BUNDLE %s", strings.Join(mids, " "))
	if o.lite {
		line("a=ice-lite")
	}
	for i, s := range o.sections {
		rtx := ""
		if s.rtx != 0 {
			rtx = fmt.Sprintf(" %d", s.rtx)
		}
		line("m=%s 9 UDP/TLS/RTP/SAVPF %d%s\r\nc=IN IP4 0.0.0.0", s.kind, s.pt, rtx)
		line("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:%s", o.ufrag, o.pwd, o.fingerprint, o.setup)
		line("a=mid:%s\r\na=sendonly\r\na=rtcp-mux", s.mid)
		s.describe(line, heard[s.mid])
		if i == 0 {
			for _, c := range o.candidates {
				line("a=candidate:%s", c)
			}
		}
	}
	return b.String()
}

// describe writes the attributes of a section's codec and streams.
func (s *section) describe(line func(string, ...any), heard []webrtc.SSRC) {
	channels := ""
	if s.codec == media.Opus {
		channels = "/2"
	}
	line("a=rtpmap:%d %s/%d%s", s.pt, s.name, s.rate, channels)
	if s.fmtp != "" {
		line("a=fmtp:%d %s", s.pt, s.fmtp)
	}
	for _, fb := range s.fb {
		line("a=rtcp-fb:%d %s", s.pt, fb)
	}
	if s.rtx != 0 {
		line("a=rtpmap:%d rtx/%d\r\na=fmtp:%d apt=%d", s.rtx, s.rate, s.rtx, s.pt)
	}
	extension := func(id, uri string) {
		if id != "" {
			line("a=extmap:%s %s", id, uri)
		}
	}
	extension(s.twcc, sdp.TransportCCURI)
	extension(s.capExt, captureTimeURI)
	extension(s.lvlExt, sdp.AudioLevelURI)
	line("a=msid:tilecast %s", s.kind)
	if s.repair != "" && s.rtx != 0 {
		line("a=ssrc-group:FID %s %s\r\na=ssrc:%s cname:tilecast", s.ssrc, s.repair, s.repair)
	}
	for _, ssrc := range heard {
		line("a=ssrc:%d cname:tilecast", ssrc)
	}
	if s.ssrc != "" && len(heard) == 0 {
		line("a=ssrc:%s cname:tilecast", s.ssrc)
	}
	if len(s.rids) > 0 {
		extension(s.midExt, sdp.SDESMidURI)
		extension(s.ridExt, sdp.SDESRTPStreamIDURI)
		if s.rtx != 0 {
			extension(s.repExt, sdp.SDESRepairRTPStreamIDURI)
		}
		for _, rid := range s.rids {
			line("a=rid:%s send", rid)
		}
		line("a=simulcast:send %s", strings.Join(s.rids, ";"))
	}
}

// finishAnswer makes the answer of the WebRTC library one that WHIP clients
// want: rtcp-mux-only (W-50), stereo sound (W-76), each candidate once and the
// one that surely reaches us first (O-33). near is the address that the offer
// came in by; public are more candidates of ours.
func (o *offer) finishAnswer(text string, near netip.Addr, public []string) (string, error) {
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(text); err != nil {
		return "", fmt.Errorf("read our own answer: %w", err)
	}
	if !o.bundled {
		desc.Attributes = slices.DeleteFunc(desc.Attributes, func(a sdp.Attribute) bool { return a.Key == "group" })
	}
	desc.Attributes = slices.DeleteFunc(desc.Attributes, func(a sdp.Attribute) bool { return a.Key == "msid-semantic" })
	for i, m := range desc.MediaDescriptions {
		var attrs, candidates []sdp.Attribute
		for _, a := range m.Attributes {
			switch a.Key {
			case "candidate":
				candidates = append(candidates, a)
			case "mid":
				if !o.unnamed {
					attrs = append(attrs, a)
				}
			case "end-of-candidates", "fmtp":
			case "rtcp-mux":
				attrs = append(attrs, a, sdp.NewPropertyAttribute("rtcp-mux-only"))
			default:
				attrs = append(attrs, a)
			}
		}
		if i < len(o.sections) {
			if s := o.sections[i]; s.rtx != 0 {
				attrs = append(attrs, sdp.NewAttribute("fmtp", fmt.Sprintf("%d apt=%d", s.rtx, s.pt)))
			}
			if fmtp := o.sections[i].answerFmtp(); fmtp != "" {
				attrs = append(attrs, sdp.NewAttribute("fmtp", fmt.Sprintf("%d %s", o.sections[i].pt, fmtp)))
			}
		}
		if len(candidates) > 0 {
			candidates = orderCandidates(candidates, near, public)
			attrs = append(append(attrs, candidates...), sdp.NewPropertyAttribute("end-of-candidates"))
		}
		m.Attributes = attrs
	}
	out, err := desc.Marshal()
	return string(out), err
}

// answerFmtp is what we say of the codec: the offer's parameters where the two
// sides must agree, our wishes where they are the receiver's (RFC 7587 7).
func (s *section) answerFmtp() string {
	if s.codec == media.Opus {
		return "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"
	}
	if s.codec != media.H264 {
		return s.fmtp
	}
	var keep []string
	for p := range strings.SplitSeq(s.fmtp, ";") {
		if p = strings.TrimSpace(p); p != "" && !strings.HasPrefix(strings.ToLower(p), "sprop-") { // the sender's own
			keep = append(keep, p)
		}
	}
	return strings.Join(keep, ";")
}

// orderCandidates leaves those for RTP, best first: public ones, near, IPv4, IPv6, loopback; and TCP
// after all of UDP.
func orderCandidates(in []sdp.Attribute, near netip.Addr, public []string) []sdp.Attribute {
	type ranked struct {
		sdp.Attribute
		rank int
	}
	var list []ranked
	add := func(a sdp.Attribute, public bool) {
		f := strings.Fields(a.Value)
		if len(f) < 6 || f[1] != "1" {
			return
		}
		addr, err := netip.ParseAddr(f[4])
		rank := 2
		switch {
		case public:
			rank = 0
		case err != nil:
			rank = 5
		case addr == near && !near.IsLoopback():
			rank = 1
		case addr.IsLoopback():
			rank = 4
		case addr.Is6():
			rank = 3
		}
		if !strings.EqualFold(f[2], "udp") {
			rank += 10
		}
		list = append(list, ranked{a, rank})
	}
	for _, c := range public {
		add(sdp.NewAttribute("candidate", c), true)
	}
	for _, a := range in {
		add(a, false)
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return a.rank - b.rank })
	out := make([]sdp.Attribute, len(list))
	for i, r := range list {
		out[i] = r.Attribute
	}
	return out
}
