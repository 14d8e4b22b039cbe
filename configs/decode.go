package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads a YAML document into a Config by the yaml tags of its fields. It goes on
// after a mistake, and remembers where everything was said.
type decoder struct {
	file     string
	shape    Shape             // what an entry of canvases begins with
	lines    map[string]int    // by path, such as rooms[0].canvas.fps: where it was said
	scalars  map[string]string // by path: the text of values outside of lists
	outside  map[string]string // by path: the flag or variable that comes before the file
	mistakes Mistakes
}

func newDecoder(file string) *decoder {
	return &decoder{file: file, lines: map[string]int{}, scalars: map[string]string{}, outside: map[string]string{}}
}

// document reads data over what cfg holds already.
func (d *decoder) document(data []byte, cfg *Config) {
	var doc, more yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(data))
	if err := in.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) { // an empty file leaves everything as it is
			d.syntax(data, err)
		}
		return
	}
	if err := in.Decode(&more); err == nil {
		d.fail(&more, "", "a second document (---): only one is read")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(data, err)
	}
	d.value(doc.Content[0], reflect.ValueOf(cfg).Elem(), "")
}

func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{d.file, n.Line, path, fmt.Sprintf(format, args...)})
}

// value reads n into v, which lies at path. An empty document (null) leaves v as it is.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if line := n.Line; n.Kind == yaml.AliasNode { // it is said here
		n = new(*n.Alias)
		n.Line = line
	}
	if n.Tag == "!!null" {
		return
	}
	switch {
	case section(v.Type()):
		d.section(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case n.Kind != yaml.ScalarNode:
		d.fail(n, path, "must be one value, not a %s", kind(n))
	default:
		if err := setScalar(v.Addr().Interface(), n.Value); err != nil {
			d.fail(n, path, "%v", err)
		} else if !strings.Contains(path, "[") {
			d.scalars[path] = n.Value
		}
	}
}

func (d *decoder) section(n *yaml.Node, v reflect.Value, path string) {
	if l, ok := v.Addr().Interface().(*Layout); ok && d.use(n, l, path) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a section with the keys %s, not a %s", list(keys(v.Type()), "and"), kind(n))
		return
	}
	said := map[string]int{}
	for key, val := range last("canvases", pairs(n, map[*yaml.Node]bool{})) {
		name, at := key.Value, join(path, key.Value)
		if path == "" && strings.HasPrefix(name, "x-") {
			continue // a place for anchors
		}
		if line, again := said[name]; again {
			d.fail(key, at, "said before, on line %d", line)
			continue
		}
		said[name] = key.Line
		field, ok := fieldByKey(v, name)
		if !ok && path == "" && val.Anchor != "" {
			d.fail(key, at, "unknown key: a place for anchors has a name such as x-%s", name)
			continue
		} else if !ok {
			d.fail(key, at, "unknown key%s", hint(name, v.Type()))
			continue
		}
		d.lines[at] = key.Line
		if room, ok := v.Addr().Interface().(*Room); ok && name == "canvases" {
			d.shape = room.All()[0] // said by now, or the default
			d.shape.Name, d.shape.Ladder = "", nil
		}
		if target(val).Tag == "!!null" {
			comment := key.LineComment + val.LineComment
			if section(field.Type()) && !colourComment.MatchString(comment) {
				continue // all that was in it may be a comment
			}
			d.fail(key, at, "%s", empty(field, comment))
			continue
		}
		d.value(val, field, at)
	}
}

var colourComment = regexp.MustCompile(`^#[0-9a-fA-F]{3,8}\b`)

// empty words that nothing is said of v, but for a comment behind its key: # begins one even where a colour is meant.
func empty(v reflect.Value, comment string) string {
	colour := colourComment.FindString(comment)
	switch v.Interface().(type) {
	case Color, Tint:
		if colour == "" {
			colour = "#ffffff"
		}
	}
	if colour != "" {
		return fmt.Sprintf("is empty, as # begins a comment: put quotes around a colour, %q", colour)
	}
	return "is empty: give it a value, or leave it out"
}

// last yields the pair of the key named behind all others.
func last(name string, all iter.Seq2[*yaml.Node, *yaml.Node]) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, val *yaml.Node) bool) {
		var keys, vals []*yaml.Node
		for key, val := range all {
			if key.Value == name {
				keys, vals = append(keys, key), append(vals, val)
			} else if !yield(key, val) {
				return
			}
		}
		for i := range keys {
			if !yield(keys[i], vals[i]) {
				return
			}
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "must be a list (its entries begin with -), not a %s", kind(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, entry := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = entry.Line
		switch e := v.Index(i).Addr().Interface().(type) {
		case *Room:
			*e = defaultRoom()
		case *Shape:
			*e = d.shape
		case *Overlay:
			*e = defaultOverlay()
		}
		if target(entry).Tag == "!!null" {
			d.fail(entry, at, "is empty")
			continue
		}
		d.value(entry, v.Index(i), at)
	}
}

// target is what n stands for: an alias stands for its anchor.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// pairs yields the keys and values of a mapping; those merged in with << come last and
// yield to its own. Seen holds the mappings visited, so that one merged into itself ends.
func pairs(n *yaml.Node, seen map[*yaml.Node]bool) func(yield func(key, val *yaml.Node) bool) {
	seen[n] = true
	return func(yield func(key, val *yaml.Node) bool) {
		own := map[string]bool{}
		var merged []*yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, val := n.Content[i], target(n.Content[i+1])
			if key.Tag == "!!merge" && val.Kind == yaml.MappingNode {
				merged = append(merged, val)
			} else if key.Tag == "!!merge" && val.Kind == yaml.SequenceNode {
				merged = append(merged, val.Content...)
			} else if own[key.Value] = true; !yield(key, n.Content[i+1]) {
				return
			}
		}
		for _, m := range merged {
			if m = target(m); m.Kind != yaml.MappingNode || seen[m] {
				continue
			}
			for key, val := range pairs(m, seen) {
				if own[key.Value] {
					continue
				}
				own[key.Value] = true
				if !yield(key, val) {
					return
				}
			}
		}
	}
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "section"
	case yaml.SequenceNode:
		return "list"
	}
	return fmt.Sprintf("single value (%s)", abridged(n.Value, maxQuote))
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }
