package archive

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"sort"

	"tilecast/packager"
)

// outline is what memory has of a program that somebody asks for: what is recorded of its index without the parts, some hundred
// bytes for each segment of a stream. It is brought up to date by reading what has come to the index since.
type outline struct {
	streams []index
	takes   []Take // that the texts are of
	ended   bool
	texts   map[string][]byte // playlists
	used    bool              // since the last sweep
}

// outlined runs f with l's streams filled in, without parts and without the bytes of init sections, and empties them again: what f
// takes along it copies. One caller at a time reads, or waits for as long as ctx.
func (l *Loaded) outlined(ctx context.Context, f func(*outline)) error {
	select {
	case l.store.outlining <- struct{}{}:
		defer func() { <-l.store.outlining }()
	case <-ctx.Done():
		return ctx.Err()
	}
	o := l.store.outlines[l.dir]
	if o == nil {
		o = &outline{}
		for _, st := range l.Manifest.Streams {
			o.streams = append(o.streams, index{dir: filepath.Join(l.dir, st.Name), bare: true, file: -1})
		}
	}
	if err := o.update(l); err != nil {
		delete(l.store.outlines, l.dir)
		return fmt.Errorf("archive: %w", err)
	}
	o.used = true
	if o.ended { // one of those is enough
		maps.DeleteFunc(l.store.outlines, func(_ string, o *outline) bool { return o.ended })
	}
	l.store.outlines[l.dir] = o
	for i, m := range l.Manifest.Streams {
		st := LoadedStream{Name: m.Name, Canvas: m.Canvas, Segments: o.streams[i].segs}
		for _, in := range m.Inits {
			st.Inits = append(st.Inits, packager.Init{Params: in.Params, Codecs: in.Codecs, Timescale: in.Timescale})
		}
		l.Streams = append(l.Streams, st)
	}
	f(o)
	l.Streams = nil
	return nil
}

// update reads what has come. Texts of before are dropped where anything has.
func (o *outline) update(l *Loaded) error {
	same := o.ended == !l.Ended.IsZero() && slices.Equal(o.takes, l.Takes)
	for i := range o.streams {
		more, err := o.streams[i].update(l)
		if err != nil {
			return err
		}
		same = same && !more
	}
	if !same {
		o.takes, o.ended, o.texts = l.Takes, !l.Ended.IsZero(), map[string][]byte{}
	}
	return nil
}

// update reads what has come to the files that are of takes, and reports whether anything has.
func (x *index) update(l *Loaded) (more bool, err error) {
	had, file, read := len(x.segs), x.file, x.read
	if file >= 0 {
		if _, err := x.more(&l.Manifest, file); err != nil {
			return false, err
		}
	}
	for n := file; ; {
		next, going := l.nextFile(n)
		if next < 0 {
			break
		}
		found, err := x.more(&l.Manifest, next)
		if err != nil {
			return false, err
		}
		if !found && going {
			break
		}
		n = next
	}
	x.tell(l.store.log)
	came, err := present(x.dir, x.segs[had:])
	x.segs = x.segs[:had+len(came)]
	x.shed(l)
	return x.file != file || x.read != read, err
}

// nextFile is the index file behind file n that takes have segments in; -1: there is none. going: a take that goes on has,
// so that it may not be there yet, nor those behind it.
func (m *Manifest) nextFile(n int64) (next int64, going bool) {
	for _, t := range m.Takes {
		to := t.To
		if to == 0 {
			to = math.MaxInt64
		}
		if n < to/indexed {
			return max(n+1, t.From/indexed), t.To == 0
		}
	}
	return -1, false
}

// shed lets go of what lies before all takes.
func (x *index) shed(l *Loaded) {
	if len(l.Takes) == 0 {
		return
	}
	n := sort.Search(len(x.segs), func(i int) bool { return x.segs[i].MSN >= l.Takes[0].From })
	if n > indexed {
		x.segs = slices.Clone(x.segs[n:])
	}
}

// forget lets go of the outlines of a room that nobody has used since it was called before.
func (s *Store) forget(room string) {
	s.outlining <- struct{}{}
	defer func() { <-s.outlining }()
	maps.DeleteFunc(s.outlines, func(dir string, o *outline) bool {
		used := o.used
		if filepath.Dir(dir) == filepath.Join(s.root, room) {
			o.used = false
			return !used
		}
		return false
	})
}
