package compositor

import "tilecast/media"

// replay gives a still picture's packets again instead of encoding it again. A group of pictures
// decodes by itself: its IDR resets frame numbers and references, and the picture before an IDR is a P
// picture, so that idr_pic_id may repeat (ISO/IEC 14496-10 7.4.3). So once a picture has stood still
// for a while, one whole group is kept, and given again with new times, until the picture changes;
// the encoder goes on with an IDR where the canvas says so; see stillness.
type replay struct {
	drawn  uint64 // of the picture that the kept group shows
	still  int    // whole groups that showed it before this one
	whole  bool   // the group that is being encoded showed nothing else so far
	group  []kept // being encoded, or given again
	giving bool
}

// kept is one packet of a group.
type kept struct {
	slot, span int64 // from the group's begin
	key        bool
	data       []byte
}

// settle is how many groups a picture stands still before one is kept: the encoder sharpens it.
const settle = 2

// begin is called at each group's begin with what it will show first, and whether that may be given again. It reports
// whether the group that was kept is.
func (p *replay) begin(drawn uint64, may bool, gop int64) bool {
	switch {
	case drawn != p.drawn || gop < 2:
		*p = replay{drawn: drawn, whole: gop >= 2, group: p.group[:0]}
		clear(p.group[:cap(p.group)])
	case p.giving:
	case may && p.whole && p.still >= settle && p.complete(gop):
		p.giving = true
	default:
		if p.whole {
			p.still++
		}
		p.whole, p.group = true, p.group[:0]
	}
	return p.giving
}

// spoil ends what is kept with the group.
func (p *replay) spoil() { p.drawn, p.whole = 0, false }

// complete reports whether every slot of a group was kept.
func (p *replay) complete(gop int64) bool {
	next := int64(0)
	for _, k := range p.group {
		if k.slot != next || k.key != (k.slot == 0) {
			return false
		}
		next = k.slot + k.span
	}
	return next == gop
}

// keep remembers what was encoded of the picture drawn for slots begin to end of the program.
func (p *replay) keep(packets []media.Packet, drawn uint64, begin, end, gop int64) {
	if drawn != p.drawn || len(packets) != 1 {
		p.whole = false
	}
	if p.whole && p.still >= settle {
		p.group = append(p.group, kept{begin % gop, end - begin, packets[0].Key, packets[0].Data})
	}
}

// at is the packet that begins at a slot of the group, or nil.
func (p *replay) at(slot int64) *kept {
	for i := range p.group {
		if p.group[i].slot == slot {
			return &p.group[i]
		}
	}
	return nil
}
