package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

var began = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)

const first = 5000

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), slog.New(slog.NewTextHandler(testWriter{t}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

type testWriter struct{ testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func manifest(t testing.TB) Manifest {
	t.Helper()
	plan, err := packager.NewPlan("low", media.FrameRate{Num: 30, Den: 1})
	if err != nil {
		t.Fatal(err)
	}
	return Manifest{Room: "demo", ID: "p1", Plan: plan, Window: 60 * media.Second, Lives: []Life{{Began: began, First: first}}}
}

// show is a program that is being written.
type show struct {
	t      testing.TB
	w      *Writer
	plan   packager.Plan
	shelf  map[string]*Shelf
	played map[string]int64
	from   int64
	oldest int64
	run    sync.WaitGroup
	events []string
	mu     sync.Mutex
}

var names = []string{"main-720p", "audio"}

func (s *Store) play(t testing.TB, m Manifest, from *Loaded) *show {
	p := &show{t: t, plan: m.Plan, shelf: map[string]*Shelf{}, played: map[string]int64{}, from: m.Lives[0].First}
	event := func(kind string, _ ...slog.Attr) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.events = append(p.events, kind)
	}
	if from != nil {
		p.from = from.Next()
		p.w = from.Resume(began.Add(time.Hour), event)
	} else {
		p.w = s.Create(m, event)
	}
	for _, name := range names {
		in := packager.Init{Codecs: "avc1.42c01f", Timescale: 90000, Data: []byte("init of " + name)}
		canvas := "main"
		if name == "audio" {
			canvas, in.Codecs, in.Timescale = "", "mp4a.40.2", 48000
			in.Params.Audio = &media.AudioParams{Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024}
		} else {
			in.Params.Video = &media.VideoParams{Codec: media.H264, W: 1280, H: 720, Rate: m.Plan.Rate}
		}
		p.shelf[name] = p.w.Keep(name, canvas, in)
	}
	p.run.Go(p.w.Run)
	return p
}

func (p *show) part(name string) packager.Part {
	n := p.played[name]
	p.played[name]++
	per := int64(p.plan.PartsPerSegment)
	edge := func(n int64) media.Time { return p.plan.Rate.Frame(n * int64(p.plan.PartFrames)) }
	return packager.Part{
		MSN: p.from + n/per, Index: int(n % per), Start: edge(n), Dur: edge(n+1) - edge(n), Independent: n%per == 0, Last: n%per == per-1,
		Data: fmt.Appendf(nil, "<%s %d.%d>", name, p.from+n/per, n%per),
	}
}

// put puts n parts of every stream, or of those named.
func (p *show) put(n int, streams ...string) {
	if len(streams) == 0 {
		streams = names
	}
	for range n {
		for _, name := range streams {
			p.shelf[name].Put(p.part(name), p.oldest)
		}
	}
}

// settle waits until all that was put is written.
func (p *show) settle() {
	done := make(chan struct{})
	for !p.w.send(job{do: func() error { close(done); return nil }}, 0) {
		time.Sleep(time.Millisecond)
	}
	<-done
}

// kill leaves the folder as it is, as a process does that is killed.
func (p *show) kill() {
	p.settle()
	p.w.disk = dead{}
	p.w.Close(began, began)
	p.run.Wait()
}

func (p *show) told() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.events, " ")
}

// dead is a disk that takes nothing and says that it did.
type dead struct{}

func (dead) Append(string, []byte) error  { return nil }
func (dead) Replace(string, []byte) error { return nil }
func (dead) Remove(string) error          { return nil }

