package level

// memory is the time, in hops, within which a sound begins and ends: 2 s.
const memory = 20

// gate tells sound, which comes and goes, from noise, which stays. A block is sound if a hop before it and
// one after it, at most memory apart, are softer than it by contrast. Digital silence is a microphone that
// was switched off and says nothing of its noise: it takes no time, and hops beside it, which may be
// silent in part, are not looked at.
type gate struct {
	contrast float64 // a factor of energy

	run     int             // hops since silence
	before  float64         // the last of them
	hops    [memory]float64 // the last looked at, a ring
	n       int             // hops looked at
	waiting []block         // for a softer hop
}

// block is the energy of four hops.
type block struct {
	energy float64
	until  int // hop
}

// push takes the next hop and calls sound with the blocks that it proves to be sound.
func (g *gate) push(e float64, sound func(block float64)) {
	if e < 1e-9 {
		g.run = 0
		return
	}
	if g.run++; g.run > 2 {
		g.look(g.before, sound)
	}
	g.before = e
}

func (g *gate) look(e float64, sound func(block float64)) {
	wait := g.waiting[:0]
	for _, b := range g.waiting {
		switch {
		case b.energy > e*g.contrast:
			sound(b.energy)
		case b.until > g.n:
			wait = append(wait, b)
		}
	}
	g.waiting = wait
	g.hops[g.n%memory] = e
	g.n++
}

// softer is the latest hop, but for the last skip ones, that is softer than e by contrast; -1: none within memory.
func (g *gate) softer(e float64, skip int) int {
	for k := g.n - 1 - skip; k >= max(g.n-memory, 0); k-- {
		if e > g.hops[k%memory]*g.contrast {
			return k
		}
	}
	return -1
}

// rose reports whether hop e, the last, is louder than what was before.
func (g *gate) rose(e float64) bool { return g.softer(e, 0) >= 0 }

// wait reports whether the last four hops, of the mean e, are louder than what was before, and
// waits for the end of what they are.
func (g *gate) wait(e float64) bool {
	if g.run < 4 {
		return false
	}
	k := g.softer(e, 3)
	if k >= 0 {
		g.waiting = append(g.waiting, block{e, k + memory})
	}
	return k >= 0
}
