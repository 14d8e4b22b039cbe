package broadcast

import "math"

// The hair styles and clothes of the cast. Each is called once per layer.

func afro(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.head
		f.ellipse(0, -34, 84, 80)
		for i := range 13 {
			a := math.Pi * (0.92 + 1.16*float64(i)/12)
			f.ellipse(80*math.Cos(a), -30+74*math.Sin(a), 21, 21)
		}
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(-66, -70, -28, -106, 9, 7)
		f.fill(glaze(0x6a4636, 0.35))
	case onHead:
		f.m = f.head
		f.move(-54, -14)
		f.cube(-58, -60, -30, -78, 0, -76)
		f.cube(30, -78, 58, -60, 54, -14)
		f.cube(50, -40, 34, -50, 0, -50)
		f.cube(-34, -50, -50, -40, -54, -14)
		f.shut()
		f.fill(flat(w.hair))
	}
}

func hoops(f *figure, l layer) {
	switch l {
	case onBody:
		collar(f, 5)
	case onHead:
		f.m = f.head
		for _, side := range [...]float64{-1, 1} {
			x := side*54 - f.pose.lookX*0.4
			f.ring(x, 28, 11, 13, 3.4)
			f.fill(flat(f.who.accent))
		}
	}
}

// ring adds an ellipse with a hole; its line is d wide.
func (f *figure) ring(x, y, rx, ry, d float64) {
	f.ellipse(x, y, rx, ry)
	f.hole(x, y, rx-d, ry-d)
}

// hole adds an ellipse that runs the other way round, which cuts it out.
func (b *brush) hole(x, y, rx, ry float64) {
	m := b.m
	b.m = m.moved(x, y).scaled(-1, 1)
	b.ellipse(0, 0, rx, ry)
	b.m = m
}

func collar(f *figure, width float64) {
	f.m = f.body
	f.stroke(-31, -31, 31, -31, 12, width)
	f.fill(flat(darker(f.who.shirtDark, 0.92)))
}

func quiff(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.head
		f.ellipse(0, -22, 57, 56)
		f.fill(flat(w.hairDark))
	case onHead:
		f.m = f.head
		f.move(-55, 0)
		f.cube(-62, -42, -58, -66, -38, -78)
		f.cube(-20, -100, 36, -100, 50, -76)
		f.cube(62, -60, 60, -34, 55, 0)
		f.cube(52, -22, 50, -34, 42, -44)
		f.cube(16, -36, -16, -42, -30, -52)
		f.cube(-44, -44, -52, -24, -55, 0)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(-26, -70, 30, -80, -6, 4)
		f.stroke(-34, -62, 10, -66, -5, 3)
		f.fill(glaze(0x7a5640, 0.5))
	}
}

func beardAndCollar(f *figure, l layer) {
	w := f.who
	switch l {
	case onBody:
		f.m = f.body
		for _, side := range [...]float64{-1, 1} {
			f.move(side*30, -38)
			f.line(side*3, -6)
			f.line(side*24, 14)
			f.quad(side*46, -6, side*40, -28)
			f.shut()
		}
		f.fill(grade(0x3f86a8, 0x2c6886))
		f.stroke(0, 0, 0, 108, 0, 2)
		f.fill(glaze(w.shirtDark, 0.8))
		for i := range 3 {
			f.ellipse(5, 26+float64(i)*28, 2.6, 2.6)
		}
		f.fill(flat(w.accent))
	case onHead:
		f.m = f.head
		f.move(-53, -6)
		f.cube(-50, 8, -48, 16, -42, 20)
		f.cube(-30, 27, -22, 25, 0+f.pose.lookX, 25+f.pose.lookY)
		f.cube(22, 25, 30, 27, 42, 20)
		f.cube(48, 16, 50, 8, 53, -6)
		f.cube(55, 36, 42, 74+4*f.pose.open, 0, 74+5*f.pose.open)
		f.cube(-42, 74+4*f.pose.open, -55, 36, -53, -6)
		f.shut()
		f.fill(grade(mix(w.hair, w.skin, 0.12), w.hair))
		f.m = f.head.moved(f.pose.lookX, f.pose.lookY)
		f.ellipse(0, 39+5*f.pose.open, 21, 9+6*f.pose.open)
		f.fill(glaze(w.skin, 0.55))
	}
}

