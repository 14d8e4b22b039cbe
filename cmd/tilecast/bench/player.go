package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/cmd/tilecast/chromium"
)

// onAir runs a gateway and a broadcaster of ours in its room. halt ends both.
func onAir(s settings) (base string, halt func(), err error) {
	base, stop, err := startGateway(s, "low")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() {
		over <- broadcast.Demo(ctx, broadcast.DemoConfig{BaseURL: base, Room: "bench", N: 1})
	}()
	halt = func() {
		cancel()
		<-over
		stop()
	}
	deadline := time.Now().Add(30 * time.Second)
	for !playable(base + "/hls/bench/index.m3u8") {
		if time.Now().After(deadline) {
			halt()
			return "", nil, errors.New("the program does not begin")
		}
		time.Sleep(200 * time.Millisecond)
	}
	time.Sleep(10 * time.Second) // a window to start in
	return base, halt, nil
}

// starts is how often the start contest starts a player.
const starts = 20

// start measures the time from hls.js being told the address to the first picture.
func start(s settings) ([]row, error) {
	base, halt, err := onAir(s)
	if err != nil {
		return nil, err
	}
	defer halt()
	pages, closePages, err := servePages(base)
	if err != nil {
		return nil, err
	}
	defer closePages()
	b, err := chromium.Open(chromium.Config{})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	var all []float64
	for range starts + 1 {
		if err := errors.Join(b.Go(pages+"/stock"), b.Until(30*time.Second, "window.firstFrame > 0")); err != nil {
			return nil, err
		}
		var ms float64
		if err := b.Eval("window.firstFrame - window.loaded", &ms); err != nil {
			return nil, err
		}
		all = append(all, ms/1000)
		progress("first frame after %.3f s", ms/1000)
	}
	all = all[1:] // the first start is the browser's
	slices.Sort(all)
	p95 := all[starts*95/100-1]
	return []row{{
		fmt.Sprintf("s to the first frame in hls.js, low, %d starts", starts),
		fmt.Sprintf("p50 %.3f, p95 %.3f, max %.3f", all[starts/2], p95, all[starts-1]), "", fmt.Sprintf("%.3f", p95), "p95 <= 1.0",
	}}, nil
}

// fallJS notes what a player does when its line gets narrow.
const fallJS = `(() => {
	const v = document.querySelector("video"), p = window.__fall = {stalls: [], levels: [], since: 0, begin: performance.now()};
	v.addEventListener("waiting", () => { p.since ||= performance.now(); });
	v.addEventListener("playing", () => { if (p.since) p.stalls.push(performance.now() - p.since); p.since = 0; });
	const hls = window.tilecast?.hls ?? window.hls;
	p.levels.push(hls.currentLevel);
	hls.on("hlsLevelSwitched", (_, d) => p.levels.push(d.level));
})()`

// falling is what fallJS notes; times in ms.
type falling struct {
	Stalls []float64
	Levels []int
	Since  float64
	Height int
}

// fall lets a viewer's line become half as fast as the top rung while it plays.
func fall(s settings) ([]row, error) {
	base, halt, err := onAir(s)
	if err != nil {
		return nil, err
	}
	defer halt()
	var rows []row
	for _, player := range []string{"watch", "stock"} {
		f, err := fallOnce(base, player)
		if err != nil {
			return rows, fmt.Errorf("%s page: %w", player, err)
		}
		longest := 0.0
		if len(f.Stalls) > 0 {
			longest = slices.Max(f.Stalls)
		}
		name := map[string]string{"watch": "our watch page", "stock": "stock hls.js with catch-up"}[player]
		rows = append(rows, row{
			"a line that falls to half the top rung, " + name,
			fmt.Sprintf("%d stalls, longest %.2f s; then %d lines high", len(f.Stalls), longest/1000, f.Height), "", "", "switches down, <= 1 stall < 1 s",
		})
		progress("%s: stalls %.0f ms, levels %v, %d lines high in the end", player, f.Stalls, f.Levels, f.Height)
	}
	return rows, nil
}

func fallOnce(base, player string) (f falling, err error) {
	l, err := newLink(strings.TrimPrefix(strings.Replace(base, "localhost", "127.0.0.1", 1), "http://"))
	if err != nil {
		return f, err
	}
	defer l.close()
	l.set(10_000_000)
	near := "http://" + strings.Replace(l.addr(), "127.0.0.1", "localhost", 1)
	pages, closePages, err := servePages(near)
	if err != nil {
		return f, err
	}
	defer closePages()
	b, err := chromium.Open(chromium.Config{})
	if err != nil {
		return f, err
	}
	defer b.Close()
	address := near + "/watch/bench"
	if player == "stock" {
		address = pages + "/stock"
	}
	if err := errors.Join(b.Go(address), b.Until(time.Minute, `document.querySelector("video")?.videoHeight === 720`)); err != nil {
		return f, err
	}
	time.Sleep(10 * time.Second)
	if err := b.Eval(fallJS, nil); err != nil {
		return f, err
	}
	l.set(float64(top.BitRate) / 2)
	time.Sleep(30 * time.Second)
	if err := b.Eval(`(window.__fall.since && window.__fall.stalls.push(performance.now() - window.__fall.since), {...window.__fall, height: document.querySelector("video").videoHeight})`, &f); err != nil {
		return f, err
	}
	return f, nil
}
