package layout

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var modes = []Mode{Grid, ActiveSpeaker, Single, Split, Pip, Screen, Custom}

// anySpec is a layout somebody might write, and whether its tiles may overlap.
func anySpec() (s Spec, overlap bool) {
	pick := func(words ...string) string { return words[rand.IntN(len(words))] }
	s = Spec{
		Mode: modes[rand.IntN(len(modes))], ShareScreen: rand.IntN(2) == 0,
		Aspect: []Aspect{Fill, Source, Suited, 16. / 9, 1, 3. / 4, 4. / 3}[rand.IntN(7)],
		Gap:    Percent(rand.Float64() * 5), Margin: Pixels(rand.Float64() * 40), Columns: rand.IntN(6) * rand.IntN(2),
		Max: rand.IntN(26), More: rand.IntN(2) == 0, Order: []Order{ByJoining, ByName, BySpeech}[rand.IntN(3)],
		OmitAudioOnly: rand.IntN(4) == 0, OmitVideoOff: rand.IntN(4) == 0,
		Strip: StripSpec{Edge(pick("auto", "left", "right", "top", "bottom")), rand.IntN(9), Percent(5 + rand.Float64()*45)},
		Pip:   PipSpec{pick("top-left", "top-right", "bottom-left", "bottom-right"), Percent(5 + rand.Float64()*60), Percent(rand.Float64() * 10), Who{By: pick("speaker", "name", "anyone", ""), Text: "B", N: 2}},
		Split: SplitSpec{Direction(pick("auto", "row", "column")), 2 + rand.IntN(3)},
	}
	for k := range rand.IntN(6) {
		s.Slots = append(s.Slots, SlotSpec{
			Who: Who{By: pick("speaker", "name", "anyone", "screen", "role"), Text: "B", N: 1 + rand.IntN(3)},
			X:   Percent(rand.Float64() * 120), Y: Pixels(rand.Float64() * 800), W: Percent(rand.Float64() * 120), H: Percent(rand.Float64() * 120), Z: k % 3,
		})
	}
	if rand.IntN(3) == 0 {
		s.Pinned = []Who{{By: "name", Text: "C"}}
	}
	return s, s.Mode == Custom || s.Mode == Pip
}

func TestTilesOfAnyLayout(t *testing.T) {
	for range 30000 {
		s, overlap := anySpec()
		w, h := 2*(32+rand.IntN(1500)), 2*(32+rand.IntN(1500))
		ps := people(rand.IntN(30))
		for i := range ps {
			ps[i].Screen, ps[i].Video, ps[i].Aspect, ps[i].Whole = rand.IntN(6) == 0, Video(rand.IntN(3)), rand.Float64()*3, rand.IntN(3) == 0
		}
		p := Arrange(&s, w, h, &Stage{People: ps})
		fail := func(what string) { t.Fatalf("%dx%d, %d people, %+v:\n%+v\n%s", w, h, len(ps), s, p, what) }
		seen := map[int]bool{}
		for i, slot := range p.Slots {
			r := slot.Rect
			if !r.In(image.Rect(0, 0, w, h)) || r.Empty() || !isEven(r) {
				fail(fmt.Sprintf("tile %d is not even or not within the canvas", i))
			}
			if whole := slot.Person >= 0 && ps[slot.Person].Whole; !r.In(slot.Room) || !slot.Room.In(image.Rect(0, 0, w, h)) || !whole && r != slot.Room {
				fail(fmt.Sprintf("tile %d is not what it was given", i))
			} else if whole && min(slot.Room.Dx(), slot.Room.Dy()) >= 16 {
				fits, aspect := r.Dx() == slot.Room.Dx() || r.Dy() == slot.Room.Dy(), min(max(ps[slot.Person].Aspect, 0.2), 5)
				if d := math.Abs(float64(r.Dx()) - float64(r.Dy())*aspect); !fits || d > 3+3*aspect {
					fail(fmt.Sprintf("%v is not the largest of the shape %v", r, aspect))
				}
			}
			if seen[slot.Person] {
				fail(fmt.Sprintf("person %d is shown twice", slot.Person))
			}
			seen[slot.Person] = true
			for _, q := range p.Slots[:i] {
				if !overlap && r.Overlaps(q.Rect) {
					fail(fmt.Sprintf("%v overlaps %v", r, q.Rect))
				}
			}
			if s.Mode == Grid && r == slot.Room && !s.ShareScreen && s.Aspect > 0 && r.Dx() > 60 && r.Dy() > 60 {
				if d := math.Abs(float64(r.Dx()) - float64(r.Dy())*float64(s.Aspect)); d > 2+2*float64(s.Aspect) {
					fail(fmt.Sprintf("%v is not of the shape %v", r, s.Aspect))
				}
			}
			if alone := s.Mode == Single || s.Mode == Split || s.Mode == Pip || s.Mode == Custom || ps[max(slot.Person, 0)].Screen || r != slot.Room; s.Aspect == Suited && !alone && r.Dx() > 60 && r.Dy() > 60 {
				if shape := float64(r.Dx()) / float64(r.Dy()); shape < 0.7 || shape > 1.9 {
					fail(fmt.Sprintf("%v suits nobody", r))
				}
			}
		}
		if len(ps) > 0 && len(p.Slots) == 0 && s.Mode != Custom {
			fail("nobody is shown")
		}
		if len(p.Slots) > MaxTiles || s.Max > 0 && len(p.Slots) > s.Max && s.Mode != Pip && s.Mode != Custom {
			fail("too many tiles")
		}
		if (p.More > 0) != seen[-1] {
			fail("the others are counted without a tile, or the other way round")
		}
	}
}

