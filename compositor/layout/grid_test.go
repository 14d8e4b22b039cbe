package layout

import (
	"fmt"
	"image"
	"testing"
)

// Nobody stands alone in a last row to which the others can give.
func TestLastRowsAreBalanced(t *testing.T) {
	for _, c := range []struct {
		n, columns int
		aspect     Aspect
		want       string // people in each row
	}{
		{3, 0, 16. / 9, "2 1"}, {5, 0, 16. / 9, "3 2"}, {7, 0, 16. / 9, "3 2 2"}, {8, 0, 16. / 9, "3 3 2"}, {13, 0, 16. / 9, "4 3 3 3"},
		{14, 0, 16. / 9, "4 4 4 2"}, {21, 0, 16. / 9, "5 4 4 4 4"}, {7, 3, 16. / 9, "3 3 1"}, {16, 0, 16. / 9, "4 4 4 4"},
	} {
		got, last := "", image.Rectangle{}
		k := 0
		for _, r := range append(arrange(Spec{Mode: Grid, Aspect: c.aspect, Columns: c.columns, Gap: Pixels(8)}, 1280, 720, people(c.n)), image.Rectangle{}) {
			if k > 0 && r.Min.Y != last.Min.Y {
				got += fmt.Sprint(" ", k)
				k = 0
			}
			if k > 0 && (r.Min.X <= last.Max.X || r.Size() != last.Size()) {
				t.Errorf("%d people: %v behind %v", c.n, r, last)
			}
			last, k = r, k+1
		}
		if got != " "+c.want {
			t.Errorf("%d people in rows of%s, want %s", c.n, got, c.want)
		}
	}
}

// Tiles of a suited shape are the ones that cover most with room for a face.
func TestSuitedGrids(t *testing.T) {
	for _, c := range []struct {
		w, h, n int
		want    image.Point
	}{
		{960, 720, 1, image.Pt(960, 720)}, {960, 720, 2, image.Pt(480, 640)}, {960, 720, 13, image.Pt(192, 240)},
		{720, 1280, 4, image.Pt(360, 480)}, {720, 1280, 25, image.Pt(180, 182)}, {1280, 720, 2, image.Pt(640, 360)}, {1080, 720, 1, image.Pt(1080, 608)},
	} {
		if got := arrange(Spec{Mode: Grid, Aspect: Suited}, c.w, c.h, people(c.n))[0].Size(); got != c.want {
			t.Errorf("%d on %dx%d: %v, want %v", c.n, c.w, c.h, got, c.want)
		}
	}
}
