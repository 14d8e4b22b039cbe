package ingest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tilecast/media"
)

// drive pushes packets one per millisecond and notes what comes out: the number
// of each packet, negated when some before it were lost.
func drive(r *reorder, seqs ...int64) (out []int64) {
	for i, seq := range seqs {
		now := media.Time(i) * ms
		r.push(rtpPacket{seq: seq, payload: []byte{1}}, now)
		out = append(out, numbers(r.pop(now))...)
	}
	return out
}

func numbers(released []released) (out []int64) {
	for _, p := range released {
		if p.lost {
			p.seq = -p.seq
		}
		out = append(out, p.seq)
	}
	return out
}

func TestReorderPutsInOrder(t *testing.T) {
	r := &reorder{wait: 100 * ms}
	got := drive(r, 10, 11, 14, 12, 12, 13, 16, 15, 14)
	if want := []int64{10, 11, 12, 13, 14, 15, 16}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	if r.duplicate != 2 || r.late != 0 || r.gone != 0 || r.missing != 0 {
		t.Fatalf("%d duplicate, %d late, %d gone, %d missing", r.duplicate, r.late, r.gone, r.missing)
	}
}

// Before the first packet, and after a restart, there is nothing to give up.
func TestReorderRestarts(t *testing.T) {
	r := &reorder{wait: 50 * ms}
	for range 2 {
		if got := r.pop(media.Second); len(got) != 0 || r.missing != 0 || r.gone != 0 {
			t.Fatalf("%d came out of nothing, %d missing, %d gone", len(got), r.missing, r.gone)
		}
		if got := drive(r, 10, 12); !slices.Equal(got, []int64{10}) {
			t.Fatal(got)
		}
		r.restartAt(50*ms, false)
	}
}

func TestReorderGivesUpAfterItsWait(t *testing.T) {
	r := &reorder{wait: 50 * ms}
	if got := drive(r, 10, 13, 11, 15); !slices.Equal(got, []int64{10, 11}) {
		t.Fatal(got)
	}
	// 12 was missed at 1 ms, 14 at 3 ms.
	if at, ok := r.deadline(); !ok || at != 51*ms {
		t.Fatalf("deadline %v %v", at, ok)
	}
	if got := numbers(r.pop(51*ms - 1)); len(got) != 0 {
		t.Fatalf("early: %v", got)
	}
	if got := numbers(r.pop(51 * ms)); !slices.Equal(got, []int64{-13}) {
		t.Fatalf("at 51 ms: %v", got)
	}
	if got := numbers(r.pop(53 * ms)); !slices.Equal(got, []int64{-15}) {
		t.Fatalf("at 53 ms: %v", got)
	}
	if _, ok := r.deadline(); ok {
		t.Fatal("a deadline though nothing is missing")
	}
	r.push(rtpPacket{seq: 12}, 60*ms)
	if r.late != 1 || r.gone != 2 || len(r.pop(60*ms)) != 0 {
		t.Fatalf("late %d, gone %d", r.late, r.gone)
	}
}

// Asked for twice in a third of the time that an answer takes, as requests are lost, too; and again when
// the answer could have come.
func TestReorderAsksAgainWhenAnAnswerCouldHaveCome(t *testing.T) {
	r := &reorder{wait: 200 * ms, floor: 200 * ms, nack: true}
	drive(r, 65534, 65537)
	var asked []media.Time
	for now := ms; now < 200*ms; now += ms {
		if seqs := r.nacks(nil, now, 40*ms); len(seqs) > 0 {
			if !slices.Equal(seqs, []uint16{65535, 0}) {
				t.Fatalf("asked for %v", seqs)
			}
			asked = append(asked, now)
		}
	}
	if want := []media.Time{9 * ms, 29 * ms, 59 * ms, 79 * ms, 109 * ms, 129 * ms, 159 * ms, 179 * ms}; !slices.Equal(asked, want) {
		t.Fatalf("asked at %v, want %v", asked, want)
	}
	r.push(rtpPacket{seq: 65536}, 199*ms)
	if seqs := r.nacks(nil, 300*ms, 40*ms); !slices.Equal(seqs, []uint16{65535}) {
		t.Fatalf("then for %v", seqs)
	}
}

// The wait covers four answers where answers take long, and no more.
func TestReorderWaitsAsLongAsAnswersTake(t *testing.T) {
	for trip, want := range map[media.Time]media.Time{5 * ms: 100 * ms, 40 * ms: 188 * ms, 80 * ms: 368 * ms, 300 * ms: maxWait} {
		r := &reorder{wait: 100 * ms, floor: 100 * ms, nack: true}
		seq, now := int64(0), media.Time(0)
		for range 50 { // every second packet is lost and comes when asked for
			r.push(rtpPacket{seq: seq}, now)
			r.push(rtpPacket{seq: seq + 2}, now)
			now += nackPatience
			if got := r.nacks(nil, now, 0); len(got) != 1 {
				t.Fatalf("trip %v: asked for %v", trip, got)
			}
			r.push(rtpPacket{seq: seq + 1}, now+trip)
			now, seq = now+trip, seq+2
			r.pop(now)
		}
		r.push(rtpPacket{seq: seq + 2}, now)
		r.nacks(nil, now, 0)
		if r.wait != want || r.repaired != 50 || r.gone != 0 {
			t.Errorf("trip %v: waits %v, want %v; %d repaired, %d gone", trip, r.wait, want, r.repaired, r.gone)
		}
	}
}

