package art

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-text/typesetting/font"
)

// Bounds on what a font folder costs in time and memory.
const (
	maxFontFiles = 400
	maxFontBytes = 256 << 20
)

// Fonts are read once and shared by all artists of a process.
type Fonts struct{ all []namedFont }

type namedFont struct {
	name string // family and file, for who asks
	font *font.Font
}

// LoadFonts reads the TrueType and OpenType fonts of a folder and those below it, in the order of
// their names. Files that are no fonts are left out and told in skipped, as is what goes beyond the bounds.
func LoadFonts(dir string) (f *Fonts, skipped []string, err error) {
	f = &Fonts{}
	files, size := 0, int64(0)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ext := strings.ToLower(filepath.Ext(path))
		if d.IsDir() || ext != ".ttf" && ext != ".otf" && ext != ".ttc" {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // it went away
		}
		if files++; files > maxFontFiles || size+info.Size() > maxFontBytes {
			skipped = append(skipped, path+": there are too many fonts")
			return nil
		}
		size += info.Size()
		if err := f.add(path); err != nil {
			skipped = append(skipped, err.Error())
		}
		return nil
	})
	if err != nil {
		return nil, skipped, fmt.Errorf("font folder: %w", err)
	}
	return f, skipped, nil
}

func (f *Fonts) add(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	faces, err := font.ParseTTC(bytes.NewReader(data))
	if err != nil {
		face, other := font.ParseTTF(bytes.NewReader(data))
		if other != nil {
			return fmt.Errorf("%s: %w", path, errors.Join(err, other))
		}
		faces = []*font.Face{face}
	}
	for _, face := range faces {
		name := face.Describe().Family + "/" + strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		f.all = append(f.all, namedFont{name, face.Font})
	}
	return nil
}

// Has reports whether a font goes by that name, its family's or its file's without the ending.
func (f *Fonts) Has(name string) bool {
	if f == nil {
		return false
	}
	for _, n := range f.all {
		if matches(n.name, name) {
			return true
		}
	}
	return false
}

func matches(full, name string) bool {
	family, file, _ := strings.Cut(full, "/")
	return strings.EqualFold(family, name) || strings.EqualFold(file, name)
}
