package broadcast

import (
	"math"
	"math/rand/v2"

	"tilecast/compositor/codec"
)

// interior paints the room behind a person, once: it is out of focus and doesn't move.
type interior struct {
	*brush
	k float64 // pixels per design unit
}

// wall covers everything with a gradient.
func (r *interior) wall(top, bottom uint32) {
	r.box(-400, -10, 1440, 380, 0)
	r.fill(grade(top, bottom))
}

// ledge is a table at the bottom.
func (r *interior) ledge(y float64, top, bottom uint32) {
	r.box(-400, y, 1440, 400-y, 0)
	r.fill(grade(top, bottom))
}

// glow is a pool of light with soft edges.
func (r *interior) glow(x, y, rx, ry float64, c uint32, strength float64) {
	const steps = 14
	for i := range steps {
		s := 1 - float64(i)/steps
		r.ellipse(x, y, rx*s, ry*s)
		r.fill(glaze(c, strength/steps*1.6))
	}
}

// window has a sky, panes and a sill.
func (r *interior) window(x, y, w, h float64, sky, low, frame uint32) {
	r.box(x-9, y-9, w+18, h+18, 4)
	r.fill(flat(frame))
	r.box(x, y, w, h, 2)
	r.fill(grade(sky, low))
	r.box(x+w/2-3, y, 6, h, 0)
	r.box(x, y+h*0.45-3, w, 6, 0)
	r.fill(flat(frame))
	r.box(x-16, y+h+7, w+32, 9, 3)
	r.fill(flat(darker(frame, 0.92)))
}

// shelf is a board with books, from x, w wide, standing on y.
func (r *interior) shelf(x, y, w float64, board uint32, books []uint32, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	for at := x + 8; at < x+w-18; {
		bw, bh := 9+rnd.Float64()*11, 34+rnd.Float64()*24
		if rnd.IntN(7) == 0 {
			at += 18
			continue
		}
		r.box(at, y-bh, bw, bh, 1.5)
		c := books[rnd.IntN(len(books))]
		r.fill(grade(c, darker(c, 0.82)))
		at += bw + 1.5
	}
	r.box(x, y, w, 7, 2)
	r.fill(grade(board, darker(board, 0.75)))
}

// picture is a framed print: a sun over hills, or two leaves.
func (r *interior) picture(x, y, w, h float64, frame, paper, one, two uint32) {
	r.box(x, y, w, h, 2)
	r.fill(flat(frame))
	r.box(x+5, y+5, w-10, h-10, 0)
	r.fill(flat(paper))
	r.ellipse(x+w*0.5, y+h*0.42, w*0.2, w*0.2)
	r.fill(flat(one))
	r.move(x+5, y+h-5)
	r.line(x+5, y+h*0.68)
	r.quad(x+w*0.3, y+h*0.45, x+w*0.55, y+h*0.68)
	r.quad(x+w*0.75, y+h*0.8, x+w-5, y+h*0.6)
	r.line(x+w-5, y+h-5)
	r.shut()
	r.fill(flat(two))
}

// plant has a pot at x, y (its bottom) and n leaves of length size.
func (r *interior) plant(x, y, size float64, n int, leaf, leafDark, pot uint32) {
	m := r.m
	for i := range n {
		a := -math.Pi/2 + (float64(i)-float64(n-1)/2)*2.3/float64(n)
		l := size * (0.8 + 0.25*math.Sin(float64(i)*2.4))
		r.m = m.moved(x, y-size*0.3).turned(a)
		r.move(0, 0)
		r.quad(l*0.5, -size*0.17, l, 0)
		r.quad(l*0.5, size*0.17, 0, 0)
		r.shut()
		c := leaf
		if i%2 == 1 {
			c = leafDark
		}
		r.fill(flat(c))
	}
	r.m = m
	r.move(x-size*0.24, y-size*0.36)
	r.line(x+size*0.24, y-size*0.36)
	r.line(x+size*0.17, y)
	r.line(x-size*0.17, y)
	r.shut()
	r.fill(grade(pot, darker(pot, 0.75)))
}

