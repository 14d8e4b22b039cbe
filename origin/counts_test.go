package origin

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Every answer is counted by what was asked for and how it went, every wait by its length.
func TestAnswersAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN+5, 2)
		for _, target := range []string{
			"/hls/demo/index.m3u8", "/hls/demo/nowhere.m3u8", "/hls/nobody/index.m3u8", at(r.top, "stream.m3u8"), at(r.top, "stream.m3u8?_HLS_part=1"),
			at(r.top, "init.0.mp4"), at(r.top, "104.m4s"), at(r.top, "104.1.m4s"), at(r.top, "99.0.m4s"), at(r.top, "x"),
		} {
			r.do("GET", target)
		}
		r.do("GET", at(r.top, "104.m4s"), "Range", "bytes=0-3")
		r.do("GET", at(r.top, "104.m4s"), "Range", "bytes=999999-")
		r.do("GET", at(r.top, "104.1.m4s"), "If-None-Match", "*")
		part, list := r.start(at(r.top, "105.3.m4s")), r.start(at(r.top, "stream.m3u8?_HLS_msn=105&_HLS_part=3"))
		time.Sleep(300 * time.Millisecond)
		r.feed(1)
		synctest.Wait()
		if !part.finished() || !list.finished() {
			t.Fatal("still parked")
		}
		got := map[string]uint64{}
		var bytes uint64
		st := r.srv.Stats()
		for _, c := range st.Requests {
			if c.Count > 0 {
				got[c.Kind+" "+http.StatusText(c.Status)] = c.Count
			}
			if c.Kind == "segment" {
				bytes += c.Bytes
			}
		}
		want := map[string]uint64{
			"multivariant OK": 1, "multivariant Not Found": 1, "other Not Found": 2, "playlist OK": 2, "playlist Bad Request": 1, "init OK": 1,
			"segment OK": 1, "segment Partial Content": 1, "segment Requested Range Not Satisfiable": 1,
			"part OK": 2, "part Not Found": 1, "part Not Modified": 1,
		}
		for k, n := range want {
			if got[k] != n {
				t.Errorf("%s: %d, want %d", k, got[k], n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%v", got)
		}
		if min := uint64(len(r.segmentBytes(r.top, 104)) + 4); bytes < min || bytes > min+100 {
			t.Errorf("%d bytes of segments, want %d and an error", bytes, min)
		}
		if st.Waits.Counts[3] != 2 || st.Waits.Sum != 600*time.Millisecond {
			t.Errorf("%+v", st.Waits)
		}
	})
}

// A file goes through the counter to the kernel, and counts.
func TestCountedReadFrom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var c counts
	w := httptest.NewRecorder()
	a := c.begin(w)
	if n, err := a.ReadFrom(f); n != 1000 || err != nil || w.Body.Len() != 1000 || a.bytes != 1000 {
		t.Errorf("%d, %v, %d bytes counted", n, err, a.bytes)
	}
	if err := http.NewResponseController(a).Flush(); err != nil || !w.Flushed {
		t.Errorf("flush: %v", err)
	}
}
