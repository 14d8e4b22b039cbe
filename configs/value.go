package configs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tilecast/media"
)

// BitRate is in bit/s. It is written as a number with k or M behind it ("2500k", "2.5M"), or plain.
type BitRate int

func (b BitRate) String() string {
	if b%1000 == 0 && b != 0 {
		return fmt.Sprintf("%dk", int(b)/1000)
	}
	return strconv.Itoa(int(b))
}

// Color is opaque, 8 bits a channel, written "#rrggbb".
type Color struct{ R, G, B uint8 }

func (c Color) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// FPS is a rung's rate in frames per second: the canvas's divided by a whole number, or 0 for the canvas's own.
type FPS float64

// Every is how many frames of a canvas at rate one of f lasts, or 0 where that is no whole number.
func (f FPS) Every(rate media.FrameRate) int {
	if f == 0 {
		return 1
	}
	n := math.Round(rate.Float() / float64(f))
	if n < 1 || math.Abs(rate.Float()/n-float64(f)) >= 0.005 {
		return 0
	}
	return int(n)
}

func (f FPS) String() string {
	return strconv.FormatFloat(math.Round(1000*float64(f))/1000, 'f', -1, 64)
}

// rates are the frame rates that every preset cuts evenly.
var rates = []media.FrameRate{{Num: 24000, Den: 1001}, {Num: 24, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001},
	{Num: 30, Den: 1}, {Num: 50, Den: 1}, {Num: 60000, Den: 1001}, {Num: 60, Den: 1}}

// setScalar writes what s says to dst, a pointer to one of the field types of Config.
// The error tells what would have been right.
func setScalar(dst any, s string) (err error) {
	switch d := dst.(type) {
	case *string:
		*d = s
	case *bool:
		if s != "true" && s != "false" {
			return fmt.Errorf("%q is not true or false", s)
		}
		*d = s == "true"
	case *int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", s)
		}
		*d = n
	case *time.Duration:
		v, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("%q is not a length of time such as 90s, 5m or 1h30m", s)
		}
		*d = v
	case *Window:
		if *d = (Window{Event: s == "event"}); !d.Event {
			if d.Length, err = time.ParseDuration(s); err != nil {
				return fmt.Errorf("%q is not a length of time such as 60s, 15m or 24h, nor the word event", s)
			}
		}
	case *BitRate:
		*d, err = parseBitRate(s)
	case *Color:
		*d, err = parseColor(s)
	case *FPS:
		v, err := parseRate(s)
		if err != nil || !(v >= 0 && v < 1000) {
			return fmt.Errorf("%q is not a number of frames per second such as 15 or 12.5, or 0 for the canvas's", s)
		}
		*d = FPS(v)
	case *media.FrameRate:
		*d, err = parseFrameRate(s)
	default:
		if known, err := setLayoutScalar(dst, s); known {
			return err
		}
		panic(fmt.Sprintf("configs: no reader for a %T", dst))
	}
	return err
}

func parseBitRate(s string) (BitRate, error) {
	digits, unit := s, 1.0
	if n, ok := strings.CutSuffix(s, "k"); ok {
		digits, unit = n, 1e3
	} else if n, ok := strings.CutSuffix(s, "M"); ok {
		digits, unit = n, 1e6
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(math.Abs(v*unit) < 1e12) {
		return 0, fmt.Errorf("%q is not a bit rate such as 2500k, 2.5M or 2500000", s)
	}
	return BitRate(math.Round(v * unit)), nil
}

func parseColor(s string) (Color, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return Color{}, fmt.Errorf(`%q is not a colour such as "#101418" (six hexadecimal digits, in quotes)`, s)
	}
	return Color{uint8(v >> 16), uint8(v >> 8), uint8(v)}, nil
}

// parseFrameRate takes a known rate by its fraction or its number: "30000/1001", "29.97", "30".
func parseFrameRate(s string) (media.FrameRate, error) {
	if v, err := parseRate(s); err == nil {
		for _, r := range rates {
			if math.Abs(v-r.Float()) < 0.005 {
				return r, nil
			}
		}
	}
	var names []string
	for _, r := range rates {
		name := r.String()
		if r.Den > 1 {
			name = strings.TrimRight(name, "0")
		}
		names = append(names, name)
	}
	return media.FrameRate{}, fmt.Errorf("%q is not a frame rate that can be cut evenly: use %s", s, list(names, "or"))
}

// parseRate takes a number or a fraction.
func parseRate(s string) (float64, error) {
	num, den, ok := strings.Cut(s, "/")
	if !ok {
		return strconv.ParseFloat(s, 64)
	}
	n, errNum := strconv.ParseInt(num, 10, 64)
	d, errDen := strconv.ParseInt(den, 10, 64)
	if d <= 0 {
		errDen = errors.Join(errDen, strconv.ErrRange)
	}
	return float64(n) / float64(d), errors.Join(errNum, errDen)
}
