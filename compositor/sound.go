package compositor

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// mixQueue bounds the mixed blocks that wait for the encoder. The mixer waits when
// it is full, and catches up after: sound is never dropped.
const mixQueue = 32

// sound encodes the mix at one bit rate.
type sound struct {
	name string
	enc  codec.AudioEncoder
	out  Outlet
	log  *slog.Logger

	full   chan block
	free   chan []float32
	failed bool

	part     media.Time // length of one
	at       media.Time // of the next packet
	fed, got int        // blocks in, packets out
	drop     int        // packets that come out of before a pause
	zeros    int        // silent blocks in sequence
	last     []byte
	silence  []byte // the packet of unending silence; nil: not known, or not so now

	samples, bytes, faults, replayed, gaps atomic.Int64
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
		name: r.Name, enc: enc, log: cfg.Log.With("rung", r.Name), part: cfg.Rate.Frame(int64(cfg.PartFrames)),
		full: make(chan block, mixQueue), free: make(chan []float32, mixQueue+2),
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

// block is what the mixer hands to an encoder: samples, or a pause up to a time.
type block struct {
	samples []float32
	until   media.Time
}

// put hands a copy of the mix to the encoder, and waits for it where its queue is full.
func (s *sound) put(mix []float32) {
	b := <-s.free
	copy(b, mix)
	s.full <- block{samples: b}
}

// run encodes blocks until full is closed, and flushes.
func (s *sound) run() {
	for b := range s.full {
		if b.samples == nil {
			s.pause(b.until)
			continue
		}
		s.take(b.samples)
		s.free <- b.samples
	}
	s.encode(nil)
	if err := s.close(); err != nil {
		s.fault("close", err)
	}
}

// settled is how many silent blocks it takes until an encoder has forgotten what was before.
const settled = 6

// take encodes one block. Silence that goes on is encoded once: its packets are all the same, and an
// encoder that was not given some of it goes on as if nothing had been left out.
func (s *sound) take(b []float32) {
	zero := silent(b)
	if zero && s.silence != nil {
		s.emit(media.Packet{Dur: blockTime, Key: true, Data: s.silence})
		s.replayed.Add(1)
		return
	}
	before := s.last
	s.silence = nil
	s.encode(b)
	if s.zeros++; !zero {
		s.zeros = 0
	}
	if s.zeros > settled && bytes.Equal(before, s.last) {
		s.silence = s.last
	}
}

// encode codes one block; nil flushes.
func (s *sound) encode(b []float32) {
	if b != nil {
		s.fed++
	}
	packets, err := s.enc.Encode(b)
	if err != nil {
		s.fault("encode", err)
		if b != nil && len(packets) == 0 && s.last != nil { // else all that follows would come too early
			packets = append(packets, media.Packet{Dur: blockTime, Key: true, Data: s.last})
		}
	}
	s.got += len(packets)
	for _, p := range packets {
		if s.drop > 0 {
			s.drop--
			continue
		}
		s.last = p.Data
		s.emit(p)
	}
}

// emit writes a packet at its place.
func (s *sound) emit(p media.Packet) {
	p.At = s.at
	s.at += p.Dur
	if err := s.out.Write(p); err != nil {
		s.fault("write", err)
	}
	s.samples.Add(1)
	s.bytes.Add(int64(len(p.Data)))
}

// pause leaves out what lies before until, once what was encoded is out.
func (s *sound) pause(until media.Time) {
	s.encode(make([]float32, 2*blockLen))
	s.drop, s.silence, s.zeros = s.fed-s.got, nil, 0
	if err := s.out.(Gapper).Gap(until); err != nil {
		s.fault("gap", err)
	}
	s.gaps.Add(s.partOf(until) - s.partOf(s.at))
	s.at = until
}

// partOf numbers the part that has the block at a time, which ends within it.
func (s *sound) partOf(at media.Time) int64 { return int64((at + blockTime - 1) / s.part) }

func silent(b []float32) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
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
