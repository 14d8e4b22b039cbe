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

	current atomic.Pointer[version]
	renders atomic.Uint64 // forms rendered
	waiting atomic.Int64  // readers parked on a version
	missed  atomic.Uint64 // readers who came when what they wanted had left the window
	late    atomic.Uint64 // requests that were parked in vain

	mu     sync.Mutex // of the writer: everything below
	segs   []*segment
	listed int
	begin  int64           // no segment before it is ever listed (C-4)
	open   []packager.Part // grows in place; versions hold shorter views of it
	next   int64           // MSN of the open segment
	lines  []byte          // text of the open segment
	old    []byte          // text of the listed segments without parts; grows in place
	plain  int             // how many listed segments are in old
	number uint64
	ended  bool
}

func newStream(p *Program, name, canvas string, in packager.Init) *Stream {
	s := &Stream{program: p, name: name, canvas: canvas, init: in}
	s.current.Store(&version{stream: s, next: make(chan struct{})})
	return s
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
		s.next = p.MSN
	case p.MSN == s.next && p.Index == len(s.open):
	case p.MSN == s.next+1 && p.Index == 0 && len(s.open) > 0:
		s.close()
		closed = true
	default:
		return false, fmt.Errorf("stream %s: part %d.%d does not follow, expected %d.%d",
			s.name, p.MSN, p.Index, s.next, len(s.open))
	}
	s.open = append(s.open, p)
	s.lines = s.appendPart(s.lines, p)
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
	seg := &segment{
		msn:    s.next,
		start:  first.Start,
		dur:    last.Start + last.Dur - first.Start,
		parts:  s.open,
		listed: time.Now(),
	}
	for _, p := range s.open {
		seg.size += int64(len(p.Data))
	}
	seg.parted = appendEnd(slices.Clone(s.lines), seg)
	s.lines = s.lines[:0]
	s.segs = append(s.segs, seg)
	s.open = make([]packager.Part, 0, len(s.open))
	s.next++
	s.trim()
}

// trim takes the oldest segments off the playlist (L-5) and, a good while later, out of
// memory (L-6, P-13). All streams count alike, so all trim at the same MSN (C-4).
// Called locked.
func (s *Stream) trim() {
	plan := &s.program.limits
	for len(s.segs)-s.listed > plan.listed || s.listed < len(s.segs) && s.segs[s.listed].msn < s.begin {
		if s.plain > 0 {
			s.old = s.old[s.segs[s.listed].plainLen:]
			s.plain--
		}
		s.listed++
	}
	drop := 0
	for drop < s.listed && (len(s.segs)-drop > plan.most || time.Since(s.segs[drop].listed) > plan.available) {
		drop++
	}
	if drop > 0 || len(s.segs) == cap(s.segs) {
		// A copy, so that dropped segments are not held by an array that versions share.
		s.segs = append(make([]*segment, 0, plan.most+1), s.segs[drop:]...)
		s.listed -= drop
	}
}

// publish makes the writer's state the current version. Called locked.
func (s *Stream) publish() {
	last := s.current.Load()
	s.number++
	v := &version{
		stream: s, number: s.number,
		segs: s.segs[:len(s.segs):len(s.segs)], listed: s.listed,
		open: s.open[:len(s.open):len(s.open)], openMSN: s.next,
		ended: s.ended, next: make(chan struct{}),
	}
	s.writeTail(v)
	for f := range v.forms {
		if last.forms[f].asked.Load() {
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
	Segments int           // complete and held, those that left the playlist included
	Listed   int           // of them in the playlist
	Length   time.Duration // of the listed ones
	Bytes    int64         // of media held
	Versions uint64        // published
	Renders  uint64        // playlist texts made, compressed ones counted apart
	Waiting  int64         // readers parked now
	Missed   uint64        // readers for whom a part had left the window: ErrGone or 404
	TimedOut uint64        // requests parked for three target durations in vain: 503
	Ended    bool
}

// Stats are the stream's figures.
func (s *Stream) Stats() StreamStats {
	v := s.current.Load()
	st := StreamStats{
		Name: s.name, Segments: len(v.segs), Listed: len(v.segs) - v.listed, Length: v.listedDur().Duration(),
		Versions: v.number, Renders: s.renders.Load(), Waiting: s.waiting.Load(),
		Missed: s.missed.Load(), TimedOut: s.late.Load(), Ended: v.ended,
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

// limits are what the plan and the window say, as the writer needs them.
type limits struct {
	listed    int           // segments in the playlist
	most      int           // segments held at most, whatever the clock says
	available time.Duration // how long a segment can be had from when it was first listed
	partTags  media.Time    // parts are shown this far from the end
}

// newLimits: the playlist holds the window, but never less than six target durations (L-5). A segment can be had
// for its own length and that of the longest playlist (L-6), and three target durations more.
func newLimits(plan packager.Plan, window media.Time) limits {
	segment := plan.Rate.Frame(int64(plan.SegmentFrames()))
	target := media.Time(plan.Target) * media.Second
	window = max(window, 6*target)
	listed := int((window + segment - 1) / segment)
	longest := media.Time(listed+2) * segment // the open one comes on top
	return limits{
		listed:    listed,
		most:      2*listed + 8,
		available: (longest + 3*target).Duration(),
		partTags:  3 * target,
	}
}