func TestActiveSpeaker(t *testing.T) {
	ps := people(5)
	s := Spec{Mode: ActiveSpeaker, Aspect: 16. / 9, Gap: Pixels(8), Strip: StripSpec{Count: 4, Size: Percent(20)}}
	p := Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p2"})
	if got := who(p, ps); got != "CABDE" {
		t.Errorf("in order: %s", got)
	}
	if r := p.Slots[0].Rect; r.Dx() < 1000 || r.Dx() < 3*p.Slots[1].Rect.Dx() || p.Slots[1].Rect.Min.X < r.Max.X {
		t.Errorf("large %v, first of the strip %v", r, p.Slots[1].Rect)
	}
	// The next speaker changes places with the one before; nobody else moves.
	q := Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p3", Before: p.Order})
	if got := who(q, ps); got != "DABCE" {
		t.Errorf("after a change: %s", got)
	}
	for edge, at := range map[Edge]func(l, r image.Rectangle) bool{
		Left: func(l, r image.Rectangle) bool { return r.Max.X <= l.Min.X }, Right: func(l, r image.Rectangle) bool { return r.Min.X >= l.Max.X },
		Top: func(l, r image.Rectangle) bool { return r.Max.Y <= l.Min.Y }, Bottom: func(l, r image.Rectangle) bool { return r.Min.Y >= l.Max.Y },
	} {
		s.Strip.Edge = edge
		p := Arrange(&s, 1280, 720, &Stage{People: ps})
		for _, small := range p.Slots[1:] {
			if !at(p.Slots[0].Rect, small.Rect) {
				t.Errorf("%s: large %v, small %v", edge, p.Slots[0].Rect, small.Rect)
			}
		}
	}
	s.Strip = StripSpec{Count: 3}
	s.More = true
	if p := Arrange(&s, 1280, 1280, &Stage{People: people(9), Speaker: "p8"}); who(p, people(9)) != "IABCDE+3" || p.Slots[1].Rect.Min.Y < p.Slots[0].Rect.Max.Y {
		t.Errorf("upright: %s, %+v", who(p, people(9)), p.Slots)
	}
	if p := Arrange(&s, 1280, 720, &Stage{People: people(1)}); p.Slots[0].Rect != image.Rect(0, 0, 1280, 720) {
		t.Errorf("alone: %+v", p.Slots)
	}
}

// Max is of all tiles, the large one among them.
func TestMaxCountsTheLargeTile(t *testing.T) {
	ps := append(people(5), Person{ID: "s", Name: "S", Screen: true, Aspect: 1.6})
	for _, c := range []struct {
		mode Mode
		max  int
		more bool
		want string
	}{
		{ActiveSpeaker, 1, false, "A"}, {ActiveSpeaker, 1, true, "A"}, {ActiveSpeaker, 2, false, "AB"}, {ActiveSpeaker, 3, true, "AB+4"},
		{Screen, 1, true, "S"}, {Screen, 2, false, "SA"}, {Screen, 0, false, "SABCD"},
	} {
		s := Spec{Mode: c.mode, Max: c.max, More: c.more}
		p := Arrange(&s, 1280, 720, &Stage{People: ps})
		if got := who(p, ps); got != c.want {
			t.Errorf("%s, at most %d: %s, want %s", c.mode, c.max, got, c.want)
		}
		if r := p.Slots[0].Rect; c.max == 1 && r.Dy() != 720 {
			t.Errorf("%s, at most one: it is at %v", c.mode, r)
		}
	}
}

