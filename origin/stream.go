// Package origin is what a viewer or a CDN touches: a window of parts, readers that wait for the next one, and HTTP.
package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// ErrGone says that a part has left the window.
var ErrGone = errors.New("part has left the window")

// errFinished answers an Append after Finish.
var errFinished = errors.New("stream is finished")

// Cursor names a part of a stream. The zero Cursor is the oldest part there is.
type Cursor struct {
	MSN  int64
	Part int
}

// After is where to go on behind p.
func After(p packager.Part) Cursor {
	if p.Last {
		return Cursor{p.MSN + 1, 0}
	}
	return Cursor{p.MSN, p.Index + 1}
}

// Stream is one rendition: a window of parts with one writer and any number of readers,
// who never wait for a lock, only for parts.
type Stream struct {
	program *Program
	name    string // its folder in URLs
	report  string // its playlist, as seen from the folder of another
	canvas  string // "" for sound, which belongs to every canvas
	init    packager.Init
	inits   []section // of all lives; init is the last one's
	shelf   Shelf     // nil: what leaves memory is gone

	current atomic.Pointer[version]
	labels  labels
	renders atomic.Uint64 // forms rendered
	waiting atomic.Int64  // readers parked on a version
	missed  atomic.Uint64 // readers who came when what they wanted had left the window
	late    atomic.Uint64 // requests that were parked in vain

	mu      sync.Mutex // of the writer: everything below
	past    []record   // grows in place; versions hold views of it
	segs    []*segment
	pos     media.Time      // end of the last complete segment: the sum of all lengths so far
	first   int64           // MSN of the first listed segment
	begin   int64           // no segment before it is ever listed (C-4)
	dsn     int64           // DISCONTINUITY tags that have left the playlist (M-9)
	open    []packager.Part // grows in place; versions hold shorter views of it
	next    int64           // MSN of the open segment
	making  *segment        // what is known of it
	lines   []byte          // text of the open segment
	old     []byte          // text of the listed segments without parts; grows in place
	base    int64           // where old begins in the text of all segments without parts that there ever were
	plain   int64           // the first segment that is not in that text
	number  uint64
	ended   bool
	retired bool   // no parts are listed any more, for all is over
	stowed  bool   // and memory has no more than the last segment
	told    []told // date ranges, oldest first
	heard   int64  // the number of the latest announcement that it has taken in
	rates   rates  // measured
}

// section is an init section and the first segment that it is for.
type section struct {
	from int64
	init packager.Init
}

func newStream(p *Program, name, canvas string, in packager.Init) *Stream {
	s := &Stream{program: p, name: name, canvas: canvas, init: in, inits: []section{{0, in}}}
	if p.cfg.Keep != nil {
		s.shelf = p.cfg.Keep(name, canvas, in)
	}
	s.current.Store(&version{stream: s, next: make(chan struct{})})
	return s
}

// initOf is the number of the init section that a segment needs, and whether the segment is the first of a new one.
func (s *Stream) initOf(msn int64) (k int, cut bool) {
	k = len(s.inits) - 1
	for k > 0 && msn < s.inits[k].from {
		k--
	}
	return k, k > 0 && msn == s.inits[k].from
}

// Append publishes one part and wakes everybody who waits for it. Parts come in order: the
// next index of the open segment, or index 0 of the next segment, which
// closes the open one with what it has. The part's Data is kept, not copied.
func (s *Stream) Append(p packager.Part) error {
	s.mu.Lock()
	closed, err := s.add(p)
	s.mu.Unlock()
	if closed {
		s.program.settle()
	}
	return err
}

// Finish ends the playlist: the open segment is closed with the parts that it has,
// everybody who waits is answered. A second call does nothing.
func (s *Stream) Finish() {
	s.mu.Lock()
	first := !s.ended
	if first {
		s.ended = true
		s.close()
		s.publish()
	}
	s.mu.Unlock()
	if first {
		s.program.settle()
		s.program.finished()
	}
}

// retire takes the parts of a stream that is over off its playlist, and with stow from memory what the shelf has.
func (s *Stream) retire(stow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired = true; stow {
		s.stowed = true
		s.trim()
	}
	s.publish()
}