func load(t testing.TB, s *Store) *Loaded {
	t.Helper()
	all := s.Programs("demo")
	if len(all) != 1 {
		t.Fatalf("%d programs", len(all))
	}
	if err := all[0].Load(); err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// What was put comes back, to the byte, after a process was killed; the open segment with the parts it had, and all
// streams end with the same number, of which one that a stream never had is a gap.
func TestComesBackAfterAKill(t *testing.T) {
	for _, shape := range []struct {
		name     string
		top, snd int
		end      int64
		parts    [2]int // of the last segment
	}{{"within a segment", 20, 21, first + 3, [2]int{2, 3}}, {"at an edge", 18, 18, first + 2, [2]int{6, 6}}, {"across one", 19, 18, first + 3, [2]int{1, 0}}} {
		t.Run(shape.name, func(t *testing.T) {
			s := open(t)
			p := s.play(t, manifest(t), nil)
			p.put(shape.top, "main-720p")
			p.put(shape.snd, "audio")
			p.kill()
			for life := 1; life < 3; life++ { // and so again
				l := load(t, s)
				if !l.Mend(60 * media.Second) {
					t.Fatal("nothing is left")
				}
				for i, st := range l.Streams {
					n := len(st.Segments)
					last := st.Segments[n-1]
					if life == 1 && (n != int(shape.end-first)+1 || last.MSN != shape.end || len(last.Parts) != shape.parts[i] || last.Gap != (shape.parts[i] == 0) || last.Dur == 0) {
						t.Errorf("%s: %d segments, the last %+v", st.Name, n, last)
					}
					for _, seg := range st.Segments {
						for k, part := range seg.Parts {
							if string(part.Data) != fmt.Sprintf("<%s %d.%d>", st.Name, seg.MSN, k) {
								t.Errorf("part %d.%d holds %q", seg.MSN, k, part.Data)
							}
						}
					}
					if len(st.Inits) != life || string(st.Inits[0].Data) != "init of "+st.Name {
						t.Errorf("%s: %d init sections", st.Name, len(st.Inits))
					}
				}
				next := l.Next()
				if life == 1 && next != shape.end+1 {
					t.Errorf("goes on with %d", next)
				}
				q := s.play(t, l.Manifest, l)
				q.put(8)
				q.kill()
				again := load(t, s)
				seg := again.Streams[1].Segments
				if got := seg[len(seg)-2]; got.MSN != next || got.Life != life || len(got.Parts) != 6 || len(again.Lives) != life+1 {
					t.Errorf("life %d: %+v", life, got)
				}
			}
		})
	}
}

// Files that a crash of the machine left: torn lines, short files, bytes that are not what was written, lines
// of files that are not there. What lies before the fault is kept.
func TestMendsWhatIsTorn(t *testing.T) {
	for name, damage := range map[string]struct {
		do   func(t *testing.T, dir string)
		end  int64
		last int // parts of the last segment of the video
	}{
		"torn line":       {func(t *testing.T, dir string) { cutFile(t, filepath.Join(dir, indexName(first)), 5) }, first + 3, 1},
		"garbage in line": {func(t *testing.T, dir string) { appendFile(t, filepath.Join(dir, indexName(first)), "\x00\x00 5\n") }, first + 3, 2},
		"short file":      {func(t *testing.T, dir string) { cutFile(t, filepath.Join(dir, segmentName(first+3)), 3) }, first + 3, 1},
		"part without line": {func(t *testing.T, dir string) {
			appendFile(t, filepath.Join(dir, segmentName(first+3)), "<half a par")
		}, first + 3, 2},
		"zeros": {func(t *testing.T, dir string) {
			data, _ := os.ReadFile(filepath.Join(dir, segmentName(first+2)))
			clear(data[40:])
			os.WriteFile(filepath.Join(dir, segmentName(first+2)), data, 0o644)
		}, first + 3, 0}, // the sound has it: a gap
		"a segment gone": {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, segmentName(first+3))) }, first + 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			p := s.play(t, manifest(t), nil)
			p.put(20)
			p.kill()
			damage.do(t, filepath.Join(s.dir("demo", "p1"), "main-720p"))
			l := load(t, s)
			if !l.Mend(60 * media.Second) {
				t.Fatal("nothing is left")
			}
			st := l.Streams[0]
			last := st.Segments[len(st.Segments)-1]
			if last.MSN != damage.end || len(last.Parts) != damage.last {
				t.Errorf("ends with %d of %d parts, want %d of %d", last.MSN, len(last.Parts), damage.end, damage.last)
			}
			var size int64
			for _, part := range last.Parts {
				size += int64(len(part.Data))
			}
			if info, err := os.Stat(filepath.Join(s.dir("demo", "p1"), "main-720p", segmentName(last.MSN))); len(last.Parts) > 0 && (err != nil || info.Size() != size) {
				t.Errorf("the file of the last segment has %v bytes, its parts %d", info.Size(), size)
			}
			q := s.play(t, l.Manifest, l)
			q.put(12)
			q.kill()
			if seg := load(t, s).Streams[0].Segments; seg[len(seg)-1].MSN != damage.end+2 || len(seg[len(seg)-1].Parts) != 6 {
				t.Errorf("does not go on: %+v", seg[len(seg)-1])
			}
		})
	}
}

func cutFile(t *testing.T, name string, n int64) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()-n); err != nil {
		t.Fatal(err)
	}
}

