package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/cmd/tilecast/relay"
	"tilecast/compositor/codec"
	"tilecast/media"
)

// networkRows are the conditions of the network contest, in order, by the names that -rows takes.
func networkRows() []networkRow {
	rows := []networkRow{
		{"clean", cleanRow},
		{"chromium", lossRow("clean, Chromium", relay.Link{}, func(m measured) (string, bool) {
			return "none: what the machine does to Chromium by itself", true
		})},
		{"loss2", lossRow("2 % loss, 40 ms", relay.Link{Loss: 0.02, Delay: 20 * time.Millisecond}, func(m measured) (string, bool) {
			return "<= 0.5 % in repeats over 100 ms, sound without gaps", m.share <= 0.005 && m.silent == 0
		})},
		{"loss5", lossRow("5 % loss, 80 ms RTT", relay.Link{Loss: 0.05, Delay: 40 * time.Millisecond}, func(m measured) (string, bool) {
			return "<= 2 % in repeats over 100 ms, received <= 1.15 x sent", m.share <= 0.02 && m.received <= 1.15
		})},
		{"bursts", burstRow},
	}
	for _, rate := range []int{300, 500, 800, 1000} {
		rows = append(rows, networkRow{fmt.Sprint("rate", rate), rateRow(rate)})
	}
	for _, dark := range []int{10, 20, 30, 45, 60} {
		rows = append(rows, networkRow{fmt.Sprint("blackout", dark), blackoutRow(time.Duration(dark) * time.Second)})
	}
	rows = append(rows, networkRow{"address", addressRow})
	for _, n := range []int{1, 2, 3, 4, 6, 9} {
		rows = append(rows, networkRow{fmt.Sprint("simulcast", n), simulcastRow(n)})
	}
	return rows
}

type networkRow struct {
	name string
	run  func(settings) (row, error)
}

// network shows what broadcasters' bad networks do to the program.
func network(s settings) (rows []row, err error) {
	var names []string
	if s.rows != "" {
		names = strings.Split(s.rows, ",")
	}
	var known []string
	for _, r := range networkRows() {
		known = append(known, r.name)
		if len(names) > 0 && !slices.Contains(names, r.name) {
			continue
		}
		progress("network: %s", r.name)
		got, err := r.run(s)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", r.name, err)
		}
		progress("  %s: %s; %s (goal %s)", got.name, got.ours, got.ratio, got.goal)
		rows = append(rows, got)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no such row: use some of %s", strings.Join(known, ", "))
	}
	return rows, nil
}

func verdict(ok bool) string {
	if ok {
		return "reached"
	}
	return "MISSED"
}

// path is a gateway behind a bad network, and the record of its program.
type path struct {
	s       settings
	gateway string
	front   string // the way in through the relay
	relay   *relay.Relay
	count   *packets
	closers []func()
}

// openPath starts both.
func openPath(s settings, up, down relay.Link) (p *path, err error) {
	p = &path{s: s, count: newPackets()}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	var stop func()
	if p.gateway, stop, err = startGateway(s, "low"); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, stop)
	if p.relay, err = relay.New(relay.Config{Seed: 4, Up: up, Down: down, Tap: p.count.tap}); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.relay.Close)
	proxy, err := relay.Proxy(relay.ProxyConfig{Gateway: p.gateway, Relay: p.relay, Answer: p.count.answer})
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: proxy}
	go srv.Serve(ln) // ends with Close
	p.closers = append(p.closers, func() { srv.Close() })
	p.front = fmt.Sprintf("http://localhost:%d", ln.Addr().(*net.TCPAddr).Port)
	return p, nil
}

func (p *path) close() {
	for _, c := range slices.Backward(p.closers) {
		c()
	}
}

