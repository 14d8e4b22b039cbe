package relay

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func newFate(seed uint64, l Link) *fate {
	return &fate{link: l, rng: rand.New(rand.NewPCG(seed, 1))}
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Losses are as many as asked for, in runs as long as asked for, and the same for a seed.
func TestLosses(t *testing.T) {
	for _, l := range []Link{{Loss: 0.02}, {Loss: 0.05, Burst: 1}, {Loss: 0.1, Burst: 6}, {Loss: 1, Burst: 3}} {
		a, b := newFate(7, l), newFate(7, l)
		const n = 200_000
		missing, runs, last := 0, 0, false
		for range n {
			_, v := a.send(1000, epoch)
			if _, w := b.send(1000, epoch); v != w {
				t.Fatalf("%+v: the same seed gave another fate", l)
			}
			if v == lost {
				missing++
				if !last {
					runs++
				}
			}
			last = v == lost
		}
		share, length := float64(missing)/n, float64(missing)/float64(runs)
		if math.Abs(share-l.Loss) > 0.1*l.Loss {
			t.Errorf("%+v: %.4f were lost", l, share)
		}
		if l.Loss < 1 && math.Abs(length-max(l.Burst, 1/(1-l.Loss))) > 0.1*length {
			t.Errorf("%+v: runs of %.2f losses", l, length)
		}
	}
}

// Delay wanders by the jitter and no further, and order is kept.
func TestDelayAndJitter(t *testing.T) {
	l := Link{Delay: 150 * time.Millisecond, Jitter: 30 * time.Millisecond}
	f := newFate(3, l)
	least, most := time.Hour, time.Duration(0)
	var last time.Time
	for i := range 20_000 {
		now := epoch.Add(time.Duration(i) * 5 * time.Millisecond)
		at, v := f.send(1000, now)
		if v != passed || at.Before(last) {
			t.Fatalf("packet %d: verdict %d, arrival %v after one at %v", i, v, at, last)
		}
		last = at
		least, most = min(least, at.Sub(now)), max(most, at.Sub(now))
	}
	if least < 120*time.Millisecond || least > 130*time.Millisecond || most > 180*time.Millisecond || most < 170*time.Millisecond {
		t.Fatalf("delays from %v to %v", least, most)
	}
}

func TestReorder(t *testing.T) {
	f := newFate(3, Link{Reorder: 0.1})
	late := 0
	for i := range 10_000 {
		now := epoch.Add(time.Duration(i) * time.Millisecond)
		at, v := f.send(1000, now)
		if v == passedLate {
			late++
			if at.Sub(now) != lateBy {
				t.Fatalf("late by %v", at.Sub(now))
			}
		} else if !at.Equal(now) {
			t.Fatalf("packet %d was held back by one that is late", i)
		}
	}
	if late < 900 || late > 1100 {
		t.Fatalf("%d of 10000 late", late)
	}
}

// A narrow spot lets through its rate, delays by what waits and drops what would wait too long.
func TestRate(t *testing.T) {
	f := newFate(1, Link{Rate: 800_000, Queue: 100 * time.Millisecond})
	const n, size = 20_000, 972 // 10 ms of the rate each, headers included
	sent, dropped := 0, 0
	var last time.Time
	for i := range n {
		now := epoch.Add(time.Duration(i) * 5 * time.Millisecond) // twice the rate
		at, v := f.send(size, now)
		switch v {
		case passed:
			sent++
			last = at
			if wait := at.Sub(now); wait > 111*time.Millisecond {
				t.Fatalf("waited %v", wait)
			}
		case overflowed:
			dropped++
		}
	}
	rate := float64(sent*(size+overhead)*8) / last.Sub(epoch).Seconds()
	if math.Abs(rate-800_000) > 8_000 || sent+dropped != n {
		t.Fatalf("%.0f bit/s, %d passed, %d dropped", rate, sent, dropped)
	}
	if at, v := f.send(size, last.Add(time.Minute)); v != passed || at.Sub(last.Add(time.Minute)) != 10*time.Millisecond {
		t.Fatal("an idle link holds back")
	}
}
