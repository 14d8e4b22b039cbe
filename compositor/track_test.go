package compositor

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
	"tilecast/packager"
)

// reel is a rendition that the real packager cuts.
type reel struct {
	*packager.Track
	mu    sync.Mutex
	parts []packager.Part
	came  []media.Time // when each part came
	now   func() media.Time
}

func (r *reel) Append(p packager.Part) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts = append(r.parts, p)
	r.came = append(r.came, r.now())
	return nil
}

func (r *reel) Finish() {}

// reels makes the outlets of cfg tracks of preset low. To be called before the compositor is made.
func reels(t *testing.T, cfg *Config) map[string]*reel {
	t.Helper()
	plan, err := packager.NewPlan("low", cfg.Rate)
	if err != nil {
		t.Fatal(err)
	}
	cfg.GOP, cfg.PartFrames = plan.GOP(), plan.PartFrames
	all := map[string]*reel{}
	cfg.Open = func(_, id string, p media.Params) (Outlet, error) {
		in, err := packager.NewInit(p, plan)
		if err != nil {
			return nil, err
		}
		r := &reel{now: func() media.Time { return cfg.Clock.At(time.Now()) }}
		r.Track = packager.NewTrack(in, plan, packager.TrackConfig{FirstMSN: 1}, r)
		all[id] = r
		return r, nil
	}
	return all
}

// check holds that no part is missing, that none came later than late after its end, and says which are gaps.
func (r *reel) check(t *testing.T, name string, late media.Time) (gaps, last int) {
	t.Helper()
	if len(r.parts) == 0 {
		t.Fatalf("%s: nothing came", name)
	}
	next, last := media.Time(0), -1
	for k, p := range r.parts {
		if p.Start != next {
			t.Fatalf("%s: part %d begins at %v, %v is due", name, k, p.Start, next)
		}
		next += p.Dur
		if off := r.came[k] - next; off > late {
			t.Errorf("%s: part %d (gap %v) that ends at %v came %v later", name, k, p.Gap, next, off)
			late = off
		}
		if p.Gap {
			gaps, last = gaps+1, k
		}
	}
	return gaps, last
}

// Pictures and sound go on after a stop that is longer than any hole that a packet may leave.
func TestProgramGoesOnAfterFiveMinutesStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stop = 5 * time.Minute
		set := slow(codec.Fake(), func(_, n int) time.Duration {
			if n == 100 {
				return stop
			}
			return 0
		})
		open := set.NewAudioEncoder
		set.NewAudioEncoder = func(c codec.AudioConfig) (codec.AudioEncoder, error) {
			e, err := open(c)
			return &slowAudio{AudioEncoder: e, stop: stop}, err
		}
		cfg := config()
		all := reels(t, &cfg)
		c, err := New(cfg, set)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Run()
		}()
		time.Sleep(stop + 30*time.Second)
		c.Stop()
		<-done
		for name, r := range all {
			gaps, last := r.check(t, name, media.FromDuration(stop)+media.Second)
			if gaps < 870 || gaps > 900 || len(r.parts)-last < 3*20 {
				t.Errorf("%s: %d parts, %d of them gaps, the last of these is number %d", name, len(r.parts), gaps, last)
			}
		}
		for _, r := range c.Stats().Rungs {
			if r.Faults > 0 || r.Gaps < 870 || r.Gaps > 900 {
				t.Errorf("%+v", r)
			}
		}
	})
}
