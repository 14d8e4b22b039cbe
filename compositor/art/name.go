package art

import (
	"hash/fnv"
	"image/color"
	"strings"
	"unicode"
)

// Initials are one or two characters that stand for a name: of the first and the
// last word that begin with a letter or a digit, combining marks kept. A name
// without any gives "?".
func Initials(name string) string {
	var firsts []string
	for _, word := range strings.FieldsFunc(clean(name), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("-_.,;:/|()[]{}<>\"“”«»&+@#", r)
	}) {
		if f := first(word); f != "" {
			firsts = append(firsts, f)
		}
	}
	switch len(firsts) {
	case 0:
		return "?"
	case 1:
		return firsts[0]
	}
	return firsts[0] + firsts[len(firsts)-1]
}

// first is the first letter or digit of word in upper case, with its marks; empty if it begins otherwise.
func first(word string) string {
	var b strings.Builder
	for i, r := range word {
		if i == 0 && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return ""
		}
		if i > 0 && !unicode.Is(unicode.M, r) {
			break
		}
		b.WriteRune(unicode.ToTitle(r))
	}
	return b.String()
}

// tints are colours of one lightness, apart enough to tell guests by.
var tints = [...]color.RGBA{
	{0x4f, 0x86, 0xe8, 0xff}, {0x7b, 0x6c, 0xe8, 0xff}, {0xb0, 0x62, 0xd0, 0xff}, {0xd8, 0x5f, 0x8a, 0xff},
	{0xd8, 0x72, 0x48, 0xff}, {0xb9, 0x8a, 0x2c, 0xff}, {0x5c, 0x9e, 0x48, 0xff}, {0x2c, 0x9c, 0x82, 0xff},
	{0x2a, 0x92, 0xb8, 0xff}, {0x88, 0x80, 0x98, 0xff},
}

// Tint is the colour that belongs to a name, always the same.
func Tint(name string) color.RGBA {
	h := fnv.New32a()
	h.Write([]byte(clean(name)))
	return tints[h.Sum32()%uint32(len(tints))]
}

// mix is a with share parts of b in it, 0..1.
func mix(a, b color.RGBA, share float64) color.RGBA {
	m := func(x, y uint8) uint8 { return uint8(float64(x)*(1-share) + float64(y)*share + 0.5) }
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 0xff}
}
