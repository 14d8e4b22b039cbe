package ingest

import "tilecast/media"

// rtpPacket is one RTP packet with its numbers unwrapped.
type rtpPacket struct {
	seq     int64
	ts      int64 // RTP ticks
	arrival media.Time
	marker  bool
	key     bool   // a key frame begins with it
	payload []byte // empty: padding, or a payload type that was not agreed
	level   uint8  // as media.Packet's
}

const (
	reorderSize = 1024 // packets; a power of two
	maxRepair   = 256  // more missing packets than this at once are not waited for
	maxNacks    = 12   // requests for one packet
	maxWait     = media.Second * 3 / 4
	lateRun     = 64 // so many late packets in sequence mean that the sender began anew
)

// reorder puts RTP packets back into order. A missing packet is waited for, and
// asked for again, for at most wait after a later one showed that it is missing;
// then it is given up. It is bounded in time by wait and in packets by reorderSize. Where packets
// are asked for, wait grows with the time answers take, so that three have a chance.
type reorder struct {
	wait  media.Time // longest wait for a missing packet
	floor media.Time // the least that wait may be
	most  media.Time // and the most; 0: maxWait
	nack  bool       // ask for missing packets

	patience media.Time // for packets that were merely overtaken; 0: nackPatience
	trip     media.Time // from a request to its answer, smoothed; 0: not known

	started bool
	next    int64 // the next to hand on
	high    int64 // the highest seen
	ring    [reorderSize]slot
	missing int  // slots in [next, high] that are missing
	lost    bool // packets between the last one handed on and next were given up
	out     []released
	runSeq  int64 // next of a run of late packets
	run     int

	late, duplicate, gone, restarts, repaired int64
}

type slot struct {
	state slotState
	seq   int64
	since media.Time // missing: when that showed
	ask   media.Time // missing: when to ask (again)
	first media.Time // when it was asked for first
	asked int
	p     rtpPacket
}

type slotState uint8

const (
	slotFree slotState = iota
	slotMissing
	slotHeld
	slotDone
	slotGone // given up
)

// released is a packet in order; lost says that packets right before it never came.
type released struct {
	rtpPacket
	lost bool
}

// restartAt forgets all packets but keeps the counters; the next packet is the first.
func (r *reorder) restartAt(wait media.Time, nack bool) {
	*r = reorder{
		wait: wait, nack: nack, floor: wait, out: r.out[:0], patience: r.patience, trip: r.trip,
		late: r.late, duplicate: r.duplicate, gone: r.gone, restarts: r.restarts, repaired: r.repaired,
	}
}

func (r *reorder) at(seq int64) *slot { return &r.ring[seq&(reorderSize-1)] }

// push takes a packet as it arrives at now.
func (r *reorder) push(p rtpPacket, now media.Time) {
	switch {
	case !r.started:
		r.started, r.next, r.high = true, p.seq, p.seq-1
	case p.seq < r.next:
		if !r.restart(p.seq) {
			return
		}
	case p.seq >= r.next+reorderSize:
		r.flush()
		r.next, r.high, r.lost = p.seq, p.seq-1, true
	}
	r.run = 0
	s := r.at(p.seq)
	if p.seq <= r.high && s.state == slotHeld && s.seq == p.seq {
		r.twice(s)
		return
	}
	asked := 0
	if p.seq <= r.high {
		r.missing--
		asked = s.asked
		r.found(s, now)
	} else {
		r.reveal(p.seq, now)
	}
	*s = slot{state: slotHeld, seq: p.seq, asked: asked, p: p}
	r.advance(now)
}

// reveal marks what lies between the highest packet and seq as missing.
func (r *reorder) reveal(seq int64, now media.Time) {
	since := now
	if seq-r.high > maxRepair {
		since = now - maxWait
	}
	if r.missing == 0 && r.nack {
		r.wait = r.floor
	}
	for m := r.high + 1; m < seq; m++ {
		*r.at(m) = slot{state: slotMissing, seq: m, since: since, ask: now + r.patient()}
		r.missing++
	}
	r.high = seq
}

// restart counts a packet that is older than what was handed on, and reports
// whether a run of them shows that the sender began anew (RFC 3550 A.1).
func (r *reorder) restart(seq int64) bool {
	if s := r.at(seq); s.seq == seq && s.state == slotDone {
		r.twice(s)
		return false
	}
	r.late++
	if seq != r.runSeq {
		r.run = 0
	}
	r.run++
	r.runSeq = seq + 1
	if r.run < lateRun && (r.run < 2 || r.next-seq < reorderSize) {
		return false
	}
	r.flush()
	r.next, r.high, r.lost = seq, seq-1, true
	r.restarts++
	return true
}

// advance moves on what is in order, and gives up what was waited for too long.
func (r *reorder) advance(now media.Time) {
	for r.started && r.next <= r.high {
		s := r.at(r.next)
		switch {
		case s.state == slotHeld:
			r.out = append(r.out, released{s.p, r.lost})
			r.lost = false
			s.state, s.p.payload = slotDone, nil
		case now-s.since >= r.wait:
			s.state = slotGone
			r.lost = true
			r.gone++
			r.missing--
		default:
			return
		}
		r.next++
	}
}