func bob(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.head
		f.move(-68, 62)
		f.cube(-78, 0, -76, -88, 0, -90)
		f.cube(76, -88, 78, 0, 68, 62)
		f.cube(64, 76, 40, 76, 34, 70)
		f.line(-34, 70)
		f.cube(-40, 76, -64, 76, -68, 62)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
	case onHead:
		f.m = f.head
		f.move(-66, 60)
		f.cube(-78, -10, -66, -84, 0, -86)
		f.cube(66, -84, 78, -10, 66, 60)
		f.cube(56, 66, 48, 58, 47, 52)
		f.cube(54, 20, 52, -8, 46, -28)
		f.cube(16, -22, -16, -22, -46, -28)
		f.cube(-52, -8, -54, 20, -47, 52)
		f.cube(-48, 58, -56, 66, -66, 60)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(-50, -50, 6, -72, -9, 7)
		f.fill(glaze(0x6d6684, 0.45))
	}
}

func sweater(f *figure, l layer) {
	switch l {
	case onBody:
		collar(f, 9)
		f.m = f.body
		f.ellipse(48, 40, 6, 6)
		f.fill(flat(f.who.accent))
	case onTop:
		f.m = f.head
		f.stroke(40, -58, 58, -46, 2, 6)
		f.fill(flat(f.who.accent))
	}
}

func fade(f *figure, l layer) {
	w := f.who
	if l != onHead {
		return
	}
	f.m = f.head
	f.move(-53, -10)
	f.cube(-56, -52, -38, -76, 0, -76)
	f.cube(38, -76, 56, -52, 53, -10)
	f.cube(50, -30, 46, -42, 40, -47)
	f.line(-40, -47)
	f.cube(-46, -42, -50, -30, -53, -10)
	f.shut()
	f.fill(grade(w.hair, mix(w.hair, w.skin, 0.35)))
	f.m = f.head.moved(f.pose.lookX*0.7, f.pose.lookY)
	f.move(-17, 52)
	f.cube(-14, 46, 14, 46, 17, 52)
	f.cube(18, 68+4*f.pose.open, 9, 71+5*f.pose.open, 0, 71+5*f.pose.open)
	f.cube(-9, 71+5*f.pose.open, -18, 68+4*f.pose.open, -17, 52)
	f.shut()
	f.fill(flat(w.hair))
	f.stroke(-16, 30, 16, 30, -3, 4)
	f.fill(glaze(w.hair, 0.9))
}

func headphones(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.body
		f.ellipse(0, -18, 66, 30)
		f.fill(flat(darker(w.shirtDark, 0.85)))
		f.m = f.head
		f.arch(69, 80, 9)
		f.fill(flat(w.accent))
	case onBody:
		f.m = f.body
		f.stroke(-44, -20, 44, -20, 16, 13)
		f.fill(grade(w.shirt, w.shirtDark))
		f.stroke(-17, 4, -19, 62, 1, 3.4)
		f.stroke(17, 4, 19, 54, -1, 3.4)
		f.fill(flat(w.accent))
	case onTop:
		f.m = f.head
		f.arch(66, 82, 8)
		f.box(-70, -24, 19, 50, 9)
		f.box(51, -24, 19, 50, 9)
		f.fill(grade(w.accent, 0xcfc6ba))
		f.box(-74, -14, 9, 32, 4)
		f.box(65, -14, 9, 32, 4)
		f.fill(flat(w.shirt))
	}
}

// arch adds a band over the head, r wide and h high, d thick.
func (f *figure) arch(r, h, d float64) {
	f.move(-r, -8)
	f.cube(-r-2, -8-h*1.12, r+2, -8-h*1.12, r, -8)
	f.line(r-d, -8)
	f.cube(r-d-2, -8-h*1.12+d*1.6, -r+d+2, -8-h*1.12+d*1.6, -r+d, -8)
	f.shut()
}

