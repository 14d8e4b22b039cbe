package broadcast

import (
	"math"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// layer is when a piece of hair or clothing is drawn.
type layer uint8

const (
	behind layer = iota // the neck and the shoulders
	onBody              // over the shirt, under the head
	onHead              // over the face, under the eyes
	onTop               // over everything
)

// figure draws a person, head and shoulders, in design units: 360 to the picture's height.
type figure struct {
	*brush
	who  *Person
	body matrix // origin between the shoulders' line and the neck
	head matrix // origin in the middle of the face
	pose pose
}

// pose is a person at one instant.
type pose struct {
	x, y, tilt   float64 // of the head
	lookX, lookY float64 // how far the face is turned
	breath       float64
	blink        float64 // 1: eyes open
	open, wide   float64 // of the mouth
	energy       float64 // 0 listening, 1 speaking
	brow         float64
}

// poseAt is how who moves at t, with what the script has them say.
func poseAt(who *Person, script *Script, index int, t media.Time) pose {
	s := (t % (1 << 50)).Seconds() * who.tempo
	wave := func(f, shift float64) float64 { return math.Sin(2*math.Pi*(f*s+shift) + float64(index)*2.1) }
	var p pose
	for i := range 8 {
		if script.Speaking(index, t-media.Time(i)*70*media.Millisecond) {
			p.energy += 0.125
		}
	}
	v := script.voicing(index, t)
	p.open = v.open
	p.wide = 0.5
	if v.s != nil {
		p.wide = vowels[v.s.vowel].wide
	}
	lively := 0.55 + 0.6*p.energy
	p.x = lively * (5*wave(0.11, 0) + 2.5*wave(0.29, 0.3))
	p.y = lively*(2*wave(0.17, 0.1)+1.2*wave(0.43, 0.6)) - 2.2*p.open*p.energy
	p.tilt = lively * (0.045*wave(0.13, 0.2) + 0.02*wave(0.37, 0.7))
	p.lookX = 4.2*wave(0.09, 0.4) + 1.6*wave(0.31, 0)
	p.lookY = 1.6*wave(0.12, 0.8) + 1.5*p.energy*wave(0.7, 0.2)
	p.breath = wave(0.24, 0.5)
	p.brow = p.energy * (1.5 + 1.8*wave(0.41, 0.1))
	p.blink = blink(t, index)
	return p
}

// blink closes the eyes for 180 ms once in every three seconds or so.
func blink(t media.Time, index int) float64 {
	const every = 3200 * media.Millisecond
	slot := int64(t / every)
	h := uint64(slot)*0x9e3779b97f4a7c15 + uint64(index)*0xbf58476d1ce4e5b9
	h ^= h >> 29
	h *= 0x94d049bb133111eb
	start := media.Time(h>>33%2900) * media.Millisecond
	u := t%every - start
	if u < 0 || u > 180*media.Millisecond {
		return 1
	}
	return max(0.08, math.Abs(1-2*u.Seconds()/0.18))
}

func rgb(c uint32) codec.YCbCr { return codec.RGB(uint8(c>>16), uint8(c>>8), uint8(c)) }

func flat(c uint32) ink            { return ink{rgb(c), rgb(c), 256} }
func grade(top, bottom uint32) ink { return ink{rgb(top), rgb(bottom), 256} }
func glaze(c uint32, alpha float64) ink {
	return ink{rgb(c), rgb(c), int(256 * alpha)}
}

// draw paints the whole figure; base maps design units to pixels.
func (f *figure) draw(base matrix) {
	p := f.pose
	f.body = base.moved(p.x*0.35, 262-p.breath*1.3)
	f.head = base.moved(p.x, 160+p.y-p.breath*0.7).turned(p.tilt)
	f.piece(behind)
	f.neck()
	f.torso()
	f.piece(onBody)
	f.face()
	f.piece(onHead)
	f.features()
	f.piece(onTop)
}

func (f *figure) piece(l layer) {
	f.who.style(f, l)
	f.who.wear(f, l)
}

func (f *figure) neck() {
	f.m = f.head
	f.m.e, f.m.f = (f.head.e+f.body.e)/2, (f.head.f+f.body.f)/2
	f.box(-23, -22, 46, 84, 20)
	f.fill(grade(f.who.shade, f.who.skin))
}

func (f *figure) torso() {
	f.m = f.body
	f.shoulders(1)
	f.fill(grade(f.who.shirt, f.who.shirtDark))
	// the side away from the light
	f.move(62, -16)
	f.cube(128, 2, 152, 24, 162, 110)
	f.line(96, 110)
	f.cube(104, 60, 92, 18, 62, -16)
	f.shut()
	f.fill(glaze(f.who.shirtDark, 0.75))
	f.stroke(-104, 62, -98, 108, 2, 3)
	f.stroke(104, 62, 98, 108, -2, 3)
	f.fill(glaze(darker(f.who.shirtDark, 0.8), 0.6))
}

// shoulders adds their outline with an open neck.
func (f *figure) shoulders(k float64) {
	f.move(-162*k, 110)
	f.cube(-152*k, 24, -128*k, 2, -62, -16)
	f.cube(-42, -22, -32, -26, -28, -34)
	f.cube(-22, -6, 22, -6, 28, -34)
	f.cube(32, -26, 42, -22, 62, -16)
	f.cube(128*k, 2, 152*k, 24, 162*k, 110)
	f.shut()
}

// outline adds the face's; grow widens it.
func (f *figure) outline(grow float64) {
	g, j := grow, f.who.jaw
	f.move(0, -68-g)
	f.cube(34+g, -68-g, 52+g, -46, 52+g, -8)
	f.cube(52+g, 26, 26+j+g, 66+g, 0, 66+g)
	f.cube(-26-j-g, 66+g, -52-g, 26, -52-g, -8)
	f.cube(-52-g, -46, -34-g, -68-g, 0, -68-g)
	f.shut()
}

func (f *figure) face() {
	w := f.who
	f.m = f.head
	f.ellipse(-52-f.pose.lookX*0.4, 2, 9, 14)
	f.ellipse(52-f.pose.lookX*0.4, 2, 9, 14)
	f.fill(grade(w.skin, w.shade))
	f.outline(0)
	f.fill(ink{rgb(w.skin), rgb(mix(w.skin, w.shade, 0.25)), 256})
	// the side away from the light
	f.move(0, -68)
	f.cube(34, -68, 52, -46, 52, -8)
	f.cube(52, 26, 26+w.jaw, 66, 0, 66)
	f.cube(24, 58, 36, 24, 36, -8)
	f.cube(36, -44, 22, -64, 0, -68)
	f.shut()
	f.fill(glaze(w.shade, 0.42))
}

func (f *figure) features() {
	w, p := f.who, f.pose
	f.m = f.head.moved(p.lookX, p.lookY)
	f.ellipse(-30, 20, 12, 7.5)
	f.ellipse(30, 20, 12, 7.5)
	f.fill(glaze(w.blush, 0.38))
	f.stroke(4, 4, 8, 17, -1, 3.2)
	f.stroke(8, 17, -2, 20, 1.2, 3.2)
	f.fill(glaze(w.shade, 0.9))
	f.eyes()
	f.mouth()
}

func (f *figure) eyes() {
	w, p := f.who, f.pose
	for _, side := range [...]float64{-1, 1} {
		f.ellipse(side*21, -5, 8.6, 7.6*p.blink)
		f.fill(flat(0xfaf6f0))
		f.ellipse(side*21+p.lookX*0.35, -4.6+p.lookY*0.3, 5, 6*p.blink)
		f.fill(flat(w.iris))
		if p.blink > 0.6 {
			f.ellipse(side*21+p.lookX*0.35+1.8, -7, 1.7, 1.7)
			f.fill(flat(0xffffff))
		}
		f.stroke(side*11.5, -8*p.blink-3, side*30.5, -7*p.blink-3, -side*2.6*p.blink, 2.6)
		f.fill(flat(w.lash))
		f.stroke(side*11, -20.5-p.brow, side*31, -20-p.brow*0.7, -side*2.6, 4.4)
		f.fill(flat(w.brow))
	}
}

func (f *figure) mouth() {
	w, p := f.who, f.pose
	dark := mix(darker(w.shade, 0.45), 0x5a1a1e, 0.5)
	lip := mix(w.shade, 0xb0403c, 0.45)
	if p.open < 0.06 {
		smile := 3.4 - p.energy
		f.stroke(-15, 36, 15, 36, smile, 3.6)
		f.fill(flat(darker(lip, 0.8)))
		return
	}
	half := 9 + 8*p.wide*(0.6+0.4*p.open)
	h := 3 + 15*p.open*(1.15-0.45*p.wide)
	f.mouthShape(half+2, -2.2, h+2.2)
	f.fill(flat(lip))
	f.mouthShape(half, 0, h)
	f.fill(flat(dark))
	teeth := min(4.5, h*0.42)
	f.move(-half*0.8, 36)
	f.quad(0, 33.5, half*0.8, 36)
	f.quad(half*0.6, 35+teeth, 0, 35.2+teeth)
	f.quad(-half*0.6, 35+teeth, -half*0.8, 36)
	f.shut()
	f.fill(flat(0xf7f2ea))
	if h > 8 {
		f.ellipse(0, 36+h*0.8, half*0.48, h*0.2)
		f.fill(flat(0xc05a58))
	}
}

func (f *figure) mouthShape(half, top, h float64) {
	f.move(-half, 36)
	f.quad(-half*0.5, 33.5+top, 0, 34.6+top)
	f.quad(half*0.5, 33.5+top, half, 36)
	f.cube(half*0.9, 36+h*0.9, half*0.45, 35+h*1.06, 0, 35+h*1.06)
	f.cube(-half*0.45, 35+h*1.06, -half*0.9, 36+h*0.9, -half, 36)
	f.shut()
}

// mix is the colour between a and b, x of the way.
func mix(a, b uint32, x float64) uint32 {
	part := func(shift uint) uint32 {
		p, q := float64(a>>shift&255), float64(b>>shift&255)
		return uint32(p+(q-p)*x+0.5) << shift
	}
	return part(16) | part(8) | part(0)
}

func darker(c uint32, k float64) uint32 { return mix(0, c, k) }
