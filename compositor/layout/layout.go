// Package layout is pure geometry: who goes where on a canvas, without pixels or clock.
package layout

import (
	"cmp"
	"image"
	"slices"
	"strings"
)

// MaxTiles is the most tiles a canvas shows.
const MaxTiles = 25

// MinSlot is the least width and height in pixels of a slot that is shown.
const MinSlot = 16

// Mode is the way in which people stand on a canvas.
type Mode string

const (
	Grid          Mode = "grid"           // equal tiles
	ActiveSpeaker Mode = "active-speaker" // one large tile and a strip of small ones along an edge
	Single        Mode = "single"         // one, full frame
	Split         Mode = "split"          // two to four that share the canvas without bars
	Pip           Mode = "pip"            // one full frame and a small one in a corner
	Screen        Mode = "screen"         // a shared screen large, people small; without a screen, a grid
	Custom        Mode = "custom"         // slots
)

// Order is how people stand behind one another.
type Order string

const (
	ByJoining Order = "join"
	ByName    Order = "name"
	BySpeech  Order = "spoken" // who spoke last, first
)

// Edge is where a strip lies. Auto is the right on a canvas of 3:2 or wider and the bottom on others.
type Edge string

const (
	Auto   Edge = "auto"
	Left   Edge = "left"
	Right  Edge = "right"
	Top    Edge = "top"
	Bottom Edge = "bottom"
)

// On is e on a canvas of w x h, where it is not Auto.
func (e Edge) On(w, h int) Edge {
	switch {
	case e != "" && e != Auto:
		return e
	case wide(w, h):
		return Right
	}
	return Bottom
}

// Direction is how a split divides the canvas. Auto is a row on a wide canvas, a column on an
// upright one, and two rows of two for four.
type Direction string

const (
	AutoDirection Direction = "auto"
	Row           Direction = "row"
	Column        Direction = "column"
)

// Aspect is a tile's width by its height, or one of those that are no number.
type Aspect float64

const (
	Fill   Aspect = 0  // a tile takes all the room there is
	Source Aspect = -1 // a tile is of its picture's shape
	Suited Aspect = -2 // 16:9 on a canvas of 3:2 or wider; on others, from 3:4 to 16:9, what covers most with room for a face
)

// Length is a distance on a canvas: a share of one of its sides, or pixels.
type Length struct{ Percent, Pixels float64 }

// Percent is a share of a side.
func Percent(p float64) Length { return Length{Percent: p} }

// Pixels is a distance that is the same on every canvas.
func Pixels(n float64) Length { return Length{Pixels: n} }

// Of is l where the side is so many pixels long.
func (l Length) Of(side int) float64 { return l.Percent/100*float64(side) + l.Pixels }

// Even is l as an even number of pixels, not below 0.
func (l Length) Even(side int) int { return even(int(max(l.Of(side), 0) + 1)) }

// Spec is a layout. Lengths are of the canvas's shorter side, unless they say otherwise.
type Spec struct {
	Mode        Mode
	ShareScreen bool // a shared screen takes the stage while there is one, whatever the mode
	Aspect      Aspect
	Gap, Margin Length // between tiles, and around all; Single, Split and Pip have no margin
	Columns     int    // of a grid; 0: as many as make the tiles largest
	Max         int    // tiles; 0: MaxTiles
	More        bool   // the last tile counts those beyond Max
	Order       Order
	Pinned      []Who // first of all, and large

	OmitAudioOnly, OmitVideoOff bool // unless that leaves nobody

	Strip StripSpec
	Pip   PipSpec
	Split SplitSpec
	Slots []SlotSpec
}

// StripSpec is the strip of small tiles.
type StripSpec struct {
	Edge  Edge
	Count int    // 1 to 8 tiles
	Size  Length // of the canvas's side across the strip
}

// PipSpec is the small tile over the large one.
type PipSpec struct {
	Corner string // "top-left", "top-right", "bottom-left" or "bottom-right"
	Size   Length // its width, of the canvas's width
	Offset Length // from both edges
	Who    Who
}

