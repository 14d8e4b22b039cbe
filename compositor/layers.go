package compositor

import (
	"image"
	"image/color"
	"math"
	"strings"

	"golang.org/x/image/draw"

	"tilecast/compositor/art"
	"tilecast/compositor/codec"
)

// layer is an overlay in its place.
type layer struct {
	o  *codec.Overlay
	at image.Point
}

// layers are the look's overlays, rendered. Called with c.mu held.
func (cv *canvas) renderLayers() (all []layer) {
	for i := range cv.look.Overlays {
		o := &cv.look.Overlays[i]
		img := cv.overlay(o)
		if img == nil {
			continue
		}
		fade(img, o.Opacity)
		all = append(all, layer{codec.NewOverlay(img), cv.overlayAt(o, img.Rect.Size())})
	}
	return all
}

// overlay is o's picture at its size; nil where there is nothing to see.
func (cv *canvas) overlay(o *Overlay) *image.RGBA {
	short := min(cv.cfg.W, cv.cfg.H)
	if o.Image == nil {
		size := o.Size.Of(short)
		if size <= 0 {
			size = 0.045 * float64(short)
		}
		wide := cv.cfg.W
		if !o.Banner {
			wide -= 2 * int(o.X.Of(short))
		}
		return cv.c.artist.Caption(art.Caption{
			Title: o.Text, Sub: o.Sub, Font: o.Font, Size: size, MaxWidth: wide, Text: o.Color, Ground: o.Ground, Accent: o.Accent, Banner: o.Banner,
		})
	}
	b := o.Image.Bounds()
	w, h := b.Dx(), b.Dy()
	scale := 1.0
	if want := o.Size.Of(cv.cfg.W); want >= 1 {
		scale = want / float64(max(w, 1))
	}
	scale = min(scale, float64(cv.cfg.W)/float64(max(w, 1)), float64(cv.cfg.H)/float64(max(h, 1)))
	w, h = max(int(math.Round(scale*float64(w))), 2), max(int(math.Round(scale*float64(h))), 2)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(out, out.Rect, o.Image, b, draw.Src, nil)
	return out
}

// fade multiplies a picture by opacity.
func fade(img *image.RGBA, opacity float64) {
	if opacity >= 1 {
		return
	}
	for i, v := range img.Pix {
		img.Pix[i] = uint8(float64(v)*max(opacity, 0) + 0.5)
	}
}

// overlayAt is where a picture of that size lies, even.
func (cv *canvas) overlayAt(o *Overlay, size image.Point) image.Point {
	short := min(cv.cfg.W, cv.cfg.H)
	dx, dy := int(o.X.Of(short)), int(o.Y.Of(short))
	x, y := (cv.cfg.W-size.X)/2, (cv.cfg.H-size.Y)/2
	switch {
	case o.Banner:
		x = 0
	case strings.HasSuffix(o.Position, "left"):
		x = dx
	case strings.HasSuffix(o.Position, "right"):
		x = cv.cfg.W - size.X - dx
	}
	switch {
	case strings.HasPrefix(o.Position, "top"):
		y = dy
	case strings.HasPrefix(o.Position, "bottom"):
		y = cv.cfg.H - size.Y - dy
	}
	return image.Pt(x&^1, y&^1)
}

// bare is the backdrop, held for the caller; nil where there is only a colour. Called with c.mu held.
func (cv *canvas) bare() *codec.Picture {
	if look := &cv.look; look.Backdrop != nil && cv.backdrop == nil {
		cv.backdrop = codec.FromImage(covering(look.Backdrop, cv.cfg.W, cv.cfg.H, look.Background))
	}
	if cv.backdrop == nil {
		return nil
	}
	return cv.backdrop.Retain()
}

// shaded is bare with the tiles' shadows, held for the caller; nil where both are nothing. Called with c.mu held.
func (cv *canvas) shaded(bare *codec.Picture, cells []cell) *codec.Picture {
	look := &cv.look
	if look.Shadow.Size.Of(min(cv.cfg.W, cv.cfg.H)) < 1 || look.Shadow.Opacity <= 0 {
		if bare != nil {
			return bare.Retain()
		}
		return nil
	}
	pic := codec.NewPicture(cv.cfg.W, cv.cfg.H)
	if bare != nil {
		codec.Copy(pic, bare)
	} else {
		codec.Fill(pic, rgb(look.Background))
	}
	for i := range cells {
		if cells[i].shadow > 0 && !cells[i].over {
			codec.Shadow(pic, cells[i].shape(), cells[i].shadow, look.Shadow.Opacity)
		}
	}
	return pic
}

// slate is the cell that fills a canvas on which nobody is shown. Called with c.mu held.
func (cv *canvas) slate() cell {
	which, s := slateEmpty, cv.look.Empty
	switch {
	case cv.c.closing:
		which, s = slateClosing, cv.look.Closing
	case !cv.c.opened:
		which, s = slateOpening, cv.look.Opening
	}
	if cv.slatePic == nil || cv.slateOf != which {
		if cv.slatePic != nil {
			cv.slatePic.Release()
		}
		cv.slatePic, cv.slateOf = codec.FromImage(cv.renderSlate(s)), which
	}
	return cell{
		key: which, whole: true, group: 1, rect: image.Rect(0, 0, cv.cfg.W, cv.cfg.H), room: image.Rect(0, 0, cv.cfg.W, cv.cfg.H),
		blank: cv.slatePic.Retain(), lost: cv.slatePic.Retain(),
	}
}

func (cv *canvas) renderSlate(s Slate) image.Image {
	back := s.Image
	if back == nil {
		back = cv.look.Backdrop
	}
	if back == nil {
		return cv.c.artist.Slate(cv.cfg.W, cv.cfg.H, cv.look.Background, s.Text)
	}
	img := covering(back, cv.cfg.W, cv.cfg.H, cv.look.Background)
	if s.Text == "" {
		return img
	}
	text := cv.c.artist.Caption(art.Caption{
		Title: s.Text, Size: 0.06 * float64(min(cv.cfg.W, cv.cfg.H)), MaxWidth: cv.cfg.W * 9 / 10, Plain: true, Text: color.RGBA{0xff, 0xff, 0xff, 0xff},
		Ground: color.NRGBA{0x0c, 0x0e, 0x12, 0xa6},
	})
	if text != nil {
		at := img.Rect.Size().Sub(text.Rect.Size()).Div(2)
		draw.Draw(img, text.Rect.Add(at), text, image.Point{}, draw.Over)
	}
	return img
}

// forget drops what was rendered for the look. Called with c.mu held.
func (cv *canvas) forget() {
	for _, p := range []**codec.Picture{&cv.slatePic, &cv.backdrop} {
		if *p != nil {
			(*p).Release()
			*p = nil
		}
	}
	cv.trims = map[trimKey][4]*codec.Overlay{}
	cv.layers = nil
	cv.lookNumber++
}
