package layout

import "image"

// shape is the least and the most width by height that a tile may have. Zero is any.
type shape struct{ least, most float64 }

// suited are the shapes that a picture of a person can be cut to.
var suited = shape{3.0 / 4, 16.0 / 9}

func exactly(aspect float64) shape { return shape{aspect, aspect} }

// any reports whether a tile takes what room there is.
func (s shape) any() bool { return s.most <= 0 }

// inverse is s turned by a right angle.
func (s shape) inverse() shape {
	if s.any() {
		return s
	}
	return shape{1 / s.most, 1 / s.least}
}

// fit is the largest even size of the shape in w x h.
func (s shape) fit(w, h int) (int, int) {
	switch {
	case s.any():
		return w, h
	case float64(w) > float64(h)*s.most:
		return max(nearest2(float64(h)*s.most, w), 2), h
	case float64(w) < float64(h)*s.least:
		return w, max(nearest2(float64(w)/s.least, h), 2)
	}
	return w, h
}

// within is the largest even rectangle of the shape in the middle of r, or r where less than two pixels are between the two.
func (s shape) within(r image.Rectangle) image.Rectangle {
	if w, h := float64(r.Dx()), float64(r.Dy()); s.any() || w-h*s.most < 2 && h-w/s.least < 2 {
		return r
	}
	w, h := s.fit(r.Dx(), r.Dy())
	return middle(r, w, h)
}

// nearest2 is the even number nearest to x that is at most limit.
func nearest2(x float64, limit int) int { return min(int(x/2+0.5)*2, even(limit)) }
