package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// mistakes are the lines of an error of Parse.
func mistakes(t *testing.T, text string) []string {
	t.Helper()
	_, err := Parse("x.yaml", []byte(text))
	if err == nil {
		return nil
	}
	var ms Mistakes
	if !errors.As(err, &ms) {
		t.Fatalf("%q: %T, want Mistakes", text, err)
	}
	return strings.Split(err.Error(), "\n")
}

const room = "rooms:\n  - name: a\n"

func TestOneMistakeOneLine(t *testing.T) {
	for text, want := range map[string]string{
		// keys
		"htp:\n  listen: x":                      `x.yaml:1: htp: unknown key, did you mean "http"?`,
		"\n\nhttp:\n  lisen: x":                  `x.yaml:4: http.lisen: unknown key, did you mean "listen"?`,
		"listen: :80":                            `x.yaml:1: listen: unknown key, did you mean "http.listen"?`,
		"zebra: 1":                               `x.yaml:1: zebra: unknown key; there are http, udp, ingest, data, log, fonts and rooms`,
		room + "    layot: {gap: 1}":             `x.yaml:3: rooms[0].layot: unknown key, did you mean "layout"?`,
		room + "    cheese: true":                `x.yaml:3: rooms[0].cheese: unknown key; there are name, preset, start, publish_token, linger, latency, parts, window, record, canvas, layout, ladder, audio and canvases`,
		"http:\n  tls-dev: true":                 `x.yaml:2: http.tls-dev: unknown key, did you mean "tls_dev"?`,
		"data: a\nudp:\n  port: 1\ndata: b":      `x.yaml:4: data: said before, on line 1`,
		room + "    canvas:\n      widht: 640\n": `x.yaml:4: rooms[0].canvas.widht: unknown key, did you mean "width"?`,

		// places for anchors
		"x-hall: &hall {name: hall}\nx-:\nx-all: [1]\nrooms:\n  - *hall\n  - {<<: *hall, name: b}": "",
		"hall: &hall {name: hall}\nrooms:\n  - *hall":                                              `x.yaml:1: hall: unknown key: a place for anchors has a name such as x-hall`,
		room + "    x-a: 1": `x.yaml:3: rooms[0].x-a: unknown key; there are name, preset, start, publish_token, linger, latency, parts, window, record, canvas, layout, ladder, audio and canvases`,

		// types
		"udp:\n  port: many":               `x.yaml:2: udp.port: "many" is not a whole number`,
		"udp:\n  port: 1.5":                `x.yaml:2: udp.port: "1.5" is not a whole number`,
		"udp: 8189":                        `x.yaml:1: udp: must be a section with the keys port, not a single value (8189)`,
		"udp:\n  port: [1]":                `x.yaml:2: udp.port: must be one value, not a list`,
		"http:\n  tls_dev: yes":            `x.yaml:2: http.tls_dev: "yes" is not true or false`,
		"rooms: demo":                      `x.yaml:1: rooms: must be a list (its entries begin with -), not a single value (demo)`,
		"rooms:\n  demo:\n    preset: low": `x.yaml:2: rooms: must be a list (its entries begin with -), not a section`,
		"rooms:\n  - demo":                 `x.yaml:2: rooms[0]: must be a section with the keys name, preset, start, publish_token, linger, latency, parts, window, record, canvas, layout, ladder, audio and canvases, not a single value (demo)`,
		"- a":                              `x.yaml:1: must be a section with the keys http, udp, ingest, data, log, fonts and rooms, not a list`,
		room + "    linger: 5 minutes":     `x.yaml:3: rooms[0].linger: "5 minutes" is not a length of time such as 90s, 5m or 1h30m`,
		room + "    canvas: {fps: 31}":     `x.yaml:3: rooms[0].canvas.fps: "31" is not a frame rate that can be cut evenly: use 23.976, 24, 25, 29.97, 30, 50, 59.94 or 60`,
		room + "    canvas: {fps: 30/0}":   `x.yaml:3: rooms[0].canvas.fps: "30/0" is not a frame rate that can be cut evenly: use 23.976, 24, 25, 29.97, 30, 50, 59.94 or 60`,

		// nothing said, be it that a colour is a comment
		"rooms:\n":                                       `x.yaml:1: rooms: is empty: give it a value, or leave it out`,
		"http:\n  listen: ~":                             `x.yaml:2: http.listen: is empty: give it a value, or leave it out`,
		"http: {listen: }":                               `x.yaml:1: http.listen: is empty: give it a value, or leave it out`,
		room + "    layout:\n      mode:\n":              `x.yaml:4: rooms[0].layout.mode: is empty: give it a value, or leave it out`,
		room + "    layout:\n      use:\n":               `x.yaml:4: rooms[0].layout.use: is empty: give it a value, or leave it out`,
		room + "    layout:\n      pinned: # none":       `x.yaml:4: rooms[0].layout.pinned: is empty: give it a value, or leave it out`,
		room + "    layout: {background: {color: null}}": `x.yaml:3: rooms[0].layout.background.color: is empty, as # begins a comment: put quotes around a colour, "#ffffff"`,
		room + "    layout:\n      labels:\n        background: #0c0e12a6 # half\n        show: true": `x.yaml:5: rooms[0].layout.labels.background: is empty, as # begins a comment: put quotes around a colour, "#0c0e12a6"`,
		room + "    layout:\n      background: #fff":                                                  `x.yaml:4: rooms[0].layout.background: is empty, as # begins a comment: put quotes around a colour, "#fff"`,

		room + "    layout: {background: {color: red}}": `x.yaml:3: rooms[0].layout.background.color: "red" is not a colour such as "#101418" (six hexadecimal digits, in quotes)`,
		room + "    audio: {bitrate: 128kb}":            `x.yaml:3: rooms[0].audio.bitrate: "128kb" is not a bit rate such as 2500k, 2.5M or 2500000`,
		room + "    audio: {bitrate: NaN}":              `x.yaml:3: rooms[0].audio.bitrate: "NaN" is not a bit rate such as 2500k, 2.5M or 2500000`,

		// values
		"http:\n  listen: 8080":                                           `x.yaml:2: http.listen: "8080" lacks a colon: did you mean ":8080"?`,
		"http:\n  listen: localhost":                                      `x.yaml:2: http.listen: "localhost" is not host:port, such as ":8080" or "127.0.0.1:8080"`,
		"http:\n  listen: :http8":                                         `x.yaml:2: http.listen: "http8" is not a port number`,
		"http:\n  listen: :65536":                                         `x.yaml:2: http.listen: 65536 is out of range: use 0 to 65535`,
		"udp: {port: 70000}":                                              `x.yaml:1: udp.port: 70000 is out of range: use 0 to 65535`,
		"log: {level: inof}":                                              `x.yaml:1: log.level: "inof" is not known, did you mean "info"?`,
		"data: ''":                                                        `x.yaml:1: data: is empty: name a folder`,
		"rooms: []":                                                       `x.yaml:1: rooms: is empty: name at least one room (- name: demo)`,
		"rooms:\n  - name: a\n  -\n":                                      `x.yaml:3: rooms[1]: is empty`,
		"rooms:\n  - name: a\n  - name: a":                                `x.yaml:3: rooms[1].name: "a" is the name of rooms[0] already`,
		"rooms:\n  - preset: low":                                         `x.yaml:2: rooms[0].name: is missing: give it a name`,
		"rooms:\n  - name: ''":                                            `x.yaml:2: rooms[0].name: is missing: give it a name`,
		"rooms:\n  - name: a/b":                                           `x.yaml:2: rooms[0].name: "a/b" does not fit into an address: use letters (a-z), digits, - and _`,
		"rooms:\n  - name: Küche":                                         `x.yaml:2: rooms[0].name: "Küche" does not fit into an address: use letters (a-z), digits, - and _`,
		room + "    preset: lo":                                           `x.yaml:3: rooms[0].preset: "lo" is not known, did you mean "low"?`,
		room + "    preset: quick":                                        `x.yaml:3: rooms[0].preset: "quick" is not known: use low, ultra, apple or classic`,
		room + "    start: onpublish":                                     `x.yaml:3: rooms[0].start: "onpublish" is not known, did you mean "on-publish"?`,
		room + "    linger: -1s":                                          `x.yaml:3: rooms[0].linger: -1s is out of range: use 0s to 24h0m0s`,
		room + "    window: 1s":                                           `x.yaml:3: rooms[0].window: 1s is out of range: use 30s to 24h0m0s`,
		room + "    window: 25h":                                          `x.yaml:3: rooms[0].window: 25h0m0s is out of range: use 30s to 24h0m0s`,
		room + "    window: evnt":                                         `x.yaml:3: rooms[0].window: "evnt" is not a length of time such as 60s, 15m or 24h, nor the word event`,
		room + "    window: event\n    start: always":                     `x.yaml:3: rooms[0].window: keeps all of a program, and one with start: always has no end: use a length such as 24h, or start: on-publish`,
		room + "    record: {keep: -1h}":                                  `x.yaml:3: rooms[0].record.keep: -1h0m0s is out of range: use 0s to 87600h0m0s`,
		room + "    record: {iso: maybe}":                                 `x.yaml:3: rooms[0].record.iso: "maybe" is not true or false`,
		room + "    canvas: {width: 1281}":                                `x.yaml:3: rooms[0].canvas.width: 1281 is odd: use 1280 or 1282`,
		room + "    canvas: {width: 3840, height: 2560}":                  `x.yaml:3: rooms[0].canvas: 3840x2560 is too large: use at most 9437184 pixels, such as 3840x2160`,
		room + "    canvas: {height: 8}":                                  `x.yaml:3: rooms[0].canvas.height: 8 is out of range: use 64 to 3840`,
		room + "    layout: {gap: 200}":                                   `x.yaml:3: rooms[0].layout.gap: 200px is out of range: use 0 to 90px`,
		room + "    layout: {margin: 30%}":                                `x.yaml:3: rooms[0].layout.margin: 30% is out of range: use 0 to 25%`,
		room + "    layout: {gap: wide}":                                  `x.yaml:3: rooms[0].layout.gap: "wide" is not a length such as 1.5% or 12px`,
		room + "    layout: {tile: {aspect: 9:0}}":                        `x.yaml:3: rooms[0].layout.tile.aspect: "9:0" is not a shape such as 16:9, 1:1 or 3:4 (from 1:5 to 5:1), auto, fill or source`,
		room + "    layout: {pip: {who: somebody}}":                       `x.yaml:3: rooms[0].layout.pip.who: "somebody" is nobody, did you mean "role:somebody" or "name:somebody"?`,
		room + "    layout: {pinned: [host]}":                             `x.yaml:3: rooms[0].layout.pinned[0]: "host" is nobody, did you mean "role:host" or "name:host"?`,
		room + "    layout: {pinned: [Ada Lovelace]}":                     `x.yaml:3: rooms[0].layout.pinned[0]: "Ada Lovelace" is nobody, did you mean "name:Ada Lovelace"?`,
		room + "    layout: {pip: {who: \"user:Ada\"}}":                   `x.yaml:3: rooms[0].layout.pip.who: "user:Ada" is nobody: use speaker, speaker:2, name:Ada, role:host, screen or anyone`,
		room + "    layout: {pinned: [\"user:Ada\"]}":                     `x.yaml:3: rooms[0].layout.pinned[0]: "user:Ada" is nobody: use name:Ada, role:host or screen`,
		room + "    layout: {pinned: [screen, \"role:a\", \"role:a:1\"]}": `x.yaml:3: rooms[0].layout.pinned[2]: "role:a" is pinned already`,
		room + "    layout: {pinned: [speaker]}":                          `x.yaml:3: rooms[0].layout.pinned[0]: "speaker" can't be pinned: use name:Ada, role:host or screen`,
		room + "    layout: {pinned: [screen, \"anyone:2\"]}":             `x.yaml:3: rooms[0].layout.pinned[1]: "anyone:2" can't be pinned: use name:Ada, role:host or screen`,
		// lengths are held against the side that they are of
		room + "    layout: {pip: {size: 960px}, strip: {size: 640px}, overlays: [{image: layouts/../../docs/program.jpg, size: 1280px}]}": "",
		room + "    layout: {pip: {size: 961px}}":                                     `x.yaml:3: rooms[0].layout.pip.size: 961px is out of range: use 13px to 960px`,
		room + "    layout: {strip: {size: 641px}}":                                   `x.yaml:3: rooms[0].layout.strip.size: 641px is out of range: use 13px to 640px`,
		room + "    layout: {strip: {edge: top, size: 400px}}":                        `x.yaml:3: rooms[0].layout.strip.size: 400px is out of range: use 8px to 360px`,
		room + "    layout: {overlays: [{text: a, size: 721px}]}":                     `x.yaml:3: rooms[0].layout.overlays[0].size: 721px is out of range: use 0 to 720px`,
		room + "    layout: {overlays: [{image: ../docs/program.jpg, size: 1300px}]}": `x.yaml:3: rooms[0].layout.overlays[0].size: 1300px is out of range: use 0 to 1280px`,
		room + "    canvas: {width: 720, height: 1280}\n    ladder: [{name: a, width: 720, height: 1280}]\n    layout: {strip: {size: 640px}, pip: {size: 600px}}": `x.yaml:5: rooms[0].layout.pip.size: 600px is out of range: use 8px to 540px`,
		room + "    layout: {strip: {size: 0%}}":                           `x.yaml:3: rooms[0].layout.strip.size: 0 is out of range: use 1% to 50%`,
		room + "    layout: {pip: {size: 0px}}":                            `x.yaml:3: rooms[0].layout.pip.size: 0 is out of range: use 1% to 75%`,
		room + "    layout: {gap: 0.05}":                                   `x.yaml:3: rooms[0].layout.gap: "0.05" is less than a pixel, did you mean 5%?`,
		room + "    layout: {gap: .011}":                                   `x.yaml:3: rooms[0].layout.gap: ".011" is less than a pixel, did you mean 1.1%?`,
		room + "    layout: {gap: 1, margin: 0.5px, tile: {radius: 0.0}}":  "",
		room + "    layout: {overlays: [{text: a, position: top-center}]}": `x.yaml:3: rooms[0].layout.overlays[0].position: "top-center" is not known: use top-left, top, top-right, left, center, right, bottom-left, bottom or bottom-right`,
		// overlays are seen
		room + "    layout: {overlays: [{text: a, x: 71%, y: 97%}, {text: a, x: 175%, kind: banner}, {image: ../docs/program.jpg, x: 175%}]}": "",
		room + "    layout: {overlays: [{text: a, x: 72%}]}":                     `x.yaml:3: rooms[0].layout.overlays[0].x: 72% is out of range: use 0 to 71%`,
		room + "    layout: {overlays: [{text: a, x: -1%}]}":                     `x.yaml:3: rooms[0].layout.overlays[0].x: -1% is out of range: use 0 to 71%`,
		room + "    layout: {overlays: [{text: a, y: 150%}]}":                    `x.yaml:3: rooms[0].layout.overlays[0].y: 150% is out of range: use 0 to 97%`,
		room + "    layout: {overlays: [{text: a, y: 720px}]}":                   `x.yaml:3: rooms[0].layout.overlays[0].y: 720px is out of range: use 0 to 704px`,
		room + "    layout: {overlays: [{image: ../docs/program.jpg, x: 1280}]}": `x.yaml:3: rooms[0].layout.overlays[0].x: 1280px is out of range: use 0 to 1264px`,
		// the small tile is in its corner
		room + "    layout: {mode: pip, pip: {size: 75%, offset: 25%}}":                                                 "",
		room + "    layout: {mode: grid, pip: {size: 75%, offset: 40%}}":                                                "",
		room + "    layout: {mode: pip, pip: {size: 75%, offset: 40%}}":                                                 `x.yaml:3: rooms[0].layout.pip: there is no room for a tile of 75% at 40% from the corner: use an offset of 0 to 25%, or a smaller size`,
		room + "    layout: {mode: pip, pip: {size: 75%, offset: 200px}, tile: {aspect: source}}":                       `x.yaml:3: rooms[0].layout.pip: there is no room for a tile of 75% at 200px from the corner: use an offset of 0 to 180px, or a smaller size`,
		room + "    layout: {mode: pip, pip: {size: 50%, offset: 15%}, tile: {aspect: \"1:1\"}}":                        `x.yaml:3: rooms[0].layout.pip: there is no room for a tile of 50% at 15% from the corner: use an offset of 0 to 11%, or a smaller size`,
		room + "    canvases: [{name: a, width: 720, height: 720, layout: {mode: pip, pip: {size: 60%, offset: 25%}}}]": `x.yaml:3: rooms[0].canvases[0].layout.pip: there is no room for a tile of 60% at 25% from the corner: use an offset of 0 to 20%, or a smaller size`,
		// slots are seen, and whole
		room + "    layout: {slots: [{who: screen, x: 80%, width: 50%, height: 10%}]}":                                                                                                     `x.yaml:3: rooms[0].layout.slots[0].width: 50% from 80% on reaches beyond the canvas: use at most 20%`,
		room + "    layout: {slots: [{who: screen, y: 100px, width: 50%, height: 100%}]}":                                                                                                  `x.yaml:3: rooms[0].layout.slots[0].height: 100% from 100px on reaches beyond the canvas: use at most 86%`,
		room + "    layout: {slots: [{who: screen, x: -10%, width: 50%, height: 10%}]}":                                                                                                    `x.yaml:3: rooms[0].layout.slots[0].x: -10% begins outside of the canvas: use 0 or more`,
		room + "    layout: {slots: [{who: screen, x: 66.7%, width: 33.4%, height: 100.2%}]}":                                                                                              "",
		room + "    layout: {slots: [{who: screen, x: 150%, width: 10%, height: 10%}]}":                                                                                                    `x.yaml:3: rooms[0].layout.slots[0].x: 150% is outside of the canvas: use 0 to 98%`,
		room + "    layout: {slots: [{who: screen, x: 10px, y: 710, width: 10%, height: 10%}]}":                                                                                            `x.yaml:3: rooms[0].layout.slots[0].y: 710px is outside of the canvas: use 0 to 704px`,
		room + "    layout: {slots: [{who: screen, x: -20%, width: 15%, height: 10%}]}":                                                                                                    `x.yaml:3: rooms[0].layout.slots[0].x: -20% is outside of the canvas: use 0 to 98%`,
		room + "    layout: {slots: [{who: screen, x: 2px, width: 8px, height: 1%}]}":                                                                                                      `x.yaml:3: rooms[0].layout.slots[0].width: 8px is too small to be seen: use 16px or more` + "\n" + `x.yaml:3: rooms[0].layout.slots[0].height: 1% is too small to be seen: use 3% or more`,
		room + "    layout: {slots: [{who: screen, x: 5%, y: 5%, width: 95.1%, height: 95.2%}]}":                                                                                           "",
		room + "    layout: {slots: [{name: a, who: screen, width: 50%, height: 50%}, {name: b, who: speaker, width: 50%, height: 50%}, {name: a, who: anyone, width: 50%, height: 50%}]}": `x.yaml:3: rooms[0].layout.slots[2].name: "a" is the name of rooms[0].layout.slots[0] already`,
		// who
		room + "    layout: {pip: {who: speeker}}":                          `x.yaml:3: rooms[0].layout.pip.who: "speeker" is nobody, did you mean "speaker"?`,
		room + "    layout: {pinned: [\"rol:host:2\"]}":                     `x.yaml:3: rooms[0].layout.pinned[0]: "rol:host:2" is nobody, did you mean "role:host:2"?`,
		room + "    layout: {pinned: [\"role:my host\"]}":                   `x.yaml:3: rooms[0].layout.pinned[0]: "role:my host": nobody can have such a role: use letters, digits, - and _, such as role:my-host`,
		room + "    layout: {pinned: [\"role: host : 2\", \"name:  Ada\"]}": "",
		room + "    layout: {columns: many}":                                `x.yaml:3: rooms[0].layout.columns: "many" is not a number of columns: use auto, or 1 to 25`,
		room + "    layout: {max: 26}":                                      `x.yaml:3: rooms[0].layout.max: 26 is out of range: use 1 to 25`,
		room + "    layout: {mode: custom}":                                 `x.yaml:3: rooms[0].layout.slots: is empty: a custom layout needs at least one slot`,
		room + "    layout: {mode: custom, slots: [{x: 1%}]}":               `x.yaml:3: rooms[0].layout.slots[0].who: is missing: use speaker, speaker:2, name:Ada, role:host, screen or anyone`,
		room + "    layout: {use: webiner}":                                 `x.yaml:3: rooms[0].layout.use: there is no ready layout "webiner", did you mean "webinar"?`,
		room + "    layout: zoo":                                            `x.yaml:3: rooms[0].layout.use: there is no ready layout "zoo": use classroom, interview, panel, podcast, vertical or webinar`,
		room + "    layout: panel":                                          "",
		room + "    layout: {labels: {background: \"#12\"}}":                "x.yaml:3: rooms[0].layout.labels.background: \"#12\" is not a colour such as \"#101418\" or, half transparent, \"#10141880\" (in quotes)",
		room + "    layout: {overlays: [{}]}":                               `x.yaml:3: rooms[0].layout.overlays[0]: needs either an image or a text`,
		room + "    layout: {overlays: [{text: x, opacity: 2}]}":            `x.yaml:3: rooms[0].layout.overlays[0].opacity: 2 is out of range: use 0 to 1`,
		room + "    layout: {background: {image: nowhere.png}}":             `x.yaml:3: rooms[0].layout.background.image: nowhere.png: no such file`,
		room + "    layout: {background: {image: tilecast.yaml}}":           `x.yaml:3: rooms[0].layout.background.image: tilecast.yaml is not a PNG or JPEG picture`,
		room + "    layout: {placeholder: {image: ../docs/program.jpg}}":    `x.yaml:3: rooms[0].layout.placeholder.image: is not shown: use kind: image with it, or leave it out`,
		room + "    layout: {placeholder: {kind: image, image: ../docs/program.jpg}}\n    canvases: [{name: a, layout: {placeholder: {kind: color}}}]": "",
		room + "    layout: {overlays: [{image: ../docs/program.jpg, sub: a}]}":                                                                        `x.yaml:3: rooms[0].layout.overlays[0].sub: goes with a text only, not with an image: leave it out`,
		room + "    layout: {overlays: [{image: ../docs/program.jpg, size: 0%}]}":                                                                      `x.yaml:3: rooms[0].layout.overlays[0].size: 0 is no size: use a length such as 4.5%, or leave it out`,
		room + "    layout: {overlays: [{text: a, size: 0}]\n, slates: {}}\n    canvases: [{name: a}]":                                                 `x.yaml:3: rooms[0].layout.overlays[0].size: 0 is no size: use a length such as 4.5%, or leave it out`,
		room + "    layout: {placeholder: {kind: image}}":                                                                                              `x.yaml:3: rooms[0].layout.placeholder.image: is missing: name the picture to show`,
		room + "    layout: {transition: {hold: 2}}":                                                                                                   `x.yaml:3: rooms[0].layout.transition.hold: "2" is not a length of time such as 90s, 5m or 1h30m`,
		room + "    layout: {mode: gird}":                                                                                                              `x.yaml:3: rooms[0].layout.mode: "gird" is not known, did you mean "grid"?`,
		room + "    canvases: [{width: 640, height: 360}]":                                                                                             `x.yaml:3: rooms[0].canvases[0].name: is missing: give it a name`,
		room + "    canvases: [{name: a}, {name: a}]":                                                                                                  `x.yaml:3: rooms[0].canvases[1].name: "a" is the name of rooms[0].canvases[0] already`,
		room + "    canvases: [{name: index}]":                                                                                                         `x.yaml:3: rooms[0].canvases[0].name: "index" has a meaning of its own in addresses: use another`,
		room + "    canvases: [{name: a, hight: 4}]":                                                                                                   `x.yaml:3: rooms[0].canvases[0].hight: unknown key, did you mean "height"?`,
		room + "    layout: {mode: gird, strip: {count: 9}}\n    canvases: [{name: a, layout: {max: 0}}, {name: b}]": `x.yaml:3: rooms[0].layout.mode: "gird" is not known, did you mean "grid"?` + "\n" +
			`x.yaml:3: rooms[0].layout.strip.count: 9 is out of range: use 1 to 8` + "\n" + `x.yaml:4: rooms[0].canvases[0].layout.max: 0 is out of range: use 1 to 25`,
		room + "    layout: {gap: 80px}\n    canvases: [{name: a, width: 320, height: 180}]": `x.yaml:4: rooms[0].canvases[0].layout.gap: 80px is out of range: use 0 to 22px`,
		"fonts: ''\n" + room + "    layout: {labels: {font: Go}}":                            `x.yaml:4: rooms[0].layout.labels.font: "Go" can't be found: there is no font folder (fonts)`,
		room + "    canvases: [{name: a, layout: {mode: gird}}]":                             `x.yaml:3: rooms[0].canvases[0].layout.mode: "gird" is not known, did you mean "grid"?`,
		room + "    ladder: []":          `x.yaml:3: rooms[0].ladder: has 0 rungs: use 1 to 6, or leave it out`,
		room + "    audio: {bitrate: 1}": `x.yaml:3: rooms[0].audio.bitrate: 1 is out of range: use 32k to 320k`,
	} {
		if got := strings.Join(mistakes(t, text), "\n"); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// What a mistake repeats of a value is short, and can be told from the whole.
func TestLongValues(t *testing.T) {
	long, short := strings.Repeat("ä", 9000), strings.Repeat("ä", maxQuote)+"…"
	for text, want := range map[string]string{
		room + "    preset: " + long: `x.yaml:3: rooms[0].preset: "` + short + `" is not known: use low, ultra, apple or classic`,
		"udp: " + long:               `x.yaml:1: udp: must be a section with the keys port, not a single value (` + short + `)`,
		room + "    layout: {pinned: [\"role:" + long + "\"]}":             `x.yaml:3: rooms[0].layout.pinned[0]: "role:` + short[:2*(maxQuote-5)] + `…": nobody can have such a role: it is too long, this is not: role:` + strings.Repeat("ä", 32),
		"http:\n  " + long[:1000] + ": 1":                                  `x.yaml:2: http.` + strings.Repeat("ä", 195) + `…: unknown key; there are listen, tls_dev, tls_cert, tls_key, acme and api_token`,
		room + "    layout: {mode: \"" + strings.Repeat(`\"`, 300) + "\"}": `x.yaml:3: rooms[0].layout.mode: "` + strings.Repeat(`\"`, maxQuote) + `…" is not known: use grid, active-speaker, single, split, pip, screen or custom`,
	} {
		if got := strings.Join(mistakes(t, text), "\n"); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestRungs(t *testing.T) {
	for rung, want := range map[string]string{
		"name: a, width: 1280, height: 720":                              "",
		"name: a, width: 854, height: 480":                               "",
		"name: a, width: 426, height: 240":                               "",
		"width: 640, height: 360":                                        `.name: is missing: give it a name`,
		"name: audio, width: 640, height: 360":                           `.name: "audio" is the name of the sound: use another`,
		"name: 1080p":                                                    `: 1080p is larger than the canvas (1280x720): use 720p or less, or enlarge the canvas`,
		"name: 32p":                                                      `: 32p is too small: use 64p or more`,
		"name: a, bitrate: 1M":                                           `.width: is missing: use 64 to 3840`,
		"name: a, width: 640":                                            `.height: is missing: use 64 to 3840`,
		"name: a, width: 641, height: 360":                               `.width: 641 is odd: use 640 or 642`,
		"name: a, width: 1920, height: 1080":                             `: 1920x1080 is larger than the canvas (1280x720)`,
		"name: a, width: 640, height: 480":                               `: 640x480 is not of the canvas's shape (1280x720): use 854x480`,
		"name: a, width: 640, height: 360, bitrate: 0":                   `.bitrate: 0 is out of range: use 50k to 100000k`,
		"name: a, width: 640, height: 360, bitrate: 2M, max_rate: 1M":    `.max_rate: 1000k is less than the bitrate, 2000k`,
		"name: a, width: 640, height: 360, encoder: x264":                `.encoder: "x264" is not known, did you mean "libx264"?`,
		"name: a, width: 640, height: 360, preset: superfats":            `.preset: "superfats" is not known, did you mean "superfast"?`,
		"name: a, width: 640, height: 360, encoder: h264_qsv, preset: x": "",
	} {
		if want != "" {
			want = "x.yaml:4: rooms[0].ladder[0]" + want
		}
		if got := strings.Join(mistakes(t, room+"    ladder:\n      - {"+rung+"}"), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", rung, got, want)
		}
	}
}

func TestRungsOfLessFrames(t *testing.T) {
	for _, c := range []struct{ preset, canvas, fps, want string }{
		{"low", "30", "0", ""}, {"low", "30", "30", ""}, {"low", "30", "15", ""}, {"low", "30", "10", ""}, {"low", "30", "3", ""},
		{"low", "25", "12.5", ""}, {"low", "29.97", "14.985", ""}, {"low", "29.97", "15000/1001", ""}, {"low", "50", "25", ""},
		{"ultra", "24", "12", ""}, {"classic", "60", "1", ""},
		{"low", "30", "20", "20 is no whole part of the canvas's 30 frames per second: the nearest that works is 15"},
		{"low", "30", "24", "24 is no whole part of the canvas's 30 frames per second: the nearest that works is 30"},
		{"low", "30", "60", "60 is no whole part of the canvas's 30 frames per second: the nearest that works is 30"},
		{"low", "29.97", "15", "15 is no whole part of the canvas's 29.97 frames per second: the nearest that works is 14.985"},
		{"low", "30", "2.5", "2.5 frames per second are too few: the nearest that works is 3"},
		{"ultra", "24", "3", "3 frames per second are too few: the nearest that works is 4.8"},
		{"apple", "30", "0.1", "0.1 frames per second are too few: the nearest that works is 1"},
		{"low", "30", "half", `"half" is not a number of frames per second such as 15 or 12.5, or 0 for the canvas's`},
		{"low", "30", "-15", `"-15" is not a number of frames per second such as 15 or 12.5, or 0 for the canvas's`},
		{"low", "30", "15/0", `"15/0" is not a number of frames per second such as 15 or 12.5, or 0 for the canvas's`},
		{"low", "30", "NaN", `"NaN" is not a number of frames per second such as 15 or 12.5, or 0 for the canvas's`},
	} {
		ladder := "[{name: 720p}, {name: 360p,\n fps: " + c.fps + "}]\n"
		for text, at := range map[string]string{
			"    ladder: " + ladder:                               "x.yaml:6: rooms[0].ladder[1].fps: ",
			"    canvases: [{name: x,\n ladder: " + ladder + "}]": "x.yaml:7: rooms[0].canvases[0].ladder[1].fps: ",
		} {
			if c.want == "" {
				at = ""
			}
			text = room + "    preset: " + c.preset + "\n    canvas: {fps: " + c.canvas + "}\n" + text
			if got := strings.Join(mistakes(t, text), "\n"); got != at+c.want {
				t.Errorf("%s\n got %s\nwant %s", text, got, at+c.want)
			}
		}
	}
}

func TestAllMistakesAtOnceInOrder(t *testing.T) {
	got := mistakes(t, `http:
  listen: nowhere
  tls: true
rooms:
  - name: a
    preset: quick
    canvas: {width: abc, height: 721}
  - name: a
    ladder:
      - {nam: top, width: 640, height: 360}
udp:
  port: -1
`)
	want := []string{
		`x.yaml:2: http.listen: "nowhere" is not host:port, such as ":8080" or "127.0.0.1:8080"`,
		`x.yaml:3: http.tls: unknown key; there are listen, tls_dev, tls_cert, tls_key, acme and api_token`,
		`x.yaml:6: rooms[0].preset: "quick" is not known: use low, ultra, apple or classic`,
		`x.yaml:7: rooms[0].canvas.width: "abc" is not a whole number`,
		`x.yaml:7: rooms[0].canvas.height: 721 is odd: use 720 or 722`,
		`x.yaml:8: rooms[1].name: "a" is the name of rooms[0] already`,
		`x.yaml:10: rooms[1].ladder[0].nam: unknown key, did you mean "name"?`,
		`x.yaml:12: udp.port: -1 is out of range: use 0 to 65535`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNearest(t *testing.T) {
	words := []string{"serve", "demo", "validate", "version", "healthcheck"}
	for word, want := range map[string]string{"sevre": "serve", "Demo": "demo", "vaildate": "validate", "verison": "version",
		"x": "", "publish": "", "health": "healthcheck", "ser": "serve", "": ""} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// flags gives --http and --udp, set to what args say.
func flags(t *testing.T, args ...string) map[string]*pflag.Flag {
	t.Helper()
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	fs.String("http", "", "")
	fs.String("udp", "", "")
	fs.Bool("tls-dev", false, "")
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return map[string]*pflag.Flag{"http.listen": fs.Lookup("http"), "udp.port": fs.Lookup("udp"), "http.tls_dev": fs.Lookup("tls-dev")}
}

// forget empties the variables of ours that the tests were started with.
func forget(t *testing.T) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "TILECAST_") {
			t.Setenv(name, "")
		}
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagsBeforeVariablesBeforeFileBeforeDefaults(t *testing.T) {
	forget(t)
	file := write(t, "t.yaml", "http:\n  listen: :1\n  tls_dev: true\nudp:\n  port: 1\ndata: file\n")
	t.Setenv("TILECAST_HTTP_LISTEN", ":2")
	t.Setenv("TILECAST_UDP_PORT", "2")
	t.Setenv("TILECAST_DATA", "") // empty is not set
	cfg, warnings, err := Load(Source{File: file, Flags: flags(t, "--http", ":3")})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if cfg.HTTP.Listen != ":3" || cfg.UDP.Port != 2 || cfg.Data != "file" || cfg.Log.Level != "info" || !cfg.HTTP.TLSDev {
		t.Errorf("%+v", cfg)
	}
	t.Setenv("TILECAST_HTTP_TLS_DEV", "false")
	if cfg, _, err = Load(Source{File: file, Flags: flags(t)}); err != nil || cfg.HTTP.TLSDev || cfg.HTTP.Listen != ":2" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if cfg, _, err = Load(Source{File: file, Flags: flags(t, "--tls-dev")}); err != nil || !cfg.HTTP.TLSDev {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func TestMistakesOutsideTheFileNameTheirPlace(t *testing.T) {
	forget(t)
	file := write(t, "t.yaml", "udp:\n  port: 1\nlog:\n  level: loud\n")
	t.Setenv("TILECAST_UDP_PORT", "many")
	t.Setenv("TILECAST_HTTP_LISEN", ":1")
	t.Setenv("TILECAST_SOMETHING_ELSE", "1")
	t.Setenv("TILECAST_PORT", "tcp://10.0.0.1:8080") // Kubernetes beside a service called tilecast
	t.Setenv("TILECAST_HTTP_TLS_DEV", "maybe")
	_, warnings, err := Load(Source{File: file, Flags: flags(t, "--http", "8080")})
	want := `TILECAST_HTTP_TLS_DEV: "maybe" is not true or false
TILECAST_UDP_PORT: "many" is not a whole number
TILECAST_HTTP_LISEN: unknown variable, did you mean TILECAST_HTTP_LISTEN?
--http: "8080" lacks a colon: did you mean ":8080"?
` + file + `:4: log.level: "loud" is not known: use debug, info, warn or error`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if len(warnings) != 2 || !strings.HasPrefix(warnings[0], "TILECAST_PORT: unknown variable") ||
		!strings.HasPrefix(warnings[1], "TILECAST_SOMETHING_ELSE: unknown variable") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestMissingFileNamesTheNearest(t *testing.T) {
	forget(t)
	file := write(t, "tilecast.yaml", "")
	for path, want := range map[string]string{
		strings.TrimSuffix(file, "yaml") + "yml":       "tilecast.yml: no such file, did you mean " + file + "?",
		filepath.Join(filepath.Dir(file), "else", "x"): "x: no such file",
		filepath.Dir(file):                             "is a directory",
	} {
		_, _, err := Load(Source{File: path})
		var ms Mistakes
		if err == nil || !strings.HasSuffix(err.Error(), want) || errors.As(err, &ms) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err2 := ParseFile(path); err2 == nil || err2.Error() != err.Error() {
			t.Errorf("%s: ParseFile: %v", path, err2)
		}
	}
}
