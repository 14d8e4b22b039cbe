package room

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
)

// program is one life of a room: the stages, joined. Its parts do not change.
type program struct {
	id      string
	started time.Time
	clock   media.Clock
	plan    packager.Plan
	comp    *compositor.Compositor
	out     *origin.Program
}

// newProgram opens the encoders of cfg and joins them to the origin. Nothing
// runs yet.
func newProgram(cfg Config, codecs codec.Set, log *slog.Logger, event func(string, ...slog.Attr)) (*program, error) {
	plan, err := packager.NewCustomPlan(cfg.Preset, cfg.Rate, cfg.Numbers)
	if err != nil {
		return nil, err
	}
	p := &program{id: newID(), started: time.Now(), plan: plan}
	p.clock = media.NewClock(p.started)
	wall := func(t media.Time) time.Time { return p.clock.Wall(t - plan.Delay) } // when it was captured
	track := packager.TrackConfig{FirstMSN: plan.FirstMSN(p.started), Wall: wall}
	p.out = origin.NewProgram(origin.ProgramConfig{
		ID: p.id, Plan: plan, FirstMSN: track.FirstMSN, Wall: wall,
		Window: media.FromDuration(cfg.Window), Log: log,
	})
	p.comp, err = compositor.New(compositor.Config{
		Canvases: slices.Clone(cfg.Canvases), Rate: cfg.Rate, Delay: plan.Delay, Clock: p.clock, Sounds: slices.Clone(cfg.Sounds), Mix: cfg.Mix, Event: event,
		GOP: plan.GOP(), PartFrames: plan.PartFrames, Log: log.With("program", p.id),
		Open: func(canvas, id string, params media.Params) (compositor.Outlet, error) {
			in, err := packager.NewInit(params, plan)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
			if params.Audio != nil {
				return packager.NewTrack(in, plan, track, p.out.AddAudio(id, in)), nil
			}
			return packager.NewTrack(in, plan, track, p.out.AddVideo(canvas, id, in)), nil
		},
	}, codecs)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// newID is an unguessable name: it guards a program's media.
func newID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
