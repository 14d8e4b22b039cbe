// Package layout is pure geometry: who goes where on a canvas, without pixels or clock.
package layout

import "image"

// MaxTiles is the most tiles a grid shows.
const MaxTiles = 9

// Fit says how a source fills a tile of another shape.
type Fit uint8

const (
	Cover   Fit = iota // fill the tile, crop the source around its centre
	Contain            // show the whole source, leave bars
)

// Grid places n tiles on a w x h canvas in reading order: one column for one
// tile, two for up to four, three for up to nine, as many rows as needed, a short
// last row centred. Tiles are of one size; gap is the least distance between
// neighbours and margin to the canvas's edge, in pixels. All coordinates are even.
// Gap and margin give way where the canvas is too small for them.
func Grid(w, h, n, gap, margin int) []image.Rectangle {
	n = min(max(n, 0), MaxTiles)
	if n == 0 {
		return nil
	}
	cols, rows := shape(n)
	tw, x0, dx := split(w, cols, gap, margin)
	th, y0, dy := split(h, rows, gap, margin)
	tiles := make([]image.Rectangle, 0, n)
	for i := range n {
		row, col := i/cols, i%cols
		x := x0 + col*dx
		if missing := cols - (n - row*cols); missing > 0 {
			x += even(missing * dx / 2)
		}
		y := y0 + row*dy
		tiles = append(tiles, image.Rect(x, y, x+tw, y+th))
	}
	return tiles
}

func shape(n int) (cols, rows int) {
	switch {
	case n == 1:
		cols = 1
	case n <= 4:
		cols = 2
	default:
		cols = 3
	}
	return cols, (n + cols - 1) / cols
}

// split divides an edge of length total into n even stretches of one size: the
// first begins at start, each next one pitch further on. The group is centred.
func split(total, n, gap, margin int) (size, start, pitch int) {
	gap, margin = even(max(gap, 0)+1), even(max(margin, 0)+1)
	size = even((total - 2*margin - (n-1)*gap) / n)
	if size < 2 {
		gap, margin = 0, 0
		size = max(even(total/n), 2)
	}
	used := n*size + (n-1)*gap
	return size, even(max(total-used, 0) / 2), size + gap
}

// Place says which part of a sw x sh source is shown, and where, relative to the
// corner of a w x h tile. Both rectangles are even; one is whole, the other
// centred: Cover crops the source, Contain shrinks the destination. A covering
// source that is at most a sixteenth too large is cut to the tile instead of being
// scaled, which is sharper and costs a copy.
func Place(fit Fit, sw, sh, w, h int) (src, dst image.Rectangle) {
	sw, sh, w, h = max(even(sw), 2), max(even(sh), 2), max(even(w), 2), max(even(h), 2)
	src, dst = image.Rect(0, 0, sw, sh), image.Rect(0, 0, w, h)
	if fit == Contain {
		return src, centre(dst, sw, sh)
	}
	if sw >= w && sh >= h && nearly(sw, sh, w, h) {
		return middle(src, w, h), dst
	}
	return centre(src, w, h), dst
}

// nearly reports whether covering w x h would scale sw x sh by no more than 1/16.
func nearly(sw, sh, w, h int) bool {
	crop := centre(image.Rect(0, 0, sw, sh), w, h)
	return crop.Dx()-w <= w/16 && crop.Dy()-h <= h/16
}

// centre is the largest even rectangle of the shape w:h inside r, in its middle.
func centre(r image.Rectangle, w, h int) image.Rectangle {
	rw, rh := r.Dx(), r.Dy()
	if rw*h > rh*w {
		rw = min(nearestEven(rh*w, h), rw)
	} else {
		rh = min(nearestEven(rw*h, w), rh)
	}
	return middle(r, max(rw, 2), max(rh, 2))
}

// middle is the w x h rectangle in the middle of r.
func middle(r image.Rectangle, w, h int) image.Rectangle {
	x, y := r.Min.X+even((r.Dx()-w)/2), r.Min.Y+even((r.Dy()-h)/2)
	return image.Rect(x, y, x+w, y+h)
}

func even(n int) int { return n &^ 1 }

// nearestEven is the even number nearest to a/b.
func nearestEven(a, b int) int { return (a + b) / (2 * b) * 2 }
