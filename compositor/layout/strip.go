package layout

import "image"

// division is how an area is cut into a large tile and a strip of small ones along an edge. Lengths are across the strip
// or along it; shapes are of across by along.
type division struct {
	area          image.Rectangle
	edge          Edge
	upright       bool // the strip is at the left or the right
	across, along int
	gap           int
	of            shape // of the large tile
	thick         int   // of the strip, as it was asked for
	room          int   // what the large tile leaves it
	rows          int   // as thick as the strip, that have room
}

// divide cuts the area for a large tile in the shape of.
func (a *arranger) divide(of shape) *division {
	d := &division{area: a.area, edge: a.spec.Strip.Edge.On(a.w, a.h), gap: a.gap, of: of, across: a.area.Dx(), along: a.area.Dy()}
	if d.upright = d.edge == Left || d.edge == Right; !d.upright {
		d.across, d.along, d.of = d.along, d.across, of.inverse()
	}
	size := a.spec.Strip.Size
	if size == (Length{}) {
		size = Percent(20)
	}
	d.thick = min(max(even(int(size.Of(d.across))), 16), even(d.across/2))
	w, _ := d.of.fit(d.across-d.thick-d.gap, d.along)
	d.room = even(d.across - w - d.gap)
	d.rows = max((d.room+d.gap)/(d.thick+d.gap), 1)
	return d
}

// place is the large tile and n small ones, each in the shape tile, that stand together in the middle: in a strip, or in
// rows where that makes them much larger.
func (d *division) place(n int, tile shape) (large image.Rectangle, small []image.Rectangle) {
	thick, long, length := d.strip(n, tile)
	small = lineUp(n, thick, long, d.along, d.gap, d.upright)
	if rows, deep := d.inRows(n, tile); d.room > d.thick && 4*rows[0].Dx()*rows[0].Dy() > 5*thick*long {
		small, thick, length = rows, deep, d.along
	}
	large = d.of.within(image.Rect(0, 0, d.across-thick-d.gap, length))
	start := even((d.across - large.Dx() - d.gap - thick) / 2)
	mainAt, stripAt := start, start+large.Dx()+d.gap
	if d.edge == Left || d.edge == Top {
		stripAt, mainAt = start, start+thick+d.gap
	}
	large = image.Rectangle{Max: large.Size()}.Add(image.Pt(mainAt, even((d.along-large.Dy())/2)))
	if !d.upright {
		large = image.Rect(large.Min.Y, large.Min.X, large.Max.Y, large.Max.X)
		move(small, image.Pt(0, stripAt).Add(d.area.Min))
	} else {
		move(small, image.Pt(stripAt, 0).Add(d.area.Min))
	}
	return large.Add(d.area.Min), small
}

// strip is how thick and how long each of n tiles in a strip is, and how long the large one may be. Where a sixth more or less
// is enough, or there is room, the strip begins and ends with that.
func (d *division) strip(n int, tile shape) (thick, long, length int) {
	if !d.upright {
		tile = tile.inverse()
	}
	thick, long = d.thick, side(d.along, n, d.gap)
	switch {
	case !tile.any():
		thick, long = tile.fit(thick, long)
	case d.upright: // as long as a person still fits well
		return thick, min(long, even(thick*4/3)), d.along
	default:
		return thick, min(long, even(thick*16/9)), d.along
	}
	if tile.least != tile.most || d.of.any() || d.of.least != d.of.most {
		return thick, long, d.along
	}
	// n tiles and their gaps are as long as the large one: n*t/tile + (n-1)*gap = (across-gap-t)/of.
	gaps, per, large := float64((n-1)*d.gap), float64(n)/tile.least, 1/d.of.least
	t := (float64(d.across-d.gap)*large - gaps) / (per + large)
	t = min(t, (float64(d.along)-gaps)/per)
	l := even(int(t / tile.least))
	asked := float64(thick)
	if l < 16 || t < asked*5/6 || t > max(asked*7/6, float64(d.room)) || t > float64(d.across/2) {
		return thick, long, d.along
	}
	return nearest2(float64(l)*tile.least, d.across), l, n*l + (n-1)*d.gap
}

// inRows is n tiles in the room that the large one leaves, from its edge on, and how deep they are together.
func (d *division) inRows(n int, tile shape) (tiles []image.Rectangle, deep int) {
	room := image.Rect(0, 0, d.along, d.room)
	if d.upright {
		room = image.Rect(0, 0, d.room, d.along)
	}
	if tile.any() {
		tile = suited
	}
	tiles = gridOf(room, n, d.gap, 0, tile)
	var all image.Rectangle
	for _, r := range tiles {
		all = all.Union(r)
	}
	if d.upright {
		move(tiles, image.Pt(-all.Min.X, 0))
		return tiles, all.Dx()
	}
	move(tiles, image.Pt(0, -all.Min.Y))
	return tiles, all.Dy()
}
