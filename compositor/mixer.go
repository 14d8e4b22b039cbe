package compositor

import (
	"slices"
	"sync"
	"sync/atomic"

	"tilecast/compositor/level"
	"tilecast/compositor/speaker"
	"tilecast/media"
)

// blockLen is what is mixed and encoded at a time, in samples per channel: an AAC frame.
const blockLen = 1024

const blockTime = media.Second / sampleRate * blockLen

// Mix is how the sounds of all tiles become one.
type Mix struct {
	Loudness float64 // LUFS that each broadcaster and the program are held near; 0: as they come
	Duck     float64 // dB by which a shared screen's sound is lowered while somebody speaks; 0: not at all
}

// mixer makes one sound of all voices, a block at a time. It is used by one goroutine, but for add,
// remove and counts.
//
//	voice → strip (levelled, volume, mute, ducking) ┐
//	voice → strip ──────────────────────────────────┴ sum → loudness → limiter
type mixer struct {
	delay   int64 // samples
	limiter *level.Limiter
	duck    ducker
	meter   *level.Meter
	rider   *level.Rider // of the sum; nil: loudness stays as it comes
	gain    float32
	heard   []channel
	floor   floor

	mu       sync.Mutex
	channels []channel

	blocks atomic.Int64
}

// channel is one voice that is heard through a strip. Of a strip's voices only the latest is measured.
type channel struct {
	voice   *voice
	strip   *strip
	latest  bool
	sound   bool // the block holds any
	samples []float32
}

func newMixer(delay media.Time, mix Mix) *mixer {
	m := &mixer{
		delay: delay.Ticks(sampleRate), limiter: level.NewLimiter(), duck: ducker{depth: mix.Duck},
		meter: level.NewMeter(), gain: 1, floor: floor{detector: speaker.New()},
	}
	if mix.Loudness != 0 {
		m.rider = level.NewRider(level.MixRider(mix.Loudness))
	}
	return m
}

func (m *mixer) add(v *voice, s *strip) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.channels {
		if m.channels[i].strip == s {
			m.channels[i].latest = false
		}
	}
	m.channels = append(m.channels, channel{voice: v, strip: s, latest: true, samples: make([]float32, 2*blockLen)})
}

func (m *mixer) remove(v *voice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.channels = slices.DeleteFunc(m.channels, func(c channel) bool { return c.voice == v })
}

// block mixes the program's samples from sample `at` on into out, one block: what the inputs had D
// earlier. It reads them level.Ahead samples further, which the limiter holds back.
func (m *mixer) block(at int64, out []float32) {
	m.mu.Lock()
	m.heard = append(m.heard[:0], m.channels...)
	m.mu.Unlock()
	speech := false
	for i := range m.heard {
		c := &m.heard[i]
		var more bool
		if c.sound, more = c.voice.mix(at+level.Ahead-m.delay, c.samples); !more {
			m.remove(c.voice)
		}
		if c.latest {
			c.strip.listen(c.samples, c.sound)
		}
		speech = speech || c.strip.speaks()
		m.floor.hear(c, at+level.Ahead-m.delay)
	}
	m.floor.decide(media.FromTicks(at, sampleRate))
	clear(out)
	sound := false
	duck := m.duck.step(speech)
	for i := range m.heard {
		c := &m.heard[i]
		c.strip.turn(at, duck)
		if c.sound {
			c.strip.addTo(out, c.samples)
			sound = true
		}
		m.heard[i] = channel{}
	}
	m.level(out, sound)
	m.limiter.Process(out)
	m.blocks.Add(1)
}

// level holds the loudness of the sum. Where there is no sound in it, out is all zeros.
func (m *mixer) level(out []float32, sound bool) {
	if m.rider == nil {
		return
	}
	if !sound {
		m.meter.Add(nil, len(out)/2, m.rider.Hop)
		return
	}
	m.meter.Add(out, len(out)/2, m.rider.Hop)
	to := float32(level.Gain(m.rider.Gain()))
	step := (to - m.gain) / float32(len(out)/2)
	for i := 0; i < len(out); i += 2 {
		m.gain += step
		out[i] *= m.gain
		out[i+1] *= m.gain
	}
	m.gain = to
}
