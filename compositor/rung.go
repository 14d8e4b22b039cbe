package compositor

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// rung encodes the canvas at one size and rate. Slots are frames of the program: a
// sample fills one, or several where ticks did not come in time or give way, so that there is
// never a hole, but never reaches over the edge of a part or of a GOP.
type rung struct {
	c         *Compositor
	canvas    string
	name      string
	rate      media.FrameRate
	gop, part int64
	every     int64 // slots of a sample, but of the last before an edge
	enc       codec.VideoEncoder
	open      func() (codec.VideoEncoder, error) // another like it
	out       Outlet
	log       *slog.Logger

	in     chan composed  // depth 1: the newest composed picture
	next   int64          // slot
	scaled *codec.Picture // the canvas in the rung's size and colours; nil: it is the canvas's
	bt709  bool
	shown  uint64 // composed.drawn that scaled holds
	view   codec.Picture
	failed bool
	replay replay
	broken broken

	gapper Gapper // of the top one of several; nil: it does not give way
	paused bool   // its parts are gaps

	opened  rates
	wanted  atomic.Pointer[rates]
	applied rates
	tunable bool

	samples, bytes, skipped, replaced, faults, replayed, gaps atomic.Int64
}

// openRung opens the encoder of cv's rung r, or the next best one that opens.
func (c *Compositor) openRung(r Rung, cv *Canvas) (*rung, error) {
	cfg, set := &c.cfg, c.set
	rate, gop := cfg.cut(r.Every)
	vc := codec.VideoConfig{
		Codec: media.H264, Name: r.Encoder, Preset: r.Preset, W: r.W, H: r.H, Rate: rate,
		BitRate: r.BitRate, MaxRate: r.MaxRate, GOP: gop, BT709: r.BT709,
	}
	enc, err := set.NewVideoEncoder(vc)
	if err != nil && r.Encoder != "" {
		vc.Name, vc.Preset = "", ""
		var other error
		if enc, other = set.NewVideoEncoder(vc); other == nil {
			cfg.Log.Warn("encoder does not open, using the next best H.264 encoder", "canvas", cv.Name, "rung", r.Name, "encoder", r.Encoder, "err", err)
			cfg.Event("encoder", slog.String("canvas", cv.Name), slog.String("rung", r.Name), slog.String("wanted", r.Encoder), slog.Any("err", err))
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("rung %q: open encoder %q at %dx%d: %w", r.Name, r.Encoder, r.W, r.H, err)
	}
	g := &rung{
		c: c, canvas: cv.Name, name: r.Name, rate: cfg.Rate, gop: int64(cfg.GOP), part: int64(cfg.PartFrames), enc: enc,
		every: int64(max(1, r.Every)), log: cfg.Log.With("canvas", cv.Name, "rung", r.Name), in: make(chan composed, 1),
	}
	g.bt709, g.open = r.BT709, func() (codec.VideoEncoder, error) { return set.NewVideoEncoder(vc) }
	if r.W != cv.W || r.H != cv.H || r.BT709 {
		g.scaled = codec.NewPicture(r.W, r.H)
	}
	g.tune(r)
	p := enc.Params()
	if g.out, err = cfg.Open(cv.Name, r.Name, media.Params{Video: &p}); err != nil {
		g.close()
		return nil, fmt.Errorf("rung %q: open outlet: %w", r.Name, err)
	}
	return g, nil
}

// offer gives the encoder the newest picture, replacing one it has not taken. It
// has one caller, so it never blocks.
func (r *rung) offer(m composed) {
	select {
	case r.in <- m:
		return
	default:
	}
	select {
	case old := <-r.in:
		old.pic.Release()
		if (old.n-r.cut(old.n))%r.every == 0 {
			r.replaced.Add(1)
		}
	default:
	}
	r.in <- m
}

// run encodes what is offered until in is closed, and flushes.
func (r *rung) run() {
	later := false
	for m := range r.in {
		r.c.comeLater(&later)
		r.step(m)
	}
	r.finish()
}

// step fills all slots up to m's with its picture, and releases it. Under load it fills two at a time.
func (r *rung) step(m composed) {
	defer m.pic.Release()
	give := int(r.c.relief.Load())
	r.retune(give)
	span := r.every
	if give >= giveFrames {
		span *= 2
	}
	r.heal()
	r.report(m)
	r.jump(m)
	for r.next <= m.n {
		switch {
		case r.pausing(give) || r.leftOut():
			if !r.pause(m.n) {
				return
			}
		case r.again(m):
			r.giveAgain()
		default:
			end := min(max(r.after(m.n), r.next+span), r.edge())
			if err := r.encode(m, r.next, end); err == nil {
				r.skipped.Add((end - r.next - 1) / r.every)
				r.next = end
			} else if !r.giveUp(m.n, err) {
				return
			}
		}
	}
}

// report says how many of the slots up to m's come late.
func (r *rung) report(m composed) {
	switch slots := m.n + 1 - r.next; {
	case slots <= 0, r.paused, r.broken.off, r.broken.fails > 0:
	case r.rate.Frame(slots) > longPause:
		r.c.resume(r.rate.Frame(m.n))
	default:
		r.c.relieve(r.rate.Frame(m.n), int(slots), int(slots-1))
	}
}

// again reports whether the slots from r.next on are given again.
func (r *rung) again(m composed) bool {
	switch {
	case r.next%r.gop == 0:
		return r.replay.begin(m.drawn, m.still, r.gop)
	case r.next == m.fresh:
		r.replay = replay{}
	}
	return r.replay.giving
}

// giveAgain writes the next packet of the kept group.
func (r *rung) giveAgain() {
	k := r.replay.at(r.next % r.gop)
	at := r.rate.Frame(r.next)
	r.write(media.Packet{At: at, Dur: r.rate.Frame(r.next+k.span) - at, Key: k.key, Data: k.data})
	r.replayed.Add(1)
	r.next += k.span
}

// after is where the sample that slot n falls into would end, were it in time. Samples begin on a grid of their own from each
// cut on, so that a late one does not move those that follow.
func (r *rung) after(n int64) int64 {
	begin := r.cut(r.next)
	return begin + ((n-begin)/r.every+1)*r.every
}

// cut is the last slot up to n at which a part or a GOP begins.
func (r *rung) cut(n int64) int64 { return max(n/r.part*r.part, n/r.gop*r.gop) }

// edge is the slot after next at which a part or a GOP begins.
func (r *rung) edge() int64 {
	return min((r.next/r.part+1)*r.part, (r.next/r.gop+1)*r.gop)
}

// fit gives the rung's own header for m's picture, scaled if need be.
func (r *rung) fit(m composed) *codec.Picture {
	src := m.pic
	if r.scaled != nil {
		if r.shown != m.drawn {
			codec.Scale(r.scaled, src)
			if r.bt709 {
				codec.To709(r.scaled, r.scaled)
			}
			r.shown = m.drawn
		}
		src = r.scaled
	}
	return setView(&r.view, src, src.Bounds())
}

// encode codes m's picture for the slots from begin up to end, and writes it.
func (r *rung) encode(m composed, begin, end int64) error {
	src := r.fit(m)
	src.At = r.rate.Frame(begin)
	packets, err := r.enc.Encode(src, r.rate.Frame(end)-src.At, begin%r.gop == 0 || begin == m.fresh)
	if err != nil {
		r.replay.whole = false
		r.fault("encode", err)
		return err
	}
	r.broken.fails, r.broken.trial = 0, false
	r.replay.keep(packets, m.drawn, begin, end, r.gop)
	r.write(packets...)
	return nil
}

func (r *rung) write(packets ...media.Packet) {
	for _, p := range packets {
		if err := r.out.Write(p); err != nil {
			r.fault("write", err)
			r.suffer(err)
			r.replay.spoil()
			continue
		}
		r.samples.Add(1)
		r.bytes.Add(int64(len(p.Data)))
	}
}

// fault counts all errors and logs the first.
func (r *rung) fault(what string, err error) {
	r.faults.Add(1)
	if !r.failed {
		r.log.Error("rung is faulty", "step", what, "err", err)
		r.failed = true
	}
}

// finish flushes the encoder and ends the outlet.
func (r *rung) finish() {
	packets, err := r.enc.Encode(nil, 0, false)
	if err != nil {
		r.fault("flush", err)
	}
	r.write(packets...)
	if err := r.close(); err != nil {
		r.fault("close", err)
	}
}

// close frees the encoder and closes the outlet, if it was opened.
func (r *rung) close() (err error) {
	r.enc.Close()
	if r.scaled != nil {
		r.scaled.Release()
	}
	if r.out != nil {
		err = r.out.Close()
	}
	return err
}
