package room

import (
	"errors"
	"fmt"
	"slices"

	"tilecast/ingest"
)

// ErrNoRoom is what an unknown room's name gets.
var ErrNoRoom = ingest.ErrNoRoom

// ErrNoParticipant is what an unknown participant's id gets.
var ErrNoParticipant = errors.New("no such participant")

// ErrValue is wrapped by what says that a value cannot be.
var ErrValue = errors.New("value out of range")

// Change is what is to change about a participant; what is nil stays.
type Change struct {
	Volume *float64 `json:"volume"` // 1 is as levelled, 0 silence, 4 (12 dB up) the most
	Muted  *bool    `json:"muted"`  // in the program; the broadcaster is not asked
	Role   *string  `json:"role"`   // for layouts, such as host; empty for none
}

// Change applies c to a participant at once, and answers what holds then.
func (rs *Rooms) Change(room, id string, c Change) (Participant, error) {
	r, err := rs.room(room)
	if err != nil {
		return Participant{}, err
	}
	if c.Volume != nil && !(*c.Volume >= 0 && *c.Volume <= 4) {
		return Participant{}, fmt.Errorf("%w: volume %v: use 0 to 4, where 1 is as it comes", ErrValue, *c.Volume)
	}
	if c.Role != nil && !ingest.IsRole(*c.Role) {
		return Participant{}, fmt.Errorf("%w: role %.80q: use letters, digits, - and _, such as host", ErrValue, *c.Role)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.guests {
		if g.public == id {
			g.change(c)
			return g.status(), nil
		}
	}
	return Participant{}, fmt.Errorf("%w: %q is not in room %s", ErrNoParticipant, id, room)
}

// change applies c. Called locked.
func (g *guest) change(c Change) {
	if c.Volume != nil {
		g.volume = *c.Volume
		g.tile.SetVolume(g.volume)
	}
	if c.Muted != nil {
		g.muted = *c.Muted
		g.tile.SetMuted(g.muted)
	}
	if c.Role != nil {
		g.role = *c.Role
		g.tile.SetRole(g.role)
	}
}

// status is what can be said of g. Called locked.
func (g *guest) status() Participant {
	p := Participant{
		ID: g.public, Name: g.name, Role: g.role, Audio: g.audio > 0, Video: g.video > 0, Away: g.seat == nil || g.away != nil,
		Volume: g.volume, Muted: g.muted,
	}
	if p.Video {
		p.Codec = g.codec.String()
	}
	return p
}

// room finds one by name.
func (rs *Rooms) room(name string) (*Room, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.rooms[name]
	if r == nil {
		return nil, fmt.Errorf("%w: %q is not among the rooms of the configuration", ingest.ErrNoRoom, name)
	}
	return r, nil
}

// retune gives running encoders the rates of next, and notes in p's configuration those that they take:
// what is above what playlists announce comes with the next program. Called with the room locked.
func (p *program) retune(next Config) {
	now := slices.Clone(p.cfg.Canvases)
	for i := range now {
		cv := &now[i]
		to := next.canvas(cv.Name)
		if to == nil {
			continue
		}
		cv.Rungs = slices.Clone(cv.Rungs)
		for k := range cv.Rungs[:min(len(cv.Rungs), len(to.Rungs))] {
			old, want := &cv.Rungs[k], to.Rungs[k]
			if same := *old; old.BitRate != want.BitRate || old.MaxRate != want.MaxRate {
				same.BitRate, same.MaxRate = want.BitRate, want.MaxRate
				if same == want && p.comp.SetBitRate(cv.Name, want.Name, want.BitRate, want.MaxRate) == nil {
					*old = want
				}
			}
		}
	}
	p.cfg.Canvases = now
}
