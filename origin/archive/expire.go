package archive

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tilecast/media"
)

// Expire lets go of what is older than keep of a recording that goes on: its takes begin later then. Files that the live program
// still shows stay, and so do those that a player may have just learned of: until the next call. It counts by the program's own
// time, so that a clock that is set removes nothing. One goroutine calls it, now and then, and not that of Run.
func (w *Writer) Expire(now time.Time, keep time.Duration) {
	w.mu.Lock()
	m, shelves, newest, closed := w.m, slices.Clone(w.shelves), w.newest(), w.closed
	m.Takes = slices.Clone(m.Takes)
	w.mu.Unlock()
	if closed {
		return
	}
	from := newest - int64(media.FromDuration(keep)/m.Plan.SegmentStart(1))
	if len(m.Takes) > 0 && m.Takes[0].From < from {
		shed, err := w.store.shed(m, w.dir, from)
		if err != nil {
			w.log.Warn("archive: what is too old of a recording stays", "err", err)
			return
		}
		w.mu.Lock()
		w.m.Takes = after(w.m.Takes, from)
		w.m.Shed.Segments += shed.Segments
		w.m.Shed.Cuts += shed.Cuts
		w.touchLocked()
		w.mu.Unlock()
	}
	from, w.expired = min(from, w.expired), from
	for _, s := range shelves {
		s.expire(from)
	}
	w.expireTapes(now.Add(-keep))
}

// after are the takes without what lies before from.
func after(takes []Take, from int64) (left []Take) {
	for _, t := range takes {
		if t.To == 0 || t.To >= from {
			left = append(left, Take{max(t.From, from), t.To})
		}
	}
	return left
}

// shed is what the playlists of m lose when its takes begin with from.
func (s *Store) shed(m Manifest, dir string, from int64) (shed Shed, err error) {
	l := &Loaded{Manifest: m, store: s, dir: dir}
	for _, st := range m.Streams {
		x := index{dir: filepath.Join(dir, st.Name), bare: true, file: -1}
		for n := m.Takes[0].From / indexed; n <= from/indexed; n++ {
			if _, err := x.more(&m, n); err != nil {
				return shed, err
			}
		}
		segs, err := present(x.dir, x.segs)
		if err != nil {
			return shed, err
		}
		l.Streams = append(l.Streams, LoadedStream{Name: st.Name, Segments: segs})
	}
	c := l.recorded(nil)
	if c.empty() {
		return shed, nil
	}
	segs := c.streams[0].Segments
	for shed.Segments < int64(len(segs)) && segs[shed.Segments].MSN < from {
		shed.Segments++
		if i := int(shed.Segments); i == len(segs) || !follows(&segs[i-1], &segs[i]) {
			shed.Cuts++
		}
	}
	return shed, nil
}

// expire removes the files of segments below from that neither the window nor a take needs.
func (s *Shelf) expire(from int64) {
	s.w.mu.Lock()
	takes := Manifest{Takes: slices.Clone(s.w.m.Takes)}
	s.w.mu.Unlock()
	s.mu.Lock()
	gone, from := s.gone, min(from, s.from)
	s.mu.Unlock()
	if len(takes.Takes) > 0 {
		from = min(from, takes.Takes[0].From)
	}
	for ; gone > 0 && gone < from; gone++ {
		err := s.w.disk.Remove(filepath.Join(s.dir, segmentName(gone)))
		if done := gone + 1; err == nil && done%indexed == 0 {
			err = s.w.disk.Remove(filepath.Join(s.dir, indexName(gone)))
		}
		if err != nil {
			s.w.log.Warn("archive: segment could not be removed", "stream", s.name, "msn", gone, "err", err)
			break
		}
	}
	s.mu.Lock()
	s.gone = gone
	s.mu.Unlock()
}

// expireTapes removes what broadcasters sent that has not grown since before.
func (w *Writer) expireTapes(before time.Time) {
	var open []string
	w.mu.Lock()
	for t := range w.tapes {
		open = append(open, strings.TrimSuffix(t.file, ".mp4"))
	}
	w.mu.Unlock()
	names, _ := filepath.Glob(filepath.Join(w.dir, isoFolder, "*.mp4"))
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.ModTime().Before(before) || slices.ContainsFunc(open, func(o string) bool { return strings.HasPrefix(name, o) }) {
			continue
		}
		if err := w.disk.Remove(name); err != nil {
			w.log.Warn("archive: broadcaster's file could not be removed", "file", name, "err", err)
		}
	}
}
