package archive

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tilecast/media"
	"tilecast/packager/m3u8"
)

// isoFolder holds what single broadcasters sent.
const isoFolder = "iso"

// cut is a recording as it is played: segments that all streams have, in order.
type cut struct {
	m       *Manifest
	streams []LoadedStream
}

// recorded is what lies in the takes of l, whose streams are there, and is whole in every one of them. It has the streams that
// are wanted; nil: all.
func (l *Loaded) recorded(wanted func(*LoadedStream) bool) cut {
	common := l.common()
	c := cut{m: &l.Manifest}
	for _, st := range l.Streams {
		if wanted != nil && !wanted(&st) {
			continue
		}
		segs := make([]Segment, 0, len(common))
		for i := range st.Segments {
			if len(segs) < len(common) && st.Segments[i].MSN == common[len(segs)] {
				segs = append(segs, st.Segments[i])
			}
		}
		st.Segments = segs
		c.streams = append(c.streams, st)
	}
	return c
}

// common are the numbers of the segments that are recorded and whole in every stream.
func (l *Loaded) common() (all []int64) {
	for i := range l.Streams {
		segs := l.Streams[i].Segments
		kept, next := all[:0], 0
		for k := range segs {
			s := &segs[k]
			open := k+1 == len(segs) && l.Ended.IsZero() // more may come of it
			if s.Gap || s.came == 0 || open && !s.last || !l.has(s.MSN) {
				continue
			}
			for next < len(all) && all[next] < s.MSN {
				next++
			}
			if i == 0 || next < len(all) && all[next] == s.MSN {
				kept = append(kept, s.MSN)
			}
		}
		all = kept
	}
	return all
}

// empty reports whether there is nothing to play.
func (c cut) empty() bool { return len(c.streams) == 0 || len(c.streams[0].Segments) == 0 }

// follows reports whether b goes on where a ends.
func follows(a, b *Segment) bool { return a.Life == b.Life && a.Start+a.Dur == b.Start }

// playlist is that of a stream: VOD once the program is over, EVENT before, for as long as all of it is kept (M-12).
func (c cut) playlist(st *LoadedStream) []byte {
	kind := "#EXT-X-PLAYLIST-TYPE:VOD\n"
	switch {
	case c.m.Ended.IsZero() && c.m.Shed.Segments > 0:
		kind = ""
	case c.m.Ended.IsZero():
		kind = "#EXT-X-PLAYLIST-TYPE:EVENT\n"
	}
	b := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n%s#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n",
		c.m.Plan.Target, kind, c.m.Shed.Segments, c.m.Shed.Cuts)
	for i := range st.Segments {
		s := &st.Segments[i]
		line := m3u8.Segment{
			URI: segmentName(s.MSN), Duration: s.Dur.Seconds(), ProgramDateTime: c.m.Wall(s.Life, s.Start),
			Discontinuity: i > 0 && !follows(&st.Segments[i-1], s),
		}
		if i == 0 || line.Discontinuity {
			line.Map = initName(s.Life)
		}
		b = m3u8.AppendSegment(b, &line)
	}
	if c.m.Ended.IsZero() {
		return b
	}
	return m3u8.AppendEndList(b)
}

// canvases are the names of the multivariant playlists, the default's first.
func (c cut) canvases() (names []string) {
	for _, st := range c.streams {
		if st.Canvas != "" && !slices.Contains(names, st.Canvas) {
			names = append(names, st.Canvas)
		}
	}
	return names
}

// multivariant is the playlist of a canvas. Its rates are those of the recording.
func (c cut) multivariant(canvas string) []byte {
	m := m3u8.Multivariant{IndependentSegments: true}
	var loud, mean int
	var codecs string
	for i := range c.streams {
		st := &c.streams[i]
		if a := st.params().Audio; a != nil && len(m.Audio) == 0 {
			loud, mean = st.rates(c.m)
			codecs = "," + st.codecs()
			m.Audio = []m3u8.Media{{
				GroupID: "audio", Name: "Program", URI: st.Name + "/stream.m3u8", Default: true, AutoSelect: true,
				Channels: strconv.Itoa(a.Channels),
			}}
		}
	}
	for i := range c.streams {
		st := &c.streams[i]
		v := st.params().Video
		if v == nil || st.Canvas != canvas {
			continue
		}
		peak, average := st.rates(c.m)
		variant := m3u8.Variant{
			URI: st.Name + "/stream.m3u8", Bandwidth: peak + loud, AverageBandwidth: average + mean,
			Codecs: st.codecs() + codecs, Width: v.W, Height: v.H, FrameRate: v.Rate.Float(),
		}
		if len(m.Audio) > 0 {
			variant.Audio = "audio"
		}
		m.Variants = append(m.Variants, variant)
	}
	return m.Append(nil)
}

func (st *LoadedStream) params() media.Params { return st.Inits[len(st.Inits)-1].Params }

// codecs are those of all lives.
func (st *LoadedStream) codecs() string {
	var all []string
	for _, in := range st.Inits {
		if !slices.Contains(all, in.Codecs) {
			all = append(all, in.Codecs)
		}
	}
	return strings.Join(all, ",")
}

// rates are the peak segment bit rate (MV-8) and the average, in bit/s.
func (st *LoadedStream) rates(m *Manifest) (peak, average int) {
	least := media.Time(m.Plan.Target) * media.Second / 2
	var size, run int64
	var length, ran media.Time
	for i := range st.Segments {
		s := &st.Segments[i]
		size, length = size+s.Size, length+s.Dur
		if run, ran = run+s.Size, ran+s.Dur; ran >= least {
			peak = max(peak, bitRate(run, ran))
			run, ran = 0, 0
		}
	}
	average = bitRate(size, length)
	return max(peak, average), average
}

func bitRate(size int64, length media.Time) int {
	if length <= 0 {
		return 1
	}
	return int(float64(size*8)/length.Seconds()) + 1
}

// writePlaylists puts the playlists of a recording beside its media.
func writePlaylists(s *Store, room, id string) error {
	l, err := s.manifest(room, id)
	if err != nil {
		return err
	}
	var c cut
	if err := l.outlined(context.Background(), func(*outline) { c = l.recorded(nil) }); err != nil {
		return err
	}
	if c.empty() {
		return nil
	}
	for i := range c.streams {
		st := &c.streams[i]
		if err := s.disk.Replace(filepath.Join(l.dir, st.Name, "stream.m3u8"), c.playlist(st)); err != nil {
			return err
		}
	}
	names := c.canvases()
	if len(names) == 0 {
		return nil
	}
	for _, name := range names {
		if err := s.disk.Replace(filepath.Join(l.dir, name+".m3u8"), c.multivariant(name)); err != nil {
			return err
		}
	}
	return s.disk.Replace(filepath.Join(l.dir, "index.m3u8"), c.multivariant(names[0]))
}
