package compositor

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// rung encodes the canvas at one size and rate. Slots are frames of the program: a
// sample fills one, or several where ticks did not come in time, so that there is
// never a hole, but never reaches over the edge of a part or of a GOP.
type rung struct {
	canvas    string
	name      string
	rate      media.FrameRate
	gop, part int64
	enc       codec.VideoEncoder
	out       Outlet
	log       *slog.Logger

	in     chan composed // depth 1: the newest composed picture
	next   int64         // slot
	scaled *codec.Picture
	shown  uint64 // composed.drawn that scaled holds
	view   codec.Picture
	failed bool

	samples, bytes, skipped, replaced, faults atomic.Int64
}

// openRung opens the encoder of cv's rung r, or the next best one that opens.
func openRung(r Rung, cv *Canvas, cfg *Config, set codec.Set) (*rung, error) {
	vc := codec.VideoConfig{
		Codec: media.H264, Name: r.Encoder, Preset: r.Preset, W: r.W, H: r.H, Rate: cfg.Rate,
		BitRate: r.BitRate, MaxRate: r.MaxRate, GOP: cfg.GOP,
	}
	enc, err := set.NewVideoEncoder(vc)
	if err != nil && r.Encoder != "" {
		vc.Name, vc.Preset = "", ""
		var other error
		if enc, other = set.NewVideoEncoder(vc); other == nil {
			cfg.Log.Warn("encoder does not open, using the next best H.264 encoder", "canvas", cv.Name, "rung", r.Name, "encoder", r.Encoder, "err", err)
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("rung %q: open encoder %q at %dx%d: %w", r.Name, r.Encoder, r.W, r.H, err)
	}
	g := &rung{
		canvas: cv.Name, name: r.Name, rate: cfg.Rate, gop: int64(cfg.GOP), part: int64(cfg.PartFrames), enc: enc,
		log: cfg.Log.With("canvas", cv.Name, "rung", r.Name), in: make(chan composed, 1),
	}
	if r.W != cv.W || r.H != cv.H {
		g.scaled = codec.NewPicture(r.W, r.H)
	}
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
		r.replaced.Add(1)
	default:
	}
	r.in <- m
}

// run encodes what is offered until in is closed, and flushes.
func (r *rung) run() {
	for m := range r.in {
		r.step(m)
	}
	r.finish()
}

// step fills all slots up to m's with its picture, and releases it.
func (r *rung) step(m composed) {
	defer m.pic.Release()
	src := r.fit(m)
	for r.next <= m.n {
		end := min(m.n+1, r.edge())
		if !r.encode(src, r.next, end) {
			return // the next picture takes these slots: a hole would end the track
		}
		r.skipped.Add(end - r.next - 1)
		r.next = end
	}
}

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
			r.shown = m.drawn
		}
		src = r.scaled
	}
	return setView(&r.view, src, src.Bounds())
}

// encode codes src for the slots from begin up to end, unless the encoder fails.
func (r *rung) encode(src *codec.Picture, begin, end int64) bool {
	src.At = r.rate.Frame(begin)
	packets, err := r.enc.Encode(src, r.rate.Frame(end)-src.At, begin%r.gop == 0)
	if err != nil {
		r.fault("encode", err)
		return false
	}
	r.write(packets)
	return true
}

func (r *rung) write(packets []media.Packet) {
	for _, p := range packets {
		if err := r.out.Write(p); err != nil {
			r.fault("write", err)
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
	r.write(packets)
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
