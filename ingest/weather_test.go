package ingest

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"tilecast/media"
)

// weather is what one direction of a simulated path does to packets: losses in runs of burst
// packets in the mean (Gilbert), a delay, and jitter that wanders without reordering.
type weather struct {
	loss, burst   float64
	delay, jitter media.Time

	rng      *rand.Rand
	bad      bool
	last     media.Time
	from, to float64
	turn     media.Time
	turnBy   media.Time
}

// send is when a packet sent at now arrives; ok is false when it never does.
func (w *weather) send(now media.Time) (at media.Time, ok bool) {
	leave := 1 / max(w.burst, 1)
	if w.burst <= 1 {
		w.bad = w.rng.Float64() < w.loss
	} else if w.bad {
		w.bad = w.rng.Float64() >= leave
	} else {
		w.bad = w.rng.Float64() < leave*w.loss/(1-w.loss)
	}
	if w.bad {
		return 0, false
	}
	if now >= w.turnBy {
		w.from, w.to = w.to, 2*w.rng.Float64()-1
		w.turn, w.turnBy = now, now+(30+media.Time(w.rng.IntN(60)))*ms
	}
	at = now + w.delay
	if w.jitter > 0 {
		at += media.Time((w.from + (w.to-w.from)*float64(now-w.turn)/float64(w.turnBy-w.turn)) * float64(w.jitter))
	}
	w.last = max(w.last, at)
	return w.last, true
}

// voyage is a sender of picture and sound behind bad weather, the session that takes them in, and
// a canvas that reads D behind. It runs on a clock of its own.
type voyage struct {
	up, down weather
	d        media.Time // the canvas's delay
	decode   media.Time // from Push until a picture can be shown
	chromium bool       // answers no request twice within a round trip

	now          media.Time
	sess         *session
	video, audio *stream
	inlets       map[media.Codec]*dock
	air          []cargo
	order        int

	history   map[uint64]*remembered
	seq, aseq uint16
	wantKey   bool
	keys      int

	sent, received   int
	ticks, repeated  int        // of those, inside repeats over 100 ms
	longest, silence media.Time // longest repeat; all sound that was missing, not even concealed
	skew             media.Time // most, between what was captured at one instant
}

type remembered struct {
	raw  []byte
	sent media.Time
	more bool // it has been sent again
}

// cargo is something under way.
type cargo struct {
	at    media.Time
	order int
	do    func()
}

type landed struct {
	media.Packet
	ready media.Time
}

// dock is an inlet that notes when packets came.
type dock struct {
	v      *voyage
	got    []landed
	demand *Demand // nil: as large as it comes
}

func (d *dock) Push(p media.Packet) bool {
	d.got = append(d.got, landed{p, d.v.now})
	return false
}
func (d *dock) Close() {}
func (d *dock) Demand() Demand {
	if d.demand != nil {
		return *d.demand
	}
	return Demand{W: 640, H: 360}
}

// newVoyage sets out. The round trip is known, as ICE would measure it.
func newVoyage(up, down weather, d media.Time, seed uint64, audio ...string) *voyage {
	v := &voyage{up: up, down: down, d: d, decode: 5 * ms, history: map[uint64]*remembered{}, wantKey: true, inlets: map[media.Codec]*dock{}}
	v.up.rng, v.down.rng = rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	cfg := Config{Jitter: d / 2}.withDefaults()
	v.sess = &session{srv: &Server{cfg: cfg}, log: cfg.Log, clock: media.NewClock(time.Now()), back: v, sync: syncer{jitter: cfg.Jitter}}
	v.sess.rtt.Store(int64(up.delay + down.delay))
	v.sess.rttAt.Store(1 << 62)
	v.video = v.open(&section{codec: media.VP8, rate: 90000, pt: 96, fb: []string{"nack", "nack pli"}, rtx: 97})
	v.audio = v.open(&section{codec: media.Opus, rate: 48000, pt: 111, fb: audio})
	return v
}

func (v *voyage) open(sec *section) *stream {
	in := &dock{v: v}
	v.inlets[sec.codec] = in
	return newTrack(v.sess, sec, in).newStream(uint32(sec.pt), "")
}

// WriteRTCP takes the session's feedback back to the sender.
func (v *voyage) WriteRTCP(packets []rtcp.Packet) error {
	at, ok := v.down.send(v.now)
	if !ok {
		return nil
	}
	v.later(at, func() {
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication:
				v.wantKey = true
			case *rtcp.TransportLayerNack:
				for _, pair := range p.Nacks {
					for _, seq := range pair.PacketList() {
						v.again(p.MediaSSRC, seq)
					}
				}
			}
		}
	})
	return nil
}

