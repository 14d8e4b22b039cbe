package origin

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// Shelf keeps one stream's parts beyond memory. The archive implements it.
type Shelf interface {
	// Put takes the next part without waiting for a disk. Its Data may be kept. No segment below
	// oldest is asked for again.
	Put(p packager.Part, oldest int64)
	// Kept reports, without waiting, whether a whole segment is on the shelf.
	Kept(msn int64) bool
	// Open opens a segment that is kept: the bytes of its parts, one after the other. The caller closes it.
	Open(msn int64) (*os.File, error)
}

// History is what a stream had published when its process ended. Streams of a program agree on where it ends.
type History struct {
	Inits    []packager.Init // k is the index
	Segments []Past          // numbers without holes, oldest first
	Cuts     int64           // DISCONTINUITY tags there have been up to the first segment, with its own (M-9)
}

// Past is a segment that was published before.
type Past struct {
	MSN  int64
	Dur  media.Time
	Wall time.Time // capture time of its first sample
	Init int       // k of its init section; it begins with a DISCONTINUITY where k is another than before
	Gap  bool      // the stream never had it, others did
	Key  int       // bytes up to the end of the key frame with which it begins; 0: it begins with none
	// Parts, with their Data, are given for recent segments; the others are on the shelf.
	Parts []packager.Part
}

// restore begins the stream with what it had published before: the next part, whatever its init section, is of another life
// and begins with a DISCONTINUITY. Called before the stream is known to anybody.
func (s *Stream) restore(h History) {
	if len(h.Segments) == 0 {
		return
	}
	s.inits = s.inits[:0]
	for _, in := range h.Inits {
		s.inits = append(s.inits, section{init: in})
	}
	s.next, s.first, s.plain, s.dsn = h.Segments[0].MSN, h.Segments[0].MSN, h.Segments[0].MSN, h.Cuts
	last := h.Segments[0].Init
	for i := range h.Segments {
		p := &h.Segments[i]
		cut := p.Init != last
		if last = p.Init; cut {
			s.inits[p.Init].from = p.MSN
		}
		s.recall(p, cut)
	}
	s.inits = append(s.inits, section{s.next, s.init})
	for k := len(s.inits) - 2; k > 0; k-- { // a life without a segment
		if s.inits[k].from == 0 {
			s.inits[k].from = s.inits[k+1].from
		}
	}
	s.number = uint64(len(s.inits)) << 40 // so that no ETag is used twice
	s.trim()
	s.publish()
}

// recall appends one segment of an earlier life.
func (s *Stream) recall(p *Past, cut bool) {
	seg := &segment{
		msn: p.MSN, start: s.pos, dur: p.Dur, wall: p.Wall, init: p.Init, cut: cut, gap: p.Gap,
		parts: p.Parts, listed: p.Wall.Add(p.Dur.Duration()),
	}
	for i := range p.Parts {
		s.lines = s.appendPart(s.lines, p.Parts[i], seg)
		seg.size += int64(len(p.Parts[i].Data))
	}
	seg.key = p.Key
	s.pos = seg.end()
	s.next++
	if len(p.Parts) == 0 && len(s.segs) == 0 { // the shelf has it, or it is a gap
		s.old = s.appendPlain(s.old, seg)
		s.plain++
		s.past = append(s.past, record{
			start: seg.start, end: seg.end(), listed: seg.listed.UnixNano(), text: int64(len(s.old)),
			wall: seg.wall.UnixNano(), init: int32(seg.init), key: int32(p.Key), cut: cut, lost: s.shelf == nil || p.Gap,
		})
		return
	}
	if len(p.Parts) == 0 { // there are no parts to show
		s.lines = s.appendHead(s.lines, seg)
	}
	seg.parted = appendEnd(s.lines, seg)
	s.lines = nil
	s.segs = append(s.segs, seg)
}

// maxReading is how many answers of a program may come from its shelf at a time. Each has a file open for as long as its
// client takes, and those who write to disk need some, too.
const maxReading = 128

// fetch answers for a whole segment on the shelf; false: it is not there.
func (s *Stream) fetch(w http.ResponseWriter, r *http.Request, name string, v *version, msn int64) bool {
	rec := v.record(msn)
	if rec == nil || rec.lost {
		return false
	}
	defer s.program.reading.Add(-1)
	if s.program.reading.Add(1) > maxReading {
		fail(w, http.StatusServiceUnavailable, noStore, "too many read old segments now: try again")
		return true
	}
	f, err := s.shelf.Open(msn)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.program.cfg.Log.Warn("segment is gone from the disk", "stream", s.name, "msn", msn)
		return false
	case err != nil: // too many open files, say: it will be there again, so no cache may learn otherwise (N-16)
		s.program.cfg.Log.Warn("segment can't be read", "stream", s.name, "msn", msn, "err", err)
		fail(w, http.StatusServiceUnavailable, noStore, "the segment can't be read now: try again")
		return true
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fail(w, http.StatusServiceUnavailable, noStore, "the segment can't be read now: try again")
		return true
	}
	from, to, body := s.head(w, r, name, s.mediaType(), info.Size())
	if !body {
		return true
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return true // the connection ends short, as it does when the disk fails half way
	}
	io.CopyN(w, f, to-from) // by sendfile where the connection can
	return true
}
