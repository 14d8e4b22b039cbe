package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How much is asked in each run of the serve contest.
const (
	serveViewers = 500
	serveRounds  = 20
	servePlain   = 12_000 // playlist answers
)

// serveFigures are those of one run.
type serveFigures struct {
	playlist, blocking  time.Duration // CPU per answer
	allocs, allocsBlock float64       // per answer
	memory              float64       // bytes per parked request
	fan                 []time.Duration
}

// serveCost measures what answers cost the origin, against a bare one.
func serveCost(s settings) ([]row, error) {
	var rows []row
	for _, proto := range []string{"h1", "h2"} {
		all := map[string][]serveFigures{}
		for i := range s.runs {
			for _, kind := range []string{"bare", "ours", "least"} {
				f, err := serveOnce(kind, proto)
				if err != nil {
					return rows, fmt.Errorf("%s, %s: %w", kind, proto, err)
				}
				progress("run %d: %s %s: %v and %v per answer, %.2f and %.2f allocations, %.0f bytes parked", i+1, kind, proto,
					f.playlist, f.blocking, f.allocs, f.allocsBlock, f.memory)
				all[kind] = append(all[kind], f)
			}
		}
		rows = append(rows, serveRows(map[string]string{"h1": "HTTP/1.1", "h2": "HTTP/2 with TLS"}[proto], all)...)
	}
	return rows, nil
}

// serveRows are the lines of one protocol.
func serveRows(proto string, all map[string][]serveFigures) []row {
	ours, bare := all["ours"], all["bare"]
	least := func(all []serveFigures, of func(serveFigures) float64) float64 {
		var v []float64
		for _, f := range all {
			v = append(v, of(f))
		}
		slices.Sort(v)
		return v[0]
	}
	micro := func(name string, of func(serveFigures) time.Duration, goal string) row {
		f := func(s serveFigures) float64 { return float64(of(s)) / 1e3 }
		a, b := least(ours, f), least(bare, f)
		return row{name + ", " + proto, fmt.Sprintf("%.1f µs", a), fmt.Sprintf("bare net/http %.1f µs (%.1f with three header fields)", b, least(all["least"], f)), fmt.Sprintf("%.3f", a/b), goal}
	}
	above := func(name, format string, of func(serveFigures) float64, goal string) row {
		a, b := least(ours, of), least(bare, of)
		return row{name + ", " + proto, fmt.Sprintf(format, a), fmt.Sprintf("bare net/http "+format, b), fmt.Sprintf("+"+format, a-b), goal}
	}
	fan := func(all []serveFigures) string {
		var d []time.Duration
		for _, f := range all {
			d = append(d, f.fan...)
		}
		slices.Sort(d)
		return fmt.Sprintf("p50 %.1f, p99 %.1f ms", d[len(d)/2].Seconds()*1e3, d[len(d)*99/100].Seconds()*1e3)
	}
	return []row{
		micro("CPU per playlist answer", func(f serveFigures) time.Duration { return f.playlist }, "<= 1.10"),
		micro("CPU per answer to 500 parked viewers, playlist and part", func(f serveFigures) time.Duration { return f.blocking }, "<= 1.10"),
		above("heap allocations per playlist answer", "%.2f", func(f serveFigures) float64 { return f.allocs }, "+0"),
		above("heap allocations per parked answer", "%.2f", func(f serveFigures) float64 { return f.allocsBlock }, "+0"),
		above("bytes of memory per parked request", "%.0f", func(f serveFigures) float64 { return f.memory }, "<= +2048"),
		{"from a part's last byte to the write to the last of 500 viewers, playlist and part, " + proto, fan(ours), "bare net/http " + fan(bare), "", "report"},
	}
}

// serveOnce runs one child.
func serveOnce(kind, proto string) (f serveFigures, err error) {
	c, err := startOrigin(kind, proto, false)
	if err != nil {
		return f, err
	}
	defer c.stop()
	ask := newAskers(proto, c.addr)
	defer ask.close()
	if err := servePlaylists(c, ask, &f); err != nil {
		return f, err
	}
	return f, serveParked(c, ask, &f)
}