// flush moves on all there is, in order, waiting for nothing.
func (r *reorder) flush() {
	for ; r.next <= r.high; r.next++ {
		switch s := r.at(r.next); s.state {
		case slotHeld:
			r.out = append(r.out, released{s.p, r.lost})
			r.lost = false
			s.state, s.p.payload = slotDone, nil
		case slotMissing:
			s.state, r.lost = slotGone, true
			r.gone++
			r.missing--
		}
	}
}

// pop hands on what is in order at now. The slice is valid until the next call.
func (r *reorder) pop(now media.Time) []released {
	r.advance(now)
	out := r.out
	r.out = r.out[:0]
	return out
}

// deadline is when pop or nacks should be called next though nothing arrives.
func (r *reorder) deadline() (at media.Time, ok bool) {
	if r.missing == 0 {
		return 0, false
	}
	at = r.at(r.next).since + r.wait
	if !r.nack {
		return at, true
	}
	for seq := r.next; seq <= r.high; seq++ {
		if s := r.at(seq); s.state == slotMissing && s.asked < maxNacks {
			at = min(at, s.ask)
		}
	}
	return at, true
}

// How long a packet that was merely overtaken may take before it is asked for, at
// first; it grows where packets come that were asked for in vain.
const (
	nackPatience = 8 * media.Millisecond
	maxPatience  = 40 * media.Millisecond
	unknownTrip  = 100 * media.Millisecond // until something is known
	leastTrip    = 20 * media.Millisecond  // between two requests for one packet
	revealTime   = 30 * media.Millisecond  // until a lost packet at the end of a picture is missed
)

func (r *reorder) patient() media.Time { return max(r.patience, nackPatience) }

// twice notes a packet that came again: if it was asked for, too early.
func (r *reorder) twice(s *slot) {
	r.duplicate++
	if s.asked == 1 {
		r.patience = min(r.patient()*5/4, maxPatience)
	}
}

// found notes the arrival of a packet that was missing.
func (r *reorder) found(s *slot, now media.Time) {
	if s.asked == 0 {
		return
	}
	r.repaired++
	r.patience -= (r.patient() - nackPatience) / 32
	if s.asked > 2 {
		return // the answer to which request is not known (Karn)
	}
	if took := now - s.first; r.trip == 0 {
		r.trip = took
	} else {
		r.trip += (took - r.trip) / 8
	}
}

// expected is how long an answer takes; rtt is what it should, or 0.
func (r *reorder) expected(rtt media.Time) media.Time {
	if trip := max(rtt, r.trip); trip > 0 {
		return trip
	}
	return unknownTrip
}

// repair is how late a packet is that is lost twice.
func (r *reorder) repair(rtt media.Time) media.Time {
	return r.patient() + r.expected(rtt)*9/4 + revealTime
}

// overdue reports whether a packet did not come though it was asked for for so long that it may never.
func (r *reorder) overdue(now, rtt media.Time) bool {
	if r.missing == 0 || !r.nack {
		return false
	}
	s := r.at(r.next)
	return s.state == slotMissing && s.asked > 2 && now-s.since >= r.repair(rtt)
}

// skip goes on with the latest key frame that has begun to come, giving up what is missing before
// it, and reports whether there is one.
func (r *reorder) skip() bool {
	for seq := r.high; seq > r.next; seq-- {
		if s := r.at(seq); s.state == slotHeld && s.p.key {
			r.drop(seq)
			return true
		}
	}
	return false
}

// drop gives up all before seq.
func (r *reorder) drop(seq int64) {
	for ; r.next < seq; r.next++ {
		s := r.at(r.next)
		if s.state == slotMissing {
			r.gone++
			r.missing--
		}
		s.state, s.p.payload = slotGone, nil
	}
	r.lost = true
}

// nacks appends to seqs the packets to ask for at now. The same packet is asked
// for again when an answer could have come, which takes rtt, or longer where answers did. A rtt of 0 is not known.
// Each time it is asked for twice, as requests are lost, too; browsers answer that once.
func (r *reorder) nacks(seqs []uint16, now, rtt media.Time) []uint16 {
	if r.missing == 0 || !r.nack {
		return seqs
	}
	trip := r.expected(rtt)
	most := maxWait
	if r.most > 0 {
		most = min(most, r.most)
	}
	r.wait = max(r.wait, min(most, r.patient()+trip*9/2)) // never less while something is missing
	for seq := r.next; seq <= r.high; seq++ {
		s := r.at(seq)
		if s.state == slotMissing && s.ask <= now && s.asked < maxNacks {
			seqs = append(seqs, uint16(seq))
			if s.asked++; s.asked == 1 {
				s.first = now
			}
			soon := max(trip/3, leastTrip)
			if s.ask = now + soon; s.asked%2 == 0 {
				s.ask = max(now+leastTrip, now+trip+trip/4-soon)
			}
		}
	}
	return seqs
}

// unwrapper extends a number of few bits to one that does not wrap.
type unwrapper struct {
	bits    uint
	started bool
	last    int64
}

// next is the extended value of v nearest to the last one.
func (u *unwrapper) next(v uint32) int64 {
	x := u.peek(v)
	u.started, u.last = true, x
	return x
}

// peek is next without remembering v.
func (u *unwrapper) peek(v uint32) int64 {
	if !u.started {
		return int64(v)
	}
	shift := 64 - u.bits
	diff := (int64(v)<<shift - u.last<<shift) >> shift // sign-extended
	return u.last + diff
}
