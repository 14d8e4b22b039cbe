package codec

import (
	"image"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"tilecast/media"
)

// busy is a picture that costs about as much as a grid of webcams: it moves, with the noise of a sensor.
func busy(p *Picture, n int) *Picture {
	texture(p, 6*n)
	seed := uint32(n)
	luma := p.planes()[0]
	for y := range luma.h {
		row := luma.row(y)
		for x := range row {
			seed = seed*1664525 + 1013904223
			row[x] = uint8(min(max(int(row[x])+int(seed>>27)-16, 16), 235))
		}
	}
	return p
}

// bucket holds what was sent and could not leave yet at a rate: never more than the decoder's buffer (H.264 annex C).
type bucket struct{ rate, size, fill, most float64 }

func (b *bucket) add(bits int) {
	b.fill = max(0, b.fill-b.rate/30) + float64(bits)
	b.most = max(b.most, b.fill/b.size)
}

// Rates whose peak lies above the mean, as in the default ladder, go down and up again: the mean follows, and no
// buffer runs dry on the way.
func TestMeanRateFollowsWhereThePeakIsHigher(t *testing.T) {
	set := needLibAV(t)
	cfg := x264Config()
	cfg.BitRate, cfg.MaxRate = 2_500_000, 3_000_000
	e := mustEncoder(t, set, cfg)
	var pics [30]*Picture
	for k := range pics {
		pics[k] = busy(NewPicture(cfg.W, cfg.H), k)
		defer pics[k].Release()
	}
	announced, n := bucket{rate: 3_000_000, size: 1_500_000}, 0
	run := func(seconds int, own *bucket) (mean int) {
		for range 30 * seconds {
			p := pics[n%len(pics)]
			p.At = fps30.Frame(int64(n))
			pkts, err := e.Encode(p, fps30.Frame(1), n%60 == 0)
			if err != nil || len(pkts) != 1 {
				t.Fatal(len(pkts), err)
			}
			bits := 8 * len(pkts[0].Data)
			announced.add(bits)
			own.add(bits)
			mean += bits / seconds
			n++
		}
		return mean
	}
	for _, c := range []struct {
		bit, max    int
		least, most int // mean
	}{
		{2_500_000, 3_000_000, 2_100_000, 3_100_000},
		{800_000, 3_000_000, 640_000, 880_000},
		{1_500_000, 1_800_000, 1_200_000, 1_650_000},
		{2_500_000, 3_000_000, 2_100_000, 3_100_000},
	} {
		if err := e.(RateSetter).SetRate(c.bit, c.max, 0); err != nil {
			t.Fatal(err)
		}
		run(1, &bucket{size: 1e12}) // what the buffer holds of before
		rate := float64(c.max)
		if c.bit < cfg.BitRate {
			rate = float64(c.bit)
		}
		own := &bucket{rate: rate, size: rate / 2}
		mean := run(5, own)
		t.Logf("%d/%d: %d bit/s, %.2f of the buffer", c.bit, c.max, mean, own.most)
		if mean < c.least || mean > c.most || own.most > 1.05 {
			t.Errorf("%d/%d bit/s: %d, %.2f of the buffer", c.bit, c.max, mean, own.most)
		}
	}
	if announced.most > 1.05 {
		t.Errorf("%.2f of the buffer that is announced", announced.most)
	}
}

// What a calm scene saved is not spent later: soon after it the mean is what was asked for, whatever the peak may be.
func TestMeanRateForgetsWhatWasCalm(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	set := needLibAV(t)
	for _, most := range []int{480_000, 1_200_000} {
		e := mustEncoder(t, set, VideoConfig{Codec: media.H264, W: 320, H: 180, Rate: fps30, BitRate: 400_000, MaxRate: most})
		var pics [30]*Picture
		for k := range pics {
			pics[k] = busy(NewPicture(320, 180), k)
			defer pics[k].Release()
		}
		n := 0
		run := func(seconds int, pic func() *Picture) (mean int) {
			for range 30 * seconds {
				p := pic()
				p.At = fps30.Frame(int64(n))
				pkts, err := e.Encode(p, fps30.Frame(1), n%60 == 0)
				if err != nil || len(pkts) != 1 {
					t.Fatal(len(pkts), err)
				}
				mean += 8 * len(pkts[0].Data) / seconds
				n++
			}
			return mean
		}
		moving := func() *Picture { return pics[n%len(pics)] }
		calm := NewPicture(320, 180)
		defer calm.Release()
		slide := func() *Picture { // a cursor blinks on it
			texture(calm, 0)
			Fill(calm.View(image.Rect(32, 32, 48, 48)), YCbCr{uint8(16 + 200*(n/15%2)), 128, 128})
			return calm
		}
		before := run(20, moving)
		saved := run(120, slide)
		run(20, moving)
		after := run(20, moving)
		t.Logf("peak %d: %d bit/s, %d calm, %d later", most, before, saved, after)
		if saved > 300_000 || before < 360_000 || before > 440_000 || after < 360_000 || after > 440_000 {
			t.Errorf("peak %d: %d bit/s, %d calm, %d later", most, before, saved, after)
		}
	}
}

