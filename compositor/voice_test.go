package compositor

import (
	"math"
	"math/rand/v2"
	"testing"

	"tilecast/media"
)

// source makes packets of 20 ms of a tone whose phase runs on, at full scale/2.
type source struct{ n int64 }

func (s *source) packet() []float32 {
	out := make([]float32, 2*960)
	for i := range 960 {
		x := float32(0.5 * math.Sin(2*math.Pi*440*float64(s.n)/48000))
		out[2*i], out[2*i+1] = x, -x
		s.n++
	}
	return out
}

// seeded makes random numbers of a seed that is told of where the test fails.
func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the seed was %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

func at48(samples int64) media.Time { return media.FromTicks(samples, 48000) }

// hear mixes n samples from sample `from` on, in blocks of 1024.
func hear(v *voice, from, n int64) []float32 {
	out := make([]float32, 2*n)
	for i := int64(0); i < n; i += 1024 {
		v.mix(from+i, out[2*i:2*min(i+1024, n)])
	}
	return out
}

// roughest is the largest step from one sample to the next.
func roughest(x []float32) (step float64, at int) {
	for i := 2; i < len(x); i++ {
		if d := math.Abs(float64(x[i] - x[i-2])); d > step {
			step, at = d, i/2
		}
	}
	return step, at
}

// smooth is a bit more than the steepest step of source's tone, or of a fade of it.
const smooth = 0.5*2*math.Pi*440/48000 + 0.5/fadeLen + 0.001

func TestVoiceInStepIsCopiedExactly(t *testing.T) {
	v, src, rng := newVoice(), source{}, seeded(t)
	var want []float32
	for k := range int64(50) {
		p := src.packet()
		want = append(want, p...)
		jitter := rng.Int64N(2*deadZone-2) - deadZone + 1 // within the dead zone
		if k == 0 {
			jitter = 0
		}
		v.write(at48(10_000+960*k+jitter), p)
	}
	got := hear(v, 10_000, 50*960)
	for i := 2 * fadeLen; i < len(want)-2*fadeLen; i++ {
		if got[i] != want[i] {
			t.Fatalf("sample %d is %v, want %v", i/2, got[i], want[i])
		}
	}
	if step, at := roughest(append([]float32{0, 0}, got...)); step > smooth {
		t.Fatalf("a step of %v at sample %d", step, at)
	}
}

func TestVoiceFadesAtGapsAndEnds(t *testing.T) {
	v, src := newVoice(), source{}
	for k := range int64(20) {
		if p := src.packet(); k != 5 && k != 6 && k != 12 {
			v.write(at48(960*k), p)
		}
	}
	got := hear(v, -500, 21*960)
	if step, at := roughest(got); step > smooth {
		t.Errorf("a step of %v at sample %d", step, at-500)
	}
	for s := range int64(19_500) {
		x, lost := got[2*(s+500)], s/960 == 5 || s/960 == 6 || s/960 == 12 || s >= 19_200
		if lost && x != 0 {
			t.Fatalf("a lost packet sounds at sample %d", s)
		}
	}
	if at := 7*960 + 2*fadeLen; got[2*(at+500)] != (&source{n: int64(at)}).packet()[0] {
		t.Error("after a gap sound is not at its own time")
	}
	if v.gaps != 2 {
		t.Errorf("%d gaps counted, want 2", v.gaps)
	}
	v.end()
	if _, more := v.mix(30_000, make([]float32, 2048)); more {
		t.Error("a voice that has ended goes on")
	}
}

func TestVoiceThatRunsDryFadesOutAndIn(t *testing.T) {
	v, src := newVoice(), source{}
	var got []float32
	out := make([]float32, 2048)
	for k := range int64(30) { // just in time, and not at all from 10 to 14
		for v.next < 1024*(k+1) && (k < 10 || k > 14) {
			if src.n < 1024*k && k == 15 {
				src.n = 1024 * k
			}
			v.write(at48(src.n), src.packet())
		}
		clear(out)
		v.mix(1024*k, out)
		got = append(got, out...)
	}
	if step, at := roughest(got); step > smooth {
		t.Errorf("a step of %v at sample %d", step, at)
	}
	if x := peak(got[2*1024*12 : 2*1024*14]); x != 0 {
		t.Errorf("a dry voice sounds at %v", x)
	}
	if x := peak(got[2*1024*20:]); x < 0.49 {
		t.Errorf("the voice does not come back: %v", x)
	}
}

