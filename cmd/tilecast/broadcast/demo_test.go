package broadcast

import (
	"context"
	"math"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"tilecast/compositor/codec"
	"tilecast/media"
)

func TestDemoPublishesTheCast(t *testing.T) {
	g := newGateway(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Demo(ctx, DemoConfig{BaseURL: g.http.URL + "/", Room: "demo", N: 3, Codecs: mockCodecs(500)})
	}()
	seen := map[uint32]bool{}
	for len(seen) < 2 { // two of three send VP8; the mock's H.264 is none
		seen[take(t, g.video, "video").SSRC] = true
	}
	seen = map[uint32]bool{}
	for len(seen) < 3 {
		seen[take(t, g.audio, "audio").SSRC] = true
	}
	cancel()
	if err := take(t, ended, "end of Demo"); err != nil {
		t.Fatal(err)
	}
	if n := g.deletes.Load(); n != 3 {
		t.Errorf("%d DELETE, want 3", n)
	}
	var names []string
	for _, q := range g.query {
		v, _ := url.ParseQuery(q)
		names = append(names, v.Get("name"))
		if v.Get("id") != "demo-"+strings.ToLower(v.Get("name")) {
			t.Errorf("query %q", q)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"Amara", "Mateo", "Yuki"}) {
		t.Errorf("published by %v", names)
	}
	nothingRuns(t)
}

// nothingRuns checks that no goroutine is in this package's code, tests aside.
func nothingRuns(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, own := range []string{"broadcast.(*Publisher)", "broadcast.(*session)", "broadcast.(*track)", "broadcast.Demo"} {
			if strings.Contains(g, own) {
				t.Errorf("left behind:\n%s", g)
			}
		}
	}
}

func TestDemoMistakes(t *testing.T) {
	for _, n := range []int{0, 10} {
		if err := Demo(context.Background(), DemoConfig{BaseURL: "http://127.0.0.1:1", Room: "demo", N: n}); err == nil || !strings.Contains(err.Error(), "choose 1 to 9") {
			t.Errorf("%d: %v", n, err)
		}
	}
	if err := Demo(context.Background(), DemoConfig{BaseURL: "http://127.0.0.1:1", N: 1}); err == nil {
		t.Error("no room, no error")
	}
	g := newGateway(t)
	g.refuse = append(g.refuse, status(404, "", "", ""), status(404, "", "", ""))
	err := Demo(context.Background(), DemoConfig{BaseURL: g.http.URL, Room: "nowhere", N: 2, Codecs: mockCodecs(500)})
	if err == nil || !strings.Contains(err.Error(), `no room "nowhere"`) {
		t.Fatalf("%v", err)
	}
	nothingRuns(t)
}

func TestDemoPartsFitTheMachine(t *testing.T) {
	for n := 1; n <= len(Cast); n++ {
		count := map[media.Codec]int{}
		pixels := 0.0
		for i := range n {
			c, err := demoPart(DemoConfig{BaseURL: "http://127.0.0.1", Room: "a b/c", N: n, Codecs: mockCodecs(1)}, NewScript(1, n), i).complete()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(c.URL, "http://127.0.0.1/whip/a%20b%2Fc?") {
				t.Fatalf("URL %q", c.URL)
			}
			count[c.Video]++
			pixels += float64(c.W*c.H) * c.Rate.Float()
		}
		if pixels > 28e6 {
			t.Errorf("%d broadcasters send %.0f pixels a second", n, pixels)
		}
		if n >= 2 && (count[media.VP8] == 0 || count[media.H264] == 0) || count[media.VP9] > 1 || n >= 5 && count[media.VP9] != 1 {
			t.Errorf("%d broadcasters send %v", n, count)
		}
	}
}

// Flash and beep of a publisher with real encoders, put on the wall clock by its
// sender reports and decoded, are within 4 ms of each other and of the whole second.
func TestFlashAndBeepArriveTogether(t *testing.T) {
	set := libav(t, media.VP8)
	g := newGateway(t)
	cfg := testConfig(g)
	cfg.Codecs, cfg.Picture, cfg.Sound = set, FlashBeep{}, FlashBeep{}
	cfg.W, cfg.H = 320, 180
	stop := onAir(t, mustNew(t, cfg))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	vdec, err := set.NewVideoDecoder(media.VP8)
	if err != nil {
		t.Fatal(err)
	}
	defer vdec.Close()
	adec, err := set.NewAudioDecoder(media.Opus)
	if err != nil {
		t.Fatal(err)
	}
	defer adec.Close()

	reports := map[uint32]*rtcp.SenderReport{}
	var frame []byte
	var flash, beep media.Time
	dark, quiet := false, 0
	see := func(p *rtp.Packet) {
		var d codecs.VP8Packet
		part, err := d.Unmarshal(p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		frame = append(frame, part...)
		if !p.Marker {
			return
		}
		pics, err := vdec.Decode(media.Packet{Key: frame[0]&1 == 0, Data: frame})
		if err != nil {
			t.Fatal(err)
		}
		frame = nil
		for _, pic := range pics {
			white := pic.Y[0] > 180
			if r := reports[p.SSRC]; white && dark && r != nil && flash == 0 {
				flash = wall(r, p.Timestamp, 90000)
			}
			dark = !white
			pic.Release()
		}
	}
	listen := func(p *rtp.Packet) {
		out, err := adec.Decode(p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(out); i += 2 {
			loud := math.Abs(float64(out[i])) > 0.1
			if r := reports[p.SSRC]; loud && quiet > 9600 && r != nil && beep == 0 {
				beep = wall(r, p.Timestamp, 48000) + media.FromTicks(int64(i/2-adec.(codec.Delayer).Delay()), 48000)
			}
			if quiet++; loud {
				quiet = 0
			}
		}
	}
	for flash == 0 || beep == 0 {
		select {
		case p := <-g.video:
			see(p)
		case p := <-g.audio:
			listen(p)
		case r := <-g.rtcp:
			if r, ok := r.(*rtcp.SenderReport); ok && reports[r.SSRC] == nil {
				reports[r.SSRC] = r
			}
		case <-ctx.Done():
			t.Fatalf("flash %v, beep %v", flash, beep)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	toSecond := func(at media.Time) time.Duration {
		return ((at+media.Second/2)%media.Second - media.Second/2).Duration()
	}
	if f, b := toSecond(flash), toSecond(beep); f.Abs() > time.Millisecond || b.Abs() > 4*time.Millisecond {
		t.Fatalf("the flash is %v and the beep %v off the whole second", f, b)
	}
}

// wall is the time of an RTP timestamp by a sender report, since the Unix epoch.
func wall(r *rtcp.SenderReport, ts uint32, rate int64) media.Time {
	sec := media.Time(int64(r.NTPTime>>32)-2_208_988_800) * media.Second
	return sec + media.Time(uint64(uint32(r.NTPTime))*uint64(media.Second)>>32) + media.FromTicks(int64(int32(ts-r.RTPTime)), rate)
}
