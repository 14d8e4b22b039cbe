package broadcast

import (
	_ "embed" // barcode.js
	"image"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// A barcode is 16x2 black and white cells over the top of a picture, each a sixteenth
// of its width and a ninth of its height. Read row by row they are 32 bits, most
// significant first: 20 of a clock in milliseconds, 4 of the publisher's id, and the
// CRC-8 of those 24. They survive 640x360 at 250 kb/s and scaling by half.
const (
	barColumns = 16
	barRows    = 2
	barHeight  = 9              // in ninths of the picture
	clockMask  = 1<<20 - 1      // the clock wraps after 17 minutes
	barMargin  = 30             // how far a cell's luma is from the middle at least
	barWhite   = 235            // limited range
	barBlack   = 16             //
	barMiddle  = (235 + 16) / 2 //
)

// BarcodeJS is the same reader for a page, and a source that draws barcodes:
//
//	readBarcode(imageData, x, y, w, h)  -> {ok, ms, id}; x..h default to the whole
//	barcodeAge(ms, now)                 -> milliseconds; now defaults to the page's wall clock
//	drawBarcode(context2d, ms, id, w, h)
//	barcodeSource({id, width, height, fps, colour}) -> {canvas, stream, stop()}
//
//go:embed barcode.js
var BarcodeJS string

// Barcode draws Over, then a barcode of the clock and ID on it.
type Barcode struct {
	ID   uint8   // 0..15
	Over Picture // nil: grey
}

// Draw implements Picture.
func (b Barcode) Draw(p *codec.Picture, t media.Time) {
	if b.Over != nil {
		b.Over.Draw(p, t)
	} else {
		paint(p, p.Bounds(), codec.YCbCr{Y: 80, Cb: 128, Cr: 128})
	}
	DrawBarcode(p, BarcodeClock(t), b.ID)
}

// BarcodeClock is the barcode's reading of t, flicks since the Unix epoch.
func BarcodeClock(t media.Time) uint32 { return uint32(t/media.Millisecond) & clockMask }

// BarcodeAge is how long before now the clock showed ms: from 0 to 17 minutes, less
// than 1 s in the future as a negative age.
func BarcodeAge(ms uint32, now time.Time) time.Duration {
	age := (uint32(now.UnixMilli()) - ms) & clockMask
	if age > clockMask-1000 {
		return -time.Duration(clockMask+1-age) * time.Millisecond
	}
	return time.Duration(age) * time.Millisecond
}

// DrawBarcode draws a barcode over the top of p.
func DrawBarcode(p *codec.Picture, ms uint32, id uint8) {
	bits := barcodeBits(ms, id)
	for i := range barColumns * barRows {
		c := codec.YCbCr{Y: barBlack, Cb: 128, Cr: 128}
		if bits>>(31-i)&1 != 0 {
			c.Y = barWhite
		}
		x, y := i%barColumns, i/barColumns
		paint(p, image.Rect(
			(p.W*x/barColumns)&^1, (p.H*y/barHeight)&^1,
			(p.W*(x+1)/barColumns)&^1, (p.H*(y+1)/barHeight)&^1,
		), c)
	}
}

// ReadBarcode reads the barcode of a tile: w by h pixels of luma, limited range. It is
// not ok where there is none, where it is too blurred, or where two mixed.
func ReadBarcode(luma []byte, stride, w, h int) (ms uint32, id uint8, ok bool) {
	if w < 4*barColumns || h < 4*barHeight || stride < w || len(luma) < stride*(h-1)+w {
		return 0, 0, false
	}
	var bits uint32
	for i := range barColumns * barRows {
		v := cellLuma(luma, stride, w, h, i%barColumns, i/barColumns)
		if v > barMiddle-barMargin && v < barMiddle+barMargin {
			return 0, 0, false
		}
		bits <<= 1
		if v > barMiddle {
			bits |= 1
		}
	}
	ms, id = bits>>12, uint8(bits>>8&15)
	return ms, id, barcodeBits(ms, id) == bits
}

// cellLuma is the mean of the middle half of a cell in each direction.
func cellLuma(luma []byte, stride, w, h, x, y int) int {
	x0, x1 := w*(4*x+1)/(4*barColumns), w*(4*x+3)/(4*barColumns)
	y0, y1 := h*(4*y+1)/(4*barHeight), h*(4*y+3)/(4*barHeight)
	sum := 0
	for py := y0; py < y1; py++ {
		for _, v := range luma[py*stride+x0 : py*stride+x1] {
			sum += int(v)
		}
	}
	return sum / max(1, (x1-x0)*(y1-y0))
}

func barcodeBits(ms uint32, id uint8) uint32 {
	v := ms&clockMask<<4 | uint32(id&15)
	return v<<8 | uint32(crc8(v))
}

// crc8 is the CRC of 24 bits: polynomial 0x07, initial value 0xff, so that neither an
// all black nor an all white bar is valid.
func crc8(v uint32) uint8 {
	crc := uint8(0xff)
	for shift := 16; shift >= 0; shift -= 8 {
		crc ^= uint8(v >> shift)
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x07
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
