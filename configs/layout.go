package configs

import (
	"time"

	"tilecast/compositor/layout"
)

// Layout is who goes where on a canvas, and how it looks. Lengths are of the canvas's shorter side
// where nothing else is said: "1.5%", or pixels as "12" or "12px".
type Layout struct {
	Use         string      `yaml:"use"`    // a ready layout, which all below starts from; empty: the defaults
	Mode        string      `yaml:"mode"`   // one of layout's
	Screen      string      `yaml:"screen"` // auto: a shared screen takes the stage; off: it is a tile like any other
	Tile        Tile        `yaml:"tile"`
	Gap         Length      `yaml:"gap"`     // between tiles
	Margin      Length      `yaml:"margin"`  // around all tiles
	Columns     Columns     `yaml:"columns"` // of a grid
	Max         int         `yaml:"max"`     // tiles
	More        bool        `yaml:"more"`    // the last tile counts those beyond Max
	Order       string      `yaml:"order"`   // join, name or spoken
	Pinned      []Pin       `yaml:"pinned"`
	Omit        Omit        `yaml:"omit"`
	Strip       Strip       `yaml:"strip"`
	Pip         Pip         `yaml:"pip"`
	Split       Split       `yaml:"split"`
	Slots       []Slot      `yaml:"slots"`
	Labels      Labels      `yaml:"labels"`
	Placeholder Placeholder `yaml:"placeholder"`
	Background  Background  `yaml:"background"`
	Overlays    []Overlay   `yaml:"overlays"`
	Slates      Slates      `yaml:"slates"`
	Transition  Transition  `yaml:"transition"`
}

// Tile is the shape of a tile and what is drawn around it.
type Tile struct {
	Aspect    Aspect `yaml:"aspect"`
	Fit       string `yaml:"fit"`        // of people: cover or contain
	ScreenFit string `yaml:"screen_fit"` // of shared screens
	Radius    Length `yaml:"radius"`
	Border    Line   `yaml:"border"`
	Highlight Line   `yaml:"highlight"` // of who speaks
	Shadow    Shadow `yaml:"shadow"`
}

// Line is drawn along a tile's inner edge.
type Line struct {
	Width Length `yaml:"width"`
	Color Color  `yaml:"color"`
}

// Shadow is what a tile casts.
type Shadow struct {
	Size    Length  `yaml:"size"`
	Opacity float64 `yaml:"opacity"`
}

// Omit says who has no tile.
type Omit struct {
	AudioOnly bool `yaml:"audio_only"`
	VideoOff  bool `yaml:"video_off"`
}

// Strip is the small tiles of active-speaker and screen.
type Strip struct {
	Edge  string `yaml:"edge"`
	Count int    `yaml:"count"`
	Size  Length `yaml:"size"` // of the side across it
}

// Pip is the small tile of pip.
type Pip struct {
	Corner string `yaml:"corner"`
	Size   Length `yaml:"size"` // of the canvas's width
	Offset Length `yaml:"offset"`
	Who    Who    `yaml:"who"`
}

// Split is who share the canvas in split.
type Split struct {
	Direction string `yaml:"direction"`
	Count     int    `yaml:"count"`
}

// Slot is a place of custom. Percentages of X and Width are of the canvas's width, the others of its height.
type Slot struct {
	Name   string `yaml:"name"`
	Who    Who    `yaml:"who"`
	X      Length `yaml:"x"`
	Y      Length `yaml:"y"`
	Width  Length `yaml:"width"`
	Height Length `yaml:"height"`
	Z      int    `yaml:"z"`
}

// Labels are the names on tiles.
type Labels struct {
	Show       bool    `yaml:"show"`
	Position   string  `yaml:"position"`
	Size       float64 `yaml:"size"`
	Font       string  `yaml:"font"`
	Color      Color   `yaml:"color"`
	Background Tint    `yaml:"background"`
	MutedIcon  bool    `yaml:"muted_icon"`
}