// servePlaylists asks for the playlist as players do all the time, without being parked.
func servePlaylists(c *originChild, ask askers, f *serveFigures) error {
	now, err := c.do("look")
	if err != nil {
		return err
	}
	msn, _, _ := strings.Cut(now.Next[0], ".")
	target := mediaPath("main-a") + "stream.m3u8?_HLS_msn=" + before(msn) + "&_HLS_part=3&_HLS_skip=v2"
	all, err := ask(16)
	if err != nil {
		return err
	}
	each := func(n int) error {
		var errs [16]error
		var wg sync.WaitGroup
		for i, a := range all {
			wg.Go(func() {
				for range n / len(all) {
					if errs[i] = a.roundTrip(target); errs[i] != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		return errors.Join(errs[:]...)
	}
	if err := each(1600); err != nil { // warm
		return err
	}
	first, err := c.do("look")
	if err != nil {
		return err
	}
	if err := each(servePlain); err != nil {
		return err
	}
	last, err := c.do("look")
	f.playlist = (last.CPU - first.CPU) / servePlain
	f.allocs = float64(last.Mallocs-first.Mallocs) / servePlain
	return err
}

// before is the number before n.
func before(n string) string {
	v, _ := strconv.ParseInt(n, 10, 64)
	return strconv.FormatInt(v-1, 10)
}

// serveParked parks every viewer twice, for a playlist and for its part, and publishes; again and again.
func serveParked(c *originChild, ask askers, f *serveFigures) error {
	viewers, err := ask(2 * serveViewers)
	if err != nil {
		return err
	}
	idle, err := c.do("collect")
	if err != nil {
		return err
	}
	var first, last originReport
	for round := range serveRounds + 2 {
		if round == 2 { // warm
			if first, err = c.do("look"); err != nil {
				return err
			}
		}
		if last, err = serveRound(c, viewers, round == 0, idle, f); err != nil {
			return err
		}
	}
	answers := time.Duration(2 * serveViewers * serveRounds)
	f.blocking = (last.CPU - first.CPU) / answers
	f.allocsBlock = float64(last.Mallocs-first.Mallocs) / float64(answers)
	f.fan = last.Fan[2:]
	return nil
}

// serveRound is one part for everybody. weigh asks for the memory that those parked take.
func serveRound(c *originChild, viewers []*asker, weigh bool, idle originReport, f *serveFigures) (now originReport, err error) {
	if now, err = c.do("look"); err != nil {
		return now, err
	}
	targets := [2]string{mediaPath("main-a") + "stream.m3u8?" + now.Next[1], mediaPath("main-a") + now.Next[0]}
	errs := make([]error, len(viewers))
	var all sync.WaitGroup
	for i, v := range viewers {
		all.Go(func() { errs[i] = v.roundTrip(targets[i%2]) })
	}
	for end := time.Now().Add(20 * time.Second); now.Parked < int64(len(viewers)); {
		if now, err = c.do("look"); err != nil {
			return now, err
		}
		if time.Now().After(end) {
			return now, fmt.Errorf("%d of %d requests are parked", now.Parked, len(viewers))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if weigh {
		if now, err = c.do("collect"); err != nil {
			return now, err
		}
		f.memory = (float64(now.Heap+now.Stack) - float64(idle.Heap+idle.Stack)) / float64(len(viewers))
	}
	if _, err = c.do("publish"); err != nil {
		return now, err
	}
	all.Wait()
	if err = errors.Join(errs...); err != nil {
		return now, err
	}
	return c.do("look")
}

// asker sends one request at a time on a connection, or on a stream, of its own.
type asker struct {
	conn net.Conn // nil: HTTP/2
	read *bufio.Reader
	http *http.Client
	base string
}

// askers makes so many of them.
type askers func(n int) ([]*asker, error)

func (a askers) close() { a(-1) }

// newAskers makes askers, for HTTP/1.1 the cheapest there can be. Over HTTP/2 up to a hundred share a connection, and never
// more than are asked for at a time.
func newAskers(proto, addr string) askers {
	var open []func()
	return func(n int) (all []*asker, err error) {
		if n < 0 {
			for _, f := range open {
				f()
			}
			return nil, nil
		}
		var client *http.Client
		for i := range n {
			if proto == "h1" {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					return nil, err
				}
				open = append(open, func() { conn.Close() })
				all = append(all, &asker{conn: conn, read: bufio.NewReaderSize(conn, 64<<10)})
				continue
			}
			if i%2 == 0 { // a viewer's two requests share a connection
				t := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableCompression: true}
				open = append(open, t.CloseIdleConnections)
				client = &http.Client{Transport: t}
			}
			a := &asker{http: client, base: "https://" + addr}
			if i%2 == 0 {
				if err := a.roundTrip("/hls/nobody"); err != nil && !errors.Is(err, errStatus) {
					return nil, err
				}
			}
			all = append(all, a)
		}
		return all, nil
	}
}

var errStatus = errors.New("not answered with 200")

func (a *asker) roundTrip(target string) error {
	if a.conn == nil {
		req, err := http.NewRequest("GET", a.base+target, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := a.http.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s: %w", target, resp.Status, errStatus)
		}
		return nil
	}
	if _, err := io.WriteString(a.conn, "GET "+target+" HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, deflate, br\r\nUser-Agent: bench\r\n\r\n"); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := a.read.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !strings.HasPrefix(string(line), "HTTP/1.1 200") {
			return fmt.Errorf("%s: %.40s: %w", target, line, errStatus)
		}
		if n, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(n))
		}
		if len(line) == 2 {
			break
		}
	}
	_, err := a.read.Discard(length)
	return err
}
