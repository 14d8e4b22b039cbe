package codec

import (
	"fmt"
	"math"

	"tilecast/media"
)

type fakeAudioDecoder struct {
	out  []float32
	last [2]float64 // level of the latest frame
}

func newFakeAudioDecoder(c media.Codec) (AudioDecoder, error) {
	if !c.Audio() {
		return nil, fmt.Errorf("%v is not an audio codec: %w", c, ErrUnavailable)
	}
	return &fakeAudioDecoder{}, nil
}

func (d *fakeAudioDecoder) Decode(data []byte) ([]float32, error) {
	a, err := ParseFakeAudio(data)
	if err != nil {
		return nil, err
	}
	d.out, d.last = d.out[:0], a.Level
	step := 2 * math.Pi * a.Tone / SampleRate
	for i := range a.Samples {
		v := 1.0
		if a.Tone != 0 {
			v = math.Sin(step * float64(a.Seq*int64(a.Samples)+int64(i)))
		}
		d.out = append(d.out, float32(v*a.Level[0]), float32(v*a.Level[1]))
	}
	return d.out, nil
}

// Conceal goes on at half the level.
func (d *fakeAudioDecoder) Conceal(n int, _ []byte) ([]float32, error) {
	d.out = d.out[:0]
	for range n {
		d.out = append(d.out, float32(d.last[0]/2), float32(d.last[1]/2))
	}
	return d.out, nil
}

func (d *fakeAudioDecoder) Close() {}

type fakeAudioEncoder struct {
	params media.AudioParams
	seq    int64
	out    [1]media.Packet
}

func newFakeAudioEncoder(cfg AudioConfig) (AudioEncoder, error) {
	p, err := cfg.params()
	if err != nil {
		return nil, err
	}
	return &fakeAudioEncoder{params: p}, nil
}

func (e *fakeAudioEncoder) Params() media.AudioParams { return e.params }

func (e *fakeAudioEncoder) Encode(samples []float32) ([]media.Packet, error) {
	if samples == nil {
		return nil, nil
	}
	n := e.params.FrameSize
	if err := checkSamples(samples, n); err != nil {
		return nil, err
	}
	a := listen(samples)
	a.Seq = e.seq
	b := pad(a.Append(nil), 0, e.params.BitRate*n/SampleRate/8)
	at := media.FromTicks(e.seq*int64(n), SampleRate)
	e.out[0] = media.Packet{At: at, Dur: media.FromTicks(int64(n), SampleRate), Key: true, Data: b}
	e.seq++
	return e.out[:], nil
}

func (e *fakeAudioEncoder) Close() {}

// listen measures a frame: peak per channel, the tone by its rising zero crossings, the onset.
func listen(samples []float32) FakeAudio {
	a := FakeAudio{Samples: len(samples) / 2, Onset: -1}
	first, last, crossings := 0, 0, 0
	for i := 0; i < len(samples); i += 2 {
		for c := range a.Level {
			a.Level[c] = max(a.Level[c], math.Abs(float64(samples[i+c])))
		}
		if a.Onset < 0 && max(a.Level[0], a.Level[1]) > 0.01 {
			a.Onset = i / 2
		}
		if i > 0 && samples[i-2] < 0 && samples[i] >= 0 {
			if crossings == 0 {
				first = i / 2
			}
			last = i / 2
			crossings++
		}
	}
	if crossings > 1 {
		a.Tone = math.Round(float64(crossings-1) * SampleRate / float64(last-first))
	}
	for c := range a.Level {
		a.Level[c] = math.Round(a.Level[c]*1e6) / 1e6
	}
	return a
}
