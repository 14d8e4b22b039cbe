package room

import (
	"log/slog"
	"time"

	"tilecast/media"
)

// setClock tells of this machine's clock being set while a program runs, which its playlists do not follow: dates that went
// back or jumped would be worse for players than dates that are off.
type setClock struct{ told time.Duration }

// stepOf is by how much the machine's clock was set, or the machine slept, since c began.
func stepOf(c media.Clock, now time.Time) time.Duration { return now.Round(0).Sub(c.Wall(c.At(now))) }

// tell warns of each step of a second or more.
func (s *setClock) tell(step time.Duration, log *slog.Logger) {
	if d := step - s.told; d.Abs() < time.Second {
		return
	}
	s.told = step
	log.Warn("this machine's clock was set, or it slept, while a program runs: dates in its playlists are off, until the next program", "by", step)
}
