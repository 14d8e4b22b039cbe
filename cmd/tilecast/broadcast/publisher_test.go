package broadcast

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

func testConfig(g *gateway) Config {
	return Config{
		URL: g.url(), ID: "one", Name: "Ada & Bob", Video: media.VP8, W: 64, H: 48,
		Picture: Solid{R: 200}, Sound: Tone{Hz: 440, Level: -20}, Codecs: mockCodecs(3000),
	}
}

func mustNew(t *testing.T, c Config) *Publisher {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// isKey reads the VP8 payload descriptor (RFC 7741) and the frame's first byte.
func isKey(p *rtp.Packet) (start, key bool) {
	b := p.Payload
	start = b[0]&0x10 != 0
	n := 1
	if b[0]&0x80 != 0 {
		ext := b[1]
		n++
		if ext&0x80 != 0 {
			if b[n]&0x80 != 0 {
				n++
			}
			n++
		}
	}
	return start, start && b[n]&1 == 0
}

// The wall-clock times of frames and samples, worked out from the sender reports as a
// receiver does, lie on the grid they were captured on: audio and video share a clock.
func TestTimestampsAndReportsShareOneClock(t *testing.T) {
	g := newGateway(t)
	p := mustNew(t, testConfig(g))
	stop := onAir(t, p)

	reports := map[uint32]*rtcp.SenderReport{}
	v0, a0 := take(t, g.video, "video"), take(t, g.audio, "audio")
	for reports[v0.SSRC] == nil || reports[a0.SSRC] == nil {
		if r, ok := take(t, g.rtcp, "sender report").(*rtcp.SenderReport); ok {
			reports[r.SSRC] = r
		}
	}
	frames := 0
	last := v0
	for frames < 20 {
		v := take(t, g.video, "video")
		if d := v.Timestamp - last.Timestamp; d%3000 != 0 || d > 30000 {
			t.Fatalf("video timestamps %d apart, want 3000", d)
		} else if d != 0 {
			frames++
			if !last.Marker {
				t.Fatal("a frame ends without a marker")
			}
		} else if last.Marker {
			t.Fatal("a frame goes on after its marker")
		}
		onGrid(t, "video", reports[v.SSRC], v.Timestamp, 90000, media.Second/30)
		last = v
	}
	for range 20 {
		a := take(t, g.audio, "audio")
		if d := a.Timestamp - a0.Timestamp; d != 960 {
			t.Fatalf("audio timestamps %d apart, want 960", d)
		}
		onGrid(t, "audio", reports[a.SSRC], a.Timestamp, 48000, 20*media.Millisecond)
		a0 = a
	}
	if err := stop(); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if s := p.Stats(); s.Sessions != 1 || s.Frames < 20 || s.Sounds < 20 || s.Packets < 80 || s.KeyFrames < 1 || s.Connected {
		t.Fatalf("stats: %+v", s)
	}
}

// onGrid checks that ts, seen through r, is a multiple of step to a tick.
func onGrid(t *testing.T, what string, r *rtcp.SenderReport, ts uint32, rate int64, step media.Time) {
	t.Helper()
	at := wall(r, ts, rate)
	off := (at+step/2)%step - step/2
	if tick := media.FromTicks(1, rate); off < -tick || off > tick {
		t.Fatalf("%s at %v is %v off its grid", what, at, off)
	}
	if age := media.FromDuration(time.Duration(time.Now().UnixNano())) - at; age < -5*media.Second || age > 60*media.Second {
		t.Fatalf("%s claims to be %v old", what, age)
	}
}

func TestOfferSaysWhoAndWhat(t *testing.T) {
	g := newGateway(t)
	stop := onAir(t, mustNew(t, testConfig(g)))
	take(t, g.video, "video")
	_ = stop()
	o := g.offers[0]
	for _, want := range []string{
		"a=sendonly", "a=rtcp-mux-only\r\n", "a=setup:actpass", "a=candidate:", "a=end-of-candidates",
		"VP8/90000", "opus/48000/2", "nack pli", "ccm fir", "apt=96", "BUNDLE 0 1",
	} {
		if !strings.Contains(o, want) {
			t.Errorf("offer lacks %q:\n%s", want, o)
		}
	}
	if strings.Contains(o, "H264") || strings.Contains(o, "a=recvonly") {
		t.Errorf("offer has more than it should:\n%s", o)
	}
	if g.query[0] != "id=one&name=Ada+%26+Bob" {
		t.Errorf("query %q", g.query[0])
	}
}

func TestKeyFrameOnRequest(t *testing.T) {
	g := newGateway(t)
	p := mustNew(t, testConfig(g))
	onAir(t, p)
	first := take(t, g.video, "video")
	if start, key := isKey(first); !start || !key {
		t.Fatal("the first packet does not start a key frame")
	}
	for _, request := range []rtcp.Packet{
		&rtcp.PictureLossIndication{MediaSSRC: first.SSRC},
		&rtcp.FullIntraRequest{MediaSSRC: first.SSRC, FIR: []rtcp.FIREntry{{SSRC: first.SSRC, SequenceNumber: 1}}},
	} {
		if err := g.peer().WriteRTCP([]rtcp.Packet{request}); err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			v := take(t, g.video, "video")
			if _, key := isKey(v); key && v.Timestamp != first.Timestamp {
				break
			}
			if n > 600 {
				t.Fatalf("no key frame within 200 frames of %T", request)
			}
		}
	}
	if s := p.Stats(); s.PLI != 2 || s.KeyFrames != 3 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestLostPacketIsSentAgain(t *testing.T) {
	g := newGateway(t)
	p := mustNew(t, testConfig(g))
	onAir(t, p)
	lost := take(t, g.video, "video")
	take(t, g.video, "video")
	nack := &rtcp.TransportLayerNack{MediaSSRC: lost.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost.SequenceNumber})}
	if err := g.peer().WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	for {
		v := take(t, g.video, "retransmission")
		if v.SequenceNumber == lost.SequenceNumber {
			if string(v.Payload) != string(lost.Payload) || v.Timestamp != lost.Timestamp {
				t.Fatal("the packet came back changed")
			}
			break
		}
	}
	if s := p.Stats(); s.NACK != 1 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestGoodbye(t *testing.T) {
	g := newGateway(t)
	stop := onAir(t, mustNew(t, testConfig(g)))
	take(t, g.video, "video")
	if err := stop(); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if n := g.deletes.Load(); n != 1 {
		t.Fatalf("%d DELETE, want 1", n)
	}
	for {
		if _, ok := take(t, g.rtcp, "BYE").(*rtcp.Goodbye); ok {
			break
		}
	}
	take(t, g.closed, "DTLS close at the gateway")
}

