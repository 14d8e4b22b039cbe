// Package room is one live program and its life: it joins the four stages and owns who sits where.
package room

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"reflect"
	"regexp"
	"slices"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/art"
	"tilecast/compositor/layout"
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
const MaxTiles = 25

// Config is one room. It is validated once and then not changed.
type Config struct {
	Name        string
	Start       Start
	Linger      time.Duration    // how long an empty program goes on
	Hold        time.Duration    // how long the seat of a lost participant is kept
	Preset      string           // of packager.NewCustomPlan
	Numbers     packager.Numbers // that replace the preset's
	Ranges      bool             // parts are byte ranges of their segments
	Window      time.Duration    // of media a viewer can seek back
	Event       bool             // everything stays in the playlist, and there for Window after the end
	Record      Record
	Canvases    []compositor.Canvas // the default first; names as they stand in URLs
	Fonts       *art.Fonts          // for names and captions; nil: the built-in one
	Rate        media.FrameRate
	Mix         compositor.Mix
	SpeakerCues bool               // who speaks is said in the media and the playlists, too
	Sounds      []compositor.Sound // the first goes with the pictures, others are for listening only

	PublishToken string // who publishes has to bring it; "": everybody may
	Overload     int    // percent of late frames beyond which nobody new comes in; 0: everybody does
}

// Record says what is recorded of each program.
type Record struct {
	Enabled bool          // the program, in every rendition
	Iso     bool          // each broadcaster's own sound and picture
	Keep    time.Duration // then a recording is removed; 0: never
}

// window is how long playlists outlive a program.
func (c Config) window() time.Duration { return max(c.Window, time.Minute) }

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
	if _, err := packager.NewCustomPlan(c.Preset, c.Rate, c.Numbers); err != nil {
		errs = append(errs, fmt.Errorf("room %s: %w", c.Name, err))
	}
	if len(c.Canvases) == 0 {
		errs = append(errs, fmt.Errorf("room %s: there is no canvas", c.Name))
	}
	if len(c.Sounds) == 0 {
		errs = append(errs, fmt.Errorf("room %s: there is no sound rendition", c.Name))
	}
	for _, cv := range c.Canvases {
		if !nameRE.MatchString(cv.Name) || cv.Name == "index" {
			errs = append(errs, fmt.Errorf("room %s: canvas name %q: use letters, digits, '.', '_' and '-', at most 64, and not \"index\"", c.Name, cv.Name))
		}
		if len(cv.Rungs) == 0 {
			errs = append(errs, fmt.Errorf("room %s: the ladder of canvas %s has no rung", c.Name, cv.Name))
		}
	}
	return errors.Join(errs...)
}

// changed names what differs between c, which runs, and next and takes effect only with the next program.
func (c Config) changed(next Config) (later []string) {
	if c.Preset != next.Preset || c.Numbers != next.Numbers || c.Ranges != next.Ranges {
		later = append(later, "preset")
	}
	sameShape := func(a, b compositor.Canvas) bool { return a.Name == b.Name && a.W == b.W && a.H == b.H }
	if !slices.EqualFunc(c.Canvases, next.Canvases, sameShape) || c.Rate != next.Rate {
		later = append(later, "canvas")
	} else if !slices.EqualFunc(c.Canvases, next.Canvases, sameLadder) || !slices.Equal(c.Sounds, next.Sounds) {
		later = append(later, "ladder")
	}
	if c.Mix != next.Mix || c.SpeakerCues != next.SpeakerCues {
		later = append(later, "mix")
	}
	if c.Window != next.Window || c.Event != next.Event {
		later = append(later, "window")
	}
	return later
}

func sameLadder(a, b compositor.Canvas) bool { return slices.Equal(a.Rungs, b.Rungs) }

// looks are the looks of c's canvases, by name.
func (c Config) looks() map[string]compositor.Look {
	looks := map[string]compositor.Look{}
	for _, cv := range c.Canvases {
		looks[cv.Name] = cv.Look
	}
	return looks
}

// canvas is the one of that name, or nil.
func (c Config) canvas(name string) *compositor.Canvas {
	if i := c.index(name); i >= 0 {
		return &c.Canvases[i]
	}
	return nil
}

func (c Config) index(name string) int {
	return slices.IndexFunc(c.Canvases, func(cv compositor.Canvas) bool { return cv.Name == name })
}

// merged is c with what differs between before and after changed to after's: setting by setting, and canvas by canvas.
// Lists are one setting.
func (c Config) merged(before, after Config) Config {
	next := c
	canvases := mergeCanvases(c, before, after)
	mergeFields(reflect.ValueOf(&next).Elem(), reflect.ValueOf(before), reflect.ValueOf(after))
	next.Canvases = canvases
	return next
}

// mergeCanvases merges by name. Canvases stand as they do in c, unless others are in after than before, or elsewhere.
func mergeCanvases(c, before, after Config) (all []compositor.Canvas) {
	for _, cv := range c.Canvases {
		b, a := before.canvas(cv.Name), after.canvas(cv.Name)
		switch {
		case a != nil && b != nil:
			mergeFields(reflect.ValueOf(&cv).Elem(), reflect.ValueOf(*b), reflect.ValueOf(*a))
		case a != nil:
			cv = *a
		case b != nil:
			continue
		}
		all = append(all, cv)
	}
	for _, cv := range after.Canvases {
		if before.canvas(cv.Name) == nil && c.canvas(cv.Name) == nil {
			all = append(all, cv)
		}
	}
	if !slices.EqualFunc(before.Canvases, after.Canvases, func(b, a compositor.Canvas) bool { return b.Name == a.Name }) {
		slices.SortStableFunc(all, func(x, y compositor.Canvas) int { // those that are not in after count as last
			return cmp.Compare(uint(after.index(x.Name)), uint(after.index(y.Name)))
		})
	}
	return all
}

// mergeFields sets those fields of v, a struct, that differ between before and after, and within those that are
// structs of several settings likewise.
func mergeFields(v, before, after reflect.Value) {
	for i := range v.NumField() {
		to, b, a := v.Field(i), before.Field(i), after.Field(i)
		switch {
		case reflect.DeepEqual(b.Interface(), a.Interface()):
		case to.Kind() == reflect.Struct && !oneValue(to.Interface()):
			mergeFields(to, b, a)
		default:
			to.Set(a)
		}
	}
}

// oneValue reports whether v, a struct, is one setting.
func oneValue(v any) bool {
	switch v.(type) {
	case layout.Length, layout.Who, color.RGBA, color.NRGBA, media.FrameRate:
		return true
	}
	return false
}
