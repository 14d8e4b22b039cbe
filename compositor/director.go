package compositor

import (
	"slices"
	"time"

	"tilecast/compositor/layout"
	"tilecast/media"
)

// setSpeaker takes what the speaker detection found: the id of the tile that dominates, empty
// when nobody does, and all tiles that have spoken, the most recent first. It does not draw: the
// mixer may call it.
func (c *Compositor) setSpeaker(dominant string, order []string) {
	c.speaking.Store(&speaking{dominant, slices.Clone(order)})
	c.nudge()
}

// speaking is who speaks. It is not changed once it is stored.
type speaking struct {
	dominant string
	order    []string
}

// nudge has the director look again. It never blocks.
func (c *Compositor) nudge() {
	select {
	case c.nudged <- struct{}{}:
	default:
	}
}

// reviewEvery is how often the director looks unasked: for cameras that fell silent.
const reviewEvery = 250 * media.Millisecond

// direct rearranges the tiles when somebody else speaks, or there is something else to see of
// them, until the program stops.
func (c *Compositor) direct() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-c.nudged:
		case <-timer.C:
		}
		timer.Reset(c.review().Duration())
	}
}

// review rebuilds the stage where it is not as it should be, and answers when to look again.
func (c *Compositor) review() (next media.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next = reviewEvery
	if c.stopped {
		return next
	}
	now, changed := c.now(), false
	for _, t := range c.tiles {
		if wait, ok := t.comes(now); ok && wait > 0 {
			next = min(next, wait)
		}
	}
	for _, cv := range c.canvases {
		if wait := cv.follow(now); wait > 0 {
			next = min(next, wait)
		}
		plan, lit := cv.arrange()
		if lit != cv.lit || plan.More != cv.plan.More || !slices.Equal(plan.Slots, cv.plan.Slots) {
			changed = true
		}
	}
	if changed {
		c.rebuild()
	}
	if c.rest > 0 && now >= c.rest {
		c.rest = 0
		for _, t := range c.tiles {
			for k := range t.places {
				t.places[k].was = use{}
			}
		}
	} else if c.rest > 0 {
		next = min(next, c.rest-now)
	}
	c.demand() // who moved has arrived, who was watched is back
	return max(next, media.Millisecond)
}

// follow makes who speaks the one who is large, unless another became that less than the least
// time ago, or there is no picture of them yet; then it answers when to look again. Called with c.mu held.
func (cv *canvas) follow(now media.Time) (wait media.Time) {
	s := cv.c.speaking.Load()
	if s == nil || s.dominant == "" || s.dominant == cv.speaker {
		cv.awaited = ""
		return 0
	}
	comes := cv.await(s.dominant, now)
	if left := cv.since + cv.look.Motion.Hold - now; left > 0 && cv.speaker != "" && cv.c.tile(cv.speaker) != nil {
		return left
	}
	if comes {
		return awaitStep
	}
	cv.speaker, cv.since, cv.awaited = s.dominant, now, ""
	return 0
}

// Of who speaks and was not on show there is no picture before the next key frame, which is asked for. They become large when
// it is there, or after mostAwait.
const (
	mostAwait = 1500 * media.Millisecond
	awaitStep = 20 * media.Millisecond
)

// await asks for pictures of a tile that will be large and is not on show, and reports whether they are still to come.
// Called with c.mu held.
func (cv *canvas) await(id string, now media.Time) bool {
	if cv.awaited != id {
		cv.awaited, cv.asked = id, now
	}
	t := cv.c.tile(id)
	if cv.c.inline || t == nil || t.video == nil || t.cameraOff || slices.Contains(cv.plan.Order, id) || now-cv.asked >= mostAwait {
		return false
	}
	return t.video.live(now) && !t.video.film.shows(now-cv.c.cfg.Delay)
}

// tile finds a tile by its id. Called with c.mu held.
func (c *Compositor) tile(id string) *Tile {
	for _, t := range c.tiles {
		if t.id == id {
			return t
		}
	}
	return nil
}

// arrange says who goes where on cv now, and whose tile is marked as speaking. Called with c.mu held.
func (cv *canvas) arrange() (plan layout.Plan, lit string) {
	s := cv.c.speaking.Load()
	if s == nil {
		s = &speaking{}
	}
	st := layout.Stage{Speaker: cv.speaker, Before: cv.plan.Order}
	now := cv.c.now()
	for _, t := range cv.c.tiles {
		video := t.sight(now)
		st.People = append(st.People, layout.Person{
			ID: t.id, Name: t.name, Role: t.role, Screen: t.kind == Screen, Aspect: t.aspect(), Video: video, Away: t.away,
			Whole: video == layout.VideoOn && cv.look.fit(t.kind) == layout.Contain,
			Spoke: slices.Index(s.order, t.id) + 1,
		})
	}
	plan = layout.Arrange(&cv.look.Layout, cv.cfg.W, cv.cfg.H, &st)
	plan.Slots = plan.Slots[:min(len(plan.Slots), layout.MaxTiles)]
	return plan, s.dominant
}

// comes is how long it takes until a shared screen's first picture is on show; ok is false while it has none.
// Called with c.mu held.
func (t *Tile) comes(now media.Time) (wait media.Time, ok bool) {
	if t.kind != Screen || t.video == nil {
		return 0, t.video != nil
	}
	at, ok := t.video.film.due()
	return max(at+t.c.cfg.Delay-now, 0), ok
}

// aspect is the shape of t's pictures; 0 before the first, of a shared screen until that is on show, and when none
// is any more. Called with c.mu held.
func (t *Tile) aspect() float64 {
	if wait, ok := t.comes(t.c.now()); !ok || wait > 0 {
		return 0
	}
	if w, h := t.video.size(); h > 0 {
		return float64(w) / float64(h)
	}
	return 0
}

// sight is what there is to see of t. Called with c.mu held.
func (t *Tile) sight(now media.Time) layout.Video {
	switch {
	case t.video == nil:
		return layout.AudioOnly
	case t.cameraOff || !t.video.live(now):
		return layout.VideoOff
	}
	return layout.VideoOn
}

// muted reports whether nothing can be heard of t. Called with c.mu held.
func (t *Tile) muted() bool {
	return t.kind == Camera && (t.micOff || t.strip.heard() == 0 || t.audio == nil && t.video != nil && !t.c.inline)
}

// SetDevices says whether the participant's camera and microphone are on, as far as they say so:
// with the camera off the tile shows its placeholder at once.
func (t *Tile) SetDevices(camera, microphone bool) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.cameraOff != !camera || t.micOff != !microphone {
		t.cameraOff, t.micOff = !camera, !microphone
		t.update()
	}
}

// SetClosing says that a program on whose stage nobody is comes to its end: the closing slate is shown.
func (c *Compositor) SetClosing(closing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != closing {
		c.closing = closing
		if len(c.tiles) == 0 && !c.stopped {
			c.rebuild()
		}
	}
}
