package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"tilecast/configs"
	"tilecast/room"
)

// settle is how long a file must be left alone before it is read: editors write in several steps.
const settle = 200 * time.Millisecond

// watch takes changes of the configuration file over while the gateway runs, until ctx ends. It watches
// the file's folder, since most editors, and orchestrators, put a new file in the old one's place.
func (g *gateway) watch(ctx context.Context, opt serveOptions) {
	if opt.File == "" || opt.Reload == nil {
		return
	}
	w, err := fsnotify.NewWatcher()
	if err == nil {
		defer w.Close()
		err = w.Add(filepath.Dir(opt.File))
	}
	if err != nil {
		opt.Log.Warn("changes of the configuration file are not seen until a restart", "file", opt.File, "err", err)
		return
	}
	last, _ := configs.ReadFile(opt.File, configs.MaxText)
	opt.Log.Debug("the configuration file is watched", "file", opt.File)
	now := taken{g.cfg, g.taken}
	quiet := time.NewTimer(time.Hour)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-w.Events:
			if !ok {
				return
			}
			quiet.Reset(settle)
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			opt.Log.Warn("watching the configuration file", "err", err)
			quiet.Reset(settle) // an event may be lost
		case <-quiet.C:
			data, err := configs.ReadFile(opt.File, configs.MaxText)
			if err != nil || bytes.Equal(data, last) {
				continue // away for a moment, or another file of the folder
			}
			last = data
			now = g.reload(now, opt.Reload, opt.Log)
		}
	}
}

// taken is the configuration that was taken over last.
type taken struct {
	cfg   configs.Config
	rooms []room.Config
}

// reload takes over a changed configuration, as far as a running gateway can: a broken one is told and
// the old one goes on; what needs a restart or the next program is said.
func (g *gateway) reload(now taken, read func() (configs.Config, error), log *slog.Logger) taken {
	cfg, err := read()
	next := taken{cfg: cfg}
	if err == nil {
		next.rooms, err = roomConfigs(cfg, g.fonts)
	}
	if err != nil {
		var mistakes configs.Mistakes
		if errors.As(err, &mistakes) {
			for _, m := range mistakes {
				log.Error("the changed configuration is not taken over, the old one goes on", "mistake", m.String())
			}
			return now
		}
		log.Error("the changed configuration is not taken over, the old one goes on", "err", err)
		return now
	}
	old := map[string]room.Config{}
	for _, r := range now.rooms {
		old[r.Name] = r
	}
	var restart []string
	for _, r := range next.rooms {
		b, have := old[r.Name]
		delete(old, r.Name)
		switch {
		case !have:
			restart = append(restart, "room "+r.Name)
			continue
		case reflect.DeepEqual(b, r):
			continue
		}
		later, err := g.rooms.Merge(b, r)
		if err != nil {
			log.Error("the changed room is not taken over, the old one goes on", "room", r.Name, "err", err)
			continue
		}
		attrs := []any{"room", r.Name}
		if len(later) > 0 {
			attrs = append(attrs, waitsFor(r.Start), strings.Join(later, ", "))
		}
		log.Info("configuration taken over", attrs...)
	}
	for name := range old {
		restart = append(restart, "room "+name)
	}
	a, b := now.cfg, next.cfg
	a.Rooms, b.Rooms = nil, nil
	if !reflect.DeepEqual(a, b) {
		restart = append(restart, "what stands outside of the rooms")
	}
	if len(restart) > 0 {
		log.Warn("some changes of the configuration need a restart", "of", strings.Join(restart, ", "))
	}
	return next
}

// waitsFor words when a room has its next program.
func waitsFor(s room.Start) string {
	if s == room.Always {
		return "withARestart"
	}
	return "withTheNextProgram"
}