func appendFile(t *testing.T, name, text string) {
	t.Helper()
	if err := (Files{}).Append(name, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// Folders that are not ours, or of another version, are passed over and left alone.
func TestPassesOverWhatIsNotOurs(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.put(6)
	p.kill()
	for name, text := range map[string]string{
		"other/program.json": `{"format": 99, "room": "demo", "id": "other"}`,
		"moved/program.json": `{"format": 1, "room": "demo", "id": "p9"}`,
		"empty/program.json": `{"format": 1, "room": "demo", "id": "empty"}`,
		"torn/program.json":  `{"format": 1, "ro`,
		"notes/todo.txt":     "buy milk",
		"stray":              "a file",
	} {
		appendFile(t, filepath.Join(s.root, "demo", name), text)
	}
	if l := load(t, s); l.ID != "p1" {
		t.Errorf("found %s", l.ID)
	}
	s.Sweep("demo", began.Add(100*time.Hour), time.Hour)
	for _, name := range []string{"other/program.json", "notes/todo.txt", "stray", "torn/program.json"} {
		if _, err := os.Stat(filepath.Join(s.root, "demo", name)); err != nil {
			t.Errorf("%s was touched: %v", name, err)
		}
	}
	if len(s.Programs("nobody")) != 0 {
		t.Error("a room without a folder has programs")
	}
}

// One process has the folder.
func TestFolderIsTaken(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("a second process: %v", err)
	}
	if err := os.Mkdir(s.dir("lock", ""), 0o755); err != nil {
		t.Errorf("a room cannot be called lock: %v", err)
	}
	s.Close()
	if s, err = Open(dir, nil); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open("/dev/null/x", nil); err == nil {
		t.Error("a folder that can't be made was opened")
	}
}

// faulty is a disk that is full while told so, or hangs.
type faulty struct {
	Files
	mu    sync.Mutex
	full  bool
	hangs chan struct{} // nil: it does not
}

func (f *faulty) Append(name string, data []byte) error {
	f.mu.Lock()
	full, hangs := f.full, f.hangs
	f.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	if full {
		f.Files.Append(name, data[:len(data)/2]) // as a full disk does
		return errors.New("no space left on device")
	}
	return f.Files.Append(name, data)
}

func (f *faulty) Replace(name string, data []byte) error {
	f.mu.Lock()
	full := f.full
	f.mu.Unlock()
	if full {
		return errors.New("no space left on device")
	}
	return f.Files.Replace(name, data)
}

func (f *faulty) set(full bool, hangs chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full, f.hangs = full, hangs
}

// A full disk ends the recording with an event, loses the segments it has no place for and nothing else, and
// parts are kept again when there is room.
func TestFullDisk(t *testing.T) {
	s, disk := open(t), &faulty{}
	s.UseDisk(disk)
	p := s.play(t, manifest(t), nil)
	p.w.Record(first)
	p.put(20)
	p.settle()
	disk.set(true, nil)
	p.put(12)
	p.settle()
	if p.told() != "disk_failed recording_stopped" {
		t.Fatalf("told %q", p.told())
	}
	disk.set(false, nil)
	p.put(18)
	p.settle()
	if p.told() != "disk_failed recording_stopped disk_recovered" {
		t.Errorf("told %q", p.told())
	}
	for msn, want := range map[int64]bool{first + 2: true, first + 3: false, first + 4: false, first + 5: false, first + 6: true, first + 7: true} {
		if got := p.shelf["audio"].Kept(msn); got != want {
			t.Errorf("segment %d kept: %v", msn, got)
		}
	}
	if st := p.w.Stats(); st.Recording || st.Faults == 0 || st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
	p.w.Close(began.Add(time.Minute), began.Add(time.Hour))
	p.run.Wait()
	l := load(t, s)
	if c := l.recorded(nil); len(c.streams[0].Segments) != 3 {
		t.Errorf("%d segments are recorded, want the three that were whole", len(c.streams[0].Segments))
	}
}

// What the disk ended begins again when it has worked for a while, unless somebody has ended it since.
func TestRecordingBeginsAgain(t *testing.T) {
	for _, stop := range []bool{false, true} {
		s, disk := open(t), &faulty{}
		s.UseDisk(disk)
		p := s.play(t, manifest(t), nil)
		p.w.Record(first)
		p.put(18)
		p.settle()
		for range 2 {
			disk.set(true, nil)
			p.put(6)
			p.settle()
			disk.set(false, nil)
			p.put(6 * (calm - 2))
			p.settle()
		}
		if p.w.Recording() {
			t.Error("begins again though the disk has failed since")
		}
		if stop {
			p.w.StopRecording(first + p.played["audio"]/6)
		}
		p.put(6 * 4)
		p.settle()
		want := "disk_failed recording_stopped disk_recovered disk_failed disk_recovered recording_started"
		if stop {
			want = strings.TrimSuffix(want, " recording_started")
		}
		if p.told() != want || p.w.Recording() == stop {
			t.Errorf("stopped: %v, told %q", stop, p.told())
		}
		p.w.Close(began.Add(time.Minute), began.Add(time.Hour))
		p.run.Wait()
		if n := len(load(t, s).Takes); n != 2 && !stop || n != 1 && stop {
			t.Errorf("stopped: %v, %d takes", stop, n)
		}
	}
}

// A program that begins with a full disk has its init sections and its manifest as soon as there is room: without
// them nobody could read what is kept from then on.
func TestBeginsWithAFullDisk(t *testing.T) {
	s, disk := open(t), &faulty{}
	s.UseDisk(disk)
	disk.set(true, nil)
	p := s.play(t, manifest(t), nil)
	p.put(12)
	p.settle()
	disk.set(false, nil)
	p.put(6)
	p.settle()
	p.put(6)
	p.kill()
	l := load(t, s)
	for _, st := range l.Streams {
		if string(st.Inits[0].Data) != "init of "+st.Name || len(st.Segments) != 2 || st.Segments[0].MSN != first+2 {
			t.Errorf("%s: %d segments, init section %q", st.Name, len(st.Segments), st.Inits[0].Data)
		}
	}
}

// A stream that had nothing of a life has gaps of that life, so that all streams count the same breaks.
func TestGapsAreOfTheirLife(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.put(12)
	p.kill()
	for range 2 {
		l := load(t, s)
		if !l.Mend(60 * media.Second) {
			t.Fatal("nothing is left")
		}
		q := s.play(t, l.Manifest, l)
		q.put(3, "main-720p")
		q.kill()
	}
	l := load(t, s)
	l.Mend(60 * media.Second)
	for i, seg := range l.Streams[0].Segments {
		if other := l.Streams[1].Segments[i]; seg.Life != other.Life || l.Cuts(seg.MSN) != int64(other.Life) {
			t.Errorf("segment %d is of life %d in one stream, %d in the other, behind %d breaks", seg.MSN, seg.Life, other.Life, l.Cuts(seg.MSN))
		}
	}
	empty := Manifest{Lives: []Life{{First: 5}, {First: 9}, {First: 9}, {First: 12}}} // the second made nothing
	for msn, want := range map[int64]int64{5: 0, 8: 0, 9: 1, 11: 1, 12: 2} {
		if n := empty.Cuts(msn); n != want {
			t.Errorf("%d breaks up to segment %d, want %d", n, msn, want)
		}
	}
}

// While a program goes on its files may grow, so caches may not keep them.
func TestGrowingFilesAreNotCached(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.w.Record(first)
	p.put(8)
	p.settle()
	cache := func() string {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", fmt.Sprintf("/rec/demo/p1/audio/%d.m4s", first+1), nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
		}
		return w.Header().Get("Cache-Control")
	}
	if c := cache(); c != "no-store" {
		t.Errorf("a segment in the making may be cached: %s", c)
	}
	p.w.Close(began.Add(time.Minute), began.Add(time.Hour))
	p.run.Wait()
	if c := cache(); !strings.Contains(c, "max-age=86400") {
		t.Errorf("a segment of a program that is over: %s", c)
	}
}

