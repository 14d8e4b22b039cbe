package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/ingest"
	"tilecast/media"
)

// The layers of a 720p simulcast sender, as browsers make them.
var layerSizes = []struct {
	rid           string
	w, h, bitRate int
}{{"l", 320, 180, 150_000}, {"m", 640, 360, 500_000}, {"h", 1280, 720, 1_500_000}}

// simulcastRow counts the pixels decoded of n senders, each in a tile of a grid on 720p. Ingest and
// compositor run in this process, where they can be asked.
func simulcastRow(n int) func(settings) (row, error) {
	return func(s settings) (out row, err error) {
		hall, stop, err := openHall()
		if err != nil {
			return out, err
		}
		defer stop()
		clips, err := codeLayers()
		if err != nil {
			return out, err
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		done := make(chan error, n)
		for k := range n {
			go func() { done <- sendLayers(ctx, hall.url, fmt.Sprint(k), clips) }()
		}
		wait := func(d time.Duration) error {
			select {
			case err := <-done:
				return errors.Join(errors.New("a sender ended"), err)
			case <-time.After(d):
				return nil
			}
		}
		if err := wait(settle); err != nil {
			return out, err
		}
		span := min(s.span, 20*time.Second)
		decoded, pictures := hall.decoded()
		if err := wait(span); err != nil {
			return out, err
		}
		after, picturesAfter := hall.decoded()
		best, tile := hall.best()
		cancel()
		for range n {
			err = errors.Join(err, <-done)
		}
		if err != nil {
			return out, err
		}
		frames := span.Seconds() * 30
		ratio := float64(after-decoded) / frames / float64(best)
		return row{
			name: fmt.Sprintf("network: %d simulcast 720p senders, decoded pixels", n),
			ours: fmt.Sprintf("%.3f x the best layers' (tiles of %dx%d, %.1f fps each)", ratio, tile.W, tile.H,
				float64(picturesAfter-pictures)/span.Seconds()/float64(n)),
			ratio: verdict(ratio <= 1.1 && ratio > 0.8), goal: "<= 1.1 x the best available layers'",
		}, nil
	}
}

// bestLayer is the pixels of the smallest layer that fills a tile.
func bestLayer(w, h int) int {
	for _, l := range layerSizes {
		if 10*l.w >= 9*w && 10*l.h >= 9*h {
			return l.w * l.h
		}
	}
	return 1280 * 720
}

// hall seats everybody on one compositor.
type hall struct {
	url        string
	clock      media.Clock
	compositor *compositor.Compositor

	mu     sync.Mutex
	inputs []*compositor.Input
}

// best is the pixels of one picture of each sender's best layer, and the size of a tile.
func (h *hall) best() (pixels int, tile compositor.Demand) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, i := range h.inputs {
		tile = i.Demand()
		pixels += bestLayer(tile.W, tile.H)
	}
	return pixels, tile
}

func openHall() (*hall, func(), error) {
	h := &hall{clock: media.NewClock(time.Now())}
	var err error
	h.compositor, err = compositor.New(compositor.Config{
		Rate: fps30, Delay: 150 * media.Millisecond, Clock: h.clock, GOP: 60, PartFrames: 10,
		Canvases: []compositor.Canvas{{Name: "main", W: 1280, H: 720, Look: compositor.DefaultLook(), Rungs: []compositor.Rung{
			{Name: "360p", W: 640, H: 360, BitRate: 600_000, Preset: "ultrafast"},
		}}},
		Open: func(_, _ string, _ media.Params) (compositor.Outlet, error) { return &counter{}, nil },
	}, codec.LibAV())
	if err != nil {
		return nil, nil, err
	}
	srv, err := ingest.New(ingest.Config{Log: slog.New(slog.DiscardHandler)}, h)
	if err != nil {
		return nil, nil, err
	}
	front := httptest.NewServer(srv)
	h.url = front.URL + "/whip/bench"
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.compositor.Run()
	}()
	return h, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = srv.Close(ctx) // what it could not close in time ends with the process
		front.Close()
		h.compositor.Stop()
		<-ended
	}, nil
}

// Allow implements ingest.Admitter.
func (h *hall) Allow(string, string) error { return nil }

// Admit implements ingest.Admitter.
func (h *hall) Admit(_ context.Context, r ingest.Request) (ingest.Seat, error) {
	return &chair{h, h.compositor.Join(compositor.TileConfig{ID: r.ID, Name: r.ID})}, nil
}

// decoded is the pixels and pictures decoded so far.
func (h *hall) decoded() (pixels, pictures int64) {
	for _, i := range h.compositor.Stats().Inputs {
		pixels += i.Pixels
		pictures += i.Decoded
	}
	return pixels, pictures
}

type chair struct {
	hall *hall
	tile *compositor.Tile
}

func (c *chair) Clock() media.Clock { return c.hall.clock }

