// Package conformance holds the table of the LL-HLS checklist against the tests that cite its numbers.
package conformance

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

//go:embed rules.txt
var rulesText string

// packages are those whose tests prove the rules.
var packages = []string{"packager", "packager/m3u8", "origin"}

const root = "../../.."

type rule struct{ number, level, text string }

func (r rule) applies() bool { return r.level != "-" }

func rules(t *testing.T, text string) (all []rule) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[1] == "-" != strings.HasPrefix(f[2], "not: ") {
			t.Fatalf("rules.txt: %q is not number, level, text", line)
		}
		all = append(all, rule{f[0], f[1], f[2]})
	}
	return all
}

// TestConformance prints every rule with the tests that cite it and whether they pass. It fails when a rule that applies is
// cited by no test, when such a test fails or did not run, and when a test cites a number that there is not.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the tests of other packages")
	}
	cited := map[string][]string{} // by number: package.Test
	for _, dir := range packages {
		for name, numbers := range citations(t, filepath.Join(root, dir)) {
			for _, n := range numbers {
				cited[n] = append(cited[n], dir+"."+name)
			}
		}
	}
	passed := results(t)
	list := rules(t, rulesText)
	var table strings.Builder
	proven, applicable := 0, 0
	for _, r := range list {
		tests, verdict := cited[r.number], "does not apply"
		slices.Sort(tests)
		if r.applies() {
			applicable++
			verdict = judge(t, r, tests, passed)
			if verdict == "pass" {
				proven++
			}
		}
		fmt.Fprintf(&table, "%-7s %-7s %-15s %s\n", r.number, r.level, verdict, r.text)
		for i, test := range tests {
			if i == 2 && len(tests) > 3 {
				fmt.Fprintf(&table, "%32s and %d more\n", "", len(tests)-2)
				break
			}
			fmt.Fprintf(&table, "%32s%s\n", "", test)
		}
		delete(cited, r.number)
	}
	t.Logf("%d of %d rules that apply are proven\n%s", proven, applicable, table.String())
	for n, tests := range cited {
		if section.MatchString(n) {
			t.Errorf("%s is cited by %v, and is not in rules.txt", n, tests)
		}
	}
}

// section are the numbers that rules.txt lists; others (H, A: what players do) may be cited as well.
var section = regexp.MustCompile(`^(S|V|M|G|P|PH|R|D|L|Q|K|MV|C|E|F|T|N)-`)

func judge(t *testing.T, r rule, tests []string, passed map[string]bool) string {
	t.Helper()
	if len(tests) == 0 {
		t.Errorf("%s (%s): no test cites it", r.number, r.text)
		return "NO TEST"
	}
	for _, test := range tests {
		if ok, ran := passed[test]; !ran || !ok {
			t.Errorf("%s (%s): %s failed or did not run", r.number, r.text, test)
			return "FAIL"
		}
	}
	return "pass"
}

var (
	number = regexp.MustCompile(`\b([A-Z]{1,2})-(\d{1,2})(a?)\b`)
	span   = regexp.MustCompile(`\b([A-Z]{1,2})-(\d{1,2}) to (?:[A-Z]{1,2}-)?(\d{1,2})\b`)
)

// numbersIn are the numbers in a text, "Q-3 to Q-9" being all of them.
func numbersIn(text string) (found []string) {
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		from, _ := strconv.Atoi(m[2])
		to, _ := strconv.Atoi(m[3])
		for n := from; n <= to; n++ {
			found = append(found, fmt.Sprintf("%s-%d", m[1], n))
		}
	}
	for _, m := range number.FindAllStringSubmatch(text, -1) {
		found = append(found, m[0])
	}
	return found
}

// function is one of a test package, with what it cites and whom it mentions.
type function struct {
	cites, mentions []string
}

// citations are the numbers that each test of a package cites: in its comment and body, and in those of the helpers that
// it uses.
func citations(t *testing.T, dir string) map[string][]string {
	t.Helper()
	fset := token.NewFileSet()
	funcs := map[string]*function{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() && path != dir {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		collect(fset, file, funcs)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for name := range funcs {
		if strings.HasPrefix(name, "Test") {
			cites := map[string]bool{}
			gather(funcs, name, map[string]bool{}, cites)
			for n := range cites {
				all[name] = append(all[name], n)
			}
		}
	}
	return all
}

func collect(fset *token.FileSet, file *ast.File, funcs map[string]*function) {
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		f := &function{cites: numbersIn(fn.Doc.Text())}
		for _, group := range file.Comments {
			if group.Pos() > fn.Body.Pos() && group.End() < fn.Body.End() {
				f.cites = append(f.cites, numbersIn(group.Text())...)
			}
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					f.cites = append(f.cites, numbersIn(n.Value)...)
				}
			case *ast.Ident:
				f.mentions = append(f.mentions, n.Name)
			}
			return true
		})
		funcs[fn.Name.Name] = f
	}
}

// gather adds what a function cites, and what those cite that it mentions.
func gather(funcs map[string]*function, name string, seen, cites map[string]bool) {
	f := funcs[name]
	if f == nil || seen[name] {
		return
	}
	seen[name] = true
	for _, n := range f.cites {
		cites[n] = true
	}
	for _, other := range f.mentions {
		gather(funcs, other, seen, cites)
	}
}

// results runs the tests of all packages and answers which passed, by package.Test.
func results(t *testing.T) map[string]bool {
	t.Helper()
	args := []string{"test", "-json"}
	for _, p := range packages {
		args = append(args, "./"+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output() // its error is that some test failed
	passed := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var ev struct{ Action, Package, Test string }
		if json.Unmarshal(lines.Bytes(), &ev) != nil || ev.Test == "" || strings.Contains(ev.Test, "/") {
			continue
		}
		if ev.Action == "pass" || ev.Action == "fail" {
			passed[strings.TrimPrefix(ev.Package, "tilecast/")+"."+ev.Test] = ev.Action == "pass"
		}
	}
	if len(passed) == 0 {
		t.Fatalf("go test: %v\n%s", err, stderr.Bytes())
	}
	return passed
}

// A table that cannot fail says nothing: numbers without a test, with one that fails, and unknown ones are found.
func TestConformanceSees(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "x_test.go", `package x
// TestOne holds S-1 and Q-3 to Q-5.
func TestOne(t *testing.T) { help(t); t.Error("PH-11a: no") }
// help is K-2.
func help(t *testing.T) {
	// P-7, and AAS 14.3 and UTF-8
}
func TestTwo(t *testing.T) {}
`, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	funcs := map[string]*function{}
	collect(fset, file, funcs)
	cites := map[string]bool{}
	gather(funcs, "TestOne", map[string]bool{}, cites)
	for _, n := range []string{"S-1", "Q-3", "Q-4", "Q-5", "PH-11a", "K-2", "P-7"} {
		if !cites[n] {
			t.Errorf("%s is not seen", n)
		}
		delete(cites, n)
	}
	if len(cites) > 0 || len(funcs["TestTwo"].cites) > 0 {
		t.Errorf("seen, and not there: %v", cites)
	}
	seen := map[string]bool{}
	for _, r := range rules(t, rulesText) {
		if seen[r.number] || !number.MatchString(r.number) || !section.MatchString(r.number) {
			t.Errorf("rules.txt: %s is there twice, or is no number", r.number)
		}
		seen[r.number] = true
	}
}
