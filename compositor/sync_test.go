package compositor

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// drifter is a broadcaster whose camera and microphone run on a crystal of their own. Each second it flashes and beeps,
// a share of a second after the others. What it sends comes with the times that ingest found: the true ones.
type drifter struct {
	k        int
	ppm      float64
	video    *Input
	voice    *Input
	pictures codec.VideoEncoder
	sounds   codec.AudioEncoder
	frame    int64 // pictures sent
	packet   int64 // packets of sound
	pic      *codec.Picture
	tone     float64 // Hz
}

// real is the program time at which tick n of the broadcaster's own clock, which should run at rate Hz, comes.
func (d *drifter) real(n int64, rate float64) media.Time {
	return media.Time(float64(n) / rate / (1 + d.ppm/1e6) * float64(media.Second))
}

// flashes reports whether it flashes at its own time s, and since when. The phase is that of a picture.
func (d *drifter) flashes(s float64) bool {
	phase := float64(d.k*7) / 30
	return s > 0 && math.Mod(s-phase+0.0001+10, 1) < 0.2
}

// hum lets the voice run up to a time without codecs: only its clock matters.
func (d *drifter) hum(to media.Time) {
	for ; d.real(d.packet*960, 48000) < to; d.packet++ {
		d.voice.voice.write(d.real(d.packet*960, 48000), d.samples(false))
	}
	d.frame = int64(float64(d.packet) * 960 / 48000 * 30)
}

// samples are those of the next packet: a beep of its own pitch while it flashes, a low hum throughout.
func (d *drifter) samples(beeps bool) []float32 {
	out := make([]float32, 2*960)
	for i := range 960 {
		s := float64(d.packet*960+int64(i)) / 48000
		x := 0.02 * math.Sin(2*math.Pi*110*s)
		if beeps && d.flashes(s) {
			x += 0.15 * math.Sin(2*math.Pi*d.tone*s)
		}
		out[2*i], out[2*i+1] = float32(x), float32(x)
	}
	return out
}

// send encodes and sends what was captured before a time.
func (d *drifter) send(t *testing.T, to media.Time) {
	for ; d.real(d.frame, 30) < to; d.frame++ {
		codec.Fill(d.pic, black)
		if d.flashes(float64(d.frame) / 30) {
			codec.Fill(d.pic, white)
		}
		d.pic.At = d.real(d.frame, 30)
		packets, err := d.pictures.Encode(d.pic, fps30.Frame(1), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			d.video.step(p)
		}
	}
	for ; d.real(d.packet*960, 48000) < to; d.packet++ {
		packets, err := d.sounds.Encode(d.samples(true))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			p.At = d.real(d.packet*960, 48000)
			d.voice.step(p)
		}
	}
}

// Five minutes of clocks that are up to 2400 ppm off drift as far as an hour of 200 ppm: 0.72 s. Then the encoded
// program is decoded, and in it every tile still beeps within 20 ms of its flash.
func TestLipsStayWithTheSoundAfterAnHourOfDrift(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	set := codec.LibAV()
	if _, err := set.NewVideoDecoder(media.VP8); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	cfg := config()
	cv := &cfg.Canvases[0]
	cv.W, cv.H = 320, 180
	cv.Rungs = []Rung{{Name: "180p", W: 320, H: 180, BitRate: 600_000, Encoder: "libx264", Preset: "ultrafast"}}
	tapes := map[string]*tape{}
	cfg.Open = func(_, id string, p media.Params) (Outlet, error) {
		tapes[id] = &tape{params: p}
		return tapes[id], nil
	}
	p, err := NewInline(cfg, set)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var all []*drifter
	for k, ppm := range []float64{2400, -2400, 1200, -600} {
		all = append(all, newDrifter(t, p, set, k, ppm))
	}
	from := 300 * media.Second
	to := from + 10*media.Second
	block := make([]float32, 2*blockLen)
	n := int64(0)
	mix := func(to media.Time, keep bool) {
		for ; media.FromTicks((n+1)*blockLen, 48000) <= to; n++ {
			p.c.mixer.block(n*blockLen, block)
			if keep {
				p.c.sounds[0].take(block)
			}
		}
	}
	for at := media.Time(0); at < from; at += media.Second / 10 {
		for _, d := range all {
			d.hum(at + media.Second/20)
		}
		mix(at, false)
	}
	for _, d := range all {
		if v := d.voice.voice; v.steered == 0 || v.snaps+v.gaps+v.late > 0 {
			t.Errorf("%+v ppm: steered %d times, %d snaps, %d gaps, %d late", d.ppm, v.steered, v.snaps, v.gaps, v.late)
		}
	}
	p.next = from.Ticks(1) * 30
	p.c.canvases[0].rungs[0].next = p.next
	begin := n
	for ; fps30.Frame(p.next) < to; p.Frame() {
		at := fps30.Frame(p.next)
		for _, d := range all {
			d.send(t, at+media.Second/20)
		}
		mix(at, true)
	}
	flashes := findFlashes(t, set, tapes["180p"], from, p)
	beeps := findBeeps(t, tapes[AudioID], media.FromTicks(begin*blockLen, 48000), all)
	for k, d := range all {
		pairs := 0
		for n := int64(7 * k); ; n += 30 { // the picture with which a flash begins
			due := d.real(n, 30) + cfg.Delay
			if due > to-media.Second/2 {
				break
			} else if due < from+media.Second {
				continue
			}
			pairs++
			flash, beep := closest(flashes[k], due), closest(beeps[k], due)
			if off := flash - due; off < -40*media.Millisecond || off > 40*media.Millisecond {
				t.Errorf("tile %d (%+v ppm): the flash of %v is at %v", k, d.ppm, due, flash)
			}
			if off := beep - flash; off < -20*media.Millisecond || off > 20*media.Millisecond {
				t.Errorf("tile %d (%+v ppm): beep %v after the flash at %v", k, d.ppm, off, flash)
			}
		}
		if pairs < 8 || len(flashes[k]) > pairs+1 || len(beeps[k]) > pairs+2 {
			t.Errorf("tile %d: %d pairs are due, there are %d flashes and %d beeps", k, pairs, len(flashes[k]), len(beeps[k]))
		}
	}
}

