package room

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tilecast/media"
	"tilecast/origin"
	"tilecast/origin/archive"
	"tilecast/packager"
)

// recent is how much of a program that goes on is read back into memory: what its playlists may show parts of, and
// what players that were watching ask for.
const recent = 64 * media.Second

// leastPatience is how long a program may have been away and still goes on, whatever its linger.
const leastPatience = time.Minute

// resume puts the program back on air that the room had when its process ended, if it can go on, and what is over
// where its viewers find it. It is called before anybody is admitted.
func (r *Room) resume() {
	store := r.house.store
	if store == nil {
		return
	}
	programs := store.Programs(r.name)
	for i, l := range programs {
		last := i == len(programs)-1
		if !l.Ended.IsZero() {
			if last && time.Now().Before(l.Until) {
				r.showOver(l)
			}
			continue
		}
		if last && r.goOn(l) {
			continue
		}
		r.endOld(l, last)
	}
	store.Sweep(r.name, time.Now(), r.cfg.Record.Keep)
}

// goOn puts l back on air, or says why it can't be.
func (r *Room) goOn(l *archive.Loaded) bool {
	began := time.Now()
	log := r.log.With("program", l.ID)
	if err := l.Load(); err != nil {
		log.Warn("program does not go on: it can't be read", "err", err)
		return false
	}
	away := time.Since(l.Last())
	switch {
	case away < 0:
		log.Warn("program does not go on: this machine's clock went back", "by", -away)
		return false
	case away > max(r.cfg.Linger, leastPatience):
		log.Info("program does not go on: it was away for too long", "away", away.Round(time.Second))
		return false
	case !l.Mend(recent):
		log.Warn("program does not go on: a rendition has nothing left")
		return false
	}
	l.Spend()
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := newProgram(r.cfg, l, r.house, r.log, r.event)
	if err != nil {
		log.Info("program does not go on", "reason", err)
		return false
	}
	r.air(p)
	r.lingerLocked()
	r.events.Add(time.Now(), "program", slog.String("program", p.id), slog.String("state", "on air again"))
	log.Info("program goes on", "away", away.Round(time.Millisecond), "msn", l.Next(), "took", time.Since(began).Round(time.Millisecond))
	return true
}

// endOld ends a program that its process could not end.
func (r *Room) endOld(l *archive.Loaded, show bool) {
	if err := l.Load(); err != nil {
		r.log.Warn("old program can't be read", "program", l.ID, "err", err)
		if now := time.Now(); !l.Recorded() { // else somebody may mend it
			if err := l.End(now, now.Add(r.cfg.window()+time.Hour)); err != nil {
				r.log.Error("old program could not be ended", "program", l.ID, "err", err)
			}
		}
		return
	}
	ended := l.Last()
	if err := l.End(ended, ended.Add(r.cfg.window()+time.Hour)); err != nil {
		r.log.Error("old program could not be ended", "program", l.ID, "err", err)
	}
	if show && time.Since(ended) < r.cfg.window() {
		r.showOver(l)
	}
}

// showOver publishes a program that is over, so that those who watch it come to its end.
func (r *Room) showOver(l *archive.Loaded) {
	if l.Streams == nil {
		if err := l.Load(); err != nil {
			r.log.Warn("ended program can't be read", "program", l.ID, "err", err)
			return
		}
	}
	if !l.Mend(recent) {
		return
	}
	out := origin.NewProgram(origin.ProgramConfig{
		ID: l.ID, Plan: l.Plan, Window: l.Window, Event: l.Event, Log: r.log, Past: histories(l, l.Window, l.Event),
		Keep: func(stream, _ string, _ packager.Init) origin.Shelf { return l.Shelf(stream) },
	})
	for _, st := range l.Streams {
		in := st.Inits[len(st.Inits)-1]
		if in.Params.Audio != nil {
			out.AddAudio(st.Name, in)
		} else {
			out.AddVideo(st.Canvas, rungOf(st), in)
		}
	}
	out.Resume()
	out.Finish()
	r.house.pub.Publish(r.name, out)
}

// rungOf is the rung in a stream's name.
func rungOf(st archive.LoadedStream) string { return st.Name[len(st.Canvas)+1:] }

// histories are what the origin is told of a program that was mended: of each stream no more than a window's length, and the
// minute for which segments can be had that have just left it, unless an event is to keep all.
func histories(l *archive.Loaded, window media.Time, event bool) map[string]origin.History {
	all := map[string]origin.History{}
	for _, st := range l.Streams {
		segs := st.Segments
		for i, length := len(segs), media.Time(0); i > 0 && !event; i-- {
			if length > window+60*media.Second {
				segs = segs[i:]
				break
			}
			length += segs[i-1].Dur
		}
		h := origin.History{Inits: slices.Clone(st.Inits), Segments: make([]origin.Past, len(segs)), Cuts: l.Cuts(segs[0].MSN)}
		for i := range segs {
			s := &segs[i]
			h.Segments[i] = origin.Past{MSN: s.MSN, Dur: s.Dur, Wall: l.Wall(s.Life, s.Start), Init: s.Life, Gap: s.Gap, Key: s.Key}
			if slices.ContainsFunc(s.Parts, func(p archive.Part) bool { return p.Data != nil }) {
				for _, p := range s.Parts {
					h.Segments[i].Parts = append(h.Segments[i].Parts, p.Part)
				}
			}
		}
		all[st.Name] = h
	}
	return all
}

// same says why a program that was loaded can't go on with cfg's plan.
func same(l *archive.Loaded, plan packager.Plan) error {
	if l.Plan != plan {
		return fmt.Errorf("the room's preset or frame rate is another now (%s at %v, it was %s at %v)", plan.Preset, plan.Rate, l.Plan.Preset, l.Plan.Rate)
	}
	return nil
}

// streams checks that the renditions of a program that goes on are the ones it had.
type streams struct {
	want []string // nil: any
	have []string
}

func (s *streams) add(name string) error {
	if s.have = append(s.have, name); s.want != nil && !slices.Contains(s.want, name) {
		return fmt.Errorf("the room has a rendition now that the program did not have: %s", name)
	}
	return nil
}

func (s *streams) missing() error {
	for _, name := range s.want {
		if !slices.Contains(s.have, name) {
			return fmt.Errorf("the room has no rendition %s any more", name)
		}
	}
	return nil
}
