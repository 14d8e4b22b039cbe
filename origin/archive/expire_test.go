package archive

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilecast/media"
	"tilecast/packager/m3u8"
)

// A recording that goes on loses what is too old, index and all, from its playlists first: in those each segment keeps its number
// and its place behind breaks. What the live program shows stays, whatever its age.
func TestRecordingsThatGoOnExpire(t *testing.T) {
	s := open(t)
	m := manifest(t)
	p := s.play(t, m, nil)
	dir := filepath.Join(s.dir("demo", "p1"), "audio")
	keep := (200 * m.Plan.SegmentStart(1)).Duration()
	list := func() *m3u8.Playlist {
		l, err := m3u8.ParseMedia([]byte(fetched(t, s, "/rec/demo/p1/audio/stream.m3u8")))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	go1 := func(segments int) {
		for range segments {
			p.put(6)
			p.oldest = p.from + p.played["audio"]/6 - 30
			if p.played["audio"]%60 == 0 {
				p.settle()
			}
		}
		p.settle()
	}
	p.w.Record(first)
	go1(100)
	p.w.StopRecording(first + 99)
	go1(40)
	p.w.Record(first + 140)
	go1(20)
	p.w.Expire(began, keep)
	before := list()
	if before.Type != "EVENT" || len(before.Segments) != 120 || before.MediaSequence != 0 {
		t.Fatalf("%s, %d segments from %d", before.Type, len(before.Segments), before.MediaSequence)
	}
	for round := range 12 {
		go1(100)
		p.w.Expire(began, keep)
		p.settle()
		now := list()
		if n := len(now.Segments); n > 202 || n < 161 {
			t.Fatalf("round %d: %d segments", round, n)
		}
		for _, f := range append(m3u8.CheckUpdate(before, now), m3u8.Check(now)...) {
			if f.Rule != "M-12" || now.Type == before.Type { // nothing has gone before the first round
				t.Errorf("round %d: %v", round, f)
			}
		}
		for _, seg := range []m3u8.Listed{before.Segments[len(before.Segments)-1], now.Segments[0]} {
			if _, err := os.Stat(filepath.Join(dir, filepath.Base(seg.URI))); err != nil {
				t.Errorf("round %d: what a player may have just learned of is gone: %v", round, err)
			}
		}
		before = now
	}
	if before.Type != "" || before.MediaSequence == 0 {
		t.Errorf("type %q from %d though something has gone", before.Type, before.MediaSequence)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.m4s"))
	if n := len(files); n < 200 || n > 302 {
		t.Errorf("%d files, want those of 200 segments, and of 100 that were listed lately", n)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.idx")); len(files) > 2 {
		t.Errorf("index files stay: %v", files)
	}
	p.w.Expire(began, time.Second)
	p.w.Expire(began, time.Second)
	for msn := p.oldest; msn < p.oldest+30; msn++ {
		if _, err := os.Stat(filepath.Join(dir, segmentName(msn))); err != nil || !p.shelf["audio"].Kept(msn) {
			t.Fatalf("the live program needs segment %d: %v", msn, err)
		}
	}
}

// Files of broadcasters go when they have not grown for so long, those of who is there do not.
func TestTapesExpire(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	tape := func(who string) *Tape {
		tape := p.w.Tape(who, media.VP8, began)
		for k := range 3 {
			tape.Put(media.Packet{At: media.Time(k) * media.Second, Key: true, Data: []byte("\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01")})
		}
		return tape
	}
	tape("gone").Close()
	tape("here")
	p.settle()
	later := time.Now().Add(3 * time.Hour)
	p.w.Expire(later, 4*time.Hour)
	left := func() string {
		names, _ := filepath.Glob(filepath.Join(s.dir("demo", "p1"), isoFolder, "*.mp4"))
		return fmt.Sprint(len(names), strings.Contains(fmt.Sprint(names), "-here-"))
	}
	if got := left(); got != "2 true" {
		t.Errorf("too soon: %s", got)
	}
	p.w.Expire(later, time.Hour)
	if got := left(); got != "1 true" {
		t.Errorf("%s", got)
	}
	p.w.Close(began, began)
	p.run.Wait()
}
