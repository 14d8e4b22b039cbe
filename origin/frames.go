package origin

import (
	"time"

	"tilecast/packager/m3u8"
)

// writeFrames is the playlist of key frames, one for each segment: the bytes of the segment from its beginning, where the
// moof is, to the end of the first frame (M-25, AAS 6.10). Numbers are those of the segments, so that waiting for one
// and a delta mean the same in both playlists.
func (v *version) writeFrames(f form) []byte {
	n := v.complete()
	b := make([]byte, 0, 512+112*n)
	b = m3u8.AppendHeader(b, v.header(f))
	from := 0
	if f&delta != 0 {
		from = v.skips(f)
		b = v.appendSkip(b, f, from)
	}
	for i := from; i < n; i++ {
		msn := v.first + int64(i)
		k, cut := v.opening(msn)
		start, end := v.span(msn)
		seg := m3u8.Segment{URI: segmentName(msn), Duration: (end - start).Seconds(), Discontinuity: cut}
		if cut || i == 0 {
			seg.Map = initName(k)
		}
		var key int
		key, seg.ProgramDateTime = v.key(msn)
		if seg.Gap = key == 0; !seg.Gap {
			seg.ByteRange = byteRange(int64(key), 0)
		}
		b = m3u8.AppendSegment(b, &seg)
	}
	if v.ended {
		b = m3u8.AppendEndList(b)
	}
	return b
}

// key is how many bytes of a segment its first key frame takes, and when it was captured.
func (v *version) key(msn int64) (int, time.Time) {
	if r := v.record(msn); r != nil {
		return int(r.key), time.Unix(0, r.wall)
	}
	s := v.segment(msn)
	return s.key, s.wall
}
