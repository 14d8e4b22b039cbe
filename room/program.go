package room

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tilecast/compositor"
	"tilecast/media"
	"tilecast/origin"
	"tilecast/origin/archive"
	"tilecast/packager"
)

// program is one life of a room: the stages, joined. Its parts do not change.
type program struct {
	cfg     Config // that it runs, but for looks; the room's to guard
	id      string
	started time.Time // the program; clock begins with this process
	clock   media.Clock
	first   int64 // MSN of this life
	plan    packager.Plan
	comp    *compositor.Compositor
	load    load
	out     *origin.Program
	keep    *archive.Writer // nil: nothing is kept
	poster  poster
}

// unkept is the longest window where nothing is kept.
const unkept = 60 * media.Second

// newProgram opens the encoders of cfg and joins them to the origin. Nothing
// runs yet. With from, which is mended, it goes on with that program, unless cfg is of another plan or ladder.
func newProgram(cfg Config, from *archive.Loaded, house *Rooms, log *slog.Logger, event func(string, ...slog.Attr)) (*program, error) {
	plan, err := packager.NewCustomPlan(cfg.Preset, cfg.Rate, cfg.Numbers)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	p := &program{cfg: cfg, id: newID(), started: now, plan: plan, clock: media.NewClock(now)}
	first := plan.FirstMSN(now)
	var renditions streams
	out := origin.ProgramConfig{Plan: plan, Window: media.FromDuration(cfg.Window), Event: cfg.Event, Ranges: cfg.Ranges, Log: log}
	if from != nil {
		if err := same(from, plan); err != nil {
			return nil, err
		}
		p.id, p.started, first = from.ID, from.Lives[0].Began, from.Next()
		out.Past = histories(from, out.Window, out.Event)
		for _, st := range from.Streams {
			renditions.want = append(renditions.want, st.Name)
		}
	}
	p.first = first
	log = log.With("program", p.id)
	clock := p.clock // what the origin has for long after the end is not to have p, and the compositor with it
	captured := func(t media.Time) time.Time { return clock.Wall(t - plan.Delay) }
	track := packager.TrackConfig{FirstMSN: first, Wall: captured}
	out.ID, out.FirstMSN, out.Wall = p.id, first, captured
	if house.store != nil {
		keep := openArchive(cfg, from, house, event, archive.Manifest{
			Room: cfg.Name, ID: p.id, Plan: plan, Window: media.FromDuration(cfg.Window), Event: cfg.Event,
			Lives: []archive.Life{{Began: now.UTC(), First: first}},
		})
		out.Keep = func(stream, canvas string, in packager.Init) origin.Shelf { return keep.Keep(stream, canvas, in) }
		p.keep = keep
	}
	if p.keep == nil { // memory would have to hold all of it
		out.Window, out.Event = min(out.Window, unkept), false
	}
	p.out = origin.NewProgram(out)
	if cfg.SpeakerCues {
		event = p.cued(event, log)
	}
	p.comp, err = compositor.New(compositor.Config{
		Canvases: slices.Clone(cfg.Canvases), Rate: cfg.Rate, Delay: plan.Delay, Clock: p.clock, Sounds: slices.Clone(cfg.Sounds), Mix: cfg.Mix, Event: event, Fonts: cfg.Fonts,
		GOP: plan.GOP(), PartFrames: plan.PartFrames, Log: log,
		Open: func(canvas, id string, params media.Params) (compositor.Outlet, error) {
			in, err := packager.NewInit(params, plan)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
			name := id
			if params.Video != nil {
				name = canvas + "-" + id
			}
			if err := renditions.add(name); err != nil {
				return nil, err
			}
			track := track
			if params.Audio == nil || id != compositor.AudioID { // what is heard with pictures would say all twice
				track.Events = p.out.Events()
			}
			if params.Audio != nil {
				return packager.NewTrack(in, plan, track, p.out.AddAudio(id, in)), nil
			}
			return packager.NewTrack(in, plan, track, p.out.AddVideo(canvas, id, in)), nil
		},
	}, house.codecs)
	if err != nil {
		return nil, err
	}
	if err := renditions.missing(); err != nil {
		p.comp.Stop()
		p.comp.Run() // closes the encoders: nothing was composed
		return nil, err
	}
	if from != nil {
		p.out.Resume()
	}
	return p, nil
}

// openArchive makes the place of a program on disk. Nothing is written before its Run.
func openArchive(cfg Config, from *archive.Loaded, house *Rooms, event func(string, ...slog.Attr), m archive.Manifest) *archive.Writer {
	var w *archive.Writer
	if from != nil {
		w = from.Resume(m.Lives[0].Began, event)
	} else {
		w = house.store.Create(m, event)
	}
	if cfg.Record.Enabled {
		w.Record(m.Lives[0].First)
	}
	return w
}

// run is the program until it has ended and all of it is on disk. It starts the writer's goroutine, which ends with it.
func (p *program) run() {
	if p.keep == nil {
		p.comp.Run()
		return
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		p.keep.Run()
	}()
	p.comp.Run()
	p.out.Finish() // in case a rung could not
	now := time.Now()
	p.keep.Close(now, now.Add(p.out.MediaLife()))
	<-written
}

// newID is an unguessable name: it guards a program's media.
func newID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
