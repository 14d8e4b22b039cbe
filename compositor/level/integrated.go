package level

// Integrated is the loudness of a whole program after EBU R 128: the mean of its 400 ms blocks above
// an absolute gate of -70 LUFS and above a relative one, 10 LU below the mean of those.
type Integrated struct {
	meter  *Meter
	last   [4]float64 // hops
	hops   int
	blocks []float64
}

// NewIntegrated measures from silence on. It keeps 80 bytes for each second.
func NewIntegrated() *Integrated { return &Integrated{meter: NewMeter(false)} }

// Add measures interleaved stereo.
func (in *Integrated) Add(samples []float32) {
	in.meter.Add(samples, len(samples)/2, func(e float64) {
		in.last[in.hops%4] = e
		if in.hops++; in.hops >= 4 {
			in.blocks = append(in.blocks, (in.last[0]+in.last[1]+in.last[2]+in.last[3])/4)
		}
	})
}

// LUFS is the loudness so far.
func (in *Integrated) LUFS() float64 {
	gate := energy(-70)
	gate = max(gate, in.mean(gate)/10)
	return Loudness(in.mean(gate))
}

// mean is that of all blocks above gate.
func (in *Integrated) mean(gate float64) float64 {
	sum, n := 0.0, 0
	for _, e := range in.blocks {
		if e > gate {
			sum += e
			n++
		}
	}
	return sum / float64(max(n, 1))
}