func TestVoiceSteersAgainstADriftingClock(t *testing.T) {
	for _, ppm := range []float64{-400, -50, 50, 400} {
		v, src := newVoice(), source{}
		var got []float32
		out := make([]float32, 2048)
		var worst int64
		for k := range int64(3000) { // a minute
			at := at48(int64(float64(960*k) * (1 + ppm/1e6)))
			v.write(at, src.packet())
			worst = max(worst, abs(at.Ticks(48000)+960-v.next))
			for int64(len(got)/2)+1024+4800 < v.next {
				clear(out)
				v.mix(int64(len(got)/2), out)
				got = append(got, out...)
			}
		}
		if step, at := roughest(got); step > smooth*1.01 {
			t.Errorf("%v ppm: a step of %v at sample %d", ppm, step, at)
		}
		if worst > deadZone+8 {
			t.Errorf("%v ppm: %d samples out of step", ppm, worst)
		}
		if v.steered == 0 || v.steered > 1000 || v.snaps+v.gaps > 0 {
			t.Errorf("%v ppm: steered %d, snapped %d, gaps %d", ppm, v.steered, v.snaps, v.gaps)
		}
	}
}

// What is made up of a pause is heard until something is written, and as if it had been written where that comes when it
// should, late or early by as much as nobody steers against.
func TestVoiceFillsPauses(t *testing.T) {
	for _, c := range []struct {
		pause int64 // packets, of the 19 that are filled
		shift int64 // samples
		fades bool
	}{{19, 0, false}, {19, 90, false}, {19, -90, false}, {0, 0, false}, {0, 50, false}, {5, 0, true}, {18, 0, true}} {
		v, src := newVoice(), source{}
		at := int64(10_000)
		say := func(n int) {
			for range n {
				v.write(at48(at), src.packet())
				at += 960
			}
		}
		say(10)
		began := src.n
		for range 19 {
			v.fill(src.packet())
		}
		src.n = began + 960*c.pause
		at += 960*c.pause + c.shift
		say(10)
		got := hear(v, 10_000, 20*960+960*c.pause)
		if step, at := roughest(append(make([]float32, 2), got...)); step > smooth {
			t.Errorf("%+v: a step of %v at sample %d", c, step, at)
		}
		dips := false
		for i := 960; i < len(got)/2-960; i += 120 {
			dips = dips || peak(got[2*i:2*i+240]) < 0.4
		}
		if dips != c.fades || v.gaps+v.snaps+v.late > 0 {
			t.Errorf("%+v: fades %v, %d gaps, %d snaps, %d late", c, dips, v.gaps, v.snaps, v.late)
		}
	}
	v, src := newVoice(), source{}
	v.write(at48(0), src.packet())
	v.fill(src.packet())
	v.write(at48(40*960), src.packet())
	if got := hear(v, 0, 41*960); v.gaps != 1 || peak(got[2*2*960:2*40*960]) != 0 || peak(got[2*960:2*1500]) < 0.4 {
		t.Errorf("a pause that is longer: %d gaps", v.gaps)
	}
}

