package compositor

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"tilecast/compositor/codec"
	"tilecast/compositor/level"
	"tilecast/media"
)

// Demand is what is wanted of an input. Zero W: nothing, send nothing on; rising
// again needs a key frame. Sound is always wanted, with a W of 1.
type Demand struct {
	W, H    int // px of the largest tile that shows it
	FPS     float64
	Changed <-chan struct{} // closed when this answer is out of date; nil: it never is
}

// Input is one track of a tile. Push, Demand and Close may be called by any goroutine.
type Input struct {
	c     *Compositor
	codec media.Codec
	queue *queue
	film  *film  // of video
	voice *voice // of sound

	uses   atomic.Pointer[[]use]
	pushed atomic.Int64  // media.Time of the latest packet
	asked  atomic.Int64  // media.Time since which anything is wanted; hidden: nothing is
	shape  atomic.Uint64 // width and height of the latest picture

	mu      sync.Mutex
	demand  Demand
	changed chan struct{}

	// The decode goroutine's alone.
	pictures codec.VideoDecoder
	samples  codec.AudioDecoder
	behind   media.Time // that decoded sound lies behind what its packets' times say
	view     codec.Picture

	heard  media.Time // where the latest sound ended; 0: there was none, or a pause has begun
	rested media.Time // where the latest packet that says so ended

	decoded, pixels, faults, concealed atomic.Int64
}

