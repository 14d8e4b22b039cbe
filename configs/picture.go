package configs

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // pictures people lay over programs
	_ "image/png"
	"path/filepath"
	"strings"
)

// Bounds on a picture of a layout.
const (
	maxPicture      = 64 << 20 // pixels
	maxPictureBytes = 64 << 20
)

// ReadPicture is the picture of a file; nil where none is named.
func ReadPicture(f File) (image.Image, error) {
	if f == "" {
		return nil, nil
	}
	data, err := ReadFile(string(f), maxPictureBytes)
	if err != nil {
		return nil, err
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is not a PNG or JPEG picture", f)
	case size.Width*size.Height > maxPicture || size.Width < 1 || size.Height < 1:
		return nil, fmt.Errorf("%s (%s) is %dx%d: use at most %d pixels", f, kind, size.Width, size.Height, maxPicture)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged or cut short, save it anew (%w)", f, err)
	}
	return img, nil
}

// pictures yields every picture that the configuration names, with its path in it.
func (c *Config) pictures(yield func(path string, f *File)) {
	c.layouts(func(at string, l *Layout) { l.pictures(at, yield) })
}

func (l *Layout) pictures(at string, yield func(path string, f *File)) {
	yield(at+".background.image", &l.Background.Image)
	yield(at+".placeholder.image", &l.Placeholder.Image)
	yield(at+".slates.opening.image", &l.Slates.Opening.Image)
	yield(at+".slates.empty.image", &l.Slates.Empty.Image)
	yield(at+".slates.closing.image", &l.Slates.Closing.Image)
	for i := range l.Overlays {
		yield(fmt.Sprintf("%s.overlays[%d].image", at, i), &l.Overlays[i].Image)
	}
}

// checkPictures makes the pictures' paths those that they are found under, and looks whether they are pictures, whole.
func checkPictures(cfg *Config, dir string, bad report) {
	seen := map[*File]bool{} // a list that an entry of canvases shares is met twice
	found := map[File]error{}
	cfg.pictures(func(path string, f *File) {
		if *f == "" || seen[f] {
			return
		}
		seen[f] = true
		if strings.Contains(string(*f), "://") {
			bad(path, "%q is an address: pictures are taken from files only", *f)
			return
		}
		if !filepath.IsAbs(string(*f)) {
			*f = File(filepath.Join(dir, string(*f)))
		}
		err, again := found[*f]
		if !again {
			_, err = ReadPicture(*f)
			found[*f] = err
		}
		if err != nil {
			bad(path, "%v", err)
		}
	})
}
