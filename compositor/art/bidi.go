package art

import (
	"slices"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
	ucd "golang.org/x/text/unicode/bidi"
)

// direction is that of the first letter with one (UAX #9, P2).
func direction(text []rune) di.Direction {
	for _, r := range text {
		switch class(r) {
		case ucd.R, ucd.AL:
			return di.DirectionRTL
		case ucd.L:
			return di.DirectionLTR
		}
	}
	return di.DirectionLTR
}

func class(r rune) ucd.Class {
	p, _ := ucd.LookupRune(r)
	return p.Class()
}

// levels are the embedding levels of text's characters, 0 to 2 as it has no explicit ones. Called locked.
func (a *Artist) levels(text []rune, dir di.Direction) []int {
	levels := make([]int, len(text))
	def, even := bidi.LeftToRight, 0
	if dir == di.DirectionRTL {
		def, even = bidi.RightToLeft, 2
	}
	runs := a.paragraph.Segment(text, def)
	for i := range runs.NumRuns() {
		r := runs.Run(i)
		for k := r.Start; k < r.End; k++ {
			if levels[k] = 1; r.IsLeftToRight() {
				levels[k] = even
			}
		}
	}
	if even == 0 {
		numbers(text, levels)
	}
	return levels
}

// numbers raises those of a left-to-right text to level 2 that are not read with letters of the same direction. The
// levels it gets say of them that they are even only: runs of level 0 and 2 side by side are one.
func numbers(text []rune, levels []int) {
	classes := make([]ucd.Class, len(text))
	strong := ucd.L
	for i, r := range text {
		p, _ := ucd.LookupRune(r)
		c := p.Class()
		if p.IsBracket() { // may have been made L by N0
			classes[i] = ucd.L
			continue
		}
		switch c {
		case ucd.L, ucd.R, ucd.AL:
			strong, classes[i] = c, c
		case ucd.EN: // by W2 and W7 it becomes what the letters before it make it
			if classes[i] = strong; strong != ucd.L {
				levels[i] = 2
			}
		case ucd.AN:
			classes[i], levels[i] = c, 2
		default:
			classes[i] = c
		}
	}
	at := func(i int) int {
		if i < 0 || i >= len(levels) {
			return 0
		}
		return levels[i]
	}
	for i := 0; i < len(text); i++ {
		if levels[i] != 0 || classes[i] == ucd.L {
			continue
		}
		end := i // of what is weak or neutral
		for end < len(text) && levels[end] == 0 && classes[end] != ucd.L {
			end++
		}
		for before := i - 1; i < end; i++ {
			switch inside := at(before) > 0 && at(end) > 0; {
			case inside: // neutrals there would be of level 1: it belongs to a number
			case at(i-1) == 2 && (classes[i] == ucd.NSM || classes[i] == ucd.BN): // W1
			case at(i-1) == 2 && classes[i] == ucd.ET && (classes[i-1] == ucd.R || classes[i-1] == ucd.ET): // W5
			default:
				continue
			}
			levels[i] = 2
		}
	}
}

// base is the level of a paragraph of that direction.
func base(dir di.Direction) int {
	if dir == di.DirectionRTL {
		return 1
	}
	return 0
}

// order sorts the runs of a line, which are in the order they are read, into the one they are seen in (UAX #9, L2).
func order(runs []shaping.Output, level func(shaping.Output) int) {
	for deep := 2; deep > 0; deep-- {
		for i := 0; i < len(runs); i++ {
			end := i
			for end < len(runs) && level(runs[end]) >= deep {
				end++
			}
			slices.Reverse(runs[i:end])
			i = max(i, end-1)
		}
	}
}
