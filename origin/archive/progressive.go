package archive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
)

// Range is what a clip has of a recording, in the recording's own time, which is that of its playlists: from its beginning, with the
// breaks between lives and takes left out.
type Range struct{ From, To media.Time }

// everything is a range that leaves nothing out.
var everything = Range{0, math.MaxInt64}

// sample is one of a track, as it lies in a part.
type sample struct {
	at   media.Time // in the recording's time
	dur  int64      // ticks of the track
	size uint32
	sync bool
	init int
	file string
	off  int64
}

// track is one of the file in the making.
type track struct {
	inits     []*mp4.TrakBox // by life
	timescale int64
	samples   []sample
	edits     []mp4.ElstEntry
	dur       int64 // ticks of all samples
}

// movieScale is the timescale of the file: a multiple of 48 kHz and of 90 kHz, so that edits of either are exact.
const movieScale = 720_000

// Progressive is an MP4 file with its moov in front and everything else where it lies on disk: it is put together
// while it is read. It is used by one reader at a time.
type Progressive struct {
	head    []byte
	extents []extent // the samples, in the order of the file
	size    int64
	at      int64
	open    *os.File
}

// extent is a run of bytes of the file.
type extent struct {
	from int64 // in the file
	name string
	off  int64
	size int64
}

// errNothing says that a clip lies outside of its recording.
var errNothing = errors.New("there is nothing between from and to")

// join is one rung of a recording, with the sound, or the sound alone, as one MP4 file without any coding anew. A clip begins
// with the key frame at or before r.From, and an edit list says what of it is to be shown.
func (l *Loaded) join(c cut, stream string, r Range) (*Progressive, error) {
	i := slices.IndexFunc(c.streams, func(st LoadedStream) bool { return st.Name == stream })
	if i < 0 {
		return nil, os.ErrNotExist
	}
	chosen := []*LoadedStream{&c.streams[i]}
	if chosen[0].Canvas != "" {
		if k := slices.IndexFunc(c.streams, func(st LoadedStream) bool { return st.Canvas == "" }); k >= 0 {
			chosen = append(chosen, &c.streams[k])
		}
	}
	if c.empty() {
		return nil, errNothing
	}
	bases := runs(chosen)
	var tracks []*track
	for _, st := range chosen {
		t, err := l.track(st, bases, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", st.Name, err)
		}
		tracks = append(tracks, t)
	}
	end := media.Time(0)
	for _, t := range tracks {
		if n := len(t.samples); n > 0 {
			last := t.samples[n-1]
			end = max(end, last.at+media.FromTicks(last.dur, t.timescale))
		}
	}
	if r.To = min(r.To, end); r.From >= r.To {
		return nil, errNothing
	}
	for _, t := range tracks {
		t.cut(r)
	}
	if len(tracks[0].samples) == 0 {
		return nil, errNothing
	}
	return assemble(slices.DeleteFunc(tracks, func(t *track) bool { return len(t.samples) == 0 }), r)
}

// runs say where each segment of streams, which have the same ones, begins in the recording's time: within a life one follows the
// other, and behind a break it goes on where the longest stream ended.
func runs(streams []*LoadedStream) []media.Time {
	n := len(streams[0].Segments)
	bases := make([]media.Time, n) // what to add to a time of the segment's life
	var end media.Time
	for i := range n {
		begin := media.Time(math.MaxInt64)
		broken := i == 0
		for _, st := range streams {
			begin = min(begin, st.Segments[i].Start)
			broken = broken || !follows(&st.Segments[i-1], &st.Segments[i])
		}
		if broken {
			bases[i] = end - begin
		} else {
			bases[i] = bases[i-1]
		}
		for _, st := range streams {
			end = max(end, bases[i]+st.Segments[i].Start+st.Segments[i].Dur)
		}
	}
	return bases
}