func (v *voyage) later(at media.Time, do func()) {
	v.order++
	v.air = append(v.air, cargo{at, v.order, do})
}

// again sends a packet once more. Retransmissions are looked for every few milliseconds only.
func (v *voyage) again(ssrc uint32, seq uint16) {
	r := v.history[uint64(ssrc)<<16|uint64(seq)]
	if r == nil || v.chromium && r.more && v.now-r.sent < v.up.delay+v.down.delay {
		return
	}
	r.sent, r.more = v.now, true
	if at, ok := v.up.send(v.now); ok {
		s := v.audio
		if ssrc == v.video.ssrc {
			s, at = v.video, (at+repairSleep-1)/repairSleep*repairSleep
		}
		v.later(at, func() { v.receive(s, r.raw) })
	}
}

func (v *voyage) receive(s *stream, raw []byte) {
	v.received++
	s.take(raw, v.now)
	s.deliver(v.now)
}

// sail lets the program run for a time. Its first settle is not judged.
func (v *voyage) sail(settle, span media.Time) {
	const frame = media.Second / 30
	var nextFrame, nextSound media.Time
	for ; v.now < settle+span+media.Second; v.now += ms {
		slices.SortFunc(v.air, func(a, b cargo) int { return cmp.Or(cmp.Compare(a.at, b.at), a.order-b.order) })
		for len(v.air) > 0 && v.air[0].at <= v.now {
			do := v.air[0].do
			v.air = v.air[1:]
			do()
		}
		if v.now >= nextFrame {
			v.picture(nextFrame)
			nextFrame += frame
		}
		if v.now >= nextSound {
			v.emit(v.audio, v.now, &v.aseq, rtp.Header{Timestamp: uint32(nextSound.Ticks(48000))}, append([]byte{0xf8}, make([]byte, 60)...))
			nextSound += 20 * ms
		}
		for i, s := range []*stream{v.video, v.audio} {
			if gap := media.Time(1+4*i) * media.Second; (v.now-300*ms)%gap == 0 && v.now > 300*ms {
				if at, ok := v.up.send(v.now); ok {
					now := v.now
					v.later(at, func() { s.clock.report(ntp64(now+1000*media.Second), uint32(now.Ticks(s.clock.rate)), v.now) })
				}
			}
			s.deliver(v.now)
		}
		if v.now > settle {
			v.skew = max(v.skew, abs(v.video.clock.k-v.audio.clock.k))
		}
	}
	v.judge(settle, settle+span)
}

// picture sends one: 800 kb/s, a key frame of twelve packets when one was asked for.
func (v *voyage) picture(captured media.Time) {
	n := 3
	if v.wantKey {
		n = 12
		v.keys++
	}
	key := v.wantKey
	v.wantKey = false
	data := vp8Frame(key, n*1000)
	for i := range n {
		head := byte(0)
		if i == 0 {
			head = 0x10
		}
		payload := append([]byte{head}, data[i*1000:(i+1)*1000]...)
		v.emit(v.video, v.now+media.Time(i)*ms, &v.seq, rtp.Header{Timestamp: uint32(captured.Ticks(90000)), Marker: i == n-1}, payload)
	}
}

func (v *voyage) emit(s *stream, at media.Time, seq *uint16, h rtp.Header, payload []byte) {
	*seq++
	h.Version, h.SequenceNumber, h.PayloadType, h.SSRC = 2, *seq, s.pt, s.ssrc
	raw, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		panic(err)
	}
	v.sent++
	v.history[uint64(s.ssrc)<<16|uint64(*seq)] = &remembered{raw: raw, sent: at}
	if land, ok := v.up.send(at); ok {
		v.later(land, func() { v.receive(s, raw) })
	}
}

