package lint

import (
	"testing"
	"time"

	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// Streams of every kind that our packager and origin make have neither errors nor warnings, and no notes but that
// plain http is no HTTP/2.
func TestGoodStreams(t *testing.T) {
	for name, c := range map[string]struct {
		how  style
		d    time.Duration
		then func(*program)
	}{
		"ultra":                  {style{}, 20 * time.Second, nil},
		"low":                    {style{preset: "low", past: 30 * media.Second}, 30 * time.Second, nil},
		"apple":                  {style{preset: "apple", past: 90 * media.Second}, 60 * time.Second, nil},
		"classic":                {style{preset: "classic", past: 90 * media.Second}, 40 * time.Second, nil},
		"byte ranges":            {style{ranges: true}, 20 * time.Second, nil},
		"byte ranges, low":       {style{preset: "low", ranges: true, past: 30 * media.Second}, 30 * time.Second, nil},
		"events":                 {style{}, 20 * time.Second, announce},
		"speakers":               {style{}, 90 * time.Second, speak},
		"gaps":                   {style{silent: [2]media.Time{past + 4*media.Second, past + 6*media.Second}}, 20 * time.Second, nil},
		"gaps of long ago":       {style{silent: [2]media.Time{past - 8*media.Second - media.Second/2, past - 6*media.Second - media.Second/2}}, 20 * time.Second, nil},
		"begins with gaps":       {style{dead: past + 6*media.Second}, 20 * time.Second, nil},
		"gaps, ranges":           {style{dead: past + 6*media.Second, ranges: true}, 20 * time.Second, nil},
		"gaps, classic":          {style{preset: "classic", past: 90 * media.Second, dead: 96 * media.Second}, 40 * time.Second, nil},
		"a rung of gaps":         {style{dead: 3600 * media.Second}, 20 * time.Second, nil},
		"over":                   {style{}, 20 * time.Second, func(g *program) { g.close(); g.end = 1 }},
		"over, of byte ranges":   {style{ranges: true}, 20 * time.Second, func(g *program) { g.close(); g.end = 1 }},
		"over, classic":          {style{preset: "classic", past: 60 * media.Second}, 20 * time.Second, func(g *program) { g.close(); g.end = 1 }},
		"ends while it is shown": {style{}, 20 * time.Second, func(g *program) { g.end = past + 5*media.Second }},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && len(name) > 5 {
				t.Skip("a sample is enough")
			}
			var then []func(*program)
			if c.then != nil {
				then = append(then, c.then)
			}
			rep := checkedStyle(t, c.how, Config{For: c.d}, nil, then...)
			for _, f := range rep.Findings {
				if f.id != "N-1/plain" {
					t.Errorf("%s %s %s %s: %s (%d)", f.Level, f.id, f.Where, f.At, f.Evidence, f.Count)
				}
			}
			for _, line := range rep.Unchecked {
				t.Log("unchecked:", line)
			}
			for i, f := range rep.Facts.Renditions {
				if i == 0 && c.how.dead > 1000*media.Second {
					continue // nothing is there to be seen
				}
				if f.Segments.N == 0 || f.MeanRate == 0 || f.Format == "" {
					t.Errorf("little was seen: %+v", f)
				}
			}
		})
	}
}

// announce puts two events into the next seconds of a program.
func announce(g *program) {
	for i, id := range []string{"one", "two"} {
		at := g.plan.Rate.Frame(g.frames) + media.Time(2+3*i)*media.Second
		if _, err := g.p.Announce(origin.Announcement{
			Event: packager.Event{ID: id, Scheme: "https://aomedia.org/emsg/ID3", Start: at, Dur: media.Second, Payload: []byte("ID3\x04\x00\x00\x00\x00\x00\x00")},
			Class: "test", Client: []m3u8.ClientAttribute{{Name: "X-CHECK", Value: id}},
		}); err != nil {
			g.t.Error(err)
		}
	}
}

// speak has two people speak in turn, the second one late.
func speak(g *program) {
	for i, id := range []string{"ada", "bob"} {
		if _, err := g.p.Announce(origin.Announcement{
			Event: packager.Event{ID: id, Scheme: "urn:x:speaker", Start: g.plan.Rate.Frame(g.frames) * media.Time(1-i), Payload: []byte(id)},
			State: true, Class: "speaker", Client: []m3u8.ClientAttribute{{Name: "X-SPEAKER", Value: id}},
		}); err != nil {
			g.t.Error(err)
		}
	}
}
