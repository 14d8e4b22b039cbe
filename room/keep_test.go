package room

import (
	"testing"
	"time"

	"tilecast/ingest"
)

// Without a place on disk no playlist is longer than memory can hold.
func TestWindowIsShortWhereNothingIsKept(t *testing.T) {
	cfg := demo()
	cfg.Window = 24 * time.Hour
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		perform(t, rs, ingest.Request{Session: "1"})
		time.Sleep(100 * time.Second)
		if st := s.programs[0].Stats().Streams[0]; st.Length > 60*time.Second || st.Listed == 0 {
			t.Errorf("%d segments are listed, %v of media", st.Listed, st.Length)
		}
	}, cfg)
}