// Where tiles are of their pictures' shapes, those of a strip are, too.
func TestStripOfPicturesOwnShapes(t *testing.T) {
	ps := people(4)
	ps[1].Aspect, ps[2].Aspect, ps[3].Aspect = 9./16, 4./3, 2.4
	for _, edge := range []Edge{Left, Bottom} {
		p := Arrange(&Spec{Mode: ActiveSpeaker, Aspect: Source, Gap: Pixels(8), Strip: StripSpec{Edge: edge, Size: Percent(20)}}, 1280, 720, &Stage{People: ps, Speaker: "p0"})
		for k, s := range p.Slots[1:] {
			if got, want := float64(s.Rect.Dx())/float64(s.Rect.Dy()), ps[k+1].Aspect; math.Abs(got/want-1) > 0.04 {
				t.Errorf("%s: tile %d is %v, of the shape %.2f instead of %.2f", edge, k, s.Rect, got, want)
			}
		}
	}
}

// On an upright and on a square canvas tiles that suit it fill much more of it than tiles of 16:9 do, or show faces much
// larger (four on 9:16); on a wide one they are the same.
func TestSuitedTilesFillTheCanvas(t *testing.T) {
	for _, c := range []struct {
		w, h int
		gain string // of covered area by 1, 2, 3, 4, 5, 7, 9, 16, 25 people, in a grid and with a strip
	}{
		{1280, 720, "1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0, 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0"},
		{960, 720, "1.3 1.4 1.3 1.3 1.2 1.3 1.3 1.3 1.3, 1.3 1.0 1.0 1.0 1.1 1.1 1.1 1.1 1.1"},
		{720, 1280, "2.4 1.6 1.1 0.9 1.3 1.6 1.3 1.2 1.0, 2.4 1.5 1.1 1.2 1.4 1.2 1.0 1.2 1.2"},
		{720, 720, "1.8 1.0 1.3 1.8 1.2 1.0 1.6 1.3 1.2, 1.8 1.0 1.1 1.2 1.1 1.1 1.2 1.2 1.2"},
	} {
		var gain []string
		for _, mode := range []Mode{Grid, ActiveSpeaker} {
			for _, n := range []int{1, 2, 3, 4, 5, 7, 9, 16, 25} {
				area := func(aspect Aspect) (sum float64) {
					for _, r := range arrange(Spec{Mode: mode, Aspect: aspect, Gap: Percent(1), Margin: Percent(1)}, c.w, c.h, people(n)) {
						sum += float64(r.Dx() * r.Dy())
					}
					return sum
				}
				gain = append(gain, fmt.Sprintf("%.1f", area(Suited)/area(16./9)))
			}
		}
		if got := strings.Join(gain[:9], " ") + ", " + strings.Join(gain[9:], " "); got != c.gain {
			t.Errorf("%dx%d: %s, want %s", c.w, c.h, got, c.gain)
		}
	}
}

