package compositor

import (
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// Hold is for who is large: the line is around who speaks now.
func TestHighlightDoesNotWaitForHold(t *testing.T) {
	for mode, large := range map[layout.Mode]string{layout.Grid: "", layout.ActiveSpeaker: "a", layout.Screen: ""} {
		cfg := config()
		cfg.Canvases[0].Look.Layout.Mode, cfg.Canvases[0].Look.Motion.Hold = mode, media.Second
		p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
		ids := []string{"a", "b", "c"}
		for _, id := range ids {
			p.JoinTile(TileConfig{ID: id, Name: id}, true)
		}
		cv := p.c.canvases[0]
		around := func() (id string) { // as it is drawn
			for i := range cv.scene.cells {
				for _, t := range p.c.tiles {
					if cl := &cv.scene.cells[i]; cl.key == t.key && cl.line == cv.look.Highlight.Color && cl.width > 0 {
						id += t.id
					}
				}
			}
			return id
		}
		main := func() (id string) {
			for _, s := range cv.plan.Slots {
				if s.Main {
					id = ids[s.Person]
				}
			}
			return id
		}
		p.Speak("a", ids)
		p.Compose()
		p.Speak("b", ids)
		p.Compose()
		if around() != "b" || main() != large {
			t.Errorf("%s: the line is around %q and %q is large, when b has begun to speak", mode, around(), main())
		}
		for range 40 {
			p.Compose()
		}
		if large != "" && main() != "b" {
			t.Errorf("%s: %q is large after hold", mode, main())
		}
		p.Speak("", ids)
		p.Compose()
		if around() != "" {
			t.Errorf("%s: the line is around %q when nobody speaks", mode, around())
		}
		p.close()
	}
}
