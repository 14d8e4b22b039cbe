package room

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/ingest"
	"tilecast/media"
	"tilecast/origin"
)

// shelf remembers what was published, in order.
type shelf struct{ programs []*origin.Program }

func (s *shelf) Publish(_ string, p *origin.Program) { s.programs = append(s.programs, p) }

func demo() Config {
	look := compositor.DefaultLook()
	look.Label.Show, look.Radius, look.Motion = false, layout.Length{}, compositor.Motion{}
	look.Layout.Gap, look.Layout.Margin = layout.Pixels(8), layout.Pixels(8)
	return Config{
		Name: "demo", Start: OnPublish, Linger: time.Minute, Hold: 90 * time.Second,
		Preset: "low", Window: time.Minute, Rate: media.FrameRate{Num: 30, Den: 1},
		Canvases: []compositor.Canvas{{
			Name: "main", W: 320, H: 180, Look: look, Rungs: []compositor.Rung{{Name: "180p", W: 320, H: 180, BitRate: 300_000}},
		}},
		Sounds: []compositor.Sound{{Name: compositor.AudioID, BitRate: 128_000}},
	}
}

// house runs f in virtual time with the rooms of cfgs, and closes them, also where f fails: goroutines that are left
// would be told of instead.
func house(t *testing.T, f func(t *testing.T, rs *Rooms, s *shelf), cfgs ...Config) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		rs, err := New(cfgs, codec.Fake(), s, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := rs.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		f(t, rs, s)
	})
}

// visitor is a session as ingest would run it.
type visitor struct {
	ingest.Seat
	reason atomic.Pointer[error] // it was sent away with
}

func (v *visitor) kicked() error {
	if e := v.reason.Load(); e != nil {
		return *e
	}
	return nil
}

func enter(t *testing.T, rs *Rooms, req ingest.Request) *visitor {
	t.Helper()
	v := &visitor{}
	req.Kick = func(reason error) { v.reason.Store(&reason) }
	if req.Room == "" {
		req.Room = "demo"
	}
	seat, err := rs.Admit(context.Background(), req)
	if err != nil {
		t.Fatalf("admit: %v", err)
	}
	v.Seat = seat
	return v
}

// perform is enter with a track, as somebody who was seen.
func perform(t *testing.T, rs *Rooms, req ingest.Request) *visitor {
	t.Helper()
	v := enter(t, rs, req)
	if _, err := v.Open(media.VP8); err != nil {
		t.Fatal(err)
	}
	return v
}

func names(rs *Rooms) string {
	var all []string
	for _, p := range rs.List()[0].Participants {
		n := p.Name
		if p.Away {
			n += "(away)"
		}
		all = append(all, n)
	}
	return strings.Join(all, " ")
}

func TestFirstPublisherStartsTheProgram(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		if rs.List()[0].Live || len(s.programs) != 0 {
			t.Fatal("on air before anybody came")
		}
		enter(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		if !rs.List()[0].Live || len(s.programs) != 1 {
			t.Fatal("not on air with a publisher")
		}
		time.Sleep(10 * time.Second)
		if !s.programs[0].Live() {
			t.Fatal("the program cannot be played after ten seconds")
		}
	}, demo())
}

func TestAlwaysIsOnAirAtOnceAndStays(t *testing.T) {
	cfg := demo()
	cfg.Start = Always
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		v := enter(t, rs, ingest.Request{Session: "1"})
		v.Report(ingest.Gone)
		time.Sleep(2 * time.Minute)
		if !rs.List()[0].Live || len(s.programs) != 1 {
			t.Fatal("a room that is always on went off air")
		}
	}, cfg)
}

// An empty program ends after its linger; the next publisher starts another under
// the same room, with higher numbers (M-5).
func TestEmptyProgramEndsAndAnotherBegins(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		enter(t, rs, ingest.Request{Session: "1"}).Report(ingest.Gone)
		time.Sleep(time.Minute - time.Second)
		if !rs.List()[0].Live {
			t.Fatal("ended before its linger was over")
		}
		time.Sleep(5 * time.Second)
		if rs.List()[0].Live {
			t.Fatal("still on air")
		}
		<-s.programs[0].Done()
		enter(t, rs, ingest.Request{Session: "2"})
		if len(s.programs) != 2 || s.programs[0].ID() == s.programs[1].ID() {
			t.Fatal("the room is not live again with a new program")
		}
	}, demo())
}