func TestSharedScreenTakesTheStageAndGivesItBack(t *testing.T) {
	ps := people(3)
	s := Spec{Mode: Grid, ShareScreen: true, Aspect: 16. / 9}
	before := Arrange(&s, 1280, 720, &Stage{People: ps})
	shared := append(slices.Clone(ps), Person{ID: "s", Name: "S", Screen: true, Aspect: 4. / 3})
	p := Arrange(&s, 1280, 720, &Stage{People: shared})
	if got := who(p, shared); got != "SABC" || !p.Slots[0].Main {
		t.Fatalf("on stage: %s", got)
	}
	if r := p.Slots[0].Rect; math.Abs(float64(r.Dx())/float64(r.Dy())-4./3) > 0.01 || r.Dy() < 700 {
		t.Errorf("the screen is at %v", r)
	}
	// All stand behind the screen as they stood, and so does who was large.
	for _, mode := range []Mode{Grid, Split, ActiveSpeaker} {
		s := Spec{Mode: mode, ShareScreen: true}
		b := Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p1"})
		q := Arrange(&s, 1280, 720, &Stage{People: shared, Speaker: "p1", Before: b.Order})
		if got, want := who(q, shared), "S"+who(b, ps); got != want {
			t.Errorf("%s: behind the screen %s, want %s", mode, got, want)
		}
		if r := Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p1", Before: q.Order}); who(r, ps) != who(b, ps) {
			t.Errorf("%s: without it %s, it was %s", mode, who(r, ps), who(b, ps))
		}
	}
	// Below a screen on an upright canvas people have what it leaves.
	if rects := arrange(Spec{Mode: Screen, Aspect: Suited}, 720, 1280, shared); rects[0].Dx() != 720 || rects[1].Dx() < 300 || rects[1].Min.Y < rects[0].Max.Y ||
		rects[3].Max.Y < 1278 {
		t.Errorf("upright: %v", rects)
	}
	// Where tiles fill what there is, one alone beside the screen still is of a person's shape.
	for w, most := range map[int]float64{1280: 3. / 4, 720: 16. / 9} {
		two := []Person{ps[0], shared[3]}
		r := Arrange(&Spec{ShareScreen: true}, w, 2000-w, &Stage{People: two}).Slots[1].Rect
		if shape := float64(r.Dx()) / float64(r.Dy()); w == 1280 && shape < most-0.01 || w == 720 && shape > most+0.01 {
			t.Errorf("%d wide: beside the screen a tile is %v", w, r)
		}
	}
	if after := Arrange(&s, 1280, 720, &Stage{People: ps}); !slices.Equal(after.Slots, before.Slots) {
		t.Error("the stage is not as it was")
	}
	s.ShareScreen = false
	if p := Arrange(&s, 1280, 720, &Stage{People: shared}); len(p.Slots) != 4 || p.Slots[0].Rect.Size() != p.Slots[3].Rect.Size() {
		t.Errorf("not asked for: %+v", p.Slots)
	}
}

// Before a shared screen has a picture, and once who shares it is lost, it is a tile among others.
func TestSharedScreenWithoutAPictureIsATileLikeOthers(t *testing.T) {
	ps := append(people(3), Person{ID: "s", Name: "S", Screen: true})
	stage := func(mode Mode, pinned ...Who) string {
		return who(Arrange(&Spec{Mode: mode, ShareScreen: true, Pinned: pinned}, 1280, 720, &Stage{People: ps}), ps)
	}
	if g, s := Arrange(&Spec{Mode: Screen}, 1280, 720, &Stage{People: ps}), stage(ActiveSpeaker); who(g, ps) != "ABCS" || g.Slots[0].Main || s != "ABCS" {
		t.Errorf("not seen yet: %s, %s", who(g, ps), s)
	}
	if got := stage(ActiveSpeaker, Who{By: "screen", N: 1}); got != "ASBC" {
		t.Errorf("not seen yet, and pinned: %s", got)
	}
	// Taking the stage out of a grid it moves nobody to another's place; out of a strip it changes places with who was large.
	seen := slices.Clone(ps)
	seen[3].Aspect = 1.6
	for mode, want := range map[Mode]string{Grid: "SABC", Split: "SABC", ActiveSpeaker: "SBCA"} {
		s := Spec{Mode: mode, ShareScreen: true}
		b := Arrange(&s, 1280, 720, &Stage{People: ps})
		if got := who(Arrange(&s, 1280, 720, &Stage{People: seen, Before: b.Order}), seen); got != want {
			t.Errorf("%s: with its first picture %s, want %s", mode, got, want)
		}
	}
	ps[3].Aspect = 1.6
	for video, want := range map[Video]string{VideoOn: "SABC", VideoOff: "ABCS", AudioOnly: "ABCS"} {
		ps[3].Away, ps[3].Video = true, video
		if got := stage(Grid); got != want {
			t.Errorf("lost, with video %d: %s, want %s", video, got, want)
		}
	}
	ps[3].Away = false // it stands still
	if got := stage(Grid); got != "SABC" {
		t.Errorf("still: %s", got)
	}
	alone := []Person{{ID: "s", Name: "S", Screen: true}}
	if p := Arrange(&Spec{Mode: Single}, 1280, 720, &Stage{People: alone}); len(p.Slots) != 1 {
		t.Errorf("nobody else: %+v", p.Slots)
	}
}