// newInput opens a decoder for mc.
func newInput(c *Compositor, mc media.Codec) (*Input, error) {
	i := &Input{c: c, codec: mc, queue: newQueue(mc.Video())}
	i.pushed.Store(int64(c.now()))
	i.asked.Store(hidden)
	var err error
	switch {
	case mc.Video():
		i.film = &film{}
		if len(c.canvases) > 1 {
			i.film.keep = 2 * c.cfg.Rate.Frame(1)
		}
		i.changed = make(chan struct{})
		i.demand.Changed = i.changed
		i.pictures, err = c.set.NewVideoDecoder(mc)
	case mc.Audio():
		i.voice = newVoice()
		i.demand = Demand{W: 1, H: 1}
		i.samples, err = c.set.NewAudioDecoder(mc)
		if d, ok := i.samples.(codec.Delayer); ok {
			i.behind = media.FromTicks(int64(d.Delay()), sampleRate)
		}
	default:
		err = fmt.Errorf("it is neither video nor sound: %w", codec.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("open input for %v: %w", mc, err)
	}
	return i, nil
}

// Push hands over one packet in decoding order. It never blocks; it answers whether
// the decoder needs a key frame to go on. After Close it does nothing.
func (i *Input) Push(p media.Packet) (needKey bool) {
	now := int64(i.c.now())
	if now-i.pushed.Swap(now) > int64(staleAfter) {
		i.c.nudge() // it is back
	}
	return i.queue.push(p)
}

// hidden is when an input was asked for of which nothing is wanted.
const hidden = math.MaxInt64

// live reports whether anything came of late. Of whom nothing is wanted nothing comes: they are taken
// to be there, until they have had time to show that they are not.
func (i *Input) live(now media.Time) bool {
	since := i.pushed.Load()
	if !i.queue.over() {
		since = max(since, i.asked.Load())
	}
	return i.c.inline || since == hidden || now-media.Time(since) <= staleAfter
}

// size is that of the latest picture; zero before the first.
func (i *Input) size() (w, h int) {
	s := i.shape.Load()
	return int(s >> 32), int(s & math.MaxUint32)
}

// Demand is what is wanted of the input now.
func (i *Input) Demand() Demand {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.demand
}

// Alive says that the source of a picture is there at now, the program's time, though it may send
// nothing, as a shared screen that stands still: its last picture stays.
func (i *Input) Alive(now media.Time) {
	if i.film != nil {
		i.film.live(now)
		i.pushed.Store(int64(i.c.now()))
	}
}

// Close says that nothing more will come. What was pushed is still shown and heard;
// then the tile shows its placeholder. Closing again does nothing.
func (i *Input) Close() { i.queue.close() }

// run decodes until the queue is closed and empty.
func (i *Input) run() {
	later := i.film == nil // never
	for {
		p, ok := i.queue.pop()
		if !ok {
			break
		}
		i.c.comeLater(&later)
		i.step(p)
	}
	i.finish()
}

// step decodes one packet.
func (i *Input) step(p media.Packet) {
	if i.film != nil {
		i.stepVideo(p)
		return
	}
	i.conceal(p)
	samples, err := i.samples.Decode(p.Data)
	if err != nil {
		i.faults.Add(1)
		return
	}
	i.decoded.Add(1)
	n := len(samples) / 2
	i.voice.write(p.At-i.behind, bounded(samples))
	i.voice.say(p.At, int64(n), p.Level)
	i.heard = p.At + media.FromTicks(int64(n), sampleRate)
	if i.codec == media.Opus && len(p.Data) <= mostRest {
		if (p.At - i.rested).Ticks(sampleRate) >= leastHole { // else the sender sends all of them
			i.rest(n)
		}
		i.rested, i.heard = i.heard, 0 // nothing is missing before the next packet
	}
}

// mostSample is the loudest that a decoded sample is taken for, twice full scale: lossy codecs overshoot by less. What a
// browser hears ends at full scale.
const mostSample = 2

// bounded are samples of which none is beyond that: a publisher can have any number decoded.
func bounded(samples []float32) []float32 {
	level.Bound(samples, mostSample)
	return samples
}

// An Opus encoder that has nothing to say (DTX, RFC 7587 3.1.3) sends one packet of a byte or two, which stands for what
// comes until it sends the next, restTime after that one began.
const (
	mostRest = 2 // bytes
	restTime = sampleRate * 400 / 1000
)

// rest writes the noise of a pause that began with a packet of n samples, for as long as it may last: once it has ended
// that would be too late.
func (i *Input) rest(n int) {
	c, ok := i.samples.(codec.Concealer)
	if !ok {
		return
	}
	for left := (restTime - n) / leastHole * leastHole; left > 0; {
		samples, err := c.Conceal(min(left, mostHole), nil)
		if err != nil || len(samples) == 0 {
			return
		}
		i.voice.fill(bounded(samples))
		left -= len(samples) / 2
	}
}

// Sound that is missing is made up where a part is at least the shortest Opus frame and
// all of it is at most the longest packet: what is longer is a pause.
const (
	leastHole = sampleRate / 400
	mostHole  = sampleRate * 120 / 1000
)

// conceal fills what is missing between the latest packet of sound and p.
func (i *Input) conceal(p media.Packet) {
	c, ok := i.samples.(codec.Concealer)
	if !ok || i.heard == 0 {
		return
	}
	n := int((p.At - i.heard + media.FromTicks(leastHole/2, sampleRate)).Ticks(sampleRate)) / leastHole * leastHole
	if n < leastHole || n > mostHole {
		return
	}
	if samples, err := c.Conceal(n, p.Data); err == nil {
		i.voice.write(p.At-i.behind-media.FromTicks(int64(n), sampleRate), bounded(samples))
		i.concealed.Add(1)
	}
}

// stepVideo decodes, scales for each size in use, and hands on to the film.
func (i *Input) stepVideo(p media.Packet) {
	pics, err := i.pictures.Decode(p)
	for _, pic := range pics {
		i.decoded.Add(1)
		i.pixels.Add(int64(pic.W * pic.H))
		shape := uint64(pic.W)<<32 | uint64(pic.H)
		f := newFrame(pic, i.c.frameSeq.Add(1))
		if uses := i.uses.Load(); uses != nil {
			f.scale(*uses, &i.view)
		}
		i.film.add(f)
		if shape != i.shape.Load() {
			i.shape.Store(shape)
			i.c.nudge()
		}
	}
	if err != nil {
		i.faults.Add(1)
		i.queue.seekKey()
	}
}

func (i *Input) finish() {
	if i.film != nil {
		i.film.end()
		i.pictures.Close()
		return
	}
	i.voice.end()
	i.samples.Close()
}

// leave ends the input at once: nothing of it is shown or heard any more.
func (i *Input) leave() {
	i.queue.close()
	i.queue.setIdle(true)
	if i.film != nil {
		i.film.discard()
		return
	}
	i.voice.leave()
}

// watchSize is what is wanted, either way in px, of who is watched: the least there is.
const watchSize = 16

// want says in which ways the input is shown; none when it is not shown. One that is not may be watched:
// its packets are not decoded, but say that the source is there again.
func (i *Input) want(uses []use, watch bool) {
	if old := i.uses.Load(); old == nil || !slices.Equal(*old, uses) {
		uses = slices.Clone(uses)
		i.uses.Store(&uses)
	}
	w, h := 0, 0
	for _, u := range uses {
		w, h = max(w, u.w), max(h, u.h)
	}
	i.queue.setIdle(w == 0)
	if watch && w == 0 {
		w, h = watchSize, watchSize
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.demand.W == w && i.demand.H == h {
		return
	}
	switch {
	case w == 0:
		i.asked.Store(hidden)
	case i.demand.W == 0:
		i.asked.Store(int64(i.c.now()))
	}
	close(i.changed)
	i.changed = make(chan struct{})
	i.demand = Demand{W: w, H: h, Changed: i.changed}
	if w > 0 {
		i.demand.FPS = i.c.cfg.Rate.Float()
	}
}
