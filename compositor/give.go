package compositor

import (
	"fmt"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// Gapper is an Outlet that can say that there is no media before a time, the begin of a part. Pictures
// go on with a key frame.
type Gapper interface{ Gap(until media.Time) error }

// pausing reports whether the slots from r.next on are left out, to relieve the machine: from the edge of
// a part on, and up to the begin of a GOP.
func (r *rung) pausing(give int) bool {
	want := give >= giveTop && r.gapper != nil
	switch {
	case want && r.next%r.part == 0:
		r.paused = true
	case !want && r.next%r.gop == 0:
		r.paused = false
	}
	return r.paused
}

// pause makes the part that begins at r.next a gap, once slot n has come to its end.
func (r *rung) pause(n int64) bool {
	edge := (r.next/r.part + 1) * r.part
	if n+1 < edge {
		return false
	}
	r.gap(edge)
	return true
}

// gap leaves out what lies before slot edge, in steps that any Gapper takes.
func (r *rung) gap(edge int64) {
	r.replay = replay{}
	for r.next < edge {
		to := min(edge, (r.next/r.gop+1)*r.gop)
		if err := r.out.(Gapper).Gap(r.rate.Frame(to)); err != nil {
			r.fault("gap", err)
			r.suffer(err)
		}
		r.gaps.Add((to - r.next + r.part - 1) / r.part)
		r.next = to
	}
}

// longPause is how long nothing may come before the slots are left out instead of filled: the machine
// slept, or the process was stopped.
const longPause = 8 * media.Second

// jump leaves out a long pause, up to the last begin of a GOP before m.
func (r *rung) jump(m composed) {
	if _, ok := r.out.(Gapper); !ok || r.rate.Frame(m.n-r.next) < longPause {
		return
	}
	r.log.Warn("pause left out", "seconds", (r.rate.Frame(m.n) - r.rate.Frame(r.next)).Seconds())
	r.gap(m.n / r.gop * r.gop)
}

// rates are what an encoder is to keep to, in bit/s.
type rates struct{ bit, max int }

// less is what is left of a rate under load.
const less = 0.6

// tune notes what the encoder was opened with, and whether it can change.
func (r *rung) tune(cfg Rung) {
	r.opened = rates{cfg.BitRate, cfg.MaxRate}
	if r.opened.max == 0 {
		r.opened.max = cfg.BitRate
	}
	r.applied = r.opened
	r.wanted.Store(&r.opened)
	if s, ok := r.enc.(codec.RateSetter); ok {
		r.tunable = s.SetRate(r.opened.bit, r.opened.max, 0) == nil
	}
}

// retune gives the encoder the rate that is wanted now.
func (r *rung) retune(give int) {
	w := *r.wanted.Load()
	if give >= giveBits {
		w.bit, w.max = int(less*float64(w.bit)), int(less*float64(w.max))
	}
	if w == r.applied || !r.tunable {
		return
	}
	r.applied = w
	if err := r.enc.(codec.RateSetter).SetRate(w.bit, w.max, 0); err != nil {
		r.fault("bit rate", err)
	}
	r.replay.spoil()
}

// SetBitRate changes a rung's rates, in bit/s, from its next picture on; maxRate 0 is bitRate. They
// can't be above what the rung was opened with, which its playlist announces; below, bitRate may be the
// peak, too (codec.RateSetter).
func (c *Compositor) SetBitRate(canvas, rung string, bitRate, maxRate int) error {
	if maxRate == 0 {
		maxRate = bitRate
	}
	for _, cv := range c.canvases {
		for _, r := range cv.rungs {
			if r.canvas != canvas || r.name != rung {
				continue
			}
			switch {
			case !r.tunable:
				return fmt.Errorf("rung %s of canvas %s: its encoder cannot change its rate: %w", rung, canvas, codec.ErrUnavailable)
			case bitRate < 10_000 || maxRate < bitRate || bitRate > r.opened.bit || maxRate > r.opened.max:
				return fmt.Errorf("rung %s of canvas %s: %d bit/s, at most %d: use 10000 to %d and at most %d, which its playlist announces",
					rung, canvas, bitRate, maxRate, r.opened.bit, r.opened.max)
			}
			r.wanted.Store(&rates{bitRate, maxRate})
			return nil
		}
	}
	return fmt.Errorf("there is no rung %s of a canvas %s", rung, canvas)
}
