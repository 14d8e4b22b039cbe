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
	Speaker      string        `json:"speaker,omitempty"` // the participant who speaks or spoke last, by id
	Participants []Participant `json:"participants"`
}

// Participant is one seat. Away: nothing is heard of it now, its place is kept.
type Participant struct {
	ID     string  `json:"id"` // for as long as the seat is kept
	Name   string  `json:"name"`
	Role   string  `json:"role,omitempty"` // for layouts
	Audio  bool    `json:"audio"`
	Video  bool    `json:"video"`
	Codec  string  `json:"codec,omitempty"` // of the video
	Away   bool    `json:"away,omitempty"`
	Volume float64 `json:"volume"`
	Muted  bool    `json:"muted,omitempty"` // in the program, by Change
}

func (r *Room) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{Name: r.name, Preset: r.cfg.Preset, Participants: []Participant{}}
	if r.prog != nil {
		at := r.prog.started.UTC()
		s.Live, s.StartedAt, s.Preset, s.Speaker = true, &at, r.prog.plan.Preset, r.prog.comp.Speaker()
	}
	for _, g := range r.guests {
		s.Participants = append(s.Participants, g.status())
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