func TestKillSaysNothing(t *testing.T) {
	g := newGateway(t)
	p := mustNew(t, testConfig(g))
	stop := onAir(t, p)
	take(t, g.video, "video")
	p.Kill()
	if err := stop(); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if n := g.deletes.Load(); n != 0 {
		t.Fatalf("%d DELETE after Kill", n)
	}
	for {
		select {
		case r := <-g.rtcp:
			if _, bye := r.(*rtcp.Goodbye); bye {
				t.Fatal("BYE after Kill")
			}
			continue
		case <-g.closed:
			t.Fatal("the gateway saw the connection close")
		default:
		}
		return
	}
}

// What is written after the cut never reaches the wire: the next datagram to arrive is
// one written past the cable.
func TestCutCableCarriesNothing(t *testing.T) {
	wire, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cut := context.WithCancel(context.Background())
	end, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	conn, err := (&cable{wire, ctx}).ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(w net.PacketConn, s string) {
		if n, err := w.WriteTo([]byte(s), end.LocalAddr()); err != nil || n != len(s) {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	read := func() string {
		b := make([]byte, 100)
		_ = end.SetReadDeadline(time.Now().Add(patience))
		n, _, err := end.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	send(conn, "before")
	if got := read(); got != "before" {
		t.Fatalf("read %q", got)
	}
	cut()
	send(conn, "after")
	send(conn.(*plug).UDPConn, "past")
	if got := read(); got != "past" {
		t.Fatalf("read %q after the cut", got)
	}
}

func status(code int, header, value, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if header != "" {
			w.Header().Set(header, value)
		}
		http.Error(w, body, code)
	}
}

func TestRefusalsInWords(t *testing.T) {
	for _, c := range []struct {
		code  int
		body  string
		wants []string
	}{
		{404, "", []string{`no room "demo"`, "check the name"}},
		{401, "", []string{"needs a token"}},
		{403, "not yours", []string{"not allowed", "not yours"}},
		{409, "", []string{"already publishing"}},
		{422, "no common codec\nmore", []string{"422", "(no common codec)"}},
		{500, "", []string{"500"}},
	} {
		g := newGateway(t)
		g.refuse = append(g.refuse, status(c.code, "", "", c.body))
		err := mustNew(t, testConfig(g)).Run(context.Background())
		if err == nil {
			t.Fatalf("%d: no error", c.code)
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%d: %q lacks %q", c.code, err, want)
			}
		}
	}
}

func TestAnswerWithoutVideoIsAnError(t *testing.T) {
	g := newGateway(t)
	g.engine = &webrtc.MediaEngine{}
	if err := registerCodecs(g.engine, media.CodecNone); err != nil {
		t.Fatal(err)
	}
	err := mustNew(t, testConfig(g)).Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "does not take our video (VP8)") {
		t.Fatalf("%v", err)
	}
	if g.deletes.Load() != 1 {
		t.Fatal("the session was left behind")
	}
}

