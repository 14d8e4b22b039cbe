package broadcast

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

func drawn(i, w, h int, t media.Time) *codec.Picture {
	p := newPlanes(w, h)
	NewScene(Cast[i], NewScript(2026, len(Cast)), i, time.UTC).Draw(p, t)
	return p
}

func TestSceneIsAFunctionOfTime(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	script := NewScript(2026, len(Cast))
	for i, who := range Cast {
		sc := NewScene(who, script, i, time.UTC)
		p := newPlanes(320, 180)
		for n := range media.Time(40) {
			sc.Draw(p, someday+n*media.Second/30)
		}
		q := drawn(i, 320, 180, someday+39*media.Second/30)
		if !bytes.Equal(p.Y, q.Y) || !bytes.Equal(p.Cb, q.Cb) || !bytes.Equal(p.Cr, q.Cr) {
			t.Errorf("%s looks different after 39 other frames", who.Name)
		}
	}
}

// Each has colours of their own, moves, and moves the mouth while speaking.
func TestCastIsDistinguishableAndAlive(t *testing.T) {
	type mean struct{ y, cb, cr float64 }
	var rooms []mean
	script := NewScript(2026, len(Cast))
	for i, who := range Cast {
		p := drawn(i, 320, 180, someday)
		var m mean
		n := 0.0
		for y := range p.H / 2 {
			for x := range p.W / 2 {
				m.y += float64(p.Y[2*y*p.StrideY+2*x])
				m.cb += float64(p.Cb[y*p.StrideC+x])
				m.cr += float64(p.Cr[y*p.StrideC+x])
				n++
			}
		}
		m.y, m.cb, m.cr = m.y/n, m.cb/n, m.cr/n
		for j, o := range rooms {
			if d := abs(m.y-o.y) + 2*abs(m.cb-o.cb) + 2*abs(m.cr-o.cr); d < 12 {
				t.Errorf("%s and %s look alike (%.1f apart)", who.Name, Cast[j].Name, d)
			}
		}
		rooms = append(rooms, m)
		turn := script.turns[i][0]
		base := someday / script.length * script.length
		open, shut := 0, 0
		for u := turn.start; u < turn.end; u += 33 * media.Millisecond {
			if poseAt(&who, script, i, base+u).open > 0.3 {
				open++
			} else {
				shut++
			}
		}
		if open < 20 || shut < 5 {
			t.Errorf("%s speaks with the mouth open in %d frames and shut in %d", who.Name, open, shut)
		}
		a, b := poseAt(&who, script, i, someday), poseAt(&who, script, i, someday+media.Second)
		if abs(a.x-b.x)+abs(a.y-b.y) < 0.05 {
			t.Errorf("%s sits still", who.Name)
		}
	}
}

// On pictures that stand still the one who speaks is seen to, at every full second, and nobody else.
func TestMonologue(t *testing.T) {
	for speaker := -1; speaker < 12; speaker++ {
		script := NewMonologue(speaker, 12)
		for i := range 12 {
			for n := range media.Time(3) {
				p := poseAt(&Cast[i%len(Cast)], script, i, someday/media.Second*media.Second+n*media.Second)
				if speaks := p.open > 0.7 && p.energy == 1; speaks != (i == speaker) || !speaks && (p.open > 0 || p.energy > 0) {
					t.Errorf("speaker %d: %d has the mouth %.2f open, energy %.2f", speaker, i, p.open, p.energy)
				}
			}
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }

func TestSceneKeepsInsideThePicture(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	for _, size := range [][2]int{{16, 16}, {64, 48}, {322, 182}, {480, 270}, {360, 640}, {1280, 200}} {
		w, h := size[0], size[1]
		p := codec.NewPicture(2*w, 2*h)
		for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
			for i := range plane {
				plane[i] = 77
			}
		}
		for i := range Cast {
			NewScene(Cast[i], NewScript(1, 9), i, nil).Draw(p.View(image.Rect(0, 0, w, h)), someday)
		}
		for y := range p.H {
			for x := range p.W {
				if (x >= w || y >= h) && p.Y[y*p.StrideY+x] != 77 {
					t.Fatalf("%v: drew at %d,%d", size, x, y)
				}
			}
		}
		p.Release()
	}
}

func TestClockShowsTheTimeOfItsZone(t *testing.T) {
	s := NewScene(Cast[0], NewScript(1, 1), 0, time.FixedZone("x", 2*3600))
	at := time.Date(2026, 9, 1, 23, 59, 58, 7_000_000, time.UTC)
	if got := string(s.timeOfDay(media.FromDuration(time.Duration(at.UnixNano())) + 1)); got != "01:59:58.007" {
		t.Fatal(got)
	}
	s = NewScene(Cast[0], NewScript(1, 1), 0, time.FixedZone("x", -3600))
	if got := string(s.timeOfDay(0)); got != "23:00:00.000" {
		t.Fatal(got)
	}
}

// A tile with half the picture's width, cropped from the middle, still shows who and when.
func TestCaptionStaysInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	for i, who := range Cast {
		s := NewScene(who, NewScript(1, 9), i, time.UTC)
		s.Draw(newPlanes(640, 360), someday)
		if w := s.clock.clockWidth(s.timeOfDay(0)); w < 150 || w > 300 {
			t.Errorf("the clock is %d pixels wide", w)
		}
		if s.nameWidth < 30 || s.nameWidth > 200 {
			t.Errorf("%s takes %.0f pixels", who.Name, s.nameWidth)
		}
		a := newPlanes(640, 360)
		s.caption(a, someday)
		for y := range a.H {
			for x := range a.W {
				if (x < 160 || x >= 480) && a.Y[y*a.StrideY+x] != 0 {
					t.Fatalf("%s: the caption reaches %d,%d", who.Name, x, y)
				}
			}
		}
	}
}

