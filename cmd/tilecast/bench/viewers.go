package main

import (
	"context"
	"fmt"
	"time"

	"tilecast/cmd/tilecast/canned"
	"tilecast/cmd/tilecast/load"
)

// viewers finds how many get 99.9 % of their parts within one part target, while they share two cores with the
// origin: more and more of them play ours and a bare one in turn, until both lose many.
func viewers(s settings) ([]row, error) {
	var rows []row
	for _, proto := range []string{"h1", "h2"} {
		best := map[string]int{}
		first := 300
		if proto == "h2" {
			first = 100
		}
		for n := first; n <= 5000; n = n * 3 / 2 {
			good := false
			for _, kind := range []string{"bare", "ours"} {
				rep, err := viewersOnce(kind, proto, n)
				if err != nil {
					return rows, fmt.Errorf("%s, %s, %d viewers: %w", kind, proto, n, err)
				}
				progress("%s %s: %d of %d served, %.3f %% of parts in time, behind p99 %.3f s, %d stalls, %d errors", kind, proto,
					rep.Served.Viewers, n, 100*rep.Parts.Share, rep.Behind.P99, rep.Stalls.Count, len(rep.Errors))
				best[kind] = max(best[kind], rep.Served.Viewers)
				good = good || rep.Served.Share > .5
			}
			if !good {
				break
			}
		}
		name := map[string]string{"h1": "HTTP/1.1", "h2": "HTTP/2 with TLS"}[proto]
		rows = append(rows, row{
			"viewers who get 99.9 % of parts within one part target, " + name,
			fmt.Sprint(best["ours"]), fmt.Sprint("bare net/http ", best["bare"]), fmt.Sprintf("%.3f", float64(best["ours"])/float64(best["bare"])), ">= 0.95",
		})
	}
	return rows, nil
}

// viewersOnce lets n viewers play for a while.
func viewersOnce(kind, proto string, n int) (*load.Report, error) {
	c, err := startOrigin(kind, proto, true)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	if _, err := c.do("live"); err != nil {
		return nil, err
	}
	url := "http://" + c.addr
	if proto == "h2" {
		url = "https://" + c.addr
	}
	return load.Run(context.Background(), load.Config{
		URL: url + "/hls/" + canned.Room + "/index.m3u8", Viewers: n, For: 8 * time.Second, Ramp: time.Duration(n) * 6 * time.Millisecond, Insecure: true,
	})
}
