package layout

import (
	"cmp"
	"image"
	"slices"
)

// activeSpeaker is one large and the others in a strip.
func (a *arranger) activeSpeaker(list []int) {
	main := a.main(list)
	a.withStrip(main, a.shape(main), without(list, main))
}

// screen is the latest shared screen, whole, with everybody else in a strip.
func (a *arranger) screen(screens, people []int) {
	main := screens[0]
	a.withStrip(main, exactly(a.source(main)), append(people, screens[1:]...))
}

// withStrip shows main large, in the shape of, and as many of rest as have room in the strip.
func (a *arranger) withStrip(main int, of shape, rest []int) {
	a.add(main, image.Rectangle{}, true)
	count := a.spec.Strip.Count
	if count == 0 {
		count = 4
	}
	d := a.divide(of)
	count = min(count*d.rows, MaxTiles-1)
	if most := a.spec.Max; most > 0 {
		count = min(count, most-1)
	}
	if len(rest) == 0 || count == 0 {
		a.plan.Slots[0].Rect = of.within(a.area)
		return
	}
	shown, more := a.choose(rest, count)
	n := len(shown)
	if more > 0 {
		n++
	}
	large, small := d.place(n, a.cells(shown))
	a.plan.Slots[0].Rect = large
	for k, i := range shown {
		a.add(i, a.own(i, small[k]), false)
	}
	a.others(more, small[n-1])
}

// lineUp is n tiles in the middle of a strip of which along is the length: thick across it, long along it.
func lineUp(n, thick, long, along, gap int, upright bool) (tiles []image.Rectangle) {
	gap = fitGap(along, long, n, gap)
	at := even((along - n*long - (n-1)*gap) / 2)
	for range n {
		r := image.Rect(0, at, thick, at+long)
		if !upright {
			r = image.Rect(at, 0, at+long, thick)
		}
		tiles = append(tiles, r)
		at += long + gap
	}
	return tiles
}

// move shifts all tiles by the same.
func move(tiles []image.Rectangle, by image.Point) {
	for i := range tiles {
		tiles[i] = tiles[i].Add(by)
	}
}

// share is two to four who divide the canvas without bars.
func (a *arranger) share(list []int) {
	a.area = a.canvas()
	count := a.spec.Split.Count
	if count == 0 {
		count = 4
	}
	shown, more := a.choose(list, min(count, 4))
	n := len(shown)
	if more > 0 {
		n++
	}
	cols := n
	switch a.spec.Split.Direction {
	case Row:
	case Column:
		cols = 1
	default:
		if n == 4 {
			cols = 2
		} else if a.area.Dx() < a.area.Dy() {
			cols = 1
		}
	}
	rects := gridOf(a.area, n, a.gap, cols, shape{})
	for k, i := range shown {
		a.add(i, rects[k], false)
	}
	a.others(more, rects[n-1])
}

// pip is one full frame and one in a corner of it.
func (a *arranger) pip(list []int) {
	p := &a.spec.Pip
	a.area = a.canvas()
	small := -1
	if p.Who.named() && len(list) > 1 {
		small = p.Who.find(a.st, list)
	}
	main := a.main(without(list, small))
	if rest := without(list, main); small < 0 && len(rest) > 0 {
		who := p.Who
		if who.By == "" || who.By == "speaker" { // the first speaker is the large one
			who = Who{By: "speaker", N: max(who.N-1, 1)}
		}
		if small = who.find(a.st, rest); small < 0 {
			small = rest[0]
		}
	}
	a.add(main, a.area, true)
	if small < 0 {
		return
	}
	size := p.Size
	if size == (Length{}) {
		size = Percent(25)
	}
	w := min(max(even(int(size.Of(a.w))), 16), a.area.Dx())
	of := a.shape(small)
	if of.any() {
		of = exactly(16.0 / 9)
	}
	w, h := exactly(of.least).fit(w, a.area.Dy())
	a.corner = cmp.Or(p.Corner, "bottom-right")
	at := inCorner(a.area, image.Pt(w, h), a.corner, p.Offset.Even(a.short))
	a.add(small, image.Rectangle{at, at.Add(image.Pt(w, h))}, false)
}

// custom fills the slots: first those that name somebody, then those of speakers, then those that take
// who is left. Nobody has two, and a slot for which there is nobody stays open.
func (a *arranger) custom(list []int) {
	slots := a.spec.Slots
	people := make([]int, len(slots))
	order := make([]int, len(slots))
	for k := range slots {
		people[k], order[k] = -1, k
	}
	for _, kind := range []func(Who) bool{Who.named, Who.speaks, Who.anyone} {
		free := list
		for k := range slots {
			if kind(slots[k].Who) {
				people[k] = slots[k].Who.take(a.st, free, list)
				list = without(list, people[k])
			}
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(slots[i].Z, slots[j].Z) })
	for _, k := range order {
		if r := slots[k].Rect(a.w, a.h); people[k] >= 0 && r.Dx() >= MinSlot && r.Dy() >= MinSlot {
			a.add(people[k], r, false)
		}
	}
}

func (w Who) named() bool  { return w.By == "name" || w.By == "role" || w.By == "screen" }
func (w Who) speaks() bool { return w.By == "speaker" }
func (w Who) anyone() bool { return w.By == "anyone" || w.By == "" }

// take is who of free w chooses, if they are still left; anyone is satisfied with who is.
func (w Who) take(st *Stage, free, left []int) int {
	i := w.find(st, free)
	if slices.Contains(left, i) {
		return i
	}
	if w.anyone() && len(left) > 0 && w.N <= 1 {
		return left[0]
	}
	return -1
}

// Rect is where s lies on a canvas of w x h: even, and within it. It is shown from MinSlot each way on.
func (s *SlotSpec) Rect(w, h int) image.Rectangle {
	x, y := even(int(s.X.Of(w)+1)), even(int(s.Y.Of(h)+1))
	right, bottom := even(int(s.X.Of(w)+s.W.Of(w)+1)), even(int(s.Y.Of(h)+s.H.Of(h)+1))
	return image.Rect(x, y, right, bottom).Intersect(image.Rect(0, 0, w, h))
}
