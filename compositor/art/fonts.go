package art

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/font/opentype/tables"
)

// Bounds on what a font folder costs in time and memory.
const (
	maxFontFiles = 1000
	maxFontBytes = 256 << 20
)

// Fonts are found once and shared by all artists of a process.
type Fonts struct {
	all  []*namedFont
	told sync.Map // of names of scripts that none has, and the log knows
}

// namedFont is one font of a file. Until somebody needs a character of it, only what it has is known: fonts of
// large scripts take a while to read, and much memory.
type namedFont struct {
	name      string // family and file, for who asks
	odd       float64
	pictorial bool // its glyphs are pictures: emoji
	has       font.Cmap
	read      func() *font.Font // once; nil: it can't be read any more
}

// LoadFonts finds the TrueType and OpenType fonts of a folder and those below it: those that suit a label
// first, then by their names. Files that are no fonts are left out and told in skipped, as is what goes beyond the bounds.
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
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			skipped = append(skipped, path+": is not a regular file")
			return nil
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
	slices.SortStableFunc(f.all, func(a, b *namedFont) int { return cmp.Compare(a.odd, b.odd) })
	return f, skipped, nil
}

func (f *Fonts) add(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	loaders, err := opentype.NewLoaders(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i, ld := range loaders {
		has, err := coverage(ld)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		d, _ := font.Describe(ld, nil)
		_, smiles := has.Lookup('😀')
		f.all = append(f.all, &namedFont{
			name: d.Family + "/" + strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), odd: odd(d), has: has,
			pictorial: smiles && (ld.HasTable(opentype.MustNewTag("CBDT")) || ld.HasTable(opentype.MustNewTag("sbix"))),
			read:      sync.OnceValue(func() *font.Font { return readFont(path, i) }),
		})
	}
	return nil
}

// coverage is what characters a font has.
func coverage(ld *opentype.Loader) (font.Cmap, error) {
	raw, err := ld.RawTable(opentype.MustNewTag("cmap"))
	if err != nil {
		return nil, err
	}
	table, _, err := tables.ParseCmap(raw)
	if err != nil {
		return nil, err
	}
	has, _, err := font.ProcessCmap(table, tables.FPNone)
	return has, err
}

// readFont reads the font with that index in a file; nil where that does not go.
func readFont(path string, index int) *font.Font {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	loaders, err := opentype.NewLoaders(bytes.NewReader(data))
	if err != nil || index >= len(loaders) {
		return nil
	}
	f, err := font.NewFont(loaders[index])
	if err != nil {
		return nil
	}
	return f
}

// odd is how far a face is from what a label wants: upright, not narrow, a little above regular weight, without serifs.
func odd(d font.Description) float64 {
	far := math.Abs(float64(d.Aspect.Weight-(font.WeightNormal+font.WeightMedium)/2)) + 1000*math.Abs(float64(d.Aspect.Stretch-font.StretchNormal))
	if d.Aspect.Style == font.StyleItalic {
		far += 2000
	}
	for _, kind := range []string{"Serif", "Mono", "Math"} {
		if strings.Contains(d.Family, kind) {
			far += 500
		}
	}
	return far
}

// Names are those by which fonts can be asked for: their families', and their files' without the endings.
func (f *Fonts) Names() (names []string) {
	for _, n := range f.all {
		family, file, _ := strings.Cut(n.name, "/")
		names = append(names, family, file)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Has reports whether a font goes by that name.
func (f *Fonts) Has(name string) bool {
	return slices.ContainsFunc(f.all, func(n *namedFont) bool { return matches(n.name, name) })
}

// Pictorial reports whether the font that goes by that name has pictures in the place of letters.
func (f *Fonts) Pictorial(name string) bool {
	i := slices.IndexFunc(f.all, func(n *namedFont) bool { return matches(n.name, name) })
	return i >= 0 && f.all[i].pictorial
}

func matches(full, name string) bool {
	family, file, _ := strings.Cut(full, "/")
	return strings.EqualFold(family, name) || strings.EqualFold(file, name)
}
