package compositor

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// TestGallery writes composed programs for a person to look at into $TILECAST_GALLERY.
func TestGallery(t *testing.T) {
	dir := os.Getenv("TILECAST_GALLERY")
	if dir == "" {
		t.Skip("TILECAST_GALLERY is not set")
	}
	names := []string{"Ada Lovelace", "Grace Hopper", "Alan", "Margaret Heafield Hamilton of the Instrumentation Laboratory", "王小明",
		"Katherine Johnson", "Élodie", "Иван Петров", "🎉"}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 9} {
		cfg := config()
		cfg.Canvases[0].Look, cfg.Delay = DefaultLook(), 0
		p := newInline(t, cfg, codec.Fake(), media.VP8, n)
		noise := uint32(7)
		for k := range n {
			p.tiles[k].Rename(names[k])
			if k%4 == 2 {
				continue
			}
			pic := codec.NewPicture(640, 360)
			drawWebcam(pic, k, 40*k, &noise)
			pic.At = 0
			f := newFrame(pic, p.frameSeq.Add(1))
			f.scale(*p.inputs[k].uses.Load(), new(codec.Picture))
			p.inputs[k].film.add(f)
		}
		p.Frame()
		pic := p.Compositor.Snapshot()
		hang(t, fmt.Sprintf("stage%d.png", n), pic.ToImage())
		pic.Release()
	}
}

// hang writes a picture into the gallery.
func hang(t *testing.T, name string, img image.Image) {
	t.Helper()
	f, err := os.Create(filepath.Join(os.Getenv("TILECAST_GALLERY"), name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}

// TestGalleryOfTransitions writes every second frame of a few transitions, from the left to the right, as sheets.
func TestGalleryOfTransitions(t *testing.T) {
	if os.Getenv("TILECAST_GALLERY") == "" {
		t.Skip("TILECAST_GALLERY is not set")
	}
	faces := make([]*codec.Picture, 6)
	for k := range faces {
		faces[k] = face(k)
		defer faces[k].Release()
	}
	single := func(l *Look) { l.Layout.Mode, l.Motion.Hold = layout.Single, 0 }
	panel := func(l *Look) {
		l.Background, l.Shadow = color.RGBA{150, 160, 170, 255}, Shadow{layout.Percent(4), 0.6}
	}
	pip := func(l *Look) {
		panel(l)
		l.Layout.Mode, l.Border = layout.Pip, Line{layout.Percent(0.5), color.RGBA{255, 255, 255, 255}}
	}
	join := func(p *inline) { p.Show(p.JoinTile(TileConfig{ID: "n", Name: "Newcomer"}, true), faces[5].Retain()) }
	for name, c := range map[string]struct {
		look   func(*Look)
		people int
		do     func(p *inline)
	}{
		"single-speaker": {single, 3, func(p *inline) { p.Speak("p1", []string{"p1"}) }},
		"single-bars":    {func(l *Look) { single(l); l.Fit = layout.Contain }, 3, func(p *inline) { p.Speak("p2", []string{"p2"}) }},
		"slates":         {single, 0, func(p *inline) { p.Compositor.Join(TileConfig{ID: "x"}).Leave(); p.SetClosing(true) }},
		"slate-first":    {panel, 0, join},
		"last-slate":     {panel, 1, func(p *inline) { p.tile("p0").Leave() }},
		"join":           {panel, 3, join},
		"leave":          {panel, 4, func(p *inline) { p.tile("p2").Leave() }},
		"replace":        {panel, 4, func(p *inline) { p.tile("p1").Leave(); join(p) }},
		"pip-swap":       {pip, 3, func(p *inline) { p.Speak("p1", []string{"p1", "p0"}) }},
		"pip-small":      {pip, 3, func(p *inline) { p.tile("p1").Leave() }},
		"pip-main":       {pip, 3, func(p *inline) { p.Speak("p2", []string{"p2", "p1"}) }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			cfg.Delay, cfg.Canvases[0].Look = 0, DefaultLook()
			c.look(&cfg.Canvases[0].Look)
			p := newInline(t, cfg, codec.Fake(), media.CodecNone, 0)
			for k := range c.people {
				pic := faces[k].Retain()
				if k == 2 {
					pic = codec.NewPicture(240, 180)
					codec.Copy(pic, faces[k].View(image.Rect(40, 0, 280, 180)))
				}
				p.Show(p.JoinTile(TileConfig{ID: fmt.Sprint("p", k), Name: fmt.Sprint("Guest ", k+1)}, true), pic)
			}
			for range 20 {
				p.Frame()
			}
			c.do(p)
			var row []*codec.Picture
			for k := range 12 {
				p.Frame()
				if k%2 == 0 {
					row = append(row, p.Compositor.Snapshot())
				}
			}
			hang(t, name+".png", sheet(row, 1280, 720))
		})
	}
}
