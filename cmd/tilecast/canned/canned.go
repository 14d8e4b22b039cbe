// Package canned is a program without cameras: parts cut by the plan, on time, whose bytes stand for media. Load
// tests and benches serve it where what is within the parts does not matter.
package canned

import (
	"context"
	"errors"
	"time"

	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
)

// Room and ID are where a program is published: /hls/{Room}/{ID}/….
const (
	Room = "canned"
	ID   = "c4nn3d"
)

// Program is a running program of rungs and sound.
type Program struct {
	Plan    packager.Plan
	Server  *origin.Server
	Origin  *origin.Program
	Streams []*origin.Stream // rungs, then the sound

	clock media.Clock
	rates []int // bit/s, by stream
	next  int64 // part, counted from the beginning
	first int64 // MSN
	media []byte
}

// New publishes a program of 30 frames a second on a server of its own, with rungs of the given rates in bit/s, best
// first, and sound. epoch is the wall time of its first sample.
func New(preset string, epoch time.Time, rungs ...int) (*Program, error) {
	plan, err := packager.NewPlan(preset, media.FrameRate{Num: 30, Den: 1})
	if err != nil {
		return nil, err
	}
	p := &Program{Plan: plan, Server: origin.NewServer(origin.ServerConfig{}), clock: media.NewClock(epoch)}
	p.first = plan.FirstMSN(epoch)
	p.Origin = origin.NewProgram(origin.ProgramConfig{ID: ID, Plan: plan, FirstMSN: p.first, Wall: p.clock.Wall})
	for i, rate := range rungs {
		h := 720 >> i
		p.Streams = append(p.Streams, p.Origin.AddVideo("main", name(i), packager.Init{
			Params: media.Params{Video: &media.VideoParams{Codec: media.H264, W: h / 9 * 16, H: h, Rate: plan.Rate, BitRate: rate, MaxRate: rate}},
			Codecs: "avc1.42c01f", Timescale: 90000, Data: make([]byte, 700),
		}))
	}
	p.Streams = append(p.Streams, p.Origin.AddAudio("audio", packager.Init{
		Params: media.Params{Audio: &media.AudioParams{Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024, BitRate: 128_000}},
		Codecs: "mp4a.40.2", Timescale: 48000, Data: make([]byte, 600),
	}))
	p.rates = append(append(p.rates, rungs...), 128_000)
	p.media = make([]byte, 4<<20)
	for i := range p.media {
		p.media[i] = byte(i * 7)
	}
	p.Server.Publish(Room, p.Origin)
	return p, nil
}

func name(i int) string { return string(rune('a' + i)) }

// Step publishes the next part of every stream.
func (p *Program) Step() error {
	for k := range p.Streams {
		if err := p.Streams[k].Append(p.Part(k)); err != nil {
			return err
		}
	}
	p.next++
	return nil
}

// Part is the one that Step publishes next in stream k.
func (p *Program) Part(k int) packager.Part {
	per := int64(p.Plan.PartsPerSegment)
	i := p.next % per
	start, end := p.edge(k, p.next), p.edge(k, p.next+1)
	size := int((end - start).Seconds() * float64(p.rates[k]) / 8)
	return packager.Part{
		MSN: p.first + p.next/per, Index: int(i), Start: start, Dur: end - start,
		Independent: i == 0 || k == len(p.Streams)-1, Last: i == per-1,
		Data: p.media[:min(size, len(p.media))],
	}
}

// edge is where part n of stream k begins: sound is cut to the last whole frame before.
func (p *Program) edge(k int, n int64) media.Time {
	t := p.Plan.Rate.Frame(n * int64(p.Plan.PartFrames))
	if k == len(p.Streams)-1 {
		const frame = media.Second / 48000 * 1024
		t = t / frame * frame
	}
	return t
}

// Due is the wall time at which the part that Step publishes next is whole.
func (p *Program) Due() time.Time {
	return p.clock.Wall(p.Plan.Rate.Frame((p.next + 1) * int64(p.Plan.PartFrames)))
}

// Catch publishes everything that is whole at now.
func (p *Program) Catch(now time.Time) error {
	for !p.Due().After(now) {
		if err := p.Step(); err != nil {
			return err
		}
	}
	return nil
}

// Run publishes parts when they are due, then ends the program. It returns with ctx.
func (p *Program) Run(ctx context.Context) error {
	defer p.Origin.Finish()
	for {
		t := time.NewTimer(time.Until(p.Due()))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
		if err := p.Catch(time.Now()); err != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}
