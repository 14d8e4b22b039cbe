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
func NewIntegrated() *Integrated { return &Integrated{meter: NewMeter()} }

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
func (in *Integrated) LUFS() float64 { return Loudness(gated(in.blocks, energy(-70))) }

// gated is the mean energy of the blocks above an absolute gate and a relative one.
func gated(blocks []float64, gate float64) float64 {
	return meanAbove(blocks, max(gate, meanAbove(blocks, gate)/10))
}

func meanAbove(blocks []float64, gate float64) float64 {
	sum, n := 0.0, 0
	for _, e := range blocks {
		if e > gate {
			sum += e
			n++
		}
	}
	return sum / float64(max(n, 1))
}
