package codec

import (
	"image"
	"image/color"
)

// YCbCr is a colour in BT.601 limited range.
type YCbCr struct{ Y, Cb, Cr uint8 }

// RGB converts a colour from full-range R'G'B' to BT.601 limited range.
func RGB(r, g, b uint8) YCbCr {
	ri, gi, bi := int32(r), int32(g), int32(b)
	return YCbCr{luma(ri, gi, bi), chroma(-9714*ri - 19071*gi + 28785*bi), chroma(28785*ri - 24103*gi - 4682*bi)}
}

// luma and chroma are ITU-R BT.601 section 2.5 for 8 bits, in 16-bit fixed point.
func luma(r, g, b int32) uint8 { return uint8((16829*r+33039*g+6416*b+1<<15)>>16 + 16) }

func chroma(v int32) uint8 { return uint8((v+1<<15)>>16 + 128) }

// RGBA converts c back, so that a colour can be looked at.
func (c YCbCr) RGBA() color.RGBA {
	y, cb, cr := 76309*(int32(c.Y)-16), int32(c.Cb)-128, int32(c.Cr)-128
	return color.RGBA{clip(y + 104597*cr), clip(y - 25675*cb - 53279*cr), clip(y + 132201*cb), 255}
}

func clip(v int32) uint8 { return uint8(min(max((v+1<<15)>>16, 0), 255)) }

// FromImage converts img, which is not empty, over black where it is transparent.
// The picture belongs to the caller, who releases it.
func FromImage(img image.Image) *Picture {
	b := img.Bounds()
	p := NewPicture(b.Dx(), b.Dy())
	if rgba, ok := img.(*image.RGBA); ok && p.W&1 == 0 && p.H&1 == 0 {
		p.fromRGBA(rgba)
		return p
	}
	at := pixels(img)
	for y := 0; y < p.H; y += 2 {
		for x := 0; x < p.W; x += 2 {
			var r, g, bl, n int32
			for j := y; j < min(y+2, p.H); j++ {
				for i := x; i < min(x+2, p.W); i++ {
					c := at(b.Min.X+i, b.Min.Y+j)
					ri, gi, bi := int32(c.R), int32(c.G), int32(c.B)
					p.Y[j*p.StrideY+i] = luma(ri, gi, bi)
					r, g, bl, n = r+ri, g+gi, bl+bi, n+1
				}
			}
			c := RGB(uint8((r+n/2)/n), uint8((g+n/2)/n), uint8((bl+n/2)/n))
			o := y/2*p.StrideC + x/2
			p.Cb[o], p.Cr[o] = c.Cb, c.Cr
		}
	}
	return p
}

// fromRGBA is FromImage for what drawing code makes, of even sides.
func (p *Picture) fromRGBA(img *image.RGBA) {
	for y := 0; y < p.H; y += 2 {
		upper, lower := img.Pix[y*img.Stride:][:4*p.W], img.Pix[(y+1)*img.Stride:][:4*p.W]
		yu, yl := p.Y[y*p.StrideY:][:p.W], p.Y[(y+1)*p.StrideY:][:p.W]
		cb, cr := p.Cb[y/2*p.StrideC:][:p.W/2], p.Cr[y/2*p.StrideC:][:p.W/2]
		for x := 0; x+1 < p.W; x += 2 {
			a, b := upper[4*x:][:8:8], lower[4*x:][:8:8]
			yu[x] = luma(int32(a[0]), int32(a[1]), int32(a[2]))
			yu[x+1] = luma(int32(a[4]), int32(a[5]), int32(a[6]))
			yl[x] = luma(int32(b[0]), int32(b[1]), int32(b[2]))
			yl[x+1] = luma(int32(b[4]), int32(b[5]), int32(b[6]))
			mean := func(k int) uint8 { return uint8((int32(a[k]) + int32(a[k+4]) + int32(b[k]) + int32(b[k+4]) + 2) / 4) }
			c := RGB(mean(0), mean(1), mean(2))
			cb[x/2], cr[x/2] = c.Cb, c.Cr
		}
	}
}

// ToImage is a copy of p in full-range RGB, for tests and screenshots.
func (p *Picture) ToImage() *image.NRGBA {
	img := image.NewNRGBA(p.Bounds())
	for y := range p.H {
		for x := range p.W {
			c := p.Pixel(x, y).RGBA()
			o := img.PixOffset(x, y)
			img.Pix[o], img.Pix[o+1], img.Pix[o+2], img.Pix[o+3] = c.R, c.G, c.B, 255
		}
	}
	return img
}

// Pixel is the colour at x, y, which lie within p.
func (p *Picture) Pixel(x, y int) YCbCr {
	o := y/2*p.StrideC + x/2
	return YCbCr{p.Y[y*p.StrideY+x], p.Cb[o], p.Cr[o]}
}

// pixels returns img's premultiplied colours, without an allocation per pixel for
// the types that drawing code uses.
func pixels(img image.Image) func(x, y int) color.RGBA {
	switch m := img.(type) {
	case *image.RGBA:
		return m.RGBAAt
	case *image.NRGBA:
		return func(x, y int) color.RGBA {
			c := m.NRGBAAt(x, y)
			if c.A == 255 {
				return color.RGBA(c)
			}
			return premultiplied(c)
		}
	}
	return func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
}

func premultiplied(c color.NRGBA) color.RGBA {
	mul := func(v uint8) uint8 { return uint8((uint32(v)*uint32(c.A) + 127) / 255) }
	return color.RGBA{mul(c.R), mul(c.G), mul(c.B), c.A}
}
