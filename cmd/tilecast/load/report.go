package load

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report is what a run measured. Times are in seconds.
type Report struct {
	URL        string  `json:"url"`
	Protocol   string  `json:"protocol"`
	Viewers    int     `json:"viewers"`
	Joined     int     `json:"joined"`
	Seconds    float64 `json:"seconds"`
	PartTarget float64 `json:"partTarget"`

	Parts     Parts     `json:"parts"`
	Served    Served    `json:"served"`
	Spread    Times     `json:"spread"`  // from the first viewer that had a part to the last
	Behind    Times     `json:"behind"`  // of each viewer behind the first, for each part
	Latency   Times     `json:"latency"` // age of a part's last sample when its last byte came, by PROGRAM-DATE-TIME
	Stalls    Stalls    `json:"stalls"`  // of a player that stays its hold-back behind
	Playlists Playlists `json:"playlists"`
	Bytes     int64     `json:"bytes"`
	BitRate   float64   `json:"bitRate"`
	Errors    []Failure `json:"errors"`
}

// Parts are those of all viewers. One is in time that comes within a part target of the first viewer's.
type Parts struct {
	Got    int     `json:"got"`
	InTime int     `json:"inTime"`
	Missed int     `json:"missed"`
	Share  float64 `json:"share"` // in time, of those that there were
}

// Served are the viewers who got 99.9 % of their parts in time.
type Served struct {
	Viewers int     `json:"viewers"`
	Share   float64 `json:"share"`
}

// Times are quantiles.
type Times struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Stalls are the times when a buffer ran dry.
type Stalls struct {
	Count   int     `json:"count"`
	Viewers int     `json:"viewers"` // who had any
	Seconds float64 `json:"seconds"`
}

// Playlists are the reloads that were answered.
type Playlists struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// Failure is an error, and how often it was met.
type Failure struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}

// Good reports whether everybody was served: all parts in time, no stall, no error.
func (r *Report) Good() bool {
	return r.Joined >= r.Viewers && r.Served.Viewers == r.Viewers && r.Stalls.Count == 0 && len(r.Errors) == 0
}

func (r *run) report(viewers []*viewer, used time.Duration) *Report {
	t := &r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fold(time.Now().Add(time.Hour))
	rep := &Report{
		URL: r.cfg.URL, Protocol: r.cfg.protocol(), Viewers: len(viewers), Seconds: used.Seconds(),
		PartTarget: time.Duration(r.target.Load()).Seconds(),
		Spread:     t.spread.times(), Behind: t.late.times(), Latency: t.age.times(),
		Playlists: Playlists{t.playlists, t.playlistBytes}, Bytes: t.playlistBytes, Errors: t.failures(),
	}
	if rep.Errors == nil {
		rep.Errors = []Failure{}
	}
	for _, v := range viewers {
		s := v.score
		rep.Parts.Got += s.parts
		rep.Parts.InTime += s.inTime
		rep.Parts.Missed += s.missed
		rep.Bytes += s.bytes
		rep.Stalls.Count += s.stalls
		rep.Stalls.Seconds += s.stalled.Seconds()
		if s.stalls > 0 {
			rep.Stalls.Viewers++
		}
		if s.parts > 0 {
			rep.Joined++
		}
		if s.parts > 0 && float64(s.inTime) >= 0.999*float64(s.parts+s.missed) {
			rep.Served.Viewers++
		}
	}
	if n := rep.Parts.Got + rep.Parts.Missed; n > 0 {
		rep.Parts.Share = float64(rep.Parts.InTime) / float64(n)
	}
	rep.Served.Share = float64(rep.Served.Viewers) / float64(len(viewers))
	if used > 0 {
		rep.BitRate = float64(rep.Bytes) * 8 / used.Seconds()
	}
	return rep
}

func (c *Config) protocol() string {
	switch {
	case c.H2C:
		return "HTTP/2 without TLS"
	case c.connections() == 1:
		return "HTTP/2 with TLS"
	case c.secure():
		return "HTTP/1.1 with TLS"
	}
	return "HTTP/1.1"
}

func (h *histogram) times() Times {
	if h.n == 0 {
		return Times{}
	}
	return Times{h.quantile(.5).Seconds(), h.quantile(.95).Seconds(), h.quantile(.99).Seconds(), h.most.Seconds()}
}

// WriteText writes the report for people.
func (r *Report) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	quantiles := func(t Times) string {
		return fmt.Sprintf("p50 %.3f, p95 %.3f, p99 %.3f, max %.3f s", t.P50, t.P95, t.P99, t.Max)
	}
	line("stream", "%s, %s", r.URL, r.Protocol)
	line("viewers", "%d of %d, for %.1f s", r.Joined, r.Viewers, r.Seconds)
	line("served", "%d got 99.9 %% of their parts within one part target (%.3f s)", r.Served.Viewers, r.PartTarget)
	line("parts", "%d, %.3f %% in time, %d missed", r.Parts.Got+r.Parts.Missed, 100*r.Parts.Share, r.Parts.Missed)
	line("spread", "%s, from the first viewer to the last", quantiles(r.Spread))
	line("behind", "%s, each viewer behind the first", quantiles(r.Behind))
	line("latency", "%s, age of a part when it is there", quantiles(r.Latency))
	line("stalls", "%d, of %d viewers, %.2f s in all", r.Stalls.Count, r.Stalls.Viewers, r.Stalls.Seconds)
	line("playlists", "%d, %.1f MB", r.Playlists.Count, float64(r.Playlists.Bytes)/1e6)
	line("bytes", "%.1f MB, %.1f Mbit/s", float64(r.Bytes)/1e6, r.BitRate/1e6)
	for _, e := range r.Errors {
		line("error", "%s (%d times)", e.What, e.Count)
	}
	return w.Flush()
}
