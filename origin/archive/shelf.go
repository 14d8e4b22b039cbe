package archive

import (
	"os"
	"path/filepath"
	"sync"

	"tilecast/packager"
)

// Shelf is one stream of a program on disk (origin.Shelf).
type Shelf struct {
	w    *Writer
	name string
	dir  string

	mu    sync.Mutex
	from  int64          // the oldest segment on disk
	end   int64          // the newest whole one
	seen  int64          // the newest that a part was put of
	bad   map[int64]bool // from..end that are not whole after all
	torn  bool           // the index may end within a line; the writer's alone
	clean int64          // files below are gone, or recorded; the writer's alone
	gone  int64          // files below are gone; Expire's alone
}

func newShelf(w *Writer, name string) *Shelf {
	return &Shelf{w: w, name: name, dir: filepath.Join(w.dir, name), bad: map[int64]bool{}, torn: true}
}

// Put queues p for the disk. It never waits.
func (s *Shelf) Put(p packager.Part, oldest int64) {
	s.mu.Lock()
	if s.from == 0 {
		s.from, s.end, s.clean, s.gone = p.MSN, p.MSN-1, p.MSN, p.MSN
	}
	s.seen = p.MSN
	bad := s.bad[p.MSN]
	s.mu.Unlock()
	if bad {
		return // a part before it is missing
	}
	if !s.w.send(job{shelf: s, part: p, oldest: oldest}, int64(len(p.Data))) {
		s.w.dropped.Add(1)
		s.spoil(p.MSN)
		s.w.fault(errSlow, p.MSN)
	}
}

// spoil marks a segment that is not whole.
func (s *Shelf) spoil(msn int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad[msn] = true
}

// write puts a part into its file and its line into the index, unless one before it in its segment is missing.
func (s *Shelf) write(p packager.Part) (written bool, err error) {
	s.mu.Lock()
	bad := s.bad[p.MSN]
	if p.Index == 0 {
		s.end = max(s.end, p.MSN-1)
	}
	s.mu.Unlock()
	if bad {
		return false, nil
	}
	file := filepath.Join(s.dir, segmentName(p.MSN))
	row := line(p)
	if s.torn {
		row = append([]byte("\n"), row...)
	}
	if !p.Gap {
		err = s.w.disk.Append(file, p.Data)
	}
	if err == nil {
		err = s.w.disk.Append(filepath.Join(s.dir, indexName(p.MSN)), row)
		s.torn = err != nil
	}
	if err != nil {
		s.w.disk.Remove(file) // what is left of it takes place that others need
		return false, err
	}
	if p.Last {
		s.mu.Lock()
		s.end = max(s.end, p.MSN)
		s.mu.Unlock()
	}
	return true, nil
}

// clear removes what is older than oldest and not recorded.
func (s *Shelf) clear(oldest int64) {
	s.w.mu.Lock()
	takes := Manifest{Takes: append([]Take(nil), s.w.m.Takes...)}
	s.w.mu.Unlock()
	for ; s.clean < oldest; s.clean++ {
		if takes.has(s.clean) {
			continue
		}
		if err := s.w.disk.Remove(filepath.Join(s.dir, segmentName(s.clean))); err != nil {
			s.w.fault(err, 0)
		}
		if done := s.clean + 1; done%indexed == 0 && !takes.overlaps(done-indexed, done-1) {
			s.w.disk.Remove(filepath.Join(s.dir, indexName(s.clean)))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = max(s.from, oldest)
	for msn := range s.bad {
		if msn < oldest {
			delete(s.bad, msn)
		}
	}
}

// overlaps reports whether a take has any of the segments from..to.
func (m *Manifest) overlaps(from, to int64) bool {
	for _, t := range m.Takes {
		if t.From <= to && (t.To == 0 || t.To >= from) {
			return true
		}
	}
	return false
}

// Kept reports whether a whole segment is on disk.
func (s *Shelf) Kept(msn int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return msn >= s.from && msn <= s.end && s.from > 0 && !s.bad[msn]
}

// Open opens a segment's file.
func (s *Shelf) Open(msn int64) (*os.File, error) {
	return os.Open(filepath.Join(s.dir, segmentName(msn)))
}

func (s *Shelf) whole() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end
}

func (s *Shelf) last() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}
