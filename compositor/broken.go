package compositor

import (
	"bytes"
	"errors"
	"log/slog"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// broken is what a rung knows of an encoder that fails. A picture that is not encoded is made up for by the next one.
// Where that goes on past the end of a part, this part and those that follow are gaps, each in its time, and it is tried
// again where a GOP begins: once with the same encoder, then with one that is opened anew, ever more seldom. None of it is
// taken for load.
type broken struct {
	fails int         // encodings that failed, in sequence
	off   bool        // parts are gaps
	trial bool        // the encoder has another chance
	gone  bool        // it was closed
	other bool        // one with other parameter sets was told of
	again int64       // slot before which nothing is tried
	wait  media.Time  // until the next encoder is opened
	well  int64       // slot at which all is well again, unless something fails before
	told  atomic.Bool // that it failed, and not that it is back
}

// How long after an encoder that failed the next one is opened: twice as long each time.
const (
	leastWait = media.Second
	mostWait  = 30 * media.Second
)

var errOtherSets = errors.New("the encoder has other parameter sets when it is opened again: only a new program can take them")

// giveUp is called when r.next could not be encoded, and picture n is there. It reports whether the slot is left out;
// if not, the next picture takes it.
func (r *rung) giveUp(n int64, err error) bool {
	b := &r.broken
	b.fails++
	if _, ok := r.out.(Gapper); !ok || !b.trial && (b.fails < 2 || n < r.edge()) {
		return false
	}
	b.off, b.trial = true, false
	if b.told.Load() {
		if !b.gone {
			r.enc.Close()
			r.enc, b.gone = closedEncoder{r.enc.Params()}, true
		}
		r.later()
	}
	r.suffer(err)
	return true
}

// later puts off the next attempt.
func (r *rung) later() {
	b := &r.broken
	b.wait = min(max(2*b.wait, leastWait), mostWait)
	b.again = r.next + r.rate.Index(b.wait)
}

// leftOut reports whether the slots from r.next on are left out for want of an encoder. Where it is
// time, it opens one.
func (r *rung) leftOut() bool {
	b := &r.broken
	if !b.off || r.next%r.gop != 0 || r.next < b.again {
		return b.off
	}
	if b.gone {
		enc, err := r.open()
		if err == nil && !bytes.Equal(enc.Params().Extra, r.enc.Params().Extra) {
			enc.Close()
			err = errOtherSets
		}
		if err != nil {
			r.fault("open again", err)
			if err == errOtherSets && !b.other {
				b.other = true
				r.tell("failed", err)
			}
			r.later()
			return true
		}
		r.enc, b.gone, r.applied = enc, false, r.opened
	}
	b.off, b.trial, b.well = false, true, r.next+r.gop
	return false
}

// suffer tells of what failed, and that it is not well before the end of the next GOP.
func (r *rung) suffer(err error) {
	b := &r.broken
	b.well = (r.next/r.gop + 2) * r.gop
	if b.told.CompareAndSwap(false, true) {
		r.tell("failed", err)
	}
}

// heal tells that a whole GOP came without a fault.
func (r *rung) heal() {
	b := &r.broken
	if b.told.Load() && !b.off && r.next >= b.well {
		b.told.Store(false)
		b.wait, b.other, r.failed = 0, false, false
		r.tell("back", nil)
	}
}

func (r *rung) tell(state string, err error) {
	attrs := []slog.Attr{slog.String("canvas", r.canvas), slog.String("rung", r.name), slog.String("state", state)}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	r.log.Warn("rung", "state", state, "err", err)
	r.c.cfg.Event("rung", attrs...)
}

// closedEncoder stands in for one that was closed.
type closedEncoder struct{ params media.VideoParams }

func (e closedEncoder) Params() media.VideoParams { return e.params }

func (e closedEncoder) Encode(*codec.Picture, media.Time, bool) ([]media.Packet, error) {
	return nil, nil
}
func (e closedEncoder) SetRate(int, int, int) error { return nil }
func (e closedEncoder) Close()                      {}
