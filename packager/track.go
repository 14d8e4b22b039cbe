package packager

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tilecast/media"
)

// maxPartBytes bounds the part that is being collected. A second of the highest H.264
// level is a tenth of it.
const maxPartBytes = 256 << 20

// TrackConfig is what a track is told about its program.
type TrackConfig struct {
	FirstMSN int64                      // of the segment that begins at time 0
	Wall     func(media.Time) time.Time // capture time of a position, for prft; nil: none is written
	Events   *Events                    // what the media carries; nil: nothing
}

// Stats count what a track has done.
type Stats struct {
	Samples, Bytes  int64 // that went into parts; bytes with boxes
	Parts, Segments int64
	Dropped         int64 // packets before the first segment that could be whole, and around gaps
	Gaps            int64 // parts without media
	Refused         int64 // packets that were wrong
}

// Track cuts the packets of one encoder into parts and hands each on the moment its last sample
// has come. It starts no goroutine and is used by one at a time; Stats may be called by any.
//
// Cuts follow the timeline, never a count of packets. A track begins with the first whole segment:
// packets before it are dropped. From there on it wants every frame: packets that overlap,
// leave the frame grid or reach over a part's edge are refused, and so is a segment that does not begin
// with a key frame (G-17, AAS 7.4). Frames that are missing make their parts gaps; see Gap. Only an error of the sink is
// sticky, because a playlist cannot take a part back.
type Track struct {
	in   Init
	plan Plan
	cfg  TrackConfig
	sink Sink

	grain media.Time // one frame
	sets  parameterSets

	begun  bool
	closed bool
	err    error      // sticky: the sink's, or there was no track to begin with
	part   int64      // number of the open part on the timeline
	edge   media.Time // where it ends
	at     media.Time // end of what was written
	gapEnd media.Time // packets before it are of a gap
	lost   bool       // nothing can be decoded before the next key frame
	open   chunk

	samples, bytes, parts, segments, dropped, gaps, refused atomic.Int64
}

// NewTrack begins a track. Its parts go to sink, in order, from within Write and Close.
func NewTrack(in Init, plan Plan, cfg TrackConfig, sink Sink) *Track {
	t := &Track{in: in, plan: plan, cfg: cfg, sink: sink, grain: audioFrame}
	t.open.timescale = in.Timescale
	switch {
	case in.Timescale <= 0 || plan.PartFrames < 1 || plan.PartsPerSegment < 1 || (in.Params.Video == nil) == (in.Params.Audio == nil):
		t.err = errors.New("a track needs an init section made by NewInit and a plan made by NewPlan")
	case in.Params.Video != nil:
		t.open.video = true
		t.grain = plan.Rate.Frame(1)
		t.sets, t.err = parseExtra(in.Params.Video.Extra)
	}
	return t
}

// Write takes the next packet: video at Rate.Frame(n) for one frame or more, sound at
// multiples of 1024 samples. Data is copied once, when its part is complete; until then
// the packet's own bytes are held. A packet that is refused, with an error, is missing: the track goes on.
func (t *Track) Write(p media.Packet) error {
	switch {
	case t.err != nil:
		return t.err
	case t.closed:
		return errors.New("write to a closed track")
	}
	err := t.write(p)
	if err != nil && t.err == nil {
		t.refuse(p)
	}
	return err
}

func (t *Track) write(p media.Packet) error {
	if p.At%t.grain != 0 || p.Dur%t.grain != 0 || p.Dur <= 0 {
		return fmt.Errorf("packet at %v of %v is not on the grid of frames of %v", p.At, p.Dur, t.grain)
	}
	if !t.begun && !t.begin(p) {
		t.dropped.Add(1)
		return nil
	}
	if p.At-t.at > maxGap {
		return fmt.Errorf("nothing has come from %v to %v: a gap is %v at most", t.at, p.At, maxGap)
	}
	if err := t.gap(p.At); err != nil {
		return err
	}
	if p.At < t.gapEnd || t.lost && !p.Key {
		return t.drop(p)
	}
	if p.At != t.at {
		return fmt.Errorf("packet at %v where %v is due: it overlaps what was written", p.At, t.at)
	}
	if p.At+p.Dur > t.edge {
		return fmt.Errorf("packet at %v of %v reaches over the part's edge at %v", p.At, p.Dur, t.edge)
	}
	if t.open.video && !p.Key && len(t.open.samples) == 0 && t.index() == 0 {
		return fmt.Errorf("segment %d at %v does not begin with a key frame", t.msn(), p.At)
	}
	if err := t.add(p); err != nil {
		return fmt.Errorf("packet at %v: %w", p.At, err)
	}
	if t.at+t.grain > t.edge {
		return t.cut(t.index() == t.plan.PartsPerSegment-1)
	}
	return nil
}

