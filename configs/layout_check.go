package configs

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tilecast/compositor/art"
	"tilecast/compositor/layout"
)

// checkLayout checks the layout at, on a canvas of w by h.
func checkLayout(bad report, at string, l *Layout, w, h int) {
	short := min(w, h)
	oneOf(bad, at+".mode", l.Mode, "grid", "active-speaker", "single", "split", "pip", "screen", "custom")
	oneOf(bad, at+".screen", l.Screen, "auto", "off")
	oneOf(bad, at+".order", l.Order, "join", "name", "spoken")
	between(bad, at+".max", l.Max, 1, layout.MaxTiles)
	for i, w := range l.Pinned {
		if slices.Contains(l.Pinned[:i], w) {
			bad(fmt.Sprintf("%s.pinned[%d]", at, i), "%q is pinned already", layout.Who(w))
		}
	}
	checkLength(bad, at+".gap", l.Gap, short, percent(12.5))
	checkLength(bad, at+".margin", l.Margin, short, percent(25))
	checkTile(bad, at+".tile", &l.Tile, short)
	oneOf(bad, at+".strip.edge", l.Strip.Edge, "auto", "left", "right", "top", "bottom")
	between(bad, at+".strip.count", l.Strip.Count, 1, 8)
	checkRange(bad, at+".strip.size", l.Strip.Size, across(l.Strip.Edge, w, h), percent(1), percent(50))
	oneOf(bad, at+".pip.corner", l.Pip.Corner, "top-left", "top-right", "bottom-left", "bottom-right")
	ok := checkRange(bad, at+".pip.size", l.Pip.Size, w, percent(1), percent(75))
	if ok = checkLength(bad, at+".pip.offset", l.Pip.Offset, short, percent(40)) && ok; ok && l.Mode == "pip" {
		checkPip(bad, at+".pip", &l.Pip, l.Tile.Aspect, w, h)
	}
	oneOf(bad, at+".split.direction", l.Split.Direction, "auto", "row", "column")
	between(bad, at+".split.count", l.Split.Count, 2, 4)
	checkSlots(bad, at, l, w, h)
	oneOf(bad, at+".labels.position", l.Labels.Position, "bottom-left", "bottom-center", "bottom-right", "top-left", "top-center", "top-right")
	between(bad, at+".labels.size", l.Labels.Size, 0.3, 4)
	oneOf(bad, at+".placeholder.kind", l.Placeholder.Kind, "initials", "color", "image")
	if l.Placeholder.Kind == "image" && l.Placeholder.Image == "" {
		bad(at+".placeholder.image", "is missing: name the picture to show")
	}
	checkText(bad, at+".slates.opening.text", l.Slates.Opening.Text)
	checkText(bad, at+".slates.empty.text", l.Slates.Empty.Text)
	checkText(bad, at+".slates.closing.text", l.Slates.Closing.Text)
	for i := range l.Overlays {
		checkOverlay(bad, fmt.Sprintf("%s.overlays[%d]", at, i), &l.Overlays[i], w, h)
	}
	if n := len(l.Overlays); n > maxOverlays {
		bad(at+".overlays", "has %d entries: use at most %d", n, maxOverlays)
	}
	between(bad, at+".transition.duration", l.Transition.Duration, 0, 5*time.Second)
	oneOf(bad, at+".transition.easing", l.Transition.Easing, "ease", "linear", "out")
	between(bad, at+".transition.hold", l.Transition.Hold, 0, time.Minute)
}

func checkTile(bad report, at string, t *Tile, short int) {
	oneOf(bad, at+".fit", t.Fit, "cover", "contain")
	oneOf(bad, at+".screen_fit", t.ScreenFit, "cover", "contain")
	checkLength(bad, at+".radius", t.Radius, short, percent(50))
	checkLength(bad, at+".border.width", t.Border.Width, short, percent(10))
	checkLength(bad, at+".highlight.width", t.Highlight.Width, short, percent(10))
	checkLength(bad, at+".shadow.size", t.Shadow.Size, short, percent(15))
	between(bad, at+".shadow.opacity", t.Shadow.Opacity, 0, 1)
}

func checkSlots(bad report, at string, l *Layout, w, h int) {
	if l.Mode == "custom" && len(l.Slots) == 0 {
		bad(at+".slots", "is empty: a custom layout needs at least one slot")
	}
	if n := len(l.Slots); n > layout.MaxTiles {
		bad(at+".slots", "has %d entries: use at most %d", n, layout.MaxTiles)
	}
	first := map[string]string{}
	for i, s := range l.Slots {
		at := fmt.Sprintf("%s.slots[%d]", at, i)
		if s.Who.By == "" {
			bad(at+".who", "is missing: use speaker, speaker:2, name:Ada, role:host, screen or anyone")
		}
		if other, again := first[s.Name]; again && s.Name != "" {
			bad(at+".name", "%q is the name of %s already", s.Name, other)
		} else {
			first[s.Name] = at
		}
		checkStretch(bad, at+".x", at+".width", s.X, s.Width, w)
		checkStretch(bad, at+".y", at+".height", s.Y, s.Height, h)
	}
}

