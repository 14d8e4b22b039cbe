package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// Loaded is a program as it was found on disk.
type Loaded struct {
	Manifest
	store   *Store
	dir     string
	Streams []LoadedStream // in the manifest's order
	closed  bool           // the last segment that the indices name
}

// LoadedStream is one stream of it.
type LoadedStream struct {
	Name, Canvas string
	Inits        []packager.Init
	Segments     []Segment // in order; there may be numbers missing
}

// Programs reads the manifests of a room's programs, oldest first. What can't be read is told and left alone.
func (s *Store) Programs(room string) []*Loaded {
	entries, err := os.ReadDir(filepath.Join(s.root, room))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Error("archive: room can't be read", "room", room, "err", err)
		}
		return nil
	}
	var all []*Loaded
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		l, err := s.manifest(room, e.Name())
		if err != nil {
			s.log.Warn("archive: folder passed over", "folder", s.dir(room, e.Name()), "err", err)
			continue
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *Loaded) int { return a.Lives[0].Began.Compare(b.Lives[0].Began) })
	return all
}

// manifest reads a program's manifest.
func (s *Store) manifest(room, id string) (*Loaded, error) {
	l := &Loaded{store: s, dir: s.dir(room, id)}
	data, err := os.ReadFile(filepath.Join(l.dir, manifestName))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &l.Manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	m := &l.Manifest
	switch {
	case m.Format != format:
		return nil, fmt.Errorf("%s is of format %d, this tilecast knows %d", manifestName, m.Format, format)
	case m.Room != room || m.ID != id:
		return nil, fmt.Errorf("%s belongs to program %s of room %s", manifestName, m.ID, m.Room)
	case len(m.Lives) == 0 || len(m.Streams) == 0 || m.Plan.PartsPerSegment < 1 || m.Plan.PartFrames < 1 || m.Plan.Rate.Num < 1 || m.Plan.Rate.Den < 1:
		return nil, fmt.Errorf("%s says nothing of streams or plan", manifestName)
	}
	for _, st := range m.Streams {
		if len(st.Inits) != len(m.Lives) || st.Name != filepath.Base(st.Name) {
			return nil, fmt.Errorf("%s: stream %s does not have an init section for each life", manifestName, st.Name)
		}
	}
	return l, nil
}

// Load reads the indices: what there is of every stream, the latest of it with its parts.
func (l *Loaded) Load() error {
	l.Streams = nil
	for i := range l.Manifest.Streams {
		m := &l.Manifest.Streams[i]
		st := LoadedStream{Name: m.Name, Canvas: m.Canvas}
		dir := filepath.Join(l.dir, m.Name)
		for k, in := range m.Inits {
			data, err := os.ReadFile(filepath.Join(dir, initName(k)))
			if err != nil {
				return fmt.Errorf("archive: %w", err)
			}
			st.Inits = append(st.Inits, packager.Init{Params: in.Params, Codecs: in.Codecs, Timescale: in.Timescale, Data: data})
		}
		segs, err := l.readIndex(dir)
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if st.Segments, err = present(dir, segs); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		l.Streams = append(l.Streams, st)
	}
	return nil
}

// Last is the wall-clock time up to which there is media. Gaps are none.
func (l *Loaded) Last() (last time.Time) {
	for _, st := range l.Streams {
		for _, s := range slices.Backward(st.Segments) {
			if s.Gap {
				continue
			}
			if t := l.Wall(s.Life, s.Start+s.Dur); t.After(last) {
				last = t
			}
			break
		}
	}
	return last
}

// Mend makes what was loaded fit to go on with: the last segments, up to the length recent, get their bytes, as far as those are
// what the index says; behind the first fault, and before a number that is missing, nothing is left; all streams
// end with the same number, the last that the index names, of which some may be gaps. It answers false when a stream has
// nothing left.
func (l *Loaded) Mend(recent media.Time) bool {
	end := l.named()
	for i := range l.Streams {
		st := &l.Streams[i]
		st.Segments = unbroken(st.Segments)
		l.fill(st, recent)
		if len(st.Segments) == 0 {
			return false
		}
	}
	for i := range l.Streams {
		l.level(&l.Streams[i], end)
	}
	return true
}

// named is the highest number that the indices name. Whether its segment was closed, so that the next one may have been
// published without having come to the disk, is noted for Spend.
func (l *Loaded) named() (end int64) {
	for _, st := range l.Streams {
		if n := len(st.Segments); n > 0 {
			s := &st.Segments[n-1]
			closed := s.Gap || len(s.Parts) > 0 && s.Parts[len(s.Parts)-1].Last
			switch {
			case s.MSN > end:
				end, l.closed = s.MSN, closed
			case s.MSN == end:
				l.closed = l.closed || closed
			}
		}
	}
	return end
}

// Spend gives away, after Mend and before Next, the number that may have been published with media that never came to the disk:
// the one behind a segment that was closed, and the first of a life that left nothing. Caches keep what they have under it for
// a year, so it never comes back with other media: it is a gap in every stream.
func (l *Loaded) Spend() {
	end := l.Next() - 1
	if l.closed {
		end++
	}
	end = max(end, l.Lives[len(l.Lives)-1].First)
	for i := range l.Streams {
		l.level(&l.Streams[i], end)
	}
	l.closed = false
}

// unbroken is the end of segs before which no number is missing.
func unbroken(segs []Segment) []Segment {
	for i := len(segs) - 1; i > 0; i-- {
		if segs[i-1].MSN != segs[i].MSN-1 {
			return segs[i:]
		}
	}
	return segs
}

