package compositor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

// omitting is config that leaves out whose camera is off, with a layout.
func omitting(mode layout.Mode) Config {
	cfg := config()
	cv := &cfg.Canvases[0]
	cv.W, cv.H, cv.Rungs = 160, 96, []Rung{{Name: "96p", W: 160, H: 96, BitRate: 100_000}}
	look := &cv.Look
	look.Layout.Mode, look.Layout.OmitVideoOff = mode, true
	return cfg
}

// cams send to their inputs what is wanted of them, as ingest does.
type cams struct {
	s      *stage
	inputs []*Input
	off    []bool
	n      int
}

func newCams(s *stage, ids ...string) *cams {
	c := &cams{s: s, off: make([]bool, len(ids))}
	for _, id := range ids {
		c.inputs = append(c.inputs, s.open(s.Join(TileConfig{ID: id, Name: id}), media.VP8))
	}
	return c
}

// run lets them send for a while, and answers who is on stage then, and how often that changed.
func (c *cams) run(d time.Duration) (shown string, changes int) {
	for range int(d / tick) {
		for k, i := range c.inputs {
			if !c.off[k] && i.Demand().W > 0 {
				c.s.show(i, c.n, 64, 36, palette[k])
			}
		}
		c.n++
		time.Sleep(tick)
		synctest.Wait()
		if now := c.shown(); now != shown {
			shown = now
			changes++
		}
	}
	return shown, changes - 1
}

func (c *cams) shown() string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return strings.TrimSpace(strings.Join(c.s.canvases[0].plan.Order, " "))
}

func TestWhoIsOmittedComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, omitting(layout.Grid), codec.Fake()).start()
		c := newCams(s, "a", "b")
		step := func(what string, d time.Duration, want string, most int) {
			t.Helper()
			if got, changes := c.run(d); got != want || changes > most {
				t.Errorf("%s: %q on stage after %d changes, want %q after at most %d", what, got, changes, want, most)
			}
		}
		step("both", time.Second, "a b", 0)
		c.off[0] = true // its sender says nothing
		step("no pictures", 10*time.Second, "b", 1)
		c.off[0] = false
		step("pictures again", time.Second, "b a", 1)
		c.off[0] = true
		s.tile("a").SetDevices(false, true)
		step("camera off", 10*time.Second, "b", 0)
		if d := c.inputs[0].Demand(); d.W != 0 {
			t.Errorf("%dx%d is wanted of a camera that is off", d.W, d.H)
		}
		c.off[0] = false
		s.tile("a").SetDevices(true, true)
		step("camera on", 5*time.Second, "b a", 0)
		c.inputs[0].Close()
		c.off[0] = true
		step("gone", 5*time.Second, "b", 1)
		s.end()
	})
}

func TestWhoWasNotOnShowCanBecomeTheSpeaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, omitting(layout.Single), codec.Fake()).start()
		c := newCams(s, "a", "b")
		s.setSpeaker("a", []string{"a"})
		if got, _ := c.run(5 * time.Second); got != "a" || c.inputs[1].Demand().W != 0 {
			t.Errorf("%q is on show, %d px are wanted of b", got, c.inputs[1].Demand().W)
		}
		s.setSpeaker("b", []string{"b", "a"})
		for got := "a"; got != "b"; {
			if got, _ = c.run(tick); got == "b" && !c.inputs[1].film.shows(s.now()-s.cfg.Delay) {
				t.Error("b is on show before there is a picture")
			}
		}
		if got, changes := c.run(5 * time.Second); got != "b" || changes > 0 {
			t.Errorf("b speaks, %q is on show after %d changes", got, changes)
		}
		if d := c.inputs[0].Demand(); d.W != 0 {
			t.Errorf("%dx%d is wanted of a, whom nobody sees", d.W, d.H)
		}
		c.off[1] = true
		if got, changes := c.run(10 * time.Second); got != "a" || changes > 1 {
			t.Errorf("b has no picture, %q is on show after %d changes", got, changes)
		}
		s.setSpeaker("a", []string{"a", "b"})
		c.off[1] = false
		c.run(time.Second)
		if d := c.inputs[1].Demand(); d.W != 0 {
			t.Errorf("%dx%d is still wanted of b, who is back and hidden", d.W, d.H)
		}
		s.end()
	})
}
