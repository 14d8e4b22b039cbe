package room

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tilecast/media"
)

// A clock that is set is told of once, with by how much, and again when it is set once more.
func TestClockThatIsSetIsTold(t *testing.T) {
	now := time.Now()
	if step := stepOf(media.NewClock(now), now.Add(40*24*time.Hour)); step.Abs() > time.Millisecond {
		t.Errorf("off by %v though nobody has set it", step)
	}
	var out bytes.Buffer
	var c setClock
	log := slog.New(slog.NewTextHandler(&out, nil))
	for _, step := range []time.Duration{0, 300 * time.Millisecond, time.Hour, time.Hour + time.Second/2, time.Hour, 0} {
		c.tell(step, log)
	}
	if text := out.String(); strings.Count(text, "WARN") != 2 || !strings.Contains(text, "by=1h0m0s") || !strings.Contains(text, "by=0s") {
		t.Errorf("told:\n%s", text)
	}
}