// watch records the program while do runs, and decodes it.
func (p *path) watch(do func() error) (ticks []tick, heard sounds, err error) {
	t, err := newTape(p.gateway)
	if err != nil {
		return nil, heard, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	recorded := make(chan error, 1)
	go func() { recorded <- t.record(ctx) }()
	err = do()
	cancel()
	if err = errors.Join(err, <-recorded); err != nil {
		return nil, heard, err
	}
	if ticks, err = t.pictures(); err == nil {
		heard, err = t.sounds()
	}
	return ticks, heard, err
}

// measured is what a stretch of the program was like.
type measured struct {
	share, longest float64   // of ticks in repeats over 100 ms; s
	fps            float64   // new pictures per second
	silent         int       // gaps in the sound of more than 10 ms
	quiet          float64   // s, all of them together
	received       float64   // packets that reached the gateway for each media packet sent
	skews          []float64 // ms
}

// settle is how long a publisher is left alone before it is judged.
const settle = 10 * time.Second

// pionCamera publishes a barcode, and a beep each second over a soft tone, by WHIP.
func pionCamera(p *path) (stop func() error, err error) {
	pub, err := broadcast.New(broadcast.Config{
		URL: p.front + "/whip/bench", ID: "pion", Name: "pion", Video: media.VP8, W: 640, H: 360, BitRate: 800_000,
		Picture: broadcast.Barcode{ID: 3}, Sound: toneAndBeep{}, Codecs: codec.LibAV(),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- pub.Run(ctx) }()
	select {
	case <-pub.Up():
		return func() error { cancel(); return <-done }, nil
	case err := <-done:
		cancel()
		return nil, errors.Join(errors.New("the publisher did not get in"), err)
	}
}

// toneAndBeep is a tone that never stops, and the beep of each second over it.
type toneAndBeep struct{}

func (toneAndBeep) Fill(samples []float32, t media.Time) {
	broadcast.FlashBeep{}.Fill(samples, t)
	tone := make([]float32, len(samples))
	broadcast.Tone{Hz: 225, Level: -26}.Fill(tone, t)
	for i, x := range tone {
		samples[i] += x
	}
}

// pionRow measures a synthetic publisher behind a path for as long as s says.
func pionRow(s settings, up, down relay.Link) (m measured, err error) {
	p, err := openPath(s, up, down)
	if err != nil {
		return m, err
	}
	defer p.close()
	stop, err := pionCamera(p)
	if err != nil {
		return m, err
	}
	var from, to time.Time
	ticks, heard, err := p.watch(func() error {
		time.Sleep(settle)
		from = time.Now()
		p.count.reset()
		time.Sleep(s.span)
		to = time.Now()
		m.received = p.count.ratio()
		return nil
	})
	if err = errors.Join(err, stop()); err != nil {
		return m, err
	}
	return m.judge(ticks, heard, from, to), nil
}

// judge fills in what the decoded program shows.
func (m measured) judge(ticks []tick, heard sounds, from, to time.Time) measured {
	m.share, m.longest = repeats(ticks, from, to)
	m.fps = rate(ticks, from, to)
	for _, gap := range heard.silences(from, to, 0.005) {
		m.silent++
		m.quiet += gap
	}
	m.skews = skews(ticks, heard, from, to)
	return m
}

func (m measured) String() string {
	text := fmt.Sprintf("%.2f %% in repeats, longest %.0f ms, %.1f fps; %d gaps in sound, %.0f ms",
		100*m.share, 1000*m.longest, m.fps, m.silent, 1000*m.quiet)
	if m.received > 0 {
		text += fmt.Sprintf("; received %.3f x sent", m.received)
	}
	if len(m.skews) > 0 {
		skew, _ := summary(m.skews)
		text += "; skew " + skew
	}
	return text
}

func cleanRow(s settings) (row, error) {
	m, err := pionRow(s, relay.Link{}, relay.Link{})
	if err != nil {
		return row{}, err
	}
	_, worst := summary(m.skews)
	return row{name: fmt.Sprintf("network: clean, %v", s.span), ours: m.String(),
		ratio: verdict(m.longest <= 0.1001 && worst <= 20 && m.silent == 0), goal: "no repeat over 100 ms, skew <= 20 ms"}, nil
}

func burstRow(s settings) (row, error) {
	l := relay.Link{Loss: 0.1, Burst: 4, Delay: 75 * time.Millisecond, Jitter: 30 * time.Millisecond}
	m, err := pionRow(s, l, l)
	if err != nil {
		return row{}, err
	}
	_, worst := summary(m.skews)
	return row{name: "network: 10 % bursty loss, 150 ms RTT, 30 ms jitter", ours: m.String(),
		ratio: verdict(m.fps > 5 && worst <= 40), goal: "program up, sound concealed, skew <= 40 ms"}, nil
}

// lossRow measures Chromium behind a lossy path.
func lossRow(name string, l relay.Link, goal func(measured) (string, bool)) func(settings) (row, error) {
	return func(s settings) (row, error) {
		m, err := chromiumRow(s, l)
		if err != nil {
			return row{}, err
		}
		text, ok := goal(m)
		return row{name: "network: " + name, ours: m.String(), ratio: verdict(ok), goal: text}, nil
	}
}
