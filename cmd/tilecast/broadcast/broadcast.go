// Package broadcast publishes synthetic broadcasters by real WHIP, for the demo, for tests and for benches.
package broadcast

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// Picture is what a camera sees. Sources keep state between calls, so one
// belongs to one publisher at a time.
type Picture interface {
	// Draw draws the whole of p as it is at t, flicks since the Unix epoch.
	Draw(p *codec.Picture, t media.Time)
}

// Sound is what a microphone hears.
type Sound interface {
	// Fill fills interleaved stereo at 48 kHz, -1..1, whose first sample is heard at
	// t, flicks since the Unix epoch and a whole sample. Successive calls are
	// contiguous except after a pause of the machine.
	Fill(samples []float32, t media.Time)
}

// Config says where to publish, and what.
type Config struct {
	URL       string // WHIP endpoint: "http://127.0.0.1:8080/whip/demo"
	ID, Name  string // ?id= and ?name= of the endpoint; empty: not sent
	Token     string // bearer token; empty: none
	Insecure  bool   // accept any certificate; only for a loopback URL
	Reconnect bool   // when the server is away or the session dies, try again until told to stop

	Video   media.Codec     // CodecNone: no video
	W, H    int             // even; 0: 640x360
	Rate    media.FrameRate // zero: 30
	BitRate int             // of video, bit/s; 0: what suits the size
	Phase   media.Time      // of the first frame in each second; cameras are not in step
	Picture Picture
	Sound   Sound // nil: no audio

	Codecs codec.Set // zero: LibAV
	Log    *slog.Logger
}

// complete checks c and fills in its defaults.
func (c Config) complete() (Config, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return c, fmt.Errorf("WHIP address: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return c, fmt.Errorf("WHIP address %q: write it as http://host:port/whip/room", c.URL)
	case c.Insecure && !loopback(u.Hostname()):
		return c, fmt.Errorf("WHIP address %q: an unknown certificate is accepted from this machine only", c.URL)
	case c.Video != media.CodecNone && !c.Video.Video():
		return c, fmt.Errorf("%v is no video codec: choose VP8, VP9, H264 or AV1", c.Video)
	case c.Video != media.CodecNone && c.Picture == nil:
		return c, errors.New("video without a picture source")
	case c.Video == media.CodecNone && c.Sound == nil:
		return c, errors.New("nothing to publish: neither video nor audio")
	}
	if c.W == 0 && c.H == 0 {
		c.W, c.H = 640, 360
	}
	if c.Rate.Num == 0 {
		c.Rate = media.FrameRate{Num: 30, Den: 1}
	}
	if c.W < 16 || c.H < 16 || c.W%2 != 0 || c.H%2 != 0 {
		return c, fmt.Errorf("picture size %dx%d: both sides are even and at least 16", c.W, c.H)
	}
	if c.Rate.Num < 0 || c.Rate.Den <= 0 || c.Rate.Float() > 120 {
		return c, fmt.Errorf("frame rate %d/%d: from above 0 to 120", c.Rate.Num, c.Rate.Den)
	}
	if c.BitRate == 0 {
		c.BitRate = int(float64(c.W*c.H)*c.Rate.Float()*0.1) + 50_000
	}
	if c.Codecs.NewVideoEncoder == nil {
		c.Codecs = codec.LibAV()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	q := u.Query()
	if c.ID != "" {
		q.Set("id", c.ID)
	}
	if c.Name != "" {
		q.Set("name", c.Name)
	}
	u.RawQuery = q.Encode()
	c.URL = u.String()
	return c, nil
}

// loopback reports whether host can only be this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// Stats are a publisher's counters since it was made.
type Stats struct {
	Connected bool
	Sessions  int64 // accepted by the server
	Frames    int64 // of video, encoded
	KeyFrames int64
	Skipped   int64 // frames not drawn because the machine was late
	Sounds    int64 // audio frames, encoded
	Packets   int64 // RTP, without retransmissions
	Bytes     int64 // RTP payload
	PLI, NACK int64 // requests from the server: key frames (PLI and FIR), lost packets
}
