package room

import (
	"strings"
	"time"
	"unicode"

	"tilecast/compositor"
	"tilecast/ingest"
	"tilecast/media"
	"tilecast/origin/archive"
)

// guest is one participant's place, through lost sessions and returns. Its
// fields are the room's to guard.
type guest struct {
	id, name     string
	public       string // its id for others: identities are nobody's business
	role         string // for layouts
	volume       float64
	muted        bool
	tile         *compositor.Tile
	seat         *seat // nil without a session
	kick         func(error)
	fresh        bool        // nobody else can be known to be this one again
	seen         bool        // opened a track
	away         *time.Timer // gives the place up; nil unless away
	since        time.Time   // away since
	audio, video int         // open tracks
	codec        media.Codec // of the latest video track
}

// identity is who r is: token subject, else ?id=, else ?name=, else somebody new, who is fresh.
func identity(r ingest.Request) (who string, fresh bool) {
	switch {
	case r.Subject != "":
		who = "subject " + r.Subject
	case r.ID != "":
		who = "id " + r.ID
	case strings.TrimSpace(r.Name) != "":
		who = "name " + strings.TrimSpace(r.Name)
	default:
		who, fresh = "session "+r.Session, true
	}
	if r.Source != "" {
		who += " source " + r.Source
	}
	return who, fresh
}

// kind is what r shows: a shared screen where it says so, else a person.
func kind(r ingest.Request) compositor.Kind {
	if r.Source == ingest.SourceScreen {
		return compositor.Screen
	}
	return compositor.Camera
}

// displayName is what r's tile says: printable, at most 48 characters, none cut from what it is
// joined to. It is empty where nothing of the name can be shown.
func displayName(r ingest.Request) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || joiner(c) {
			return c
		}
		return ' '
	}, strings.ToValidUTF8(r.Name, ""))
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > 48 {
		n := 48
		for n > 1 && (joiner(runes[n]) || joiner(runes[n-1]) || unicode.Is(unicode.M, runes[n])) {
			n--
		}
		name = strings.TrimSpace(string(runes[:n]))
	}
	if strings.IndexFunc(name, func(c rune) bool { return !joiner(c) }) < 0 {
		return ""
	}
	return name
}

// joiner reports whether c, invisible itself, says how its neighbours are written.
func joiner(c rune) bool { return c == '\u200c' || c == '\u200d' }

// takeOver ends the session that sits here in favour of req's. The last picture stays, and then
// the placeholder, until something of the new one comes. Called locked.
func (g *guest) takeOver(req ingest.Request) {
	g.stopWaiting()
	if g.kick != nil {
		g.kick(errReplaced)
	}
	if name := displayName(req); name != "" {
		g.name = name
		g.tile.Rename(name)
	}
	if req.Role != "" {
		g.role = req.Role
		g.tile.SetRole(g.role)
	}
	g.audio, g.video = 0, 0
	g.tile.SetDevices(true, true)
	g.tile.SetAway(g.seen)
}

// stopWaiting keeps the place. Called locked.
func (g *guest) stopWaiting() {
	if g.away != nil {
		g.away.Stop()
		g.away = nil
	}
}

// sit makes req's session the one that sits here. Called locked.
func (g *guest) sit(r *Room, p *program, req ingest.Request) *seat {
	g.seat = &seat{room: r, prog: p, guest: g}
	g.kick = req.Kick
	return g.seat
}

// end sends the session away, if one sits here.
func (g *guest) end(reason error) {
	g.stopWaiting()
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
	s.guest.seen = true
	s.guest.tile.SetAway(false)
	i := &inlet{Input: in, seat: s, open: n}
	if s.prog.keep != nil && s.room.cfg.Record.Iso {
		i.tape = s.prog.keep.Tape(s.guest.name, c, time.Now())
	}
	return i, nil
}

// Devices shows what the client says of its camera and microphone.
func (s *seat) Devices(camera, microphone bool) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.guest.seat == s {
		s.guest.tile.SetDevices(camera, microphone)
	}
}

func (s *seat) Report(p ingest.Presence) { s.room.report(s, p) }

// inlet is a compositor input as ingest knows it.
type inlet struct {
	*compositor.Input
	seat *seat
	open *int
	tape *archive.Tape // nil: not recorded
}

func (i *inlet) Push(p media.Packet) (needKey bool) {
	if i.tape != nil {
		i.tape.Put(p)
	}
	return i.Input.Push(p)
}

func (i *inlet) Demand() ingest.Demand { return ingest.Demand(i.Input.Demand()) }

func (i *inlet) Close() {
	i.Input.Close()
	if i.tape != nil {
		i.tape.Close()
	}
	i.seat.room.mu.Lock()
	defer i.seat.room.mu.Unlock()
	if i.seat.guest.seat == i.seat {
		*i.open--
	}
}