// Where packets overtake each other by more than it was patient for, fewer are asked for in vain.
func TestReorderLearnsPatience(t *testing.T) {
	r := &reorder{wait: 100 * ms, floor: 100 * ms, nack: true}
	asked := func(from int64) (n int) {
		for seq := from; seq < from+300; seq += 3 {
			now := media.Time(seq) * 10 * ms
			r.push(rtpPacket{seq: seq}, now)
			r.push(rtpPacket{seq: seq + 2}, now)
			for late := media.Time(0); late < 25*ms; late += ms {
				n += len(r.nacks(nil, now+late, 10*ms))
			}
			r.push(rtpPacket{seq: seq + 1}, now+25*ms) // overtaken
			r.push(rtpPacket{seq: seq + 1}, now+30*ms) // the answer, not needed
			r.pop(now + 30*ms)
		}
		return n
	}
	if first, then := asked(0), asked(300); first == 0 || then != 0 {
		t.Fatalf("asked %d times in vain, later %d times", first, then)
	}
}

func TestReorderDoesNotWaitForTooMany(t *testing.T) {
	r := &reorder{wait: 100 * ms, nack: true}
	if got := drive(r, 1, 2, 3+maxRepair+1); !slices.Equal(got, []int64{1, 2, -(3 + maxRepair + 1)}) {
		t.Fatal(got)
	}
	if seqs := r.nacks(nil, media.Second, 0); len(seqs) != 0 {
		t.Fatalf("asked for %d packets", len(seqs))
	}
	if got := drive(r, 5000, 5002, 5001+reorderSize, 5002+reorderSize); !slices.Equal(got, []int64{-5000, -5002, -(5001 + reorderSize), 5002 + reorderSize}) {
		t.Fatal(got)
	}
}

// O-9: OBS begins anew with the SSRCs it had.
func TestReorderFollowsASenderThatBeginsAnew(t *testing.T) {
	r := &reorder{wait: 100 * ms}
	if got := drive(r, 30000, 30001, 5, 6, 7); !slices.Equal(got, []int64{30000, 30001, -6, 7}) {
		t.Fatalf("far back: %v", got)
	}
	r = &reorder{wait: 100 * ms}
	var seqs []int64
	for seq := range int64(200) {
		seqs = append(seqs, 1000+seq)
	}
	for seq := range int64(200) {
		seqs = append(seqs, 500+seq)
	}
	got := drive(r, seqs...)
	if len(got) != 200+200-lateRun+1 || got[200] != -(500+lateRun-1) || r.restarts != 1 {
		t.Fatalf("near: %d came, %d restarts, then %v", len(got), r.restarts, got[200:])
	}
}

func TestUnwrap(t *testing.T) {
	seeded(t)
	u := unwrapper{bits: 16}
	want := int64(65000)
	for range 1000 {
		if got := u.next(uint32(uint16(want))); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
		want += int64(roll(60000)) - 20000
		if want-u.last > 32767 || u.last-want > 32768 {
			want = u.last + 1
		}
	}
	u = unwrapper{bits: 32}
	u.next(1<<32 - 5)
	if got := u.next(3); got != 1<<32+3 {
		t.Fatal(got)
	}
	if got := u.peek(1<<32 - 1); got != 1<<32-1 {
		t.Fatal(got)
	}
}

// Whatever the network does: what comes out is in order, comes at most once, is
// marked after a gap, and comes within the wait.
func FuzzReorder(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint8(10), uint8(10))
	f.Add(uint64(7), uint64(9), uint8(200), uint8(90))
	f.Fuzz(func(t *testing.T, a, b uint64, lossy, late uint8) {
		rnd := rand.New(rand.NewPCG(a, b))
		r := &reorder{wait: 100 * ms, floor: 100 * ms, nack: true}
		type flight struct {
			p    rtpPacket
			land media.Time
		}
		var air []flight
		last, first := int64(-1), true
		check := func(out []released, now media.Time) {
			for _, p := range out {
				if !first && p.seq <= last {
					t.Fatalf("%d after %d", p.seq, last)
				}
				if !first && p.seq != last+1 && !p.lost {
					t.Fatalf("%d after %d, not marked", p.seq, last)
				}
				if now-p.arrival > maxWait {
					t.Fatalf("%d came out %v after it came in", p.seq, now-p.arrival)
				}
				first, last = false, p.seq
			}
		}
		seq := rnd.Int64N(1 << 40)
		for now := media.Time(0); now < 3*media.Second; now += ms {
			for range rnd.IntN(3) {
				seq++
				if rnd.IntN(256) < int(lossy)/2 {
					continue
				}
				fl := flight{rtpPacket{seq: seq}, now + media.Time(rnd.IntN(1+int(late)))*ms}
				air = append(air, fl)
				if rnd.IntN(20) == 0 {
					air = append(air, fl)
				}
			}
			for i := 0; i < len(air); {
				if air[i].land > now {
					i++
					continue
				}
				p := air[i].p
				air = slices.Delete(air, i, i+1)
				p.arrival = now
				r.push(p, now)
			}
			check(r.pop(now), now)
			if asked := r.nacks(nil, now, 50*ms); len(asked) > r.missing {
				t.Fatalf("asked for %d packets, %d are missing", len(asked), r.missing)
			}
			if at, ok := r.deadline(); ok != (r.missing > 0) || ok && at < now-ms {
				t.Fatalf("deadline %v %v at %v with %d missing", at, ok, now, r.missing)
			}
			if r.missing < 0 || r.high-r.next >= reorderSize {
				t.Fatalf("%d missing, %d held", r.missing, r.high-r.next)
			}
		}
	})
}
