package room

import (
	"sync/atomic"
	"time"

	"tilecast/compositor"
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
}

// watch looks at stats until done is closed.
func (l *load) watch(stats func() compositor.Stats, done <-chan struct{}) {
	tick := time.NewTicker(loadStep)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.sample(stats())
		case <-done:
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
		worst = max(worst, percent(b.Replaced-a.Replaced, b.Samples-a.Samples))
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