func TestDrawingAllocatesNothing(t *testing.T) {
	script := NewScript(2026, len(Cast))
	for i, who := range Cast {
		sc := NewScene(who, script, i, time.UTC)
		p := newPlanes(320, 180)
		at := someday
		for range 60 {
			at += media.Second / 30
			sc.Draw(p, at)
		}
		if n := testing.AllocsPerRun(30, func() { at += media.Second / 30; sc.Draw(p, at) }); n > 0 {
			t.Errorf("%s: %.1f allocations per frame", who.Name, n)
		}
	}
}

func BenchmarkScene(b *testing.B) {
	for i, who := range Cast {
		b.Run(who.Name, func(b *testing.B) {
			sc := NewScene(who, NewScript(2026, len(Cast)), i, time.UTC)
			p := newPlanes(640, 360)
			at := someday
			sc.Draw(p, at)
			b.ReportAllocs()
			for b.Loop() {
				at += media.Second / 30
				sc.Draw(p, at)
			}
		})
	}
}

func BenchmarkVoice(b *testing.B) {
	s := NewScript(2026, 1)
	v := NewVoice(Cast[0], s, 0)
	buf := make([]float32, 2*soundSamples)
	at := someday
	b.ReportAllocs()
	for b.Loop() {
		v.Fill(buf, at)
		at += soundFrame
	}
}

// With SCENES set to a folder, the cast is drawn there to look at: each alone, all in
// a grid, and one of them over two seconds.
func TestDrawScenes(t *testing.T) {
	dir := os.Getenv("SCENES")
	if dir == "" {
		t.Skip("SCENES is not set")
	}
	script := NewScript(2026, len(Cast))
	grid, film := newPlanes(1920, 1080), newPlanes(1920, 1080)
	for i, who := range Cast {
		at := someday/script.length*script.length + script.turns[i][1].start + 900*media.Millisecond
		if i%3 == 1 {
			at = someday + media.Time(i)*1234*media.Millisecond
		}
		tile := image.Rect(0, 0, 640, 360).Add(image.Pt(i%3*640, i/3*360))
		sc := NewScene(who, script, i, time.UTC)
		sc.Draw(grid.View(tile), at)
		save(t, filepath.Join(dir, fmt.Sprintf("%d-%s.png", i+1, who.Name)), grid.View(tile))
		four := NewScene(Cast[2], script, 2, time.UTC)
		four.Draw(film.View(tile), someday/script.length*script.length+script.turns[2][1].start+media.Time(i)*220*media.Millisecond)
	}
	save(t, filepath.Join(dir, "grid.png"), grid)
	save(t, filepath.Join(dir, "film.png"), film)
}

func save(t *testing.T, name string, p *codec.Picture) {
	t.Helper()
	img := image.NewNRGBA(p.Bounds())
	level := func(v float64) uint8 { return uint8(min(max(v+0.5, 0), 255)) }
	for y := range p.H {
		for x := range p.W {
			l := 1.164 * (float64(p.Y[y*p.StrideY+x]) - 16)
			cb := float64(p.Cb[y/2*p.StrideC+x/2]) - 128
			cr := float64(p.Cr[y/2*p.StrideC+x/2]) - 128
			img.SetNRGBA(x, y, color.NRGBA{level(l + 1.596*cr), level(l - 0.392*cb - 0.813*cr), level(l + 2.017*cb), 255})
		}
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}
