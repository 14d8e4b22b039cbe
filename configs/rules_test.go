package configs

import (
	"strings"
	"testing"
)

// Every rule of a single value, in the words of who breaks it. What comes before the colon is the place.
func TestEachRuleIsHeld(t *testing.T) {
	const (
		corners = `use top-left, top-right, bottom-left or bottom-right`
		edges   = `use auto, left, right, top or bottom`
	)
	for text, want := range map[string]string{
		"layout: {screen: maybe}":                                                     `layout.screen: "maybe" is not known: use auto or off`,
		"layout: {order: random}":                                                     `layout.order: "random" is not known: use join, name or spoken`,
		"layout: {max: 0}":                                                            `layout.max: 0 is out of range: use 1 to 25`,
		"layout: {margin: -1px}":                                                      `layout.margin: -1px is out of range: use 0 to 180px`,
		"layout: {strip: {edge: middle}}":                                             `layout.strip.edge: "middle" is not known: ` + edges,
		"layout: {strip: {count: 0}}":                                                 `layout.strip.count: 0 is out of range: use 1 to 8`,
		"layout: {pip: {corner: middle}}":                                             `layout.pip.corner: "middle" is not known: ` + corners,
		"layout: {pip: {offset: 41%}}":                                                `layout.pip.offset: 41% is out of range: use 0 to 40%`,
		"layout: {split: {direction: diagonal}}":                                      `layout.split.direction: "diagonal" is not known: use auto, row or column`,
		"layout: {split: {count: 1}}":                                                 `layout.split.count: 1 is out of range: use 2 to 4`,
		"layout: {split: {count: 5}}":                                                 `layout.split.count: 5 is out of range: use 2 to 4`,
		"layout: {labels: {position: middle}}":                                        `layout.labels.position: "middle" is not known: use bottom-left, bottom-center, bottom-right, top-left, top-center or top-right`,
		"layout: {labels: {size: 0.2}}":                                               `layout.labels.size: 0.2 is out of range: use 0.3 to 4`,
		"layout: {labels: {size: 4.5}}":                                               `layout.labels.size: 4.5 is out of range: use 0.3 to 4`,
		"layout: {placeholder: {kind: portrait}}":                                     `layout.placeholder.kind: "portrait" is not known: use initials, color or image`,
		"layout: {transition: {duration: 6s}}":                                        `layout.transition.duration: 6s is out of range: use 0s to 5s`,
		"layout: {transition: {duration: -1s}}":                                       `layout.transition.duration: -1s is out of range: use 0s to 5s`,
		"layout: {transition: {easing: bouncy}}":                                      `layout.transition.easing: "bouncy" is not known: use ease, linear or out`,
		"layout: {transition: {hold: 61s}}":                                           `layout.transition.hold: 1m1s is out of range: use 0s to 1m0s`,
		"layout: {tile: {fit: stretch}}":                                              `layout.tile.fit: "stretch" is not known: use cover or contain`,
		"layout: {tile: {screen_fit: stretch}}":                                       `layout.tile.screen_fit: "stretch" is not known: use cover or contain`,
		"layout: {tile: {radius: 51%}}":                                               `layout.tile.radius: 51% is out of range: use 0 to 50%`,
		"layout: {tile: {border: {width: 11%}}}":                                      `layout.tile.border.width: 11% is out of range: use 0 to 10%`,
		"layout: {tile: {highlight: {width: 73px}}}":                                  `layout.tile.highlight.width: 73px is out of range: use 0 to 72px`,
		"layout: {tile: {shadow: {size: 16%}}}":                                       `layout.tile.shadow.size: 16% is out of range: use 0 to 15%`,
		"layout: {tile: {shadow: {opacity: 1.5}}}":                                    `layout.tile.shadow.opacity: 1.5 is out of range: use 0 to 1`,
		"layout: {overlays: [{text: a, kind: bubble}]}":                               `layout.overlays[0].kind: "bubble" is not known: use lower-third or banner`,
		"layout: {overlays: [{text: a, position: there}]}":                            `layout.overlays[0].position: "there" is not known: use top-left, top, top-right, left, center, right, bottom-left, bottom or bottom-right`,
		"layout: {overlays: [{text: a, opacity: -0.5}]}":                              `layout.overlays[0].opacity: -0.5 is out of range: use 0 to 1`,
		"layout: {overlays: [" + many("{text: a}", 17) + "]}":                         `layout.overlays: has 17 entries: use at most 16`,
		"layout: {slots: [" + many("{who: anyone, width: 9%, height: 9%}", 26) + "]}": `layout.slots: has 26 entries: use at most 25`,

		"audio: {bitrate: 31k}":     `audio.bitrate: 31k is out of range: use 32k to 320k`,
		"audio: {bitrate: 321k}":    `audio.bitrate: 321k is out of range: use 32k to 320k`,
		"audio: {low_bitrate: 23k}": `audio.low_bitrate: 23k is out of range: use 24k to 50k`,
		"audio: {low_bitrate: 51k}": `audio.low_bitrate: 51k is out of range: use 24k to 50k`,
		"audio: {loudness: -32}":    `audio.loudness: -32 is out of range: use -31 to -10`,
		"audio: {loudness: -9}":     `audio.loudness: -9 is out of range: use -31 to -10`,
		"audio: {ducking: -1}":      `audio.ducking: -1 is out of range: use 0 to 40`,
		"audio: {ducking: 41}":      `audio.ducking: 41 is out of range: use 0 to 40`,
		"linger: 25h":               `linger: 25h0m0s is out of range: use 0s to 24h0m0s`,
		"parts: whole":              `parts: "whole" is not known: use files or ranges`,
		"canvases: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]": `canvases: has 5 entries: use at most 4`,

		"ladder: [{name: 720p, max_rate: 201M}]":  `ladder[0].max_rate: 201000k is out of range: use 0 to 200000k`,
		"ladder: [{name: 720p, bitrate: 49k}]":    `ladder[0].bitrate: 49k is out of range: use 50k to 100000k`,
		"ladder: [{name: 720p, preset: placebo}]": `ladder[0].preset: "placebo" is not known: use ultrafast, superfast, veryfast, faster, fast, medium, slow, slower or veryslow`,

		"limits: {sessions: 100001}":      `limits.sessions: 100001 is out of range: use 0 to 100000`,
		"limits: {sessions_per_room: -1}": `limits.sessions_per_room: -1 is out of range: use 0 to 100000`,
		"limits: {posts_per_minute: -1}":  `limits.posts_per_minute: -1 is out of range: use 0 to 1000000`,
		"limits: {offer_bytes: 8191}":     `limits.offer_bytes: 8191 is out of range: use 8192 to 1048576`,
		"limits: {fragment_bytes: 2047}":  `limits.fragment_bytes: 2047 is out of range: use 2048 to 1048576`,
		"limits: {bitrate: 99k}":          `limits.bitrate: 99k is out of range: use 100k to 1000000k`,
		"limits: {max_pixels: 14399}":     `limits.max_pixels: 14399 is out of range: use 14400 to 9437184`,

		// the last that is right of each
		"audio: {bitrate: 320k, low_bitrate: 50k, loudness: -31, ducking: 40}":                                                      "",
		"audio: {bitrate: 32k, low_bitrate: 24k, loudness: -10, ducking: 0}":                                                        "",
		"audio: {low_bitrate: 0, loudness: 0}":                                                                                      "",
		"canvases: [{name: a}, {name: b}, {name: c}, {name: d}]":                                                                    "",
		"layout: {screen: \"off\", order: spoken, max: 25, margin: 25%, strip: {edge: bottom, count: 8, size: 50%}}":                "",
		"layout: {pip: {corner: top-right, size: 75%, offset: 40%}, split: {direction: column, count: 2}}":                          "",
		"layout: {labels: {position: top-center, size: 4}, transition: {duration: 5s, easing: out, hold: 1m}}":                      "",
		"limits: {sessions: 0, sessions_per_room: 0, posts_per_minute: 0, post_burst: 0, bitrate: 0, max_pixels: 0, overload: 100}": "",
		"layout: {tile: {fit: contain, radius: 50%, border: {width: 10%}, shadow: {size: 15%, opacity: 1}}}":                        "",
		"layout: {overlays: [{text: a, kind: banner, position: center}], placeholder: {kind: color}, labels: {size: 0.3}}":          "",
	} {
		file, place := room+"    "+text, "x.yaml:3: rooms[0]."
		if strings.HasPrefix(text, "limits") {
			file, place = "ingest:\n  "+text, "x.yaml:2: ingest."
		}
		if want != "" {
			want = place + want
		}
		if got := strings.Join(mistakes(t, file), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func many(entry string, n int) string { return strings.TrimSuffix(strings.Repeat(entry+", ", n), ", ") }
