package compositor

import (
	"image"
	"testing"
)

// A name is as large a part of every canvas, of one of 720 lines 14 pixels or more, and less only on tiles of which it would
// cover much; where that is too small to be read there is none.
func TestLabelsCanBeRead(t *testing.T) {
	for _, c := range []struct {
		w, h, short int
		want        float64
	}{
		{1280, 720, 720, 34}, {628, 354, 720, 18}, {248, 140, 720, 14}, {144, 82, 720, 11}, {100, 56, 720, 0}, // full, 2x2, 5x5, strips of eight
		{1920, 1080, 1080, 51}, {372, 210, 1080, 21}, // the same of 1080 lines
		{640, 360, 360, 17}, {160, 90, 360, 11},
		{64, 64, 64, 9}, {64, 32, 64, 0},
	} {
		got := textSize(image.Pt(c.w, c.h), c.short)
		if !readable(got, c.short) {
			got = 0
		}
		if got != c.want {
			t.Errorf("%dx%d of %d lines: %v pixels, want %v", c.w, c.h, c.short, got, c.want)
		}
	}
}