func (c *chair) Open(mc media.Codec) (ingest.Inlet, error) {
	in, err := c.tile.Open(mc)
	if err != nil {
		return nil, err
	}
	c.hall.mu.Lock()
	defer c.hall.mu.Unlock()
	c.hall.inputs = append(c.hall.inputs, in)
	return plug{in}, nil
}

func (c *chair) Report(p ingest.Presence) {
	if p == ingest.Lost || p == ingest.Gone {
		c.tile.Leave()
	}
}

type plug struct{ *compositor.Input }

func (p plug) Demand() ingest.Demand { return ingest.Demand(p.Input.Demand()) }

// layerSeconds is the length of a clip, which begins with a key frame and is sent over and over.
const layerSeconds = 1

// codeLayers codes one clip in all sizes.
func codeLayers() (clips [][][]byte, err error) {
	for _, l := range layerSizes {
		enc, err := codec.LibAV().NewVideoEncoder(codec.VideoConfig{
			Codec: media.VP8, W: l.w, H: l.h, Rate: fps30, BitRate: l.bitRate, GOP: 30 * layerSeconds, InBand: true,
		})
		if err != nil {
			return nil, err
		}
		defer enc.Close()
		pic := codec.NewPicture(l.w, l.h)
		defer pic.Release()
		var clip [][]byte
		for n := range int64(30 * layerSeconds) {
			pic.At = fps30.Frame(n)
			broadcast.Solid{R: 200, G: 80, B: 60}.Draw(pic, pic.At)
			packets, err := enc.Encode(pic, fps30.Frame(1), n == 0)
			if err != nil {
				return nil, err
			}
			for _, p := range packets {
				clip = append(clip, p.Data)
			}
		}
		clips = append(clips, clip)
	}
	return clips, nil
}

// sendLayers publishes the clips as simulcast layers until ctx ends.
func sendLayers(ctx context.Context, url, id string, clips [][][]byte) error {
	engine := &webrtc.MediaEngine{}
	vp8 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}}
	if err := errors.Join(
		engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: vp8, PayloadType: 96}, webrtc.RTPCodecTypeVideo),
		webrtc.ConfigureSimulcastExtensionHeaders(engine)); err != nil {
		return err
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.Writer = io.Discard
	set := webrtc.SettingEngine{LoggerFactory: quiet}
	set.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(set)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	defer pc.GracefulClose()
	var tracks []*webrtc.TrackLocalStaticRTP
	var sender *webrtc.RTPSender
	for _, l := range layerSizes {
		track, err := webrtc.NewTrackLocalStaticRTP(vp8, "video", "stream", webrtc.WithRTPStreamID(l.rid))
		if err == nil && sender == nil {
			sender, err = pc.AddTrack(track)
		} else if err == nil {
			err = sender.AddEncoding(track)
		}
		if err != nil {
			return err
		}
		tracks = append(tracks, track)
	}
	live := make(chan struct{})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			close(live)
		}
	})
	if err := offer(pc, url+"?id="+id); err != nil {
		return err
	}
	select {
	case <-live:
	case <-time.After(20 * time.Second):
		return errors.New("no connection within 20 s")
	}
	return play(ctx, pc, sender, tracks, clips)
}

func offer(pc *webrtc.PeerConnection, url string) error {
	desc, err := pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(desc); err != nil {
		return err
	}
	<-gathered
	resp, err := http.Post(url, "application/sdp", bytes.NewReader([]byte(pc.LocalDescription().SDP)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s %w", resp.Status, answer, err)
	}
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)})
}

// play sends a picture of each layer 30 times a second.
func play(ctx context.Context, pc *webrtc.PeerConnection, sender *webrtc.RTPSender, tracks []*webrtc.TrackLocalStaticRTP, clips [][][]byte) error {
	ids := map[string]uint8{}
	for _, ext := range sender.GetParameters().HeaderExtensions {
		ids[ext.URI] = uint8(ext.ID)
	}
	mid := pc.GetTransceivers()[0].Mid()
	seqs, base := make([]uint16, len(tracks)), rand.Uint32()
	pays := make([]codecs.VP8Payloader, len(tracks))
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for n := 0; ; n++ {
		for k, track := range tracks {
			parts := pays[k].Payload(1180, clips[k][n%len(clips[k])])
			for i, part := range parts {
				pkt := rtp.Packet{
					Header:  rtp.Header{Version: 2, Marker: i == len(parts)-1, SequenceNumber: seqs[k], Timestamp: base + uint32(n)*3000},
					Payload: part,
				}
				seqs[k]++
				if err := errors.Join(pkt.SetExtension(ids[sdp.SDESMidURI], []byte(mid)),
					pkt.SetExtension(ids[sdp.SDESRTPStreamIDURI], []byte(layerSizes[k].rid)), track.WriteRTP(&pkt)); err != nil {
					return err
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
