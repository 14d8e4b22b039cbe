package compositor

import (
	"errors"
	"math"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// A tone of 107 Hz at 0.4, whose packets end anywhere but at zero, moves by 0.0056 from sample to sample; a fade of 5 ms adds
// 0.0017. A click would be ten times that. Where loudness is held it is as much of what is heard.
func TestNothingClicks(t *testing.T) {
	for name, play := range map[string]func(d *desk){
		"join and leave": func(d *desk) {
			for range 5 {
				i := d.join(false, hum(107, 0.4))
				d.run(0.31)
				i.voice.leave()
				d.run(0.1)
			}
		},
		"mute": func(d *desk) {
			i := d.join(false, hum(107, 0.4))
			for k := range 10 {
				i.muted.Store(k%2 == 0)
				d.run(0.117)
			}
		},
		"volume": func(d *desk) {
			i := d.join(false, hum(107, 0.2))
			for k := range 10 {
				i.setVolume(float64(k%3) * 0.9)
				d.run(0.117)
			}
		},
		"loss": func(d *desk) {
			tone := hum(107, 0.4)
			d.join(false, func(n int64) []float32 {
				if n%7 == 3 || n%31 > 27 {
					return nil
				}
				return tone(n)
			})
			d.run(3)
		},
		"a new track of the same tile": func(d *desk) {
			i := d.join(false, hum(107, 0.2))
			d.run(0.5)
			i.voice.leave()
			j := &deskInput{i.strip, newVoice(), hum(107, 0.2), (d.at + 959) / 960}
			d.add(j.voice, j.strip)
			d.inputs = []*deskInput{j}
			d.run(0.5)
		},
		"ducking": func(d *desk) {
			d.join(true, hum(107, 0.4))
			d.run(0.3)
			for range 5 {
				d.duck.hold = duckHold
				d.run(2.5)
			}
		},
	} {
		for _, loud := range []float64{0, -16} {
			d := newDesk(Mix{Loudness: loud, Duck: 12})
			play(d)
			most := float64(peak(d.out))*(2*math.Pi*107/sampleRate+1.0/fadeLen) + 0.0005
			if step, at := roughest(append(make([]float32, 2), d.out...)); step > most {
				t.Errorf("%s, loudness %v: a step of %.4f at %.3f s, want at most %.4f", name, loud, step, float64(at)/sampleRate, most)
			}
		}
	}
}

// click is a step from one sample to the next that is heard as such: a twentieth of full scale. The tones here move
// by a tenth of that.
const click = 0.05

// inlineSound is a program of sound, for tests that mix it themselves, with an outlet that keeps all of it.
func inlineSound(t *testing.T, set codec.Set) (*Inline, *tape) {
	t.Helper()
	if _, err := set.NewAudioDecoder(media.Opus); errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	cfg, out := config(), &tape{}
	cfg.Canvases[0].Rungs = []Rung{{Name: "180p", W: 320, H: 180, BitRate: 300_000, Encoder: "libx264", Preset: "ultrafast"}}
	cfg.Open = func(_, id string, p media.Params) (Outlet, error) {
		if id == AudioID {
			return out, nil
		}
		return &tape{}, nil
	}
	p, err := NewInline(cfg, set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, out
}

// What is made up of packets that are lost, one or a few, joins what came before and after without a click.
func TestConcealedLossDoesNotClick(t *testing.T) {
	set := codec.LibAV()
	p, _ := inlineSound(t, set)
	in, err := newInput(p.c, media.Opus)
	if err != nil {
		t.Fatal(err)
	}
	defer in.finish()
	enc, err := set.NewAudioEncoder(codec.AudioConfig{Codec: media.Opus, BitRate: 64_000})
	if err != nil {
		t.Skip(err)
	}
	defer enc.Close()
	tone := hum(107, 0.4)
	for n := int64(0); n < 100; n++ {
		packets, err := enc.Encode(tone(n))
		if err != nil {
			t.Fatal(err)
		}
		for _, pk := range packets {
			if pk.At = at48(n * 960); n%11 != 3 && n%31 < 28 {
				in.step(pk)
			}
		}
	}
	if in.concealed.Load() < 8 {
		t.Errorf("%d stretches are concealed", in.concealed.Load())
	}
	out := hear(in.voice, 0, 99*960)
	if step, at := roughest(append(make([]float32, 2), out...)); step > click || peak(out) < 0.35 {
		t.Errorf("a step of %.4f at %.3f s, with a peak of %.2f", step, float64(at)/sampleRate, peak(out))
	}
}

// Where the AAC encoder fails in a block, or in a few, what stands in for it joins its neighbours without a click.
func TestFailingEncoderDoesNotClick(t *testing.T) {
	set := codec.LibAV()
	open := set.NewAudioEncoder
	set.NewAudioEncoder = func(c codec.AudioConfig) (codec.AudioEncoder, error) {
		e, err := open(c)
		return &brittleAudio{AudioEncoder: e}, err
	}
	p, tape := inlineSound(t, set)
	s, tone := p.c.sounds[0], hum(107, 0.4)
	var x []float32
	for n := range int64(200) {
		x = append(x, tone(n)...)
	}
	for ; len(x) >= 2*blockLen; x = x[2*blockLen:] {
		s.take(x[:2*blockLen])
	}
	dec, err := set.NewAudioDecoder(media.AAC)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	out := make([]float32, 2)
	for _, pk := range tape.packets {
		samples, err := dec.Decode(pk.Data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, samples...)
	}
	if step, at := roughest(out); step > click || peak(out) < 0.35 || s.faults.Load() != 4 {
		t.Errorf("a step of %.4f at %.3f s, with a peak of %.2f and %d faults", step, float64(at)/sampleRate, peak(out), s.faults.Load())
	}
}
