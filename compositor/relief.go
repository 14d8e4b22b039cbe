package compositor

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"

	"tilecast/media"
)

// What gives way when encoders fall behind, in this order; it is undone in reverse. Sound never gives way.
const (
	giveNothing = iota
	giveBits    // a lower bit rate on every rung
	giveFrames  // every second tick of a part, never its first
	giveMotion  // tiles jump instead of moving
	giveTop     // the top rung of a canvas that has others pauses: its parts are gaps
	giveSteps   = giveTop
)

// reliefNames are what events say.
var reliefNames = [...]string{"", "bitrate", "frames", "motion", "top rung"}

// relief decides what gives way, from how many slots the encoders had to fill with a picture of another.
// It is pure logic: time is an argument.
type relief struct {
	most  int // steps that there are
	first int // of them; 0: giveBits
	step  int
	taken [giveSteps + 1]int64 // how often each was

	from        media.Time // of the window
	slots, late int        // in it
	bad         int        // windows in sequence
	calm        media.Time // since when there is nothing to complain of
	raised      media.Time // when the last step was taken
	undone      media.Time // and undone
	patience    media.Time
	least       media.Time // patience at first; 0: leastPatience
}

// A step is taken after two bad windows, each of which has more than a tenth of its slots late, and
// undone after patience without any late one. When that was too early, patience doubles.
const (
	reliefWindow  = media.Second / 2
	badWindows    = 2
	leastPatience = 6 * media.Second
	mostPatience  = 96 * media.Second
	tooEarly      = 15 * media.Second
)

// observe takes what was encoded at a time and answers how the step changed: 1, 0 or -1.
func (r *relief) observe(now media.Time, slots, late int) int {
	if r.patience == 0 {
		if r.least == 0 {
			r.least = leastPatience
		}
		r.patience, r.from, r.calm, r.raised, r.undone = r.least, now, now, now-media.Second, now-tooEarly
	}
	r.slots += slots
	r.late += late
	if now-r.from < reliefWindow {
		return 0
	}
	bad := r.late >= 2 && r.late*10 > r.slots
	if r.late > 0 {
		r.calm = now
	}
	r.from, r.slots, r.late = now, 0, 0
	if bad {
		r.bad++
		return r.worse(now)
	}
	r.bad = 0
	return r.better(now)
}

func (r *relief) worse(now media.Time) int {
	if r.bad < badWindows || r.step >= r.most {
		return 0
	}
	if now-r.undone < tooEarly {
		r.patience = min(2*r.patience, mostPatience)
	}
	r.bad, r.raised = 0, now
	r.step = max(r.step+1, r.first)
	r.taken[r.step]++
	return 1
}

func (r *relief) better(now media.Time) int {
	quiet := now - max(r.calm, r.raised, r.undone)
	switch {
	case quiet < r.patience:
		return 0
	case r.step == giveNothing:
		r.patience = r.least
		return 0
	}
	if r.step--; r.step < r.first {
		r.step = giveNothing
	}
	r.undone = now
	return -1
}

// forget begins anew after a pause in which nothing could be encoded.
func (r *relief) forget(now media.Time) { r.from, r.slots, r.late, r.bad = now, 0, 0, 0 }

// top is the rung that costs most: of the most pixels a second, and then bits.
func (cv *canvas) top() *rung {
	cost := func(r *rung) (pixels float64, bits int) {
		p := r.enc.Params()
		return float64(p.W*p.H) * p.Rate.Float(), p.BitRate
	}
	return slices.MaxFunc(cv.rungs, func(a, b *rung) int {
		p, m := cost(a)
		q, n := cost(b)
		return cmp.Or(cmp.Compare(p, q), cmp.Compare(m, n))
	})
}

// reliever is the relief of a running program.
type reliever struct {
	mu sync.Mutex
	relief
}

// resume is after a pause: what is late now says nothing of the machine.
func (c *Compositor) resume(now media.Time) {
	c.reliever.mu.Lock()
	defer c.reliever.mu.Unlock()
	c.reliever.forget(now)
}

// relieve takes what a rung encoded, and makes something give way or undoes it.
func (c *Compositor) relieve(now media.Time, slots, late int) {
	c.reliever.mu.Lock()
	change := c.reliever.observe(now, slots, late)
	step, first := c.reliever.step, c.reliever.first
	c.reliever.mu.Unlock()
	if change == 0 {
		return
	}
	c.relief.Store(int32(step))
	if change < 0 {
		step = max(step+1, first)
	}
	c.cfg.Log.Warn("load", "gives", reliefNames[step], "on", change > 0)
	c.cfg.Event("load", slog.String("step", reliefNames[step]), slog.Bool("on", change > 0))
}