// Whole files are put together for a few at a time: the others wait, and give up with their client.
func TestFewFilesAreGatheredAtATime(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.w.Record(first)
	p.put(8)
	p.w.Close(began.Add(time.Minute), began.Add(time.Hour))
	p.run.Wait()
	get := func(ctx context.Context, target string) int {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", target, nil))
		return w.Code
	}
	for range maxGathering {
		s.gathering <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := get(ctx, "/rec/demo/p1/audio.mp4"); code != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", code)
	}
	for range maxGathering {
		<-s.gathering
	}
	s.serving.Store(maxServing)
	if code := get(t.Context(), "/rec/demo/p1/index.m3u8"); code != http.StatusServiceUnavailable {
		t.Errorf("one answer too many: %d", code)
	}
	s.serving.Store(0)
	for range maxGathering + 1 { // each gives its place back
		if code := get(t.Context(), "/rec/demo/p1/audio.mp4?from=x"); code != http.StatusBadRequest {
			t.Errorf("a bad clip: %d", code)
		}
	}
}

// A disk that fails leaves a broadcaster's files whole as far as they go: what comes behind it begins another, with a header.
func TestTapeGoesOnBehindAFault(t *testing.T) {
	s, disk := open(t), &faulty{}
	s.UseDisk(disk)
	p := s.play(t, manifest(t), nil)
	tape := p.w.Tape("Ada", media.Opus, began)
	at := media.Time(0)
	put := func(seconds media.Time) {
		for end := at + seconds*media.Second; at < end; at += media.Second / 50 {
			tape.Put(media.Packet{At: at, Key: true, Data: []byte("sound")})
		}
		p.settle()
	}
	disk.set(true, nil)
	put(3) // not even a header
	disk.set(false, nil)
	put(3)
	disk.set(true, nil)
	put(3)
	disk.set(false, nil)
	put(3)
	tape.Close()
	p.kill()
	files, _ := filepath.Glob(filepath.Join(p.w.Folder(), isoFolder, "*.mp4"))
	if len(files) != 2 {
		t.Fatalf("files %v, want one before and one behind the fault", files)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil || len(data) < 12 || string(data[4:8]) != "ftyp" {
			t.Errorf("%s has no header: %v", filepath.Base(name), err)
		}
	}
}