func TestRateDoesNotGoAboveWhatWasOpened(t *testing.T) {
	bothSets(t, func(t *testing.T, set Set, _ bool) {
		e := mustEncoder(t, set, VideoConfig{Codec: media.H264, W: 320, H: 180, Rate: fps30, BitRate: 500_000, MaxRate: 600_000})
		for _, c := range [][2]int{{510_000, 600_000}, {500_000, 610_000}} {
			if err := e.(RateSetter).SetRate(c[0], c[1], 0); err == nil || !strings.Contains(err.Error(), "opened with") {
				t.Errorf("%d/%d bit/s: %v", c[0], c[1], err)
			}
		}
		if err := e.(RateSetter).SetRate(500_000, 600_000, 0); err != nil {
			t.Error(err)
		}
	})
}

// Sound keeps to its rate, in any second and in any two of them, whatever was before: a pause or a tone, for which libav's own
// control would have saved without bound.
func TestSoundKeepsToItsRate(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	set := needLibAV(t)
	rng := rand.New(rand.NewPCG(1, 2))
	tone := func(s float64) float64 { return 0.1 * math.Sin(2*math.Pi*440*s) }
	noise := func(float64) float64 { return 0.5 * (2*rng.Float64() - 1) }
	silence := func(float64) float64 { return 0 }
	turns := func(length float64, a, b func(float64) float64) func(float64) float64 {
		return func(s float64) float64 {
			if int(s/length)%2 == 1 {
				return b(s)
			}
			return a(s)
		}
	}
	for _, of := range []struct {
		name  string
		busy  bool // takes all of its rate
		sound func(s float64) float64
	}{
		{"noise", true, noise},
		{"a square wave", false, func(s float64) float64 { return math.Copysign(0.5, math.Sin(2*math.Pi*110*s)) }},
		{"clicks", false, func(s float64) float64 {
			if math.Mod(s, 0.05) > 0.002 {
				return 0
			}
			return noise(s)
		}},
		{"noise after silence", false, turns(2, silence, noise)},
		{"bursts", false, turns(0.5, silence, noise)},
		{"noise after a tone", false, turns(2, tone, noise)},
	} {
		for _, rate := range []int{48_000, 128_000} {
			e, err := set.NewAudioEncoder(AudioConfig{Codec: media.AAC, BitRate: rate})
			if err != nil {
				t.Fatal(err)
			}
			var bits []float64
			block := make([]float32, 2*1024)
			for n := range 47 * 12 {
				for i := range 1024 {
					s := float64(n*1024+i) / SampleRate
					block[2*i], block[2*i+1] = float32(of.sound(s)), float32(of.sound(s))
				}
				pkts, err := e.Encode(block)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range pkts {
					bits = append(bits, float64(8*len(p.Data)))
				}
			}
			e.Close()
			most := func(blocks int) (most float64) { // of so many blocks, in rates
				for i := range len(bits) - blocks + 1 {
					sum := 0.0
					for _, b := range bits[i : i+blocks] {
						sum += b
					}
					most = max(most, sum/(float64(rate*blocks*1024)/SampleRate))
				}
				return most
			}
			one, two, all := most(47), most(94), most(len(bits))
			if one > 1.1 || two > 1.05 {
				t.Errorf("%s at %d bit/s: %.3f times that in a second, %.3f in two", of.name, rate, one, two)
			}
			if of.busy && all < 0.98 {
				t.Errorf("%s at %d bit/s takes %.3f of that", of.name, rate, all)
			}
		}
	}
}
