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
)

// TextSize is the size of text in pixels that suits a tile of w x h.
func TextSize(w, h int) float64 {
	return math.Round(max(math.Sqrt(float64(w)*float64(h))/26, 11))
}

// LabelStyle is how a label looks.
type LabelStyle struct {
	Size     float64     // of the text, px
	MaxWidth int         // px
	Font     string      // asked first; empty: the embedded one
	Text     color.RGBA  // zero: white
	Ground   color.NRGBA // of the pill
	Muted    bool        // with a struck-through microphone
}

// Label is a name on a pill, cut with an ellipsis. Its sides are even. It is nil
// for a name without a visible character.
func (a *Artist) Label(name string, st LabelStyle) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prefer(st.Font)
	defer a.prefer("")
	if st.Text == (color.RGBA{}) {
		st.Text = white
	}
	h := even(int(st.Size*1.8 + 0.5))
	pad, icon := st.Size*0.7, 0.0
	if st.Muted {
		icon = st.Size * 1.25
	}
	l := a.layOut(name, st.Size, float64(st.MaxWidth)-2*pad-icon)
	if l.width <= 0 && !st.Muted {
		return nil
	}
	w := even(int(math.Ceil(l.width + 2*pad + icon)))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	pill(img, 0, 0, float64(w), float64(h), float64(h)/2, st.Ground)
	if st.Muted {
		microphone(img, pad+st.Size*0.4, float64(h)/2, st.Size)
	}
	l.draw(img, pad+icon, float64(h)/2+st.Size*0.36, st.Text)
	return img
}

// microphone is a struck-through one, about size tall, around x, y.
func microphone(img *image.RGBA, x, y, size float64) {
	red := color.RGBA{0xff, 0x6b, 0x6b, 0xff}
	w := size * 0.3
	pill(img, x-w/2, y-size*0.46, w, size*0.56, w/2, red)
	pill(img, x-size*0.05, y+size*0.2, size*0.1, size*0.26, size*0.05, red)
	pill(img, x-size*0.22, y+size*0.38, size*0.44, size*0.1, size*0.05, red)
	z := vector.NewRasterizer(img.Rect.Dx(), img.Rect.Dy())
	d, t := float32(size*0.42), float32(size*0.06)
	cx, cy := float32(x), float32(y)
	z.MoveTo(cx-d-t, cy-d+t)
	z.LineTo(cx-d+t, cy-d-t)
	z.LineTo(cx+d+t, cy+d-t)
	z.LineTo(cx+d-t, cy+d+t)
	z.ClosePath()
	z.Draw(img, img.Rect, image.NewUniform(white), image.Point{})
}

// Ground is what a placeholder stands on: a calm gradient in the name's colour.
func Ground(w, h int, name string) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	tint := Tint(name)
	gradient(img, mix(night, tint, 0.17), 16)
	return img
}

// Placeholder fills a tile that has no picture: a calm ground in the name's colour,
// a circle with the initials, and under it a note, which may be empty.
func (a *Artist) Placeholder(w, h int, name, note string) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	tint := Tint(name)
	img := Ground(w, h, name)
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

// Slate is a whole canvas with some text, for a stage with nobody on it.
func (a *Artist) Slate(w, h int, ground color.RGBA, title string) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	blue := tints[0]
	gradient(img, mix(ground, blue, 0.06), 10)
	lines, size := a.fit(title, 1.3*TextSize(w, h), float64(w)*0.84)
	cx, cy := float64(w)/2, float64(h)/2-leading*size/2*float64(max(len(lines)-1, 0))
	for i := range 3 {
		x := cx + float64(i-1)*size*0.9
		r := size * 0.2
		pill(img, x-r, cy-size*1.1-r, 2*r, 2*r, r, mix(ground, blue, 0.5+0.25*float64(i)))
	}
	for i, l := range lines {
		l.draw(img, cx-l.width/2, cy+size*(0.7+leading*float64(i)), color.RGBA{0xe6, 0xe8, 0xee, 0xff})
	}
	return img
}

// Texts of slates and captions have so many lines at most, and so many times their size from one to the next.
const (
	textLines = 5
	leading   = 1.25
)

// pill fills a rectangle with round corners of radius r.
func pill(img *image.RGBA, x, y, w, h, r float64, c color.Color) {
	box := around(img, x, y, x+w, y+h)
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	k := r * (1 - 0.5523)
	p := func(x, y float64) (float32, float32) {
		return float32(x - float64(box.Min.X)), float32(y - float64(box.Min.Y))
	}
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
	z.Draw(img, box, image.NewUniform(c), image.Point{})
}

// around is what a shape between two points touches of img: drawing there alone is many times faster.
func around(img *image.RGBA, x0, y0, x1, y1 float64) image.Rectangle {
	return image.Rect(int(math.Floor(x0)), int(math.Floor(y0)), int(math.Ceil(x1)), int(math.Ceil(y1))).Intersect(img.Rect)
}

// person is a head and shoulders inside the circle of radius r around cx, cy.
func person(img *image.RGBA, cx, cy, r float64) {
	pill(img, cx-0.27*r, cy-0.5*r, 0.54*r, 0.54*r, 0.27*r, white)
	pill(img, cx-0.48*r, cy+0.14*r, 0.96*r, 0.42*r, 0.21*r, white)
}

// gradient is light levels lighter at the top than c, which is at the bottom. All three colours go by the same steps, so
// that chroma, of which a level is much in the dark, is the same all over. A step is a level of luma: dithering would
// hide it, and cost ten times the bits.
func gradient(img *image.RGBA, c color.RGBA, light uint8) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	c.R, c.G, c.B = min(c.R, 255-light), min(c.G, 255-light), min(c.B, 255-light)
	for y := range h {
		k := uint8((float64(light) + 1) * (1 - (float64(y)+0.5)/float64(h)))
		row := img.Pix[y*img.Stride : y*img.Stride+4*w]
		for x := 0; x < len(row); x += 4 {
			row[x], row[x+1], row[x+2], row[x+3] = c.R+k, c.G+k, c.B+k, 0xff
		}
	}
}

func even(n int) int { return (n + 1) &^ 1 }
