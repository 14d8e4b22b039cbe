// Command bench measures tilecast against its peers and its goals, and prints one table.
//
// Every contest runs its contestants interleaved in one go, so that a noisy machine is
// equally unkind to all; figures are minima with medians behind them, and ratios are what counts.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct{ name, ours, theirs, ratio, goal string }

// settings are the command's flags.
type settings struct {
	runs  int           // of each contestant
	watch time.Duration // of each latency run
	rows  string        // of the network contest, by name; empty: all
	span  time.Duration // that each network row measures
	soak  time.Duration // that the memory of a room is watched
	dir   string        // scratch, kept between calls
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "job" {
		exit(job(os.Args[2:]))
		return
	}
	var s settings
	only := flag.String("only", "compose,canvas,rooms,idle,memory,packaging,serve,viewers,connections,start,fall,cdn,latency,network", "which contests, by name")
	flag.IntVar(&s.runs, "runs", 5, "runs of each contestant")
	flag.DurationVar(&s.watch, "for", 5*time.Minute, "length of each latency run")
	flag.StringVar(&s.rows, "rows", "", "rows of the network contest, such as loss5,blackout30; all of them")
	flag.DurationVar(&s.span, "span", time.Minute, "how long each row of the network contest is measured")
	flag.DurationVar(&s.soak, "soak", time.Minute, "how long the memory of a room is watched")
	flag.StringVar(&s.dir, "dir", ".bench", "folder for clips")
	flag.Parse()
	exit(run(s, strings.Split(*only, ",")))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(s settings, names []string) error {
	contests := map[string]func(settings) ([]row, error){
		"compose": compose, "canvas": canvases, "serve": serveCost, "viewers": viewers, "cdn": caches, "latency": latency, "network": network,
		"rooms": rooms, "idle": idle, "memory": memory,
		"packaging": packaging, "connections": connections, "start": start, "fall": fall,
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return err
	}
	s.dir = dir
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	rows := []row{{"measure", "ours", "theirs", "ratio", "goal"}}
	for _, name := range names {
		contest := contests[name]
		if contest == nil {
			return fmt.Errorf("no contest %q: use %s", name, strings.Join(slices.Sorted(maps.Keys(contests)), ", "))
		}
		before := readShare()
		got, err := contest(s)
		rows = append(rows, got...)
		if taken := readShare().since(before); taken > 0.01 {
			rows = append(rows, row{fmt.Sprintf("(%s: of its cores the host gave this machine's time to others)", name), fmt.Sprintf("%.0f %%", 100*taken), "", "", ""})
		}
		if err != nil {
			print(rows)
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	print(rows)
	return nil
}

// share is time of all cores since this machine's start, in the kernel's ticks.
type share struct{ stolen, all float64 }

// readShare reads it, as /proc/stat has it (proc(5)); where there is none nothing was stolen.
func readShare() (s share) {
	data, _ := os.ReadFile("/proc/stat")
	total, _, _ := strings.Cut(string(data), "\n")
	for i, f := range strings.Fields(total) {
		ticks, _ := strconv.ParseFloat(f, 64)
		if i < 9 { // guests' time is in the user's already
			s.all += ticks
		}
		if i == 8 {
			s.stolen = ticks
		}
	}
	return s
}

// since is the part of the cores' time that the host gave to others.
func (s share) since(before share) float64 {
	return (s.stolen - before.stolen) / max(s.all-before.all, 1)
}

func print(rows []row) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.name, r.ours, r.theirs, r.ratio, r.goal)
	}
	w.Flush()
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