// A disk that hangs takes what the queue holds, and no longer; the caller never waits.
func TestSlowDisk(t *testing.T) {
	s, disk := open(t), &faulty{}
	s.UseDisk(disk)
	p := s.play(t, manifest(t), nil)
	p.w.Record(first)
	p.put(6)
	p.settle()
	hangs := make(chan struct{})
	disk.set(false, hangs)
	p.put(6 * 60)
	st := p.w.Stats()
	if st.Dropped == 0 || st.Queued > maxQueued || p.told() != "disk_failed recording_stopped" {
		t.Errorf("%+v, told %q", st, p.told())
	}
	disk.set(false, nil)
	close(hangs)
	p.settle()
	p.put(12)
	p.settle()
	if got := p.shelf["audio"].Kept(first + 61); !got {
		t.Error("not kept when the disk is back")
	}
	p.w.Close(began, began)
	p.run.Wait()
}

// The bytes that wait are bounded as well as the parts.
func TestQueueIsBoundedInBytes(t *testing.T) {
	s, disk := open(t), &faulty{}
	s.UseDisk(disk)
	p := s.play(t, manifest(t), nil)
	hangs := make(chan struct{})
	disk.set(false, hangs)
	for range 10 {
		part := p.part("audio")
		part.Data = make([]byte, 10<<20)
		p.shelf["audio"].Put(part, 0)
	}
	if n := p.w.queued.Load(); n > maxBytes {
		t.Errorf("%d bytes wait", n)
	}
	if p.w.Stats().Dropped == 0 {
		t.Error("nothing was dropped")
	}
	disk.set(false, nil)
	close(hangs)
	p.w.Close(began, began)
	p.run.Wait()
}

// What has left the window is removed, index and all, but for what is recorded.
func TestOldSegmentsAreRemoved(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	for range 1200 {
		p.put(6)
		msn := p.from + p.played["audio"]/6
		p.oldest = msn - 30
		switch msn {
		case first + 100:
			p.w.Record(msn)
		case first + 110:
			p.w.StopRecording(msn)
		}
		if msn%20 == 0 {
			p.settle()
		}
	}
	p.settle()
	names, _ := filepath.Glob(filepath.Join(s.dir("demo", "p1"), "audio", "*.m4s"))
	if len(names) < 30+11 || len(names) > 33+11 {
		t.Errorf("%d files, want the window's 30 and 11 recorded ones", len(names))
	}
	if p.shelf["audio"].Kept(first + 500) {
		t.Error("a removed segment counts as kept")
	}
	if f, err := p.shelf["audio"].Open(first + 1195); err != nil {
		t.Error(err)
	} else {
		data, _ := io.ReadAll(f)
		f.Close()
		if !bytes.HasPrefix(data, []byte("<audio ")) {
			t.Errorf("%q", data)
		}
	}
	p.w.Close(began.Add(40*time.Minute), began.Add(50*time.Minute))
	p.run.Wait()
	dir := s.dir("demo", "p1")
	s.Sweep("demo", began.Add(45*time.Minute), 0)
	if left, _ := filepath.Glob(filepath.Join(dir, "audio", "*.m4s")); len(left) != len(names) {
		t.Error("swept before its time")
	}
	s.Sweep("demo", began.Add(time.Hour), 0)
	if left, _ := filepath.Glob(filepath.Join(dir, "audio", "*.m4s")); len(left) != 11 {
		t.Errorf("%d files left of a recording of 11", len(left))
	}
	s.Sweep("demo", began.Add(48*time.Hour), 24*time.Hour)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a recording past its time: %v", err)
	}
}