// checkPip holds that the small tile has room in its corner, on a canvas of w by h.
func checkPip(bad report, at string, p *Pip, aspect Aspect, w, h int) {
	spec := layout.Spec{Mode: layout.Pip, Aspect: layout.Aspect(aspect)}
	spec.Pip = layout.PipSpec{Corner: "top-left", Size: layout.Length(p.Size), Offset: layout.Length(p.Offset)}
	small := layout.Arrange(&spec, w, h, &layout.Stage{People: make([]layout.Person, 2)}).Slots[1].Rect
	if off := spec.Pip.Offset.Even(min(w, h)); small.Min.X < off || small.Min.Y < off {
		room := min(w-small.Dx(), h-small.Dy())
		bad(at, "there is no room for a tile of %v at %v from the corner: use an offset of 0 to %v, or a smaller size",
			p.Size, p.Offset, inWordsOf(p.Offset, room, min(w, h), math.Floor))
	}
}

// checkStretch holds that a slot that begins at pos of a side and is so long is seen, and lies on the canvas.
func checkStretch(bad report, posPath, longPath string, pos, long Length, side int) {
	begin, n := layout.Length(pos).Of(side), layout.Length(long).Of(side)
	slack := float64(side) / 200 // thirds may be said as 33.4%
	slot := layout.SlotSpec{X: layout.Length(pos), W: layout.Length(long), H: layout.Percent(100)}
	switch seen := slot.Rect(side, 2).Dx(); {
	case n <= 0:
		bad(longPath, "is missing: say how large the slot is, such as 50%%")
	case seen >= layout.MinSlot && begin < -slack:
		bad(posPath, "%v begins outside of the canvas: use 0 or more", pos)
	case seen >= layout.MinSlot && begin+n > float64(side)+slack:
		bad(longPath, "%v from %v on reaches beyond the canvas: use at most %v", long, pos,
			inWordsOf(long, side-int(math.Ceil(begin)), side, math.Floor))
	case seen >= layout.MinSlot:
	case begin > float64(side-layout.MinSlot) || begin+n < layout.MinSlot && begin < 0:
		bad(posPath, "%v is outside of the canvas: use 0 to %v", pos, inWordsOf(pos, side-layout.MinSlot, side, math.Floor))
	default:
		bad(longPath, "%v is too small to be seen: use %v or more", long, inWordsOf(long, layout.MinSlot, side, math.Ceil))
	}
}

// inWordsOf is n pixels of a side, as a whole number of what l is in.
func inWordsOf(l Length, n, side int, whole func(float64) float64) Length {
	if l.Percent != 0 {
		return percent(whole(100 * float64(n) / float64(side)))
	}
	return Length{Pixels: float64(n)}
}

// across is the side of a canvas of w by h that a strip along edge takes a part of.
func across(edge string, w, h int) int {
	switch layout.Edge(edge).On(w, h) {
	case layout.Left, layout.Right:
		return w
	}
	return h
}

// maxOverlays bounds what is drawn over every frame.
const maxOverlays = 16

// positions are those of overlays.
var positions = []string{"top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"}

func checkOverlay(bad report, at string, o *Overlay, w, h int) {
	if (o.Image == "") == (o.Text == "") {
		bad(at, "needs either an image or a text")
	}
	checkText(bad, at+".text", o.Text)
	checkText(bad, at+".sub", o.Sub)
	oneOf(bad, at+".kind", o.Kind, "lower-third", "banner")
	if !slices.Contains(positions, o.Position) { // all are said: those of labels have other names
		bad(at+".position", "%q is not known: use %s", o.Position, list(positions, "or"))
	}
	short := min(w, h)
	side, room := short, w*2/5 // beside a text is as much on the other side
	if o.Image != "" || o.Kind == "banner" {
		room = w - layout.MinSlot
	}
	if o.Image != "" {
		side = w
	}
	checkReach(bad, at+".x", o.X, short, room)
	checkReach(bad, at+".y", o.Y, short, h-layout.MinSlot)
	checkLength(bad, at+".size", o.Size, side, percent(100))
	between(bad, at+".opacity", o.Opacity, 0, 1)
}

// checkReach holds that l, which is of a canvas's shorter side, is from 0 to n pixels.
func checkReach(bad report, path string, l Length, short, n int) {
	checkRange(bad, path, l, short, Length{}, inWordsOf(l, n, short, math.Floor))
}

// checkText holds that a text is drawn as it was said.
func checkText(bad report, path, text string) {
	if n := utf8.RuneCountInString(text); n > art.MostText {
		bad(path, "has %d characters: use at most %d", n, art.MostText)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		bad(path, "holds the control character %q: leave it out", r)
	}
}

// checkLength holds that l, which is of a side, is not below 0 and at most so large.
func checkLength(bad report, path string, l Length, side int, most Length) bool {
	return checkRange(bad, path, l, side, Length{}, most)
}

// checkRange holds that l, which is of a side, is from least to most.
func checkRange(bad report, path string, l Length, side int, least, most Length) bool {
	px := func(l Length) float64 { return layout.Length(l).Of(side) }
	if v := px(l); v >= px(least)-0.001 && v <= px(most)+0.001 {
		return true
	}
	if l.Pixels != 0 { // in the words of who wrote it
		least, most = Length{Pixels: math.Ceil(px(least))}, Length{Pixels: math.Floor(px(most))}
	}
	bad(path, "%v is out of range: use %v to %v", l, least, most)
	return false
}
