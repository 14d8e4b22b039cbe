package origin

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// segment is a complete one in memory: nothing of it changes again.
type segment struct {
	msn        int64
	start, dur media.Time // on the playlist's own line, see Stream.pos
	wall       time.Time  // of its first sample
	init       int        // k of its init section
	cut        bool       // a DISCONTINUITY stands before it
	gap        bool       // it never came
	key        int        // bytes up to the end of its first key frame, with which it begins; 0: there is none
	parts      []packager.Part
	size       int64
	listed     time.Time // when it was complete, which is when it was first listed
	parted     []byte    // its lines in a playlist, parts included
	text       int64     // where its lines without parts end in the text of all such lines, once they are there
}

func (s *segment) end() media.Time { return s.start + s.dur }

// record is what memory keeps of a segment that is on the shelf: some fifty bytes.
type record struct {
	start, end media.Time
	listed     int64 // Unix nanoseconds
	wall       int64 // the same
	text       int64 // as in segment
	init, key  int32
	cut        bool
	lost       bool // it never came, or the shelf failed: it can't be had
}

// version is one state of a stream. All of it is immutable but the forms that
// are rendered on first use, so readers share it without a lock.
type version struct {
	stream *Stream
	number uint64

	past    []record        // complete segments that only the shelf has, oldest first
	segs    []*segment      // complete segments in memory, which follow those
	first   int64           // MSN of the first one in the playlist; openMSN while none is
	dsn     int64           // DISCONTINUITY-SEQUENCE
	open    []packager.Part // of the segment that is being made
	openMSN int64           // its MSN; 0 while the stream has no part
	ended   bool
	next    chan struct{} // closed once a newer version is published; nobody waits when ended

	old     []byte   // lines of the listed segments that show no parts any more
	tail    []byte   // the other segments and parts
	ranges  []byte   // date ranges
	recent  []byte   // those of them that were announced lately
	removed []string // IDs of those that have been removed lately
	edges   []byte   // hints, reports and the end
	skipped int      // listed segments that a delta leaves out
	skipLen int      // the length of their lines at the front of old

	rendering sync.Mutex // single flight for the slots below
	forms     [formCount]slot
}

// slot holds one form of a version from its first use on.
type slot struct {
	text  atomic.Pointer[text]
	asked atomic.Bool // by a reader; then the next version has it from the start
}

// lastMSN is the MSN of the last complete segment; one below the open one while there is none.
func (v *version) lastMSN() int64 { return v.openMSN - 1 }

// edge is the last published part; false while there is none.
func (v *version) edge() (Cursor, bool) {
	if n := len(v.open); n > 0 {
		return Cursor{v.openMSN, n - 1}, true
	}
	for i := len(v.segs) - 1; i >= 0; i-- { // one that never came has no parts
		if last := v.segs[i]; len(last.parts) > 0 {
			return Cursor{last.msn, len(last.parts) - 1}, true
		}
	}
	return Cursor{}, false
}

// hinted is the part that comes next; false while that is unknown and after the end.
func (v *version) hinted() (Cursor, bool) {
	if v.ended || v.openMSN == 0 || !v.stream.program.cfg.Plan.LowLatency() {
		return Cursor{}, false
	}
	return Cursor{v.openMSN, len(v.open)}, true
}

// oldest is the first part in memory.
func (v *version) oldest() (Cursor, bool) {
	if len(v.segs) > 0 {
		return Cursor{v.segs[0].msn, 0}, true
	}
	return Cursor{v.openMSN, 0}, len(v.open) > 0
}

// firstHeld is the first segment that can still be had, from memory or from the shelf.
func (v *version) firstHeld() int64 { return v.openMSN - int64(len(v.segs)+len(v.past)) }

// complete is how many complete segments are listed.
func (v *version) complete() int { return int(v.openMSN - v.first) }

// segment finds a complete segment in memory.
func (v *version) segment(msn int64) *segment {
	if len(v.segs) == 0 {
		return nil
	}
	i := msn - v.segs[0].msn // numbers have no holes
	if i < 0 || i >= int64(len(v.segs)) {
		return nil
	}
	return v.segs[i]
}