// stuck is a disk that removes nothing.
type stuck struct{ Files }

func (stuck) Remove(string) error { return errors.New("read-only") }

// What a recording is not of is looked for until it is gone, and then not again: there may be a great many.
func TestRecordingsAreTrimmedOnce(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.w.Record(first + 2)
	p.put(30)
	p.w.Close(began.Add(time.Minute), began.Add(time.Hour))
	p.run.Wait()
	stray := filepath.Join(s.dir("demo", "p1"), "audio", segmentName(first))
	swept := func(d Disk) bool {
		s.UseDisk(d)
		s.Sweep("demo", began.Add(2*time.Hour), 0)
		_, err := os.Stat(stray)
		return errors.Is(err, os.ErrNotExist)
	}
	if swept(stuck{}) || !swept(Files{}) {
		t.Error("not tried again")
	}
	appendFile(t, stray, "x")
	if swept(Files{}) {
		t.Error("all is looked through again")
	}
}

// A reader of lines takes what line writes, and nothing else for it.
func FuzzLine(f *testing.F) {
	f.Add([]byte("5000 0 0 235200000 18233 900 il 9f3a21cc"))
	f.Add([]byte("5000 0 0 2352"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parseLine(b)
		if !ok {
			return
		}
		if p.Dur <= 0 || p.Size < 0 || p.Index < 0 || p.MSN < 0 {
			t.Errorf("%q is %+v", b, p)
		}
	})
}

// The number behind a closed segment may have been published and never written: it is a gap of the old life in all streams,
// and so is the first number of a life that left nothing. Nothing of it is taken for time that there is media of.
func TestSpentNumbersNeverComeBack(t *testing.T) {
	for _, shape := range []struct {
		name     string
		top, snd int
		next     int64
	}{{"closed", 18, 18, first + 4}, {"closed in one", 18, 17, first + 4}, {"open", 17, 16, first + 3}, {"open behind an edge", 19, 18, first + 4}} {
		t.Run(shape.name, func(t *testing.T) {
			s := open(t)
			p := s.play(t, manifest(t), nil)
			p.put(shape.top, "main-720p")
			p.put(shape.snd, "audio")
			p.kill()
			next, last := shape.next, load(t, s).Last()
			for life := range 3 {
				l := load(t, s)
				if got := l.Last(); !got.Equal(last) {
					t.Errorf("life %d: media up to %v, want %v", life, got, last)
				}
				if !l.Mend(60 * media.Second) {
					t.Fatal("nothing is left")
				}
				l.Spend()
				if l.Next() != next {
					t.Fatalf("life %d goes on with %d, want %d", life, l.Next(), next)
				}
				for i, st := range l.Streams {
					for k, seg := range st.Segments {
						other := l.Streams[1-i].Segments[k]
						if seg.MSN != first+int64(k) || seg.Life != other.Life || seg.Dur <= 0 || seg.MSN > first+3 && !seg.Gap {
							t.Errorf("life %d, %s: %+v beside %+v", life, st.Name, seg, other)
						}
						if k > 0 && l.Wall(seg.Life, seg.Start).Before(l.Wall(st.Segments[k-1].Life, st.Segments[k-1].Start)) {
							t.Errorf("life %d, %s: segment %d is dated before the one in front of it", life, st.Name, seg.MSN)
						}
					}
				}
				q := s.play(t, l.Manifest, l) // its first part is published, and never written
				q.kill()
				next++
			}
		})
	}
}

// A fault in every stream leaves what lay behind it as gaps: those numbers were published, too.
func TestNumbersBehindAFaultAreSpent(t *testing.T) {
	s := open(t)
	p := s.play(t, manifest(t), nil)
	p.put(24)
	p.kill()
	for _, name := range names {
		cutFile(t, filepath.Join(s.dir("demo", "p1"), name, segmentName(first+2)), 3)
	}
	l := load(t, s)
	if !l.Mend(60 * media.Second) {
		t.Fatal("nothing is left")
	}
	l.Spend()
	if l.Next() != first+5 {
		t.Errorf("goes on with %d, want %d", l.Next(), first+5)
	}
}
