package main

import (
	"image"
	"image/color"
	"log/slog"

	"tilecast/compositor"
	"tilecast/compositor/art"
	"tilecast/compositor/layout"
	"tilecast/configs"
	"tilecast/media"
)

// look says a canvas's layout in the words of the compositor. It reads the pictures that the layout names.
func look(s configs.Shape) (compositor.Look, error) {
	l := &s.Layout
	var err error
	picture := func(f configs.File) image.Image {
		img, e := configs.ReadPicture(f)
		if e != nil && err == nil {
			err = e
		}
		return img
	}
	slate := func(s configs.Slate) compositor.Slate { return compositor.Slate{Text: s.Text, Image: picture(s.Image)} }
	look := compositor.Look{
		Layout:      spec(l),
		Fit:         fit(l.Tile.Fit),
		ScreenFit:   fit(l.Tile.ScreenFit),
		Background:  opaque(l.Background.Color),
		Backdrop:    picture(l.Background.Image),
		Radius:      layout.Length(l.Tile.Radius),
		Border:      line(l.Tile.Border),
		Highlight:   line(l.Tile.Highlight),
		Shadow:      compositor.Shadow{Size: layout.Length(l.Tile.Shadow.Size), Opacity: l.Tile.Shadow.Opacity},
		Placeholder: compositor.Placeholder{Kind: l.Placeholder.Kind, Image: picture(l.Placeholder.Image)},
		Opening:     slate(l.Slates.Opening),
		Empty:       slate(l.Slates.Empty),
		Closing:     slate(l.Slates.Closing),
		Label: compositor.Label{
			Show: l.Labels.Show, Position: l.Labels.Position, Size: l.Labels.Size, Font: l.Labels.Font,
			Color: opaque(l.Labels.Color), Ground: color.NRGBA(l.Labels.Background), MutedIcon: l.Labels.MutedIcon,
		},
		Motion: compositor.Motion{
			Duration: media.FromDuration(l.Transition.Duration), Easing: l.Transition.Easing, Hold: media.FromDuration(l.Transition.Hold),
		},
	}
	for _, o := range l.Overlays {
		look.Overlays = append(look.Overlays, compositor.Overlay{
			Image: picture(o.Image), Text: o.Text, Sub: o.Sub, Banner: o.Kind == "banner", Position: o.Position,
			X: layout.Length(o.X), Y: layout.Length(o.Y), Size: layout.Length(o.Size), Opacity: o.Opacity, Font: o.Font,
			Color: opaque(o.Color), Ground: color.NRGBA(o.Background), Accent: opaque(o.Accent),
		})
	}
	return look, err
}

func spec(l *configs.Layout) layout.Spec {
	s := layout.Spec{
		Mode: layout.Mode(l.Mode), ShareScreen: l.Screen == "auto", Aspect: layout.Aspect(l.Tile.Aspect),
		Gap: layout.Length(l.Gap), Margin: layout.Length(l.Margin), Columns: int(l.Columns), Max: l.Max, More: l.More, Order: layout.Order(l.Order),
		OmitAudioOnly: l.Omit.AudioOnly, OmitVideoOff: l.Omit.VideoOff,
		Strip: layout.StripSpec{Edge: layout.Edge(l.Strip.Edge), Count: l.Strip.Count, Size: layout.Length(l.Strip.Size)},
		Pip:   layout.PipSpec{Corner: l.Pip.Corner, Size: layout.Length(l.Pip.Size), Offset: layout.Length(l.Pip.Offset), Who: layout.Who(l.Pip.Who)},
		Split: layout.SplitSpec{Direction: layout.Direction(l.Split.Direction), Count: l.Split.Count},
	}
	for _, w := range l.Pinned {
		s.Pinned = append(s.Pinned, layout.Who(w))
	}
	for _, o := range l.Slots {
		s.Slots = append(s.Slots, layout.SlotSpec{
			Name: o.Name, Who: layout.Who(o.Who), Z: o.Z,
			X: layout.Length(o.X), Y: layout.Length(o.Y), W: layout.Length(o.Width), H: layout.Length(o.Height),
		})
	}
	return s
}

func fit(s string) layout.Fit {
	if s == "contain" {
		return layout.Contain
	}
	return layout.Cover
}

func line(l configs.Line) compositor.Line {
	return compositor.Line{Width: layout.Length(l.Width), Color: opaque(l.Color)}
}

func opaque(c configs.Color) color.RGBA { return color.RGBA{c.R, c.G, c.B, 0xff} }

// readFonts reads the font folder. One that is not there is none, and is told.
func readFonts(dir string, log *slog.Logger) *art.Fonts {
	if dir == "" {
		return nil
	}
	fonts, skipped, err := art.LoadFonts(dir)
	if err != nil {
		log.Warn("no fonts but the built-in one", "err", err)
		return nil
	}
	for _, s := range skipped {
		log.Debug("font is left out", "reason", s)
	}
	return fonts
}