// closest is which of times is next to at; 0 of none.
func closest(times []media.Time, at media.Time) (best media.Time) {
	for _, x := range times {
		if max(x-at, at-x) < max(best-at, at-best) {
			best = x
		}
	}
	return best
}

func newDrifter(t *testing.T, p *Inline, set codec.Set, k int, ppm float64) *drifter {
	t.Helper()
	number, err := p.Join(fmt.Sprint(k), media.VP8)
	if err != nil {
		t.Fatal(err)
	}
	tile := p.c.tiles[k]
	d := &drifter{k: k, ppm: ppm, video: p.inputs[number], pic: codec.NewPicture(160, 90), tone: 800 + 500*float64(k)}
	if d.voice, err = newInput(p.c, media.Opus); err != nil {
		t.Fatal(err)
	}
	p.c.mixer.add(d.voice.voice, tile.strip)
	if d.pictures, err = set.NewVideoEncoder(codec.VideoConfig{Codec: media.VP8, W: 160, H: 90, Rate: fps30, BitRate: 300_000, GOP: 3000}); err != nil {
		t.Skip(err)
	}
	if d.sounds, err = set.NewAudioEncoder(codec.AudioConfig{Codec: media.Opus, BitRate: 64_000}); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		d.pictures.Close()
		d.sounds.Close()
		d.voice.finish()
		d.pic.Release()
	})
	return d
}

// findFlashes decodes the pictures and tells when each of four tiles turned white.
func findFlashes(t *testing.T, set codec.Set, tp *tape, from media.Time, p *Inline) (all [4][]media.Time) {
	t.Helper()
	dec, err := set.NewVideoDecoder(media.H264)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var lit [4]bool
	for _, pk := range tp.packets {
		if pk.Key {
			pk.Data = append(append([]byte(nil), tp.params.Video.Extra...), pk.Data...)
		}
		pics, err := dec.Decode(pk)
		if err != nil {
			t.Fatal(err)
		}
		for _, pic := range pics {
			for k := range lit {
				c := pic.Pixel(80+k%2*160, 45+k/2*90)
				if now := c.Y > 120; now != lit[k] {
					if lit[k] = now; now && pic.At > from+media.Second {
						all[k] = append(all[k], pic.At)
					}
				}
			}
			pic.Release()
		}
	}
	return all
}

// findBeeps decodes the sound and tells when each tile's tone began.
func findBeeps(t *testing.T, tp *tape, begin media.Time, ds []*drifter) (all [4][]media.Time) {
	t.Helper()
	dec, err := codec.LibAV().NewAudioDecoder(media.AAC)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var mono []float64
	for _, pk := range tp.packets {
		samples, err := dec.Decode(pk.Data)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(samples); i += 2 {
			mono = append(mono, float64(samples[i]))
		}
	}
	for k, d := range ds {
		all[k] = onsets(mono, d.tone, begin)
	}
	return all
}

// onsets are the times at which the envelope of a tone in 10 ms rises above half of its height.
func onsets(x []float64, freq float64, begin media.Time) (times []media.Time) {
	const win = 480
	level := make([]float64, 0, len(x)/24)
	top := 0.0
	for i := 0; i+win <= len(x); i += 24 {
		var re, im float64
		for j := range win {
			s, c := math.Sincos(2 * math.Pi * freq * float64(i+j) / 48000)
			re, im = re+x[i+j]*c, im+x[i+j]*s
		}
		level = append(level, math.Hypot(re, im))
		top = max(top, level[len(level)-1])
	}
	for i := 1; i < len(level); i++ {
		if level[i-1] < top/2 && level[i] >= top/2 {
			at := begin + media.FromTicks(int64(i*24+win/2), 48000)
			if len(times) == 0 || at-times[len(times)-1] > media.Second/2 {
				times = append(times, at)
			}
		}
	}
	return times
}
