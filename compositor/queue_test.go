package compositor

import (
	"testing"

	"tilecast/media"
)

func TestFullVideoQueueDropsToTheNextKeyFrame(t *testing.T) {
	q := newQueue(true)
	push := func(n int, key bool) bool { return q.push(media.Packet{At: media.Time(n), Key: key}) }
	if !push(0, false) {
		t.Fatal("a queue begins without a key frame")
	}
	for n := range queueLen {
		if push(n, n == 0) {
			t.Fatalf("packet %d of %d does not fit", n, queueLen)
		}
	}
	for n := range 10 {
		if !push(100+n, false) {
			t.Fatal("a full queue does not ask for a key frame")
		}
	}
	q.pop()
	q.pop()
	if !push(110, false) {
		t.Fatal("a packet whose reference was dropped is taken")
	}
	if push(111, true) || push(112, false) {
		t.Fatal("a key frame with room left is refused, or what follows it")
	}
	if push(113, true) {
		t.Fatal("a key frame is asked for where one comes")
	}
	if p, _ := q.pop(); p.At != 113 {
		t.Fatalf("after an overflow decoding goes on at packet %d, want the key frame 113", p.At)
	}
	if pushed, dropped, full := q.counts(); pushed != queueLen+3 || dropped != 12+64 || full != 2 {
		t.Fatalf("counted %d taken, %d dropped, %d times full", pushed, dropped, full)
	}
}

func TestFullSoundQueueLosesTheOldest(t *testing.T) {
	q := newQueue(false)
	for n := range queueLen + 5 {
		if q.push(media.Packet{At: media.Time(n)}) {
			t.Fatal("sound asks for a key frame")
		}
	}
	if p, ok := q.pop(); !ok || p.At != 5 {
		t.Fatalf("first packet left is %d", p.At)
	}
	if _, dropped, _ := q.counts(); dropped != 5 {
		t.Fatalf("%d counted as dropped", dropped)
	}
}

func TestQueueAfterADecoderError(t *testing.T) {
	q := newQueue(true)
	for n, key := range []bool{true, false, false, true, false} {
		q.push(media.Packet{At: media.Time(n), Key: key})
	}
	q.pop()
	q.seekKey()
	if p, _ := q.pop(); p.At != 3 {
		t.Fatalf("decoding goes on at packet %d, want the key frame 3", p.At)
	}
	q.seekKey()
	if !q.push(media.Packet{}) || q.push(media.Packet{Key: true}) {
		t.Fatal("with no key frame queued none is asked for")
	}
}

func TestClosedQueueDrains(t *testing.T) {
	q := newQueue(false)
	q.push(media.Packet{At: 7})
	q.close()
	q.close()
	if q.push(media.Packet{At: 8}) {
		t.Fatal("a closed queue wants something")
	}
	if p, ok := q.pop(); !ok || p.At != 7 {
		t.Fatal("what was queued before closing is lost")
	}
	if _, ok := q.pop(); ok {
		t.Fatal("a closed queue does not end")
	}
}
