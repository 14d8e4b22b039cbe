package origin

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// segment is a complete one: nothing of it changes again.
type segment struct {
	msn        int64
	start, dur media.Time
	parts      []packager.Part
	size       int64
	listed     time.Time // when it was complete, which is when it was first listed
	parted     []byte    // its lines in a playlist, parts included
	plainLen   int       // length of its lines without parts, once they are in version.old
}

func (s *segment) end() media.Time { return s.start + s.dur }

// version is one state of a stream. All of it is immutable but the forms that
// are rendered on first use, so readers share it without a lock.
type version struct {
	stream *Stream
	number uint64

	segs    []*segment      // complete, oldest first; those that left the playlist come before listed
	listed  int             // segs[listed:] are in the playlist
	open    []packager.Part // of the segment that is being made
	openMSN int64           // its MSN; 0 while the stream has no part
	ended   bool
	next    chan struct{} // closed once a newer version is published; never when ended

	old     []byte // lines of the listed segments that show no parts any more
	tail    []byte // everything behind old
	skipped int    // listed segments that a delta leaves out
	skipLen int    // the length of their lines at the front of old

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
	if n := len(v.segs); n > 0 {
		last := v.segs[n-1]
		return Cursor{last.msn, len(last.parts) - 1}, true
	}
	return Cursor{}, false
}

// hinted is the part that comes next; false while that is unknown and after the end.
func (v *version) hinted() (Cursor, bool) {
	if v.ended || v.openMSN == 0 {
		return Cursor{}, false
	}
	return Cursor{v.openMSN, len(v.open)}, true
}

// oldest is the first part that can still be had.
func (v *version) oldest() (Cursor, bool) {
	if len(v.segs) > 0 {
		return Cursor{v.segs[0].msn, 0}, true
	}
	return Cursor{v.openMSN, 0}, len(v.open) > 0
}

// segment finds a complete segment that is still held.
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

// part finds the part at c, not one that follows.
func (v *version) part(c Cursor) (packager.Part, bool) {
	parts := v.open
	if c.MSN != v.openMSN {
		s := v.segment(c.MSN)
		if s == nil {
			return packager.Part{}, false
		}
		parts = s.parts
	}
	if c.Part < 0 || c.Part >= len(parts) {
		return packager.Part{}, false
	}
	return parts[c.Part], true
}

// gone reports whether msn is older than all that is held.
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
	if v.listed == len(v.segs) {
		return 0
	}
	return v.segs[len(v.segs)-1].end() - v.segs[v.listed].start
}

// skippable is how many listed segments end strictly further than until from the
// end of the last complete one (K-1, K-2).
func skippable(listed []*segment, until media.Time) int {
	if len(listed) == 0 || until <= 0 {
		return 0
	}
	end := listed[len(listed)-1].end()
	return sort.Search(len(listed), func(i int) bool { return end-listed[i].end() <= until })
}
