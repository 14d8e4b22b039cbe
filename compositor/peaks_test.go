package compositor

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/level"
	"tilecast/media"
)

// sing is a voice of pitch f0: pulses through three formants in syllables, hissing between them.
func sing(f0, gain float64, seed uint64) func(int64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 2))
	phase, last := 0.0, 0.0
	var a [32]float64
	return func(n int64) []float32 {
		p := make([]float32, 2*960)
		s := float64(n)/50 + float64(seed)*0.37
		f := f0 * (1 + 0.1*math.Sin(2*math.Pi*0.7*s))
		for h := range a { // this packet's vowel
			a[h] = 0
			for k, formant := range []float64{500 + 250*math.Sin(2.1*s), 1500 + 500*math.Sin(3.4*s), 2600} {
				x := (f*float64(h+1) - formant) / 120
				a[h] += math.Pow(0.5, float64(k)) / (1 + x*x)
			}
		}
		for i := range 960 {
			s := float64(n*960+int64(i))/sampleRate + float64(seed)*0.37
			beat := math.Sin(2 * math.Pi * 3 * s)
			phase += 2 * math.Pi * f / sampleRate
			x := 0.0
			if math.Mod(s, 3) < 2.4 && beat > 0 {
				c, prev, now := 2*math.Cos(phase), 1.0, math.Cos(phase) // of h times the phase
				for h := range a {
					x += a[h] * now
					prev, now = now, c*now-prev
				}
				x *= math.Sqrt(beat)
			} else if beat < -0.8 {
				noise := rng.NormFloat64()
				x, last = 0.5*(noise-last), noise
			}
			p[2*i], p[2*i+1] = float32(gain*x), float32(gain*x)
		}
		return p
	}
}

// band plays chords, a drum and cymbals, wide.
func band(gain float64) func(int64) []float32 {
	rng := rand.New(rand.NewPCG(1, 9))
	chords := [][]float64{{110, 220, 277.2, 329.6}, {146.8, 293.7, 370, 440}, {98, 196, 246.9, 293.7}, {164.8, 329.6, 415.3, 493.9}}
	return func(n int64) []float32 {
		p := make([]float32, 2*960)
		for i := range 960 {
			s := float64(n*960+int64(i)) / sampleRate
			l, r := 0.0, 0.0
			for k, f := range chords[int(s)%4] {
				for h := 1; h < 9; h++ {
					x := math.Sin(2*math.Pi*f*float64(h)*s+float64(k*h)) / float64(h)
					l += x
					r += x * math.Cos(float64(k))
				}
			}
			b := math.Mod(s, 0.5)
			drum := 4*math.Sin(2*math.Pi*(50+60*math.Exp(-b*30))*b)*math.Exp(-b*9) + 2*rng.NormFloat64()*math.Exp(-math.Mod(s+0.5, 1)*14)
			cymbal := rng.NormFloat64() * math.Exp(-math.Mod(s, 0.25)*50)
			p[2*i], p[2*i+1] = float32(gain*(l+drum+cymbal)), float32(gain*(r+drum-cymbal))
		}
		return p
	}
}

// coded is x after an AAC encoder and decoder.
func coded(t *testing.T, x []float32, bitRate int) (out []float32) {
	t.Helper()
	set := codec.LibAV()
	e, err := set.NewAudioEncoder(codec.AudioConfig{Codec: media.AAC, BitRate: bitRate})
	if errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, err := set.NewAudioDecoder(media.AAC)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := 0; i <= len(x); i += 2 * blockLen {
		var b []float32 // nil flushes
		if i < len(x) {
			b = x[i : i+2*blockLen]
		}
		packets, err := e.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			s, err := d.Decode(p.Data)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s...)
		}
	}
	return out
}

// What viewers decode stays below a true peak of -1 dB, and where loudness is left as it comes and the limiter at work all the time,
// below full scale.
func TestPeaksStayLowWhenCoded(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	for _, c := range []struct {
		name string
		play func(d *desk)
	}{
		{"a voice", func(d *desk) { d.join(false, sing(120, 1, 0)) }},
		{"six voices", func(d *desk) {
			for k := range 6 {
				d.join(false, sing(100+17*float64(k), 1, uint64(k)))
			}
		}},
		{"music", func(d *desk) { d.join(false, band(0.4)) }},
	} {
		for loud, most := range map[float64]float64{-16: -1, 0: 0} {
			d := newDesk(Mix{Loudness: loud})
			c.play(d)
			d.run(8)
			dB := func(x []float32) float64 { return 20 * math.Log10(float64(level.TruePeak(x))) }
			mixed, high, low := dB(d.out), dB(coded(t, d.out, 128_000)), dB(coded(t, d.out, 48_000))
			report := t.Logf
			if mixed > -3.5 || mixed < -4 || high > most || low > most {
				report = t.Errorf
			}
			report("%s, loudness %v: a true peak of %.2f dB, %.2f at 128 kbit/s, %.2f at 48", c.name, loud, mixed, high, low)
		}
	}
}