func TestUnreachableServer(t *testing.T) {
	g := newGateway(t)
	cfg := testConfig(g)
	g.http.Close()
	err := mustNew(t, cfg).Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "cannot reach 127.0.0.1") || !strings.Contains(err.Error(), "is tilecast running there?") {
		t.Fatalf("%v", err)
	}
}

func TestBusyServerIsAskedAgain(t *testing.T) {
	g := newGateway(t)
	g.refuse = append(g.refuse, status(503, "Retry-After", "1", "full"))
	onAir(t, mustNew(t, testConfig(g)))
	take(t, g.video, "video after a busy answer")
	if n := g.posts.Load(); n != 2 {
		t.Fatalf("%d POSTs", n)
	}
}

func TestAgain(t *testing.T) {
	now := time.Now()
	if d := retryAfter("7", now); d != 7*time.Second {
		t.Fatal(d)
	}
	if d := retryAfter(now.Add(time.Minute).UTC().Format(http.TimeFormat), now); d < 58*time.Second || d > time.Minute {
		t.Fatal(d)
	}
	for _, junk := range []string{"", "-1", "soon", "999999999999999999999"} {
		if d := retryAfter(junk, now); d != 0 {
			t.Fatalf("%q: %v", junk, d)
		}
	}
	p := &Publisher{}
	if _, again := p.again(&busyError{0, errors.New("away")}, 0); again {
		t.Fatal("tries again without Reconnect")
	}
	p.cfg.Reconnect = true
	var before time.Duration
	for n := range 9 {
		d, again := p.again(&busyError{0, errors.New("away")}, n)
		if !again || d < before*3/4 || d > 10*time.Second {
			t.Fatalf("pause %d is %v", n, d)
		}
		before = d
	}
	if _, again := p.again(errors.New("no room"), 0); again {
		t.Fatal("tries again what waiting cannot heal")
	}
}

func TestReconnect(t *testing.T) {
	g := newGateway(t)
	cfg := testConfig(g)
	cfg.Reconnect = true
	p := mustNew(t, cfg)
	onAir(t, p)
	first := take(t, g.video, "video")
	if err := g.peer().Close(); err != nil {
		t.Fatal(err)
	}
	for {
		if v := take(t, g.video, "video of a second session"); v.SSRC != first.SSRC {
			break
		}
	}
	if s := p.Stats(); s.Sessions != 2 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestDeadSessionEndsWithoutReconnect(t *testing.T) {
	g := newGateway(t)
	p := mustNew(t, testConfig(g))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(context.Background()) }()
	take(t, g.video, "video")
	if err := g.peer().Close(); err != nil {
		t.Fatal(err)
	}
	if err := take(t, ended, "end of Run"); err == nil || !errors.Is(err, errSessionDied) {
		t.Fatalf("Run: %v", err)
	}
}

func TestSoundOnlyAndPictureOnly(t *testing.T) {
	g := newGateway(t)
	cfg := testConfig(g)
	cfg.Sound = nil
	stop := onAir(t, mustNew(t, cfg))
	take(t, g.video, "video")
	_ = stop()
	if strings.Contains(g.offers[0], "m=audio") {
		t.Fatal("audio offered without a sound")
	}
	cfg = testConfig(g)
	cfg.Video, cfg.Picture = media.CodecNone, nil
	stop = onAir(t, mustNew(t, cfg))
	take(t, g.audio, "audio")
	_ = stop()
	if strings.Contains(g.offers[1], "m=video") {
		t.Fatal("video offered without a picture")
	}
}

func TestConfigMistakes(t *testing.T) {
	good := Config{URL: "https://localhost/whip/a", Insecure: true, Video: media.VP8, Picture: Solid{}}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"http://host:port":    func(c *Config) { c.URL = "localhost:8080" },
		"this machine only":   func(c *Config) { c.URL = "https://example.com/whip/a" },
		"no video codec":      func(c *Config) { c.Video = media.Opus },
		"without a picture":   func(c *Config) { c.Picture = nil },
		"nothing to publish":  func(c *Config) { c.Video = media.CodecNone },
		"both sides are even": func(c *Config) { c.W, c.H = 641, 360 },
		"frame rate":          func(c *Config) { c.Rate = media.FrameRate{Num: 500, Den: 1} },
		"first path segment":  func(c *Config) { c.URL = "127.0.0.1:8080/whip/a" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestCertificateIsCheckedUnlessTold(t *testing.T) {
	g := newGateway(t)
	cfg := testConfig(g)
	secure := newTLSFront(t, g)
	cfg.URL = secure + "/whip/demo"
	if err := mustNew(t, cfg).Run(context.Background()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Fatalf("an unknown certificate: %v", err)
	}
	cfg.Insecure = true
	onAir(t, mustNew(t, cfg))
	take(t, g.video, "video through TLS")
}