// pendant is a lamp that hangs from the ceiling.
func (r *interior) pendant(x, y, size float64, shade, light uint32) {
	r.box(x-1.2, -10, 2.4, y+10, 0)
	r.fill(flat(darker(shade, 0.7)))
	r.glow(x, y+size*0.7, size*2.4, size*2, light, 0.55)
	r.move(x-size*0.25, y)
	r.line(x+size*0.25, y)
	r.cube(x+size*0.9, y+size*0.1, x+size, y+size*0.5, x+size, y+size*0.7)
	r.line(x-size, y+size*0.7)
	r.cube(x-size, y+size*0.5, x-size*0.9, y+size*0.1, x-size*0.25, y)
	r.shut()
	r.fill(grade(shade, darker(shade, 0.8)))
	r.ellipse(x, y+size*0.72, size*0.8, size*0.12)
	r.fill(flat(light))
}

// lamp stands on y.
func (r *interior) lamp(x, y, size float64, shade, foot, light uint32) {
	r.glow(x, y-size*1.3, size*2.6, size*2.6, light, 0.6)
	r.box(x-2.5, y-size, 5, size, 0)
	r.box(x-size*0.22, y-5, size*0.44, 5, 2)
	r.fill(flat(foot))
	r.move(x-size*0.3, y-size*1.55)
	r.line(x+size*0.3, y-size*1.55)
	r.line(x+size*0.48, y-size*0.85)
	r.line(x-size*0.48, y-size*0.85)
	r.shut()
	r.fill(grade(shade, light))
}

// bulbs are points of light in a sagging row from one side to the other.
func (r *interior) bulbs(y, sag float64, n int, colours []uint32) {
	for i := range n {
		x := -20 + 680*float64(i)/float64(n-1)
		u := 2*x/640 - 1
		at := y + sag*(1-u*u)
		c := colours[i%len(colours)]
		r.glow(x, at, 17, 17, c, 0.5)
		r.ellipse(x, at, 6.5, 6.5)
		r.fill(flat(mix(c, 0xffffff, 0.35)))
	}
}

// arc is a painted arch on the wall.
func (r *interior) arc(x, y, w, h float64, c uint32) {
	r.move(x, y+h)
	r.line(x, y+w/2)
	r.cube(x, y+w/2-w/2*circle, x+w/2-w/2*circle, y, x+w/2, y)
	r.cube(x+w/2+w/2*circle, y, x+w, y+w/2-w/2*circle, x+w, y+w/2)
	r.line(x+w, y+h)
	r.shut()
	r.fill(flat(c))
}

// soften blurs what is there by about radius design units.
func (r *interior) soften(radius float64) {
	n := max(1, int(radius*r.k+0.5))
	d := r.dst
	blurPlane(d.Y, d.StrideY, d.W, d.H, n)
	blurPlane(d.Cb, d.StrideC, d.W/2, d.H/2, (n+1)/2)
	blurPlane(d.Cr, d.StrideC, d.W/2, d.H/2, (n+1)/2)
}

// shade darkens the corners, and a patch behind the caption.
func (r *interior) shade() {
	d := r.dst
	w, h := float64(d.W), float64(d.H)
	for y := range d.H {
		row := d.Y[y*d.StrideY:][:d.W]
		v := (float64(y) - h*0.45) / h
		for x := range row {
			u := (float64(x) - w*0.5) / w
			k := 1 - 0.75*(u*u+v*v)
			if t := 1 - float64(y)/(h*0.5); t > 0 {
				k *= 1 - 0.42*t*t*(3-2*t)*(1-1.6*u*u)
			}
			row[x] = byte(16 + (float64(row[x])-16)*k + 0.5)
		}
	}
}

// blurPlane is three box blurs, which is close to a Gaussian.
func blurPlane(p []byte, stride, w, h, r int) {
	line := make([]byte, max(w, h))
	for range 3 {
		for y := range h {
			row := p[y*stride:][:w]
			copy(line, row)
			blurLine(row, line[:w], 1, r)
		}
		for x := range w {
			for y := range h {
				line[y] = p[y*stride+x]
			}
			blurLine(p[x:], line[:h], stride, r)
		}
	}
}

func blurLine(dst, src []byte, step, r int) {
	n := len(src)
	at := func(i int) int { return int(src[min(max(i, 0), n-1)]) }
	sum := 0
	for i := -r; i <= r; i++ {
		sum += at(i)
	}
	for i := range n {
		dst[i*step] = byte((sum + r) / (2*r + 1))
		sum += at(i+r+1) - at(i-r)
	}
}

// paintRoom is the background of a scene, in pixels.
func paintRoom(dst *codec.Picture, b *brush, base matrix, room func(*interior)) {
	r := &interior{brush: b, k: base.a}
	r.dst, r.m = dst, base
	room(r)
	r.m = base
	r.shade()
}
