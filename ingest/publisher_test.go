package ingest

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// publisher is a WHIP client made of the WebRTC library.
type publisher struct {
	t        *testing.T
	pc       *webrtc.PeerConnection
	tracks   map[media.Codec]*webrtc.TrackLocalStaticRTP
	layers   map[string]*webrtc.TrackLocalStaticRTP // by rid
	resource string
	answer   string

	mu       sync.Mutex
	plis     int
	twcc     int // packets of transport-wide feedback
	reported int // receiver reports
	nacks    []uint16
	ready    chan struct{}
	lossy    func(*rtp.Packet) bool // whether the network loses this packet
}

var mimeTypes = map[media.Codec]webrtc.RTPCodecCapability{
	media.VP8:  {MimeType: webrtc.MimeTypeVP8, ClockRate: 90000},
	media.VP9:  {MimeType: webrtc.MimeTypeVP9, ClockRate: 90000, SDPFmtpLine: "profile-id=0"},
	media.H264: {MimeType: webrtc.MimeTypeH264, ClockRate: 90000, SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
	media.AV1:  {MimeType: webrtc.MimeTypeAV1, ClockRate: 90000},
	media.Opus: {MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2},
}

// lossFactory drops packets behind the retransmission buffer, as a network does.
type lossFactory struct{ p *publisher }

type lossInterceptor struct {
	interceptor.NoOp
	p *publisher
}

func (f lossFactory) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &lossInterceptor{p: f.p}, nil
}

func (l *lossInterceptor) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		l.p.mu.Lock()
		drop := l.p.lossy != nil && l.p.lossy(&rtp.Packet{Header: *h, Payload: payload})
		l.p.mu.Unlock()
		if drop {
			return len(payload), nil
		}
		return w.Write(h, payload, a)
	})
}

// newPublisher makes a client that sends these codecs; prepare may change its settings.
func newPublisher(t *testing.T, prepare func(*webrtc.SettingEngine), codecs ...media.Codec) *publisher {
	t.Helper()
	p := newClient(t, prepare, codecs...)
	for _, c := range codecs {
		p.tracks[c] = p.addTrack(c)
	}
	return p
}

// addTrack makes the client send one more track, as simulcast layers if there are rids.
func (p *publisher) addTrack(c media.Codec, rids ...string) *webrtc.TrackLocalStaticRTP {
	p.t.Helper()
	var opts []func(*webrtc.TrackLocalStaticRTP)
	if len(rids) > 0 {
		opts = append(opts, webrtc.WithRTPStreamID(rids[0]))
	}
	track, err := webrtc.NewTrackLocalStaticRTP(mimeTypes[c], c.String(), "stream", opts...)
	if err != nil {
		p.t.Fatal(err)
	}
	tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(rids) > 0 {
		p.layers[rids[0]] = track
	}
	for _, rid := range rids[min(1, len(rids)):] {
		layer, err := webrtc.NewTrackLocalStaticRTP(mimeTypes[c], c.String(), "stream", webrtc.WithRTPStreamID(rid))
		if err != nil {
			p.t.Fatal(err)
		}
		if err := tr.Sender().AddEncoding(layer); err != nil {
			p.t.Fatal(err)
		}
		p.layers[rid] = layer
	}
	if len(rids) == 0 {
		go p.readFeedback(tr.Sender()) // ends when the peer connection closes
	}
	return track
}

// newClient makes a client that knows these codecs and sends nothing yet.
func newClient(t *testing.T, prepare func(*webrtc.SettingEngine), codecs ...media.Codec) *publisher {
	t.Helper()
	return newClientWith(t, prepare, nil, nil, codecs...)
}

// engineOption teaches a client's engine more.
type engineOption = func(*webrtc.MediaEngine) error

// newClientWith makes a client that knows more than the codecs, and whose packets go through last; nil: there is none.
func newClientWith(t *testing.T, prepare func(*webrtc.SettingEngine), more []engineOption, last interceptor.Factory, codecs ...media.Codec) *publisher {
	t.Helper()
	p := &publisher{
		t: t, ready: make(chan struct{}),
		tracks: make(map[media.Codec]*webrtc.TrackLocalStaticRTP), layers: make(map[string]*webrtc.TrackLocalStaticRTP),
	}
	engine := &webrtc.MediaEngine{}
	for i, c := range codecs {
		capability := mimeTypes[c]
		kind := webrtc.RTPCodecTypeAudio
		if c.Video() {
			kind = webrtc.RTPCodecTypeVideo
			capability.RTCPFeedback = []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
		}
		codec := webrtc.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: webrtc.PayloadType(96 + i)}
		if err := engine.RegisterCodec(codec, kind); err != nil {
			t.Fatal(err)
		}
	}
	for _, learn := range more {
		if err := learn(engine); err != nil {
			t.Fatal(err)
		}
	}
	registry := &interceptor.Registry{}
	if last != nil {
		registry.Add(last)
	}
	registry.Add(lossFactory{p}) // next to the network
	if err := webrtc.ConfigureRTCPReports(registry); err != nil {
		t.Fatal(err)
	}
	if err := webrtc.ConfigureNack(engine, registry); err != nil {
		t.Fatal(err)
	}
	if err := webrtc.ConfigureSimulcastExtensionHeaders(engine); err != nil {
		t.Fatal(err)
	}
	var set webrtc.SettingEngine
	set.SetIncludeLoopbackCandidate(true)
	if prepare != nil {
		prepare(&set)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(set))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p.pc = pc
	t.Cleanup(func() { pc.GracefulClose() })
	var once sync.Once
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(p.ready) })
		}
	})
	return p
}

