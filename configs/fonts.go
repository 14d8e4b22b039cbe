package configs

import (
	"fmt"
	"os"

	"tilecast/compositor/art"
)

// checkFonts holds that the font folder is there, and every font in it that a layout names. The fonts are read only
// where one does.
func checkFonts(cfg *Config, bad report) {
	if info, err := os.Stat(cfg.Fonts); cfg.Fonts != "" && cfg.Fonts != Default().Fonts { // that one need not be there
		switch {
		case err != nil:
			bad("fonts", "%v", unread(cfg.Fonts, err))
		case !info.IsDir():
			bad("fonts", "%s: is not a folder", cfg.Fonts)
		}
	}
	var fonts *art.Fonts
	cfg.fonts(func(path, name string) {
		switch {
		case name == "":
			return
		case cfg.Fonts == "":
			bad(path, "%q can't be found: there is no font folder (fonts)", name)
			return
		case fonts == nil:
			var err error
			if fonts, _, err = art.LoadFonts(cfg.Fonts); err != nil {
				fonts = &art.Fonts{} // none: the names say so
			}
		}
		if fonts.Has(name) {
			if fonts.Pictorial(name) {
				bad(path, "%q has pictures (emoji) but no letters: use another, emoji are drawn with any", name)
			}
			return
		}
		if near := Nearest(name, fonts.Names()); near != "" {
			bad(path, "%q is not in %s, did you mean %q?", name, cfg.Fonts, near)
		} else {
			bad(path, "%q is not in %s: use a font's family or the name of its file", name, cfg.Fonts)
		}
	})
}

// fonts yields every font that the configuration names, with its path in it.
func (c *Config) fonts(yield func(path, name string)) {
	c.layouts(func(at string, l *Layout) {
		yield(at+".labels.font", l.Labels.Font)
		for i := range l.Overlays {
			yield(fmt.Sprintf("%s.overlays[%d].font", at, i), l.Overlays[i].Font)
		}
	})
}

// layouts yields every layout with its path.
func (c *Config) layouts(yield func(at string, l *Layout)) {
	for i := range c.Rooms {
		r, at := &c.Rooms[i], fmt.Sprintf("rooms[%d]", i)
		yield(at+".layout", &r.Layout)
		for k := range r.Canvases {
			yield(fmt.Sprintf("%s.canvases[%d].layout", at, k), &r.Canvases[k].Layout)
		}
	}
}
