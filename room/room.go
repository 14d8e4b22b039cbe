package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tilecast/compositor"
	"tilecast/ingest"
)

var (
	errReplaced = errors.New("the same participant joined again")
	errAway     = errors.New("nothing was heard for too long, and the place is given up")
)

// Room is one address and the program that is on air there, if any.
type Room struct {
	name  string
	house *Rooms
	log   *slog.Logger

	events *Events

	mu     sync.Mutex
	cfg    Config
	prog   *program // nil between programs
	guests []*guest // in order of joining
	joined int      // guests so far, for names
	empty  *time.Timer
	closed bool

	refused time.Time // when that was last told
}

func newRoom(house *Rooms, cfg Config) *Room {
	return &Room{name: cfg.Name, house: house, cfg: cfg, log: house.log.With("room", cfg.Name), events: NewEvents()}
}

func (r *Room) config() Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg
}

// start puts a program on air unless one is.
func (r *Room) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.startLocked()
}

// startLocked opens encoders, some tens of milliseconds for which others who want
// into the same room wait. Called locked.
func (r *Room) startLocked() error {
	if r.closed {
		return fmt.Errorf("%w: the gateway is shutting down", ingest.ErrFull)
	}
	if r.prog != nil {
		return nil
	}
	p, err := newProgram(r.cfg, nil, r.house, r.log, r.event)
	if err != nil {
		return err
	}
	r.air(p)
	r.log.Info("program on air", "program", p.id, "preset", p.plan.Preset)
	r.events.Add(time.Now(), "program", slog.String("program", p.id), slog.String("state", "on air"))
	return nil
}

// air publishes p and starts it. Called locked.
func (r *Room) air(p *program) {
	r.prog = p
	r.house.pub.Publish(r.name, p.out)
	r.house.wg.Add(1)
	go func() { // ends when stop has been called and the last packet is out
		defer r.house.wg.Done()
		done := make(chan struct{})
		go p.load.watch(p, r.event, r.log.With("program", p.id), done)
		p.run()
		close(done)
		r.ended(p)
	}()
}

// stop ends the program: sources close, EOF flows. It does not wait.
func (r *Room) stop(reason string) {
	r.mu.Lock()
	r.closed = r.closed || r.house.isClosed()
	p, guests := r.detach()
	r.mu.Unlock()
	r.finish(p, guests, reason)
}

// detach takes the program and its guests out of the room. Called locked.
func (r *Room) detach() (*program, []*guest) {
	p, guests := r.prog, r.guests
	r.prog, r.guests = nil, nil
	r.stopTimer()
	return p, guests
}

// finish ends a detached program.
func (r *Room) finish(p *program, guests []*guest, reason string) {
	if p == nil {
		return
	}
	for _, g := range guests {
		g.end(errors.New(reason))
	}
	r.log.Info("program ends", "program", p.id, "reason", reason)
	r.events.Add(time.Now(), "program", slog.String("program", p.id), slog.String("state", "ended"), slog.String("reason", reason))
	p.comp.Stop()
}

// event takes what a stage reports. It is called from anywhere and takes no lock but that of the log.
func (r *Room) event(kind string, attrs ...slog.Attr) { r.events.Add(time.Now(), kind, attrs...) }

// ended forgets p if it stopped by itself, so that the next publisher starts anew.
func (r *Room) ended(p *program) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.prog == p {
		r.log.Error("program ended by itself", "program", p.id)
		r.prog, r.guests = nil, nil
		r.stopTimer()
	}
}

// admit seats who req is of. strain is the machine's, in percent.
func (r *Room) admit(ctx context.Context, req ingest.Request, strain int64) (ingest.Seat, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, fresh := identity(req)
	g := r.find(id)
	if g == nil && len(r.guests) >= MaxTiles && !r.giveUpAwaySeat() {
		return nil, r.refuse(req, fmt.Errorf("%w: all %d places in room %s are taken", ingest.ErrFull, MaxTiles, r.name))
	}
	if g == nil && r.cfg.Overload > 0 && strain > int64(r.cfg.Overload) {
		return nil, r.refuse(req, fmt.Errorf("%w: this machine can't keep up with its programs as they are", ingest.ErrFull))
	}
	if err := r.startLocked(); err != nil {
		return nil, err
	}
	r.stopTimer()
	if g == nil {
		r.joined++
		name := displayName(req)
		if name == "" {
			name = fmt.Sprintf("Guest %d", r.joined)
		}
		g = &guest{id: id, public: newID()[:12], name: name, role: req.Role, fresh: fresh, volume: 1}
		g.tile = r.prog.comp.Join(compositor.TileConfig{ID: g.public, Name: name, Role: req.Role, Kind: kind(req)})
		r.guests = append(r.guests, g)
	} else {
		g.takeOver(req)
	}
	r.log.Info("joined", "guest", g.name, "session", req.Session)
	r.happened(g, "joined")
	return g.sit(r, r.prog, req), nil
}

// refuse makes an event of why req's sender does not come in, not more often than each loadSpan: senders try again and again. It
// returns why. Called locked.
func (r *Room) refuse(req ingest.Request, why error) error {
	if now := time.Now(); now.Sub(r.refused) >= loadSpan {
		r.refused = now
		r.events.Add(now, "refused", slog.String("name", displayName(req)), slog.Any("reason", why))
	}
	return why
}