// SplitSpec is how many share the canvas, and how.
type SplitSpec struct {
	Direction Direction
	Count     int // 2 to 4
}

// SlotSpec is one place of a custom layout. X and W are of the canvas's width, Y and H of its height.
type SlotSpec struct {
	Name       string
	Who        Who
	X, Y, W, H Length
	Z          int // larger is nearer
}

// Person is what a layout needs to know of somebody.
type Person struct {
	ID, Name, Role string
	Screen         bool    // shares a screen
	Aspect         float64 // of the picture; 0: not known
	Whole          bool    // the picture is shown whole: a tile takes its shape within the room it is given
	Video          Video
	Away           bool // lost, and expected back
	Spoke          int  // 1: spoke last, 2: before that; 0: never
}

// presents reports whether p is a shared screen that there is something to see of: from its first picture
// until it has none while it is away.
func (p *Person) presents() bool {
	return p.Screen && p.Aspect > 0 && (p.Video == VideoOn || !p.Away)
}

// Video says what there is to see of somebody.
type Video uint8

const (
	VideoOn   Video = iota // pictures come
	VideoOff               // there is a camera, and it is off
	AudioOnly              // there is none
)

// Stage is who is there and who speaks.
type Stage struct {
	People  []Person // in order of joining
	Speaker string   // the ID of who speaks; empty: nobody in particular
	Before  []string // Plan.Order of the arrangement before this; so few people as possible move
}

// Slot is one tile.
type Slot struct {
	Person int             // its index in Stage.People; -1: it says how many more there are
	Rect   image.Rectangle // even, within the canvas
	Room   image.Rectangle // what the tile was given: Rect, or more where it shows a picture whole
	Main   bool            // the large one of its kind
}

// Plan is an arrangement.
type Plan struct {
	Slots []Slot   // the nearest last
	More  int      // people that a slot without a person stands for
	Order []string // of the people shown, behind an empty one where nobody is large; for the next Stage
}

// Arrange puts the people of st on a canvas of w x h, which are even.
func Arrange(s *Spec, w, h int, st *Stage) Plan {
	a := arranger{spec: s, st: st, w: w, h: h, short: min(w, h)}
	a.gap = s.Gap.Even(a.short)
	a.area = inset(image.Rect(0, 0, w, h), s.Margin.Even(a.short))
	a.pins = s.pins(st)
	list := a.cast()
	if len(list) == 0 {
		return Plan{}
	}
	a.run(list)
	a.fitWhole()
	if len(a.plan.Slots) > 0 && !a.plan.Slots[0].Main {
		a.plan.Order = append(a.plan.Order, "")
	}
	for _, slot := range a.plan.Slots {
		if slot.Person >= 0 {
			a.plan.Order = append(a.plan.Order, st.People[slot.Person].ID)
		}
	}
	return a.plan
}

// arranger is one run of Arrange.
type arranger struct {
	spec        *Spec
	st          *Stage
	w, h, short int
	gap         int
	area        image.Rectangle // the canvas less its margin
	pins        []int           // of each person
	corner      string          // of their rooms, in which small tiles of whole pictures stand; empty: the middle
	plan        Plan
}

func (a *arranger) run(list []int) {
	screens, people := a.split(list)
	mode := a.spec.Mode
	if a.spec.ShareScreen && len(screens) > 0 && !a.spec.bindsScreen() {
		mode = Screen
	}
	switch mode {
	case ActiveSpeaker:
		a.activeSpeaker(list)
	case Single:
		a.area = a.canvas()
		a.add(a.main(list), a.area, true)
	case Split:
		a.share(list)
	case Pip:
		a.pip(list)
	case Screen:
		if len(screens) > 0 {
			a.screen(screens, people)
			return
		}
		a.grid(list)
	case Custom:
		a.custom(list)
	default:
		a.grid(list)
	}
}

