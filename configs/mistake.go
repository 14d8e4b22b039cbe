package configs

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mistake is one thing that is wrong with a configuration.
type Mistake struct {
	File string // where it was said; empty for flags and environment
	Line int    // in File, from 1; 0 when it is about the whole file
	Key  string // such as rooms[0].preset, --udp or TILECAST_UDP_PORT; may be empty
	Text string // what is wrong and what would be right
}

func (m Mistake) String() string {
	var b strings.Builder
	switch {
	case m.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", m.File, m.Line)
	case m.File != "":
		fmt.Fprintf(&b, "%s: ", m.File)
	}
	if m.Key != "" {
		fmt.Fprintf(&b, "%s: ", m.Key)
	}
	return b.String() + m.Text
}

// Mistakes is the error of Load and Parse: everything that is wrong, a line each, in the order of the file.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

// err is nil without mistakes; the same mistake seen twice (through an anchor) counts once.
func (ms Mistakes) err() error {
	if len(ms) == 0 {
		return nil
	}
	slices.SortStableFunc(ms, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	var once Mistakes
	for _, m := range ms {
		m.Key, m.Text = abridged(m.Key, 200), quoted.ReplaceAllStringFunc(m.Text, func(q string) string {
			s, err := strconv.Unquote(q)
			if short := abridged(s, maxQuote); err == nil && short != s {
				return strconv.Quote(short)
			}
			return q
		})
		if !slices.Contains(once, m) {
			once = append(once, m)
		}
	}
	return once
}

// maxQuote is how many letters of a value are repeated in what is said of it.
const maxQuote = 60

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// abridged is s, or its first n letters.
func abridged(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
