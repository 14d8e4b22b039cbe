package compositor

import (
	"errors"
	"slices"

	"tilecast/media"
)

// ErrStopped is what a compositor says that was told to stop.
var ErrStopped = errors.New("compositor has stopped")

// ErrLeft is what a tile says that has left the stage.
var ErrLeft = errors.New("tile has left the stage")

// Tile is one participant's place on the stage. Its methods may be called by any
// goroutine; after Leave they do nothing, and Open answers ErrLeft.
type Tile struct {
	c    *Compositor
	id   string
	left bool

	// Guarded by c.mu, as is left.
	name              string
	kind              Kind
	role              string
	away              bool
	key               uint64 // of its cells
	cameraOff, micOff bool   // as the participant says
	video             *Input
	audio             *Input
	strip             *strip
	stills            []still // by canvas
	places            []place // by canvas
	uses              []use   // of the video, on all canvases
}

// Kind says what a tile's picture is.
type Kind uint8

const (
	Camera Kind = iota // a person
	Screen             // a shared screen
)

// TileConfig is who joins.
type TileConfig struct {
	ID   string // who comes back with it finds the same tile
	Name string // as the label says it
	Kind Kind
	Role string // for layouts: "host", "guest"…; may be empty
}

// Join puts a participant on the stage, behind those who are there. Grids show the
// first layout.MaxTiles; all are heard. An id that is there already gives its tile,
// under the new name, kind and role.
func (c *Compositor) Join(cfg TileConfig) *Tile {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tiles {
		if t.id == cfg.ID {
			if t.name != cfg.Name || t.kind != cfg.Kind || t.role != cfg.Role {
				t.name, t.kind, t.role = cfg.Name, cfg.Kind, cfg.Role
				t.strip.name.Store(&cfg.Name)
				t.strip.screen.Store(cfg.Kind == Screen)
				t.update()
			}
			return t
		}
	}
	t := &Tile{
		c: c, id: cfg.ID, name: cfg.Name, kind: cfg.Kind, role: cfg.Role, left: c.stopped,
		strip: newStrip(cfg.ID, c.cfg.Mix, cfg.Kind == Screen), stills: make([]still, len(c.canvases)), places: make([]place, len(c.canvases)), key: firstKey + c.keys,
	}
	t.strip.name.Store(&cfg.Name)
	c.keys++
	if !c.stopped {
		c.opened = true
		c.tiles = append(c.tiles, t)
		c.rebuild()
	}
	return t
}

// Open begins a track: a decoder of its own, run until Close or Leave. A tile has
// one video and one sound; a new one takes the place of the one before.
func (t *Tile) Open(mc media.Codec) (*Input, error) {
	i, err := newInput(t.c, mc)
	if err != nil {
		return nil, err
	}
	if err := t.attach(i); err != nil {
		i.finish()
		return nil, err
	}
	return i, nil
}

// attach puts i on the tile and starts its decoder.
func (t *Tile) attach(i *Input) error {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	switch {
	case t.c.stopped:
		return ErrStopped
	case t.left:
		return ErrLeft
	}
	old := &t.audio
	if i.film != nil {
		old = &t.video
	}
	if *old != nil {
		(*old).leave()
	}
	*old = i
	if i.film != nil {
		t.c.rebuild()
	} else {
		t.c.mixer.add(i.voice, t.strip)
		t.update() // it may have said that there is no sound
	}
	t.c.start(i)
	return nil
}

// Rename changes the name on the tile.
func (t *Tile) Rename(name string) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.name != name {
		t.name = name
		t.strip.name.Store(&name)
		t.update()
	}
}

// SetRole changes the role by which layouts know the participant; empty is none.
func (t *Tile) SetRole(role string) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.role != role {
		t.role = role
		t.update()
	}
}

// SetVolume makes the tile's sound louder or softer than it came and was levelled: 1 is as it is, 0
// silence, 4 the most. It fades.
func (t *Tile) SetVolume(v float64) { t.mix(func() { t.strip.setVolume(v) }) }

// SetMuted says whether the tile is heard. It fades.
func (t *Tile) SetMuted(muted bool) { t.mix(func() { t.strip.muted.Store(muted) }) }

// mix changes how the tile is heard, and shows where it is not.
func (t *Tile) mix(change func()) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	before := t.muted()
	if change(); t.muted() != before {
		t.update()
	}
}

// SetAway says whether the participant is gone for now and expected back: then a
// tile without a picture says so.
func (t *Tile) SetAway(away bool) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.away != away {
		t.away = away
		t.update()
	}
}

// Leave takes the tile off the stage at once and ends its tracks.
func (t *Tile) Leave() {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.left {
		return
	}
	if i := slices.Index(t.c.tiles, t); i >= 0 {
		t.c.tiles = slices.Delete(t.c.tiles, i, i+1)
	}
	t.drop()
	t.c.rebuild()
}

// drop ends the tile. Called locked.
func (t *Tile) drop() {
	t.left = true
	for _, i := range []*Input{t.video, t.audio} {
		if i != nil {
			i.leave()
		}
	}
	for i := range t.stills {
		t.stills[i].release()
	}
}

// update shows a change of the tile's own. Called locked.
func (t *Tile) update() {
	if !t.left && !t.c.stopped {
		t.c.rebuild()
	}
}

// use notes one way in which the tile's video is shown. Called locked.
func (t *Tile) use(u use) {
	if !slices.Contains(t.uses, u) {
		t.uses = append(t.uses, u)
	}
}