// Each of the pinned is one of all who are there, and one at most.
func TestPinned(t *testing.T) {
	ps := people(5)
	ps[1].Role, ps[3].Role = "host", "host"
	for _, c := range []struct {
		pinned string
		mode   Mode
		want   string
	}{
		{"role:host", Grid, "BACDE"}, {"role:host:2", Grid, "DABCE"}, {"role:host:2 role:host", Grid, "DBACE"}, {"role:host:3", Grid, "ABCDE"},
		{"name:E role:host", Grid, "EBACD"}, {"name:E", Single, "E"}, {"role:host:2", Single, "D"}, {"role:host:3", Single, "C"}, {"name:b role:host", Grid, "BACDE"},
	} {
		s := Spec{Mode: c.mode, Aspect: 16. / 9}
		for f := range strings.FieldsSeq(c.pinned) {
			w, err := ParseWho(f)
			if err != nil {
				t.Fatal(err)
			}
			s.Pinned = append(s.Pinned, w)
		}
		if got := who(Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p2"}), ps); got != c.want {
			t.Errorf("%s of %s pinned: %s, want %s", c.mode, c.pinned, got, c.want)
		}
	}
}

// Of two shared screens the pinned one takes the stage, else the last to join, whatever the order.
func TestWhichScreenTakesTheStage(t *testing.T) {
	ps := []Person{{ID: "z", Name: "Z", Screen: true, Aspect: 1.6}, {ID: "a", Name: "A", Screen: true, Aspect: 1.6}, {ID: "m", Name: "M"}}
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "AMZ"}, {Spec{Order: ByName}, "AMZ"}, {Spec{Order: BySpeech}, "AMZ"},
		{Spec{Pinned: []Who{{By: "name", Text: "Z"}}}, "ZMA"}, {Spec{Pinned: []Who{{By: "screen", N: 2}}}, "AMZ"}, {Spec{Pinned: []Who{{By: "screen", N: 1}}}, "ZMA"},
		{Spec{Pinned: []Who{{By: "name", Text: "M"}}}, "AMZ"},
	} {
		c.spec.Mode = Screen
		if got := who(Arrange(&c.spec, 1280, 720, &Stage{People: ps, Speaker: "z"}), ps); got != c.want {
			t.Errorf("order %q, pinned %v: %s, want %s", c.spec.Order, c.spec.Pinned, got, c.want)
		}
	}
}

func TestSingleSplitAndPip(t *testing.T) {
	ps := people(6)
	if p := Arrange(&Spec{Mode: Single}, 720, 1280, &Stage{People: ps, Speaker: "p3"}); who(p, ps) != "D" || p.Slots[0].Rect != image.Rect(0, 0, 720, 1280) {
		t.Errorf("single: %+v", p)
	}
	if p := Arrange(&Spec{Mode: Single, Pinned: []Who{{By: "name", Text: "b"}}}, 720, 1280, &Stage{People: ps, Speaker: "p3"}); who(p, ps) != "B" {
		t.Errorf("pinned: %+v", p)
	}
	split := func(w, h, n int, d Direction) []image.Rectangle {
		return arrange(Spec{Mode: Split, Split: SplitSpec{d, 4}}, w, h, people(n))
	}
	if r := split(1280, 720, 2, Auto2); r[1] != image.Rect(640, 0, 1280, 720) {
		t.Errorf("side by side: %v", r)
	}
	if r := split(720, 1280, 2, Auto2); r[1] != image.Rect(0, 640, 720, 1280) {
		t.Errorf("above one another: %v", r)
	}
	if r := split(1280, 720, 4, Auto2); r[3] != image.Rect(640, 360, 1280, 720) {
		t.Errorf("four: %v", r)
	}
	if r := split(1280, 720, 4, Row); r[3] != image.Rect(960, 0, 1280, 720) || len(split(1280, 720, 6, Row)) != 4 {
		t.Errorf("four in a row: %v", r)
	}
	// What fills the canvas has no margin.
	for _, mode := range []Mode{Single, Split, Pip} {
		var all image.Rectangle
		for _, r := range arrange(Spec{Mode: mode, Margin: Percent(5)}, 1280, 720, ps) {
			all = all.Union(r)
		}
		if all != image.Rect(0, 0, 1280, 720) {
			t.Errorf("%s with a margin covers %v", mode, all)
		}
	}
	pip := Spec{Mode: Pip, Aspect: 16. / 9, Pip: PipSpec{Corner: "bottom-right", Size: Percent(25), Offset: Pixels(20)}}
	if p := Arrange(&pip, 1280, 720, &Stage{People: ps, Speaker: "p1"}); who(p, ps) != "BA" || p.Slots[1].Rect != image.Rect(940, 520, 1260, 700) {
		t.Errorf("pip: %s %+v", who(p, ps), p.Slots)
	}
	pip.Pip.Who, pip.Pip.Corner = Who{By: "name", Text: "F"}, "top-left"
	if p := Arrange(&pip, 1280, 720, &Stage{People: ps}); who(p, ps) != "AF" || p.Slots[1].Rect.Min != image.Pt(20, 20) {
		t.Errorf("pip by name: %s %+v", who(p, ps), p.Slots)
	}
	if p := Arrange(&pip, 1280, 720, &Stage{People: ps[:1]}); len(p.Slots) != 1 {
		t.Errorf("pip alone: %+v", p.Slots)
	}
}

