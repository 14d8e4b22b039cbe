package origin

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

func cue(p *Program, id string, at media.Time) Announcement {
	return Announcement{
		Event: packager.Event{ID: id, Scheme: packager.SchemeID3, Start: at, Dur: media.Second / 2, Payload: []byte("ID3" + id)},
		Class: "com.example.score", Client: []m3u8.ClientAttribute{{Name: ClientName("com.example.score", "home"), Value: "3:2"}},
	}
}

// An event is a date range in every playlist, the same in all (D-9), from the next part on, with what it must have (D-1, D-2, D-3, D-7,
// G-10), until no listed segment shows any of it (D-8, L-1); then a delta of the second kind names it for as long as older
// copies may be used (K-6, K-12). An ID comes once, so nothing can contradict it (D-4). Deltas of the first kind leave none out (K-5).
func TestDateRanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		step := func(n int) {
			for range n {
				r.feed(1)
				time.Sleep(r.plan.Rate.Frame(int64(r.plan.PartFrames)).Duration())
			}
		}
		step(6 * 20) // 120 to come
		start := media.Time(41)*media.Second + 10*media.Millisecond
		at0, err := r.p.Announce(cue(r.p, "goal-1", start))
		if err != nil || at0.After(epoch.Add(start.Duration())) || epoch.Add(start.Duration()).Sub(at0) > time.Second/30 {
			t.Fatalf("%v, %v", at0, err)
		}
		line := fmt.Sprintf(`#EXT-X-DATERANGE:ID="goal-1",CLASS="com.example.score",START-DATE="%s",DURATION=0.50000,X-COM-EXAMPLE-SCORE-HOME="3:2"`+"\n",
			at0.UTC().Format("2006-01-02T15:04:05.000Z"))
		list := func(s *Stream, query string) string { return r.get(at(s, "stream.m3u8"+query)) }
		if strings.Contains(list(r.top, ""), "DATERANGE:") {
			t.Error("a version that is out has changed")
		}
		step(1)
		for _, s := range []*Stream{r.top, r.low, r.audio} {
			for _, query := range []string{"", "?_HLS_skip=YES", "?_HLS_skip=v2"} {
				if text := list(s, query); strings.Count(text, line) != 1 {
					t.Errorf("%s%s has no %s in\n%s", s.name, query, line, text)
				}
			}
		}
		before := r.list(r.top, "")
		step(1)
		none(t, m3u8.CheckUpdate(before, r.list(r.top, "")))
		if _, err := r.p.Announce(cue(r.p, "goal-1", start+media.Second)); !errors.Is(err, ErrSameID) {
			t.Errorf("an id again: %v", err)
		}

		step(6 * 6) // 12 s and a bit: older than CAN-SKIP-UNTIL
		if v1, v2, full := list(r.top, "?_HLS_skip=YES"), list(r.top, "?_HLS_skip=v2"), list(r.top, ""); !strings.Contains(v1, line) ||
			strings.Contains(v2, "DATERANGE:") || !strings.Contains(full, line) || !strings.Contains(v2, `RECENTLY-REMOVED-DATERANGES=""`) ||
			!strings.HasPrefix(v2, "#EXTM3U\n#EXT-X-VERSION:10\n") {
			t.Errorf("v1:\n%s\nv2:\n%s", v1, v2)
		}

		// Segment 120 (40 s to 42 s) shows it; while that is listed, so is the range.
		gone := time.Time{}
		for gone.IsZero() {
			step(1)
			text, m := list(r.top, ""), r.list(r.top, "")
			if listed := m.MediaSequence <= firstMSN+20; listed != strings.Contains(text, line) {
				t.Fatalf("segments from %d are listed, the range: %v", m.MediaSequence, !listed)
			} else if !listed {
				gone = time.Now()
			}
		}
		for time.Since(gone) < 12*time.Second {
			if v2 := list(r.top, "?_HLS_skip=v2"); !strings.Contains(v2, `RECENTLY-REMOVED-DATERANGES="goal-1"`) {
				t.Fatalf("%v after its removal:\n%s", time.Since(gone), v2)
			}
			step(1)
		}
		step(2)
		if v2 := list(r.top, "?_HLS_skip=v2"); !strings.Contains(v2, `RECENTLY-REMOVED-DATERANGES=""`) {
			t.Errorf("still named:\n%s", v2)
		}
		if len(r.top.told) != 0 {
			t.Errorf("%d are kept for ever", len(r.top.told))
		}
		if _, err := r.p.Announce(cue(r.p, "goal-1", 200*media.Second)); !errors.Is(err, ErrSameID) { // D-8
			t.Errorf("an id again, long after: %v", err)
		}
	})
}

