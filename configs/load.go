package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Source is where a configuration comes from, besides the environment.
type Source struct {
	File  string                 // empty: none
	Flags map[string]*pflag.Flag // by the key they set, such as "http.listen"
}

// FileVar is the variable that names the configuration file.
const FileVar = "TILECAST_CONFIG"

// Var is the variable that sets a key: TILECAST_HTTP_LISTEN for http.listen.
func Var(key string) string {
	return "TILECAST_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Load reads a configuration: a flag that was given comes before its variable, that
// before the file, that before the default. Every mistake is in the error (Mistakes),
// unless the file can't be read. Warnings are about variables that nobody reads.
func Load(src Source) (cfg Config, warnings []string, err error) {
	d := newDecoder(src.File)
	cfg = Default()
	if src.File != "" {
		data, err := readFile(src.File, MaxText)
		if err != nil {
			return Config{}, nil, err
		}
		d.document(data, &cfg)
	}
	v, err := d.layers(src.Flags)
	if err != nil {
		return Config{}, nil, err
	}
	for _, key := range settings() {
		if !v.IsSet(key) {
			continue
		}
		if err := setScalar(lookup(&cfg, key).Addr().Interface(), v.GetString(key)); err != nil {
			d.mistakes = append(d.mistakes, Mistake{Key: d.outside[key], Text: err.Error()})
		}
	}
	warnings = d.variables(os.Environ())
	cfg, err = d.finish(cfg)
	return cfg, warnings, err
}

// Parse reads a configuration from a file's text alone. Name stands for the file in mistakes.
func Parse(name string, data []byte) (Config, error) {
	d := newDecoder(name)
	cfg := Default()
	d.document(data, &cfg)
	return d.finish(cfg)
}

// ParseFile reads a configuration from a file alone, without flags and environment.
// A file that can't be read is an error other than Mistakes.
func ParseFile(path string) (Config, error) {
	data, err := readFile(path, MaxText)
	if err != nil {
		return Config{}, err
	}
	return Parse(path, data)
}

// layers puts file, environment and flags over one another, and remembers in outside
// which flag or variable comes before the file.
func (d *decoder) layers(flags map[string]*pflag.Flag) (*viper.Viper, error) {
	v := viper.New()
	for key, text := range d.scalars {
		if err := v.MergeConfigMap(nest(key, text)); err != nil {
			return nil, fmt.Errorf("configuration key %s: %w", key, err)
		}
	}
	for _, key := range settings() {
		if err := v.BindEnv(key, Var(key)); err != nil {
			return nil, fmt.Errorf("variable of %s: %w", key, err)
		}
		if os.Getenv(Var(key)) != "" {
			d.outside[key] = Var(key)
		}
		if f := flags[key]; f != nil {
			if err := v.BindPFlag(key, f); err != nil {
				return nil, fmt.Errorf("flag of %s: %w", key, err)
			}
			if f.Changed {
				d.outside[key] = "--" + f.Name
			}
		}
	}
	return v, nil
}

// nest is {"http": {"listen": value}} for http.listen.
func nest(key string, value any) map[string]any {
	if head, rest, ok := strings.Cut(key, "."); ok {
		return map[string]any{head: nest(rest, value)}
	}
	return map[string]any{key: value}
}

// finish completes what was left open, checks everything and gives the mistakes their places.
func (d *decoder) finish(cfg Config) (Config, error) {
	for i := range cfg.Rooms {
		d.complete(&cfg.Rooms[i], fmt.Sprintf("rooms[%d]", i))
	}
	bad := func(path, format string, args ...any) {
		if d.follows(path) || d.inherits(path) {
			return
		}
		m := Mistake{Key: path, Text: fmt.Sprintf(format, args...)}
		if from := d.outside[path]; from != "" {
			m.Key = from
		} else {
			m.File, m.Line = d.file, d.line(path)
		}
		d.mistakes = append(d.mistakes, m)
	}
	check(&cfg, bad)
	checkPictures(&cfg, filepath.Dir(d.file), bad)
	checkFonts(&cfg, bad)
	d.unused(&cfg, bad)
	return cfg, d.mistakes.err()
}

// unused reports what was said and comes to nothing.
func (d *decoder) unused(cfg *Config, bad report) {
	cfg.layouts(func(at string, l *Layout) {
		if d.lines[at+".placeholder.image"] > 0 && l.Placeholder.Image != "" && l.Placeholder.Kind != "image" {
			bad(at+".placeholder.image", "is not shown: use kind: image with it, or leave it out")
		}
		for i, o := range l.Overlays {
			at := fmt.Sprintf("%s.overlays[%d]", at, i)
			if o.Image != "" && o.Sub != "" {
				bad(at+".sub", "goes with a text only, not with an image: leave it out")
			}
			if d.lines[at+".size"] > 0 && o.Size == (Length{}) {
				bad(at+".size", "0 is no size: use a length such as 4.5%%, or leave it out")
			}
		}
	})
}

// complete sets what a room's entry left open. A zero that was said stays, to be refused.
func (d *decoder) complete(r *Room, at string) {
	if r.Ladder == nil {
		r.Ladder = defaultLadder(r.Canvas.Width, r.Canvas.Height)
	}
	d.rungs(r.Ladder, at, r.Canvas.Width, r.Canvas.Height)
	for i := range r.Canvases {
		s, at := &r.Canvases[i], fmt.Sprintf("%s.canvases[%d]", at, i)
		if s.Ladder == nil {
			s.Ladder = defaultLadder(s.Width, s.Height)
		}
		d.rungs(s.Ladder, at, s.Width, s.Height)
	}
}

// rungs sets what the ladder at leaves open.
func (d *decoder) rungs(ladder []Rung, at string, w, h int) {
	for i := range ladder {
		rung, at := &ladder[i], fmt.Sprintf("%s.ladder[%d]", at, i)
		if d.lines[at+".width"] == 0 && d.lines[at+".height"] == 0 {
			rung.fill(w, h)
		}
		said := *rung
		rung.complete()
		if d.lines[at+".bitrate"] > 0 {
			rung.BitRate = said.BitRate
		}
		if d.lines[at+".max_rate"] > 0 {
			rung.MaxRate = said.MaxRate
		}
	}
}

// follows reports whether a mistake at path only follows from one that is known: of the
// same value, of what is around it, or, when nothing was said there, of a neighbour (a
// misspelt key).
func (d *decoder) follows(path string) bool {
	section := path[:strings.LastIndexByte(path, '.')+1]
	return slices.ContainsFunc(d.mistakes, func(m Mistake) bool {
		near := section != "" && strings.HasPrefix(m.Key, section) && !strings.Contains(m.Key[len(section):], ".")
		around := m.Key != "" && (strings.HasPrefix(path, m.Key+".") || strings.HasPrefix(path, m.Key+"["))
		return m.Key == path || around || near && d.lines[path] == 0
	})
}

// inherits reports whether the value at path is the room's, of an entry of canvases that says none of its own, and a
// mistake in it is known.
func (d *decoder) inherits(path string) bool {
	room, entry, _ := strings.Cut(path, ".canvases[")
	_, of, found := strings.Cut(entry, "].layout.")
	return found && d.lines[path] == 0 && d.follows(room+".layout."+of)
}

// line is where path was said, else the place around it.
func (d *decoder) line(path string) int {
	for path != "" {
		if n := d.lines[path]; n > 0 {
			return n
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// variables looks for TILECAST_ variables that set nothing: a likely slip of the pen is a
// mistake, any other a warning (orchestrators make some of their own).
func (d *decoder) variables(environ []string) (warnings []string) {
	known := []string{FileVar}
	for _, key := range settings() {
		known = append(known, Var(key))
	}
	slices.Sort(environ)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		word, ours := strings.CutPrefix(name, "TILECAST_")
		if !ours || value == "" || slices.Contains(known, name) {
			continue
		}
		var words []string
		for _, k := range known {
			words = append(words, strings.TrimPrefix(k, "TILECAST_"))
		}
		link := strings.Contains(value, "://") // TILECAST_PORT=tcp://… is Kubernetes telling of a service
		if near := Nearest(word, words); near != "" && !link {
			d.mistakes = append(d.mistakes, Mistake{Key: name, Text: fmt.Sprintf("unknown variable, did you mean TILECAST_%s?", near)})
		} else {
			warnings = append(warnings, fmt.Sprintf("%s: unknown variable, not used; there are %s", name, list(known, "and")))
		}
	}
	return warnings
}