func hijab(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.head
		f.move(-66, 40)
		f.cube(-78, -34, -56, -92, 0, -92)
		f.cube(56, -92, 78, -34, 66, 40)
		f.cube(70, 84, 92, 104, 96, 128)
		f.line(-96, 128)
		f.cube(-92, 104, -70, 84, -66, 40)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
	case onHead:
		f.m = f.head
		f.move(-64, 30)
		f.cube(-74, -36, -54, -90, 0, -90)
		f.cube(54, -90, 74, -36, 64, 30)
		f.cube(60, 74, 44, 96, 10, 112)
		f.cube(-8, 118, -34, 116, -48, 96)
		f.cube(-62, 74, -62, 50, -64, 30)
		f.shut()
		// the opening for the face
		f.move(0, -58)
		f.cube(-32, -58, -46, -36, -46, -4)
		f.cube(-46, 30, -28, 62, 0, 63)
		f.cube(28, 62, 46, 30, 46, -4)
		f.cube(46, -36, 32, -58, 0, -58)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(-58, 40, 26, 96, 12, 4)
		f.stroke(-60, 20, 8, 104, 20, 3)
		f.stroke(60, 30, 20, 100, -8, 3.4)
		f.fill(glaze(w.accent, 0.55))
		f.stroke(-52, -42, 0, -80, -11, 6)
		f.fill(glaze(0xf6cfc8, 0.5))
	}
}

func plain(f *figure, l layer) {
	w := f.who
	if l != onBody {
		return
	}
	f.m = f.body
	f.move(-74, -14)
	f.cube(-66, -40, 66, -40, 74, -14)
	f.cube(66, 20, 30, 40, -6, 62)
	f.cube(-40, 40, -70, 16, -74, -14)
	f.shut()
	f.fill(grade(w.hair, w.hairDark))
	f.stroke(-66, -2, 8, 44, 12, 3.4)
	f.stroke(62, 4, 8, 50, -9, 3.4)
	f.fill(glaze(w.accent, 0.55))
}

func curls(f *figure, l layer) {
	w := f.who
	curl := func(x, y, r float64) { f.ellipse(x, y, r, r) }
	switch l {
	case behind:
		f.m = f.head
		f.ellipse(0, -26, 60, 56)
		f.fill(flat(w.hairDark))
	case onHead:
		f.m = f.head
		for _, c := range [...][3]float64{{-52, -34, 15}, {-46, -56, 18}, {-26, -72, 20}, {0, -80, 21}, {26, -76, 20}, {45, -60, 18}, {53, -38, 14}, {-30, -52, 15}, {-8, -58, 16}, {16, -58, 16}, {36, -48, 13}} {
			curl(c[0], c[1], c[2])
		}
		f.fill(grade(w.hair, w.hairDark))
		for _, c := range [...][3]float64{{-40, -66, 6}, {-14, -86, 7}, {14, -88, 7}, {38, -72, 6}, {-20, -62, 5}, {6, -66, 5}} {
			curl(c[0], c[1], c[2])
		}
		f.fill(glaze(0xf09a55, 0.55))
	}
}

func glassesAndCrew(f *figure, l layer) {
	switch l {
	case onBody:
		collar(f, 8)
	case onTop:
		f.glasses(15, 13.5, 3)
	}
}

// glasses are round ones; each glass is rx by ry.
func (f *figure) glasses(rx, ry, d float64) {
	f.m = f.head.moved(f.pose.lookX, f.pose.lookY)
	f.ellipse(-21, -4, rx, ry)
	f.ellipse(21, -4, rx, ry)
	f.fill(glaze(0xffffff, 0.14))
	f.ring(-21, -4, rx+d/2, ry+d/2, d)
	f.ring(21, -4, rx+d/2, ry+d/2, d)
	f.stroke(-21+rx, -6, 21-rx, -6, -1.5, d)
	f.stroke(-21-rx, -6, -52-f.pose.lookX, -8, 0, d)
	f.stroke(21+rx, -6, 52-f.pose.lookX, -8, 0, d)
	f.fill(flat(f.who.accent))
}