// Close cuts what is left as a last, short part and ends the playlist. It answers the
// track's sticky error, if there is one; what was written before the error still goes out.
func (t *Track) Close() error {
	if t.closed {
		return t.err
	}
	t.closed = true
	err := t.err
	if len(t.open.samples) > 0 {
		if e := t.cut(true); err == nil {
			err = e
		}
	}
	t.sink.Finish()
	return err
}

// Stats are the counters so far.
func (t *Track) Stats() Stats {
	return Stats{
		Samples: t.samples.Load(), Bytes: t.bytes.Load(),
		Parts: t.parts.Load(), Segments: t.segments.Load(), Dropped: t.dropped.Load(), Gaps: t.gaps.Load(), Refused: t.refused.Load(),
	}
}

// begin starts the track with p if p is the first sample of a segment. Sound of a segment begins
// with the frame that its edge falls into.
func (t *Track) begin(p media.Packet) bool {
	if p.At < 0 || t.open.video && !p.Key {
		return false
	}
	n := t.segmentAt(p.At)
	if t.segmentStart(n) < p.At {
		return false
	}
	t.beginAt(n)
	return true
}

// beginAt opens the first part of segment n.
func (t *Track) beginAt(n int64) {
	t.begun, t.at = true, t.segmentStart(n)
	t.openPart(n * int64(t.plan.PartsPerSegment))
}

// segmentStart is where the track's segment n begins: on its own grid.
func (t *Track) segmentStart(n int64) media.Time { return t.plan.SegmentStart(n) / t.grain * t.grain }

// segmentAt numbers the segment that holds a time.
func (t *Track) segmentAt(at media.Time) int64 {
	n := int64(at / t.plan.SegmentStart(1))
	for t.segmentStart(n+1) <= at {
		n++
	}
	return n
}

func (t *Track) openPart(n int64) {
	t.part, t.edge = n, t.plan.partEdge(n+1)
	t.open.start = t.at
}

// add puts p into the open part.
func (t *Track) add(p media.Packet) error {
	nals, size, err := append(t.open.nals, p.Data), len(p.Data), error(nil)
	if t.open.video {
		nals, size, err = t.sets.appendSample(t.open.nals, p.Data)
	}
	switch {
	case err != nil:
		return err
	case size == 0:
		return errors.New("it is empty")
	case t.open.bytes+size > maxPartBytes:
		return fmt.Errorf("part %d.%d would be larger than %d MB", t.msn(), t.index(), maxPartBytes>>20)
	}
	t.open.nals = nals
	t.open.bytes += size
	t.at += p.Dur
	t.lost = false
	t.open.samples = append(t.open.samples, sample{t.at, uint32(size), p.Key})
	return nil
}

// cut closes the open part, hands it on and opens the next.
func (t *Track) cut(last bool) error {
	c := &t.open
	c.sequence = uint32(t.part + 1)
	c.wall = time.Time{}
	if t.index() == 0 && t.cfg.Wall != nil {
		c.wall = t.cfg.Wall(c.start)
	}
	c.events = t.cfg.Events.within(c.start, t.at)
	independent := !c.video
	for i := range c.samples {
		independent = independent || c.samples[i].key
	}
	data, err := c.encode()
	if err != nil {
		err = fmt.Errorf("part %d.%d: %w", t.msn(), t.index(), err)
		return errors.Join(err, t.cutGap())
	}
	part := Part{
		MSN: t.msn(), Index: t.index(), Start: c.start, Dur: t.at - c.start,
		Independent: independent, Last: last, Data: data,
	}
	if c.samples[0].key && c.video {
		part.KeyLen = len(data) - c.bytes + int(c.samples[0].size)
	}
	t.count(part, len(c.samples))
	return t.hand(part)
}

// hand passes the open part on and opens the next.
func (t *Track) hand(part Part) error {
	c := &t.open
	clear(c.nals)
	c.samples, c.nals, c.bytes, c.events = c.samples[:0], c.nals[:0], 0, nil
	t.openPart(t.part + 1)
	if err := t.sink.Append(part); err != nil {
		t.err = fmt.Errorf("part %d.%d: %w", part.MSN, part.Index, err)
	}
	return t.err
}

func (t *Track) count(p Part, samples int) {
	t.samples.Add(int64(samples))
	t.bytes.Add(int64(len(p.Data)))
	t.parts.Add(1)
	if p.Last {
		t.segments.Add(1)
	}
}

// msn is the media sequence number of the open part.
func (t *Track) msn() int64 { return t.cfg.FirstMSN + t.part/int64(t.plan.PartsPerSegment) }

// index is the open part's within its segment.
func (t *Track) index() int { return int(t.part % int64(t.plan.PartsPerSegment)) }
