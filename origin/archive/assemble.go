package archive

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
)

// chunk is a run of samples of one track that lie together on disk, and in the file.
type chunk struct {
	track, first, n int
	at              media.Time
	size            int64
}

// chunkTime is the longest that a chunk is, so that sound and picture lie beside each other.
const chunkTime = media.Second

// chunks divides the samples of a track.
func (t *track) chunks(number int) (all []chunk) {
	for i := range t.samples {
		s := &t.samples[i]
		n := len(all)
		if n > 0 {
			c := &all[n-1]
			before := &t.samples[i-1]
			if before.init == s.init && before.file == s.file && before.off+int64(before.size) == s.off && s.at-c.at < chunkTime {
				c.n++
				c.size += int64(s.size)
				continue
			}
		}
		all = append(all, chunk{number, i, 1, s.at, int64(s.size)})
	}
	return all
}

// assemble writes the boxes in front of the samples and says where those are.
func assemble(tracks []*track, r Range) (*Progressive, error) {
	var all []chunk
	for i, t := range tracks {
		all = append(all, t.chunks(i)...)
	}
	slices.SortStableFunc(all, func(a, b chunk) int { return cmp.Compare(a.at, b.at) })

	p := &Progressive{}
	var data int64
	offsets := make([]*mp4.Co64Box, len(tracks))
	for i := range tracks {
		offsets[i] = &mp4.Co64Box{}
	}
	for _, c := range all {
		s := &tracks[c.track].samples[c.first]
		p.extents = append(p.extents, extent{data, s.file, s.off, c.size})
		offsets[c.track].ChunkOffset = append(offsets[c.track].ChunkOffset, uint64(data))
		data += c.size
	}
	moov, err := movie(tracks, offsets, r)
	if err != nil {
		return nil, err
	}
	ftyp := mp4.NewFtyp("isom", 512, []string{"isom", "iso2", "avc1", "mp41"})
	head := int64(ftyp.Size()+moov.Size()) + 16
	for _, o := range offsets {
		for i := range o.ChunkOffset {
			o.ChunkOffset[i] += uint64(head)
		}
	}
	var out bytes.Buffer
	if err := errors.Join(ftyp.Encode(&out), moov.Encode(&out)); err != nil {
		return nil, err
	}
	b := binary.BigEndian.AppendUint32(out.Bytes(), 1) // the size follows in 64 bits
	b = append(b, "mdat"...)
	p.head = binary.BigEndian.AppendUint64(b, uint64(data+16))
	for i := range p.extents {
		p.extents[i].from += head
	}
	p.size = head + data
	return p, nil
}

// movie is the moov of tracks.
func movie(tracks []*track, offsets []*mp4.Co64Box, r Range) (*mp4.MoovBox, error) {
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Version, mvhd.Timescale = 1, movieScale
	mvhd.NextTrackID = uint32(len(tracks) + 1)
	moov.AddChild(mvhd)
	for i, t := range tracks {
		trak, err := t.trak(i+1, offsets[i])
		if err != nil {
			return nil, err
		}
		moov.AddChild(trak)
		mvhd.Duration = max(mvhd.Duration, trak.Tkhd.Duration)
	}
	return moov, nil
}

// trak is a track's box. Init sections that are alike share a sample description.
func (t *track) trak(id int, offsets *mp4.Co64Box) (*mp4.TrakBox, error) {
	trak := t.inits[t.samples[0].init]
	media := trak.Mdia
	trak.Tkhd.TrackID, trak.Tkhd.Version = uint32(id), 1
	media.Mdhd.Version, media.Mdhd.Duration = 1, uint64(t.dur)
	trak.Tkhd.Duration = uint64(t.dur) * movieScale / uint64(t.timescale)
	if len(t.edits) > 0 {
		trak.Tkhd.Duration = 0
		for _, e := range t.edits {
			trak.Tkhd.Duration += e.SegmentDuration
		}
		edts := &mp4.EdtsBox{}
		edts.AddChild(&mp4.ElstBox{Version: 1, Entries: t.edits})
		edts.Elst = []*mp4.ElstBox{edts.Children[0].(*mp4.ElstBox)}
		trak.Children = slices.Insert(trak.Children, 1, mp4.Box(edts))
		trak.Edts = edts
	}
	stsd, numbers, err := t.descriptions()
	if err != nil {
		return nil, err
	}
	stbl := mp4.NewStblBox()
	stbl.AddChild(stsd)
	for _, box := range t.tables(numbers) {
		stbl.AddChild(box)
	}
	stbl.AddChild(offsets)
	media.Minf.Stbl = stbl
	for i, c := range media.Minf.Children {
		if c.Type() == "stbl" {
			media.Minf.Children[i] = stbl
		}
	}
	return trak, nil
}

