package lint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"
)

// problem is a rule that a file breaks.
type problem struct{ rule, text string }

func problemf(rule, format string, args ...any) problem {
	return problem{rule, fmt.Sprintf(format, args...)}
}

// track is what an init section says of the track that is looked at: the picture if there is one.
type track struct {
	id        uint32
	timescale int64
	video     bool
	codec     string // RFC 6381; the four letters alone where no more can be read
	w, h      int    // of the SPS; 0 when it was not read
	transfer  uint   // transfer characteristics of the SPS; 0 when it says nothing
	avc       bool
	trex      *mp4.TrexBox
	several   bool // other tracks are in the file
}

// format is the track in words.
func (t *track) format() string {
	if t.w > 0 {
		return fmt.Sprintf("%s %dx%d", t.codec, t.w, t.h)
	}
	return t.codec
}

func (t *track) seconds(ticks int64) float64 { return float64(ticks) / float64(t.timescale) }

// sample is one of a fragment.
type sample struct {
	dur  uint32
	cto  int32
	sync bool
	data []byte
}

// file is a part or a segment, read.
type file struct {
	start   int64 // tfdt of the first fragment
	dur     int64 // ticks
	samples []sample
	events  []byte // emsg boxes
	emsgs   []*mp4.EmsgBox
	size    int
	broken  bool // its fragments do not follow each other
}

func (m *file) end() int64 { return m.start + m.dur }

func (m *file) sync() bool {
	return slices.ContainsFunc(m.samples, func(s sample) bool { return s.sync })
}

// fmp4 reports whether b begins like a fragmented MP4 file.
func fmp4(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	switch string(b[4:8]) {
	case "ftyp", "styp", "moof", "moov", "prft", "emsg", "sidx", "free", "skip":
		return true
	}
	return false
}

// box is one at the top level of a file.
type box struct {
	name string
	at   int
	data []byte // header included
}

func boxes(b []byte) ([]box, error) {
	var list []box
	for at := 0; at < len(b); {
		if len(b)-at < 8 {
			return list, fmt.Errorf("%d bytes are left over at the end", len(b)-at)
		}
		size := uint64(binary.BigEndian.Uint32(b[at:]))
		name := string(b[at+4 : at+8])
		switch {
		case size == 1 && len(b)-at >= 16:
			size = binary.BigEndian.Uint64(b[at+8:])
		case size == 0:
			size = uint64(len(b) - at)
		}
		if size < 8 || size > uint64(len(b)-at) {
			return list, fmt.Errorf("box %q at %d wants %d bytes of %d", name, at, size, len(b)-at)
		}
		list = append(list, box{name, at, b[at : at+int(size)]})
		at += int(size)
	}
	return list, nil
}

// decode reads one box. What the library cannot take is an error, never a panic.
func decode(b box) (found mp4.Box, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("box %q: %v", b.name, p)
		}
	}()
	// A trun without fields per sample may claim any number of them.
	for rest := b.data; ; {
		i := bytes.Index(rest, []byte("trun"))
		if i < 0 || len(rest) < i+12 {
			break
		}
		if n := binary.BigEndian.Uint32(rest[i+8:]); n > 1<<20 && i >= 4 {
			return nil, fmt.Errorf("box %q: trun with %d samples", b.name, n)
		}
		rest = rest[i+4:]
	}
	return mp4.DecodeBox(uint64(b.at), bytes.NewReader(b.data))
}

// readMedia reads a part or a segment (P-4, F-2 to F-5). The media is nil when nothing can be said of it.
func readMedia(b []byte, t *track) (*file, []problem) {
	list, err := boxes(b)
	if err != nil {
		return nil, []problem{problemf("P-4", "%v", err)}
	}
	m := &file{size: len(b), start: -1}
	var found []problem
	for i, x := range list {
		switch x.name {
		case "emsg":
			m.events = append(m.events, x.data...)
			found = append(found, m.event(x)...)
		case "moof":
			if i+1 >= len(list) || list[i+1].name != "mdat" {
				found = append(found, problemf("P-4", "moof at %d is not followed by mdat", x.at))
				return nil, found
			}
			problems, ok := m.moof(x, b, list[i+1], t)
			if found = append(found, problems...); !ok {
				return nil, found
			}
		}
	}
	found = append(found, m.punctual(t)...)
	if m.start < 0 {
		if len(found) == 0 {
			found = append(found, problemf("P-4", "no fragment of track %d in %s", t.id, names(list)))
		}
		return nil, found
	}
	return m, found
}

// moof adds the samples of a fragment; not ok: it cannot be read.
func (m *file) moof(x box, data []byte, mdat box, t *track) (found []problem, ok bool) {
	got, err := decode(x)
	moof, ok := got.(*mp4.MoofBox)
	if err != nil || !ok {
		return []problem{problemf("P-4", "moof at %d: %v", x.at, err)}, false
	}
	return m.fragment(moof, x.at, data, mdat, t), true
}

