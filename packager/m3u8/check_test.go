package m3u8

import (
	"strings"
	"testing"
	"time"
)

func TestWhatWeWriteHasNoFindings(t *testing.T) {
	for msn := int64(112); msn < 130; msn++ {
		for parts := range 6 {
			full := parse(t, live(msn, parts).Append(nil))
			if f := Check(full); len(f) > 0 {
				t.Errorf("%d.%d: %v", msn, parts, f)
			}
			if f := Check(parse(t, delta(full))); len(f) > 0 {
				t.Errorf("%d.%d, delta: %v", msn, parts, f)
			}
		}
	}
	if f := CheckMultivariant(ladder()); len(f) > 0 {
		t.Error(f)
	}
}

// Each rule is found when it is broken in the text, and nothing else is.
func TestCheckFindsEachRule(t *testing.T) {
	full := string(live(112, 2).Append(nil))
	part := func(n, duration string) string {
		return "#EXT-X-PART:DURATION=" + duration + ",URI=\"111." + n + ".m4s\"\n"
	}
	const third = "0.33333"
	for _, c := range []struct {
		rule     string
		old, new string // what is written instead of what
	}{
		{"S-8", "#EXT-X-VERSION:9\n", ""},
		{"V-3", "VERSION:9", "VERSION:5"},
		{"M-1", "#EXTINF:2.00000,\n104.m4s", "#EXTINF:2.50000,\n104.m4s"},
		{"M-11", "#EXT-X-DISCONTINUITY-SEQUENCE:0\n", "#EXT-X-DISCONTINUITY\n"},
		{"M-12", "#EXT-X-MEDIA-S", "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-S"},
		{"M-17", "CAN-SKIP-UNTIL=12.0", "CAN-SKIP-UNTIL=11.9"},
		{"M-18", "CAN-SKIP-UNTIL=12.0", "CAN-SKIP-DATERANGES=YES"},
		{"M-19", ",HOLD-BACK=6.0", ",HOLD-BACK=5.99"},
		{"M-20", "PART-HOLD-BACK=1.025", "PART-HOLD-BACK=1.024"},
		{"M-20", ",PART-HOLD-BACK=1.025", ""},
		{"M-21", "CAN-BLOCK-RELOAD=YES,", ""},
		{"M-22", "#EXT-X-PART-INF:PART-TARGET=0.34134\n", ""},
		{"G-8", "#EXT-X-MAP:URI=\"init.0.mp4\"\n", ""},
		{"G-10", "10:00:04.123Z", "10:00:04.123"},
		{"G-11", "10:00:24.123Z", "10:00:25.123Z"},
		{"G-14", part("0", third)[:len(part("0", third))-1] + ",INDEPENDENT=YES\n", "#EXT-X-GAP\n" + part("0", third)},
		{"H-17", part("5", third) + "#EXTINF:2.00000,\n", "#EXTINF:2.00000,\n" + part("5", third)},
		{"P-7", "DURATION=0.33333,URI=\"112.1", "DURATION=0.34135,URI=\"112.1"},
		{"P-8", part("4", third) + part("5", third) + "#EXTINF:2.00000", part("4", "0.29013") + part("5", "0.34134") + "#EXTINF:1.96479"},
		{"P-15", part("5", third), part("5", "0.31")},
		{"PH-1", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"112.2.m4s\"\n", ""},
		{"PH-5", "#EXT-X-PRELOAD-HINT:", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"x\"\n#EXT-X-PRELOAD-HINT:"},
		{"PH-11", "#EXT-X-PART:DURATION=0.33333,URI=\"112.0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.33333,URI=\"112.1.m4s\"\n", "#EXT-X-ENDLIST\n"},
		{"M-15", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"112.2.m4s\"\n", "#EXT-X-ENDLIST\n"},
		{"R-2", "URI=\"../audio/", "URI=\"https://cdn.example/audio/"},
		{"R-3", "audio/stream.m3u8\",LAST-MSN=112", "audio/stream.m3u8\""},
		{"R-4", ",LAST-PART=1\n", "\n"},
		{"K-1", "CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=1.025\n", "PART-HOLD-BACK=1.025\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"},
	} {
		if !strings.Contains(full, c.old) {
			t.Fatalf("%s: no %q in\n%s", c.rule, c.old, full)
		}
		text := strings.ReplaceAll(full, c.old, c.new)
		if c.rule == "K-1" { // a SKIP stands behind the sequence numbers
			text = strings.Replace(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n", "", 1)
			text = strings.Replace(text, "#EXT-X-MAP", "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-MAP", 1)
		}
		wantOnly(t, c.rule, Check(parse(t, []byte(text))))
	}
}

// The same for rules about the playlist as a whole.
func TestCheckFindsWholes(t *testing.T) {
	for rule, change := range map[string]func(*Playlist){
		"H-14": func(p *Playlist) { p.Segments = nil },
		"H-6": func(p *Playlist) {
			p.Segments, p.MediaSequence = p.Segments[11:], 0
			p.Segments[0].Map = "init.0.mp4"
		},
		"G-12": func(p *Playlist) {
			for i := range p.Segments {
				p.Segments[i].ProgramDateTime = time.Time{}
			}
		},
		"P-12": func(p *Playlist) { p.Segments[8].Parts = segment(108, 6).Parts },
	} {
		p := live(112, 2)
		change(p)
		wantOnly(t, rule, Check(parse(t, p.Append(nil))))
	}
}

func wantOnly(t *testing.T, rule string, found []Finding) {
	t.Helper()
	if len(found) == 0 {
		t.Errorf("%s is not found", rule)
	}
	for _, f := range found {
		if f.Rule != rule {
			t.Errorf("%s: found %v", rule, f)
		}
	}
}

func TestCheckMultivariantFindsEachRule(t *testing.T) {
	for _, c := range []struct {
		rule   string
		change func(*Multivariant)
	}{
		{"MV-4", func(m *Multivariant) { m.Audio[0].Channels = "" }},
		{"MV-5", func(m *Multivariant) { m.Audio = append(m.Audio, m.Audio[0]); m.Audio[1].Default = false }},
		{"MV-5", func(m *Multivariant) { m.Audio = append(m.Audio, m.Audio[0]); m.Audio[1].Name = "Other" }},
		{"MV-6", func(m *Multivariant) { m.Variants = nil }},
		{"MV-7", func(m *Multivariant) { m.Variants[0].AverageBandwidth = 4_000_000 }},
		{"MV-9", func(m *Multivariant) { m.Variants[0].AverageBandwidth = 0 }},
		{"MV-11", func(m *Multivariant) { m.Variants[1].Codecs = "" }},
		{"MV-13", func(m *Multivariant) { m.Variants[1].FrameRate = 0 }},
		{"MV-16", func(m *Multivariant) { m.Variants[1].Audio = "sound" }},
		{"MV-16", func(m *Multivariant) {
			m.Other = []Media{{Type: "CLOSED-CAPTIONS", GroupID: "cc", Name: "English", InstreamID: "CC1"}}
			m.Variants[0].ClosedCaptions = "cc"
		}},
	} {
		m := ladder()
		c.change(m)
		got, err := ParseMultivariant(m.Append(nil))
		if err != nil {
			t.Fatal(c.rule, err)
		}
		wantOnly(t, c.rule, CheckMultivariant(got))
	}
}