// report is how a session stands. The seat of one that nothing is heard of, or that was lost, is
// kept for Hold, if there was something to see or hear of it and it can be known again.
func (r *Room) report(s *seat, p ingest.Presence) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := s.guest
	if r.prog != s.prog || g.seat != s || r.find(g.id) != g {
		return // the program is another, or somebody sits here already, or nobody does
	}
	over := p == ingest.Lost || p == ingest.Gone
	if over {
		g.seat, g.kick = nil, nil
		g.audio, g.video = 0, 0
	}
	switch {
	case p == ingest.Here:
		r.log.Info("back", "guest", g.name)
		r.happened(g, "back")
		g.stopWaiting()
		g.tile.SetAway(false)
	case p == ingest.Gone, over && (g.fresh || !g.seen):
		r.log.Info("left", "guest", g.name)
		r.remove(g)
	case g.away == nil: // else the time runs already
		r.log.Info(p.String(), "guest", g.name, "seatKept", r.hold(g))
		r.happened(g, p.String())
		g.tile.SetAway(true)
		r.wait(g)
	}
}

// freshHold bounds how long the place is kept of who could not be known again: only the very
// session may come back.
const freshHold = 30 * time.Second

func (r *Room) hold(g *guest) time.Duration {
	if g.fresh {
		return min(r.cfg.Hold, freshHold)
	}
	return r.cfg.Hold
}

// wait gives g's place up unless it comes back in time. Called locked.
func (r *Room) wait(g *guest) {
	g.since = time.Now()
	var timer *time.Timer
	timer = time.AfterFunc(r.hold(g), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if g.away != timer || r.find(g.id) != g {
			return
		}
		r.log.Info("did not come back", "guest", g.name)
		if g.kick != nil {
			g.kick(errAway)
		}
		r.remove(g)
	})
	g.away = timer
}

// giveUpAwaySeat frees the place of the guest who has been away longest; one whose session may
// still come back by itself keeps it for freshHold. Called locked.
func (r *Room) giveUpAwaySeat() bool {
	var oldest *guest
	for _, g := range r.guests {
		if g.away == nil || g.seat != nil && time.Since(g.since) < freshHold {
			continue
		}
		if oldest == nil || g.since.Before(oldest.since) {
			oldest = g
		}
	}
	if oldest == nil {
		return false
	}
	if oldest.kick != nil {
		oldest.kick(errAway)
	}
	r.remove(oldest)
	return true
}

// remove takes g off the stage. Called locked.
func (r *Room) remove(g *guest) {
	g.stopWaiting()
	r.happened(g, "left")
	for i := range r.guests {
		if r.guests[i] == g {
			r.guests = append(r.guests[:i:i], r.guests[i+1:]...)
			break
		}
	}
	g.tile.Leave()
	r.lingerLocked()
}

// lingerLocked ends the program in a while if nobody is on stage until then. Called locked.
func (r *Room) lingerLocked() {
	if len(r.guests) > 0 || r.cfg.Start == Always || r.prog == nil {
		return
	}
	p := r.prog
	r.stopTimer()
	goodbye := min(closingTime, r.cfg.Linger/2)
	var timer *time.Timer
	timer = time.AfterFunc(r.cfg.Linger-goodbye, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.empty != timer { // somebody came just before
			return
		}
		p.comp.SetClosing(true)
		r.empty = time.AfterFunc(goodbye, func() { r.endEmpty(p) })
	})
	r.empty = timer
}

// closingTime is how long an empty program says goodbye before it ends.
const closingTime = 10 * time.Second

// endEmpty ends p unless somebody came.
func (r *Room) endEmpty(p *program) {
	r.mu.Lock()
	if r.prog != p || len(r.guests) > 0 {
		r.mu.Unlock()
		return
	}
	reason := "nobody on stage for " + r.cfg.Linger.String()
	r.detach()
	r.mu.Unlock()
	r.finish(p, nil, reason)
}

func (r *Room) stopTimer() {
	if r.empty != nil {
		r.empty.Stop()
		r.empty = nil
	}
	if r.prog != nil {
		r.prog.comp.SetClosing(false)
	}
}

func (r *Room) find(id string) *guest {
	for _, g := range r.guests {
		if g.id == id {
			return g
		}
	}
	return nil
}

// apply makes cfg the room's, and shows its look at once. What waits for the next program is named in later.
func (r *Room) apply(cfg Config) (later []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applyLocked(cfg)
}

func (r *Room) applyLocked(cfg Config) (later []string) {
	if r.prog != nil {
		r.prog.retune(cfg)
		later = r.prog.cfg.changed(cfg)
		for _, name := range r.prog.comp.Apply(cfg.looks()) {
			later = append(later, "layout of "+name)
		}
	}
	r.cfg = cfg
	return later
}

// merge applies to the room what differs between before and after, and nothing else: what was changed
// by other means since stays.
func (r *Room) merge(before, after Config) (later []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.cfg.merged(before, after)
	if err := next.Validate(); err != nil {
		return nil, err
	}
	return r.applyLocked(next), nil
}
