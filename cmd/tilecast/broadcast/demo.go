package broadcast

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// DemoConfig says where the cast performs.
type DemoConfig struct {
	BaseURL  string // of the gateway: "http://127.0.0.1:8080"
	Room     string
	N        int       // broadcasters, 1 to 9
	Token    string    // bearer token; empty: none
	Insecure bool      // accept any certificate; only for a loopback URL
	Codecs   codec.Set // zero: LibAV
	Log      *slog.Logger
}

// demoStart is the time within which everybody has set out.
const demoStart = 1500 * time.Millisecond

// Demo lets N of the cast publish into a room until ctx ends, says goodbye for all of
// them and returns nil. They come back by themselves when the gateway was away. A
// refusal that waiting cannot heal ends them all and is returned.
func Demo(ctx context.Context, c DemoConfig) error {
	if c.N < 1 || c.N > len(Cast) {
		return fmt.Errorf("demo: %d broadcasters: choose 1 to %d", c.N, len(Cast))
	}
	if c.Room == "" {
		return errors.New("demo: no room to publish in")
	}
	script := NewScript(2026, c.N)
	cast := make([]*Publisher, c.N)
	for i := range cast {
		p, err := New(demoPart(c, script, i))
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		cast[i] = p
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(cast))
	for i, p := range cast {
		go func() {
			if sleep(ctx, demoStart*time.Duration(i)/time.Duration(c.N)) {
				ended <- p.Run(ctx)
				return
			}
			ended <- nil
		}()
	}
	var first error
	for range cast {
		if err := <-ended; err != nil && first == nil {
			first = fmt.Errorf("demo: %w", err)
			cancel()
		}
	}
	return first
}

// demoPart is the configuration of broadcaster i.
func demoPart(c DemoConfig, script *Script, i int) Config {
	who := Cast[i]
	w, h, fps := demoSize(c.N)
	rate := media.FrameRate{Num: fps, Den: 1}
	return Config{
		URL: strings.TrimSuffix(c.BaseURL, "/") + "/whip/" + url.PathEscape(c.Room),
		ID:  "demo-" + strings.ToLower(who.Name), Name: who.Name,
		Token: c.Token, Insecure: c.Insecure, Reconnect: true,
		Video: demoCodec(c.N, i), W: w, H: h, Rate: rate,
		Phase:   rate.Frame(1) * media.Time(i) / media.Time(c.N),
		Picture: NewScene(who, script, i, nil),
		Sound:   NewVoice(who, script, i),
		Codecs:  c.Codecs, Log: c.Log,
	}
}

// demoSize keeps the whole within two cores, the gateway included.
func demoSize(n int) (w, h int, fps int64) {
	switch {
	case n <= 4:
		return 640, 360, 30
	case n <= 6:
		return 480, 270, 30
	}
	return 480, 270, 24
}

// demoCodec alternates VP8 and H.264; from five broadcasters on one of them sends VP9.
func demoCodec(n, i int) media.Codec {
	switch {
	case n >= 5 && i == 4:
		return media.VP9
	case i%2 == 0:
		return media.VP8
	}
	return media.H264
}
