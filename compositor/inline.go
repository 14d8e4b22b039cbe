package compositor

import (
	"math"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// Inline is a compositor that its caller drives, without goroutines and without a
// clock: for benches, pictures of layouts and tests. One goroutine uses it.
type Inline struct {
	c      *Compositor
	tiles  []*Tile
	inputs []*Input // of tiles
	voices []*Input // of tiles; nil: it has no sound
	next   int64
	blocks int64     // of sound, so far
	mix    []float32 // one of them; nil: nobody has sound, and nothing is mixed
}

// NewInline opens encoders and outlets like New.
func NewInline(cfg Config, set codec.Set) (*Inline, error) {
	c, err := New(cfg, set)
	if err != nil {
		return nil, err
	}
	p := &Inline{c: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inline, c.now = true, func() media.Time { return c.cfg.Rate.Frame(p.next) }
	return p, nil
}

// Join puts a participant on the stage; with CodecNone it has no video. It answers
// the number that Push knows its video by.
func (p *Inline) Join(name string, mc media.Codec) (int, error) {
	tile := p.c.Join(TileConfig{ID: name, Name: name})
	if mc == media.CodecNone {
		return -1, nil
	}
	i, err := newInput(p.c, mc)
	if err != nil {
		return -1, err
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	tile.video = i
	p.tiles, p.inputs, p.voices = append(p.tiles, tile), append(p.inputs, i), append(p.voices, nil)
	p.c.rebuild()
	return len(p.inputs) - 1, nil
}

// Hear gives participant k of Join sound of that codec, once. From the first on Frame mixes, and encodes the mix.
func (p *Inline) Hear(k int, mc media.Codec) error {
	i, err := newInput(p.c, mc)
	if err != nil {
		return err
	}
	p.voices[k] = i
	p.c.mixer.add(i.voice, p.tiles[k].strip)
	p.mix = make([]float32, 2*blockLen)
	return nil
}

// JoinTile puts a participant on the stage whose pictures Show hands over; without video it has none.
func (p *Inline) JoinTile(cfg TileConfig, video bool) *Tile {
	tile := p.c.Join(cfg)
	if !video {
		return tile
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	tile.video = &Input{c: p.c, codec: media.H264, queue: newQueue(true), film: &film{}, changed: make(chan struct{})}
	tile.video.demand.Changed = tile.video.changed
	p.c.rebuild()
	return tile
}

// Show gives a tile of JoinTile its next picture, which the Inline takes over.
func (p *Inline) Show(t *Tile, pic *codec.Picture) {
	i := t.video
	if s := uint64(pic.W)<<32 | uint64(pic.H); s != i.shape.Load() {
		i.shape.Store(s)
		p.c.nudge()
	}
	f := newFrame(pic, p.c.frameSeq.Add(1))
	if uses := i.uses.Load(); uses != nil {
		f.scale(*uses, &i.view)
	}
	i.film.add(f)
}

// Speak says who dominates, by id, and who spoke before, as the speaker detection would.
func (p *Inline) Speak(dominant string, order []string) { p.c.setSpeaker(dominant, order) }

// SetClosing is the compositor's.
func (p *Inline) SetClosing(closing bool) { p.c.SetClosing(closing) }

// Apply is the compositor's.
func (p *Inline) Apply(looks map[string]Look) { p.c.Apply(looks) }

// SnapshotOf is a copy of the last picture composed on a canvas, which the caller releases.
func (p *Inline) SnapshotOf(canvas string) *codec.Picture { return p.c.SnapshotOf(canvas) }

// Push decodes a packet of video k at once.
func (p *Inline) Push(k int, pkt media.Packet) { p.inputs[k].step(pkt) }

// PushSound decodes a packet of k's sound at once. The mixer reads some ms ahead of the frames.
func (p *Inline) PushSound(k int, pkt media.Packet) { p.voices[k].step(pkt) }

// Heard are the figures of k's sound.
func (p *Inline) Heard(k int) InputStats { return p.voices[k].stats(p.tiles[k].id) }

// Compose composes the next frame, and encodes nothing.
func (p *Inline) Compose() {
	p.look()
	for _, cv := range p.c.canvases {
		m := cv.tick(p.next)
		m.pic.Release()
	}
	p.next++
}

// look lets the director look, as often as its goroutine would.
func (p *Inline) look() {
	select {
	case <-p.c.nudged:
		p.c.review()
	default:
		if p.next%8 == 0 {
			p.c.review()
		}
	}
}

// Frame composes the next frame and encodes it in every rung; and mixes and encodes the sound that is whole by its end.
func (p *Inline) Frame() {
	p.look()
	for _, cv := range p.c.canvases {
		m := cv.tick(p.next)
		for _, r := range cv.rungs {
			r.step(m.retain())
		}
		m.pic.Release()
	}
	p.next++
	p.sound()
}

// sound mixes and encodes up to the next frame.
func (p *Inline) sound() {
	for p.mix != nil && media.Time(p.blocks+1)*blockTime <= p.c.cfg.Rate.Frame(p.next) {
		p.c.mixer.block(p.blocks*blockLen, p.mix)
		for _, s := range p.c.sounds {
			s.take(p.mix)
		}
		p.blocks++
	}
}

// Snapshot is a copy of the last picture composed on the first canvas, which the caller releases.
func (p *Inline) Snapshot() *codec.Picture { return p.c.Snapshot() }

// Close flushes the encoders, closes the outlets and frees everything.
func (p *Inline) Close() {
	for _, i := range p.inputs {
		i.finish()
	}
	for _, i := range p.voices {
		if i != nil {
			i.finish()
		}
	}
	for _, s := range p.c.sounds {
		s.encode(nil)
	}
	p.c.Stop()
	p.c.end.Store(math.MinInt64) // there is nothing that Run has to wait for
	p.c.Run()
}
