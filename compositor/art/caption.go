package art

import (
	"image"
	"image/color"
	"math"
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
	Banner     bool       // across the whole width rather than a lower third
}

// Caption draws c as a picture with even sides; nil where there is nothing to read.
func (a *Artist) Caption(c Caption) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prefer(c.Font)
	defer a.prefer("")
	pad := c.Size * 0.8
	edge := c.Size * 0.22
	title := a.layOut(c.Title, c.Size, float64(c.MaxWidth)-2*pad-edge)
	sub := a.layOut(c.Sub, c.Size*0.66, float64(c.MaxWidth)-2*pad-edge)
	wide := max(title.width, sub.width)
	if wide <= 0 {
		return nil
	}
	w, h := even(int(math.Ceil(wide+2*pad+edge))), even(int(c.Size*2))
	if sub.width > 0 {
		h = even(int(c.Size * 2.9))
	}
	if c.Banner {
		w = even(c.MaxWidth)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	radius := c.Size * 0.25
	x := pad + edge
	if c.Banner {
		radius, x = 0, (float64(w)-title.width)/2
	}
	pill(img, 0, 0, float64(w), float64(h), radius, c.Ground)
	if !c.Banner {
		pill(img, 0, 0, edge, float64(h), min(edge/2, radius), c.Accent)
	}
	title.draw(img, x, c.Size*1.36, c.Text)
	if c.Banner {
		x = (float64(w) - sub.width) / 2
	}
	faint := color.RGBA(c.Text)
	faint.R, faint.G, faint.B = faint.R/5*4, faint.G/5*4, faint.B/5*4
	sub.draw(img, x, c.Size*2.35, faint)
	return img
}

// Count fills a tile that stands for people who have none: "+3".
func (a *Artist) Count(w, h int, text string) *image.RGBA {
	a.mu.Lock()
	defer a.mu.Unlock()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	gradient(img, mix(night, white, 0.14), mix(night, white, 0.08))
	size := 0.3 * min(float64(w), float64(h))
	l := a.layOut(text, size, float64(w)*0.9)
	l.draw(img, (float64(w)-l.width)/2, float64(h)/2+size*0.36, white)
	return img
}
