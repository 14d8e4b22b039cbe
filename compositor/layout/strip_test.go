package layout

import (
	"image"
	"testing"
)

// Where the strip is nearly as long as the large tile, both begin and end together.
func TestStripEndsWithTheLargeTile(t *testing.T) {
	screen := Person{ID: "s", Screen: true, Aspect: 1.6}
	spec := func(mode Mode, gap, margin, size float64, count int) Spec {
		return Spec{
			Mode: mode, Aspect: Suited, Gap: Percent(gap), Margin: Percent(margin), More: true,
			Strip: StripSpec{Edge: Auto, Count: count, Size: Percent(size)},
		}
	}
	for _, c := range []struct {
		what string
		spec Spec
		w, h int
		ps   []Person
	}{
		{"who speaks", spec(ActiveSpeaker, 1.1, 1.1, 20, 4), 1280, 720, people(5)},
		{"many", spec(ActiveSpeaker, 1.1, 1.1, 20, 4), 1280, 720, people(13)},
		{"screen", spec(Screen, 1.1, 1.1, 20, 4), 1280, 720, append(people(5), screen)},
		{"webinar", spec(ActiveSpeaker, 1.4, 2.4, 19, 4), 1280, 720, people(7)},
		{"classroom", spec(ActiveSpeaker, 1, 1.4, 16, 6), 1280, 720, people(9)},
		{"1080 lines", spec(ActiveSpeaker, 1.1, 1.1, 20, 4), 1920, 1080, people(5)},
		{"21:9", spec(ActiveSpeaker, 1.1, 1.1, 20, 4), 1720, 720, people(5)},
		{"square screen", spec(Screen, 1.1, 1.1, 20, 4), 1280, 720, append(people(5), Person{ID: "s", Screen: true, Aspect: 4. / 3})},
	} {
		for _, edge := range []Edge{Left, Right} {
			c.spec.Strip.Edge = edge
			rects := arrange(c.spec, c.w, c.h, c.ps)
			var strip image.Rectangle
			for _, r := range rects[1:] {
				strip = strip.Union(r)
				if r.Dx()*9-r.Dy()*16 > 32 || r.Dy()*16-r.Dx()*9 > 32 {
					t.Errorf("%s: %v in the strip is not of 16:9", c.what, r)
				}
			}
			if main := rects[0]; main.Min.Y != strip.Min.Y || main.Max.Y != strip.Max.Y || main.Overlaps(strip) {
				t.Errorf("%s, %s: %v beside %v", c.what, edge, main, strip)
			}
		}
	}
	// Few people stay as small as was asked for, in the middle.
	rects := arrange(spec(ActiveSpeaker, 0, 0, 20, 4), 1280, 720, people(3))
	if rects[1].Dx() != 256 || rects[1].Min.Y < rects[0].Min.Y+100 {
		t.Errorf("three: %v", rects)
	}
	// Below the large one it is the same.
	s := spec(ActiveSpeaker, 1.1, 1.1, 22, 4)
	s.Strip.Edge = Bottom
	if rects := arrange(s, 1280, 720, people(5)); rects[0].Min.X != rects[1].Min.X || rects[0].Max.X != rects[4].Max.X {
		t.Errorf("below: %v", rects)
	}
}

// What a wide screen leaves of an upright canvas, or an upright one of a wide canvas, is filled with people: they stand in
// as many rows as have room, and who has no place is counted.
func TestPeopleFillWhatAScreenLeaves(t *testing.T) {
	for _, c := range []struct {
		spec        Spec
		w, h        int
		aspect      float64
		n           int
		want        string
		least, most float64 // of the canvas that is covered
	}{
		{Spec{Mode: Split, ShareScreen: true, Strip: StripSpec{Bottom, 3, Percent(18)}}, 720, 1280, 1.6, 5, "SABCDE", 0.88, 1},
		{Spec{Mode: Split, ShareScreen: true, Strip: StripSpec{Bottom, 3, Percent(18)}}, 720, 1280, 1.6, 2, "SAB", 0.99, 1},
		{Spec{ShareScreen: true, Aspect: 1, Gap: Percent(4), Margin: Percent(8), More: true}, 720, 1280, 1.6, 5, "SABCDE", 0.5, 1},
		{Spec{ShareScreen: true, Aspect: Suited, More: true}, 720, 1280, 1.6, 20, "SABCDEFGHIJK+9", 0.9, 1},
		{Spec{ShareScreen: true, Aspect: Suited, More: true, Max: 5}, 720, 1280, 1.6, 20, "SABC+17", 0.9, 1},
		{Spec{ShareScreen: true, Aspect: Suited}, 1280, 720, 0.5, 6, "SABCDEF", 0.6, 1},
		{Spec{ShareScreen: true, Aspect: Suited, More: true}, 1280, 720, 1.6, 6, "SABC+3", 0.8, 1}, // as wide as the canvas: one strip
	} {
		ps := append(people(c.n), Person{ID: "s", Name: "S", Screen: true, Aspect: c.aspect})
		p, covered := Arrange(&c.spec, c.w, c.h, &Stage{People: ps}), 0
		for _, s := range p.Slots {
			covered += s.Rect.Dx() * s.Rect.Dy()
			if s.Person >= 0 && !s.Main && s.Rect.Dx()*s.Rect.Dy() > c.w*c.h*2/3 {
				t.Errorf("%v is larger than the stage", s.Rect)
			}
		}
		share := float64(covered) / float64(c.w*c.h)
		if got := who(p, ps); got != c.want || share < c.least || share > c.most {
			t.Errorf("%d people beside %v on %dx%d: %s on %.2f of it, want %s", c.n, c.aspect, c.w, c.h, got, share, c.want)
		}
	}
}
