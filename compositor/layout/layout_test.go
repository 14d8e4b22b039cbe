package layout

import (
	"image"
	"math/rand/v2"
	"testing"
)

func TestGridOnTheUsualCanvas(t *testing.T) {
	for _, c := range []struct {
		n    int
		want []image.Rectangle
	}{
		{1, []image.Rectangle{image.Rect(8, 8, 1272, 712)}},
		{2, []image.Rectangle{image.Rect(8, 8, 636, 712), image.Rect(644, 8, 1272, 712)}},
		{3, []image.Rectangle{image.Rect(8, 8, 636, 356), image.Rect(644, 8, 1272, 356), image.Rect(326, 364, 954, 712)}},
		{4, []image.Rectangle{image.Rect(8, 8, 636, 356), image.Rect(644, 8, 1272, 356), image.Rect(8, 364, 636, 712), image.Rect(644, 364, 1272, 712)}},
	} {
		got := Grid(1280, 720, c.n, 8, 8)
		if len(got) != c.n {
			t.Fatalf("%d tiles asked for, %d given", c.n, len(got))
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("tile %d of %d at %v, want %v", i, c.n, got[i], c.want[i])
			}
		}
	}
	if g := Grid(1280, 720, 4, 0, 0); g[3] != image.Rect(640, 360, 1280, 720) {
		t.Errorf("without a gap tile 4 is at %v", g[3])
	}
	if Grid(1280, 720, 0, 8, 8) != nil || len(Grid(1280, 720, 12, 8, 8)) != MaxTiles {
		t.Error("no tiles or too many are not handled")
	}
}

func TestGridColumns(t *testing.T) {
	want := map[int][2]int{1: {1, 1}, 2: {2, 1}, 3: {2, 2}, 4: {2, 2}, 5: {3, 2}, 6: {3, 2}, 7: {3, 3}, 8: {3, 3}, 9: {3, 3}}
	for n, cr := range want {
		g := Grid(1920, 1080, n, 10, 20)
		cols, rows := 0, map[int]bool{}
		for _, r := range g {
			rows[r.Min.Y] = true
			if r.Min.Y == g[0].Min.Y {
				cols++
			}
		}
		if cols != cr[0] || len(rows) != cr[1] {
			t.Errorf("%d tiles: %d columns and %d rows, want %v", n, cols, len(rows), cr)
		}
	}
}

func TestGridProperties(t *testing.T) {
	for range 20000 {
		w, h := 2*(8+rand.IntN(2000)), 2*(8+rand.IntN(2000))
		n, gap, margin := 1+rand.IntN(9), rand.IntN(40), rand.IntN(60)
		canvas := image.Rect(0, 0, w, h)
		tiles := Grid(w, h, n, gap, margin)
		last := tiles[0].Min.Y
		for i, r := range tiles {
			if !r.In(canvas) || r.Empty() || !isEven(r) || r.Size() != tiles[0].Size() {
				t.Fatalf("%dx%d n=%d gap=%d margin=%d: tile %d is %v", w, h, n, gap, margin, i, r)
			}
			for _, q := range tiles[:i] {
				if r.Overlaps(q) {
					t.Fatalf("%dx%d n=%d: %v overlaps %v", w, h, n, r, q)
				}
			}
			last = r.Min.Y
		}
		left, right := w, 0
		for _, r := range tiles {
			if r.Min.Y == last {
				left, right = min(left, r.Min.X), max(right, r.Max.X)
			}
		}
		if d := left - (w - right); d < -4 || d > 4 {
			t.Fatalf("%dx%d n=%d: the last row stands %d off the middle", w, h, n, d)
		}
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