// add takes p in and reports whether a segment was completed. Called locked.
func (s *Stream) add(p packager.Part) (closed bool, err error) {
	switch {
	case s.ended:
		return false, errFinished
	case s.next == 0:
		if p.Index != 0 || p.MSN < max(1, s.program.cfg.FirstMSN) {
			return false, fmt.Errorf("stream %s: first part is %d.%d, want index 0 and a number from %d",
				s.name, p.MSN, p.Index, max(1, s.program.cfg.FirstMSN))
		}
		s.next, s.first, s.plain = p.MSN, p.MSN, p.MSN
	case p.MSN == s.next && p.Index == len(s.open):
	case p.MSN == s.next+1 && p.Index == 0 && len(s.open) > 0:
		s.close()
		closed = true
	default:
		return false, fmt.Errorf("stream %s: part %d.%d does not follow, expected %d.%d",
			s.name, p.MSN, p.Index, s.next, len(s.open))
	}
	if p.Index == 0 {
		s.making = &segment{msn: p.MSN, start: s.pos, wall: s.program.cfg.Wall(p.Start)}
		s.making.init, s.making.cut = s.initOf(p.MSN)
	}
	s.open = append(s.open, p)
	s.lines = s.appendPart(s.lines, p, s.making)
	s.making.size += int64(len(p.Data))
	if s.shelf != nil {
		s.shelf.Put(p, s.next-int64(len(s.segs)+len(s.past)))
	}
	if p.Last {
		s.close()
		closed = true
	}
	s.publish()
	return closed, nil
}

// close makes a segment of the open parts. Called locked.
func (s *Stream) close() {
	if len(s.open) == 0 {
		return
	}
	first, last := s.open[0], s.open[len(s.open)-1]
	seg := s.making
	seg.dur = last.Start + last.Dur - first.Start
	seg.parts, seg.listed = s.open, time.Now()
	seg.key = first.KeyLen
	seg.gap = !slices.ContainsFunc(s.open, func(p packager.Part) bool { return !p.Gap })
	s.measure(seg)
	seg.parted = appendEnd(slices.Clone(s.lines), seg)
	s.lines = s.lines[:0]
	s.segs = append(s.segs, seg)
	s.pos = seg.end()
	s.open = make([]packager.Part, 0, len(s.open))
	s.next++
	s.trim()
}

// trim takes the oldest segments off the playlist (L-5), puts what is not recent on the shelf, and lets go of
// everything a good while after it was listed (L-6, P-13). All streams count alike, so all trim at the same
// MSN (C-4). Called locked.
func (s *Stream) trim() {
	lim := &s.program.limits
	s.unlist()
	drop, recent := 0, lim.recent
	if s.stowed {
		recent = 1
	}
	for ; drop < len(s.segs); drop++ {
		seg, held := s.segs[drop], len(s.segs)-drop
		kept := s.shelf != nil && held > recent && seg.msn < s.plain && (seg.gap || s.shelf.Kept(seg.msn))
		unlisted := seg.msn < s.first && time.Since(seg.listed) > lim.available
		if !kept && !unlisted && held <= lim.most {
			break
		}
		if !kept && !unlisted {
			s.lose(seg)
		}
		if s.shelf != nil {
			s.past = append(s.past, record{
				start: seg.start, end: seg.end(), listed: seg.listed.UnixNano(), text: seg.text,
				wall: seg.wall.UnixNano(), init: int32(seg.init), key: int32(seg.key), cut: seg.cut, lost: !kept || seg.gap,
			})
		}
	}
	if drop > 0 || len(s.segs) == cap(s.segs) {
		// A copy, so that dropped segments are not held by an array that versions share.
		s.segs = append(make([]*segment, 0, min(lim.most, 2*len(s.segs)+16)+1), s.segs[drop:]...)
	}
	s.forget()
}

// lose takes a segment that memory has no place for, and that is not on the shelf, off every playlist of the program,
// and with it all that is older. An event keeps its lines: nothing may be taken from it (M-12). Called locked.
func (s *Stream) lose(seg *segment) {
	if s.program.cfg.Event || seg.msn < s.first {
		return
	}
	s.program.raise(seg.msn + 1)
	s.unlist()
}

