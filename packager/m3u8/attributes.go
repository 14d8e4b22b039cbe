package m3u8

import (
	"strings"
)

// attributes is the attribute list of one tag (S-4, S-5). The getters answer zero for an attribute
// that is absent; the first mistake is kept in err.
type attributes struct {
	l      *lexer
	tag    string
	values map[string]string // a quoted string with its quotes
	err    error
}

func (l *lexer) attributes(tag, s string) *attributes {
	a := &attributes{l: l, tag: tag, values: map[string]string{}}
	for more := true; more; {
		name, rest, ok := strings.Cut(s, "=")
		if !attributeName(name) || !ok {
			a.fail("S-5", "an attribute is NAME=value with a name of A-Z, 0-9 and -, not %q", s)
			if name = strings.TrimSpace(name); !attributeName(name) || !ok {
				return a
			}
		}
		var value string
		if value, s, more, ok = cutValue(rest); !ok {
			a.fail("S-5", "value of %s: %q", name, rest)
			return a
		}
		if _, twice := a.values[name]; twice {
			a.fail("S-5", "%s comes twice", name)
			return a
		}
		a.values[name] = value
		if value[0] == '"' && a.err == nil {
			a.err = l.references(value)
		}
	}
	return a
}

func attributeName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// cutValue splits off one attribute value; more says that a comma followed it.
func cutValue(s string) (value, rest string, more, ok bool) {
	if strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return "", "", false, false
		}
		value, rest = s[:end+2], s[end+2:]
		if rest == "" {
			return value, "", false, true
		}
		rest, more = strings.CutPrefix(rest, ",")
		return value, rest, more, more
	}
	value, rest, more = strings.Cut(s, ",")
	return value, rest, more, value != "" && !strings.ContainsAny(value, "\" \t")
}

func (a *attributes) fail(rule, format string, args ...any) {
	if a.err == nil {
		a.err = a.l.errorf(rule, a.tag+": "+format, args...)
	}
}

func (a *attributes) has(name string) bool { return a.values[name] != "" }

// need fails with rule when one of names is absent.
func (a *attributes) need(rule string, names ...string) {
	for _, name := range names {
		if !a.has(name) {
			a.fail(rule, "%s is required", name)
		}
	}
}

// text is a quoted string that may not be empty.
func (a *attributes) text(name string) string {
	v := a.values[name]
	if v == "" {
		return ""
	}
	if v[0] != '"' || len(v) == 2 {
		a.fail("S-6", "%s=%s is not a quoted string with something in it", name, v)
		return ""
	}
	return v[1 : len(v)-1]
}

// word is an enumerated string: not quoted.
func (a *attributes) word(name string) string {
	v := a.values[name]
	if strings.HasPrefix(v, `"`) {
		a.fail("S-6", "%s=%s is quoted", name, v)
		return ""
	}
	return v
}

// yes is an enumerated string that is YES or NO.
func (a *attributes) yes(name string) bool {
	v := a.word(name)
	if v != "" && v != "YES" && v != "NO" {
		a.fail("S-6", "%s=%s is neither YES nor NO", name, v)
	}
	return v == "YES"
}

func (a *attributes) integer(name string) int64 {
	if !a.has(name) {
		return 0
	}
	n, err := a.l.integer(a.tag+": "+name, a.values[name])
	if err != nil && a.err == nil {
		a.err = err
	}
	return n
}

func (a *attributes) float(name string) float64 {
	if !a.has(name) {
		return 0
	}
	f, err := a.l.float(a.tag+": "+name, a.values[name])
	if err != nil && a.err == nil {
		a.err = err
	}
	return f
}

// resolution is a decimal-resolution, as 1280x720.
func (a *attributes) resolution(name string) (w, h int) {
	if !a.has(name) {
		return 0, 0
	}
	ws, hs, ok := strings.Cut(a.values[name], "x")
	wn, err1 := a.l.integer(name, ws)
	hn, err2 := a.l.integer(name, hs)
	if !ok || err1 != nil || err2 != nil || wn > 1<<16 || hn > 1<<16 {
		a.fail("S-6", "%s=%s is not a resolution", name, a.values[name])
		return 0, 0
	}
	return int(wn), int(hn)
}

// byteRange is n[@o]; explicit wants the offset.
func (a *attributes) byteRange(name, rule string, explicit bool) string {
	v := a.text(name)
	if v == "" {
		return ""
	}
	if _, err := parseByteRange(a.l, v, rule, explicit); err != nil && a.err == nil {
		a.err = err
	}
	return v
}

// parseByteRange reports whether n[@o] carries its offset.
func parseByteRange(l *lexer, s, rule string, explicit bool) (offset bool, err error) {
	n, o, offset := strings.Cut(s, "@")
	if _, err := l.integer("byte range", n); err != nil {
		return false, err
	}
	if offset {
		_, err = l.integer("byte range", o)
	} else if explicit {
		err = l.errorf(rule, "byte range %s needs an offset", s)
	}
	return offset, err
}
