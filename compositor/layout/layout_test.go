package layout

import (
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// people are n of them; the k-th spoke k-th last.
func people(n int) []Person {
	var all []Person
	for k := range n {
		all = append(all, Person{ID: fmt.Sprint("p", k), Name: string(rune('A' + k)), Spoke: k + 1})
	}
	return all
}

func arrange(s Spec, w, h int, ps []Person) []image.Rectangle {
	var rects []image.Rectangle
	for _, slot := range Arrange(&s, w, h, &Stage{People: ps}).Slots {
		rects = append(rects, slot.Rect)
	}
	return rects
}

// who are the names in the plan's slots, + for the tile that counts the others.
func who(p Plan, ps []Person) string {
	var b strings.Builder
	for _, s := range p.Slots {
		if s.Person < 0 {
			fmt.Fprintf(&b, "+%d", p.More)
			continue
		}
		b.WriteString(ps[s.Person].Name)
	}
	return b.String()
}

func TestGridOnTheUsualCanvas(t *testing.T) {
	s := Spec{Mode: Grid, Gap: Pixels(8), Margin: Pixels(8)}
	for _, c := range []struct {
		n      int
		aspect Aspect
		want   []image.Rectangle
	}{
		{1, Fill, []image.Rectangle{image.Rect(8, 8, 1272, 712)}},
		{4, Fill, []image.Rectangle{image.Rect(8, 8, 636, 356), image.Rect(644, 8, 1272, 356), image.Rect(8, 364, 636, 712), image.Rect(644, 364, 1272, 712)}},
		{1, 16. / 9, []image.Rectangle{image.Rect(14, 8, 1266, 712)}},
		{2, 16. / 9, []image.Rectangle{image.Rect(8, 182, 636, 536), image.Rect(644, 182, 1272, 536)}},
		{3, 16. / 9, []image.Rectangle{image.Rect(18, 8, 636, 356), image.Rect(644, 8, 1262, 356), image.Rect(330, 364, 948, 712)}},
	} {
		s.Aspect = c.aspect
		if got := arrange(s, 1280, 720, people(c.n)); !slices.Equal(got, c.want) {
			t.Errorf("%d tiles of %v: %v, want %v", c.n, c.aspect, got, c.want)
		}
	}
	if g := arrange(Spec{Mode: Grid, Aspect: 16. / 9}, 1280, 720, people(4)); g[3] != image.Rect(640, 360, 1280, 720) {
		t.Errorf("without a gap tile 4 is at %v", g[3])
	}
	if arrange(s, 1280, 720, nil) != nil || len(arrange(s, 1280, 720, people(30))) != MaxTiles {
		t.Error("no tiles or too many are not handled")
	}
}

func TestGridColumns(t *testing.T) {
	for _, c := range []struct {
		w, h    int
		n       string // numbers of people
		columns string // that they stand in, a digit each
	}{
		{1920, 1080, "1 2 3 4 5 7 9 16 25", "1 2 2 2 3 3 3 4 5"},
		{1080, 1920, "1 2 3 4 5 7 9 16 25", "1 1 1 1 1 2 2 2 3"},
		{1080, 1080, "1 2 3 4 5 7 9 16 25", "1 1 1 2 2 2 2 3 4"},
	} {
		var got []string
		for f := range strings.FieldsSeq(c.n) {
			n := 0
			fmt.Sscan(f, &n)
			g := arrange(Spec{Mode: Grid, Aspect: 16. / 9, Gap: Percent(1)}, c.w, c.h, people(n))
			cols := 0
			for _, r := range g {
				if r.Min.Y == g[0].Min.Y {
					cols++
				}
			}
			got = append(got, fmt.Sprint(cols))
		}
		if s := strings.Join(got, " "); s != c.columns {
			t.Errorf("%dx%d: columns %s, want %s", c.w, c.h, s, c.columns)
		}
	}
	if g := arrange(Spec{Mode: Grid, Columns: 3}, 1280, 720, people(4)); g[2].Min.Y != g[0].Min.Y || g[3].Min.Y == g[0].Min.Y {
		t.Errorf("three columns were asked for: %v", g)
	}
}

func TestPlaceProperties(t *testing.T) {
	for range 50000 {
		sw, sh := 2+rand.IntN(4000), 2+rand.IntN(4000)
		w, h := 2*(1+rand.IntN(1500)), 2*(1+rand.IntN(1500))
		for _, fit := range []Fit{Cover, Contain} {
			src, dst := Place(fit, sw, sh, w, h)
			if !isEven(src) || !isEven(dst) || src.Empty() || dst.Empty() ||
				!src.In(image.Rect(0, 0, sw&^1, sh&^1)) || !dst.In(image.Rect(0, 0, w, h)) {
				t.Fatalf("fit %d of %dx%d into %dx%d: %v to %v", fit, sw, sh, w, h, src, dst)
			}
			if fit == Cover && dst != image.Rect(0, 0, w, h) {
				t.Fatalf("cover leaves part of the tile open: %v", dst)
			}
			if fit == Contain && src != image.Rect(0, 0, sw&^1, sh&^1) {
				t.Fatalf("contain crops the source: %v", src)
			}
			if src.Dx() < 60 || src.Dy() < 60 || dst.Dx() < 60 || dst.Dy() < 60 || src.Size() == dst.Size() {
				continue
			}
			a, b := float64(src.Dx())/float64(src.Dy()), float64(dst.Dx())/float64(dst.Dy())
			if a/b > 1.05 || b/a > 1.05 {
				t.Fatalf("fit %d of %dx%d into %dx%d distorts: %v to %v", fit, sw, sh, w, h, src, dst)
			}
		}
	}
}

func TestPlaceCutsInsteadOfScalingSlightly(t *testing.T) {
	src, dst := Place(Cover, 640, 360, 628, 348)
	if src.Size() != dst.Size() || src != image.Rect(6, 6, 634, 354) {
		t.Fatalf("640x360 in a 628x348 tile: %v to %v", src, dst)
	}
	if src, _ := Place(Cover, 1280, 720, 628, 348); src.Dx() < 1270 {
		t.Fatalf("a source twice as large is cut to %v", src)
	}
	if src, _ := Place(Cover, 1280, 360, 628, 348); src.Size() != image.Pt(628, 348) {
		t.Fatalf("a wide source of the right height is scaled: %v", src)
	}
	if src, dst := Place(Contain, 640, 480, 640, 360); dst != image.Rect(80, 0, 560, 360) || src.Dx() != 640 {
		t.Fatalf("4:3 in a 16:9 tile: %v to %v", src, dst)
	}
}

func isEven(r image.Rectangle) bool {
	return (r.Min.X|r.Min.Y|r.Max.X|r.Max.Y)&1 == 0
}
