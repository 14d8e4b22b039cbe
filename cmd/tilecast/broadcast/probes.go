package broadcast

import (
	"image"
	"math"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// FlashBeep is a picture that flashes white for two frames and a sound that beeps at
// 1 kHz for 60 ms, both beginning with each second of the clock. It is stateless: the
// same value serves as Picture and as Sound.
type FlashBeep struct {
	Rate  media.FrameRate // zero: 30
	Level float64         // dBFS of the beep's peak; 0: -6
}

// Beep is how long the tone of a FlashBeep lasts.
const Beep = 60 * media.Millisecond

// Draw implements Picture.
func (f FlashBeep) Draw(p *codec.Picture, t media.Time) {
	rate := f.Rate
	if rate.Num == 0 {
		rate = media.FrameRate{Num: 30, Den: 1}
	}
	u := t % media.Second
	if u < rate.Frame(2)-1 {
		paint(p, p.Bounds(), codec.YCbCr{Y: 235, Cb: 128, Cr: 128})
		return
	}
	paint(p, p.Bounds(), codec.YCbCr{Y: 36, Cb: 128, Cr: 128})
	// a hand that goes once round the picture's bottom each second shows that it lives
	w := p.W / 16 &^ 1
	x := int(float64(p.W-w)*u.Seconds()) &^ 1
	paint(p, image.Rect(x, p.H*7/8&^1, x+w, p.H), codec.YCbCr{Y: 110, Cb: 128, Cr: 128})
}

// Fill implements Sound. The first sample of a beep is the first of a sine and zero.
func (f FlashBeep) Fill(samples []float32, t media.Time) {
	level := f.Level
	if level == 0 {
		level = -6
	}
	a := amplitude(level)
	n := t.Ticks(48000)
	for i := 0; i < len(samples); i += 2 {
		u := (n + int64(i/2)) % 48000
		var v float32
		if u < Beep.Ticks(48000) {
			v = float32(a * math.Sin(2*math.Pi*float64(u)/48))
		}
		samples[i], samples[i+1] = v, v
	}
}

// Tone is a sine.
type Tone struct {
	Hz    float64
	Level float64 // dBFS of its peak, 0 or below
}

// Fill implements Sound; the phase is a function of the clock, whole at each second for whole Hz.
func (s Tone) Fill(samples []float32, t media.Time) {
	a := amplitude(s.Level)
	n := t.Ticks(48000)
	for i := 0; i < len(samples); i += 2 {
		turns := math.Mod(s.Hz*float64((n+int64(i/2))%(48000*3600))/48000, 1)
		v := float32(a * math.Sin(2*math.Pi*turns))
		samples[i], samples[i+1] = v, v
	}
}

func amplitude(dBFS float64) float64 { return math.Pow(10, min(dBFS, 0)/20) }

// Solid is one colour with a lighter square that goes round once in four seconds, so
// that a tile is known by its colour and seen to move.
type Solid struct{ R, G, B uint8 }

// Draw implements Picture.
func (s Solid) Draw(p *codec.Picture, t media.Time) {
	c := codec.RGB(s.R, s.G, s.B)
	paint(p, p.Bounds(), c)
	side := p.H / 8 &^ 1
	a := 2 * math.Pi * (t % (4 * media.Second)).Seconds() / 4
	x := int(float64(p.W-side)/2+float64(p.W)*0.34*math.Cos(a)) &^ 1
	y := int(float64(p.H-side)/2+float64(p.H)*0.34*math.Sin(a)) &^ 1
	mark := codec.YCbCr{Y: 235, Cb: 128, Cr: 128}
	if c.Y > 180 {
		mark.Y = 16
	}
	paint(p, image.Rect(x, y, x+side, y+side), mark)
}

// paint fills r, whose corners are even.
func paint(p *codec.Picture, r image.Rectangle, c codec.YCbCr) {
	r = r.Intersect(p.Bounds())
	if r.Empty() {
		return
	}
	plane := func(b []byte, stride, x, y, w, h int, v uint8) {
		first := b[y*stride+x:][:w]
		for i := range first {
			first[i] = v
		}
		for j := 1; j < h; j++ {
			copy(b[(y+j)*stride+x:][:w], first)
		}
	}
	plane(p.Y, p.StrideY, r.Min.X, r.Min.Y, r.Dx(), r.Dy(), c.Y)
	x, y, w, h := r.Min.X/2, r.Min.Y/2, r.Dx()/2, r.Dy()/2
	if w > 0 && h > 0 {
		plane(p.Cb, p.StrideC, x, y, w, h, c.Cb)
		plane(p.Cr, p.StrideC, x, y, w, h, c.Cr)
	}
}
