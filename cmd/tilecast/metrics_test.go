package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/media"
)

// With a program on air /metrics holds every family that docs/metrics.md explains, no other, named as Prometheus
// likes it, and what was asked of the origin is counted.
func TestMetrics(t *testing.T) {
	gw := startGateway(t, nil)
	_, leave := gw.publish(t, broadcast.Config{
		Name: "Ada", Video: media.VP8, Picture: broadcast.Solid{R: 200}, Sound: broadcast.Tone{Hz: 440, Level: -12},
	})
	gw.renditions(t, "demo")
	text, _, ok := gw.get(t, gw.base+"/metrics")
	if !ok {
		t.Fatalf("%s", text)
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "tilecast_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	explained, found := names(`(?m)^\| .(tilecast_\w+)`, doc), names(`(?m)^# HELP (tilecast_\w+) \S`, text)
	for _, name := range found {
		if !slices.Contains(explained, name) {
			t.Errorf("docs/metrics.md does not explain %s", name)
		}
	}
	for _, name := range explained {
		if !slices.Contains(found, name) {
			t.Errorf("docs/metrics.md explains %s, which is not there", name)
		}
	}
	for _, want := range []string{
		`(?m)^tilecast_origin_requests_total\{kind="playlist",status="200"\} [1-9]`,
		`(?m)^tilecast_room_participants\{room="demo",state="here"\} 1$`,
		`(?m)^tilecast_room_live\{room="demo"\} 1$`,
		`(?m)^tilecast_ingest_packets_total\{codec="VP8",participant="Ada",rid="",room="demo"\} [1-9]`,
		`(?m)^tilecast_encoder_bytes_total\{canvas="\w+",room="demo",rung="720p"\} [1-9]`,
		`(?m)^tilecast_http_connections\{state="active"\} [1-9]`,
		`(?m)^process_open_fds [1-9]`,
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if err := leave(); err != nil {
		t.Errorf("publisher: %v", err)
	}
}

func names(pattern string, text []byte) (all []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
		if !slices.Contains(all, string(m[1])) {
			all = append(all, string(m[1]))
		}
	}
	return all
}

// Two participants whose names can't be said are counted together, not twice under one label, which Prometheus refuses.
func TestNamesThatCannotBeSaid(t *testing.T) {
	s := samples{}
	s.counter("n", "", 1, "participant", "\xff")
	s.counter("n", "", 2, "participant", "\xfe")
	if len(s["n"].values) != 1 {
		t.Errorf("%d values", len(s["n"].values))
	}
	for _, v := range s["n"].values {
		if v.value != 3 || v.labels[1] != "?" {
			t.Errorf("%+v", v)
		}
	}
}
