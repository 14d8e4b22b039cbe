package level

import (
	"math"
	"math/rand/v2"
	"testing"
)

// tone is seconds of a sine on both channels.
func tone(freq, peak, seconds float64) []float32 {
	out := make([]float32, 2*int(seconds*Rate))
	for i := range len(out) / 2 {
		x := float32(peak * math.Sin(2*math.Pi*freq*float64(i)/Rate))
		out[2*i], out[2*i+1] = x, x
	}
	return out
}

// noise is white, on both channels alike.
func noise(rms, seconds float64, rng *rand.Rand) []float32 {
	out := make([]float32, 2*int(seconds*Rate))
	for i := range len(out) / 2 {
		x := float32(rms * rng.NormFloat64())
		out[2*i], out[2*i+1] = x, x
	}
	return out
}

func join(parts ...[]float32) (all []float32) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func dB(x float64) float64 { return math.Pow(10, x/20) }

func integrated(x []float32) float64 {
	in := NewIntegrated()
	for i := 0; i < len(x); i += 2048 {
		in.Add(x[i:min(i+2048, len(x))])
	}
	return in.LUFS()
}

// The minimum requirements of EBU Tech 3341 for a meter of stereo, cases 1 to 5; within 0.1 LU.
func TestLoudnessMeetsTech3341(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	at := func(db, s float64) []float32 { return tone(1000, dB(db), s) }
	for name, c := range map[string]struct {
		x    []float32
		want float64
	}{
		"1": {at(-23, 20), -23},
		"2": {at(-33, 20), -33},
		"3": {join(at(-36, 10), at(-23, 60), at(-36, 10)), -23},
		"4": {join(at(-72, 10), at(-36, 10), at(-23, 60), at(-36, 10), at(-72, 10)), -23},
		"5": {join(at(-26, 20), at(-20, 20.1), at(-26, 20)), -23},
	} {
		if got := integrated(c.x); math.Abs(got-c.want) > 0.1 {
			t.Errorf("case %s: %.2f LUFS, want %.1f", name, got, c.want)
		}
	}
}

// Both channels count, also where they are not alike or do not stay so.
func TestMeterHearsBothChannels(t *testing.T) {
	turned := func(x []float32, left, right float32) []float32 {
		y := append([]float32(nil), x...)
		for i := 0; i < len(y); i += 2 {
			y[i], y[i+1] = left*y[i], right*y[i+1]
		}
		return y
	}
	x := tone(1000, dB(-20), 0.5)
	for _, c := range []struct {
		name string
		x    []float32
		want float64 // LUFS at the end
	}{
		{"alike", x, -20},
		{"left alone", turned(x, 1, 0), -23},
		{"right alone", turned(x, 0, 1), -23},
		{"opposite", turned(x, 1, -1), -20},
		{"far out, then alike", join(turned(x, 0, 1), x), -20},
		{"alike, then far out", join(x, turned(x, 0, 1)), -23},
		{"by turns", join(turned(x, 1, 0), x, turned(x, -1, 0.5), turned(x, 0, 1)), -23},
	} {
		m, last := NewMeter(), 0.0
		for i := 0; i < len(c.x); i += 2048 {
			part := c.x[i:min(i+2048, len(c.x))]
			m.Add(part, len(part)/2, func(e float64) { last = e })
		}
		if got := Loudness(last); math.Abs(got-c.want) > 0.05 {
			t.Errorf("%s: %.2f LUFS, want %.0f", c.name, got, c.want)
		}
	}
}

// What rings on after sound ends dies away, instead of going on as numbers that a processor is slow with.
func TestMeterComesToRest(t *testing.T) {
	m := NewMeter()
	x, zero := tone(1000, 1, 1), make([]float32, 2048)
	m.Add(x, Rate, func(float64) {})
	for range 5 * Rate / 1024 {
		m.Add(zero, 1024, func(float64) {})
	}
	for _, k := range m.k {
		for _, z := range []float64{k.shelf.z1, k.shelf.z2, k.pass.z1, k.pass.z2} {
			if z != 0 {
				t.Errorf("five seconds after sound ended there is %v in a filter", z)
			}
		}
	}
}

func TestMeterSurvivesABrokenInput(t *testing.T) {
	m := NewMeter()
	x := tone(1000, 0.1, 0.2)
	x[100] = float32(math.NaN())
	x[5000] = float32(math.Inf(1))
	m.Add(x, len(x)/2, func(float64) {})
	good, last := tone(1000, 0.1, 1), 0.0
	m.Add(good, len(good)/2, func(e float64) { last = e })
	if l := Loudness(last); math.Abs(l+20) > 0.1 {
		t.Errorf("after a broken input a tone of -20 LUFS is measured as %.1f", l)
	}
}

func TestTruePeakSeesBetweenSamples(t *testing.T) {
	// A quarter of the sample rate, sampled 45 degrees off its crests: samples at 0.707 of a wave of 1.
	x := make([]float32, 2*2000)
	for i := range len(x) / 2 {
		w := float32(0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/1999))
		v := w * float32(math.Sin(math.Pi/2*float64(i)+math.Pi/4))
		x[2*i], x[2*i+1] = v, v/2
	}
	if p := TruePeak(x); p < 0.995 || p > 1.005 {
		t.Errorf("true peak %v, want 1", p)
	}
}

