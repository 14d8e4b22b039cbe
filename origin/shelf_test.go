package origin

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// folder is a shelf of plain files that may lose segments.
type folder struct {
	dir   string
	bytes map[int64][]byte
	lost  map[int64]bool
	done  int64
	least int64 // the oldest that is asked for
}

func newFolder(t testing.TB) *folder {
	return &folder{dir: t.TempDir(), bytes: map[int64][]byte{}, lost: map[int64]bool{}}
}

func (f *folder) Put(p packager.Part, oldest int64) {
	f.bytes[p.MSN] = append(f.bytes[p.MSN], p.Data...)
	f.done, f.least = p.MSN-1, oldest
	for msn := range f.bytes {
		if msn < oldest {
			delete(f.bytes, msn)
		}
	}
}

func (f *folder) Kept(msn int64) bool { return msn <= f.done && !f.lost[msn] }

func (f *folder) Open(msn int64) (*os.File, error) {
	name := filepath.Join(f.dir, fmt.Sprint(msn))
	if err := os.WriteFile(name, f.bytes[msn], 0o600); err != nil {
		return nil, err
	}
	return os.Open(name)
}

// shelved is a rig whose streams have shelves.
func shelved(t testing.TB, cfg ProgramConfig) (*rig, map[string]*folder) {
	plan := plan(t, "low", media.FrameRate{Num: 30, Den: 1})
	shelves := map[string]*folder{}
	cfg.ID, cfg.Plan, cfg.FirstMSN = programID, plan, firstMSN
	if cfg.Wall == nil {
		cfg.Wall = media.NewClock(epoch).Wall
	}
	cfg.Keep = func(stream, _ string, _ packager.Init) Shelf {
		shelves[stream] = newFolder(t)
		return shelves[stream]
	}
	r := &rig{t: t, plan: plan, srv: NewServer(ServerConfig{}), played: map[*Stream]int64{}}
	r.p = NewProgram(cfg)
	r.top = r.p.AddVideo("main", "720p", videoInit(plan, 1280, 720, 2_500_000))
	r.low = r.p.AddVideo("main", "360p", videoInit(plan, 640, 360, 700_000))
	r.audio = r.p.AddAudio("audio", audioInit())
	r.p.Resume()
	r.srv.Publish(roomName, r.p)
	return r, shelves
}

// live feeds n segments in their time, on a clock that is not real.
func (r *rig) live(n int) {
	for range n * r.plan.PartsPerSegment {
		time.Sleep(r.plan.Rate.Frame(int64(r.plan.PartFrames)).Duration())
		r.feed(1)
	}
}

// A window of ten minutes: memory holds a minute or so, and everything in the playlist can be had (L-6), to the byte.
func TestLongWindowIsReadFromTheShelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, shelves := shelved(t, ProgramConfig{Window: 600 * media.Second})
		r.live(700)
		st := r.top.Stats()
		if st.Listed != 300 || st.Segments > 40 || st.Segments < 30 || st.Shelved < 300-st.Segments {
			t.Fatalf("%d listed, %d in memory, %d on the shelf", st.Listed, st.Segments, st.Shelved)
		}
		if st.Length != 600*time.Second {
			t.Errorf("the playlist is %v long", st.Length)
		}
		list := r.list(r.top, "")
		for _, s := range list.Segments {
			var want []byte
			for i := range r.plan.PartsPerSegment {
				want = append(want, partData(r.top, Cursor{s.MSN, i})...)
			}
			if got := r.get(at(r.top, s.URI)); got != string(want) {
				t.Fatalf("segment %d is %q, want %q", s.MSN, got, want)
			}
		}
		old := at(r.top, list.Segments[0].URI)
		whole := r.get(old)
		w := r.do("GET", old, "Range", "bytes=3-9")
		if w.Code != http.StatusPartialContent || w.Body.String() != whole[3:10] || w.Header().Get("Content-Range") != fmt.Sprintf("bytes 3-9/%d", len(whole)) {
			t.Errorf("a range of an old segment: %d %q %v", w.Code, w.Body, w.Header())
		}
		if w := r.do("HEAD", old); w.Body.Len() != 0 || w.Header().Get("Content-Length") != fmt.Sprint(len(whole)) {
			t.Errorf("HEAD of an old segment: %v", w.Header())
		}
		// A delta is as small as that of a short window, and applied to its base gives the whole.
		short := r.get(at(r.top, "stream.m3u8?_HLS_skip=YES"))
		if len(short) > 4096 || !strings.Contains(short, fmt.Sprintf("SKIPPED-SEGMENTS=%d\n", 300-7)) {
			t.Errorf("delta of %d bytes:\n%.300s", len(short), short)
		}
		if least := shelves["main-720p"].least; least > list.MediaSequence || least < list.MediaSequence-310 {
			t.Errorf("the shelf may drop all below %d, the playlist begins at %d", least, list.MediaSequence)
		}
	})
}

