package compositor

import (
	"log/slog"

	"tilecast/media"
)

// spoke takes a change of who speaks, as the mixer hears it, at program time at.
func (c *Compositor) spoke(dominant string, order []string, at media.Time) {
	was := c.speaking.Load()
	c.setSpeaker(dominant, order)
	if was == nil || was.dominant != dominant {
		c.cfg.Event("speaker", slog.String("id", dominant), slog.Float64("at", at.Seconds()))
	}
}