// Placeholder is what a tile without a picture shows.
type Placeholder struct {
	Kind  string `yaml:"kind"` // initials, color or image
	Image File   `yaml:"image"`
}

// Background is what is behind the tiles.
type Background struct {
	Color Color `yaml:"color"`
	Image File  `yaml:"image"`
}

// Overlay lies over everything: an image or a text.
type Overlay struct {
	Image      File    `yaml:"image"`
	Text       string  `yaml:"text"`
	Sub        string  `yaml:"sub"`
	Kind       string  `yaml:"kind"` // of a text: lower-third or banner
	Position   string  `yaml:"position"`
	X          Length  `yaml:"x"`
	Y          Length  `yaml:"y"`
	Size       Length  `yaml:"size"`
	Opacity    float64 `yaml:"opacity"`
	Font       string  `yaml:"font"`
	Color      Color   `yaml:"color"`
	Background Tint    `yaml:"background"`
	Accent     Color   `yaml:"accent"`
}

// Slates fill a canvas without anybody.
type Slates struct {
	Opening Slate `yaml:"opening"`
	Empty   Slate `yaml:"empty"`
	Closing Slate `yaml:"closing"`
}

// Slate is a text over the background or an image.
type Slate struct {
	Text  string `yaml:"text"`
	Image File   `yaml:"image"`
}

// Transition is how tiles change places.
type Transition struct {
	Duration time.Duration `yaml:"duration"`
	Easing   string        `yaml:"easing"`
	Hold     time.Duration `yaml:"hold"` // how long a speaker stays large at least
}

// The types that one value is read into.
type (
	Length  layout.Length
	Aspect  layout.Aspect
	Who     layout.Who
	Pin     layout.Who // one who stays the same
	Columns int        // 0: auto
	File    string     // a path; one that is not absolute is seen from the configuration file
	Tint    struct{ R, G, B, A uint8 }
)

// defaultOverlay is an overlay before its entry is read.
func defaultOverlay() Overlay {
	return Overlay{
		Kind: "lower-third", Position: "bottom-left", X: percent(4), Y: percent(6), Opacity: 1,
		Color: Color{0xff, 0xff, 0xff}, Background: Tint{0x0c, 0x0e, 0x12, 0xcc}, Accent: Color{0x4f, 0x9c, 0xff},
	}
}

// defaultLayout is a layout before its entry is read.
func defaultLayout() Layout {
	return Layout{
		Mode: "grid", Screen: "auto",
		Tile: Tile{
			Aspect: Aspect(layout.Suited), Fit: "cover", ScreenFit: "contain", Radius: percent(1.6), Border: Line{Color: Color{0xff, 0xff, 0xff}},
			Highlight: Line{percent(0.5), Color{0x4f, 0x9c, 0xff}}, Shadow: Shadow{Opacity: 0.5},
		},
		Gap: percent(1.1), Margin: percent(1.1), Max: layout.MaxTiles, More: true, Order: "join", Pinned: []Pin{},
		Strip: Strip{"auto", 4, percent(20)}, Pip: Pip{"bottom-right", percent(25), percent(3), Who{By: "speaker", N: 2}}, Split: Split{"auto", 4},
		Slots:       []Slot{},
		Labels:      Labels{Show: true, Position: "bottom-left", Size: 1, Color: Color{0xff, 0xff, 0xff}, Background: Tint{0x0c, 0x0e, 0x12, 0xa6}, MutedIcon: true},
		Placeholder: Placeholder{Kind: "initials"},
		Background:  Background{Color: Color{0x12, 0x14, 0x19}},
		Overlays:    []Overlay{},
		Slates: Slates{
			Opening: Slate{Text: "We will be right with you"}, Empty: Slate{Text: "Nobody is on stage right now"}, Closing: Slate{Text: "Thank you for watching"},
		},
		Transition: Transition{300 * time.Millisecond, "ease", 2 * time.Second},
	}
}

func percent(p float64) Length { return Length(layout.Percent(p)) }
