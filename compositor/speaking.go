package compositor

import "slices"

// setSpeaker takes what the speaker detection found: the id of the tile that dominates, empty
// when nobody does, and all tiles that have spoken, the most recent first. It does not draw: the
// mixer may call it.
func (c *Compositor) setSpeaker(dominant string, order []string) {
	c.speaking.Store(&speaking{dominant, slices.Clone(order)})
}

// speaking is who speaks. It is not changed once it is stored.
type speaking struct {
	dominant string
	order    []string
}