// record finds a segment on the shelf.
func (v *version) record(msn int64) *record {
	i := msn - v.firstHeld()
	if i < 0 || i >= int64(len(v.past)) {
		return nil
	}
	return &v.past[i]
}

// span is where a complete segment that can be had lies on the playlist's line.
func (v *version) span(msn int64) (start, end media.Time) {
	if r := v.record(msn); r != nil {
		return r.start, r.end
	}
	s := v.segment(msn)
	return s.start, s.end()
}

// textEnd is how far the text of segments without parts goes with msn, which is in it. Only the writer asks.
func (v *version) textEnd(msn int64) int64 {
	if r := v.record(msn); r != nil {
		return r.text
	}
	return v.segment(msn).text
}

// opening is the init section of a segment, and whether a DISCONTINUITY stands before it.
func (v *version) opening(msn int64) (init int, cut bool) {
	if r := v.record(msn); r != nil {
		return int(r.init), r.cut
	}
	if s := v.segment(msn); s != nil {
		return s.init, s.cut
	}
	return v.stream.initOf(msn)
}

// part finds the part at c, not one that follows.
func (v *version) part(c Cursor) (packager.Part, bool) {
	if p := v.find(c); p != nil {
		return *p, true
	}
	return packager.Part{}, false
}

// find is part without a copy: nil where there is none. What it points to is not to be written to.
func (v *version) find(c Cursor) *packager.Part {
	parts := v.open
	if c.MSN != v.openMSN {
		s := v.segment(c.MSN)
		if s == nil {
			return nil
		}
		parts = s.parts
	}
	if c.Part < 0 || c.Part >= len(parts) {
		return nil
	}
	return &parts[c.Part]
}

// gone reports whether the parts of msn are older than all in memory.
func (v *version) gone(msn int64) bool {
	c, ok := v.oldest()
	return ok && msn < c.MSN
}

// retarget moves a cursor past the end of a complete segment to the first part of
// the next one, again and again.
func (v *version) retarget(c Cursor) Cursor {
	for {
		s := v.segment(c.MSN)
		if s == nil || c.Part < len(s.parts) {
			return c
		}
		c = Cursor{c.MSN + 1, 0}
	}
}

// listedDur is the length of the complete segments in the playlist.
func (v *version) listedDur() media.Time {
	if v.complete() == 0 {
		return 0
	}
	from, _ := v.span(v.first)
	_, to := v.span(v.lastMSN())
	return to - from
}

// skippable is how many listed segments end strictly further than until from the
// end of the last complete one (K-1, K-2).
func (v *version) skippable(until media.Time) int {
	n := v.complete()
	if n == 0 || until <= 0 {
		return 0
	}
	_, end := v.span(v.lastMSN())
	return sort.Search(n, func(i int) bool {
		_, e := v.span(v.first + int64(i))
		return end-e <= until
	})
}

// limits are what the plan and the window say, as the writer needs them.
type limits struct {
	listed    int           // segments in the playlist
	recent    int           // of them in memory where there is a shelf for the others
	most      int           // segments in memory at most, whatever the clock says
	available time.Duration // how long a segment can be had from when it was first listed
	partTags  media.Time    // parts are shown this far from the end
}

// memoryWindow is how much of a long window is in memory.
const memoryWindow = 60 * media.Second

// newLimits: the playlist holds the window, but never less than six target durations (L-5). A segment can be had
// for its own length and that of the longest playlist (L-6), and three target durations more.
func newLimits(plan packager.Plan, window media.Time, shelves, event bool) limits {
	segment := plan.Rate.Frame(int64(plan.SegmentFrames()))
	target := media.Time(plan.Target) * media.Second
	window = max(window, 6*target)
	listed := int((window + segment - 1) / segment)
	longest := media.Time(listed+2) * segment // the open one comes on top
	l := limits{
		listed:    listed,
		recent:    2*listed + 8,
		most:      2*listed + 8,
		available: (longest + 3*target).Duration(),
		partTags:  3 * target,
	}
	if shelves {
		// Parts can be had for three target durations after their tags have gone, which is after three more (P-13).
		l.recent = int((min(window, max(memoryWindow, 8*target))+segment-1)/segment) + 4
		l.most = 2*l.recent + 8
	}
	if event { // nothing is ever taken off
		l.listed = 1 << 40
	}
	return l
}