// descriptions is the stsd of all init sections that are in use, and the number of each in it.
func (t *track) descriptions() (*mp4.StsdBox, map[int]uint32, error) {
	stsd := &mp4.StsdBox{}
	numbers := map[int]uint32{}
	var seen [][]byte
	for _, s := range t.samples {
		if _, ok := numbers[s.init]; ok {
			continue
		}
		entry := t.inits[s.init].Mdia.Minf.Stbl.Stsd.Children[0]
		var b bytes.Buffer
		if err := entry.Encode(&b); err != nil {
			return nil, nil, err
		}
		k := slices.IndexFunc(seen, func(o []byte) bool { return bytes.Equal(o, b.Bytes()) })
		if k < 0 {
			k = len(seen)
			seen = append(seen, b.Bytes())
			stsd.AddChild(entry)
		}
		numbers[s.init] = uint32(k + 1)
	}
	return stsd, numbers, nil
}

// tables are the sample tables but for where chunks are (ISO/IEC 14496-12 8.6, 8.7).
func (t *track) tables(numbers map[int]uint32) []mp4.Box {
	stts, stss, stsz, stsc := &mp4.SttsBox{}, &mp4.StssBox{}, &mp4.StszBox{SampleNumber: uint32(len(t.samples))}, &mp4.StscBox{}
	for i, s := range t.samples {
		if n := len(stts.SampleCount); n > 0 && stts.SampleTimeDelta[n-1] == uint32(s.dur) {
			stts.SampleCount[n-1]++
		} else {
			stts.SampleCount = append(stts.SampleCount, 1)
			stts.SampleTimeDelta = append(stts.SampleTimeDelta, uint32(s.dur))
		}
		stsz.SampleSize = append(stsz.SampleSize, s.size)
		if s.sync {
			stss.SampleNumber = append(stss.SampleNumber, uint32(i+1))
		}
	}
	last := mp4.StscEntry{}
	var lastID uint32
	for i, c := range t.chunks(0) {
		id := numbers[t.samples[c.first].init]
		if uint32(c.n) == last.SamplesPerChunk && id == lastID {
			continue
		}
		last, lastID = mp4.StscEntry{FirstChunk: uint32(i + 1), SamplesPerChunk: uint32(c.n)}, id
		stsc.AddEntry(last.FirstChunk, last.SamplesPerChunk, id)
	}
	boxes := []mp4.Box{stts}
	if len(stss.SampleNumber) < len(t.samples) {
		boxes = append(boxes, stss)
	}
	return append(boxes, stsc, stsz)
}

// Size is the length of the file.
func (p *Progressive) Size() int64 { return p.size }

// Seek implements io.Seeker.
func (p *Progressive) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.at
	case io.SeekEnd:
		offset += p.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	p.at = offset
	return offset, nil
}

// Read implements io.Reader.
func (p *Progressive) Read(b []byte) (int, error) {
	if p.at >= p.size {
		return 0, io.EOF
	}
	if p.at < int64(len(p.head)) {
		n := copy(b, p.head[p.at:])
		p.at += int64(n)
		return n, nil
	}
	i, exact := slices.BinarySearchFunc(p.extents, p.at, func(e extent, at int64) int { return cmp.Compare(e.from, at) })
	if !exact {
		i--
	}
	e := p.extents[i]
	if p.open == nil || p.open.Name() != e.name {
		p.Close()
		f, err := os.Open(e.name)
		if err != nil {
			return 0, err
		}
		p.open = f
	}
	skip := p.at - e.from
	n, err := p.open.ReadAt(b[:min(int64(len(b)), e.size-skip)], e.off+skip)
	p.at += int64(n)
	if err == io.EOF && n > 0 {
		err = nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close closes what was open for reading.
func (p *Progressive) Close() error {
	if p.open == nil {
		return nil
	}
	f := p.open
	p.open = nil
	return f.Close()
}
