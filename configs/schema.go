package configs

import (
	"fmt"
	"reflect"
	"strings"
)

// The schema is the Config type itself: these functions read it.

// section reports whether t holds keys, rather than being one value.
func section(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Tag.Get("yaml") != ""
}

func keys(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("yaml"))
	}
	return names
}

func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for i, name := range keys(v.Type()) {
		if name == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// paths lists every key below t, sections before what is in them; [] stands for the index of a list.
func paths(t reflect.Type, prefix string) []string {
	var all []string
	for i, name := range keys(t) {
		path, ft := join(prefix, name), t.Field(i).Type
		all = append(all, path)
		if ft.Kind() == reflect.Slice {
			path, ft = path+"[]", ft.Elem()
		}
		if section(ft) {
			all = append(all, paths(ft, path)...)
		}
	}
	return all
}

// settings lists the single values outside of lists: those that a variable or a flag may set.
func settings() []string {
	var all []string
	for _, path := range paths(reflect.TypeFor[Config](), "") {
		if !strings.Contains(path, "[]") {
			if v := lookup(&Config{}, path); !section(v.Type()) && v.Kind() != reflect.Slice {
				all = append(all, path)
			}
		}
	}
	return all
}

// lookup is the field of cfg at a path of settings.
func lookup(cfg *Config, path string) reflect.Value {
	v := reflect.ValueOf(cfg).Elem()
	for name := range strings.SplitSeq(path, ".") {
		v, _ = fieldByKey(v, name)
	}
	return v
}

// hint is the end of a sentence about an unknown key: the key it was meant to be,
// else the place where such a key belongs, else the keys there are.
func hint(key string, t reflect.Type) string {
	if near := Nearest(key, keys(t)); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	for _, path := range paths(reflect.TypeFor[Config](), "") {
		if strings.HasSuffix(path, "."+key) {
			return fmt.Sprintf(", did you mean %q?", path)
		}
	}
	return fmt.Sprintf("; there are %s", list(keys(t), "and"))
}
