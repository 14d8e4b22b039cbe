package room

import (
	"time"

	"tilecast/compositor"
	"tilecast/origin"
)

// Status is what can be said of a room from outside.
type Status struct {
	Name         string        `json:"name"`
	Live         bool          `json:"live"`
	Preset       string        `json:"preset"`
	StartedAt    *time.Time    `json:"startedAt,omitempty"`
	Participants []Participant `json:"participants"`
}

// Participant is one seat. Away: nothing is heard of it now, its place is kept.
type Participant struct {
	Name  string `json:"name"`
	Audio bool   `json:"audio"`
	Video bool   `json:"video"`
	Codec string `json:"codec,omitempty"` // of the video
	Away  bool   `json:"away,omitempty"`
}

func (r *Room) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{Name: r.name, Preset: r.cfg.Preset, Participants: []Participant{}}
	if r.prog != nil {
		at := r.prog.started.UTC()
		s.Live, s.StartedAt, s.Preset = true, &at, r.prog.plan.Preset
	}
	for _, g := range r.guests {
		p := Participant{Name: g.name, Audio: g.audio > 0, Video: g.video > 0, Away: g.seat == nil || g.away != nil}
		if p.Video {
			p.Codec = g.codec.String()
		}
		s.Participants = append(s.Participants, p)
	}
	return s
}

// Stats are the figures of a program on air.
type Stats struct {
	Room       string
	Program    string
	Compositor compositor.Stats
	Origin     origin.ProgramStats
}

// Stats are the figures of every program on air, by room.
func (rs *Rooms) Stats() (all []Stats) {
	for _, r := range rs.all() {
		r.mu.Lock()
		p := r.prog
		r.mu.Unlock()
		if p != nil {
			all = append(all, Stats{r.name, p.id, p.comp.Stats(), p.out.Stats()})
		}
	}
	return all
}
