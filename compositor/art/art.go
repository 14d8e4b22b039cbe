package art

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"
)

var (
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}
	night = color.RGBA{0x12, 0x14, 0x19, 0xff}
	veil  = color.NRGBA{0x0c, 0x0e, 0x12, 0xa6}
)

// TextSize is the size of a label's text in pixels on a tile of w x h.
func TextSize(w, h int) float64 {
	return math.Round(min(max(math.Sqrt(float64(w)*float64(h))/26, 11), 34))
}

// Label is a name on a dark, half transparent pill, cut with an ellipsis to maxWidth
// pixels. Its sides are even. It is nil for a name without a visible character.
func (a *Artist) Label(name string, size float64, maxWidth int) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := even(int(size*1.8 + 0.5))
	pad := size * 0.7
	l := a.layOut(name, size, float64(maxWidth)-2*pad)
	if l.width <= 0 {
		return nil
	}
	w := even(int(math.Ceil(l.width + 2*pad)))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	pill(img, 0, 0, float64(w), float64(h), float64(h)/2, veil)
	l.draw(img, (float64(w)-l.width)/2, float64(h)/2+size*0.36, white)
	return img
}

// Placeholder fills a tile that has no picture: a calm ground in the name's colour,
// a circle with the initials, and under it a note, which may be empty.
func (a *Artist) Placeholder(w, h int, name, note string) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	tint := Tint(name)
	gradient(img, mix(night, tint, 0.30), mix(night, tint, 0.14))
	r := 0.23 * min(float64(w)*0.8, float64(h))
	cx, cy := float64(w)/2, float64(h)/2
	if note != "" {
		size := TextSize(w, h)
		cy -= size
		l := a.layOut(note, size, float64(w)*0.9)
		l.draw(img, cx-l.width/2, cy+r+size*2, color.RGBA{0xc8, 0xcc, 0xd4, 0xff})
	}
	pill(img, cx-r, cy-r, 2*r, 2*r, r, tint)
	initials := Initials(name)
	if initials == "?" || !a.covers(initials) {
		person(img, cx, cy, r)
		return img
	}
	size := r * 0.88
	l := a.layOut(initials, size, 1.8*r)
	l.draw(img, cx-l.width/2, cy+size*0.36, white)
	return img
}

// Slate is a whole canvas with a line of text, for a stage with nobody on it.
func (a *Artist) Slate(w, h int, ground color.RGBA, title string) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	blue := tints[0]
	gradient(img, mix(ground, blue, 0.10), ground)
	size := 1.3 * TextSize(w, h)
	cx, cy := float64(w)/2, float64(h)/2
	for i := range 3 {
		x := cx + float64(i-1)*size*0.9
		r := size * 0.2
		pill(img, x-r, cy-size*1.1-r, 2*r, 2*r, r, mix(ground, blue, 0.5+0.25*float64(i)))
	}
	l := a.layOut(title, size, float64(w)*0.9)
	l.draw(img, cx-l.width/2, cy+size*0.7, color.RGBA{0xe6, 0xe8, 0xee, 0xff})
	return img
}

// Corner is the top left corner of a tile rounded with radius r, in the ground's
// colour, as a square of r x r; turns is how many quarters it is turned clockwise.
func Corner(r int, ground color.RGBA, turns int) *image.RGBA {
	r = even(r)
	img := image.NewRGBA(image.Rect(0, 0, r, r))
	f := float32(r)
	const k = 0.5523 // control points of a quarter circle
	z := vector.NewRasterizer(r, r)
	at := func(x, y float32) (float32, float32) {
		for range turns & 3 {
			x, y = f-y, x
		}
		return x, y
	}
	z.MoveTo(at(0, 0))
	z.LineTo(at(f, 0))
	bx, by := at(f*(1-k), 0)
	cx, cy := at(0, f*(1-k))
	dx, dy := at(0, f)
	z.CubeTo(bx, by, cx, cy, dx, dy)
	z.ClosePath()
	z.Draw(img, img.Rect, image.NewUniform(ground), image.Point{})
	return img
}

// pill fills a rectangle with round corners of radius r.
func pill(img *image.RGBA, x, y, w, h, r float64, c color.Color) {
	z := vector.NewRasterizer(img.Rect.Dx(), img.Rect.Dy())
	k := r * (1 - 0.5523)
	p := func(x, y float64) (float32, float32) { return float32(x), float32(y) }
	corner := func(ax, ay, bx, by, cx, cy float64) {
		x1, y1 := p(ax, ay)
		x2, y2 := p(bx, by)
		x3, y3 := p(cx, cy)
		z.CubeTo(x1, y1, x2, y2, x3, y3)
	}
	z.MoveTo(p(x+r, y))
	z.LineTo(p(x+w-r, y))
	corner(x+w-k, y, x+w, y+k, x+w, y+r)
	z.LineTo(p(x+w, y+h-r))
	corner(x+w, y+h-k, x+w-k, y+h, x+w-r, y+h)
	z.LineTo(p(x+r, y+h))
	corner(x+k, y+h, x, y+h-k, x, y+h-r)
	z.LineTo(p(x, y+r))
	corner(x, y+k, x+k, y, x+r, y)
	z.ClosePath()
	z.Draw(img, img.Rect, image.NewUniform(c), image.Point{})
}

// person is a head and shoulders inside the circle of radius r around cx, cy.
func person(img *image.RGBA, cx, cy, r float64) {
	pill(img, cx-0.27*r, cy-0.5*r, 0.54*r, 0.54*r, 0.27*r, white)
	pill(img, cx-0.48*r, cy+0.14*r, 0.96*r, 0.42*r, 0.21*r, white)
}

func gradient(img *image.RGBA, top, bottom color.RGBA) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	for y := range h {
		c := mix(top, bottom, float64(y)/float64(max(h-1, 1)))
		row := img.Pix[y*img.Stride : y*img.Stride+4*w]
		for x := 0; x < len(row); x += 4 {
			row[x], row[x+1], row[x+2], row[x+3] = c.R, c.G, c.B, 0xff
		}
	}
}

func even(n int) int { return (n + 1) &^ 1 }
