package level

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func calculation(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
}

// speech is noise in the rhythm of syllables and sentences: 2.5 s of words, 1 s of a pause with its
// own noise, loudness as measured by R 128.
func speech(lufs, noiseLUFS, seconds float64, rng *rand.Rand) []float32 {
	x := noise(1, seconds, rng)
	for i := range len(x) / 2 {
		s := float64(i) / Rate
		g := 0.0
		if math.Mod(s, 3.5) < 2.5 {
			g = max(math.Sin(2*math.Pi*4*s), 0)
			g *= math.Sqrt(g)
		}
		x[2*i], x[2*i+1] = x[2*i]*float32(g), x[2*i+1]*float32(g)
	}
	scale(x, dB(lufs-integrated(x)))
	n := noise(1, seconds, rng)
	scale(n, dB(noiseLUFS-integrated(n)))
	for i := range x {
		x[i] += n[i]
	}
	return x
}

func scale(x []float32, by float64) {
	for i := range x {
		x[i] *= float32(by)
	}
}

// ride runs x through a meter and a rider and answers the gain at each hop, with the result.
func ride(r *Rider, x []float32) (gains []float64, y []float32) {
	m := NewMeter()
	g := Gain(r.Gain())
	for i := 0; i < len(x); i += 2 * Hop {
		part := x[i:min(i+2*Hop, len(x))]
		m.Add(part, len(part)/2, r.Hop)
		to := Gain(r.Gain())
		gains = append(gains, r.Gain())
		for k := 0; k < len(part); k += 2 {
			f := float32(g + (to-g)*float64(k)/float64(len(part)))
			y = append(y, part[k]*f, part[k+1]*f)
		}
		g = to
	}
	return gains, y
}

// hiss is steady noise, as loud as R 128 says.
func hiss(lufs, seconds float64, rng *rand.Rand) []float32 {
	x := noise(1, seconds, rng)
	scale(x, dB(lufs-integrated(x)))
	return x
}

// mute is digital silence.
func mute(seconds float64) []float32 { return make([]float32, 2*int(seconds*Rate)) }

