package art

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// box stands for a letter that no font has. The embedded one has it.
const box = '□'

// drawable is s, clean, with a box for each letter that no font has. Called locked.
func (a *Artist) drawable(s string) []rune {
	var b strings.Builder
	for _, c := range clusters(&a.letters, []rune(clean(s))) {
		if a.choose(c) == nil { // a font may have é and no accents
			c = []rune(norm.NFC.String(string(c)))
		}
		whole, boxed := a.choose(c) != nil, false
		for _, r := range c {
			switch found := a.find(r) != nil; {
			case found || whole && !unseen(r):
				b.WriteRune(r)
			case !unseen(r) && !boxed:
				b.WriteRune(box)
				boxed = true
				a.lacks(r)
			}
		}
	}
	return []rune(strings.Join(strings.Fields(b.String()), " "))
}

// lacks tells the log once for each script that no font has r. Called locked.
func (a *Artist) lacks(r rune) {
	script, from := script(r)
	if _, told := a.fonts.told.LoadOrStore(script, true); !told {
		a.log.Warn("no font has a character: a box stands for it", "script", script, "character", fmt.Sprintf("U+%04X", r), "install", from)
	}
}

// script is the name of that of r, and the Debian package with fonts for it.
func script(r rune) (name, from string) {
	switch {
	case r >= emoji && r < 0x20000 || unicode.Is(pictures, r):
		return "emoji", "fonts-noto-color-emoji"
	case unicode.In(r, unicode.Common, unicode.Inherited):
		return "symbols", "fonts-dejavu-core, fonts-noto-core"
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo):
		return "Chinese, Japanese or Korean", "fonts-wqy-zenhei"
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return strings.ReplaceAll(name, "_", " "), "fonts-noto-core"
		}
	}
	return "unknown", "a font that has it"
}