// A tile that shows a picture whole is of its shape, in the middle of the room it is given, or in the corner where it was.
func TestTilesOfWholePictures(t *testing.T) {
	ps := people(3)
	ps[1].Screen, ps[1].Aspect, ps[1].Whole = true, 4./3, true
	slot := SlotSpec{Who: Who{By: "screen", N: 1}, X: Percent(50), W: Percent(50), H: Percent(100)}
	for _, c := range []struct {
		spec       Spec
		rect, room image.Rectangle
	}{
		{Spec{Mode: Grid, Columns: 3}, image.Rect(426, 200, 852, 520), image.Rect(426, 0, 852, 720)},
		{Spec{Mode: Single, Pinned: []Who{{By: "screen", N: 1}}}, image.Rect(160, 0, 1120, 720), image.Rect(0, 0, 1280, 720)},
		{Spec{Mode: Pip, Pip: PipSpec{Corner: "top-right", Who: Who{By: "screen", N: 1}}}, image.Rect(1040, 0, 1280, 180), image.Rect(960, 0, 1280, 180)},
		{Spec{Mode: Pip, Pip: PipSpec{Offset: Pixels(20), Who: Who{By: "screen", N: 1}}}, image.Rect(1020, 520, 1260, 700), image.Rect(940, 520, 1260, 700)},
		{Spec{Mode: Custom, Slots: []SlotSpec{slot}}, image.Rect(640, 120, 1280, 600), image.Rect(640, 0, 1280, 720)},
	} {
		for _, s := range Arrange(&c.spec, 1280, 720, &Stage{People: ps}).Slots {
			if s.Person == 1 && (s.Rect != c.rect || s.Room != c.room) {
				t.Errorf("%s: %v of %v, want %v of %v", c.spec.Mode, s.Rect, s.Room, c.rect, c.room)
			} else if s.Person != 1 && s.Rect != s.Room {
				t.Errorf("%s: %v of %v shows no picture whole", c.spec.Mode, s.Rect, s.Room)
			}
		}
	}
}

// Auto2 keeps the table above short.
const Auto2 = AutoDirection

func TestCustomSlots(t *testing.T) {
	ps := people(5)
	ps[3].Role, ps[4].Screen = "host", true
	slot := func(who string, z int) SlotSpec {
		w, err := ParseWho(who)
		if err != nil {
			t.Fatal(err)
		}
		return SlotSpec{Who: w, W: Percent(50), H: Percent(50), X: Percent(25), Z: z}
	}
	for _, c := range []struct {
		slots []SlotSpec
		want  string
	}{
		{[]SlotSpec{slot("role:host", 0), slot("speaker", 0), slot("speaker:2", 0), slot("screen", 0)}, "DCAE"},
		{[]SlotSpec{slot("anyone", 0), slot("anyone", 0), slot("speaker", 0)}, "ABC"},
		{[]SlotSpec{slot("name:b", 2), slot("anyone:2", 1), slot("name:nobody", 0)}, "CB"},
		{[]SlotSpec{slot("name:A", 0), slot("name:A", 0)}, "A"},
		{[]SlotSpec{slot("role:guest", 0)}, ""},
	} {
		s := Spec{Mode: Custom, ShareScreen: true, Slots: c.slots}
		if c.want != "DCAE" {
			s.ShareScreen = false
		}
		if got := who(Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p2"}), ps); got != c.want {
			t.Errorf("%v: %s, want %s", c.slots, got, c.want)
		}
	}
	r := Arrange(&Spec{Mode: Custom, Slots: []SlotSpec{slot("anyone", 0)}}, 640, 360, &Stage{People: ps}).Slots[0].Rect
	if r != image.Rect(160, 0, 480, 180) {
		t.Errorf("the slot is at %v", r)
	}
}

