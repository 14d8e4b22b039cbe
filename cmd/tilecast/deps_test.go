package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// imports is the table of DESIGN section 1: what of ours each folder may import, besides
// itself. A trailing /... stands for everything below, "..." for everything.
var imports = map[string][]string{
	"media":              {},
	"ingest":             {"media"},
	"compositor":         {"media", "compositor/..."},
	"compositor/layout":  {},
	"compositor/level":   {},
	"compositor/speaker": {"media"},
	"compositor/codec":   {"media"},
	"packager":           {"media"},
	"packager/m3u8":      {},
	"origin":             {"media", "packager/..."},
	"origin/archive":     {"media", "packager/..."},
	"origin/lint":        {"packager/m3u8"},
	"origin/web":         {},
	"room":               {"media", "ingest/...", "compositor/...", "packager/...", "origin/..."},
	"room/api":           {"room"},
	"configs":            {"media", "ingest", "compositor", "compositor/art", "compositor/layout", "packager", "origin", "room"},
	"cmd/tilecast":       {"..."},
}

// cOnly is the only package that may import "C".
const cOnly = "compositor/codec"

// goPackage is what we need of `go list -json`.
type goPackage struct {
	ImportPath string
	Module     struct{ Path string }
	Imports    []string
	CgoFiles   []string
}

func TestImportsPointOneWay(t *testing.T) {
	for _, v := range violations(listPackages(t, filepath.Join("..", ".."))) {
		t.Error(v)
	}
}

// A checker that sees nothing would pass too: here is a tree with one violation of each kind.
func TestImportCheckerSees(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"go.mod":                     "module tilecast\n\ngo 1.26\n",
		"media/media.go":             "package media\n\nimport _ \"tilecast/packager/m3u8\"\n",
		"packager/m3u8/m3u8.go":      "package m3u8\n",
		"packager/packager.go":       "package packager\n\n// #include <stdlib.h>\nimport \"C\"\n\nvar _ C.int\n",
		"compositor/codec/codec.go":  "package codec\n\n// #include <stdlib.h>\nimport \"C\"\n\nimport _ \"tilecast/media\"\n\nvar _ C.int\n",
		"compositor/compositor.go":   "package compositor\n\nimport _ \"tilecast/compositor/codec\"\n",
		"stray/stray.go":             "package stray\n",
		"room/room.go":               "package room\n\nimport _ \"tilecast/cmd/tilecast/helper\"\n",
		"cmd/tilecast/helper/all.go": "package helper\n\nimport _ \"tilecast/media\"\n",
	} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := violations(listPackages(t, root))
	want := []string{
		"media imports packager/m3u8: of ours it may import nothing",
		`packager imports "C": only compositor/codec may`,
		"room imports cmd/tilecast/helper: of ours it may import only media, ingest/..., compositor/..., packager/..., origin/...",
		"stray has no place in the design: add it to DESIGN section 1 and to this table, or move it",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// violations are the imports that point the wrong way, in order of the packages.
func violations(pkgs []goPackage) []string {
	var found []string
	for _, p := range pkgs {
		name := strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
		allowed, ok := allowance(name)
		if !ok {
			found = append(found, name+" has no place in the design: add it to DESIGN section 1 and to this table, or move it")
			continue
		}
		if len(p.CgoFiles) > 0 && name != cOnly {
			found = append(found, fmt.Sprintf("%s imports %q: only %s may", name, "C", cOnly))
		}
		for _, path := range p.Imports {
			other, ours := strings.CutPrefix(path, p.Module.Path+"/")
			if !ours || slices.ContainsFunc(allowed, func(rule string) bool { return covers(rule, other) }) {
				continue
			}
			may := "nothing"
			if len(allowed) > 0 {
				may = "only " + strings.Join(allowed, ", ")
			}
			found = append(found, fmt.Sprintf("%s imports %s: of ours it may import %s", name, other, may))
		}
	}
	slices.Sort(found)
	return found
}

// allowance is the rule of a folder, or of the nearest one above it that has one. What
// lies below a folder may import that folder and its other subfolders.
func allowance(name string) ([]string, bool) {
	for dir := name; dir != "."; dir = filepath.Dir(dir) {
		if allowed, ok := imports[dir]; ok {
			if dir != name {
				allowed = append(slices.Clone(allowed), dir, dir+"/...")
			}
			return allowed, true
		}
	}
	return nil, false
}

func covers(rule, name string) bool {
	if dir, ok := strings.CutSuffix(rule, "..."); ok {
		return strings.HasPrefix(name+"/", dir)
	}
	return rule == name
}

// listPackages asks the go command for every package below root, those with C among them.
func listPackages(t *testing.T, root string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Module,Imports,CgoFiles", "./...")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=-buildvcs=false")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatalf("no package below %s", root)
	}
	return pkgs
}
