package configs

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tilecast/compositor/layout"
	"tilecast/ingest"
)

func (l Length) String() string {
	if l == (Length{}) {
		return "0"
	}
	if l.Percent != 0 {
		return strconv.FormatFloat(l.Percent, 'f', -1, 64) + "%"
	}
	return strconv.FormatFloat(l.Pixels, 'f', -1, 64) + "px"
}

func (c Columns) String() string {
	if c == 0 {
		return "auto"
	}
	return strconv.Itoa(int(c))
}

func (c Tint) String() string { return fmt.Sprintf("#%02x%02x%02x%02x", c.R, c.G, c.B, c.A) }

// setLayoutScalar is setScalar for the types of layouts; known is false for any other.
func setLayoutScalar(dst any, s string) (known bool, err error) {
	switch d := dst.(type) {
	case *Length:
		*d, err = parseLength(s)
	case *Aspect:
		*d, err = parseAspect(s)
	case *Who:
		*d, err = parseWho(s)
	case *Pin:
		*d, err = parsePin(s)
	case *Columns:
		n, bad := strconv.Atoi(s)
		if s != "auto" && (bad != nil || n < 1 || n > layout.MaxTiles) {
			return true, fmt.Errorf("%q is not a number of columns: use auto, or 1 to %d", s, layout.MaxTiles)
		}
		*d = Columns(n)
	case *File:
		*d = File(s)
	case *Tint:
		*d, err = parseTint(s)
	case *float64:
		v, bad := strconv.ParseFloat(s, 64)
		if bad != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return true, fmt.Errorf("%q is not a number such as 0.8", s)
		}
		*d = v
	default:
		return false, nil
	}
	return true, err
}

func parseLength(s string) (Length, error) {
	digits, pixels := strings.CutSuffix(s, "px")
	digits, share := strings.CutSuffix(strings.TrimSpace(digits), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || share && pixels || math.IsNaN(v) || math.Abs(v) > 1e5 {
		return Length{}, fmt.Errorf("%q is not a length such as 1.5%% or 12px", s)
	}
	switch {
	case share:
		return Length{Percent: v}, nil
	case !pixels && v > 0 && v < 1:
		return Length{}, fmt.Errorf("%q is less than a pixel, did you mean %v?", s, percent(math.Round(1e6*v)/1e4))
	}
	return Length{Pixels: v}, nil
}

// aspects are shapes that have a name.
var aspects = map[string]Aspect{"auto": Aspect(layout.Suited), "fill": Aspect(layout.Fill), "source": Aspect(layout.Source)}

func parseAspect(s string) (Aspect, error) {
	if a, ok := aspects[s]; ok {
		return a, nil
	}
	w, h, ok := strings.Cut(s, ":")
	a, errW := strconv.ParseFloat(w, 64)
	b, errH := strconv.ParseFloat(h, 64)
	if !ok || errW != nil || errH != nil || !(a/b >= 0.2 && a/b <= 5) {
		return 0, fmt.Errorf("%q is not a shape such as 16:9, 1:1 or 3:4 (from 1:5 to 5:1), auto, fill or source", s)
	}
	return Aspect(a / b), nil
}

// everyWay is how one of the participants can be chosen (layout.Who.By).
var everyWay = []string{"speaker", "name", "role", "screen", "anyone"}

func parseWho(s string) (Who, error) {
	const words = "speaker, speaker:2, name:Ada, role:host, screen or anyone"
	w, err := readWho(s, words, everyWay...)
	return Who(w), err
}

// parsePin reads one who can be pinned: not who changes all the time.
func parsePin(s string) (Pin, error) {
	const words = "name:Ada, role:host or screen"
	w, err := readWho(s, words, "name", "role", "screen")
	if err == nil && (w.By == "speaker" || w.By == "anyone") {
		err = fmt.Errorf("%q can't be pinned: use %s", w, words)
	}
	return Pin(w), err
}

// readWho reads one who is chosen in one of the ways; words are examples of them all.
func readWho(s, words string, ways ...string) (layout.Who, error) {
	w, err := layout.ParseWho(s)
	by, rest, more := strings.Cut(s, ":")
	by = strings.TrimSpace(by)
	switch known := slices.Contains(everyWay, w.By); {
	case err == nil && !ingest.IsRole(w.Text) && w.By == "role":
		role := []rune(strings.Map(fitRole, w.Text))
		why := "use letters, digits, - and _, such as"
		if string(role) == w.Text {
			why = "it is too long, this is not:"
		}
		for !ingest.IsRole(string(role)) {
			role = role[:len(role)-1]
		}
		err = fmt.Errorf("%q: nobody can have such a role: %s role:%s", s, why, string(role))
	case err == nil || known:
	default:
		near := Nearest(by, ways)
		if near != "" && more {
			near += ":" + strings.TrimSpace(rest)
		}
		_, bad := layout.ParseWho(near)
		switch {
		case bad == nil:
			err = fmt.Errorf("%q is nobody, did you mean %q?", s, near)
		case !more && ingest.IsRole(by):
			err = fmt.Errorf("%q is nobody, did you mean %q or %q?", s, "role:"+by, "name:"+by)
		case !more && by != "":
			err = fmt.Errorf("%q is nobody, did you mean %q?", s, "name:"+by)
		default:
			err = fmt.Errorf("%q is nobody: use %s", s, words)
		}
	}
	return w, err
}

// fitRole is - for what can't be in a role.
func fitRole(r rune) rune {
	if ingest.IsRole(string(r)) {
		return r
	}
	return '-'
}

func parseTint(s string) (Tint, error) {
	if len(s) == 7 {
		c, err := parseColor(s)
		return Tint{c.R, c.G, c.B, 0xff}, err
	}
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	if err != nil || len(s) != 9 || s[0] != '#' {
		return Tint{}, fmt.Errorf(`%q is not a colour such as "#101418" or, half transparent, "#10141880" (in quotes)`, s)
	}
	return Tint{uint8(v >> 24), uint8(v >> 16), uint8(v >> 8), uint8(v)}, nil
}