// track reads what is needed of st for r: its samples' sizes and lengths, from the boxes in front of them.
func (l *Loaded) track(st *LoadedStream, bases []media.Time, r Range) (*track, error) {
	t := &track{timescale: st.Inits[len(st.Inits)-1].Timescale}
	dir := filepath.Join(l.dir, st.Name)
	for k, in := range st.Inits {
		data, err := os.ReadFile(filepath.Join(dir, initName(k)))
		if err != nil {
			return nil, err
		}
		f, err := mp4.DecodeFile(bytes.NewReader(data))
		if err != nil || f.Init == nil || f.Init.Moov == nil || f.Init.Moov.Trak == nil {
			return nil, fmt.Errorf("init section %d: %w", k, errors.Join(errors.New("cannot be read"), err))
		}
		if in.Timescale != t.timescale {
			return nil, fmt.Errorf("init section %d has another timescale", k)
		}
		t.inits = append(t.inits, f.Init.Moov.Trak)
	}
	x := index{dir: dir, file: -1} // of one file at a time, for it has the parts
	for i := range st.Segments {
		s := &st.Segments[i]
		at := bases[i] + s.Start
		if at >= r.To || at+s.Dur < r.From && i+1 < len(st.Segments) && bases[i+1]+st.Segments[i+1].Start <= r.From {
			continue
		}
		if n := s.MSN / indexed; n != x.file {
			x.segs = nil
			if _, err := x.more(&l.Manifest, n); err != nil {
				return nil, err
			}
		}
		k, found := slices.BinarySearchFunc(x.segs, s.MSN, func(s Segment, msn int64) int { return cmp.Compare(s.MSN, msn) })
		if !found {
			return nil, fmt.Errorf("segment %d is not in the index any more", s.MSN)
		}
		if err := t.read(filepath.Join(dir, segmentName(s.MSN)), &x.segs[k], at); err != nil {
			return nil, fmt.Errorf("segment %d: %w", s.MSN, err)
		}
	}
	// Each sample lasts until the next, over a break as well.
	for i := 0; i+1 < len(t.samples); i++ {
		t.samples[i].dur = t.samples[i+1].at.Ticks(t.timescale) - t.samples[i].at.Ticks(t.timescale)
	}
	return t, nil
}

// read takes the samples of a segment that begins at a time.
func (t *track) read(name string, s *Segment, at media.Time) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	off := int64(0)
	for i := range s.Parts {
		p := &s.Parts[i]
		if p.Gap {
			continue
		}
		if err := t.part(f, name, off, p, s.Life, at+p.Start-s.Start); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		off += p.Size
	}
	return nil
}

// part takes the samples of a part: [boxes] moof mdat.
func (t *track) part(f *os.File, name string, off int64, p *Part, life int, at media.Time) error {
	end := off + p.Size
	var moof *mp4.MoofBox
	for off < end {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return err
		}
		h, err := mp4.DecodeHeader(f)
		if err != nil {
			return err
		}
		switch h.Name {
		case "moof":
			box, err := mp4.DecodeBoxBody(uint64(off), h, f)
			if err != nil {
				return err
			}
			moof = box.(*mp4.MoofBox)
		case "mdat":
			if moof == nil || moof.Traf == nil || moof.Traf.Trun == nil || moof.Traf.Tfhd == nil {
				return errors.New("mdat without its moof")
			}
			trun := moof.Traf.Trun
			trun.AddSampleDefaultValues(moof.Traf.Tfhd, nil)
			data, ticks := off+int64(h.Hdrlen), int64(0)
			start := at.Ticks(t.timescale)
			for _, s := range trun.Samples {
				t.samples = append(t.samples, sample{
					at: media.FromTicks(start+ticks, t.timescale), dur: int64(s.Dur), size: s.Size,
					sync: s.IsSync(), init: life, file: name, off: data,
				})
				data, ticks = data+int64(s.Size), ticks+int64(s.Dur)
			}
			if data > end {
				return errors.New("samples reach over the end of their part")
			}
		}
		off += int64(h.Size)
	}
	return nil
}

// cut leaves the samples that r needs and sets the edits that show it exactly.
func (t *track) cut(r Range) {
	first := 0
	for i, s := range t.samples {
		if s.at > r.From {
			break
		}
		if s.sync {
			first = i
		}
	}
	last := len(t.samples)
	for last > first && t.samples[last-1].at >= r.To {
		last--
	}
	t.samples = t.samples[first:last]
	if len(t.samples) == 0 {
		return
	}
	begin := t.samples[0].at
	for _, s := range t.samples {
		t.dur += s.dur
	}
	shown := min(r.To, begin+media.FromTicks(t.dur, t.timescale))
	if wait := begin - r.From; wait > 0 { // this track begins later
		t.edits = append(t.edits, mp4.ElstEntry{SegmentDuration: uint64(wait.Ticks(movieScale)), MediaTime: -1, MediaRateInteger: 1})
	}
	from := max(begin, r.From)
	if len(t.edits) > 0 || from > begin || shown < begin+media.FromTicks(t.dur, t.timescale) {
		t.edits = append(t.edits, mp4.ElstEntry{
			SegmentDuration: uint64((shown - from).Ticks(movieScale)), MediaTime: (from - begin).Ticks(t.timescale), MediaRateInteger: 1,
		})
	}
}