func (p *publisher) readFeedback(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		p.mu.Lock()
		for _, pkt := range packets {
			switch pkt := pkt.(type) {
			case *rtcp.PictureLossIndication:
				p.plis++
			case *rtcp.TransportLayerCC:
				p.twcc++
			case *rtcp.ReceiverReport:
				p.reported++
			case *rtcp.TransportLayerNack:
				for _, n := range pkt.Nacks {
					p.nacks = append(p.nacks, n.PacketList()...)
				}
			}
		}
		p.mu.Unlock()
	}
}

// offer is the client's offer with its candidates.
func (p *publisher) offer() string {
	p.t.Helper()
	desc, err := p.pc.CreateOffer(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(desc); err != nil {
		p.t.Fatal(err)
	}
	<-gathered
	return p.pc.LocalDescription().SDP
}

// publish posts the offer, changed by edit, and waits until it is connected.
func (p *publisher) publish(url string, edit func(string) string) {
	p.t.Helper()
	offer := p.offer()
	if edit != nil {
		offer = edit(offer)
	}
	res, body := request(p.t, http.MethodPost, url, sdpType, offer)
	if res.StatusCode != http.StatusCreated {
		p.t.Fatalf("POST: %s: %s", res.Status, body)
	}
	p.resource, p.answer = res.Header.Get("Location"), body
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: body}); err != nil {
		p.t.Fatalf("the answer is of no use: %v\n%s", err, body)
	}
	select {
	case <-p.ready:
	case <-time.After(patience):
		p.t.Fatalf("not connected; answer:\n%s", body)
	}
}

func (p *publisher) count() (plis, nacks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plis, len(p.nacks)
}

// lose sets which packets the network loses.
func (p *publisher) lose(lossy func(*rtp.Packet) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lossy = lossy
}

// cable is a UDP socket that can be cut.
type cable struct {
	net.PacketConn
	cut atomic.Bool
}

func (c *cable) WriteTo(b []byte, to net.Addr) (int, error) {
	if c.cut.Load() {
		return len(b), nil
	}
	return c.PacketConn.WriteTo(b, to)
}

func (c *cable) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil || !c.cut.Load() {
			return n, from, err
		}
	}
}

// newCable makes a publisher send by a socket that can be cut.
func newCable(t *testing.T) (*cable, func(*webrtc.SettingEngine)) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{PacketConn: conn}
	mux := webrtc.NewICEUDPMux(nil, c)
	t.Cleanup(func() { mux.Close() })
	return c, func(set *webrtc.SettingEngine) { set.SetICEUDPMux(mux) }
}

// roamer is a UDP socket whose address changes without its user knowing, as behind a NAT.
type roamer struct {
	mu   sync.Mutex
	conn net.PacketConn
	net.PacketConn
}

func newRoamer(t *testing.T) (*roamer, func(*webrtc.SettingEngine)) {
	t.Helper()
	r := &roamer{}
	r.move(t)
	r.PacketConn = r.conn
	mux := webrtc.NewICEUDPMux(nil, r)
	t.Cleanup(func() { mux.Close() })
	return r, func(set *webrtc.SettingEngine) {
		set.SetICEUDPMux(mux)
		set.SetICETimeouts(5*time.Second, 25*time.Second, 200*time.Millisecond)
	}
}

// move gives the client another address.
func (r *roamer) move(t *testing.T) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	old := r.conn
	r.conn = conn
	r.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

func (r *roamer) now() net.PacketConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conn
}

func (r *roamer) WriteTo(b []byte, to net.Addr) (int, error) { return r.now().WriteTo(b, to) }
func (r *roamer) Close() error                               { return r.now().Close() }

func (r *roamer) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		conn := r.now()
		n, from, err := conn.ReadFrom(b)
		if err == nil || conn == r.now() {
			return n, from, err
		}
	}
}
