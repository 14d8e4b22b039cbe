package room

import (
	"log/slog"
	"sync/atomic"
	"time"

	"tilecast/compositor"
	"tilecast/origin"
)

// How a program's load is judged: over loadSpan, looked at each loadStep.
const (
	loadStep = time.Second
	loadSpan = 10 * time.Second
)

// load is the share of frames that came too late lately. The zero value is ready.
type load struct {
	past  []compositor.Stats // one each loadStep, oldest first
	share atomic.Int64       // percent
	told  losses
	clock setClock
}

// watch looks at p until done is closed, and then says that nothing is too late. Losses become events, each loadSpan.
func (l *load) watch(p *program, event func(string, ...slog.Attr), log *slog.Logger, done <-chan struct{}) {
	tick := time.NewTicker(loadStep)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
			now := p.comp.Stats()
			l.sample(now)
			if n%int(loadSpan/loadStep) == 0 {
				l.told.tell(now, p.out.Stats(), event)
				l.clock.tell(stepOf(p.clock, time.Now()), log)
			}
		case <-done:
			l.share.Store(0)
			return
		}
	}
}

// sample judges the time since the oldest sample; before there are loadSpan of them nothing is said.
func (l *load) sample(now compositor.Stats) {
	l.past = append(l.past, now)
	if len(l.past) <= int(loadSpan/loadStep) {
		return
	}
	was := l.past[0]
	l.past = l.past[1:]
	worst := percent(now.Late-was.Late, now.Ticks-was.Ticks)
	for i := range min(len(now.Rungs), len(was.Rungs)) {
		a, b := was.Rungs[i], now.Rungs[i]
		if a.Failed || b.Failed {
			continue // says nothing of the machine
		}
		worst = max(worst, percent(b.Replaced-a.Replaced, b.Samples-a.Samples))
	}
	if last := len(now.Given); was.Relief == last && now.Relief == last { // nothing is late any more, because all gave way that can
		worst = 100
	}
	l.share.Store(worst)
}

// percent is how many of all were lost.
func percent(lost, made int64) int64 {
	if lost+made <= 0 {
		return 0
	}
	return 100 * lost / (lost + made)
}

// losses are what was lost so far, as was told.
type losses struct {
	full   map[string]int64  // by tile and codec
	missed map[string]uint64 // by rendition
}

// tell makes events of what was lost since it was called before: by decoders that are too slow, and by viewers who came too late.
func (l *losses) tell(comp compositor.Stats, out origin.ProgramStats, event func(string, ...slog.Attr)) {
	was := *l
	l.full, l.missed = map[string]int64{}, map[string]uint64{}
	for _, in := range comp.Inputs {
		key := in.Tile + " " + in.Codec
		l.full[key] = in.Full
		if n := in.Full - was.full[key]; n > 0 {
			event("decoder", slog.String("id", in.Tile), slog.String("codec", in.Codec), slog.Int64("full", n))
		}
	}
	for _, st := range out.Streams {
		l.missed[st.Name] = st.Missed
		if n := st.Missed - min(st.Missed, was.missed[st.Name]); n > 0 {
			event("missed", slog.String("rendition", st.Name), slog.Uint64("readers", n))
		}
	}
}

// strain is the worst share of frames that came too late lately in any room, in percent: what the machine bears, not one room.
func (rs *Rooms) strain() (worst int64) {
	for _, r := range rs.all() {
		worst = max(worst, r.strain())
	}
	return worst
}

func (r *Room) strain() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.prog == nil {
		return 0
	}
	return r.prog.load.share.Load()
}