func TestSomebodyComingBackStopsTheLinger(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		enter(t, rs, ingest.Request{Session: "1"}).Report(ingest.Gone)
		time.Sleep(50 * time.Second)
		enter(t, rs, ingest.Request{Session: "2"})
		time.Sleep(2 * time.Minute)
		if !rs.List()[0].Live || len(s.programs) != 1 {
			t.Fatal("the program ended under its publisher")
		}
	}, demo())
}

// Identity, in this order: token subject, id, name, else fresh. The same one takes
// its seat over and the session before is told.
func TestSameIdentityTakesItsSeatOver(t *testing.T) {
	for what, req := range map[string]ingest.Request{
		"subject": {Subject: "ada", ID: "x", Name: "Ada"},
		"id":      {ID: "ada", Name: "Ada"},
		"name":    {Name: "Ada"},
	} {
		t.Run(what, func(t *testing.T) {
			house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
				req.Session = "1"
				first := enter(t, rs, req)
				in, err := first.Open(media.VP8)
				if err != nil {
					t.Fatal(err)
				}
				enter(t, rs, ingest.Request{Session: "9", Name: "Bob"})
				req.Session = "2"
				second := enter(t, rs, req)
				if first.kicked() == nil || second.kicked() != nil {
					t.Fatalf("kicked: first %v, second %v", first.kicked(), second.kicked())
				}
				if _, err := second.Open(media.H264); err != nil {
					t.Fatal(err)
				}
				in.Close()
				first.Report(ingest.Lost) // late, as a dying session is
				if got := names(rs); got != "Ada Bob" {
					t.Fatalf("on stage: %s", got)
				}
				if p := rs.List()[0].Participants[0]; !p.Video || p.Codec != "H264" {
					t.Fatalf("the old session's end took the new one's track: %+v", p)
				}
				if _, err := first.Open(media.Opus); err == nil {
					t.Fatal("a session that lost its seat may still open tracks")
				}
			}, demo())
		})
	}
}

func TestNobodyTakesAnothersSeat(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		a := enter(t, rs, ingest.Request{Session: "1", ID: "ada", Name: "Sam"})
		enter(t, rs, ingest.Request{Session: "2", ID: "bob", Name: "Sam"})
		enter(t, rs, ingest.Request{Session: "3"})
		enter(t, rs, ingest.Request{Session: "4", ID: "ada", Name: "Sam", Source: "screen"})
		if a.kicked() != nil || names(rs) != "Sam Sam Guest 3 Sam" {
			t.Fatalf("kicked %v, on stage: %s", a.kicked(), names(rs))
		}
	}, demo())
}

func TestLostGuestKeepsTheSeatForAWhile(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		perform(t, rs, ingest.Request{Session: "1", Name: "Ada"}).Report(ingest.Lost)
		enter(t, rs, ingest.Request{Session: "2", Name: "Bob"})
		time.Sleep(80 * time.Second)
		if got := names(rs); got != "Ada(away) Bob" {
			t.Fatalf("after 80 s: %s", got)
		}
		enter(t, rs, ingest.Request{Session: "3", Name: "Ada"}).Report(ingest.Lost)
		time.Sleep(80 * time.Second)
		if got := names(rs); got != "Ada(away) Bob" {
			t.Fatalf("80 s after coming back: %s", got)
		}
		time.Sleep(11 * time.Second)
		if got := names(rs); got != "Bob" {
			t.Fatalf("after 91 s: %s", got)
		}
	}, demo())
}

// Who was never seen, or can't be known again, leaves no seat behind; a return that fails
// gives up none that was kept.
func TestSeatsAreKeptForThoseWhoCanComeBack(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		perform(t, rs, ingest.Request{Session: "1", Name: "Ada"}).Report(ingest.Lost)
		perform(t, rs, ingest.Request{Session: "2"}).Report(ingest.Lost)
		enter(t, rs, ingest.Request{Session: "3", Name: "Bob"}).Report(ingest.Lost)
		enter(t, rs, ingest.Request{Session: "4", Name: "Ada"}).Report(ingest.Lost)
		if got := names(rs); got != "Ada(away)" {
			t.Fatalf("on stage: %s", got)
		}
	}, demo())
}

