package m3u8

import (
	"strings"
	"testing"
)

// moments is a walk of the live playlist, part by part.
func moments(t *testing.T, from, to int64) []*Playlist {
	t.Helper()
	var all []*Playlist
	for msn := from; msn < to; msn++ {
		for parts := range 6 {
			all = append(all, parse(t, live(msn, parts).Append(nil)))
		}
	}
	return all
}

// L-1, L-11 and the constants: a living playlist has no findings, however many versions a player missed.
func TestUpdatesOfALivePlaylist(t *testing.T) {
	all := moments(t, 112, 128)
	for i, prev := range all {
		for _, next := range all[i:] {
			if f := CheckUpdate(prev, next); len(f) > 0 {
				t.Fatalf("from\n%s\nto\n%s\n%v", prev.Append(nil), next.Append(nil), f)
			}
		}
	}
}

// K-1 to K-8: a delta applied to any copy a player may still hold is the full playlist.
func TestDeltaAppliedIsTheFullPlaylist(t *testing.T) {
	all := moments(t, 112, 128)
	for i, full := range all {
		d := parse(t, delta(full))
		if f := CheckDelta(full, d); len(f) > 0 {
			t.Fatal(f)
		}
		for _, base := range all[max(0, i-18):i] { // half of CAN-SKIP-UNTIL: 18 parts
			got, err := ApplyDelta(base, d)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Append(nil)) != string(full.Append(nil)) {
				t.Fatalf("\n%s\napplied to\n%s\nis\n%s", d.Append(nil), base.Append(nil), got.Append(nil))
			}
			for j, s := range got.Segments {
				if want := full.Segments[j]; s.InForce != want.InForce || s.MSN != want.MSN || s.DSN != want.DSN {
					t.Fatalf("segment %+v, want %+v", s, want)
				}
			}
		}
	}
}

// K-8: what the skipped segments say goes on for those that follow them.
func TestDeltaCarriesInitAndDiscontinuity(t *testing.T) {
	p := live(112, 2)
	p.Segments[2].Discontinuity, p.Segments[2].Map = true, "init.1.mp4"
	p.Segments[9].Discontinuity, p.Segments[9].Map = true, "init.2.mp4"
	full := parse(t, p.Append(nil))
	got, err := ApplyDelta(full, parse(t, delta(full)))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range append(got.Segments, *got.Open) {
		want := []string{"init.0.mp4", "init.1.mp4", "init.2.mp4"}[s.DSN]
		if s.InForce != want || i < 12 && s.DSN != full.Segments[i].DSN || i == 12 && s.DSN != 2 {
			t.Errorf("segment %d: DSN %d, %s", s.MSN, s.DSN, s.InForce)
		}
	}
	if f := CheckUpdate(full, got); len(f) > 0 {
		t.Error(f)
	}
}

// K-2: the boundary of Apple's sample and of the checklist's, and just above and below.
func TestSkippable(t *testing.T) {
	for _, c := range []struct {
		duration float64
		segments int
		until    float64
		want     int
	}{
		{4.00008, 8, 24, 2}, // six segments are kept: 24.0005 s
		{4, 8, 24, 1},       // the one that ends exactly at the boundary is kept
		{6, 10, 36, 3},
		{2, 7, 12, 0},
		{2, 8, 12, 1},
		{2, 6, 12, 0},
		{2, 0, 12, 0},
		{2, 8, 0, 0},
	} {
		p := &Playlist{Header: Header{CanSkipUntil: c.until}}
		for range c.segments {
			p.Segments = append(p.Segments, Listed{Segment: Segment{Duration: c.duration}})
		}
		if got := p.Skippable(); got != c.want {
			t.Errorf("%d segments of %gs, boundary %gs: %d, want %d", c.segments, c.duration, c.until, got, c.want)
		}
		if p.EndList = true; p.Skippable() != 0 { // M-15
			t.Error("an ended playlist has no delta")
		}
	}
}

