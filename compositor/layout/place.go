package layout

import "image"

// Fit says how a source fills a tile of another shape.
type Fit uint8

const (
	Cover   Fit = iota // fill the tile, crop the source around its centre
	Contain            // show the whole source, leave bars
)

// Place says which part of a sw x sh source is shown, and where, relative to the
// corner of a w x h tile. Both rectangles are even; one is whole, the other
// centred: Cover crops the source, Contain shrinks the destination, unless it would be
// by less than two pixels. A covering source that is at most a sixteenth too large is
// cut to the tile instead of being scaled, which is sharper and costs a copy.
func Place(fit Fit, sw, sh, w, h int) (src, dst image.Rectangle) {
	sw, sh, w, h = max(even(sw), 2), max(even(sh), 2), max(even(w), 2), max(even(h), 2)
	src, dst = image.Rect(0, 0, sw, sh), image.Rect(0, 0, w, h)
	if fit == Contain {
		if w*sh-h*sw < 2*sh && h*sw-w*sh < 2*sw {
			return src, dst
		}
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