// Two events at once are named apart, in the order of their announcement, with a tab between those that went (K-6).
func TestSeveralDateRanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.to(firstMSN, 5)
		for _, id := range []string{"b", "a"} {
			if _, err := r.p.Announce(cue(r.p, id, 3*media.Second)); err != nil {
				t.Fatal(err)
			}
		}
		r.to(firstMSN+1, 0)
		text := r.get(at(r.top, "stream.m3u8"))
		if b, a := strings.Index(text, `DATERANGE:ID="b"`), strings.Index(text, `DATERANGE:ID="a"`); b < 0 || a < b {
			t.Errorf("\n%s", text)
		}
		r.to(firstMSN+33, 0)
		if text := r.get(at(r.top, "stream.m3u8?_HLS_skip=v2")); !strings.Contains(text, "RECENTLY-REMOVED-DATERANGES=\"b\ta\"\n") {
			t.Errorf("\n%s", text)
		}
		open := cue(r.p, "c", 80*media.Second)
		open.Dur = -1
		if _, err := r.p.Announce(open); err != nil {
			t.Fatal(err)
		}
		r.feed(1)
		if text := r.get(at(r.top, "stream.m3u8")); !strings.Contains(text, `ID="c"`) || strings.Contains(text, "DURATION=0.50000") {
			t.Errorf("an unknown duration is said:\n%s", text)
		}
	})
}

// A state lasts until the next of its class (D-5): of one that never ends each playlist tells, however late, and of one that ended
// until no listed segment shows any of it (D-8).
func TestTheLatestStateStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lists := map[*Stream]*m3u8.Playlist{}
		step := func(n int) {
			t.Helper()
			for range n {
				r.feed(1)
				time.Sleep(r.plan.Rate.Frame(int64(r.plan.PartFrames)).Duration())
				for _, s := range []*Stream{r.top, r.low, r.audio} {
					now := r.list(s, "")
					none(t, m3u8.Check(now))
					if lists[s] != nil {
						none(t, m3u8.CheckUpdate(lists[s], now))
					}
					lists[s] = now
				}
			}
		}
		speaks := func(who string, from media.Time) string {
			t.Helper()
			when, err := r.p.Announce(Announcement{
				Event: packager.Event{ID: "s-" + who, Scheme: "urn:x", Start: from, Payload: []byte(who)},
				Class: "x.speaker", Client: []m3u8.ClientAttribute{{Name: "X-SPEAKER", Value: who}}, State: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf(`#EXT-X-DATERANGE:ID="s-%s",CLASS="x.speaker",START-DATE="%s",END-ON-NEXT=YES,X-SPEAKER="%s"`+"\n",
				who, when.UTC().Format("2006-01-02T15:04:05.000Z"), who)
		}
		text := func() string { return r.get(at(r.audio, "stream.m3u8")) }
		r.to(firstMSN+1, 5)
		ada := speaks("ada", media.Second)
		bob := speaks("bob", 0) // it follows ada
		step(6 * 60)            // two windows
		if got := text(); strings.Contains(got, ada) || strings.Count(got, bob) != 1 {
			t.Fatalf("two minutes later, want %s alone in\n%s", bob, got)
		}
		if _, err := r.p.Announce(cue(r.p, "goal", 130*media.Second)); err != nil {
			t.Fatal(err)
		}
		begin := r.p.msnOf(130 * media.Second)
		cyd := speaks("cyd", 130*media.Second)
		for gone := false; !gone; {
			step(1)
			got := text()
			if strings.Count(got, cyd) != 1 {
				t.Fatalf("%s is not in\n%s", cyd, got)
			}
			switch listed := strings.Contains(got, bob); {
			case listed && lists[r.audio].MediaSequence > begin:
				t.Fatalf("it has ended, and is still in\n%s", got)
			case !listed && lists[r.audio].MediaSequence <= begin:
				t.Fatalf("%s left too early\n%s", bob, got)
			case !listed:
				gone = true
			}
		}
		if n := len(r.audio.told); n > 3 {
			t.Errorf("%d are kept", n)
		}
	})
}

