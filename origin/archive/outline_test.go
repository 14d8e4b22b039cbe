package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fetched is what a viewer of a recording gets.
func fetched(t testing.TB, s *Store, target string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

// Of a recording that goes on only the new lines of the index are read, over the ends of its files, and what each playlist
// says is what one says that is made from all of it.
func TestOnlyTheTailOfAnIndexIsRead(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.w.Record(first)
	dir := filepath.Join(s.dir("demo", "p1"), "audio")
	for k, parts := range []int{15, 2, 1, 0, 7, 900, 6 * 130, 5} {
		for ; parts > 0; parts-- {
			p.put(1)
			if parts%100 == 0 {
				p.settle()
			}
		}
		p.settle()
		if k > 0 { // the lines that were read are not there to be read again
			old := filepath.Join(dir, indexName(first))
			data, err := os.ReadFile(old)
			if err != nil {
				t.Fatal(err)
			}
			copy(data, bytes.Repeat([]byte("x"), 30))
			if err := os.WriteFile(old, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text := fetched(t, s, "/rec/demo/p1/audio/stream.m3u8")
		whole := int(p.played["audio"]) / p.plan.PartsPerSegment
		if n := strings.Count(text, ".m4s"); n != whole || !strings.Contains(text, fmt.Sprintf("\n%d.m4s", first)) {
			t.Fatalf("step %d: %d segments, want %d, from the first", k, n, whole)
		}
	}
	list := s.Recordings("demo")
	if len(list) != 1 || list[0].Length == 0 || !list[0].Going {
		t.Errorf("%+v", list)
	}
	p.w.StopRecording(first + 10)
	p.settle()
	p.put(12)
	p.w.Record(first + p.played["audio"]/6)
	p.put(13)
	p.settle()
	text := fetched(t, s, "/rec/demo/p1/audio/stream.m3u8")
	if n := strings.Count(text, ".m4s"); n != 11+2 || strings.Count(text, "DISCONTINUITY\n") != 1 {
		t.Errorf("two takes of 11 and 2 segments:\n%s", text)
	}
}

// What a recording says of itself is found once, and goes with it.
func TestEndedRecordingsAreReadOnce(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.w.Record(first)
	p.put(30)
	p.w.Close(began.Add(time.Minute), began.Add(time.Hour))
	p.run.Wait()
	before := s.Recordings("demo")
	if len(before) != 1 || before[0].Bytes == 0 || before[0].Ended == nil || len(s.outlines) != 1 {
		t.Fatalf("%+v, %d outlines", before, len(s.outlines))
	}
	s.Sweep("demo", began.Add(2*time.Hour), 0)
	s.Sweep("demo", began.Add(2*time.Hour), 0)
	if len(s.outlines) != 0 {
		t.Error("an outline stays that nobody has asked for")
	}
	for _, name := range names {
		os.Remove(filepath.Join(s.dir("demo", "p1"), name, indexName(first)))
	}
	if a, b := js(t, before), js(t, s.Recordings("demo")); a != b {
		t.Errorf("read again:\n%s\n%s", a, b)
	}
	s.Sweep("demo", began.Add(48*time.Hour), time.Hour)
	if _, ok := s.ended.Load(s.dir("demo", "p1")); ok || len(s.Recordings("demo")) != 0 {
		t.Error("remembered for longer than it was kept")
	}
}

func js(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
