package packager

import (
	"errors"
	"fmt"
	"sync"

	"tilecast/media"
)

// SchemeID3 says that an event's payload is a complete ID3v2 tag (T-1).
const SchemeID3 = "https://aomedia.org/emsg/ID3"

// Event is something that happens in the program: it is written into the media at its frame, as an emsg box, and
// players are told of it the moment they show that frame.
type Event struct {
	ID      string // unique in the program
	Scheme  string // of the payload, such as SchemeID3
	Value   string // of the scheme; usually empty
	Start   media.Time
	Dur     media.Time // negative: unknown
	Late    bool       // it is taken, for the first frame that can have it, where Start has been packaged; however many wait
	Payload []byte     // never written to again

	number uint32 // the same in every rendition (T-4)
}

// Bounds of what is announced.
const (
	maxEventPayload = 16 << 10
	maxEventsAhead  = 256               // that wait for their part
	maxEventLead    = 3600              // s between now and an event
	eventMemory     = 60 * media.Second // how far a rendition may lag behind the others
)

// Why an event is not taken.
var (
	ErrEventPast = errors.New("the moment has been packaged already")
	ErrEventFar  = errors.New("the moment is too far ahead")
	ErrEventFull = errors.New("too many events wait for their moment")
	ErrEvent     = errors.New("the event is not valid")
)

// Events is the book of what is going to happen. All tracks of a program share it, and each takes from it what falls
// into the part that it cuts; so that none misses an event, one is only taken before the first track gets there.
// It may be used by any number of goroutines.
type Events struct {
	plan  Plan
	first int64

	mu     sync.Mutex
	floor  media.Time // no part has been cut that ends later
	list   []Event    // in order of Start
	number uint32
}

// NewEvents is an empty book of a life of the program that begins with segment first.
func NewEvents(plan Plan, first int64) *Events { return &Events{plan: plan, first: first} }

// Add takes ev into the book and answers what will be written: its Start is that of the frame in which it falls.
// Errors are those above, wrapped with what would have been right.
func (e *Events) Add(ev Event) (Event, error) {
	switch {
	case ev.ID == "" || ev.Scheme == "":
		return ev, fmt.Errorf("%w: it needs an id and a scheme", ErrEvent)
	case len(ev.Payload) > maxEventPayload:
		return ev, fmt.Errorf("%w: a payload of %d bytes, at most %d are taken", ErrEvent, len(ev.Payload), maxEventPayload)
	}
	ev.Start = e.plan.frameAt(ev.Start)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forget()
	if ev.Late && ev.Start < e.floor {
		ev.Start = e.plan.frameAt(e.floor + e.plan.Rate.Frame(1) - 1)
	}
	waiting := 0
	for i := range e.list {
		if e.list[i].Start >= e.floor {
			waiting++
		}
	}
	switch {
	case ev.Start < e.floor || ev.Start < 0:
		return ev, fmt.Errorf("%w: %v at the earliest, not %v", ErrEventPast, max(0, e.floor), ev.Start)
	case ev.Start > e.floor+maxEventLead*media.Second:
		return ev, fmt.Errorf("%w: %d s at most", ErrEventFar, maxEventLead)
	case waiting >= maxEventsAhead && !ev.Late:
		return ev, fmt.Errorf("%w: %d at most", ErrEventFull, maxEventsAhead)
	}
	if e.number == 0 { // milliseconds since segment 0, so that the book of a life after a restart goes on behind all that were given
		e.number = uint32(e.first*int64(e.plan.SegmentStart(1)/media.Millisecond) + int64(e.floor/media.Millisecond))
	}
	e.number++
	ev.number = e.number
	i := len(e.list)
	for i > 0 && e.list[i-1].Start > ev.Start {
		i--
	}
	e.list = append(e.list, Event{})
	copy(e.list[i+1:], e.list[i:])
	e.list[i] = ev
	return ev, nil
}

// within are the events of a part that is being cut; from now on none is taken for it. nil has none.
func (e *Events) within(start, end media.Time) (events []Event) {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.floor = max(e.floor, end)
	for i := range e.list {
		if at := e.list[i].Start; start <= at && at < end {
			events = append(events, e.list[i])
		}
	}
	return events
}

// forget drops what every track is through with. Called locked.
func (e *Events) forget() {
	n := 0
	for n < len(e.list) && e.list[n].Start < e.floor-eventMemory {
		n++
	}
	e.list = append(e.list[:0], e.list[n:]...)
}

// frameAt is the start of the frame that t falls into.
func (p Plan) frameAt(t media.Time) media.Time {
	n := int64(t.Seconds() * p.Rate.Float())
	for n > 0 && p.Rate.Frame(n) > t {
		n--
	}
	for p.Rate.Frame(n+1) <= t {
		n++
	}
	return p.Rate.Frame(n)
}

// emsgFixed is the size of an emsg box of version 1 without its strings and message.
const emsgFixed = 12 + 4 + 8 + 4 + 4

func (ev *Event) size() int {
	return emsgFixed + len(ev.Scheme) + 1 + len(ev.Value) + 1 + len(ev.Payload)
}
