// Package ingest is what a broadcaster touches: WHIP in, timed packets out.
package ingest

import (
	"context"
	"errors"

	"tilecast/media"
)

// Inlet is where one track's packets go. The room implements it.
type Inlet interface {
	// Push hands over one packet, in decoding order. It never blocks; it answers
	// whether the receiver needs a key frame to go on.
	Push(media.Packet) (needKey bool)
	// Demand is what is wanted of the track now.
	Demand() Demand
	// Close says that nothing more will come.
	Close()
}

// Keeper is an Inlet that is told every half second that a source which sends few pictures, such
// as a shared screen, is still there: its consent is fresh (RFC 7675). now is the program's time.
type Keeper interface {
	Alive(now media.Time)
}

// Demand is the largest use of a track over all canvases. Zero W means that nothing
// should be sent on; rising again asks for a key frame.
type Demand struct {
	W, H    int
	FPS     float64
	Changed <-chan struct{} // closed when this answer is out of date; nil: it never is
}

// Request is what a broadcaster asks for at the door.
type Request struct {
	Room    string
	Session string             // of the WHIP resource, unguessable
	Token   string             // as the client sent it, not verified; "" for none
	Subject string             // of the verified token, if there was one
	ID      string             // ?id=, a name the client keeps for itself
	Name    string             // ?name=, shown on the tile
	Role    string             // ?role=, for layouts: letters, digits, - and _, such as host
	Source  string             // ?source=: "" for the camera, or SourceScreen
	Tracks  []media.Codec      // what the offer brings: at most one video and one audio
	Kick    func(reason error) // ends the session from the room's side; any goroutine, never blocks
}

// SourceScreen is the Source of a screen share, a second session beside its participant's camera.
const SourceScreen = "screen"

// Admitter decides who may come in and where they sit. The room implements it.
type Admitter interface {
	// Allow says whether who has this token may publish to room at all. It is cheap.
	Allow(room, token string) error
	Admit(ctx context.Context, r Request) (Seat, error)
}

// Seat is a broadcaster's place in a program.
type Seat interface {
	// Clock is the program's; every packet is stamped with it.
	Clock() media.Clock
	// Open begins a track.
	Open(media.Codec) (Inlet, error)
	// Report says how the broadcaster stands. It starts with Here; Here and Away may take
	// turns; Lost or Gone is the last, after all inlets are closed. It never blocks for long.
	Report(Presence)
}

// Presence is how a broadcaster stands who has a seat.
type Presence uint8

const (
	Here Presence = iota
	Away          // nothing has been heard for InterruptTimeout; the session may yet go on
	Lost          // the session is over without a goodbye: the place is kept for a return
	Gone          // the session is over by a goodbye (DELETE, DTLS close)
)

func (p Presence) String() string { return [...]string{"here", "away", "lost", "gone"}[p] }

// What Admit may refuse with. The endpoint answers 404, 401, 403, 409, 422 and 503.
var (
	ErrNoRoom    = errors.New("no such room")
	ErrToken     = errors.New("a valid token is needed") // none came, or a wrong one
	ErrForbidden = errors.New("not allowed")
	ErrTaken     = errors.New("seat taken")
	ErrRequest   = errors.New("not possible") // such as an unknown source
	ErrFull      = errors.New("no capacity")
)
