package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/packager"
)

// What may wait for the disk.
const (
	maxQueued = 512      // parts
	maxBytes  = 64 << 20 // of them
)

// errSlow is what a part meets that finds no place in the queue.
var errSlow = errors.New("the disk is too slow")

// Writer writes one program. Its Run is the only goroutine that touches the disk.
type Writer struct {
	store *Store
	dir   string
	disk  Disk
	log   *slog.Logger
	event func(kind string, attrs ...slog.Attr)

	queue chan job
	wake  chan struct{} // the manifest has changed
	end   chan struct{} // closed by Close

	parts, bytes, dropped, faults atomic.Int64
	queued                        atomic.Int64 // bytes

	mu      sync.Mutex // everything below; never held over a call to the disk
	m       Manifest
	changed bool
	inits   []initFile // that are not on disk
	shelves []*Shelf
	tapes   map[*Tape]bool // that are not closed

	tapeCount int
	failing   bool
	closed    bool
	again     int64 // a fault ended the recording: it begins again behind this segment if all goes well until then; 0: it did not

	expired int64 // what Expire came to; its alone
}

// calm is for how many segments the disk works before a recording that it ended begins again.
const calm = 16

// job is one part for the disk, or something to be done between parts.
type job struct {
	shelf  *Shelf
	part   packager.Part
	oldest int64
	do     func() error
	size   int64 // that was counted as waiting, besides the part's
}

// initFile is an init section: without it nothing of its stream can be read.
type initFile struct {
	name string
	data []byte
}

// WriterStats count what a writer has done.
type WriterStats struct {
	Parts, Bytes int64 // written
	Queued       int   // parts that wait
	Dropped      int64 // parts that found no place in the queue
	Faults       int64 // errors of the disk
	Recording    bool
}

// Create begins a program that is new. event is told what went wrong and that it is right again; nil: nobody.
// Run has to be called, and ends after Close.
func (s *Store) Create(m Manifest, event func(kind string, attrs ...slog.Attr)) *Writer {
	m.Format = format
	return s.newWriter(m, event)
}

func (s *Store) newWriter(m Manifest, event func(kind string, attrs ...slog.Attr)) *Writer {
	if event == nil {
		event = func(string, ...slog.Attr) {}
	}
	w := &Writer{
		store: s, dir: s.dir(m.Room, m.ID), disk: s.disk, log: s.log.With("program", m.ID), event: event,
		queue: make(chan job, maxQueued), wake: make(chan struct{}, 1), end: make(chan struct{}), m: m, tapes: map[*Tape]bool{},
	}
	w.touch()
	return w
}

// Folder is where the program is.
func (w *Writer) Folder() string { return w.dir }

// Keep adds a stream of the present life.
func (w *Writer) Keep(name, canvas string, in packager.Init) *Shelf {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := 0
	for i < len(w.m.Streams) && w.m.Streams[i].Name != name {
		i++
	}
	if i == len(w.m.Streams) {
		w.m.Streams = append(w.m.Streams, Stream{Name: name, Canvas: canvas})
	}
	st := &w.m.Streams[i]
	w.inits = append(w.inits, initFile{filepath.Join(w.dir, name, initName(len(st.Inits))), in.Data})
	st.Inits = append(st.Inits, Init{in.Params, in.Codecs, in.Timescale})
	var s *Shelf
	for _, old := range w.shelves {
		if old.name == name {
			s = old
		}
	}
	if s == nil {
		s = newShelf(w, name)
		w.shelves = append(w.shelves, s)
	}
	w.touchLocked()
	return s
}

// send queues j, or answers false.
func (w *Writer) send(j job, size int64) bool {
	if w.queued.Add(size) <= maxBytes {
		select {
		case w.queue <- j:
			return true
		default:
		}
	}
	w.queued.Add(-size)
	return false
}

// touch has the manifest written again. Called locked or before anybody knows w.
func (w *Writer) touchLocked() {
	w.changed = true
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Writer) touch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touchLocked()
}

// Run writes until Close, and until all that was put before is on disk.
func (w *Writer) Run() {
	w.manifest() // before the first part, which is nobody's without it
	for {
		select {
		case j := <-w.queue:
			w.step(j)
		case <-w.wake:
			w.manifest()
		case <-w.end:
			for len(w.queue) > 0 {
				w.step(<-w.queue)
			}
			w.manifest()
			w.finish()
			return
		}
	}
}

// step does one job.
func (w *Writer) step(j job) {
	w.queued.Add(-j.size)
	if j.do != nil {
		if err := j.do(); err != nil {
			w.fault(err, 0)
		}
		return
	}
	w.queued.Add(-int64(len(j.part.Data)))
	switch written, err := j.shelf.write(j.part); {
	case err != nil:
		j.shelf.spoil(j.part.MSN)
		w.fault(err, j.part.MSN)
	case written:
		w.parts.Add(1)
		w.bytes.Add(int64(len(j.part.Data)))
		w.well(j.part)
	}
	j.shelf.clear(j.oldest)
}

