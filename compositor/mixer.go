package compositor

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// blockLen is what is mixed and encoded at a time, in samples per channel: an AAC frame.
const blockLen = 1024

const blockTime = media.Second / sampleRate * blockLen

// mixQueue bounds the mixed blocks that wait for the encoder. The mixer waits when
// it is full, and catches up after: sound is never dropped.
const mixQueue = 32

// mixer makes one sound of all voices, one encoder frame at a time. It is used by
// one goroutine, but for add and counts.
type mixer struct {
	delay   int64 // samples
	limiter limiter
	heard   []*voice

	mu     sync.Mutex
	voices []*voice

	blocks atomic.Int64
}

func (m *mixer) add(v *voice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.voices = append(m.voices, v)
}

func (m *mixer) remove(v *voice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.Index(m.voices, v); i >= 0 {
		m.voices = slices.Delete(m.voices, i, i+1)
	}
}

// block mixes the program's samples from sample `at` on into out: what the inputs
// had D earlier.
func (m *mixer) block(at int64, out []float32) {
	clear(out)
	m.mu.Lock()
	m.heard = append(m.heard[:0], m.voices...)
	m.mu.Unlock()
	for i, v := range m.heard {
		if !v.mix(at-m.delay, out) {
			m.remove(v)
		}
		m.heard[i] = nil
	}
	m.limiter.process(out)
	m.blocks.Add(1)
}

// sound encodes the mix at one bit rate.
type sound struct {
	name string
	enc  codec.AudioEncoder
	out  Outlet
	log  *slog.Logger
	base media.Time // of the first block

	full, free chan []float32
	failed     bool

	samples, bytes, faults atomic.Int64
}

func openSound(r Sound, cfg *Config, set codec.Set) (*sound, error) {
	enc, err := set.NewAudioEncoder(codec.AudioConfig{Codec: media.AAC, BitRate: r.BitRate})
	if err != nil {
		return nil, fmt.Errorf("sound %q: open AAC encoder at %d bit/s: %w", r.Name, r.BitRate, err)
	}
	p := enc.Params()
	if p.FrameSize != blockLen {
		enc.Close()
		return nil, fmt.Errorf("sound %q: the AAC encoder has frames of %d samples instead of %d", r.Name, p.FrameSize, blockLen)
	}
	s := &sound{
		name: r.Name, enc: enc, log: cfg.Log.With("rung", r.Name),
		full: make(chan []float32, mixQueue), free: make(chan []float32, mixQueue+2),
	}
	for range cap(s.free) {
		s.free <- make([]float32, 2*blockLen)
	}
	if s.out, err = cfg.Open("", r.Name, media.Params{Audio: &p}); err != nil {
		enc.Close()
		return nil, fmt.Errorf("sound %q: open outlet: %w", r.Name, err)
	}
	return s, nil
}

// put hands a copy of the mix to the encoder, and waits for it where its queue is full.
func (s *sound) put(mix []float32) {
	b := <-s.free
	copy(b, mix)
	s.full <- b
}

// run encodes blocks until full is closed, and flushes.
func (s *sound) run() {
	for b := range s.full {
		s.encode(b)
		s.free <- b
	}
	s.encode(nil)
	if err := s.close(); err != nil {
		s.fault("close", err)
	}
}

// encode codes one block; nil flushes.
func (s *sound) encode(b []float32) {
	packets, err := s.enc.Encode(b)
	if err != nil {
		s.fault("encode", err)
	}
	for _, p := range packets {
		p.At += s.base
		if err := s.out.Write(p); err != nil {
			s.fault("write", err)
		}
		s.samples.Add(1)
		s.bytes.Add(int64(len(p.Data)))
	}
}

// fault counts all errors and logs the first.
func (s *sound) fault(what string, err error) {
	s.faults.Add(1)
	if !s.failed {
		s.log.Error("sound is faulty", "step", what, "err", err)
		s.failed = true
	}
}

func (s *sound) close() error {
	s.enc.Close()
	return s.out.Close()
}
