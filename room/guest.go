package room

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"tilecast/compositor"
	"tilecast/ingest"
	"tilecast/media"
)

// guest is one participant's place, through lost sessions and returns. Its
// fields are the room's to guard.
type guest struct {
	id, name     string
	tile         *compositor.Tile
	seat         *seat // nil while away
	kick         func(error)
	away         *time.Timer
	since        time.Time   // away since
	audio, video int         // open tracks
	codec        media.Codec // of the latest video track
}

// identity is who r is: token subject, else ?id=, else ?name=, else somebody new.
func identity(r ingest.Request) string {
	who := "session " + r.Session
	switch {
	case r.Subject != "":
		who = "subject " + r.Subject
	case r.ID != "":
		who = "id " + r.ID
	case strings.TrimSpace(r.Name) != "":
		who = "name " + strings.TrimSpace(r.Name)
	}
	if r.Source != "" {
		who += " source " + r.Source
	}
	return who
}

// displayName is what the tile says: printable, at most 48 characters.
func displayName(r ingest.Request, nth int) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, strings.ToValidUTF8(r.Name, ""))
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > 48 {
		name = strings.TrimSpace(string(runes[:48]))
	}
	if name == "" {
		return fmt.Sprintf("Guest %d", nth)
	}
	return name
}

// takeOver ends the session that sits here in favour of req's. Called locked.
func (g *guest) takeOver(req ingest.Request) {
	if g.away != nil {
		g.away.Stop()
		g.away = nil
	}
	if g.kick != nil {
		g.kick(errReplaced)
	}
	if req.Name != "" {
		g.name = displayName(req, 0)
		g.tile.Rename(g.name)
	}
	g.audio, g.video = 0, 0
	g.tile.SetAway(false)
}

// sit makes req's session the one that sits here. Called locked.
func (g *guest) sit(r *Room, p *program, req ingest.Request) *seat {
	g.seat = &seat{room: r, prog: p, guest: g}
	g.kick = req.Kick
	return g.seat
}

// end sends the session away, if one sits here.
func (g *guest) end(reason error) {
	if g.away != nil {
		g.away.Stop()
	}
	if g.kick != nil {
		g.kick(reason)
	}
}

// seat is one session's hold on a guest's place (ingest.Seat).
type seat struct {
	room  *Room
	prog  *program
	guest *guest
}

func (s *seat) Clock() media.Clock { return s.prog.clock }

func (s *seat) Open(c media.Codec) (ingest.Inlet, error) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.guest.seat != s {
		return nil, errReplaced
	}
	in, err := s.guest.tile.Open(c)
	if err != nil {
		return nil, err
	}
	n := &s.guest.audio
	if c.Video() {
		n, s.guest.codec = &s.guest.video, c
	}
	*n++
	return &inlet{Input: in, seat: s, open: n}, nil
}

func (s *seat) Leave(graceful bool) { s.room.leave(s, graceful) }

// inlet is a compositor input as ingest knows it.
type inlet struct {
	*compositor.Input
	seat *seat
	open *int
}

func (i *inlet) Demand() ingest.Demand { return ingest.Demand(i.Input.Demand()) }

func (i *inlet) Close() {
	i.Input.Close()
	i.seat.room.mu.Lock()
	defer i.seat.room.mu.Unlock()
	if i.seat.guest.seat == i.seat {
		*i.open--
	}
}
