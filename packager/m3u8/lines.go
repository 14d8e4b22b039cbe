package m3u8

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError is the first place where a text stops being a playlist.
type SyntaxError struct {
	Line int    // from 1
	Rule string // of the checklist
	Text string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s: %s", e.Line, e.Rule, e.Text) }

// lexer hands out the lines of a playlist that mean something and remembers where it is.
type lexer struct {
	rest    []byte
	line    int
	once    map[string]int  // line of each tag that may not come twice
	defined map[string]bool // variables of EXT-X-DEFINE
}

// element is a URI line, or a tag with the text behind its colon.
type element struct {
	uri, tag, value string
}

// newLexer is behind the first line. The lexer can be used for as long as it has seen EXTM3U, whatever the error.
func newLexer(b []byte) (*lexer, error) {
	text, marked := bytes.CutPrefix(b, []byte("\ufeff"))
	l := &lexer{rest: text, once: map[string]int{}, defined: map[string]bool{}}
	var encoding error
	if marked || !utf8.Valid(b) {
		encoding = l.errorf("S-2", "a playlist is UTF-8 without a byte order mark")
	}
	first, ok, err := l.next()
	switch {
	case encoding != nil:
		return l, encoding
	case err != nil:
		return l, err
	case !ok || first.tag != "EXTM3U" || first.value != "" || l.line != 1:
		return l, l.errorf("S-7", "the first line is not #EXTM3U")
	}
	return l, nil
}

// mistakes collects what is wrong with a text: the first mistake, or all.
type mistakes struct {
	all   bool
	found []*SyntaxError
}

// stop takes a *SyntaxError, or nil, and reports whether to read no further.
func (m *mistakes) stop(err error) bool {
	if err == nil {
		return false
	}
	m.found = append(m.found, err.(*SyntaxError))
	return !m.all
}

// next skips blank lines and comments. It answers false at the end.
func (l *lexer) next() (element, bool, error) {
	for len(l.rest) > 0 {
		line, rest, _ := bytes.Cut(l.rest, []byte("\n"))
		l.rest = rest
		l.line++
		s := strings.TrimSuffix(string(line), "\r")
		if s == "" {
			continue
		}
		text := s
		if strings.HasPrefix(s, "#EXT-X-SKIP:") { // the one tag whose strings are parted by tabs (K-6)
			text = strings.ReplaceAll(s, "\t", "")
		}
		if strings.ContainsFunc(text, control) {
			return element{}, false, l.errorf("S-2", "control character in %q", s)
		}
		if s[0] == '#' && !strings.HasPrefix(s, "#EXT") {
			continue
		}
		if strings.TrimSpace(s) != s && !strings.HasPrefix(s, "#EXTINF:") {
			return element{}, false, l.errorf("S-3", "white space around %q", s)
		}
		if s[0] == '#' {
			tag, value, _ := strings.Cut(s[1:], ":")
			return element{tag: tag, value: value}, true, l.tagOnce(tag)
		}
		if strings.ContainsAny(s, " \t") {
			return element{}, false, l.errorf("S-3", "white space in the URI %q", s)
		}
		return element{uri: s}, true, l.references(s)
	}
	return element{}, false, nil
}

func (l *lexer) errorf(rule, format string, args ...any) error {
	return &SyntaxError{max(l.line, 1), rule, fmt.Sprintf(format, args...)}
}

// singular are the tags that come at most once in a playlist, and the rule that says so.
var singular = map[string]string{
	"EXTM3U": "S-7", "EXT-X-VERSION": "S-8", "EXT-X-SKIP": "K-4", "EXT-X-CONTENT-STEERING": "MV-23",
	"EXT-X-INDEPENDENT-SEGMENTS": "S-11", "EXT-X-START": "S-11",
	"EXT-X-TARGETDURATION": "S-10", "EXT-X-MEDIA-SEQUENCE": "S-10", "EXT-X-DISCONTINUITY-SEQUENCE": "S-10",
	"EXT-X-ENDLIST": "S-10", "EXT-X-PLAYLIST-TYPE": "S-10", "EXT-X-I-FRAMES-ONLY": "S-10",
	"EXT-X-PART-INF": "S-10", "EXT-X-SERVER-CONTROL": "S-10",
}

func (l *lexer) tagOnce(tag string) error {
	rule, ok := singular[tag]
	if !ok {
		return nil
	}
	if before := l.once[tag]; before > 0 {
		return l.errorf(rule, "#%s again, first seen in line %d", tag, before)
	}
	l.once[tag] = l.line
	return nil
}

// has reports whether a singular tag has come.
func (l *lexer) has(tag string) bool { return l.once[tag] > 0 }

// references holds every {$NAME} in s against the variables that are defined (S-16).
func (l *lexer) references(s string) error {
	for {
		_, after, ok := strings.Cut(s, "{$")
		if !ok {
			return nil
		}
		name, rest, ok := strings.Cut(after, "}")
		if ok && variableName(name) && !l.defined[name] {
			return l.errorf("S-16", "variable %s is not defined", name)
		}
		if !ok {
			return nil
		}
		s = rest
	}
}

func variableName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// integer reads a decimal-integer (S-6) that fits an int64.
func (l *lexer) integer(name, s string) (int64, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" || len(s) > 20 {
		return 0, l.errorf("S-6", "%s: %q is not a decimal integer", name, s)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, l.errorf("S-6", "%s: %s is too large", name, s)
	}
	return n, nil
}

// float reads a decimal-floating-point (S-6): digits and a point, no sign, no exponent.
func (l *lexer) float(name, s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.") != "" {
		return 0, l.errorf("S-6", "%s: %q is not a decimal number", name, s)
	}
	return f, nil
}