// A program that is over goes on to be played for as long as its window, from the shelf: memory has the last segment of it.
// Parts leave the playlist first, and can be had for three target durations more (P-13).
func TestEndedProgramLeavesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, shelves := shelved(t, ProgramConfig{Window: 600 * media.Second})
		r.live(100)
		shelves["audio"].lost[firstMSN+90] = true
		target := time.Duration(r.plan.Target) * time.Second
		r.p.Finish()
		before := r.list(r.top, "")
		time.Sleep(3*target + time.Millisecond)
		synctest.Wait()
		after := r.list(r.top, "")
		if !after.EndList || len(after.Segments) != 100 || strings.Contains(r.get(at(r.top, "stream.m3u8")), "EXT-X-PART:") {
			t.Errorf("%d segments, or parts: %s", len(after.Segments), r.get(at(r.top, "stream.m3u8")))
		}
		for _, s := range before.Segments {
			for _, p := range s.Parts {
				r.get(at(r.top, p.URI))
			}
		}
		time.Sleep(3 * target)
		synctest.Wait()
		if st := r.top.Stats(); st.Segments != 1 || st.Bytes > 1000 || st.Listed != 100 {
			t.Errorf("%d segments and %d bytes in memory, %d listed", st.Segments, st.Bytes, st.Listed)
		}
		if st := r.audio.Stats(); st.Segments != 10 {
			t.Errorf("%d segments in memory of what is not on the shelf and behind it", st.Segments)
		}
		for _, s := range []*Stream{r.top, r.audio} {
			list := r.list(s, "")
			if !list.EndList || len(list.Segments) != 100 {
				t.Errorf("%s: %d segments", s.name, len(list.Segments))
			}
			for _, seg := range list.Segments {
				r.get(at(s, seg.URI))
			}
		}
		time.Sleep(r.p.MediaLife())
		synctest.Wait()
		if st := r.srv.Stats(); st.Programs != 0 {
			t.Errorf("not let go: %+v", st)
		}
	})
}

// What a shelf loses leaves every playlist, and with it all that is older (C-4); the program goes on.
func TestLostSegmentShortensTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, shelves := shelved(t, ProgramConfig{Window: 600 * media.Second})
		r.live(200)
		lost := int64(firstMSN + 190)
		shelves["audio"].lost[lost] = true
		r.live(120)
		for _, s := range []*Stream{r.top, r.low, r.audio} {
			list := r.list(s, "")
			if list.MediaSequence != lost+1 {
				t.Errorf("%s begins at %d, want %d", s.name, list.MediaSequence, lost+1)
			}
			r.get(at(s, list.Segments[0].URI))
		}
		if w := r.do("GET", at(r.audio, fmt.Sprintf("%d.m4s", lost))); w.Code != http.StatusNotFound {
			t.Errorf("the lost segment: %d", w.Code)
		}
		r.get(at(r.top, fmt.Sprintf("%d.m4s", lost))) // others are there for those who have an older playlist
	})
}

