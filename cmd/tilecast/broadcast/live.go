package broadcast

import (
	"context"
	"fmt"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// clock reads the wall clock once, then goes on monotonically. Camera, microphone
// and reports of a session share it.
type clock struct {
	zero media.Time // of start, since the Unix epoch
	run  media.Clock
}

func newClock(start time.Time) clock {
	return clock{media.FromDuration(time.Duration(start.UnixNano())), media.NewClock(start)}
}

// now is in flicks since the Unix epoch.
func (c clock) now() media.Time { return c.zero + c.run.At(time.Now()) }

// wait waits until t and reports whether ctx is still alive.
func (c clock) wait(ctx context.Context, t media.Time) bool {
	return sleep(ctx, (t - c.now()).Duration())
}

// The microphone's frame, as Opus has it.
const (
	soundFrame   = 20 * media.Millisecond
	soundSamples = 960
)

// lateSound is how far the microphone may fall behind, as when the machine was
// suspended, before it skips instead of catching up.
const lateSound = 2 * media.Second

// camera draws, encodes and sends a frame at each tick of the frame rate; ticks that
// are over when their turn comes are skipped.
func (s *session) camera(ctx context.Context) error {
	c := s.p.cfg
	enc, err := c.Codecs.NewVideoEncoder(codec.VideoConfig{
		Codec: c.Video, W: c.W, H: c.H, Rate: c.Rate, BitRate: c.BitRate,
		GOP: max(1, int(10*c.Rate.Float())), InBand: true,
	})
	if err != nil {
		return fmt.Errorf("open the camera's encoder: %w", err)
	}
	defer enc.Close()
	pic := codec.NewPicture(c.W, c.H)
	defer pic.Release()
	zero := s.clock.zero
	for n := c.Rate.Index(zero-c.Phase) + 1; ; n++ {
		if last := c.Rate.Index(s.clock.now() - c.Phase); last > n {
			s.p.count.skipped.Add(last - n)
			n = last
		}
		at := c.Rate.Frame(n) + c.Phase
		if !s.clock.wait(ctx, at) {
			return nil
		}
		c.Picture.Draw(pic, at)
		pic.At = at - zero
		packets, err := enc.Encode(pic, c.Rate.Frame(1), s.video.keyWanted.Swap(false))
		if err != nil {
			return fmt.Errorf("encode a frame: %w", err)
		}
		s.p.count.frames.Add(1)
		for _, p := range packets {
			if p.Key {
				s.p.count.keys.Add(1)
			}
			if err := s.video.send(zero+p.At, p.Data, true); err != nil {
				return fmt.Errorf("send a frame: %w", err)
			}
		}
	}
}

// microphone sends 20 ms of sound each time they are over. It never skips but after
// a long standstill, when it starts afresh.
func (s *session) microphone(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.speak(ctx, s.clock.now()/soundFrame+1); err != nil {
			return fmt.Errorf("microphone: %w", err)
		}
	}
	return nil
}

// speak sends sound from frame n on, until ctx ends or it is hopelessly late.
func (s *session) speak(ctx context.Context, n media.Time) error {
	enc, err := s.p.cfg.Codecs.NewAudioEncoder(codec.AudioConfig{Codec: media.Opus, BitRate: 64_000})
	if err != nil {
		return err
	}
	defer enc.Close()
	if got := enc.Params().FrameSize; got != soundSamples {
		return fmt.Errorf("the Opus encoder takes %d samples, not %d", got, soundSamples)
	}
	samples := make([]float32, 2*soundSamples)
	var ahead media.Time // what the encoder looks ahead: as browsers do it, a packet's time is that of the samples put in
	for start := n * soundFrame; s.clock.now()-(n+1)*soundFrame < lateSound; n++ {
		if !s.clock.wait(ctx, (n+1)*soundFrame) {
			return nil
		}
		s.p.cfg.Sound.Fill(samples, n*soundFrame)
		packets, err := enc.Encode(samples)
		if err != nil {
			return err
		}
		s.p.count.sounds.Add(1)
		if n*soundFrame == start && len(packets) > 0 {
			ahead = -packets[0].At
		}
		for _, p := range packets {
			if err := s.audio.send(start+ahead+p.At, p.Data, false); err != nil {
				return err
			}
		}
	}
	return nil
}
