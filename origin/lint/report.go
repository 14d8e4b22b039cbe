package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Finding is a rule that the stream breaks in one place, however often.
type Finding struct {
	Rule     string `json:"rule"`
	Section  string `json:"section"`
	Level    Level  `json:"level"`
	Text     string `json:"text"`         // the rule
	Where    string `json:"where"`        // URL of the playlist or file
	At       string `json:"at,omitempty"` // MSN.part of the first time
	Evidence string `json:"evidence"`     // of the first time
	Advice   string `json:"advice,omitempty"`
	Count    int    `json:"count"`

	id string
}

// Report is what Run has seen.
type Report struct {
	URL       string        `json:"url"`
	Watched   time.Duration `json:"watched_ns"`
	Findings  []Finding     `json:"findings"`  // errors first, then by rule
	Unchecked []string      `json:"unchecked"` // what there was no occasion to check
	Facts     Facts         `json:"facts"`
}

// Facts are what was measured.
type Facts struct {
	Requests   int              `json:"requests"`
	Failed     int              `json:"failed_requests"` // no answer at all
	Bytes      int64            `json:"bytes"`
	Protocol   string           `json:"protocol"`
	Renditions []RenditionFacts `json:"renditions"`
}

// RenditionFacts are those of one media playlist.
type RenditionFacts struct {
	URL        string  `json:"url"`
	Format     string  `json:"format"` // codec and size
	Segments   Spread  `json:"segment_seconds"`
	Parts      Spread  `json:"part_seconds"`
	PeakRate   int     `json:"peak_bits_per_second"` // peak segment bit rate (4.1)
	MeanRate   int     `json:"mean_bits_per_second"`
	Latency    Spread  `json:"latency_seconds"` // from the date at the end of the playlist to its arrival; needs clocks that agree
	Reloads    int     `json:"reloads"`         // playlists read
	Blocking   int     `json:"blocking_reloads"`
	Deltas     int     `json:"deltas"`
	Discarded  int     `json:"not_fetched"` // media that was listed faster than it could be fetched
	PartTarget float64 `json:"part_target_seconds"`
}

// Spread sums up a series of figures.
type Spread struct {
	N    int     `json:"n"`
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	Max  float64 `json:"max"`
}

func (s *Spread) add(x float64) {
	if s.N == 0 || x < s.Min {
		s.Min = x
	}
	if s.N == 0 || x > s.Max {
		s.Max = x
	}
	s.N++
	s.Mean += (x - s.Mean) / float64(s.N)
}

// Count is how many findings have a level.
func (r *Report) Count(l Level) int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

// collector gathers findings from all goroutines of a run.
type collector struct {
	mu     sync.Mutex
	places map[[2]string]*Finding
	ran    map[string]bool // checks that had their occasion
}

func newCollector() *collector {
	return &collector{places: map[[2]string]*Finding{}, ran: map[string]bool{}}
}

// add notes that rule id is broken at a place. A rule that the table lacks is an error, so that nothing is lost.
func (c *collector) add(id, where, at, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{id, where}
	if f := c.places[key]; f != nil {
		f.Count++
		return
	}
	r, ok := rules[id]
	if !ok {
		r = Rule{ID: id, Level: Error}
	}
	c.places[key] = &Finding{
		id: id, Rule: r.number(), Section: r.Section, Level: r.Level, Text: r.Text, Advice: r.Advice,
		Where: where, At: at, Evidence: fmt.Sprintf(format, args...), Count: 1,
	}
}

// done notes that a check has had its occasion.
func (c *collector) done(check string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran[check] = true
}

var levels = []Level{Error, Warning, Note}

// findings are all, errors first, in the order of the rules.
func (c *collector) findings() []Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Finding, 0, len(c.places))
	for _, f := range c.places {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level)),
			byNumber(a.Rule, b.Rule), cmp.Compare(a.id, b.id), cmp.Compare(a.Where, b.Where))
	})
	return list
}

// byNumber sorts P-7 before P-10.
func byNumber(a, b string) int {
	aw, an, _ := strings.Cut(a, "-")
	bw, bn, _ := strings.Cut(b, "-")
	return cmp.Or(cmp.Compare(aw, bw), cmp.Compare(len(an), len(bn)), cmp.Compare(an, bn))
}
