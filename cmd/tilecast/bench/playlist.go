package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// playlist measures the CPU of answering for a media playlist, against a net/http
// handler that writes the same bytes: origin's own benchmark pairs, interleaved.
func playlist(s settings) ([]row, error) {
	rows := []struct{ bench, name, goal string }{
		{"BenchmarkPlaylist", "CPU s per million playlist answers, kept-alive HTTP/1.1", "<= 1.30"},
		{"BenchmarkBlockedPlaylist", "CPU s per million answers to 500 blocked viewers", ""},
	}
	samples := map[string][]time.Duration{}
	for i := range s.runs {
		progress("run %d: playlist pairs", i+1)
		cmd := exec.Command("go", "test", "-run", "^$", "-bench", "^(BenchmarkPlaylist|BenchmarkBlockedPlaylist)$", "-benchtime", "1s", "./origin")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
		collect(out, samples)
	}
	var table []row
	for _, r := range rows {
		ours, bare := samples[r.bench+"/ours"], samples[r.bench+"/bare"]
		if len(ours) == 0 || len(bare) == 0 {
			return table, fmt.Errorf("%s gave no cpu-ns/op", r.bench)
		}
		table = append(table, versus(r.name, ours, bare, r.goal))
	}
	return table, nil
}

// collect reads cpu-ns/op off lines such as "BenchmarkPlaylist/ours-2  100  123 ns/op  99 cpu-ns/op". A
// million operations of n ns take n ms.
func collect(out []byte, samples map[string][]time.Duration) {
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		for i := 1; i < len(f); i++ {
			if f[i] != "cpu-ns/op" {
				continue
			}
			name := f[0]
			if cut := strings.LastIndexByte(name, '-'); cut > 0 {
				name = name[:cut]
			}
			if ns, err := strconv.ParseFloat(f[i-1], 64); err == nil {
				samples[name] = append(samples[name], time.Duration(ns*float64(time.Millisecond)))
			}
		}
	}
}