// States leave room for announcements and find room beside them. One more than playlists can take pushes out the oldest, which
// deltas say; the latest of a class is not pushed out by others.
func TestStatesAreBoundedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.p.cfg.Wall = media.NewClock(time.Now()).Wall
		r.to(firstMSN+10, 0)
		say := func(class string, n int) {
			t.Helper()
			if _, err := r.p.Announce(Announcement{
				Event: packager.Event{ID: fmt.Sprint("s", n), Scheme: "urn:x", Start: media.Time(n) * media.Second},
				Class: class, Client: []m3u8.ClientAttribute{{Name: "X-N", Value: fmt.Sprint(n)}}, State: true,
			}); err != nil {
				t.Fatal(n, err)
			}
		}
		say("other", 0)
		for n := range maxStates - 1 {
			say("x", n+1)
		}
		r.feed(1)
		const more = 5
		for n := range more {
			say("x", maxStates+n)
		}
		r.p.events = packager.NewEvents(r.plan, 1) // the media is packaged, and there is room for events ahead
		if _, err := r.p.Announce(cue(r.p, "goal", media.Second)); err != nil {
			t.Error(err)
		}
		r.feed(1)
		text := r.get(at(r.top, "stream.m3u8"))
		if n := strings.Count(text, "END-ON-NEXT=YES"); n != maxStates || !strings.Contains(text, `ID="goal"`) {
			t.Errorf("%d states in\n%s", n, text[len(text)-1000:])
		}
		for n, want := range map[int]bool{0: true, 1: false, more: false, more + 1: true, maxStates + more - 1: true} {
			if got := strings.Contains(text, fmt.Sprintf(`X-N="%d"`, n)); got != want {
				t.Errorf("state %d is listed: %v", n, got)
			}
		}
		if v2 := r.get(at(r.top, "stream.m3u8?_HLS_skip=v2")); !strings.Contains(v2, "RECENTLY-REMOVED-DATERANGES=\"s1\ts2\ts3\ts4\ts5\"") {
			t.Errorf("not told what has gone:\n%.500s", v2)
		}
		for n := range maxStates { // each of a class of its own, until nothing can go any more
			say(fmt.Sprint("c", n), 2*maxStates+n)
		}
		r.feed(1)
		if n := strings.Count(r.get(at(r.top, "stream.m3u8")), "END-ON-NEXT=YES"); n != maxStates {
			t.Errorf("%d states", n)
		}
	})
}

// What has left every playlist takes no room: neither for long, in a program whose speaker changes all the time, nor from events.
func TestRoomIsForWhatIsListed(t *testing.T) {
	r := newRig(t)
	for n := range maxDates + 50 {
		from := media.Time(n) * r.plan.SegmentStart(1)
		r.to(firstMSN+int64(n), 0)
		for _, a := range []Announcement{
			cue(r.p, fmt.Sprint("e", n), from+r.plan.SegmentStart(1)),
			{Event: packager.Event{ID: fmt.Sprint("s", n), Scheme: "urn:x", Start: from}, Class: "x", State: true},
		} {
			if _, err := r.p.Announce(a); err != nil {
				t.Fatal(n, err)
			}
		}
		r.p.events = packager.NewEvents(r.plan, 1) // the media is packaged
		if have, room := len(r.p.news.all()), 2*int(r.top.Stats().Listed)+6; have > room {
			t.Fatalf("%d are remembered, of which playlists have %d", have, room)
		}
	}
}

