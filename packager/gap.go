package packager

import "tilecast/media"

// maxGap is the longest hole before a packet that is filled with gaps. More than that is a mistake in its time.
const maxGap = 60 * media.Second

// Gap says that there is no media before until, as far as none was written: every part that begins before it is a
// gap as a whole, what has been collected of the open one included (G-14). Pictures go on with the first key frame
// that begins a part; until then their parts are gaps, too. However long it is: a machine may have slept for a night.
// A track that has not begun begins with the segment that until ends in, so that a rendition without
// any media keeps nobody waiting for its playlist. It is used like Write, and shares its sticky error.
func (t *Track) Gap(until media.Time) error {
	if t.err != nil || t.closed || until <= 0 {
		return t.err
	}
	if !t.begun {
		t.beginAt(t.segmentAt(until - 1))
	}
	return t.gap(until)
}

func (t *Track) gap(until media.Time) error {
	for t.at < until {
		if err := t.cutGap(); err != nil {
			return err
		}
	}
	return nil
}

// cutGap makes the open part a gap, as long as it would have been.
func (t *Track) cutGap() error {
	t.dropped.Add(int64(len(t.open.samples)))
	start := t.open.start
	t.at = t.edge / t.grain * t.grain
	t.gapEnd, t.lost = t.at, t.open.video
	t.gaps.Add(1)
	part := Part{
		MSN: t.msn(), Index: t.index(), Start: start, Dur: t.at - start,
		Last: t.index() == t.plan.PartsPerSegment-1, Gap: true,
	}
	t.cfg.Events.within(start, t.at) // they are lost here, and come too late for the others
	t.count(part, 0)
	return t.hand(part)
}

// drop leaves p out, and makes the part that it ends a gap.
func (t *Track) drop(p media.Packet) error {
	t.dropped.Add(1)
	if p.At+p.Dur+t.grain > t.edge {
		return t.gap(t.edge / t.grain * t.grain)
	}
	return nil
}

// refuse leaves out p, which is wrong. What would be decoded after it, up to a key frame, is missing with it.
func (t *Track) refuse(p media.Packet) {
	t.refused.Add(1)
	if !t.begun {
		return
	}
	t.lost = t.open.video
	if p.At < t.edge && p.At+p.Dur+t.grain > t.edge {
		t.gap(t.edge / t.grain * t.grain) // its error sticks
	}
}
