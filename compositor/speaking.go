package compositor

import (
	"log/slog"

	"tilecast/media"
)

// Speaker is the id of the tile that speaks or spoke last, "" before anybody did and after they left.
func (c *Compositor) Speaker() string {
	if s := c.speaking.Load(); s != nil {
		return s.dominant
	}
	return ""
}

// spoke takes a change of who speaks, as the mixer hears it, at program time at.
func (c *Compositor) spoke(dominant string, order []string, at media.Time) {
	was := c.Speaker()
	c.setSpeaker(dominant, order)
	if was != dominant {
		c.cfg.Event("speaker", slog.String("id", dominant), slog.Float64("at", at.Seconds()), slog.String("name", c.mixer.nameOf(dominant)))
	}
}

// nameOf is the name of a tile that is heard, "" of others.
func (m *mixer) nameOf(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.channels {
		if s := m.channels[i].strip; s.id == id {
			if name := s.name.Load(); name != nil {
				return *name
			}
		}
	}
	return ""
}