// A silent session keeps its place for Hold, however it ends meanwhile, and is then ended; one that
// is heard again stays. The program goes on through all of it.
func TestSilentSessionIsAway(t *testing.T) {
	cfg := demo()
	cfg.Hold = 18 * time.Second
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		perform(t, rs, ingest.Request{Session: "0", Name: "Bob"})
		a := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		for range 3 {
			a.Report(ingest.Away)
			if got := names(rs); got != "Bob Ada(away)" {
				t.Fatalf("silent: %s", got)
			}
			time.Sleep(16 * time.Second)
			a.Report(ingest.Here)
			if got := names(rs); got != "Bob Ada" || a.kicked() != nil {
				t.Fatalf("heard again: %s, %v", got, a.kicked())
			}
			time.Sleep(4 * time.Second)
		}
		a.Report(ingest.Away)
		time.Sleep(17 * time.Second)
		if got := names(rs); got != "Bob Ada(away)" || a.kicked() != nil {
			t.Fatalf("after 17 s: %s, %v", got, a.kicked())
		}
		time.Sleep(2 * time.Second)
		if got := names(rs); got != "Bob" || a.kicked() == nil {
			t.Fatalf("after 19 s: %s, %v", got, a.kicked())
		}
		a.Report(ingest.Lost) // as it was told
		b := perform(t, rs, ingest.Request{Session: "2", Name: "Ada"})
		b.Report(ingest.Away)
		time.Sleep(12 * time.Second)
		b.Report(ingest.Lost)
		time.Sleep(5 * time.Second)
		if got := names(rs); got != "Bob Ada(away)" {
			t.Fatalf("17 s after the last sound: %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := names(rs); got != "Bob" {
			t.Fatalf("19 s after the last sound: %s", got)
		}
		if len(s.programs) != 1 || !s.programs[0].Live() {
			t.Fatal("the program did not go on")
		}
	}, cfg)
}

// Nobody can come back as one who gave no name, so that place is kept only as long as the session
// may resume.
func TestSilentStrangerIsKeptForLess(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		a := perform(t, rs, ingest.Request{Session: "1"})
		a.Report(ingest.Away)
		time.Sleep(29 * time.Second)
		if got := names(rs); got != "Guest 1(away)" {
			t.Fatalf("after 29 s: %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := names(rs); got != "" || a.kicked() == nil {
			t.Fatalf("after 31 s: %s, %v", got, a.kicked())
		}
	}, demo())
}

// Who returns by a new POST while away still is away until something of the new session comes (W-18).
func TestReturnByANewSession(t *testing.T) {
	cfg := demo()
	cfg.Hold = 18 * time.Second
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		a := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		a.Report(ingest.Away)
		time.Sleep(8 * time.Second)
		b := enter(t, rs, ingest.Request{Session: "2", Name: "Ada"})
		if a.kicked() == nil {
			t.Fatal("the old session was not ended")
		}
		a.Report(ingest.Lost)
		time.Sleep(16 * time.Second)
		if _, err := b.Open(media.VP8); err != nil {
			t.Fatal(err)
		}
		time.Sleep(16 * time.Second)
		if got := names(rs); got != "Ada" || b.kicked() != nil {
			t.Fatalf("on stage: %s, %v", got, b.kicked())
		}
		if len(s.programs) != 1 || !s.programs[0].Live() {
			t.Fatal("the program did not go on")
		}
	}, cfg)
}

// A full room does not wait for those of whom nothing has been heard for long.
func TestSilentSessionGivesWayInAFullRoom(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		var all []*visitor
		for i := range MaxTiles {
			all = append(all, perform(t, rs, ingest.Request{Session: fmt.Sprint(i), Name: fmt.Sprint("g", i)}))
		}
		all[3].Report(ingest.Away)
		time.Sleep(29 * time.Second)
		late := ingest.Request{Room: "demo", Session: "x", Name: "late"}
		if _, err := rs.Admit(context.Background(), late); !errors.Is(err, ingest.ErrFull) {
			t.Fatalf("while one may be back any moment: %v", err)
		}
		time.Sleep(2 * time.Second)
		enter(t, rs, late)
		if got := names(rs); got != fullHouse(3, -1) || all[3].kicked() == nil {
			t.Fatalf("on stage: %s, %v", got, all[3].kicked())
		}
	}, demo())
}

// fullHouse names MaxTiles guests: without the one who gave way to late, and with one who is away.
func fullHouse(gone, away int) string {
	var all []string
	for i := range MaxTiles {
		switch i {
		case gone:
			continue
		case away:
			all = append(all, fmt.Sprintf("g%d(away)", i))
		default:
			all = append(all, fmt.Sprint("g", i))
		}
	}
	return strings.Join(append(all, "late"), " ")
}

