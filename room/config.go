// Package room is one live program and its life: it joins the four stages and owns who sits where.
package room

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"tilecast/compositor"
	"tilecast/media"
	"tilecast/packager"
)

// Start says when a room's program begins.
type Start string

const (
	OnPublish Start = "on-publish" // with the first publisher; Linger without anyone ends it
	Always    Start = "always"     // with the gateway
)

// MaxTiles is the number of participants a room shows, and admits.
const MaxTiles = 9

// Config is one room. It is validated once and then not changed.
type Config struct {
	Name         string
	Start        Start
	Linger       time.Duration // how long an empty program goes on
	Hold         time.Duration // how long the seat of a lost participant is kept
	Preset       string        // of packager.NewPlan
	Window       time.Duration // of media a viewer can seek back
	W, H         int           // canvas
	Rate         media.FrameRate
	Look         compositor.Look
	Rungs        []compositor.Rung // top first
	AudioBitRate int               // bit/s
}

var nameRE = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$`)

// Validate says what is wrong with c, every mistake in one error.
func (c Config) Validate() error {
	var errs []error
	if !nameRE.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("room name %q: use letters, digits, '.', '_' and '-', at most 64", c.Name))
	}
	if c.Start != OnPublish && c.Start != Always {
		errs = append(errs, fmt.Errorf("room %s: start %q: use %q or %q", c.Name, c.Start, OnPublish, Always))
	}
	if _, err := packager.NewPlan(c.Preset, c.Rate); err != nil {
		errs = append(errs, fmt.Errorf("room %s: %w", c.Name, err))
	}
	if len(c.Rungs) == 0 {
		errs = append(errs, fmt.Errorf("room %s: the ladder has no rung", c.Name))
	}
	return errors.Join(errs...)
}

// changed names what differs between c and next and takes effect only with the next program.
func (c Config) changed(next Config) (later []string) {
	if c.Preset != next.Preset {
		later = append(later, "preset")
	}
	if c.W != next.W || c.H != next.H || c.Rate != next.Rate {
		later = append(later, "canvas")
	}
	if !slices.Equal(c.Rungs, next.Rungs) || c.AudioBitRate != next.AudioBitRate {
		later = append(later, "ladder")
	}
	if c.Window != next.Window {
		later = append(later, "window")
	}
	return later
}
