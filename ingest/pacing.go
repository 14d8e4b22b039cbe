package ingest

import "tilecast/media"

// A source is sparse when its pictures come this far apart, twice in a row; it is
// not any more after so many that come closer together.
const (
	sparseGap  = 700 * media.Millisecond
	denseAfter = 5
)

// pacing tells a source that sends a picture now and then, such as a shared screen, from a camera.
type pacing struct {
	last   media.Time
	wide   int // wide gaps in a row
	close  int // close ones in a row
	sparse bool
}

// picture notes a picture that came at now.
func (p *pacing) picture(now media.Time) {
	gap := now - p.last
	switch {
	case p.last == 0:
	case gap >= sparseGap:
		p.wide, p.close = p.wide+1, 0
		p.sparse = p.sparse || p.wide >= 2
	default:
		p.wide, p.close = 0, p.close+1
		p.sparse = p.sparse && p.close < denseAfter
	}
	p.last = now
}