// unlist takes the oldest segments off the playlist. Called locked.
func (s *Stream) unlist() {
	s.begin = max(s.begin, s.program.floor.Load())
	for s.first < s.next && (s.next-s.first > int64(s.program.limits.listed) || s.first < s.begin) {
		var (
			text int64
			cut  bool
		)
		if i := s.first - s.next + int64(len(s.segs)); i >= 0 {
			text, cut = s.segs[i].text, s.segs[i].cut
		} else {
			r := s.past[len(s.past)+int(i)]
			text, cut = r.text, r.cut
		}
		if s.first < s.plain {
			s.old = s.old[text-s.base:]
			s.base = text
		} else {
			s.plain++
		}
		if cut {
			s.dsn++
		}
		s.first++
	}
}

// forget drops records of segments that nobody can ask for any more. Called locked.
func (s *Stream) forget() {
	drop := 0
	oldest := s.next - int64(len(s.segs)+len(s.past))
	before := time.Now().Add(-s.program.limits.available).UnixNano()
	for drop < len(s.past) && oldest+int64(drop) < s.first && s.past[drop].listed < before {
		drop++
	}
	s.past = s.past[drop:]
}

// publish makes the writer's state the current version. Called locked.
func (s *Stream) publish() {
	last := s.current.Load()
	s.number++
	v := &version{
		stream: s, number: s.number,
		past: s.past[:len(s.past):len(s.past)], segs: s.segs[:len(s.segs):len(s.segs)],
		first: s.first, dsn: s.dsn,
		open: s.open[:len(s.open):len(s.open)], openMSN: s.next,
		ended: s.ended, next: make(chan struct{}),
	}
	s.writeTail(v)
	for f := range v.forms {
		if last.forms[f].asked.Load() && v.cheap(form(f)) {
			v.render(form(f)) // asked all the time: ready before anybody is woken
		}
	}
	s.current.Store(v)
	close(last.next)
}

// start settles the first segment that is ever listed and publishes a version that knows it.
func (s *Stream) start(msn int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin = msn
	s.trim()
	s.publish()
}

// Next is the part at c, or the first of the next segment where c lies past the end of a
// complete one. It waits until there is one. Errors: ErrGone when the part has left the
// window, io.EOF when the stream ended before it, or the context's.
func (s *Stream) Next(ctx context.Context, c Cursor) (packager.Part, error) {
	for {
		v := s.current.Load()
		if c == (Cursor{}) {
			c, _ = v.oldest()
		}
		if v.gone(c.MSN) {
			s.missed.Add(1)
			return packager.Part{}, fmt.Errorf("part %d.%d of %s: %w", c.MSN, c.Part, s.name, ErrGone)
		}
		c = v.retarget(c)
		if p, ok := v.part(c); ok {
			return p, nil
		}
		if v.ended {
			return packager.Part{}, io.EOF
		}
		if err := s.wait(ctx, v); err != nil {
			return packager.Part{}, err
		}
	}
}

// wait returns once v is not the current version any more, or with the context's error.
func (s *Stream) wait(ctx context.Context, v *version) error {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	select {
	case <-v.next:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Edge is the last published part; false while there is none.
func (s *Stream) Edge() (Cursor, bool) { return s.current.Load().edge() }

// StreamStats describe one stream at one moment.
type StreamStats struct {
	Name     string
	Edge     Cursor
	Segments int           // complete and in memory, those that left the playlist included
	Shelved  int           // complete and on disk alone
	Listed   int           // of all in the playlist
	Length   time.Duration // of the listed ones
	Bytes    int64         // of media in memory
	Versions uint64        // published
	Renders  uint64        // playlist texts made, compressed ones counted apart
	Waiting  int64         // readers parked now
	Missed   uint64        // readers for whom a part had left the window: ErrGone or 404
	TimedOut uint64        // requests parked for three target durations in vain: 503
	Rates    Rates         // what was announced and what was measured
	Ended    bool
}

// Stats are the stream's figures.
func (s *Stream) Stats() StreamStats {
	v := s.current.Load()
	st := StreamStats{
		Name: s.name, Segments: len(v.segs), Shelved: len(v.past), Listed: v.complete(), Length: v.listedDur().Duration(),
		Versions: v.number, Renders: s.renders.Load(), Waiting: s.waiting.Load(),
		Missed: s.missed.Load(), TimedOut: s.late.Load(), Ended: v.ended,
		Rates: s.rates.load(),
	}
	st.Edge, _ = v.edge()
	for _, seg := range v.segs {
		st.Bytes += seg.size
	}
	for _, p := range v.open {
		st.Bytes += int64(len(p.Data))
	}
	return st
}