// limited runs x through a limiter in blocks and takes its delay away.
func limited(l *Limiter, x []float32, block int) []float32 {
	y := append([]float32(nil), x...)
	y = append(y, make([]float32, 2*Ahead)...)
	for i := 0; i < len(y); i += 2 * block {
		l.Process(y[i:min(i+2*block, len(y))])
	}
	return y[2*Ahead:]
}

func TestLimiterHoldsTruePeaks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	clicks := make([]float32, 2*Rate)
	for range 40 {
		clicks[rng.IntN(len(clicks))] = float32(4 * rng.NormFloat64())
	}
	square := tone(997, 3, 1)
	for i, v := range square {
		square[i] = max(min(v*100, 2), -2)
	}
	for name, x := range map[string][]float32{
		"loud noise":            noise(1, 2, rng),
		"a tone of 12 dB":       tone(220, 4, 1),
		"at a quarter the rate": tone(12_000.3, 1.4, 1),
		"high":                  tone(17_000, 2, 1),
		"clicks":                clicks,
		"square":                square,
		"bursts":                join(tone(440, 0.1, 0.3), tone(440, 5, 0.01), tone(440, 0.1, 0.3), noise(2, 0.002, rng), tone(440, 0.1, 0.3)),
		"a million":             tone(440, 1e6, 0.3),
	} {
		for _, block := range []int{1024, 100} {
			y := limited(NewLimiter(), x, block)
			if p := 20 * math.Log10(float64(TruePeak(y))); p > -3.5 {
				t.Errorf("%s in blocks of %d: true peak of %.2f dB", name, block, p)
			}
		}
	}
}

func TestLimiterLeavesAloneWhatFits(t *testing.T) {
	l := NewLimiter()
	fits := tone(220, 0.65, 1)
	for i, v := range limited(l, fits, 1024) {
		if v != fits[i] {
			t.Fatalf("sample %d is %v instead of %v", i, v, fits[i])
		}
	}
	limited(l, tone(220, 3, 1), 1024)
	limited(l, make([]float32, 2*2*Rate), 1024)
	for i, v := range limited(l, fits, 1024) {
		if v != fits[i] {
			t.Fatalf("it does not let go: sample %d is %v instead of %v", i, v, fits[i])
		}
	}
}

func TestLimiterTurnsDownSmoothly(t *testing.T) {
	x := join(tone(441, 0.5, 0.5), tone(441, 2.5, 0.5), tone(441, 0.5, 1))
	y := limited(NewLimiter(), x, 1024)
	for i := 1; i < len(y)/2; i++ {
		if math.Abs(float64(x[2*i])) < 0.05 || math.Abs(float64(x[2*i-2])) < 0.05 {
			continue
		}
		if g, h := y[2*i]/x[2*i], y[2*i-2]/x[2*i-2]; math.Abs(float64(g-h)) > 0.01 {
			t.Fatalf("gain jumps from %v to %v at sample %d", h, g, i)
		}
	}
	tail := y[2*int(1.95*Rate):]
	for i, v := range tail {
		if x[len(x)-len(tail)+i] != v {
			t.Fatal("after a second the gain is not back")
		}
	}
}

// Both channels are turned down alike, whichever is too loud, and neither hears of the other.
func TestLimiterKeepsChannelsApart(t *testing.T) {
	for _, peaks := range [][2]float64{{2, 0.5}, {0.5, 2}, {2, 1.5}, {2, 0}} {
		x, right := tone(441, peaks[0], 0.5), tone(1000, peaks[1], 0.5)
		for i := 1; i < len(x); i += 2 {
			x[i] = right[i]
		}
		y := limited(NewLimiter(), x, 1024)
		for i := 0; i < len(x); i += 2 {
			if d := y[i]*x[i+1] - y[i+1]*x[i]; math.Abs(float64(d)) > 1e-5 {
				t.Errorf("peaks of %v: sample %d of %v left, %v right comes out as %v and %v", peaks, i/2, x[i], x[i+1], y[i], y[i+1])
				break
			}
		}
		if p := TruePeak(y); p < 0.62 || p > 0.67 {
			t.Errorf("peaks of %v come out as %v", peaks, p)
		}
	}
}

func TestLimiterTakesOutWhatIsNotSound(t *testing.T) {
	x := tone(300, 0.5, 0.2)
	x[1000], x[2001], x[3000] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
	for i, v := range limited(NewLimiter(), x, 1024) {
		if !(v <= 1 && v >= -1) {
			t.Fatalf("sample %d is %v", i, v)
		}
	}
}

func BenchmarkMeter(b *testing.B) {
	stereo := tone(440, 0.5, 1)
	for i := 0; i < len(stereo); i += 2 {
		stereo[i] = -stereo[i]
	}
	for name, x := range map[string][]float32{"alike": tone(440, 0.5, 1), "stereo": stereo, "rest": nil} {
		b.Run(name, func(b *testing.B) {
			m := NewMeter()
			m.Add(stereo, Rate, func(float64) {})
			if x == nil {
				x = make([]float32, 2*Rate)
				for range 5 {
					m.Add(x, Rate, func(float64) {})
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				m.Add(x, Rate, func(float64) {})
			}
		})
	}
}

func BenchmarkLimiter(b *testing.B) {
	for name, peak := range map[string]float64{"below": 0.3, "near": 0.8, "above": 1.5} {
		b.Run(name, func(b *testing.B) {
			l, x, y := NewLimiter(), tone(440, peak, 1024.0/Rate), make([]float32, 2048)
			b.ReportAllocs()
			for b.Loop() {
				copy(y, x)
				l.Process(y)
			}
		})
	}
}
