package compositor

// Stats are a compositor's counters since it was made.
type Stats struct {
	Tiles    int
	Ticks    int64            // frames composed, on all canvases
	Late     int64            // frames not composed because their time had passed
	Repaints int64            // whole canvases drawn
	Moved    int64            // frames on which tiles changed places
	Blocks   int64            // audio frames mixed
	Relief   int              // what gives way under load: 0 nothing, 1 bitrate, 2 frames, 3 motion, 4 top rung
	Given    [giveSteps]int64 // how often each has given way
	Rungs    []RungStats
	Inputs   []InputStats
}

// RungStats are one rung's counters, or the sound's.
type RungStats struct {
	Canvas   string // empty: the sound
	Name     string
	Samples  int64 // written
	Bytes    int64
	Skipped  int64 // slots that share a sample with the one before
	Replaced int64 // composed pictures that the encoder was too late for
	Faults   int64 // errors of the encoder and the outlet
	Replayed int64 // samples of a still picture that were not encoded again
	Gaps     int64 // parts left out
	Failed   bool  // its encoder, or what follows it, does not work now
}

// InputStats are one open track's counters.
type InputStats struct {
	Tile, Codec string
	Packets     int64 // taken
	Dropped     int64 // by the queue, for want of room or of a key frame
	Full        int64 // how often the queue had no room: the decoder is too slow
	Decoded     int64 // pictures or audio frames
	Pixels      int64 // video: decoded in all
	Concealed   int64 // sound: holes made up for
	Faults      int64 // errors of the decoder
	Skipped     int64 // video: pictures never shown because the film was full
	Snaps       int64 // sound: jumps to the right time
	Gaps        int64 // sound: holes for missing packets
	Steered     int64 // sound: packets stretched
	Late        int64 // sound: packets after their time
}

// Stats reads all counters.
func (c *Compositor) Stats() Stats {
	s := Stats{Blocks: c.mixer.blocks.Load(), Relief: int(c.relief.Load())}
	c.reliever.mu.Lock()
	copy(s.Given[:], c.reliever.taken[1:])
	c.reliever.mu.Unlock()
	for _, cv := range c.canvases {
		s.Ticks += cv.ticks.Load()
		s.Late += cv.late.Load()
		s.Repaints += cv.repaints.Load()
		s.Moved += cv.moved.Load()
		for _, r := range cv.rungs {
			s.Rungs = append(s.Rungs, RungStats{
				cv.cfg.Name, r.name, r.samples.Load(), r.bytes.Load(), r.skipped.Load(), r.replaced.Load(), r.faults.Load(),
				r.replayed.Load(), r.gaps.Load(), r.broken.told.Load(),
			})
		}
	}
	for _, a := range c.sounds {
		s.Rungs = append(s.Rungs, RungStats{Name: a.name, Samples: a.samples.Load(), Bytes: a.bytes.Load(), Faults: a.faults.Load(), Replayed: a.replayed.Load(), Gaps: a.gaps.Load()})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Tiles = len(c.tiles)
	for _, t := range c.tiles {
		for _, i := range []*Input{t.video, t.audio} {
			if i != nil {
				s.Inputs = append(s.Inputs, i.stats(t.id))
			}
		}
	}
	return s
}

func (i *Input) stats(tile string) InputStats {
	s := InputStats{Tile: tile, Codec: i.codec.String(), Decoded: i.decoded.Load(), Faults: i.faults.Load()}
	s.Pixels, s.Concealed = i.pixels.Load(), i.concealed.Load()
	s.Packets, s.Dropped, s.Full = i.queue.counts()
	if f := i.film; f != nil {
		f.mu.Lock()
		s.Skipped = f.skipped
		f.mu.Unlock()
	}
	if v := i.voice; v != nil {
		v.mu.Lock()
		s.Snaps, s.Gaps, s.Steered, s.Late = v.snaps, v.gaps, v.steered, v.late
		v.mu.Unlock()
	}
	return s
}
