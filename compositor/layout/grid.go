package layout

import (
	"image"
	"slices"
)

// grid is equal tiles in reading order, short rows centred.
func (a *arranger) grid(list []int) {
	shown, more := a.choose(list, MaxTiles)
	n := len(shown)
	if more > 0 {
		n++
	}
	rects := gridOf(a.area, n, a.gap, a.spec.Columns, a.cells(shown))
	for k, i := range shown {
		a.add(i, a.own(i, rects[k]), false)
	}
	a.others(more, rects[n-1])
}

// cells is the shape of the equal cells that the tiles of list stand in.
func (a *arranger) cells(list []int) shape {
	if a.spec.Aspect == Source {
		return exactly(a.median(list))
	}
	return a.shape(-1)
}

// own is i's tile in the cell r.
func (a *arranger) own(i int, r image.Rectangle) image.Rectangle {
	if a.spec.Aspect == Source {
		return a.shape(i).within(r)
	}
	return r
}

// others adds the tile that says how many more there are.
func (a *arranger) others(more int, r image.Rectangle) {
	if more > 0 {
		a.plan.More = more
		a.add(-1, r, false)
	}
}

// median is the middle one of the pictures' shapes.
func (a *arranger) median(list []int) float64 {
	var all []float64
	for _, i := range list {
		all = append(all, a.source(i))
	}
	if len(all) == 0 {
		return 16.0 / 9
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// gridOf is n tiles in area, all of one size: of the shape of, or as large as they can be when it is any. With 0 columns
// there are as many as make the tiles largest: by what they cover times their shorter side, as a face needs both; where two
// numbers are as good, the one with fewer holes, and then tiles stand side by side on a wide area and above one another on
// an upright one. So it is, too, where so many columns would leave rows of less than 16 pixels.
func gridOf(area image.Rectangle, n, gap, columns int, of shape) []image.Rectangle {
	var best struct {
		cols, w, h, holes int
		score             float64
	}
	if columns > 0 && area.Dy()/((n+columns-1)/columns) < 16 {
		columns = 0
	}
	for cols := 1; cols <= n; cols++ {
		if columns > 0 && cols != min(columns, n) {
			continue
		}
		rows := (n + cols - 1) / cols
		w, h := side(area.Dx(), cols, gap), side(area.Dy(), rows, gap)
		score := 0.0
		if !of.any() {
			w, h = of.fit(w, h)
			score = float64(w * h * min(w, h))
		} else { // the nearer to 4:3 and the fewer holes the better
			shape := float64(w) / float64(h) / (4.0 / 3)
			score = min(shape, 1/shape) * float64(n) / float64(cols*rows)
		}
		holes := cols*rows - n
		better := score > best.score*1.01
		if !better && score > best.score*0.99 { // as good
			better = holes < best.holes || holes == best.holes && area.Dx() >= area.Dy()
		}
		if better {
			best.cols, best.w, best.h, best.holes, best.score = cols, w, h, holes, score
		}
	}
	out := rows(area, inRows(n, best.cols, columns == 0 && !of.any()), best.w, best.h, gap)
	if of.any() {
		flush(out, area, best.cols)
	}
	return out
}

// flush lets tiles that fill the area reach its edges, where rounding has left a pixel or two.
func flush(tiles []image.Rectangle, area image.Rectangle, cols int) {
	n := len(tiles)
	for i := range tiles {
		r := &tiles[i]
		if i%cols == cols-1 && n >= cols {
			r.Max.X = even(area.Max.X)
		}
		if i%cols == 0 && n-i/cols*cols >= cols {
			r.Min.X = area.Min.X
		}
		if i/cols == (n-1)/cols {
			r.Max.Y = even(area.Max.Y)
		}
		if i < cols {
			r.Min.Y = area.Min.Y
		}
	}
}

// inRows is how many of n tiles stand in each row, cols in the first. Evenly, all rows give to the last where that had
// only one.
func inRows(n, cols int, evenly bool) (rows []int) {
	count := (n + cols - 1) / cols
	for row := range count {
		k := min(cols, n-row*cols)
		if evenly && n%cols == 1 {
			k = (n + count - 1 - row) / count
		}
		rows = append(rows, k)
	}
	return rows
}

// rows places tiles of w x h in area, so many in each row, all centred.
func rows(area image.Rectangle, inRows []int, w, h, gap int) []image.Rectangle {
	count := len(inRows)
	gapX, gapY := fitGap(area.Dx(), w, inRows[0], gap), fitGap(area.Dy(), h, count, gap)
	y := area.Min.Y + even((area.Dy()-count*h-(count-1)*gapY)/2)
	var out []image.Rectangle
	for _, k := range inRows {
		x := area.Min.X + even((area.Dx()-k*w-(k-1)*gapX)/2)
		for range k {
			out = append(out, image.Rect(x, y, x+w, y+h))
			x += w + gapX
		}
		y += h + gapY
	}
	return out
}

// side divides total into n even stretches of one size with a gap between, which gives way where there is no room.
func side(total, n, gap int) int {
	size := even((total - (n-1)*gap) / n)
	if size < 16 {
		size = even(total / n)
	}
	return max(size, 2)
}

// fitGap is the gap for which n stretches of size have room in total.
func fitGap(total, size, n, gap int) int {
	if n > 1 && n*size+(n-1)*gap > total {
		return max(even((total-n*size)/(n-1)), 0)
	}
	return gap
}