// event reads an emsg (T-1).
func (m *file) event(x box) []problem {
	got, err := decode(x)
	e, ok := got.(*mp4.EmsgBox)
	switch {
	case err != nil || !ok:
		return []problem{problemf("T-1", "emsg at %d: %v", x.at, err)}
	case e.Version != 1:
		return []problem{problemf("T-1", "the emsg at %d has version %d", x.at, e.Version)}
	}
	m.emsgs = append(m.emsgs, e)
	return nil
}

// punctual holds the times of events against the samples of the file (T-2).
func (m *file) punctual(t *track) (found []problem) {
	for _, e := range m.emsgs {
		if e.TimeScale == 0 {
			found = append(found, problemf("T-1", "emsg %d has timescale 0", e.ID))
			continue
		}
		at := float64(e.PresentationTime) / float64(e.TimeScale)
		if tick := 1 / float64(t.timescale); m.start >= 0 && (at < t.seconds(m.start)-tick || at >= t.seconds(m.end())+tick) {
			found = append(found, problemf("T-2", "emsg %d is for %.4f s, the media goes from %.4f to %.4f", e.ID, at, t.seconds(m.start), t.seconds(m.end())))
		}
	}
	return found
}

// fragment adds the samples of one moof.
func (m *file) fragment(moof *mp4.MoofBox, at int, data []byte, mdat box, t *track) (found []problem) {
	for _, traf := range moof.Trafs {
		if traf.Tfhd == nil {
			return append(found, problemf("P-4", "a traf has no tfhd"))
		}
		if traf.Tfhd.TrackID != t.id {
			if !t.several {
				found = append(found, problemf("F-2", "a traf of track %d, moov has track %d", traf.Tfhd.TrackID, t.id))
			}
			continue
		}
		if traf.Tfdt == nil {
			return append(found, problemf("F-3", "the traf at %d has no tfdt", at))
		}
		if traf.Tfhd.HasBaseDataOffset() || !traf.Tfhd.DefaultBaseIfMoof() {
			found = append(found, problemf("F-4", "tfhd has the flags %06x: default-base-is-moof and no base data offset are wanted", traf.Tfhd.Flags))
		}
		start := int64(traf.Tfdt.BaseMediaDecodeTime())
		if m.start < 0 {
			m.start = start
		} else if start != m.end() {
			m.broken = true
			found = append(found, problemf("F-5", "inside the file tfdt is %d where %d is due", start, m.end()))
		}
		next := at + 8
		for _, trun := range traf.Truns {
			trun.AddSampleDefaultValues(traf.Tfhd, t.trex)
			if trun.HasDataOffset() {
				next = at + int(trun.DataOffset)
			}
			for _, s := range trun.GetSamples() {
				end := next + int(s.Size)
				if next < mdat.at+8 || end > mdat.at+len(mdat.data) {
					return append(found, problemf("P-4", "a sample at %d of %d bytes is outside of its mdat", next, s.Size))
				}
				m.samples = append(m.samples, sample{s.Dur, s.CompositionTimeOffset, s.Flags&mp4.NonSyncSampleFlags == 0, data[next:end]})
				m.dur += int64(s.Dur)
				next = end
			}
		}
	}
	return found
}

// same reports whether parts, one after the other, have the samples and the timing of m.
func (m *file) same(parts []*file) (string, bool) {
	n, at := 0, m.start
	var events []byte
	for i, p := range parts {
		if p.start != at {
			return fmt.Sprintf("part %d begins at %d, in the segment at %d", i, p.start, at), false
		}
		for _, s := range p.samples {
			if n >= len(m.samples) {
				return fmt.Sprintf("the parts have more samples than the %d of the segment", len(m.samples)), false
			}
			o := m.samples[n]
			if s.dur != o.dur || s.cto != o.cto || s.sync != o.sync || !bytes.Equal(s.data, o.data) {
				return fmt.Sprintf("sample %d is another one in part %d", n, i), false
			}
			n++
		}
		at += p.dur
		events = append(events, p.events...)
	}
	if n < len(m.samples) {
		return fmt.Sprintf("the parts have %d samples, the segment %d", n, len(m.samples)), false
	}
	if !bytes.Equal(events, m.events) {
		return "the parts carry other emsg boxes than the segment", false
	}
	return "", true
}

// idr reports whether an access unit with four-byte lengths holds an IDR slice.
func idr(data []byte) bool {
	for len(data) > 4 {
		n := int(binary.BigEndian.Uint32(data))
		if n < 1 || n > len(data)-4 {
			return false
		}
		if data[4]&0x1f == 5 {
			return true
		}
		data = data[4+n:]
	}
	return false
}
