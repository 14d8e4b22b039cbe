package packager

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
)

func event(id string, at media.Time) Event {
	return Event{ID: id, Scheme: SchemeID3, Start: at, Dur: media.Second, Payload: ID3([]ID3Text{{"id", id}})}
}

// An event stands in front of the moof of the part that its frame is in, in every rendition, at the same moment in the
// ticks of each, with the same number and payload (T-1 to T-4), and so in the parent, which is its parts (T-5, P-3).
func TestEventsStandInTheirPart(t *testing.T) {
	for _, preset := range Presets() {
		for _, rate := range everyRate {
			plan := mustPlan(t, preset, rate)
			book := NewEvents(plan, 1)
			step := plan.SegmentStart(1) / 7
			for i := range media.Time(14) { // in disorder
				ev, err := book.Add(event(fmt.Sprint(int(i)), i*5%14*step+media.Second/1000))
				if err != nil {
					t.Fatal(err)
				}
				if n := int64(ev.Start / rate.Frame(1)); rate.Frame(n) != ev.Start || ev.Start > i*5%14*step+media.Second/1000 {
					t.Fatalf("event at %v is not at a frame", ev.Start)
				}
			}
			var seen []string
			for _, params := range []media.Params{videoParams(rate), audioParams()} {
				in := mustInit(t, params, plan)
				var out recorder
				track := NewTrack(in, plan, TrackConfig{FirstMSN: 1, Events: book, Wall: wall}, &out)
				for n := int64(0); len(out.parts) < 3*plan.PartsPerSegment; n++ {
					if err := track.Write(packet(plan, in, n)); err != nil {
						t.Fatal(err)
					}
				}
				seen = append(seen, eventsIn(t, in, out.parts))
			}
			if seen[0] != seen[1] || strings.Count(seen[0], ";") != 14 {
				t.Errorf("%s at %v: pictures carry\n%s\nsound\n%s", preset, rate, seen[0], seen[1])
			}
		}
	}
}

// Players take two events with one number for one event: a book that goes on after a restart gives none that may be
// known already.
func TestEventNumbersGoOnAfterARestart(t *testing.T) {
	plan := mustPlan(t, "low", everyRate[0])
	number := func(book *Events, at media.Time) uint32 {
		t.Helper()
		ev, err := book.Add(event(fmt.Sprint(at), at))
		if err != nil {
			t.Fatal(err)
		}
		return ev.number
	}
	before := NewEvents(plan, 1)
	var last uint32
	for k := range media.Time(20) {
		before.within(10*k*media.Second, 10*(k+1)*media.Second)
		if n := number(before, 10*(k+2)*media.Second); n <= last {
			t.Errorf("%d after %d", n, last)
		} else {
			last = n
		}
	}
	for _, first := range []int64{103, 5000} { // the life before had 102 segments, or more without an event
		after := NewEvents(plan, first)
		after.within(0, media.Second)
		if n := number(after, 2*media.Second); n <= last {
			t.Errorf("%d after the restart with segment %d, %d before", n, first, last)
		}
	}
}

// eventsIn reads the emsg boxes of parts with a foreign parser.
func eventsIn(t *testing.T, in Init, parts []Part) string {
	t.Helper()
	var all strings.Builder
	for _, p := range parts {
		file, err := mp4.DecodeFile(bytes.NewReader(p.Data))
		if err != nil {
			t.Fatal(err)
		}
		moof := false
		for _, box := range file.Children {
			moof = moof || box.Type() == "moof"
			emsg, ok := box.(*mp4.EmsgBox)
			if !ok {
				continue
			}
			at := media.FromTicks(int64(emsg.PresentationTime), in.Timescale)
			if moof || emsg.Version != 1 || int64(emsg.TimeScale) != in.Timescale || at < p.Start-media.Second/90000 || at >= p.Start+p.Dur || emsg.Value != "" {
				t.Errorf("emsg %+v in part %d.%d, %v to %v; behind moof: %v", emsg, p.MSN, p.Index, p.Start, p.Start+p.Dur, moof)
			}
			if dur := float64(emsg.EventDuration) / float64(emsg.TimeScale); dur < 0.999 || dur > 1.001 {
				t.Errorf("event duration %g s", dur)
			}
			fmt.Fprintf(&all, "%d %s %x at %.3f;", emsg.ID, emsg.SchemeIDURI, emsg.MessageData, at.Seconds())
		}
	}
	return all.String()
}