// judge looks at what the canvas showed, and the mixer had, from..to.
func (v *voyage) judge(from, to media.Time) {
	pics := v.inlets[media.VP8].got
	shown, since := -1, from
	tell := func(until media.Time) {
		n := int((until - since) * 30 / media.Second)
		if until-since > 100*ms+ms {
			v.repeated += n
		}
		v.longest = max(v.longest, until-since)
	}
	for k := int64(0); ; k++ {
		t := from + media.FromTicks(k, 30)
		if t >= to {
			tell(t)
			break
		}
		v.ticks++
		best := shown
		for i := max(0, shown); i < len(pics) && pics[i].ready+v.decode <= t; i++ {
			if pics[i].At <= t-v.d {
				best = i
			}
		}
		if best != shown {
			tell(t)
			shown, since = best, t
		}
	}
	end := media.Time(0)
	for _, p := range v.inlets[media.Opus].got {
		if p.At-end > 120*ms { // more than is made up
			v.hole(end, p.At, from, to)
		} else if late := p.ready + 2*ms - v.d - end; p.At-end < 2*ms && late > 0 {
			v.hole(p.At, p.At+late, from, to)
		} else if p.At-end >= 2*ms && late > 0 {
			v.hole(end, end+late, from, to)
		}
		end = max(end, p.At+p.Dur)
	}
}

func (v *voyage) hole(a, b, from, to media.Time) {
	if a, b = max(a, from), min(b, to); b > a {
		v.silence += b - a
	}
}

// What bad networks do to the program stays within bounds: pictures come back, sound is never missed
// for longer than is made up, the two stay together, and little more is sent than without loss.
func TestWeather(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	type bounds struct {
		repeated, received float64
		silence            media.Time
	}
	burst := weather{loss: .1, burst: 4, delay: 75 * ms, jitter: 30 * ms}
	for _, c := range []struct {
		name string
		weather
		chromium, nack bool // what the sender is, and whether it sends sound again
		bounds
	}{
		{"clean", weather{}, true, false, bounds{0, 1, 0}},
		{"2 %, 40 ms", weather{loss: .02, delay: 20 * ms}, true, false, bounds{.005, 1.05, 0}},
		{"2 %, 40 ms, pion", weather{loss: .02, delay: 20 * ms}, false, true, bounds{.005, 1.05, 0}},
		{"5 %, 80 ms", weather{loss: .05, delay: 40 * ms}, true, false, bounds{.02, 1.05, 0}},
		{"5 %, 80 ms, pion", weather{loss: .05, delay: 40 * ms}, false, true, bounds{.02, 1.1, 0}},
		{"10 % in bursts, 150 ms", burst, true, false, bounds{.1, 1.1, media.Second / 2}},
		{"10 % in bursts, 150 ms, stage page", burst, true, true, bounds{.1, 1.1, media.Second / 5}},
		{"10 % in bursts, 150 ms, pion", burst, false, true, bounds{.03, 1.15, 40 * ms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(3) {
				var fb []string
				if c.nack {
					fb = []string{"nack"}
				}
				v := newVoyage(c.weather, c.weather, 150*ms, seed, fb...)
				v.chromium = c.chromium
				v.sail(10*media.Second, 30*media.Second)
				repeated, received := float64(v.repeated)/float64(v.ticks), float64(v.received)/float64(v.sent)
				t.Logf("%.2f %% in repeats, longest %v; %v of sound missing; received %.3f x sent; %d key frames; %v extra, skew %v",
					100*repeated, v.longest.Duration(), v.silence.Duration(), received, v.keys, v.sess.sync.given.Duration(), v.skew.Duration())
				if repeated > c.repeated || received > c.received || v.silence > c.silence || v.skew > 20*ms {
					t.Errorf("wanted %.1f %% in repeats, %v of sound missing, received %.2f x sent, skew 20 ms at most", 100*c.repeated, c.silence.Duration(), c.received)
				}
			}
		})
	}
}

// A source that was on no canvas is back within 300 ms of being wanted, from a key frame on.
func TestBackWhenWanted(t *testing.T) {
	w := weather{delay: 40 * ms, jitter: 10 * ms}
	v := newVoyage(w, w, 150*ms, 1)
	in := v.inlets[media.VP8]
	changed := make(chan struct{})
	in.demand = &Demand{Changed: changed}
	v.video.t.demand = *in.demand
	v.later(5*media.Second, func() { in.demand = &Demand{W: 640, H: 360}; close(changed) })
	v.sail(0, 9*media.Second)
	if len(in.got) == 0 {
		t.Fatal("it never came back")
	}
	first := in.got[0]
	t.Logf("back after %v", (first.ready - 5*media.Second).Duration())
	if !first.Key || first.ready < 5*media.Second || first.ready > 5*media.Second+300*ms {
		t.Errorf("at %v, key frame %v", first.ready, first.Key)
	}
	if after := v.inlets[media.Opus].got; len(after) < 400 {
		t.Errorf("%d packets of sound, which is always wanted", len(after))
	}
}