// An event keeps every segment and says so (M-12); its memory does not.
func TestEventKeepsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := shelved(t, ProgramConfig{Event: true})
		r.live(900)
		list := r.list(r.low, "")
		if list.Type != "EVENT" || list.MediaSequence != firstMSN || len(list.Segments) != 900 {
			t.Fatalf("type %q, from %d, %d segments", list.Type, list.MediaSequence, len(list.Segments))
		}
		if st := r.low.Stats(); st.Segments > 100 {
			t.Errorf("%d segments in memory", st.Segments)
		}
		r.get(at(r.low, list.Segments[0].URI))
		r.p.Finish()
		if list := r.list(r.low, ""); !list.EndList || len(list.Segments) != 900 {
			t.Error("the end changed more than it should")
		}
	})
}

// history is what a stream published, as an archive would give it back: parts for the last n segments.
func history(s *Stream, inits []packager.Init, parts map[int64][]packager.Part, end int64, n int64) (h History) {
	h.Inits = inits
	first := end
	for msn := range parts {
		first = min(first, msn)
	}
	for msn := first; msn <= end; msn++ {
		p := Past{MSN: msn, Init: len(inits) - 1}
		ps := parts[msn]
		if len(ps) == 0 {
			p.Gap, p.Dur = true, media.Second
			p.Wall = h.Segments[len(h.Segments)-1].Wall.Add(h.Segments[len(h.Segments)-1].Dur.Duration())
			h.Segments = append(h.Segments, p)
			continue
		}
		p.Wall, p.Key = s.program.cfg.Wall(ps[0].Start), ps[0].KeyLen
		for _, part := range ps {
			p.Dur += part.Dur
		}
		if end-msn < n {
			p.Parts = ps
		}
		h.Segments = append(h.Segments, p)
	}
	return h
}