func TestRoomIsFullButAwaySeatsGiveWay(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		var all []*visitor
		for i := range MaxTiles {
			all = append(all, perform(t, rs, ingest.Request{Session: fmt.Sprint(i), Name: fmt.Sprint("g", i)}))
		}
		if _, err := rs.Admit(context.Background(), ingest.Request{Room: "demo", Session: "x", Name: "late"}); !errors.Is(err, ingest.ErrFull) {
			t.Fatalf("one guest too many: %v", err)
		}
		all[4].Report(ingest.Lost)
		time.Sleep(time.Second)
		all[2].Report(ingest.Lost)
		enter(t, rs, ingest.Request{Session: "x", Name: "late"})
		if got := names(rs); got != fullHouse(4, 2) {
			t.Fatalf("on stage: %s", got)
		}
	}, demo())
}

func TestApplyIsAtOnceForTheLookAndLaterForTheLadder(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		enter(t, rs, ingest.Request{Session: "1"})
		next := demo()
		next.Canvases[0].Look.Fit = layout.Contain
		next.Preset = "ultra"
		next.Canvases[0].Rungs[0].BitRate = 900_000
		later, err := rs.Apply(next)
		if err != nil || strings.Join(later, " ") != "preset ladder" {
			t.Fatalf("later: %v, %v", later, err)
		}
		if got := rs.List()[0].Preset; got != "low" {
			t.Fatalf("the running program's preset became %q", got)
		}
		next.Preset = "lowest"
		if _, err := rs.Apply(next); err == nil || !strings.Contains(err.Error(), "ultra") {
			t.Fatalf("an unknown preset: %v", err)
		}
		next.Name = "other"
		next.Preset = "low"
		if _, err := rs.Apply(next); !errors.Is(err, ingest.ErrNoRoom) {
			t.Fatalf("an unknown room: %v", err)
		}
	}, demo())
}

func TestWhoMayNotComeIn(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		_, err := rs.Admit(context.Background(), ingest.Request{Room: "dmeo", Session: "1"})
		if !errors.Is(err, ingest.ErrNoRoom) {
			t.Fatalf("an unknown room: %v", err)
		}
		v := enter(t, rs, ingest.Request{Session: "1"})
		rs.Close(context.Background())
		if v.kicked() == nil {
			t.Error("a guest was not told that the gateway closes")
		}
		if _, err := rs.Admit(context.Background(), ingest.Request{Room: "demo", Session: "2"}); !errors.Is(err, ingest.ErrFull) {
			t.Fatalf("after Close: %v", err)
		}
	}, demo())
}

func TestCloseEndsThePlaylists(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		enter(t, rs, ingest.Request{Session: "1"})
		time.Sleep(5 * time.Second)
		if err := rs.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-s.programs[0].Done():
		default:
			t.Fatal("Close returned before the playlists ended")
		}
	}, demo())
}

