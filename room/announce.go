package room

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// Why a cue is not taken, besides ErrNoRoom and ErrValue.
var (
	ErrOffAir  = errors.New("the room is not on air")
	ErrSameCue = origin.ErrSameID      // the program has had one with that id
	ErrCues    = origin.ErrManyDates   // playlists show as many as they may
	ErrWaiting = packager.ErrEventFull // too many wait for their moment
	ErrPast    = packager.ErrEventPast // its moment has been packaged
	ErrFar     = packager.ErrEventFar  // its moment is too far ahead
)

// Cue is an event that viewers' players are told of at its moment of the program: as timed metadata (ID3) in the media,
// and as a date range in the playlists.
type Cue struct {
	ID       string            `json:"id"`       // unique in the program; left out, one is made
	Class    string            `json:"class"`    // of events with the same meaning, as com.example.score; left out: tilecast.cue
	Time     *time.Time        `json:"time"`     // when it was captured, as PROGRAM-DATE-TIME says it; left out: now
	Duration *float64          `json:"duration"` // s; left out: unknown
	Data     map[string]string `json:"data"`     // TXXX frames of the ID3 tag, X- attributes of the date range
}

// Cued is a cue that has been taken. Time is that of the frame with which it is shown.
type Cued struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
}

const (
	maxCueData  = 16
	maxCueText  = 1024 // bytes
	maxDuration = 86400
	cueClass    = "tilecast.cue"
)

var (
	cueRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)
	keyRE = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
)

// Announce takes a cue into the program of a room, or answers with one of the errors above.
func (rs *Rooms) Announce(name string, c Cue) (Cued, error) {
	rs.mu.Lock()
	r := rs.rooms[name]
	rs.mu.Unlock()
	if r == nil {
		return Cued{}, fmt.Errorf("%w: %q", ErrNoRoom, name)
	}
	if err := c.complete(); err != nil {
		return Cued{}, err
	}
	r.mu.Lock()
	p := r.prog
	r.mu.Unlock()
	if p == nil {
		return Cued{}, fmt.Errorf("%w: %s", ErrOffAir, name)
	}
	at, err := p.out.Announce(c.announcement(p.out))
	if err != nil {
		return Cued{}, err
	}
	return Cued{ID: c.ID, Time: at.UTC()}, nil
}

// complete fills in what was left out and says what is wrong.
func (c *Cue) complete() error {
	if c.ID == "" {
		var b [8]byte
		rand.Read(b[:])
		c.ID = hex.EncodeToString(b[:])
	}
	if c.Class == "" {
		c.Class = cueClass
	}
	switch {
	case !cueRE.MatchString(c.ID):
		return fmt.Errorf("%w: id %q: use letters, digits and . _ : -, at most 128", ErrValue, c.ID)
	case !cueRE.MatchString(c.Class):
		return fmt.Errorf("%w: class %q: use letters, digits and . _ : -, such as com.example.score", ErrValue, c.Class)
	case c.Duration != nil && (*c.Duration < 0 || *c.Duration > maxDuration):
		return fmt.Errorf("%w: duration %g: use 0 to %d seconds, or leave it out", ErrValue, *c.Duration, maxDuration)
	case len(c.Data) > maxCueData:
		return fmt.Errorf("%w: data has %d entries: use at most %d", ErrValue, len(c.Data), maxCueData)
	}
	names := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		text, name := c.Data[key], origin.ClientName(c.Class, key)
		switch {
		case !keyRE.MatchString(key):
			return fmt.Errorf("%w: data key %q: use a letter, then letters, digits, _ and -, at most 64", ErrValue, key)
		case names[name] != "":
			return fmt.Errorf("%w: data keys %q and %q are the same in a playlist (%s)", ErrValue, names[name], key, name)
		case text == "" || len(text) > maxCueText || !utf8.ValidString(text) || slices.ContainsFunc([]rune(text), forbidden):
			return fmt.Errorf("%w: data %q: use 1 to %d bytes of text without double quotes and control characters", ErrValue, key, maxCueText)
		}
		names[name] = key
	}
	return nil
}

// forbidden is what a quoted string of a playlist cannot hold (S-6).
func forbidden(r rune) bool { return r == '"' || unicode.IsControl(r) }

// announcement is the complete cue as the origin takes it.
func (c *Cue) announcement(p *origin.Program) origin.Announcement {
	moment, dur := time.Now(), media.Time(-1)
	if c.Time != nil {
		moment = *c.Time
	}
	if c.Duration != nil {
		dur = media.Time(*c.Duration * float64(media.Second))
	}
	a := origin.Announcement{Class: c.Class}
	frames := []packager.ID3Text{{Description: "id", Text: c.ID}, {Description: "class", Text: c.Class}}
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		frames = append(frames, packager.ID3Text{Description: key, Text: c.Data[key]})
		a.Client = append(a.Client, m3u8.ClientAttribute{Name: origin.ClientName(c.Class, key), Value: c.Data[key]})
	}
	a.Event = packager.Event{ID: c.ID, Scheme: packager.SchemeID3, Start: p.At(moment), Dur: dur, Payload: packager.ID3(frames)}
	return a
}