func longWaves(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.head
		f.move(-58, -40)
		f.cube(-56, -96, 56, -96, 58, -40)
		f.cube(84, 0, 60, 40, 84, 80)
		f.cube(100, 116, 84, 160, 92, 176)
		f.line(-92, 176)
		f.cube(-84, 160, -100, 116, -84, 80)
		f.cube(-60, 40, -84, 0, -58, -40)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
	case onHead:
		f.m = f.head
		f.move(-8, -86)
		f.cube(-54, -88, -64, -46, -62, 0)
		f.cube(-64, 30, -72, 60, -62, 84)
		f.cube(-66, 60, -46, 30, -49, 2)
		f.cube(-46, -24, -34, -46, -8, -60)
		f.cube(22, -48, 46, -26, 49, 2)
		f.cube(46, 30, 66, 60, 62, 84)
		f.cube(72, 60, 64, 30, 62, 0)
		f.cube(64, -46, 54, -88, -8, -86)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(2, -76, 48, -44, -9, 4)
		f.stroke(-16, -74, -50, -36, 8, 3.4)
		f.fill(glaze(0x7a4a3c, 0.5))
	}
}

func kurta(f *figure, l layer) {
	w := f.who
	switch l {
	case onBody:
		f.m = f.body
		f.stroke(-31, -31, 31, -31, 13, 6)
		f.move(-6, -10)
		f.line(6, -10)
		f.line(5, 60)
		f.line(-5, 60)
		f.shut()
		f.fill(flat(w.accent))
	case onTop:
		f.m = f.head.moved(f.pose.lookX, f.pose.lookY)
		f.ellipse(0, -32, 3, 3)
		f.fill(flat(0xb3123f))
		f.m = f.head
		f.ellipse(-53-f.pose.lookX*0.4, 20, 4, 5)
		f.ellipse(53-f.pose.lookX*0.4, 20, 4, 5)
		f.fill(flat(w.accent))
	}
}

func bun(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.head
		f.ellipse(6, -92, 30, 26)
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(-12, -94, 26, -90, -7, 3)
		f.fill(glaze(0x9d9794, 0.6))
		f.ellipse(0, -24, 58, 56)
		f.fill(flat(w.hairDark))
	case onHead:
		f.m = f.head
		f.move(-55, 4)
		f.cube(-62, -50, -42, -82, 0, -82)
		f.cube(42, -82, 62, -50, 55, 4)
		f.cube(52, -22, 44, -42, 14, -56)
		f.cube(-10, -40, -46, -38, -55, 4)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(10, -60, -40, -44, 7, 2.6)
		f.stroke(8, -70, -46, -54, 8, 2.6)
		f.stroke(24, -66, 48, -42, -4, 2.6)
		f.fill(glaze(0x9d9794, 0.55))
	}
}

func turtleneck(f *figure, l layer) {
	w := f.who
	switch l {
	case onBody:
		f.m = f.body
		f.box(-31, -52, 62, 44, 14)
		f.fill(grade(mix(w.shirt, 0xffffff, 0.08), w.shirt))
		f.stroke(-28, -30, 28, -30, 7, 2.4)
		f.fill(glaze(w.shirtDark, 0.9))
	case onTop:
		f.glasses(14, 12, 2.8)
	}
}

func pixie(f *figure, l layer) {
	w := f.who
	switch l {
	case behind:
		f.m = f.head
		f.ellipse(0, -24, 59, 60)
		f.fill(flat(w.hairDark))
	case onHead:
		f.m = f.head
		f.move(-54, 16)
		f.cube(-66, -40, -54, -92, 6, -92)
		f.cube(56, -92, 66, -40, 55, 16)
		f.cube(52, 4, 50, -14, 46, -24)
		f.cube(34, -22, 22, -34, 24, -44)
		f.cube(4, -22, -28, -18, -44, -20)
		f.cube(-50, -8, -52, 6, -54, 16)
		f.shut()
		f.fill(grade(w.hair, w.hairDark))
		f.stroke(30, -66, -30, -40, 9, 4)
		f.stroke(22, -76, -42, -56, 10, 4)
		f.fill(glaze(0xffb3cf, 0.55))
	}
}

func tee(f *figure, l layer) {
	w := f.who
	switch l {
	case onBody:
		collar(f, 5)
		f.m = f.body
		f.stroke(-30, 62, 0, 40, -6, 5)
		f.stroke(0, 40, 30, 62, -6, 5)
		f.fill(flat(w.accent))
	case onTop:
		f.m = f.head
		x := -54 - f.pose.lookX*0.4
		f.ellipse(x, 14, 3, 3)
		f.ellipse(x-1, 6, 2.4, 2.4)
		f.fill(flat(w.accent))
	}
}