// Who shares a screen says the same name and role for it: neither is a second person.
func TestSlotsOfRolesAndNamesAreForPeople(t *testing.T) {
	ps := []Person{{ID: "s", Name: "Ada", Role: "guest", Screen: true, Aspect: 1.6}, {ID: "c", Name: "Ada", Role: "guest"}, {ID: "t", Name: "Talk", Role: "guest", Screen: true}}
	for _, c := range []struct {
		slots, want string // the people's IDs, by slot
	}{
		{"role:guest role:guest:2 screen", "c-s"}, {"name:Ada screen", "cs"}, {"name:Ada", "c"}, {"name:Talk", "t"}, {"screen:2 role:guest", "tc"},
	} {
		s, at := Spec{Mode: Custom}, map[int]int{}
		for k, f := range strings.Fields(c.slots) {
			w, err := ParseWho(f)
			if err != nil {
				t.Fatal(err)
			}
			at[100*k] = k
			s.Slots = append(s.Slots, SlotSpec{Who: w, X: Pixels(float64(100 * k)), W: Pixels(80), H: Pixels(80)})
		}
		got := []byte(strings.Repeat("-", len(s.Slots)))
		for _, slot := range Arrange(&s, 1280, 720, &Stage{People: ps}).Slots {
			got[at[slot.Rect.Min.X]] = ps[slot.Person].ID[0]
		}
		if string(got) != c.want {
			t.Errorf("%s: %s, want %s", c.slots, got, c.want)
		}
	}
}

func TestWhoIsShownOfTooMany(t *testing.T) {
	ps := people(6)
	s := Spec{Mode: Grid, Max: 3}
	st := &Stage{People: ps, Speaker: "p5"}
	p := Arrange(&s, 1280, 720, st)
	if got := who(p, ps); got != "ABF" || p.More != 0 {
		t.Errorf("shown: %s", got)
	}
	// D speaks: B, who spoke longest ago, makes room at his own place.
	ps[5].Spoke, ps[3].Spoke = 2, 1
	ps[0].Spoke, ps[1].Spoke = 3, 4
	q := Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p3", Before: p.Order})
	if got := who(q, ps); got != "ADF" {
		t.Errorf("then: %s", got)
	}
	s.More = true
	if q := Arrange(&s, 1280, 720, &Stage{People: ps, Speaker: "p3"}); who(q, ps) != "DF+4" {
		t.Errorf("with a count: %s", who(q, ps))
	}
	s = Spec{Mode: Grid, Order: ByName, OmitAudioOnly: true, OmitVideoOff: true, Pinned: []Who{{By: "name", Text: "E"}}}
	ps[1].Video, ps[2].Video = VideoOff, AudioOnly
	if got := who(Arrange(&s, 1280, 720, &Stage{People: ps}), ps); got != "EADF" {
		t.Errorf("omitted: %s", got)
	}
	s.Order, s.Pinned = BySpeech, nil
	if got := who(Arrange(&s, 1280, 720, &Stage{People: ps}), ps); got != "DFAE" {
		t.Errorf("by speech: %s", got)
	}
	if got := who(Arrange(&s, 1280, 720, &Stage{People: ps[1:3]}), ps[1:3]); got != "CB" && got != "BC" {
		t.Errorf("all omitted: %s", got)
	}
}

func TestParseWho(t *testing.T) {
	for _, s := range []string{"speaker", "speaker:2", "name:Ada: Lovelace", "role:host", "role:host:2", "screen", "anyone:3"} {
		if w, err := ParseWho(s); err != nil || w.String() != s {
			t.Errorf("%s: %v, %v", s, w, err)
		}
	}
	for s, want := range map[string]string{"name: Ada ": "name:Ada", "name:Ada  Lovelace": "name:Ada Lovelace", " role : host : 2": "role:host:2", "speaker: 3": "speaker:3"} {
		if w, err := ParseWho(s); err != nil || w.String() != want {
			t.Errorf("%q: %v, %v", s, w, err)
		}
	}
	for _, s := range []string{"", "name: ", "role: :2", "nobody", "speaker:0", "speaker:x", "name:", "role:", "anyone:99"} {
		if _, err := ParseWho(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