// After a restart: the open segment ends with the parts it had, the next number follows behind a DISCONTINUITY with a new
// init section and its date, in every rendition; nothing that was published changes (L-1, L-11, M-5, M-9, G-4, G-6, G-11).
// Numbers go on whoever comes back (L-12).
func TestResume(t *testing.T) {
	for _, shape := range []struct {
		name          string
		top, low, snd int  // parts of the open segment; a whole one more than the others have: 7
		spent         bool // what was published of the segment behind a closed one never came to the disk
	}{{"within a part", 3, 3, 4, false}, {"at an edge", 6, 6, 6, false}, {"across an edge", 7, 6, 6, false}, {"spent unseen", 6, 6, 6, true}, {"spent", 7, 7, 7, true}} {
		t.Run(shape.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := shelved(t, ProgramConfig{Window: 120 * media.Second})
				r.live(50)
				r.feed(shape.top, r.top)
				r.feed(shape.low, r.low)
				r.feed(shape.snd, r.audio)
				before := map[string]*m3u8.Playlist{}
				past := map[string]History{}
				end := int64(0)
				for _, s := range []*Stream{r.top, r.low, r.audio} {
					end = max(end, firstMSN+(r.played[s]-1)/6)
				}
				if shape.spent {
					end = firstMSN + 51
				}
				for _, s := range []*Stream{r.top, r.low, r.audio} {
					before[s.name] = r.list(s, "")
					parts := map[int64][]packager.Part{}
					for n := range r.played[s] {
						p := r.cut(s, n)
						parts[p.MSN] = append(parts[p.MSN], p)
					}
					if shape.spent {
						delete(parts, end)
					}
					past[s.name] = history(s, []packager.Init{s.init}, parts, end, 20)
				}
				tags := r.do("GET", at(r.top, "stream.m3u8")).Header().Get("Etag")

				again := media.NewClock(epoch.Add(105 * time.Second))
				r, _ = shelved(t, ProgramConfig{Window: 120 * media.Second, Past: past, Wall: again.Wall})
				if !r.p.Live() {
					t.Fatal("what was there can't be played")
				}
				old := r.do("GET", at(r.top, "stream.m3u8"))
				if old.Header().Get("Etag") == tags {
					t.Error("an ETag came back")
				}
				for _, s := range []*Stream{r.top, r.low, r.audio} {
					list := r.list(s, "")
					for _, f := range m3u8.CheckUpdate(before[s.name], list) {
						t.Errorf("%s after the restart: %v", s.name, f)
					}
					if last := list.Segments[len(list.Segments)-1]; shape.spent && (!last.Gap || last.Discontinuity || last.MSN != end || r.do("GET", at(s, last.URI)).Code != http.StatusNotFound) {
						t.Errorf("%s: what was spent is %+v", s.name, last)
					}
					if c, _ := s.current.Load().hinted(); c != (Cursor{end + 1, 0}) {
						t.Errorf("%s hints at %v, want %d.0", s.name, c, end+1)
					}
					if len(list.Hints) != 2 || list.Hints[1].URI != "init.1.mp4" {
						t.Errorf("%s: hints %v, want the new init section (PH-4)", s.name, list.Hints)
					}
					if s.canvas != "" {
						for i, key := range r.keys(s, "").Segments {
							if key.Gap != list.Segments[i].Gap {
								t.Errorf("%s: key frame of %d lost", s.name, key.MSN)
							}
						}
					}
					if r.get(at(s, list.Segments[len(list.Segments)-2].URI)) == "" || r.get(at(s, "init.0.mp4")) == "" || r.get(at(s, "init.1.mp4")) == "" {
						t.Error("old media can't be had")
					}
				}
				feed := func(n int) { // MSNs go on from there
					for i := range int64(n) {
						for _, s := range []*Stream{r.top, r.low, r.audio} {
							p := r.cut(s, r.played[s])
							p.MSN += end + 1 - firstMSN
							if err := s.Append(p); err != nil {
								t.Fatal(i, err)
							}
							r.played[s]++
						}
					}
				}
				feed(1)
				for _, s := range []*Stream{r.top, r.low, r.audio} {
					list := r.list(s, "")
					o := list.Open
					if o == nil || !o.Discontinuity || o.Map != "init.1.mp4" || !o.ProgramDateTime.Equal(epoch.Add(105*time.Second)) || o.DSN != 1 {
						t.Errorf("%s goes on with %+v", s.name, o)
					}
					for _, f := range m3u8.CheckUpdate(before[s.name], list) {
						if f.Rule != "PH-2" && f.Rule != "PH-4" { // the part that was hinted at died with the process (PH-10)
							t.Errorf("%s: %v", s.name, f)
						}
					}
				}
				last := r.list(r.top, "")
				for range 80 {
					time.Sleep(2 * time.Second)
					feed(6)
					list := r.list(r.top, "")
					for _, f := range m3u8.CheckUpdate(last, list) {
						t.Fatalf("later: %v", f)
					}
					last = list
				}
				for _, s := range []*Stream{r.top, r.low, r.audio} {
					list := r.list(s, "")
					if list.DiscontinuitySequence != 1 || list.Segments[0].InForce != "init.1.mp4" || list.MediaSequence != last.MediaSequence {
						t.Errorf("%s, with its first life gone: DSN %d, init %q, from %d", s.name, list.DiscontinuitySequence, list.Segments[0].InForce, list.MediaSequence)
					}
				}
			})
		})
	}
}

