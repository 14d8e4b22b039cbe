package broadcast

import (
	"encoding/binary"
	"image"
	"math/rand/v2"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// Scene is a person's camera: their room, themselves, their name and the time of day
// to the millisecond.
type Scene struct {
	who    *Person
	script *Script
	index  int
	zone   *time.Location

	room, clean *codec.Picture // without and with the person, before the sensor's noise
	base        matrix
	brush       brush
	figure      figure
	noise       []byte
	name, clock *glyphs
	nameWidth   float64 // pixels
	text        [12]byte
}

// NewScene shows who as speaker index of the script. The clock is in zone; nil: local time.
func NewScene(who Person, script *Script, index int, zone *time.Location) *Scene {
	if zone == nil {
		zone = time.Local
	}
	return &Scene{who: &who, script: script, index: index, zone: zone}
}

// designW and designH are the units everything is drawn in.
const designW, designH = 640, 360

// stage is where the figure can be, in design units; the rest of the room is still.
var stage = image.Rect(160, 0, 480, designH)

// Draw implements Picture. The first call of a size prepares it.
func (s *Scene) Draw(p *codec.Picture, t media.Time) {
	if s.room == nil || s.room.W != p.W || s.room.H != p.H {
		s.prepare(p.W, p.H)
	}
	k := s.base.a
	r := image.Rect(
		int(s.base.e+float64(stage.Min.X)*k)&^1, 0,
		min(p.W, int(s.base.e+float64(stage.Max.X)*k)+1)&^1, p.H,
	).Intersect(p.Bounds())
	copyPart(s.clean, s.room, r)
	s.figure.pose = poseAt(s.who, s.script, s.index, t)
	s.figure.dst = s.clean
	s.figure.draw(s.base.moved(designW/2, 46).scaled(figureScale, figureScale))
	s.expose(p, t)
	s.caption(p, t)
}

// figureScale leaves room above the head for the caption. Person and caption stand in
// the middle, so that a tile of any shape that crops the sides still shows them.
const figureScale = 0.85

func (s *Scene) prepare(w, h int) {
	s.room, s.clean = newPlanes(w, h), newPlanes(w, h)
	k := float64(h) / designH
	s.base = scaling(k)
	s.base.e = (float64(w) - designW*k) / 2
	paintRoom(s.room, &s.brush, s.base, s.who.room)
	copyPart(s.clean, s.room, s.room.Bounds())
	s.figure = figure{brush: &s.brush, who: s.who}
	if s.noise == nil {
		s.noise = grain8(uint64(s.index))
	}
	s.name, s.clock = newGlyphs(25*k, s.who.Name), newGlyphs(31*k, "")
	s.nameWidth = s.name.width(s.who.Name)
}

// newPlanes is a picture in Go's memory, for this package's own use.
func newPlanes(w, h int) *codec.Picture {
	y, c := (w+7)&^7, (w/2+7)&^7
	return &codec.Picture{
		W: w, H: h, StrideY: y, StrideC: c,
		Y: make([]byte, y*h), Cb: make([]byte, c*h/2), Cr: make([]byte, c*h/2),
	}
}

// copyPart copies r, whose corners are even.
func copyPart(dst, src *codec.Picture, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(dst.Y[y*dst.StrideY+r.Min.X:][:r.Dx()], src.Y[y*src.StrideY+r.Min.X:])
	}
	x, n := r.Min.X/2, r.Dx()/2
	for y := r.Min.Y / 2; y < r.Max.Y/2; y++ {
		copy(dst.Cb[y*dst.StrideC+x:][:n], src.Cb[y*src.StrideC+x:])
		copy(dst.Cr[y*dst.StrideC+x:][:n], src.Cr[y*src.StrideC+x:])
	}
}

const (
	noiseSize = 1 << 16
	noiseMid  = 0x0303030303030303 // of values from 0 to 6
)

// grain8 is sensor noise: triangular, 0 to 6.
func grain8(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 99))
	n := make([]byte, noiseSize+8192)
	for i := range n {
		n[i] = byte(r.IntN(3) + r.IntN(3) + r.IntN(3))
	}
	return n
}

// expose copies the clean picture to p and adds noise to its luma, eight pixels at a
// time: limited range leaves room for it on both sides, so no byte carries into the next.
func (s *Scene) expose(p *codec.Picture, t media.Time) {
	c := s.clean
	seed := uint64(t)*0x9e3779b97f4a7c15 + 1
	for y := range p.H {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		n := s.noise[seed>>40%noiseSize:][:p.W+8]
		src, dst := c.Y[y*c.StrideY:][:p.W], p.Y[y*p.StrideY:][:p.W]
		x := 0
		for ; x+8 <= len(dst); x += 8 {
			v := binary.LittleEndian.Uint64(src[x:]) + binary.LittleEndian.Uint64(n[x:]) - noiseMid
			binary.LittleEndian.PutUint64(dst[x:], v)
		}
		for ; x < len(dst); x++ {
			dst[x] = src[x] + n[x] - 3
		}
	}
	for y := range p.H / 2 {
		copy(p.Cb[y*p.StrideC:][:p.W/2], c.Cb[y*c.StrideC:])
		copy(p.Cr[y*p.StrideC:][:p.W/2], c.Cr[y*c.StrideC:])
	}
}

// caption writes the name, a meter that moves with the voice, and the clock.
func (s *Scene) caption(p *codec.Picture, t media.Time) {
	k := s.base.a
	px := func(v float64) int { return int(v*k + 0.5) }
	const gap, bars = 11, 3*7.4 + 4.4
	x := designW/2 - (s.nameWidth/k+gap+bars)/2
	s.name.draw(p, s.who.Name, int(s.base.e)+px(x), px(36), 256)
	s.meter(p, x+s.nameWidth/k+gap, 36)
	clock := s.timeOfDay(t)
	s.clock.drawClock(p, clock, (p.W-s.clock.clockWidth(clock))/2, px(68), 256)
}

// meter is four bars that stand on y.
func (s *Scene) meter(p *codec.Picture, x, y float64) {
	b := &s.brush
	b.dst, b.m = p, s.base
	e := s.figure.pose.energy
	for i := range 4 {
		lift := s.figure.pose.open * []float64{0.55, 1, 0.75, 0.45}[i] * e
		h := 4.4 + 14*lift
		b.box(x+float64(i)*7.4, y-9-h/2, 4.4, h, 2.2)
	}
	alpha := 0.55 + 0.45*e
	b.fill(ink{codec.YCbCr{Y: 235, Cb: 128, Cr: 128}, codec.YCbCr{Y: 235, Cb: 128, Cr: 128}, int(256 * alpha)})
}

// timeOfDay is HH:MM:SS.mmm, valid until the next call.
func (s *Scene) timeOfDay(t media.Time) []byte {
	ms := int64(t / media.Millisecond)
	_, offset := time.UnixMilli(ms).In(s.zone).Zone()
	d := ((ms+int64(offset)*1000)%86_400_000 + 86_400_000) % 86_400_000
	put := func(i, digits int, v int64) {
		for j := i + digits - 1; j >= i; j-- {
			s.text[j] = byte('0' + v%10)
			v /= 10
		}
	}
	put(0, 2, d/3_600_000)
	put(3, 2, d/60_000%60)
	put(6, 2, d/1000%60)
	put(9, 3, d%1000)
	s.text[2], s.text[5], s.text[8] = ':', ':', '.'
	return s.text[:]
}
