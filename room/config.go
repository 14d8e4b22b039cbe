// Package room is one live program and its life: it joins the four stages and owns who sits where.
package room

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/art"
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

// changed names what differs between c and next and takes effect only with the next program.
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

// merged is c with what differs between before and after changed to after's; canvases that are in all
// three are merged one by one.
func (c Config) merged(before, after Config) Config {
	next := c
	mergeFields(reflect.ValueOf(&next).Elem(), reflect.ValueOf(before), reflect.ValueOf(after), "Canvases")
	names := func(c Config) (names []string) {
		for _, cv := range c.Canvases {
			names = append(names, cv.Name)
		}
		return names
	}
	if !slices.Equal(names(before), names(after)) || !slices.Equal(names(c), names(after)) {
		if !reflect.DeepEqual(before.Canvases, after.Canvases) {
			next.Canvases = after.Canvases
		}
		return next
	}
	next.Canvases = slices.Clone(c.Canvases)
	for i := range next.Canvases {
		cv := reflect.ValueOf(&next.Canvases[i]).Elem()
		b, a := reflect.ValueOf(before.Canvases[i]), reflect.ValueOf(after.Canvases[i])
		mergeFields(cv, b, a, "Look")
		mergeFields(cv.FieldByName("Look"), b.FieldByName("Look"), a.FieldByName("Look"), "")
	}
	return next
}

// mergeFields sets those fields of v, but the one named except, that differ between before and after.
func mergeFields(v, before, after reflect.Value, except string) {
	for i := range v.NumField() {
		if v.Type().Field(i).Name != except && !reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
			v.Field(i).Set(after.Field(i))
		}
	}
}