// A gap from before the restart, older than what is read back into memory, is a gap for all of its time: what lies around it
// is read from the shelf, and the window does not end at it.
func TestResumeWithAnOldGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const had = 200
		r, _ := shelved(t, ProgramConfig{Window: 600 * media.Second})
		past := map[string]History{}
		for _, s := range []*Stream{r.top, r.low, r.audio} {
			parts := map[int64][]packager.Part{}
			for n := range int64(had * 6) {
				p := r.cut(s, n)
				parts[p.MSN] = append(parts[p.MSN], p)
			}
			if s == r.audio { // one far back, one in memory
				delete(parts, firstMSN+100)
				delete(parts, firstMSN+had-5)
			}
			h := history(s, []packager.Init{s.init}, parts, firstMSN+had-1, 30)
			for i := range h.Segments {
				if p := &h.Segments[i]; p.Gap {
					p.Dur = media.FromDuration(h.Segments[i+1].Wall.Sub(p.Wall))
				}
			}
			past[s.name] = h
		}
		r, shelves := shelved(t, ProgramConfig{Window: 600 * media.Second, Past: past, Wall: media.NewClock(epoch.Add(500 * time.Second)).Wall})
		if len(past) != 0 {
			t.Errorf("what was read back of %d streams is held for good", len(past))
		}
		shelves["audio"].lost[firstMSN+100], shelves["audio"].lost[firstMSN+had-5] = true, true // there is nothing to keep
		for i := range 120 * 6 {
			for _, s := range []*Stream{r.top, r.low, r.audio} {
				p := r.cut(s, int64(i))
				p.MSN += had
				if err := s.Append(p); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(r.plan.Rate.Frame(int64(r.plan.PartFrames)).Duration())
			if i != 0 && i != 120*6-1 {
				continue
			}
			list := r.list(r.audio, "")
			if want := max(firstMSN, firstMSN+had+int64(i+1)/6-300); list.MediaSequence != want {
				t.Fatalf("after %d parts the playlist begins at %d, want %d", i+1, list.MediaSequence, want)
			}
			for _, s := range list.Segments {
				gap := s.MSN == firstMSN+100 || s.MSN == firstMSN+had-5
				if s.Gap != gap {
					t.Errorf("segment %d is a gap: %v", s.MSN, s.Gap)
				}
				if w := r.do("GET", at(r.audio, s.URI)); gap != (w.Code == http.StatusNotFound) {
					t.Fatalf("after %d parts segment %d: %d", i+1, s.MSN, w.Code)
				}
				if seg := r.audio.current.Load().segment(s.MSN); seg != nil && !gap && seg.size == 0 {
					t.Fatalf("after %d parts segment %d is served empty", i+1, s.MSN)
				}
			}
			if st := r.audio.Stats(); st.Segments > 50 {
				t.Errorf("%d segments in memory", st.Segments)
			}
		}
	})
}

// The tags that had left the playlist before a restart count in it (M-9).
func TestResumeCountsDiscontinuities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := shelved(t, ProgramConfig{})
		past := map[string]History{}
		for _, s := range []*Stream{r.top, r.low, r.audio} {
			parts := map[int64][]packager.Part{}
			for n := range int64(60) {
				p := r.cut(s, n)
				parts[p.MSN] = append(parts[p.MSN], p)
			}
			h := history(s, []packager.Init{s.init, s.init, s.init}, parts, firstMSN+9, 30)
			for i := range h.Segments[:4] {
				h.Segments[i].Init = 1
			}
			h.Cuts = 1
			past[s.name] = h
		}
		r, _ = shelved(t, ProgramConfig{Past: past})
		list := r.list(r.low, "")
		if first, last := list.Segments[0], list.Segments[9]; list.DiscontinuitySequence != 1 || first.DSN != 1 || last.DSN != 2 {
			t.Errorf("begins with %d, segments %d to %d: want 1 and 1 to 2", list.DiscontinuitySequence, first.DSN, last.DSN)
		}
	})
}

// A segment that can't be opened for now is no 404, which caches would keep.
func TestShelfIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, shelves := shelved(t, ProgramConfig{Window: 600 * media.Second})
		r.live(200)
		old := at(r.audio, fmt.Sprintf("%d.m4s", firstMSN+10))
		refused := func() {
			t.Helper()
			w := r.do("GET", old)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Retry-After") == "" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		}
		r.p.reading.Store(maxReading) // as many slow clients as there may be
		refused()
		r.p.reading.Store(maxReading - 1)
		r.get(old)
		r.get(old)
		shelves["audio"].dir = string([]byte{0}) // EINVAL
		refused()
	})
}

