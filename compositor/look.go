package compositor

import (
	"image"
	"image/color"
	"time"

	"tilecast/compositor/layout"
	"tilecast/media"
)

// Look is how a canvas is arranged and drawn. It may change at any frame; what it points to is not
// written to. Lengths are of the canvas's shorter side, unless they say otherwise.
type Look struct {
	Layout      layout.Spec
	Fit         layout.Fit // of people in their tiles
	ScreenFit   layout.Fit // of shared screens
	Background  color.RGBA
	Backdrop    image.Image // covers the background; nil: none
	Radius      layout.Length
	Border      Line
	Highlight   Line // of the small or equal tile whose participant speaks, as wide as Border at least; without width none
	Shadow      Shadow
	Label       Label
	Placeholder Placeholder
	Overlays    []Overlay // the last one uppermost
	Opening     Slate     // until the first guest comes
	Empty       Slate     // while there is nobody, or nobody for any of the slots
	Closing     Slate     // once Compositor.SetClosing said so
	Motion      Motion
}

// Line is drawn along the inner edge of a tile.
type Line struct {
	Width layout.Length
	Color color.RGBA
}

// px is l's width where the canvas's shorter side is short: even, and 2 at least unless there is none.
func (l Line) px(short int) int {
	if l.Width == (layout.Length{}) {
		return 0
	}
	return max(l.Width.Even(short), 2)
}

// Shadow is what a tile casts on the background.
type Shadow struct {
	Size    layout.Length // 0: none
	Opacity float64       // 0 to 1
}

// Label is the name on a tile.
type Label struct {
	Show      bool
	Position  string     // "bottom-left", "bottom-center", "bottom-right" or the same with top; empty: the first
	Size      float64    // 1: as suits the tile
	Font      string     // of Config.Fonts; empty: the embedded one
	Color     color.RGBA // zero: white
	Ground    color.NRGBA
	MutedIcon bool // a struck-through microphone beside the name of who is muted
}

// Placeholder is what a tile without a picture shows.
type Placeholder struct {
	Kind  string // "initials", "color" or "image"; empty: the first
	Image image.Image
}

// Overlay lies over everything: an image, or a text as a banner or lower third.
type Overlay struct {
	Image    image.Image // nil: Text
	Text     string
	Sub      string        // a second line
	Banner   bool          // the text has a band across the canvas, rather than a box
	Position string        // "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"
	X, Y     layout.Length // from there, towards the middle
	Size     layout.Length // an image's width, of the canvas's width, 0: its own; a text's height
	Opacity  float64       // 0 to 1
	Font     string
	Color    color.RGBA
	Ground   color.NRGBA
	Accent   color.RGBA
}

// Slate fills a canvas on which nobody is.
type Slate struct {
	Text  string
	Image image.Image // covers the canvas; nil: the background
}

// Motion is how tiles change places.
type Motion struct {
	Duration media.Time // 0: at once
	Easing   string     // "ease", "linear", "out"; empty: the first
	Hold     media.Time // how long a speaker stays large at least
}

// fit is how pictures of that kind fill their tiles.
func (l *Look) fit(k Kind) layout.Fit {
	if k == Screen {
		return l.ScreenFit
	}
	return l.Fit
}

// DefaultLook is the look of a room that asks for none.
func DefaultLook() Look {
	return Look{
		Layout: layout.Spec{
			Mode: layout.Grid, ShareScreen: true, Aspect: layout.Suited, Gap: layout.Percent(1.1), Margin: layout.Percent(1.1),
			More: true, Order: layout.ByJoining,
			Strip: layout.StripSpec{Edge: layout.Auto, Count: 4, Size: layout.Percent(20)},
			Pip: layout.PipSpec{
				Corner: "bottom-right", Size: layout.Percent(25), Offset: layout.Percent(3), Who: layout.Who{By: "speaker", N: 2},
			},
			Split: layout.SplitSpec{Direction: layout.AutoDirection, Count: 4},
		},
		ScreenFit:  layout.Contain,
		Background: color.RGBA{0x12, 0x14, 0x19, 0xff},
		Radius:     layout.Percent(1.6),
		Highlight:  Line{layout.Percent(0.5), color.RGBA{0x4f, 0x9c, 0xff, 0xff}},
		Label:      Label{Show: true, Size: 1, Ground: color.NRGBA{0x0c, 0x0e, 0x12, 0xa6}, MutedIcon: true},
		Opening:    Slate{Text: "We will be right with you"},
		Empty:      Slate{Text: "Nobody is on stage right now"},
		Closing:    Slate{Text: "Thank you for watching"},
		Motion:     Motion{Duration: media.FromDuration(300 * time.Millisecond), Hold: 2 * media.Second},
	}
}