// add gives person i the tile r.
func (a *arranger) add(i int, r image.Rectangle, main bool) {
	a.plan.Slots = append(a.plan.Slots, Slot{Person: i, Rect: r, Main: main})
}

// fitWhole gives tiles that show a picture whole its shape.
func (a *arranger) fitWhole() {
	for k := range a.plan.Slots {
		s := &a.plan.Slots[k]
		if s.Room = s.Rect; s.Person < 0 || !a.st.People[s.Person].Whole || a.st.People[s.Person].Aspect <= 0 {
			continue
		}
		s.Rect = exactly(a.source(s.Person)).within(s.Room)
		if a.corner != "" && !s.Main {
			s.Rect = s.Rect.Add(inCorner(s.Room, s.Rect.Size(), a.corner, 0).Sub(s.Rect.Min))
		}
	}
}

// split divides list into shared screens, the pinned first and else the last to join, and all others.
func (a *arranger) split(list []int) (screens, people []int) {
	for _, i := range list {
		if a.st.People[i].presents() {
			screens = append(screens, i)
		} else {
			people = append(people, i)
		}
	}
	slices.SortFunc(screens, func(i, j int) int { return cmp.Or(cmp.Compare(a.pins[i], a.pins[j]), cmp.Compare(j, i)) })
	return screens, people
}

// main is who is shown large: who is pinned, else who speaks or spoke last, else the first. A shared screen
// without anything to see is so only where there is nobody else.
func (a *arranger) main(list []int) int {
	if seen := slices.DeleteFunc(slices.Clone(list), func(i int) bool { return a.st.People[i].Screen && !a.st.People[i].presents() }); len(seen) > 0 {
		list = seen
	}
	if a.pins[list[0]] < len(a.spec.Pinned) {
		return list[0]
	}
	best := list[0]
	for _, i := range list {
		p, b := &a.st.People[i], &a.st.People[best]
		if p.ID == a.st.Speaker {
			return i
		}
		if p.Spoke > 0 && (b.Spoke == 0 || p.Spoke < b.Spoke) {
			best = i
		}
	}
	return best
}

// canvas is all of it.
func (a *arranger) canvas() image.Rectangle { return image.Rect(0, 0, a.w, a.h) }

// wide reports whether the canvas is 3:2 or wider.
func (a *arranger) wide() bool { return wide(a.w, a.h) }

func wide(w, h int) bool { return 2*w >= 3*h }

// shape is that of i's tile; -1 is the tile of nobody in particular.
func (a *arranger) shape(i int) shape {
	switch aspect := a.spec.Aspect; {
	case aspect == Source:
		return exactly(a.source(i))
	case aspect == Suited && !a.wide():
		return suited
	case aspect == Suited:
		return exactly(16.0 / 9)
	default:
		return exactly(float64(aspect))
	}
}

// source is the shape of i's picture, w by h.
func (a *arranger) source(i int) float64 {
	if i >= 0 && a.st.People[i].Aspect > 0 {
		return min(max(a.st.People[i].Aspect, 0.2), 5)
	}
	return 16.0 / 9
}

// without is list less person i.
func without(list []int, i int) (rest []int) {
	for _, k := range list {
		if k != i {
			rest = append(rest, k)
		}
	}
	return rest
}

// inCorner is where in r something of that size lies in a corner, so far from both edges.
func inCorner(r image.Rectangle, size image.Point, corner string, off int) image.Point {
	at := r.Max.Sub(size).Sub(image.Pt(off, off))
	if strings.HasSuffix(corner, "left") {
		at.X = r.Min.X + off
	}
	if strings.HasPrefix(corner, "top") {
		at.Y = r.Min.Y + off
	}
	return image.Pt(min(max(at.X, r.Min.X), r.Max.X-size.X), min(max(at.Y, r.Min.Y), r.Max.Y-size.Y))
}

// inset is r less n on each side, or r where that leaves nothing.
func inset(r image.Rectangle, n int) image.Rectangle {
	if in := r.Inset(n); in.Dx() >= 16 && in.Dy() >= 16 {
		return in
	}
	return r
}
