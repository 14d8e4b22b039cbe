package compositor

import (
	"image"
	"sync"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// use is one way an input is shown: the size of its tile and the fit.
type use struct {
	w, h int
	fit  layout.Fit
}

// maxUses is how many sizes of one input are scaled ahead; a canvas scales any other itself.
const maxUses = 8

// frame is a decoded picture with its scaled copies, shared by the film and canvases.
type frame struct {
	seq    uint64 // unique in the compositor
	src    *codec.Picture
	scaled [maxUses]struct {
		use use
		pic *codec.Picture
	}
	refs atomic.Int32
}

var frames = sync.Pool{New: func() any { return new(frame) }}

// newFrame takes over src.
func newFrame(src *codec.Picture, seq uint64) *frame {
	f := frames.Get().(*frame)
	f.src, f.seq = src, seq
	f.refs.Store(1)
	return f
}

func (f *frame) retain() *frame {
	f.refs.Add(1)
	return f
}

func (f *frame) release() {
	if f.refs.Add(-1) > 0 {
		return
	}
	f.src.Release()
	f.src = nil
	for i := range f.scaled {
		if s := &f.scaled[i]; s.pic != nil {
			s.pic.Release()
			s.pic, s.use = nil, use{}
		}
	}
	frames.Put(f)
}

// scale prepares f for the uses that need more than a copy. view is scratch.
func (f *frame) scale(uses []use, view *codec.Picture) {
	for i, u := range uses[:min(len(uses), maxUses)] {
		from, to := layout.Place(u.fit, f.src.W, f.src.H, u.w, u.h)
		if from.Size() == to.Size() {
			continue
		}
		pic := codec.NewPicture(to.Dx(), to.Dy())
		codec.Scale(pic, setView(view, f.src, from))
		f.scaled[i].use, f.scaled[i].pic = u, pic
	}
}

// find is the copy made for u, or nil.
func (f *frame) find(u use) *codec.Picture {
	for i := range f.scaled {
		if f.scaled[i].pic != nil && f.scaled[i].use == u {
			return f.scaled[i].pic
		}
	}
	return nil
}

// setView makes v the part of p inside r, whose corners are even and within p, and returns v.
func setView(v, p *codec.Picture, r image.Rectangle) *codec.Picture {
	v.W, v.H, v.StrideY, v.StrideC, v.At = r.Dx(), r.Dy(), p.StrideY, p.StrideC, p.At
	v.Y = p.Y[r.Min.Y*p.StrideY+r.Min.X:]
	c := r.Min.Y/2*p.StrideC + r.Min.X/2
	v.Cb, v.Cr = p.Cb[c:], p.Cr[c:]
	return v
}

// filmLen bounds the pictures that wait for their time: the longest delay at 60 fps.
const filmLen = 64

// filmPixels bounds them in memory: the longest delay of 1080p at 60 fps, about 130 MB. The newest always stays.
const filmPixels = 40 * 1920 * 1080

// film is an input's pictures in order of time, from the one on show.
type film struct {
	mu      sync.Mutex
	frames  [filmLen]*frame
	head, n int
	keep    media.Time // how long a picture stays after its successor's time, for a canvas that ticks later than another
	begun   bool       // a picture has been let go: a canvas that is late is shown the oldest there is
	alive   media.Time // the source was there then, though it may have sent nothing
	ended   bool       // nothing will follow
	gone    bool       // nothing is wanted any more

	skipped int64 // pictures that were never on show for want of room
}

// add takes over f. A picture earlier than its predecessors replaces them: the
// sender's clock was corrected.
func (fm *film) add(f *frame) {
	var out [filmLen + 1]*frame
	n := 0
	fm.mu.Lock()
	for fm.n > 0 && fm.last().src.At >= f.src.At {
		out[n] = fm.last()
		fm.frames[(fm.head+fm.n-1)%filmLen] = nil
		fm.n--
		n++
	}
	for fm.n == filmLen || fm.n > 1 && fm.pixels()+f.src.W*f.src.H > filmPixels {
		out[n] = fm.shift()
		n++
		fm.skipped++
	}
	if gone := fm.gone; gone {
		out[n] = f
		n++
	} else {
		fm.frames[(fm.head+fm.n)%filmLen] = f
		fm.n++
	}
	fm.mu.Unlock()
	for _, f := range out[:n] {
		f.release()
	}
}

// pick is the newest picture not later than t, held for the caller, or nil. Pictures
// before it are let go once they are older than keep. The last picture of an ended film is shown for afterEnd only,
// that of a stalled one for staleAfter since it was due or its source was known to be alive.
func (fm *film) pick(t, afterEnd media.Time) (f *frame) {
	var out [filmLen]*frame
	n := 0
	fm.mu.Lock()
	for fm.n > 1 && fm.at(1).src.At <= t-fm.keep {
		out[n] = fm.shift()
		n++
		fm.begun = true
	}
	k := 0
	for k+1 < fm.n && fm.at(k+1).src.At <= t {
		k++
	}
	over := fm.ended && k == fm.n-1
	limit, alive := staleAfter, fm.alive
	if over {
		limit, alive = afterEnd, 0
	}
	switch {
	case fm.n == 0 || fm.at(k).src.At > t && !fm.begun:
	case t-max(fm.at(k).src.At, alive) <= limit:
		f = fm.at(k).retain()
	case over && fm.n == 1:
		out[n] = fm.shift()
		n++
	}
	fm.mu.Unlock()
	for _, f := range out[:n] {
		f.release()
	}
	return f
}

// shows reports whether there is a picture that a canvas would show at t.
func (fm *film) shows(t media.Time) bool {
	fm.mu.Lock()
	defer fm.mu.Unlock()
	for k := fm.n - 1; k >= 0; k-- {
		if at := fm.at(k).src.At; at <= t {
			return t-max(at, fm.alive) <= staleAfter
		}
	}
	return false
}

// due is from when on there is a picture to show; ok is false while there is none.
func (fm *film) due() (t media.Time, ok bool) {
	fm.mu.Lock()
	defer fm.mu.Unlock()
	switch {
	case fm.n == 0:
		return 0, false
	case fm.begun:
		return 0, true
	}
	return fm.at(0).src.At, true
}

// live says that the source is there at t.
func (fm *film) live(t media.Time) {
	fm.mu.Lock()
	defer fm.mu.Unlock()
	fm.alive = t
}

// end says that nothing follows; what is there is still shown.
func (fm *film) end() {
	fm.mu.Lock()
	defer fm.mu.Unlock()
	fm.ended = true
}

// discard lets everything go, now and later.
func (fm *film) discard() {
	var out [filmLen]*frame
	n := 0
	fm.mu.Lock()
	fm.gone, fm.ended = true, true
	for fm.n > 0 {
		out[n] = fm.shift()
		n++
	}
	fm.mu.Unlock()
	for _, f := range out[:n] {
		f.release()
	}
}

// pixels is the size of all pictures. Called locked.
func (fm *film) pixels() (n int) {
	for i := range fm.n {
		src := fm.at(i).src
		n += src.W * src.H
	}
	return n
}

func (fm *film) at(k int) *frame { return fm.frames[(fm.head+k)%filmLen] } // called locked

func (fm *film) last() *frame { return fm.at(fm.n - 1) } // called locked

func (fm *film) shift() *frame { // called locked
	f := fm.frames[fm.head]
	fm.frames[fm.head] = nil
	fm.head = (fm.head + 1) % filmLen
	fm.n--
	return f
}

// staleAfter is how long a picture that no other follows stays on show.
const staleAfter = 2 * media.Second
