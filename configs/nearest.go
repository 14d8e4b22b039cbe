package configs

import "strings"

// Nearest is the word of words that s was most likely meant to be, or "" when none is close:
// the one with the fewest slips of the pen, else the only one that s is a piece of. Case, -
// and _ count for nothing.
func Nearest(s string, words []string) string {
	best, least := "", (len(s)+2)/3+1
	for _, w := range words {
		if d := distance(plain(s), plain(w)); d < least && d < len(w) {
			best, least = w, d
		}
	}
	if best != "" || len(s) < 3 {
		return best
	}
	for _, w := range words {
		if strings.Contains(plain(w), plain(s)) {
			if best != "" {
				return ""
			}
			best = w
		}
	}
	return best
}

var plain = strings.NewReplacer("-", "", "_", "").Replace

// distance counts the letters to insert, drop, replace or swap with their neighbour to turn a into b.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// list joins words for a sentence: "a, b or c".
func list(words []string, and string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " " + and + " " + words[n-1]
	}
	return strings.Join(words, "")
}
