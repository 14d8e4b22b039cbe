package compositor

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"tilecast/compositor/codec"
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
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("stage%d.png", n)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, pic.ToImage()); err != nil {
			t.Fatal(err)
		}
		f.Close()
		pic.Release()
	}
}
