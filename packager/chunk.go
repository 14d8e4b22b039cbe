package packager

import (
	"math"
	"time"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
)

// chunk is one CMAF chunk in the making: [prft] [emsg...] moof mdat, one traf, one trun (F-7, F-9).
// Everything is known before the first byte is written, so it is written once, in place.
type chunk struct {
	sequence  uint32
	timescale int64
	start     media.Time
	wall      time.Time // of start; zero: no prft
	events    []Event
	video     bool
	samples   []sample
	nals      [][]byte // sample data in order; one piece per NAL unit (video) or sample (sound)
	bytes     int      // of all samples
}

// sample is one access unit or audio frame of the open part.
type sample struct {
	end  media.Time
	size uint32
	key  bool
}

// Box sizes, headers included (ISO/IEC 14496-12 8.8, 8.16.5).
const (
	boxHeader = 8
	prftSize  = 32
	mfhdSize  = 16
	tfhdSize  = 24
	tfdtSize  = 20
	trunFixed = 20
)

const (
	tfhdFlags = 0x020000 | 0x08 | 0x20 // default-base-is-moof, default duration, default flags
	trunFlags = 0x001 | 0x200          // data offset, size of each sample

	nonSync = mp4.NonSyncSampleFlags | mp4.SampleDependsOn1
)

// encode writes the chunk into one allocation of exactly its size.
//
// The defaults stand in every tfhd, so that a chunk needs nothing from trex (F-8). Sample flags are given
// one by one in video, and durations only where they differ: where ticks were skipped under load.
func (c *chunk) encode() ([]byte, error) {
	flags, perSample := uint32(trunFlags), 4
	if c.video {
		flags, perSample = flags|0x400, perSample+4
	}
	if c.varies() {
		flags, perSample = flags|0x100, perSample+4
	}
	trun := trunFixed + perSample*len(c.samples)
	traf := boxHeader + tfhdSize + tfdtSize + trun
	moof := boxHeader + mfhdSize + traf
	size := moof + boxHeader + c.bytes
	if !c.wall.IsZero() {
		size += prftSize
	}
	for i := range c.events {
		size += c.events[i].size()
	}

	data := make([]byte, size)
	w := bits.NewFixedSliceWriterFromSlice(data)
	c.writePrft(w)
	c.writeEvents(w)
	writeHeader(w, moof, "moof")
	writeHeader(w, mfhdSize, "mfhd")
	w.WriteUint32(0)
	w.WriteUint32(c.sequence)
	writeHeader(w, traf, "traf")
	c.writeTfhd(w)
	writeHeader(w, tfdtSize, "tfdt")
	w.WriteUint32(1 << 24)
	w.WriteUint64(uint64(c.start.Ticks(c.timescale)))
	writeHeader(w, trun, "trun")
	w.WriteUint32(flags)
	w.WriteUint32(uint32(len(c.samples)))
	w.WriteUint32(uint32(moof + boxHeader))
	c.writeSamples(w, flags)
	writeHeader(w, boxHeader+c.bytes, "mdat")
	for _, nal := range c.nals {
		if c.video {
			w.WriteUint32(uint32(len(nal)))
		}
		w.WriteBytes(nal)
	}
	return data, w.AccError()
}

func writeHeader(w *bits.FixedSliceWriter, size int, name string) {
	w.WriteUint32(uint32(size))
	w.WriteString(name, false)
}

// writePrft ties the chunk's first sample to the wall clock of its capture.
func (c *chunk) writePrft(w *bits.FixedSliceWriter) {
	if c.wall.IsZero() {
		return
	}
	seconds := uint64(c.wall.Unix() + mp4.NTPEpochOffset)
	fraction := uint64(c.wall.Nanosecond()) << 32 / 1e9
	writeHeader(w, prftSize, "prft")
	w.WriteUint32(1<<24 | mp4.PrftTimeCaptured)
	w.WriteUint32(trackID)
	w.WriteUint64(seconds<<32 | fraction)
	w.WriteUint64(uint64(c.start.Ticks(c.timescale)))
}

// writeEvents puts what happens within the chunk in front of its moof (T-1 to T-3).
func (c *chunk) writeEvents(w *bits.FixedSliceWriter) {
	for i := range c.events {
		ev := &c.events[i]
		at, dur := ev.Start.Ticks(c.timescale), uint32(math.MaxUint32) // unknown
		if ev.Dur >= 0 {
			dur = uint32(min((ev.Start+ev.Dur).Ticks(c.timescale)-at, math.MaxUint32-1))
		}
		writeHeader(w, ev.size(), "emsg")
		w.WriteUint32(1 << 24)
		w.WriteUint32(uint32(c.timescale))
		w.WriteUint64(uint64(at))
		w.WriteUint32(dur)
		w.WriteUint32(ev.number)
		w.WriteString(ev.Scheme, true)
		w.WriteString(ev.Value, true)
		w.WriteBytes(ev.Payload)
	}
}

func (c *chunk) writeTfhd(w *bits.FixedSliceWriter) {
	writeHeader(w, tfhdSize, "tfhd")
	w.WriteUint32(tfhdFlags)
	w.WriteUint32(trackID)
	w.WriteUint32(c.ticks(c.start, c.samples[0].end))
	if c.video {
		w.WriteUint32(nonSync)
	} else {
		w.WriteUint32(mp4.SyncSampleFlags)
	}
}

func (c *chunk) writeSamples(w *bits.FixedSliceWriter, flags uint32) {
	start := c.start
	for i := range c.samples {
		s := &c.samples[i]
		if flags&0x100 != 0 {
			w.WriteUint32(c.ticks(start, s.end))
		}
		w.WriteUint32(s.size)
		if flags&0x400 != 0 {
			if s.key {
				w.WriteUint32(mp4.SyncSampleFlags)
			} else {
				w.WriteUint32(nonSync)
			}
		}
		start = s.end
	}
}

// ticks is the length of a sample, as the difference of two rounded positions so that
// nothing ever adds up.
func (c *chunk) ticks(start, end media.Time) uint32 {
	return uint32(end.Ticks(c.timescale) - start.Ticks(c.timescale))
}

// varies reports whether the samples differ in length.
func (c *chunk) varies() bool {
	first, start := c.ticks(c.start, c.samples[0].end), c.start
	for i := range c.samples {
		if c.ticks(start, c.samples[i].end) != first {
			return true
		}
		start = c.samples[i].end
	}
	return false
}