func TestApplyDeltaRefusals(t *testing.T) {
	d := parse(t, delta(live(112, 2)))
	for want, base := range map[string]*Playlist{
		"K-1: a delta is applied to a full playlist":                            d,
		"K-3: segments 100 to 104 are skipped, the older copy has 101 to 112":   parse(t, live(113, 0).Append(nil)),
		"K-3: segments 100 to 104 are skipped, the older copy has 88 to 99":     parse(t, live(100, 0).Append(nil)),
		"K-3: segments 100 to 104 are skipped, the older copy has 1000 to 1011": parse(t, live(1012, 0).Append(nil)),
	} {
		if _, err := ApplyDelta(base, d); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	full := live(112, 2)
	if got, err := ApplyDelta(d, full); err != nil || got != full {
		t.Errorf("a full playlist applied: %v, %v", got, err)
	}
}

func TestCheckDeltaFindsEachRule(t *testing.T) {
	full := parse(t, live(112, 2).Append(nil))
	for rule, change := range map[string]func(*Playlist){
		"K-2": func(d *Playlist) { d.Skipped, d.Segments = 4, full.Segments[4:] },
		"K-3": func(d *Playlist) { d.DiscontinuitySequence++ },
		"K-5": func(d *Playlist) { d.Segments[0].Map = "init.0.mp4" },
	} {
		d := parse(t, delta(full))
		change(d)
		found := CheckDelta(full, d)
		if len(found) == 0 || found[0].Rule != rule {
			t.Errorf("%s: found %v", rule, found)
		}
	}
}

func TestCheckUpdateFindsEachRule(t *testing.T) {
	for _, c := range []struct {
		rule         string
		before, then func(*Playlist) // changes to 112.2 and to 113.1
	}{
		{"M-2", nil, func(p *Playlist) { p.TargetDuration = 3 }},
		{"M-23", nil, func(p *Playlist) { p.PartTarget = 0.35 }},
		{"M-23", nil, func(p *Playlist) { p.PartHoldBack = 1.05 }},
		{"M-12", nil, func(p *Playlist) { p.Type = "EVENT" }},
		{"M-14", func(p *Playlist) { p.EndList = true }, func(p *Playlist) { p.EndList = true }},
		{"M-9", nil, func(p *Playlist) { p.Segments[5].DSN++ }},
		{"L-11", nil, func(p *Playlist) { p.Segments[5].URI = "other.m4s" }},
		{"L-1", nil, func(p *Playlist) { p.Segments[5].Duration = 1.9 }},
		{"L-1", nil, func(p *Playlist) { p.Segments[5].Gap = true }},
		{"L-1", nil, func(p *Playlist) { p.Segments[5].InForce = "init.1.mp4" }},
		{"L-1", nil, func(p *Playlist) { p.Segments[5].ProgramDateTime = start }},
		{"L-1", nil, func(p *Playlist) { p.Segments[10].Parts[1].Duration = 0.32 }},
		{"L-1", nil, func(p *Playlist) { p.Segments[11].Parts[0].Independent = false }}, // of the segment that was open
		{"P-12", nil, func(p *Playlist) { p.Segments[10].Parts = nil }},
		{"PH-2", func(p *Playlist) { p.Hints[0].URI = "112.3.m4s" }, nil},
		{"PH-2", func(p *Playlist) { p.Open, p.Hints[0].URI = nil, "112.1.m4s" }, nil},
		{"K-1", func(p *Playlist) { p.Skipped = 1 }, nil},
		{"D-8", func(p *Playlist) {
			p.DateRanges = []Range{{ID: "a", Class: "c", Start: start.AddDate(0, 0, -1), EndOnNext: true}}
		}, nil},
		{"D-8", func(p *Playlist) {
			p.DateRanges = []Range{{ID: "a", Class: "c", Start: start.AddDate(0, 0, -1), EndOnNext: true}}
		}, func(p *Playlist) {
			p.DateRanges = []Range{{ID: "b", Class: "c", Start: p.Segments[3].ProgramDateTime, EndOnNext: true}}
		}},
	} {
		prev, next := parse(t, live(112, 2).Append(nil)), parse(t, live(113, 1).Append(nil))
		if c.before != nil {
			c.before(prev)
		}
		if c.then != nil {
			c.then(next)
		}
		found := CheckUpdate(prev, next)
		if len(found) == 0 {
			t.Errorf("%s is not found", c.rule)
		}
		for _, f := range found {
			if f.Rule != c.rule {
				t.Errorf("%s: found %v", c.rule, f)
			}
		}
	}

	// Backwards: everything that only grows has shrunk.
	prev, next := parse(t, live(113, 1).Append(nil)), parse(t, live(112, 2).Append(nil))
	prev.DiscontinuitySequence, prev.EndList = 1, true
	rules := map[string]bool{}
	for _, f := range CheckUpdate(prev, next) {
		rules[f.Rule] = true
	}
	for _, want := range []string{"M-5", "M-9", "M-14", "L-1"} {
		if !rules[want] {
			t.Errorf("%s is not found: %v", want, rules)
		}
	}
	short := parse(t, live(113, 0).Append(nil))
	short.Segments, short.MediaSequence = short.Segments[10:], 111
	wantOnly(t, "L-5", CheckUpdate(parse(t, live(112, 2).Append(nil)), short))
}