// Without a shelf no event can keep everything: its window slides.
func TestEventWithoutShelf(t *testing.T) {
	r := newRig(t)
	cfg := r.p.cfg
	cfg.Event = true
	r.p, r.srv = NewProgram(cfg), NewServer(ServerConfig{})
	r.top = r.p.AddVideo("main", "720p", videoInit(r.plan, 1280, 720, 2_500_000))
	r.srv.Publish(roomName, r.p)
	for n := range int64(6 * (r.p.limits.most + 5)) {
		if err := r.top.Append(r.cut(r.top, n)); err != nil {
			t.Fatal(err)
		}
	}
	if list := r.list(r.top, ""); list.Type != "" || len(list.Segments) != r.p.limits.listed {
		t.Errorf("type %q, %d segments, want %d", list.Type, len(list.Segments), r.p.limits.listed)
	}
}

// BenchmarkWindow shows what a window costs in memory: heap per window, and the time of an Append
// and of a full text. Media is 2 kB a part, so what is measured is the book-keeping and a minute of media.
func BenchmarkWindow(b *testing.B) {
	for _, window := range []time.Duration{time.Minute, 2 * time.Hour, 24 * time.Hour} {
		b.Run(window.String(), func(b *testing.B) {
			plan := plan(b, "low", media.FrameRate{Num: 30, Den: 1})
			r := &rig{t: b, plan: plan, srv: NewServer(ServerConfig{}), played: map[*Stream]int64{}}
			r.p = NewProgram(ProgramConfig{ID: programID, Plan: plan, FirstMSN: firstMSN, Wall: media.NewClock(epoch).Wall,
				Window: media.FromDuration(window), Keep: func(string, string, packager.Init) Shelf { return void{} }})
			r.top = r.p.AddVideo("main", "720p", videoInit(plan, 1280, 720, 2_500_000))
			r.srv.Publish(roomName, r.p)
			before := heap()
			n := int64(window/(2*time.Second)+40) * 6
			began := time.Now()
			for i := range n {
				p := r.cut(r.top, i)
				p.Data = bytes.Repeat([]byte{1}, 2048)
				if err := r.top.Append(p); err != nil {
					b.Fatal(err)
				}
			}
			perAppend := time.Since(began) / time.Duration(n)
			grown := heap() - before
			v := r.top.current.Load()
			began = time.Now()
			text := v.form(full)
			rendered := time.Since(began)
			for b.Loop() {
				r.get(at(r.top, "stream.m3u8?_HLS_skip=YES"))
			}
			b.ReportMetric(float64(grown)/1e6, "MB")
			b.ReportMetric(float64(perAppend.Nanoseconds()), "ns/append")
			b.ReportMetric(float64(r.top.Stats().Listed), "segments")
			b.ReportMetric(float64(rendered.Microseconds()), "µs/text")
			b.ReportMetric(float64(len(text.data))/1e6, "MB/text")
		})
	}
}

// void is a shelf that has everything.
type void struct{}

func (void) Put(packager.Part, int64)     {}
func (void) Kept(int64) bool              { return true }
func (void) Open(int64) (*os.File, error) { return nil, os.ErrNotExist }

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A program that goes on with other bit rates has another multivariant playlist, and says so to caches.
func TestMultivariantTagFollowsTheRates(t *testing.T) {
	tag := func(rate int) string {
		r := newRig(t)
		s := newStream(r.p, "main-720p", "main", videoInit(r.plan, 1280, 720, rate))
		return renderCanvas(&r.p.cfg, []*Stream{s}, "main")[0].etag[0]
	}
	if a, b := tag(2_500_000), tag(1_500_000); a == b || a != tag(2_500_000) {
		t.Errorf("tags %s and %s", a, b)
	}
}
