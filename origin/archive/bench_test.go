package archive

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"tilecast/media"
	"tilecast/packager"
)

// hours makes a recording of two streams that goes on.
func hours(b *testing.B, n int) *Store {
	s := open(b)
	m := manifest(b)
	m.Format, m.Takes = format, []Take{{From: first}}
	segments := int64(n) * int64(3600*media.Second/m.Plan.SegmentStart(1))
	per := int64(m.Plan.PartsPerSegment)
	edge := func(n int64) media.Time { return m.Plan.Rate.Frame(n * int64(m.Plan.PartFrames)) }
	for _, name := range names {
		m.Streams = append(m.Streams, Stream{Name: name, Inits: []Init{{Codecs: "avc1.42c01f", Timescale: 90000}}})
		dir := filepath.Join(s.dir("demo", "p1"), name)
		files := map[string][]byte{initName(0): nil}
		for k := range segments * per {
			p := packager.Part{MSN: first + k/per, Index: int(k % per), Start: edge(k), Dur: edge(k+1) - edge(k), Last: k%per == per-1}
			files[segmentName(p.MSN)] = nil
			files[indexName(p.MSN)] = append(files[indexName(p.MSN)], line(p)...)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for file, data := range files {
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	data, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir("demo", "p1"), manifestName), data, 0o644)
	}
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkRecording(b *testing.B) {
	for _, n := range []int{1, 6} {
		s := hours(b, n)
		b.Run(fmt.Sprintf("list/%dh", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Recordings("demo")
			}
		})
		b.Run(fmt.Sprintf("playlist/%dh", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest("GET", "/rec/demo/p1/audio/stream.m3u8", nil))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