// manifest writes program.json if it has changed, after the init sections that it names. What the disk does not take
// is tried again when it works again.
func (w *Writer) manifest() {
	w.mu.Lock()
	changed, inits := w.changed, w.inits
	w.changed = false
	data, err := json.MarshalIndent(&w.m, "", "\t")
	w.mu.Unlock()
	if !changed {
		return
	}
	for err == nil && len(inits) > 0 {
		if err = w.disk.Replace(inits[0].name, inits[0].data); err == nil {
			inits = inits[1:]
			w.mu.Lock()
			w.inits = w.inits[1:]
			w.mu.Unlock()
		}
	}
	if err == nil {
		err = w.disk.Replace(filepath.Join(w.dir, manifestName), data)
	}
	if err != nil {
		w.fault(fmt.Errorf("manifest: %w", err), 0)
	}
}

const manifestName = "program.json"

// fault counts an error of the disk, tells of the first of a row, and ends a take that is being made, until the disk has worked
// for a while.
func (w *Writer) fault(err error, msn int64) {
	w.faults.Add(1)
	w.mu.Lock()
	first := !w.failing
	w.failing = true
	stopped := w.cutTake(msn - 1)
	if stopped || w.again > 0 {
		w.again = w.newest() + calm
	}
	w.mu.Unlock()
	if first {
		w.log.Error("disk: parts are not kept, the live program goes on", "folder", w.dir, "err", err)
		w.event("disk_failed", slog.String("error", err.Error()))
	}
	if stopped {
		w.log.Error("recording stopped: the disk failed. It begins again when the disk has worked for a while", "err", err)
		w.event("recording_stopped", slog.String("error", err.Error()))
	}
}

// well notes that a segment's last part was written: the disk works. A recording that a fault ended begins again in time.
func (w *Writer) well(p packager.Part) {
	if !p.Last {
		return
	}
	w.mu.Lock()
	again := w.failing
	if again {
		w.failing = false
		w.touchLocked() // what was not written then
	}
	begin := w.again > 0 && p.MSN >= w.again && !w.closed
	if begin {
		w.recordLocked(p.MSN + 1)
	}
	w.mu.Unlock()
	if again {
		w.log.Info("disk: parts are kept again")
		w.event("disk_recovered")
	}
	if begin {
		w.log.Info("recording begins again: the disk works", "msn", p.MSN+1)
		w.event("recording_started", slog.String("reason", "the disk works again"))
	}
}

// Record begins a take with segment from, unless one is being made.
func (w *Writer) Record(from int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed && !w.recording() {
		w.recordLocked(from)
	}
}

// recordLocked begins a take. Called locked.
func (w *Writer) recordLocked(from int64) {
	w.again = 0
	w.m.Takes = append(w.m.Takes, Take{From: from})
	w.touchLocked()
}

// StopRecording ends the take that is being made with segment to; none begins again by itself.
func (w *Writer) StopRecording(to int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.again = 0
	w.cutTake(to)
}

// newest is the latest segment that a part was put of. Called locked.
func (w *Writer) newest() (msn int64) {
	for _, s := range w.shelves {
		msn = max(msn, s.last())
	}
	return msn
}

// cutTake ends the take that is being made, if there is one; without a segment in it there is none any more. Called locked.
func (w *Writer) cutTake(to int64) bool {
	if !w.recording() {
		return false
	}
	t := &w.m.Takes[len(w.m.Takes)-1]
	if to <= 0 { // the error was not one of a part: what is whole by now
		for _, s := range w.shelves {
			to = max(to, s.whole())
		}
	}
	if t.To = to; to < t.From {
		w.m.Takes = w.m.Takes[:len(w.m.Takes)-1]
	}
	w.touchLocked()
	return true
}

func (w *Writer) recording() bool {
	n := len(w.m.Takes)
	return n > 0 && w.m.Takes[n-1].To == 0
}

// Recording reports whether a take is being made.
func (w *Writer) Recording() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.recording()
}

// Close ends the program at a time; what is not recorded of it may be removed after until. Run then ends.
// What is put afterwards is not kept.
func (w *Writer) Close(ended, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	for t := range w.tapes {
		w.mu.Unlock() // a tape may be telling of a fault
		t.finish()
		w.mu.Lock()
	}
	if w.recording() {
		w.cutTake(w.newest())
	}
	w.m.Ended, w.m.Until = ended.UTC(), until.UTC()
	w.touchLocked()
	close(w.end)
}

// finish writes the playlists of a recording.
func (w *Writer) finish() {
	w.mu.Lock()
	recorded, room, id := w.m.Recorded(), w.m.Room, w.m.ID
	w.mu.Unlock()
	if !recorded {
		return
	}
	if err := writePlaylists(w.store, room, id); err != nil {
		w.log.Error("recording has no playlists on disk", "folder", w.dir, "err", err)
	} else {
		w.log.Info("recording complete", "folder", w.dir)
	}
}

// Stats are the counters so far.
func (w *Writer) Stats() WriterStats {
	return WriterStats{
		Parts: w.parts.Load(), Bytes: w.bytes.Load(), Queued: len(w.queue),
		Dropped: w.dropped.Load(), Faults: w.faults.Load(), Recording: w.Recording(),
	}
}