// What cannot be met any more, or is too much, is refused with what would be right; nothing of it is written.
func TestEventsThatAreRefused(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	book := NewEvents(plan, 1)
	add := func(ev Event, sentinel error, want string) {
		t.Helper()
		if _, err := book.Add(ev); !errors.Is(err, sentinel) || sentinel != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %v with %q", err, sentinel, want)
		}
	}
	book.within(0, 2*media.Second)
	add(event("a", 2*media.Second-1), ErrEventPast, "2.000000s at the earliest, not 1.966667s")
	add(event("a", -media.Second), ErrEventPast, "")
	add(event("a", 2*media.Second), nil, "")
	add(event("b", 3603*media.Second), ErrEventFar, "3600 s")
	add(Event{ID: "c", Start: 3 * media.Second}, ErrEvent, "scheme")
	add(Event{Scheme: "x", Start: 3 * media.Second}, ErrEvent, "id")
	add(Event{ID: "d", Scheme: "x", Start: 3 * media.Second, Payload: make([]byte, maxEventPayload+1)}, ErrEvent, "at most 16384")
	for i := range maxEventsAhead - 1 {
		add(event(fmt.Sprint(i), 3*media.Second), nil, "")
	}
	add(event("e", 4*media.Second), ErrEventFull, "256")
	if got := len(book.within(3*media.Second, 4*media.Second)); got != maxEventsAhead-1 {
		t.Errorf("%d events in a part", got)
	}
	add(event("f", 4*media.Second), nil, "") // there is room again
	book.within(4*media.Second, 100*media.Second)
	add(event("g", 100*media.Second), nil, "")
	if len(book.list) != 1 {
		t.Errorf("%d events are kept long after their moment", len(book.list))
	}
	if (*Events)(nil).within(0, media.Second) != nil {
		t.Error("events of nobody")
	}
}

// One that may be late is taken for the first frame that has not been packaged, and where others wait.
func TestLateEvents(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	book := NewEvents(plan, 1)
	for i := range maxEventsAhead {
		if _, err := book.Add(event(fmt.Sprint(i), 100*media.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ floor, at, want media.Time }{
		{0, 2 * media.Second, 2 * media.Second},
		{2 * media.Second, 2*media.Second - 1, 2 * media.Second},
		{2*media.Second + media.Second/100, 0, plan.Rate.Frame(61)}, // sound is cut between frames
		{2*media.Second + media.Second/100, 3 * media.Second, 3 * media.Second},
	} {
		book.within(0, c.floor)
		ev := event(fmt.Sprint("late", c), c.at)
		ev.Late = true
		if got, err := book.Add(ev); err != nil || got.Start != c.want {
			t.Errorf("%v with all before %v packaged: taken for %v, want %v; %v", c.at, c.floor, got.Start, c.want, err)
		}
	}
}

// An unknown duration is said as such (T-2).
func TestEventOfUnknownDuration(t *testing.T) {
	plan := mustPlan(t, "low", rates[3])
	book := NewEvents(plan, 1)
	ev := event("a", 0)
	ev.Dur = -1
	if _, err := book.Add(ev); err != nil {
		t.Fatal(err)
	}
	var out recorder
	track := NewTrack(mustInit(t, videoParams(plan.Rate), plan), plan, TrackConfig{FirstMSN: 1, Events: book}, &out)
	for n := range int64(10) {
		if err := track.Write(videoPacket(plan, n)); err != nil {
			t.Fatal(err)
		}
	}
	file, err := mp4.DecodeFile(bytes.NewReader(out.parts[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	if emsg, ok := file.Children[0].(*mp4.EmsgBox); !ok || emsg.EventDuration != 0xffffffff {
		t.Errorf("%+v", file.Children[0])
	}
}

// T-6: the expression by which hls.js knows the scheme.
func TestPlayersKnowTheScheme(t *testing.T) {
	if !regexp.MustCompile(`(?i)/emsg[-/]ID3`).MatchString(SchemeID3) {
		t.Error(SchemeID3)
	}
}

func TestID3(t *testing.T) {
	got := ID3([]ID3Text{{"score", "3:2"}, {"ü", strings.Repeat("x", 300)}})
	if string(got[:6]) != "ID3\x04\x00\x00" || got[8] != byte((len(got)-10)>>7) || got[9] != byte((len(got)-10)&0x7f) {
		t.Errorf("tag %x", got[:10])
	}
	if want := "TXXX\x00\x00\x00\x0a\x00\x00\x03score\x003:2"; string(got[10:10+len(want)]) != want {
		t.Errorf("frame %q", got[10:10+len(want)])
	}
	if second := got[10+10+10:]; second[6] != 0x02 || second[7] != 0x30 { // 304 = 2*128 + 48
		t.Errorf("size of the second frame: %x", second[4:8])
	}
}
