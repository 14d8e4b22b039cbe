package art

import (
	"image"
	"image/color"
	"math"
	"slices"

	"github.com/go-text/typesetting/di"
)

// Caption is what a text laid over a program looks like.
type Caption struct {
	Title, Sub string
	Font       string
	Size       float64 // of the title, px
	MaxWidth   int     // px
	Text       color.RGBA
	Ground     color.NRGBA
	Accent     color.RGBA // of a lower third's edge
	Banner     bool       // across the whole width, lines in the middle, rather than a lower third
	Plain      bool       // a box without an edge, lines in the middle
}

// Caption draws c as a picture with even sides; nil where there is nothing to read. What is too long for a line
// goes on in the next. A lower third of Arabic or Hebrew begins at its right.
func (a *Artist) Caption(c Caption) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prefer(c.Font)
	defer a.prefer("")
	pad, edge := c.Size*0.8, c.Size*0.22
	if c.Plain || c.Banner {
		edge = 0
	}
	room := float64(c.MaxWidth) - 2*pad - edge
	title, size := a.fit(c.Title, c.Size, room)
	sub, small := a.fit(c.Sub, c.Size*0.66, room)
	wide := 0.0
	for _, l := range slices.Concat(title, sub) {
		wide = max(wide, l.width)
	}
	if wide <= 0 {
		return nil
	}
	high := c.Size + size*(1+leading*float64(max(len(title)-1, 0)))
	below := high // what is before the first line of sub
	if len(sub) > 0 {
		high += 0.9*c.Size + leading*small*float64(len(sub)-1)
	}
	w, h := even(int(math.Ceil(wide+2*pad+edge))), even(int(high))
	if c.Banner {
		w = even(c.MaxWidth)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	radius := c.Size * 0.25
	if c.Banner {
		radius = 0
	}
	pill(img, 0, 0, float64(w), float64(h), radius, c.Ground)
	mirrored := direction([]rune(c.Title+c.Sub)) == di.DirectionRTL
	if x := 0.0; edge > 0 {
		if mirrored {
			x = float64(w) - edge
		}
		pill(img, x, 0, edge, float64(h), min(edge/2, radius), c.Accent)
	}
	put := func(lines []line, baseline, size float64, text color.RGBA) {
		for i, l := range lines {
			x := pad + edge
			switch {
			case edge == 0:
				x = (float64(w) - l.width) / 2
			case mirrored:
				x = float64(w) - pad - edge - l.width
			}
			l.draw(img, x, baseline+leading*size*float64(i), text)
		}
	}
	put(title, c.Size/2+size*0.86, size, c.Text)
	faint := c.Text
	faint.R, faint.G, faint.B = faint.R/5*4, faint.G/5*4, faint.B/5*4
	put(sub, below+0.35*c.Size, small, faint)
	return img
}

// Count fills a tile that stands for people who have none: "+3".
func (a *Artist) Count(w, h int, text string) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	gradient(img, mix(night, white, 0.08), 14)
	size := 0.3 * min(float64(w), float64(h))
	l := a.layOut(text, size, float64(w)*0.9)
	l.draw(img, (float64(w)-l.width)/2, float64(h)/2+size*0.36, white)
	return img
}
