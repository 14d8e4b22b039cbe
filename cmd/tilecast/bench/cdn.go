package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tilecast/cmd/tilecast/cdn"
)

// crowd is how many viewers the contest sends through each cache.
const crowd = 200

// caches measures what Varnish and nginx in front of the origin cost viewers who wait: how long it takes from the first
// who has a part to the last, against viewers who ask the origin directly; and what is left for the origin to do.
func caches(s settings) ([]row, error) {
	ways := []string{"direct", string(cdn.Varnish), string(cdn.Nginx)}
	p50, p95 := map[string][]time.Duration{}, map[string][]time.Duration{}
	loads := map[string]cdn.Load{}
	for i := range s.runs {
		for _, way := range ways {
			progress("run %d: %d viewers, %s", i+1, crowd, way)
			w, l, err := crowded(way, filepath.Join(s.dir, "cdn", fmt.Sprint(way, "-", i)))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", way, err)
			}
			p50[way], p95[way] = append(p50[way], w.Spread(50)), append(p95[way], w.Spread(95))
			loads[way] = cdn.Load{Requests: loads[way].Requests + l.Requests, Objects: loads[way].Objects + l.Objects, URLs: loads[way].URLs + l.URLs}
		}
	}
	var rows []row
	for _, way := range ways[1:] {
		goal := map[string]string{string(cdn.Varnish): "<= 1.20", string(cdn.Nginx): "(its lock looks every 500 ms)"}[way]
		rows = append(rows,
			spreadRow(way, "p50", p50[way], p50["direct"], goal), spreadRow(way, "p95", p95[way], p95["direct"], ""))
		l := loads[way]
		rows = append(rows, row{
			fmt.Sprintf("origin requests per object, %d viewers behind %s", crowd, way),
			fmt.Sprintf("%.2f", float64(l.Requests)/float64(l.Objects)), fmt.Sprintf("%.0f direct", float64(loads["direct"].Requests)/float64(loads["direct"].Objects)),
			"", "<= 1.10"})
	}
	return rows, nil
}

func spreadRow(way, which string, ours, direct []time.Duration, goal string) row {
	a, b := median(ours), median(direct)
	return row{
		fmt.Sprintf("first to last of %d viewers to have a part, %s, %s", crowd, which, way),
		a.Round(100 * time.Microsecond).String(), b.Round(100*time.Microsecond).String() + " direct",
		fmt.Sprintf("%.2f", a.Seconds()/b.Seconds()), goal}
}

func median[T cmp.Ordered](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// crowded is one run: a program of its own, with a cache of its own in front, or none.
func crowded(way, dir string) (w cdn.Watched, l cdn.Load, err error) {
	g, err := cdn.NewProgram("low")
	if err != nil {
		return w, l, err
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return w, l, err
	}
	srv := &http.Server{Handler: g}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(at) }()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
		srv.Close()
		<-served
	}()
	base := "http://" + at.Addr().String()
	if way != "direct" {
		c, err := cdn.Start(cdn.Kind(way), "configs", dir, at.Addr().String())
		if err != nil {
			return w, l, err
		}
		defer c.Stop()
		base = c.URL
	}
	if w, err = cdn.Watch(ctx, base+cdn.List, crowd, 15*time.Second); err == nil && len(w.Failures) > 0 {
		err = fmt.Errorf("%d viewers gave up: %s", len(w.Failures), strings.TrimSpace(w.Failures[0]))
	}
	return w, g.Load(), err
}
