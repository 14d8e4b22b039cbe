package compositor

import (
	"errors"
	"fmt"
	"log/slog"

	"tilecast/compositor/art"
	"tilecast/media"
)

// Config is what a compositor is made for. It does not change in its life, except
// for the look, which Apply replaces.
type Config struct {
	Canvases []Canvas // the first is the one that Snapshot shows; all have the same sound
	Rate     media.FrameRate
	Delay    media.Time // D: how far behind the clock the inputs are read
	Clock    media.Clock

	Sounds     []Sound // renditions of the one mix; none: AudioID at 128,000 bit/s
	Mix        Mix
	GOP        int // frames between key frames, which stand at multiples of it
	PartFrames int // frames per part: no sample reaches over a multiple of it

	// Open is asked for the place of each rung's packets, by the names of its canvas and its own,
	// as soon as its encoder is open; and of each sound's, by its name and no canvas.
	Open  func(canvas, rung string, p media.Params) (Outlet, error)
	Fonts *art.Fonts   // for names and captions, behind the embedded one; nil: none
	Log   *slog.Logger // nil discards

	// Event is told what an operator or a viewer may want to know; nil is nobody. It does not block,
	// and does not call the compositor.
	Event func(kind string, attrs ...slog.Attr)
}

// AudioID is the name of the sound in a Config that names none.
const AudioID = "audio"

// Sound is one rendition of the mix: AAC-LC, 48 kHz, stereo.
type Sound struct {
	Name    string
	BitRate int // bit/s
}

// Canvas is one output shape: a picture of its own from the same broadcasters.
type Canvas struct {
	Name  string
	W, H  int // even
	Look  Look
	Rungs []Rung
}

// Rung is one rendition of a canvas.
type Rung struct {
	Name    string
	W, H    int    // even, no larger than the canvas
	Every   int    // frames of the canvas that one of its own lasts, but the last of a part may be shorter; 0: 1
	BitRate int    // bit/s
	MaxRate int    // VBV peak in bit/s; 0: BitRate
	Encoder string // as the codec set knows it ("libx264"); empty: the first H.264 encoder that opens
	Preset  string // of that encoder; empty: its real-time default
	BT709   bool   // coded in BT.709, and said to be; else in BT.601, as it is composed
}

// validate fills in defaults and names every mistake.
func (c *Config) validate() error {
	if len(c.Sounds) == 0 {
		c.Sounds = []Sound{{AudioID, 128_000}}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Event == nil {
		c.Event = func(string, ...slog.Attr) {}
	}
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(c.Rate.Num <= 0 || c.Rate.Den <= 0, "frame rate %d/%d: both must be positive", c.Rate.Num, c.Rate.Den)
	wrong(c.Delay < 0 || c.Delay > maxDelay, "delay %v: it must be from 0 to %v", c.Delay, maxDelay)
	wrong(c.GOP <= 0, "GOP of %d frames: it must be positive", c.GOP)
	wrong(c.PartFrames <= 0, "parts of %d frames: the number must be positive", c.PartFrames)
	wrong(c.Open == nil, "Open is missing: packets have nowhere to go")
	wrong(len(c.Canvases) == 0, "no canvas: give at least one")
	sounds := map[string]bool{}
	for _, s := range c.Sounds {
		wrong(s.Name == "" || sounds[s.Name], "sound %q: names must be given and differ", s.Name)
		wrong(s.BitRate < 8_000, "sound %q at %d bit/s: give at least 8000", s.Name, s.BitRate)
		sounds[s.Name] = true
	}
	wrong(c.Mix.Loudness != 0 && !(c.Mix.Loudness >= -31 && c.Mix.Loudness <= -10), "loudness of %v LUFS: give 0 for none, or -31 to -10", c.Mix.Loudness)
	wrong(!(c.Mix.Duck >= 0 && c.Mix.Duck <= 40), "ducking by %v dB: give 0 to 40", c.Mix.Duck)
	names := map[string]bool{}
	for i := range c.Canvases {
		cv := &c.Canvases[i]
		wrong(cv.Name == "" || names[cv.Name], "canvas %q: names must be given and differ", cv.Name)
		names[cv.Name] = true
		cv.validate(wrong, min(c.GOP, c.PartFrames))
	}
	return errors.Join(errs...)
}

// cut is a rung's own frame rate and GOP. As it has a frame at each cut of the program, be it of a part or of a GOP,
// where every does not divide what lies between two of them it has more than Rate/every, and the same number in each.
func (c *Config) cut(every int) (rate media.FrameRate, gop int) {
	if every <= 1 {
		return c.Rate, c.GOP
	}
	slots := min(c.GOP, c.PartFrames)
	frames := (slots + every - 1) / every
	num, den := c.Rate.Num*int64(frames), c.Rate.Den*int64(slots)
	k := gcd(num, den)
	return media.FrameRate{Num: num / k, Den: den / k}, frames * c.GOP / slots
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// validate checks a canvas whose program is cut every so many slots, at the most often.
func (cv *Canvas) validate(wrong func(bad bool, format string, args ...any), slots int) {
	wrong(!evenSize(cv.W, cv.H), "canvas of %dx%d: both sides must be even, from 16 to 4096", cv.W, cv.H)
	wrong(len(cv.Rungs) == 0, "canvas %q has no rungs: give at least one", cv.Name)
	names := map[string]bool{AudioID: true}
	for _, r := range cv.Rungs {
		wrong(r.Name == "" || names[r.Name], "rung %q: names must be given, differ, and not be %q", r.Name, AudioID)
		wrong(!evenSize(r.W, r.H) || r.W > cv.W || r.H > cv.H,
			"rung %q of %dx%d: both sides must be even, from 16 to the canvas's %dx%d", r.Name, r.W, r.H, cv.W, cv.H)
		wrong(r.BitRate <= 0, "rung %q at %d bit/s: it must be positive", r.Name, r.BitRate)
		wrong(r.Every < 0 || r.Every > max(1, slots), "rung %q of each %d frames: give at most the %d between two cuts", r.Name, r.Every, slots)
		names[r.Name] = true
	}
}

func evenSize(w, h int) bool {
	return w >= 16 && h >= 16 && w <= 4096 && h <= 4096 && (w|h)&1 == 0
}

// maxDelay leaves room for jitter in the second or two of sound that inputs keep.
const maxDelay = media.Second
