package broadcast

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// patience bounds what a test waits for; it is never the thing tested.
const patience = 20 * time.Second

// gateway is a minimal WHIP endpoint with pion behind it.
type gateway struct {
	t      *testing.T
	http   *httptest.Server
	mu     sync.Mutex
	engine *webrtc.MediaEngine         // nil: pion's default codecs
	refuse []func(http.ResponseWriter) // answers instead of the next POSTs
	query  []string
	offers []string

	video, audio chan *rtp.Packet
	rtcp         chan rtcp.Packet
	closed       chan struct{} // a value for each peer connection that ended
	peers        []*webrtc.PeerConnection
	deletes      atomic.Int32
	posts        atomic.Int32
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{
		t: t, video: make(chan *rtp.Packet, 4096), audio: make(chan *rtp.Packet, 4096),
		rtcp: make(chan rtcp.Packet, 1024), closed: make(chan struct{}, 64),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /whip/{room}", g.post)
	mux.HandleFunc("DELETE /whip/{room}/{session}", func(w http.ResponseWriter, r *http.Request) { g.deletes.Add(1) })
	g.http = httptest.NewServer(mux)
	t.Cleanup(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, pc := range g.peers {
			_ = pc.GracefulClose()
		}
		g.http.Close()
	})
	return g
}

func (g *gateway) url() string { return g.http.URL + "/whip/demo" }

func (g *gateway) post(w http.ResponseWriter, r *http.Request) {
	g.posts.Add(1)
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	g.query = append(g.query, r.URL.RawQuery)
	g.offers = append(g.offers, string(body))
	if len(g.refuse) > 0 {
		f := g.refuse[0]
		g.refuse = g.refuse[1:]
		g.mu.Unlock()
		f(w)
		return
	}
	g.mu.Unlock()
	answer, err := g.accept(string(body))
	if err != nil {
		g.t.Errorf("gateway: %v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", fmt.Sprintf("/whip/demo/%d", g.posts.Load()))
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

func (g *gateway) accept(offer string) (string, error) {
	var set webrtc.SettingEngine
	set.SetIncludeLoopbackCandidate(true)
	engine := g.engine
	if engine == nil {
		engine = &webrtc.MediaEngine{}
		if err := engine.RegisterDefaultCodecs(); err != nil {
			return "", err
		}
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(set), webrtc.WithMediaEngine(engine)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	g.peers = append(g.peers, pc)
	g.mu.Unlock()
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		to := g.audio
		if t.Kind() == webrtc.RTPCodecTypeVideo {
			to = g.video
		}
		go func() {
			for {
				pkts, _, err := r.ReadRTCP()
				if err != nil {
					return
				}
				for _, p := range pkts {
					offer1(g.rtcp, p)
				}
			}
		}()
		for {
			p, _, err := t.ReadRTP()
			if err != nil {
				return
			}
			offer1(to, p)
		}
	})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateClosed {
			offer1(g.closed, struct{}{})
		}
	})
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}

func (g *gateway) peer() *webrtc.PeerConnection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peers[len(g.peers)-1]
}

func offer1[T any](to chan T, v T) {
	select {
	case to <- v:
	default:
	}
}

// take is the next value of a channel.
func take[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// onAir runs p until the test ends or stop is called; stop returns what Run did.
func onAir(t *testing.T, p *Publisher) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	var once sync.Once
	var result error
	stop = func() error {
		once.Do(func() {
			cancel()
			result = take(t, ended, "end of Run")
		})
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

// mockCodecs need no C: VP8 whose first byte says whether it is a key frame, size
// bytes each, and Opus of a few bytes.
func mockCodecs(size int) codec.Set {
	return codec.Set{
		NewVideoEncoder: func(c codec.VideoConfig) (codec.VideoEncoder, error) { return &mockVideo{c: c, size: size}, nil },
		NewAudioEncoder: func(codec.AudioConfig) (codec.AudioEncoder, error) { return &mockAudio{}, nil },
	}
}

type mockVideo struct {
	c    codec.VideoConfig
	size int
	n    int
}

func (m *mockVideo) Params() media.VideoParams { return media.VideoParams{Codec: m.c.Codec} }
func (m *mockVideo) Close()                    {}
func (m *mockVideo) Encode(p *codec.Picture, dur media.Time, key bool) ([]media.Packet, error) {
	key = key || m.n == 0
	m.n++
	data := make([]byte, m.size)
	if !key {
		data[0] = 1
	}
	return []media.Packet{{At: p.At, Dur: dur, Key: key, Data: data}}, nil
}

type mockAudio struct{ n int64 }

func (m *mockAudio) Params() media.AudioParams {
	return media.AudioParams{Codec: media.Opus, SampleRate: 48000, Channels: 2, FrameSize: 960}
}
func (m *mockAudio) Close() {}
func (m *mockAudio) Encode(s []float32) ([]media.Packet, error) {
	at := media.FromTicks(m.n*960, 48000)
	m.n++
	return []media.Packet{{At: at, Key: true, Data: []byte{0xfc, 1, 2, 3}}}, nil
}

// newTLSFront serves g by HTTPS too, with a certificate nobody knows.
func newTLSFront(t *testing.T, g *gateway) string {
	s := httptest.NewUnstartedServer(g.http.Config.Handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
