package configs

import (
	"embed"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The ready layouts, each the text of a layout section.
//
//go:embed layouts/*.yaml
var ready embed.FS

// ReadyLayouts are the names of the ready layouts.
func ReadyLayouts() (names []string) {
	entries, err := ready.ReadDir("layouts")
	if err != nil {
		return nil // embedded: never
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// ReadyLayout is the ready layout of that name.
func ReadyLayout(name string) (Layout, bool) {
	l := defaultLayout()
	file := path.Join("layouts", name+".yaml")
	data, err := ready.ReadFile(file)
	if err != nil {
		return l, false
	}
	d := newDecoder(file)
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return l, false
	}
	d.value(doc.Content[0], reflect.ValueOf(&l).Elem(), "layout")
	l.Use = name
	return l, len(d.mistakes) == 0
}

// use makes the ready layout that n names what v begins with: n is the name alone, or a section with it.
// It reports whether that is all there is to read.
func (d *decoder) use(n *yaml.Node, v *Layout, path string) (done bool) {
	name := n
	if n.Kind == yaml.MappingNode {
		name = nil
		for key, val := range pairs(n, map[*yaml.Node]bool{}) {
			if key.Value == "use" {
				name = target(val)
			}
		}
	}
	if name == nil || name.Kind != yaml.ScalarNode || name.Value == "" || name.Tag == "!!null" {
		return false
	}
	l, ok := ReadyLayout(name.Value)
	if !ok {
		names := ReadyLayouts()
		if near := Nearest(name.Value, names); near != "" {
			d.fail(name, join(path, "use"), "there is no ready layout %q, did you mean %q?", name.Value, near)
		} else {
			d.fail(name, join(path, "use"), "there is no ready layout %q: use %s", name.Value, list(names, "or"))
		}
		return name == n
	}
	*v = l
	return name == n
}
