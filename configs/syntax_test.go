package configs

import (
	"os"
	"strings"
	"testing"
)

func TestSyntax(t *testing.T) {
	for text, want := range map[string]string{
		"http:\n  listen: a: b\n":          "x.yaml:2: not YAML: mapping values are not allowed in this context",
		"data: a\n---\ndata: b\n":          "x.yaml:2: a second document (---): only one is read",
		"data: a\n\nfonts: *none\nlog: {}": "x.yaml:3: not YAML: unknown anchor 'none' referenced",

		// bytes
		"data: a\nfonts: d\xe9mo\n":          "x.yaml:2: not UTF-8: save the file as UTF-8",
		"\xff\xfed\x00a\x00t\x00a\x00:\x00?": "x.yaml:1: not UTF-8: save the file as UTF-8",
		"data: a\n\nfonts: \x07\n":           "x.yaml:3: not YAML: control characters are not allowed",

		// tabs
		"http:\n\tlisten: 1\n":              "x.yaml:2: not YAML: a tab stands before the text of this line: use spaces",
		"rooms:\n\t- name: a\n":             "x.yaml:2: not YAML: a tab stands before the text of this line: use spaces",
		room + "\tlayout: panel\nudp: {}\n": "x.yaml:3: not YAML: a tab stands before the text of this line: use spaces",

		// indents
		room + "    layout:\n      gap: 1%\n     margin: 2%\n":                           "x.yaml:5: not YAML: this line fits to none above it: indent it as its neighbours are",
		room + "    layout:\n      pinned:\n        - a\n        b: 1\nudp: {port: 1}\n": "x.yaml:6: not YAML: this line fits to none above it: indent it as its neighbours are",

		// brackets
		"http: [\n":                        "x.yaml:1: not YAML: ",
		room + "    layout: {mode: grid\n": "x.yaml:3: not YAML: a bracket that is open here is not closed, or a comma is missing, or quotes around a text",
		room + "    layout: {mode: grid\n    preset: low\nudp: {port: 1}\n":                                    "x.yaml:3: not YAML: a bracket that is open here is not closed, or a comma is missing, or quotes around a text",
		room + "    layout:\n      overlays: [\n        {text: 1},\n        {text: 50% off: today}\n      ]\n": "x.yaml:6: not YAML: a bracket that is open here is not closed, or a comma is missing, or quotes around a text",

		"data: a\nfonts: \"b\nlog: {}\n": "x.yaml:2: not YAML: quotes that are open here are not closed",

		// characters
		room + "    layout: {overlays: [{text: @ada}]}":                                            "x.yaml:3: not YAML: no text can begin with @: put quotes around it",
		room + "    layout:\n      gap: %5\n":                                                      "x.yaml:4: not YAML: no text can begin with %: put quotes around it",
		room + "    layout: {tile: {border: {color: #ffffff}}}\n":                                  "x.yaml:3: # begins a comment: put quotes around a colour, \"#ffffff\"",
		room + "    layout: {tile: {border: {color: #ffffff}}}\n    preset: low\nudp: {port: 1}\n": "x.yaml:3: # begins a comment: put quotes around a colour, \"#ffffff\"",

		// what an alias stands for is wrong at the alias
		"rooms: &r\n  - name: demo\n    layout: *r\n": "x.yaml:3: rooms[0].layout: must be a section",
		"? [a, b]\n: 1\n":           "x.yaml:1: ",
		"http: &x [*x]\n":           "x.yaml:1: http: must be a section",
		"rooms: &x\n  - ladder: *x": "x.yaml:",
	} {
		if got := mistakes(t, text); len(got) == 0 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q:\n got %q\nwant %s", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("rooms:\n  - &a\n    <<: *a\n    name: x\n"))
	f.Add([]byte("a: {b: #fff\n\tc"))
	f.Add([]byte("? {a: b}\n: c\n--- !!binary x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse("x.yaml", data)
		if err == nil {
			check(&cfg, func(path, format string, args ...any) { t.Fatalf("%s: "+format, append([]any{path}, args...)...) })
		}
	})
}