func TestNamesAreFitToBeShown(t *testing.T) {
	for in, want := range map[string]string{
		"  Ada   Lovelace ":  "Ada Lovelace",
		"\x00\n\u202e\u200d": "",
		"":                   "",
		"सीता \u200d":        "सीता \u200d",
		strings.Repeat("x", 46) + "👩\u200d🚀!": strings.Repeat("x", 46),
		"a\xffb":                "ab",
		strings.Repeat("x", 80): strings.Repeat("x", 48),
	} {
		if got := displayName(ingest.Request{Name: in}); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestConfigNamesEveryMistake(t *testing.T) {
	err := Config{Name: "a/b", Start: "soon", Preset: "fast", Rate: media.FrameRate{Num: 30, Den: 1}}.Validate()
	for _, want := range []string{"a/b", "soon", "fast", "canvas"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
}

// What waits for the next program is told with every change, not with the first alone.
func TestApplyTellsWhatIsNotOnAir(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		enter(t, rs, ingest.Request{Session: "1"})
		two := func(mode layout.Mode) Config {
			next := demo()
			wide, tall := next.Canvases[0], next.Canvases[0]
			wide.Name, tall.Name, wide.Look.Layout.Mode = "wide", "tall", mode
			next.Canvases = []compositor.Canvas{wide, tall}
			return next
		}
		for _, mode := range []layout.Mode{layout.Grid, layout.Split, layout.Single} {
			later, err := rs.Apply(two(mode))
			if got := strings.Join(later, ", "); err != nil || got != "canvas, layout of tall, layout of wide" {
				t.Errorf("%s: %s, %v", mode, got, err)
			}
		}
		added := demo()
		added.Canvases = append(added.Canvases, two(layout.Grid).Canvases[1])
		for range 2 {
			if later, err := rs.Apply(added); err != nil || strings.Join(later, ", ") != "canvas, layout of tall" {
				t.Errorf("a canvas more: %q, %v", later, err)
			}
		}
		if later, err := rs.Apply(demo()); err != nil || len(later) != 0 {
			t.Errorf("all as it runs: %q, %v", later, err)
		}
	}, demo())
}

// A change of the file is merged setting by setting, and canvas by canvas.
func TestMergeIsOfSingleSettings(t *testing.T) {
	look := func(mode layout.Mode, gap layout.Length, label float64, names ...string) (c Config) {
		for _, name := range names {
			l := compositor.DefaultLook()
			l.Layout.Mode, l.Layout.Gap, l.Label.Size = mode, gap, label
			c.Canvases = append(c.Canvases, compositor.Canvas{Name: name, W: 1280, H: 720, Look: l})
		}
		return c
	}
	before := look(layout.Grid, layout.Percent(1), 1, "a", "b")
	live := look(layout.Split, layout.Pixels(9), 2, "b", "a", "live")
	told := func(c Config) string {
		var b strings.Builder
		for _, cv := range c.Canvases {
			fmt.Fprintf(&b, "%s %s %v %v; ", cv.Name, cv.Look.Layout.Mode, cv.Look.Layout.Gap, cv.Look.Label.Size)
		}
		return b.String()
	}
	for _, c := range []struct {
		after Config
		want  string
	}{
		{look(layout.Grid, layout.Percent(2), 1, "a", "b"), "b split {2 0} 2; a split {2 0} 2; live split {0 9} 2; "},
		{look(layout.Grid, layout.Percent(1), 3, "a", "b"), "b split {0 9} 3; a split {0 9} 3; live split {0 9} 2; "},
		{look(layout.Pip, layout.Percent(1), 1, "a", "new", "b"), "a pip {0 9} 2; new pip {1 0} 1; b pip {0 9} 2; live split {0 9} 2; "},
		{look(layout.Grid, layout.Percent(1), 1, "b"), "b split {0 9} 2; live split {0 9} 2; "},
	} {
		if got := told(live.merged(before, c.after)); got != c.want {
			t.Errorf("%s\nbecomes %s\nwant    %s", told(c.after), got, c.want)
		}
	}
	if told(live) != told(look(layout.Split, layout.Pixels(9), 2, "b", "a", "live")) {
		t.Error("the configuration that was merged into is changed")
	}
}

func TestMergeLeavesAloneWhatWasNotNamed(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		before := demo()
		live := demo()
		live.Canvases[0].Look.Fit, live.Linger = layout.Contain, 3*time.Minute
		if _, err := rs.Apply(live); err != nil { // as an API would
			t.Fatal(err)
		}
		after := demo()
		after.Canvases[0].Look.Layout.Mode, after.Window = layout.Split, 2*time.Minute
		later, err := rs.Merge(before, after)
		if err != nil || strings.Join(later, " ") != "window" {
			t.Fatalf("%v, %v", later, err)
		}
		got := rs.rooms["demo"].config()
		look := got.Canvases[0].Look
		if look.Layout.Mode != layout.Split || look.Fit != layout.Contain || got.Linger != 3*time.Minute || got.Window != 2*time.Minute {
			t.Errorf("%+v", got)
		}
		after.Preset = "slow"
		if _, err := rs.Merge(before, after); err == nil || rs.rooms["demo"].config().Preset != "low" {
			t.Errorf("a broken change is taken: %v", err)
		}
		after.Name = "other"
		if _, err := rs.Merge(before, after); !errors.Is(err, ingest.ErrNoRoom) {
			t.Errorf("an unknown room: %v", err)
		}
	}, demo())
}

func TestEmptyProgramSaysGoodbyeBeforeItEnds(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, _ *shelf) {
		pixel := func() codec.YCbCr {
			time.Sleep(100 * time.Millisecond)
			r := rs.rooms["demo"]
			pic := r.prog.comp.Snapshot()
			defer pic.Release()
			var sum int
			for y := range pic.H {
				for x := range pic.W {
					sum += int(pic.Pixel(x, y).Y)
				}
			}
			return codec.YCbCr{Y: uint8(sum / 256)}
		}
		v := perform(t, rs, ingest.Request{Session: "1", Name: "Ada"})
		v.Report(ingest.Gone)
		time.Sleep(45 * time.Second)
		empty := pixel()
		time.Sleep(10 * time.Second)
		closing := pixel()
		if empty == closing {
			t.Error("there is no goodbye")
		}
		again := perform(t, rs, ingest.Request{Session: "2", Name: "Bob"})
		again.Report(ingest.Gone)
		if got := pixel(); got != empty {
			t.Errorf("after somebody was there again: %v, want %v", got, empty)
		}
	}, demo())
}
