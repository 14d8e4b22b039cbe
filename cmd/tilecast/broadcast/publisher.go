package broadcast

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Publisher is one broadcaster: a WHIP client with a synthetic camera and microphone.
type Publisher struct {
	cfg  Config
	end  *endpoint
	up   chan struct{}
	once sync.Once

	killed context.Context
	kill   context.CancelFunc
	count  counters
}

type counters struct {
	connected                               atomic.Bool
	sessions, frames, keys, skipped, sounds atomic.Int64
	packets, bytes, pli, nack               atomic.Int64
}

// New checks the configuration. Nothing is sent before Run.
func New(cfg Config) (*Publisher, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("broadcast: %w", err)
	}
	p := &Publisher{cfg: cfg, end: newEndpoint(cfg), up: make(chan struct{})}
	p.killed, p.kill = context.WithCancel(context.Background())
	return p, nil
}

// Run publishes until ctx ends, then says goodbye (RTCP BYE, DELETE, DTLS close) and
// returns nil. Without Reconnect it also returns when the server cannot be reached
// or the session dies, with the reason; a busy server (503) is asked again after its
// Retry-After in any case. A refusal that waiting cannot heal always ends it. Run
// is called once and leaves no goroutine.
func (p *Publisher) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.killed, cancel)()
	defer p.end.close()
	defer func() { p.cfg.Log.Info("off air", "name", p.cfg.Name, "stats", p.Stats()) }()
	for failures := 0; ; {
		lived, err := p.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if lived {
			failures = 0
		}
		pause, again := p.again(err, failures)
		if !again {
			return fmt.Errorf("broadcast: %w", err)
		}
		failures++
		p.cfg.Log.Warn("publishing again", "name", p.cfg.Name, "in", pause, "why", err)
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

// again decides whether to try once more after err, and when: what the server asked
// for, else backing off from half a second to eight, with a quarter of jitter.
func (p *Publisher) again(err error, failures int) (time.Duration, bool) {
	pause := min(500*time.Millisecond<<min(failures, 4), 8*time.Second)
	pause += rand.N(pause / 4)
	var busy *busyError
	switch {
	case errors.As(err, &busy) && busy.after > 0:
		return busy.after, true
	case errors.As(err, &busy), errors.Is(err, errSessionDied):
		return pause, p.cfg.Reconnect
	}
	return 0, false
}

// Kill ends Run without a goodbye, as a crash or a pulled cable does: not a packet
// and no request leaves after it. Run returns nil.
func (p *Publisher) Kill() { p.kill() }

// Up is closed once the first session is connected and media flows.
func (p *Publisher) Up() <-chan struct{} { return p.up }

// Stats is a snapshot of the counters; any goroutine.
func (p *Publisher) Stats() Stats {
	c := &p.count
	return Stats{
		Connected: c.connected.Load(), Sessions: c.sessions.Load(),
		Frames: c.frames.Load(), KeyFrames: c.keys.Load(), Skipped: c.skipped.Load(), Sounds: c.sounds.Load(),
		Packets: c.packets.Load(), Bytes: c.bytes.Load(), PLI: c.pli.Load(), NACK: c.nack.Load(),
	}
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
