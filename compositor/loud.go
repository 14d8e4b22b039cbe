package compositor

import (
	"math"

	"tilecast/compositor/speaker"
	"tilecast/media"
)

// How far what a sender says may be from its sound, in dB, and what it takes not to be believed any more.
const (
	saidOver   = 6  // more than the sound is not believed: levels of packets and of blocks differ where sound begins and ends
	saidUnder  = 12 // less, in so many blocks more than not, is no level
	saidBlocks = 47 // 1 s
	saidTells  = -50.0
)

// said is how loud a sender says that its packets are (RFC 6464), for the last second or so.
type said struct {
	spans [64]struct {
		from, to int64 // samples of program time
		dbov     float64
	}
	n     int
	under int // blocks, of those louder than saidTells, in which it said too little, less those in which not
}

// note keeps level, as media.Packet has it, of the n samples at time at.
func (s *said) note(at media.Time, n int64, level uint8) {
	if level == 0 {
		return
	}
	from := at.Ticks(sampleRate)
	sp := &s.spans[s.n%len(s.spans)]
	sp.from, sp.to, sp.dbov = from, from+n, 1-float64(level)
	s.n++
}

// loudest is the most that was said of samples from..to; ok is false where nothing was.
func (s *said) loudest(from, to int64) (dbov float64, ok bool) {
	dbov = -127
	for i := range min(s.n, len(s.spans)) {
		if sp := &s.spans[i]; sp.from < to && from < sp.to {
			dbov, ok = max(dbov, sp.dbov), true
		}
	}
	return dbov, ok
}

// of is how loud samples from..to are, which have power, in dBov: as was said, but no louder than they are;
// as they are where nothing was said, and once it was too little for a second of sound.
func (s *said) of(from, to int64, power float64) float64 {
	dbov, ok := s.loudest(from, to)
	if !ok || s.under >= saidBlocks {
		return power
	}
	switch {
	case power < saidTells:
	case dbov < power-saidUnder:
		s.under++
	default:
		s.under = max(s.under-1, 0)
	}
	return min(dbov, power+saidOver)
}

// power is the RMS of samples against full scale, in dBov.
func power(samples []float32) float64 {
	sum := 0.0
	for _, x := range samples {
		sum += float64(x) * float64(x)
	}
	if !(sum > 0) || len(samples) == 0 {
		return -127
	}
	return min(max(10*math.Log10(sum/float64(len(samples))), -127), 0)
}

// floor follows who speaks. It is the mixer's.
type floor struct {
	detector *speaker.Detector
	levels   []speaker.Level
	changed  func(dominant string, order []string, at media.Time)
}

// hear notes how loud c is in its block, as its sender says where that can be, or else as it is. Who is muted
// says nothing, a shared screen is nobody.
func (f *floor) hear(c *channel, from int64) {
	if !c.latest || c.strip.screen.Load() {
		return
	}
	dbov := -127.0
	if c.sound && c.strip.heard() != 0 {
		dbov = c.voice.loud(from, from+blockLen, power(c.samples))
	}
	f.levels = append(f.levels, speaker.Level{ID: c.strip.id, DBov: dbov})
}

// decide ends a block that is heard at the time at.
func (f *floor) decide(at media.Time) {
	if f.detector.Step(f.levels) && f.changed != nil {
		f.changed(f.detector.Dominant(), f.detector.Order(), at)
	}
	f.levels = f.levels[:0]
}