func TestRiderBringsEveryVoiceToTheTarget(t *testing.T) {
	calculation(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, lufs := range []float64{-8, -16, -22, -27} {
		gains, y := ride(NewRider(SourceRider(-16)), speech(lufs, -65, 30, rng))
		if got := integrated(y[2*10*Rate:]); math.Abs(got+16) > 1 {
			t.Errorf("a voice of %.0f LUFS comes out at %.1f, gain %.1f dB", lufs, got, gains[len(gains)-1])
		}
		for i := 60; i < len(gains); i++ {
			if d := math.Abs(gains[i] - gains[i-1]); d > 0.21 {
				t.Errorf("%.0f LUFS: the gain moves by %.2f dB within 100 ms, %.1f s in", lufs, d, float64(i)/10)
			}
		}
	}
}

func TestRiderNeverPumpsNoise(t *testing.T) {
	calculation(t)
	rng := rand.New(rand.NewPCG(7, 8))
	hiss := noise(1, 60, rng)
	scale(hiss, dB(-45-integrated(hiss)))
	gains, _ := ride(NewRider(SourceRider(-16)), hiss)
	if g := gains[len(gains)-1]; g > 1 {
		t.Errorf("a minute of hiss at -45 LUFS is turned up by %.1f dB", g)
	}
	gains, _ = ride(NewRider(SourceRider(-16)), join(make([]float32, 2*5*Rate), hiss))
	if g := gains[len(gains)-1]; g > 1 {
		t.Errorf("hiss after silence is turned up by %.1f dB", g)
	}
	r := NewRider(SourceRider(-16))
	gains, _ = ride(r, speech(-26, -50, 20, rng))
	before := gains[len(gains)-1]
	pause := noise(1, 30, rng)
	scale(pause, dB(-50-integrated(pause)))
	gains, _ = ride(r, pause)
	for i, g := range gains {
		if math.Abs(g-before) > 0.5 {
			t.Fatalf("in a pause the gain goes from %.1f to %.1f dB, after %.1f s", before, g, float64(i)/10)
		}
	}
}

func TestRiderTurnsDownWhateverIsTooLoud(t *testing.T) {
	x := noise(1, 20, rand.New(rand.NewPCG(9, 10)))
	scale(x, dB(-4-integrated(x)))
	_, y := ride(NewRider(SourceRider(-16)), x)
	if got := integrated(y[2*12*Rate:]); got > -13 {
		t.Errorf("a roar of -4 LUFS comes out at %.1f", got)
	}
}

// talkers are both riders, with the softest voice and the loudest that each brings to the target.
var talkers = []struct {
	name       string
	cfg        RiderConfig
	soft, loud float64
}{
	{"source", SourceRider(-16), -28, -8},
	{"mix", MixRider(-16), -20, -8},
}

// Who was loud and is soft is turned up again.
func TestRiderFollowsAVoiceThatGetsSofter(t *testing.T) {
	calculation(t)
	for _, who := range talkers {
		for _, loud := range []float64{who.loud, -14} {
			rng := rand.New(rand.NewPCG(11, 12))
			r := NewRider(who.cfg)
			ride(r, speech(loud, -65, 10, rng))
			_, y := ride(r, speech(who.soft, -65, 40, rng))
			if got := integrated(y[2*20*Rate:]); math.Abs(got+16) > 1 {
				t.Errorf("%s: of %.0f LUFS, then %.0f: 20 s later it comes out at %.1f", who.name, loud, who.soft, got)
			}
		}
	}
}

// Soft words after loud ones are words, to which a shared screen gives way.
func TestRiderHearsAVoiceThatGetsSofter(t *testing.T) {
	calculation(t)
	rng := rand.New(rand.NewPCG(13, 14))
	r := NewRider(SourceRider(-16))
	ride(r, speech(-8, -65, 10, rng))
	ride(r, speech(-28, -65, 15, rng))
	active := 0
	m := NewMeter()
	x := speech(-28, -65, 14, rng)
	m.Add(x, len(x)/2, func(e float64) {
		r.Hop(e)
		if r.Active() {
			active++
		}
	})
	if active < 60 { // of 100 with words
		t.Errorf("of ten seconds of soft words, %.1f are heard", float64(active)/10)
	}
}

func TestRiderFollowsAVoiceThatGetsLouder(t *testing.T) {
	calculation(t)
	for _, who := range talkers {
		rng := rand.New(rand.NewPCG(15, 16))
		r := NewRider(who.cfg)
		ride(r, speech(who.soft, -65, 30, rng))
		_, y := ride(r, speech(who.loud, -65, 20, rng))
		if got := integrated(y[2*7*Rate:]); math.Abs(got+16) > 1 {
			t.Errorf("%s: of %.0f LUFS, then %.0f: 7 s later it comes out at %.1f", who.name, who.soft, who.loud, got)
		}
	}
}

// Noise is no word for not having been there before.
func TestRiderNeverLiftsNoiseThatBegins(t *testing.T) {
	calculation(t)
	rng := rand.New(rand.NewPCG(17, 18))
	cases := map[string][]float32{
		"steps up":          join(hiss(-60, 8, rng), hiss(-45, 20, rng)),
		"steps up within":   join(hiss(-60, 8.03, rng), hiss(-45, 20, rng)),
		"steps up twice":    join(hiss(-60, 8.03, rng), hiss(-52, 3, rng), hiss(-40, 20, rng)),
		"stops":             join(hiss(-45, 8.05, rng), hiss(-60, 20, rng)),
		"steps up and down": join(hiss(-60, 8.05, rng), hiss(-45, 7.04, rng), hiss(-60, 3.07, rng), hiss(-45, 5.02, rng), hiss(-60, 5, rng)),
	}
	for ms := 5000; ms < 5100; ms += 10 {
		cases[fmt.Sprintf("after %d ms of silence", ms)] = join(mute(float64(ms)/1000), hiss(-45, 10, rng))
	}
	var pushed []float32
	for k := range 12 {
		pushed = join(pushed, mute(0.73+0.11*float64(k%5)), hiss(-42, 0.91+0.17*float64(k%7), rng))
	}
	cases["pushed to be heard"] = pushed
	for name, x := range cases {
		for _, who := range talkers {
			gains, _ := ride(NewRider(who.cfg), x)
			for i, g := range gains {
				if g > 0.5 {
					t.Errorf("%s: hiss that %s is turned up by %.1f dB, after %.1f s", who.name, name, g, float64(i)/10)
					break
				}
			}
		}
	}
}

// After words noise moves nothing: not if it goes on, begins, or comes back.
func TestRiderRestsBetweenWords(t *testing.T) {
	calculation(t)
	for name, pause := range map[string]func(rng *rand.Rand) []float32{
		"hiss":             func(rng *rand.Rand) []float32 { return hiss(-45, 30, rng) },
		"hiss that begins": func(rng *rand.Rand) []float32 { return join(hiss(-60, 3.04, rng), hiss(-42, 30, rng)) },
		"hiss after a mute": func(rng *rand.Rand) []float32 {
			return join(mute(2.08), hiss(-42, 8, rng), mute(3.03), hiss(-42, 8, rng))
		},
		"silence": func(*rand.Rand) []float32 { return mute(10) },
	} {
		for _, lufs := range []float64{-14, -26} {
			rng := rand.New(rand.NewPCG(19, 20))
			r := NewRider(SourceRider(-16))
			gains, _ := ride(r, speech(lufs, -60, 20, rng))
			before := gains[len(gains)-1]
			gains, _ = ride(r, pause(rng))
			for i, g := range gains {
				if math.Abs(g-before) > 0.5 {
					t.Errorf("words of %.0f LUFS, then %s: the gain goes from %.1f to %.1f dB, after %.1f s", lufs, name, before, g, float64(i)/10)
					break
				}
			}
		}
	}
}

// A word every four seconds in a room's noise comes to the target. Between them nothing moves.
func TestRiderHearsWordsInNoise(t *testing.T) {
	calculation(t)
	for _, room := range []float64{-65, -50, -42} {
		rng := rand.New(rand.NewPCG(21, 22))
		var x []float32
		word := speech(-25, -90, 0.8, rng)
		for range 15 {
			x = join(x, word, mute(3.24))
		}
		for i, v := range hiss(room, float64(len(x))/2/Rate, rng) {
			x[i] += v
		}
		gains, y := ride(NewRider(SourceRider(-16)), x)
		if got := integrated(y[2*30*Rate:]); math.Abs(got+16) > 1.5 {
			t.Errorf("words in noise of %.0f LUFS come out at %.1f", room, got)
		}
		for i := 1; i < len(gains); i++ {
			since := math.Mod(float64(i)/10, 4.04) - 0.8
			if since > 0.5 && since < 3 && gains[i] != gains[i-1] {
				t.Fatalf("in noise of %.0f LUFS the gain moves by %.2f dB, %.1f s after a word", room, gains[i]-gains[i-1], since)
			}
		}
	}
}

// A microphone that is shut between words, to the last bit, is a voice as any other.
func TestRiderHearsAVoiceBetweenSilences(t *testing.T) {
	calculation(t)
	rng := rand.New(rand.NewPCG(23, 24))
	var x []float32
	for k := range 15 {
		x = join(x, speech(-26, -60, 1+0.21*float64(k%6), rng), mute(0.57+0.13*float64(k%4)))
	}
	_, y := ride(NewRider(SourceRider(-16)), x)
	if got := integrated(y[2*12*Rate:]); math.Abs(got+16) > 1.5 {
		t.Errorf("words of -26 LUFS between silences come out at %.1f", got)
	}
}

// What the rider itself made too loud is turned down, whatever it is.
func TestRiderTurnsDownNoiseThatItMadeTooLoud(t *testing.T) {
	calculation(t)
	rng := rand.New(rand.NewPCG(25, 26))
	r := NewRider(SourceRider(-16))
	ride(r, speech(-27, -65, 20, rng))
	_, y := ride(r, hiss(-18, 20, rng))
	if got := integrated(y[2*10*Rate:]); got > -13 {
		t.Errorf("noise of -18 LUFS after a soft voice comes out at %.1f", got)
	}
}

// However hops come, what waits to be judged is bounded.
func TestRiderDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(29, 30))
	r := NewRider(SourceRider(-16))
	if n := testing.AllocsPerRun(100_000, func() {
		if rng.IntN(4) == 0 {
			r.Hop(0)
		} else {
			r.Hop(energy(-50 + 50*rng.Float64()))
		}
	}); n > 0 || cap(r.gate.waiting) != memory {
		t.Errorf("%v allocations for each hop, %d blocks wait", n, cap(r.gate.waiting))
	}
}

func BenchmarkRider(b *testing.B) {
	rng := rand.New(rand.NewPCG(27, 28))
	var hops []float64
	x := speech(-26, -60, 20, rng)
	NewMeter().Add(x, len(x)/2, func(e float64) { hops = append(hops, e) })
	r := NewRider(SourceRider(-16))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		r.Hop(hops[n%len(hops)])
	}
}