// What cannot be announced changes nothing; the list is bounded, and there is room again when the oldest have gone.
func TestAnnouncementsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.p.cfg.Wall = media.NewClock(time.Now()).Wall
		r.feed(1)
		for n := range maxDates {
			if _, err := r.p.Announce(cue(r.p, fmt.Sprint(n), media.Time(n/100)*media.Second)); err != nil {
				t.Fatal(n, err)
			}
			if n%100 == 99 { // the media is packaged, and there is room for events ahead
				r.p.events = packager.NewEvents(r.plan, 1)
			}
		}
		if _, err := r.p.Announce(cue(r.p, "more", 10*media.Second)); !errors.Is(err, ErrManyDates) {
			t.Errorf("%v", err)
		}
		if _, err := r.p.Announce(cue(r.p, "past", -media.Second)); err == nil {
			t.Error("a moment before the program was taken")
		}
		r.to(firstMSN+60, 0)
		if _, err := r.p.Announce(cue(r.p, "more", 200*media.Second)); err != nil {
			t.Errorf("there should be room again: %v", err)
		}
	})
}

// The media of both renditions of a program carries the event, and the list says its frame's date (T-5, P-3): in the part and in the
// segment, in the same bytes.
func TestEventsReachPartAndSegment(t *testing.T) {
	c := newCutter(t, "low", media.FrameRate{Num: 30, Den: 1}, 700_000, 1_000_000)
	c.run(4 * media.Second)
	if _, err := c.p.Announce(cue(c.p, "goal-1", 4*media.Second+media.Second/2)); err != nil {
		t.Fatal(err)
	}
	c.run(7 * media.Second)
	part, segment := c.get(at(c.top, "102.1.m4s")), c.get(at(c.top, "102.m4s"))
	if !strings.Contains(part, "emsg\x01") || !strings.Contains(part, "ID3goal-1") || strings.Index(part, "emsg") > strings.Index(part, "moof") {
		t.Errorf("part: %q", part[:120])
	}
	if !strings.Contains(segment, part) || strings.Count(segment, "ID3goal-1") != 1 {
		t.Error("the segment is not its parts")
	}
	if strings.Contains(c.get(at(c.top, "102.0.m4s")), "emsg") {
		t.Error("an event in the wrong part")
	}
}

// A state that comes late, when all of its frame has been packaged, begins with the next part, in the media and in the lists.
func TestLateStatesBeginWithTheNextPart(t *testing.T) {
	c := newCutter(t, "low", media.FrameRate{Num: 30, Den: 1}, 700_000, 1_000_000)
	c.run(4 * media.Second)
	when, err := c.p.Announce(Announcement{
		Event: packager.Event{ID: "s", Scheme: "urn:x", Start: media.Second, Payload: []byte("ada")}, Class: "x", State: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.run(7 * media.Second)
	if part := c.get(at(c.top, "102.0.m4s")); !strings.Contains(part, "emsg\x01") || !strings.Contains(part, "ada") {
		t.Errorf("%q", part[:120])
	}
	if off := when.Sub(c.p.cfg.Wall(4 * media.Second)); off != 0 {
		t.Errorf("it is said to begin %v after the part", off)
	}
}

func TestClientNames(t *testing.T) {
	for _, c := range [][3]string{{"com.example.score", "home", "X-COM-EXAMPLE-SCORE-HOME"}, {"a:b", "c_d", "X-A-B-C-D"}, {"x", "ü9", "X-X--9"}} {
		if got := ClientName(c[0], c[1]); got != c[2] {
			t.Errorf("%s of %s: %s", c[1], c[0], got)
		}
	}
}

// A program that lasts for months remembers no more than so many IDs, and the latest of them.
func TestRememberedIDsAreBounded(t *testing.T) {
	var n news
	for i := range 2 * maxIDs {
		n.add(&date{id: fmt.Sprint(i)})
		n.list.Store(nil) // as prune does
	}
	if len(n.had) != maxIDs || len(n.ids) != maxIDs || cap(n.ids) > 3*maxIDs {
		t.Errorf("%d and %d of %d", len(n.had), len(n.ids), cap(n.ids))
	}
	if n.had[fmt.Sprint(maxIDs-1)] || !n.had[fmt.Sprint(maxIDs)] || !n.had[fmt.Sprint(2*maxIDs-1)] {
		t.Error("not the latest")
	}
}
