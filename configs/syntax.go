package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	bareColour = regexp.MustCompile(`[{,]\s*\w+:\s+(#[0-9a-fA-F]{3,8})\b`)
	noToken    = regexp.MustCompile("(?:^|[-:,{[])[ \t]*([@`%|>\t])")
)

// syntax notes why data is no YAML: where, as far as can be told, and how it is mended.
func (d *decoder) syntax(data []byte, err error) {
	m := Mistake{File: d.file}
	defer func() { d.mistakes = append(d.mistakes, m) }()
	lines := bytes.SplitAfter(data, []byte("\n"))
	if i := slices.IndexFunc(lines, func(line []byte) bool { return !utf8.Valid(line) }); i >= 0 {
		m.Line, m.Text = i+1, "not UTF-8: save the file as UTF-8"
		return
	}
	from, problem := whatIsWrong(err)
	m.Line = lineOf(lines, from, problem)
	line := string(bytes.TrimRight(lines[m.Line-1], "\r\n"))
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	for i := m.Line; i >= max(from, 1); i-- { // the rest of a line behind # is none of the text, be it a bracket
		if c := bareColour.FindSubmatch(lines[i-1]); c != nil {
			m.Line, m.Text = i, fmt.Sprintf("# begins a comment: put quotes around a colour, %q", c[1])
			return
		}
	}
	switch char := noToken.FindStringSubmatch(line); {
	case strings.Contains(indent, "\t"):
		m.Text = "not YAML: a tab stands before the text of this line: use spaces"
	case strings.Contains(problem, "cannot start any token") && char != nil:
		m.Text = fmt.Sprintf("not YAML: no text can begin with %s: put quotes around it", char[1])
	case strings.HasPrefix(problem, "did not find expected ',' or"):
		m.Text = "not YAML: a bracket that is open here is not closed, or a comma is missing, or quotes around a text"
	case problem == "found unexpected end of stream":
		m.Text = "not YAML: quotes that are open here are not closed"
	case problem == "did not find expected key", problem == "did not find expected '-' indicator":
		m.Text = "not YAML: this line fits to none above it: indent it as its neighbours are"
	default:
		m.Text = "not YAML: " + problem
	}
}

// whatIsWrong takes an error of the YAML library apart. The line is that of the problem or of what is around it, or the
// one before, or 0.
func whatIsWrong(err error) (line int, problem string) {
	at := yamlLine.FindStringSubmatch(err.Error())
	if at != nil {
		line, _ = strconv.Atoi(at[1])
	}
	return line, yamlLine.ReplaceAllString(err.Error(), "")
}

// lineOf is the first line, not before from, up to which the text has the problem already.
func lineOf(lines [][]byte, from int, problem string) int {
	from = min(max(from, 1), len(lines))
	return from + sort.Search(len(lines)-from, func(n int) bool {
		in := yaml.NewDecoder(bytes.NewReader(bytes.Join(lines[:from+n], nil)))
		for {
			var doc yaml.Node
			if err := in.Decode(&doc); err != nil {
				_, same := whatIsWrong(err)
				return !errors.Is(err, io.EOF) && same == problem
			}
		}
	})
}