// Ingest gives a publisher up to 600 ms more delay by 2 % of the time that passes, and takes it back by 0.5 %. The pitch goes
// down and up once, without a warble: from packet to packet it moves by 0.2 % at most, and by 0.4 % where steering begins and ends.
func TestVoiceFollowsMoreAndLessDelayEvenly(t *testing.T) {
	for _, n := range []int64{480, 960, 2880} {
		v := newVoice()
		tone := make([]float32, 2*n)
		for i := range tone {
			tone[i] = 0.5
		}
		var last, worst, lag int64
		share := 0.0 // of n, by which two packets in a row are stretched unlike
		for at, extra := int64(0), 0.0; at < 180*48000; at += n {
			switch s := at / 48000; {
			case s >= 10 && s < 40:
				extra += 0.02 * float64(n)
			case s >= 50 && s < 170:
				extra -= 0.005 * float64(n)
			}
			before := v.next
			v.write(at48(at+int64(extra)), tone)
			if at == 0 {
				continue
			}
			stretch := v.next - before - n
			if most := float64(stretch-last) / float64(n); last == 0 || stretch == 0 {
				worst = max(worst, abs(stretch-last)*1000/n)
			} else {
				share = max(share, math.Abs(most))
			}
			last, lag = stretch, max(lag, abs(at+int64(extra)+n-v.next))
		}
		if share > 0.0022 || worst > 4 || lag > 520 || v.snaps+v.gaps > 0 {
			t.Errorf("packets of %d: stretched by %.2f %% more or less than the one before, %d ‰ where it begins or ends; %d samples out of step, %d snaps, %d gaps", n, 100*share, worst, lag, v.snaps, v.gaps)
		}
		if off := abs(v.expect.Ticks(sampleRate) - v.next); off > deadZone {
			t.Errorf("packets of %d: at the end %d samples out of step", n, off)
		}
	}
}

func TestVoiceSnapsAcrossLargeErrors(t *testing.T) {
	for _, jump := range []int64{-40_000, -6000, 6000, 40_000} {
		v, src := newVoice(), source{}
		out, got := make([]float32, 2048), []float32{}
		for k := range int64(100) {
			at := 960 * k
			if k >= 50 {
				at += jump
			}
			v.write(at48(50_000+at), src.packet())
			for int64(len(got)/2)+7200 < 960*k {
				clear(out)
				v.mix(50_000+int64(len(got)/2), out)
				got = append(got, out...)
			}
		}
		if step, at := roughest(got); step > smooth {
			t.Errorf("jump of %d: a step of %v at sample %d", jump, step, at)
		}
		if v.snaps+v.gaps != 1 {
			t.Errorf("jump of %d: %d snaps and %d gaps", jump, v.snaps, v.gaps)
		}
		if want := 50_000 + 960*100 + jump; v.next != want {
			t.Errorf("jump of %d: the voice is %d samples off", jump, v.next-want)
		}
	}
}

func TestSilentVoiceSnapsAtOnce(t *testing.T) {
	v := newVoice()
	v.write(at48(0), make([]float32, 1920))
	v.write(at48(960-200), make([]float32, 1920))
	if v.next != 760+960 || v.steered > 0 {
		t.Errorf("silence is steered: next is %d", v.next)
	}
}

func TestVoiceThatLeavesFadesOut(t *testing.T) {
	v, src := newVoice(), source{}
	for k := range int64(20) {
		v.write(at48(960*k), src.packet())
	}
	got := hear(v, 0, 4096)
	v.leave()
	out := make([]float32, 2048)
	if _, more := v.mix(4096, out); more {
		t.Error("a voice that left is still there")
	}
	if step, at := roughest(append(got, out...)); step > smooth {
		t.Errorf("a step of %v at sample %d", step, at)
	}
}

func TestVoiceIgnoresWildTimes(t *testing.T) {
	v, src, rng := newVoice(), source{}, seeded(t)
	hear(v, 0, 2048)
	for _, at := range []int64{-1 << 40, 1 << 40, -1, 5000, 1 << 50, 4096, 0} {
		v.write(at48(at), src.packet())
		hear(v, 2048, 1024)
	}
	for range 10_000 {
		v.write(at48(rng.Int64N(300_000)-1000), src.packet())
		v.mix(rng.Int64N(200_000), make([]float32, 2048))
		if len(v.spans) > maxSpans {
			t.Fatal("too many spans")
		}
		for i := 1; i < len(v.spans); i++ {
			if v.spans[i].from < v.spans[i-1].to {
				t.Fatalf("spans overlap: %v", v.spans)
			}
		}
	}
}

func peak(x []float32) (p float32) {
	for _, v := range x {
		if v != v {
			return v
		}
		p = max(p, v, -v)
	}
	return p
}