// fill reads the bytes of recent segments, oldest first, and cuts off what is behind a fault.
func (l *Loaded) fill(st *LoadedStream, recent media.Time) {
	from := len(st.Segments)
	for length := media.Time(0); from > 0 && length < recent; from-- {
		length += st.Segments[from-1].Dur
	}
	for i := from; i < len(st.Segments); i++ {
		s := &st.Segments[i]
		if err := l.read(st.Name, s); err != nil {
			l.store.log.Warn("archive: program is cut behind a fault", "program", l.ID, "stream", st.Name, "msn", s.MSN, "part", len(s.Parts), "err", err)
			if len(s.Parts) > 0 {
				i++
			}
			st.Segments = st.Segments[:i]
			return
		}
	}
}

// read fills in the bytes of a segment's parts. On an error those before it are there and the others are cut off.
func (l *Loaded) read(stream string, s *Segment) error {
	if s.Gap {
		return nil
	}
	name := filepath.Join(l.dir, stream, segmentName(s.MSN))
	data, err := os.ReadFile(name)
	if err != nil {
		s.cut(0)
		return err
	}
	if int64(len(data)) > s.Size { // a part that was written, and then never got its line
		if err := os.Truncate(name, s.Size); err != nil {
			return err
		}
	}
	rest := data
	for i := range s.Parts {
		p := &s.Parts[i]
		if p.Gap {
			continue
		}
		if p.Size > int64(len(rest)) || crc32.ChecksumIEEE(rest[:p.Size]) != p.CRC {
			s.cut(i)
			return errors.Join(errors.New("bytes are not what the index says"), os.Truncate(name, s.Size))
		}
		p.Data, rest = rest[:p.Size:p.Size], rest[p.Size:]
	}
	return nil
}

// cut leaves the first n parts of a segment.
func (s *Segment) cut(n int) {
	s.Parts, s.came, s.last = s.Parts[:n], n, n > 0 && s.Parts[n-1].Last
	s.Size, s.Dur = 0, 0
	for _, p := range s.Parts {
		s.Size += p.Size
		s.Dur += p.Dur
	}
}

// level fills st up to segment end with gaps as long as what others have there.
func (l *Loaded) level(st *LoadedStream, end int64) {
	for {
		last := st.Segments[len(st.Segments)-1]
		if last.MSN >= end {
			return
		}
		gap := Segment{MSN: last.MSN + 1, Life: l.life(last.MSN + 1), Start: last.Start + last.Dur, Gap: true}
		for _, other := range l.Streams {
			for _, s := range slices.Backward(other.Segments) {
				if s.MSN == gap.MSN && !s.Gap {
					if gap.Dur = s.Dur; gap.Life != last.Life {
						gap.Start = s.Start
					}
				}
				if s.MSN <= gap.MSN {
					break
				}
			}
		}
		if gap.Dur == 0 { // nobody has it
			if gap.Dur = l.Plan.SegmentStart(1); gap.Life != last.Life {
				gap.Start = l.Plan.Delay
			}
		}
		st.Segments = append(st.Segments, gap)
	}
}

// Next is the number of the segment to go on with, after Mend and Spend.
func (l *Loaded) Next() int64 {
	s := l.Streams[0].Segments
	return s[len(s)-1].MSN + 1
}

// Resume begins another life of a program that was mended, at a time; its streams are to be kept again, all of
// them and by the same names. Otherwise it is like Create.
func (l *Loaded) Resume(began time.Time, event func(kind string, attrs ...slog.Attr)) *Writer {
	m := l.Manifest
	m.Lives = append(slices.Clip(m.Lives), Life{Began: began.UTC(), First: l.Next()})
	m.Ended, m.Until = time.Time{}, time.Time{}
	w := l.store.newWriter(m, event)
	for i := range l.Streams {
		st := &l.Streams[i]
		s := l.shelf(w, st)
		w.shelves = append(w.shelves, s)
		for _, seg := range st.Segments[max(0, len(st.Segments)-64):] {
			if seg.Gap { // so that the next life finds it, too
				row := line(packager.Part{MSN: seg.MSN, Start: seg.Start, Dur: seg.Dur, Last: true, Gap: true})
				w.send(job{do: func() error {
					return w.disk.Append(filepath.Join(s.dir, indexName(seg.MSN)), append([]byte("\n"), row...))
				}}, 0)
			}
		}
	}
	return w
}

// Shelf is a stream of a program that is over, for reading.
func (l *Loaded) Shelf(name string) *Shelf {
	for i := range l.Streams {
		if l.Streams[i].Name == name {
			return l.shelf(&Writer{dir: l.dir, m: l.Manifest}, &l.Streams[i])
		}
	}
	return nil
}

func (l *Loaded) shelf(w *Writer, st *LoadedStream) *Shelf {
	s := newShelf(w, st.Name)
	first, last := st.Segments[0].MSN, st.Segments[len(st.Segments)-1].MSN
	s.from, s.end, s.seen, s.clean, s.gone = first, last, last, first, first
	for _, seg := range st.Segments {
		if seg.Gap {
			s.bad[seg.MSN] = true
		}
	}
	return s
}

// End says that a program is over which its process did not end: the manifest gets its times, and
// a recording its playlists.
func (l *Loaded) End(ended, until time.Time) error {
	w := l.store.newWriter(l.Manifest, nil)
	for i := range l.Streams {
		if len(l.Streams[i].Segments) > 0 {
			w.shelves = append(w.shelves, l.shelf(w, &l.Streams[i]))
		}
	}
	w.Close(ended, until)
	w.Run()
	l.Manifest = w.m
	if w.faults.Load() > 0 {
		return fmt.Errorf("archive: end of program %s could not be written", l.ID)
	}
	return nil
}
