package art

import (
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
)

// faces is the font of each character of text. What is read as one letter or seen as one picture, a grapheme cluster, is of
// one font, if any has all of it. It is nil for what takes that of its neighbours. Called locked.
func (a *Artist) faces(text []rune) []*font.Face {
	faces := make([]*font.Face, len(text))
	at := 0
	for _, c := range clusters(&a.letters, text) {
		all := a.choose(c)
		for k, r := range c {
			switch {
			case unicode.IsSpace(r) || unseen(r):
			case all != nil:
				faces[at+k] = all
			default:
				faces[at+k] = a.find(r)
			}
		}
		at += len(c)
	}
	return faces
}

// clusters are the grapheme clusters of text (UAX #29). By GB11 a picture goes on after a joiner, which the segmenter
// doesn't see in the second of two pictures side by side.
func clusters(seg *segmenter.Segmenter, text []rune) (all [][]rune) {
	const joiner = 0x200d
	seg.Init(text)
	for it := seg.GraphemeIterator(); it.Next(); {
		c := it.Grapheme().Text
		if n := len(all); n > 0 && unicode.Is(unicode.So, c[0]) && unicode.Is(unicode.So, all[n-1][0]) && all[n-1][len(all[n-1])-1] == joiner {
			all[n-1] = all[n-1][:len(all[n-1])+len(c)] // they stand side by side in text
			continue
		}
		all = append(all, c)
	}
	return all
}

// choose is the first font that has all of a grapheme cluster: one of pictures where it is a picture. It is nil where
// none has. Called locked.
func (a *Artist) choose(cluster []rune) *font.Face {
	if pictorial(cluster) {
		for _, f := range a.others {
			if f.pictorial && f.all(cluster) {
				if found := f.of(cluster[0]); found != nil {
					return found
				}
			}
		}
	}
	if a.first != nil && a.first.all(cluster) {
		if f := a.first.of(cluster[0]); f != nil {
			return f
		}
	}
	if hasAll(cluster, func(r rune) bool { _, ok := a.own.NominalGlyph(r); return ok }) {
		return a.own
	}
	for _, f := range a.others {
		if f.all(cluster) {
			if found := f.of(cluster[0]); found != nil {
				return found
			}
		}
	}
	return nil
}

// all reports whether f has what is to be seen of a cluster.
func (f *face) all(cluster []rune) bool {
	return hasAll(cluster, func(r rune) bool { _, ok := f.has.Lookup(r); return ok })
}

func hasAll(cluster []rune, has func(rune) bool) bool {
	for i, r := range cluster {
		if !has(r) && (i == 0 || !unseen(r)) {
			return false
		}
	}
	return true
}

// oneFace is a shaping.Fontmap that leaves the choice of fonts to faces.
type oneFace struct{ *font.Face }

func (f oneFace) ResolveFace(rune) *font.Face { return f.Face }

// divide cuts a run where the font or the level changes. The first font is in's where nothing says another.
func divide(in shaping.Input, faces []*font.Face, levels []int) (runs []shaping.Input) {
	run, chosen := in, false
	for i := in.RunStart; i < in.RunEnd; i++ {
		f := faces[i]
		if i > run.RunStart && (levels[i] != levels[i-1] || f != nil && chosen && f != run.Face) {
			run.RunEnd = i
			runs = append(runs, run)
			run.RunStart = i
		}
		if f != nil {
			run.Face, chosen = f, true
		}
	}
	run.RunEnd = in.RunEnd
	return append(runs, run)
}
