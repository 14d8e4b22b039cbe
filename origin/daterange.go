package origin

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// Why an announcement is not taken, besides the reasons of packager.Events.Add.
var (
	ErrSameID    = errors.New("the program has had an event with this id")
	ErrManyDates = errors.New("the playlist has as many events as it may: the oldest go with the segments that they belong to")
)

// maxDates bounds the date ranges that playlists show at once, maxStates those of them that end with the next of their
// class: each is a line in every full playlist. maxIDs bounds the IDs that are remembered, so that a program may last
// for months: by then nobody knows an older one.
const (
	maxDates  = 500
	maxStates = 1000
	maxIDs    = 1 << 15
)

// Announcement is an event with what playlists say of it.
type Announcement struct {
	packager.Event
	Class  string // of events with the same meaning
	Client []m3u8.ClientAttribute
	State  bool // it lasts until the next of its class begins, and is late rather than lost: Dur and Late say nothing
}

// Announce writes an event into the media of every rendition, at its frame (section 16), and as EXT-X-DATERANGE into all
// playlists, each with its next part (section 8). It answers when the event will be shown. Nothing is announced when it
// answers an error: those above, or of packager.Events.Add.
//
// A state (END-ON-NEXT, D-5) is in playlists until the next of its class has left them, and the latest for good, so that who
// comes late learns it; it begins a frame after the one before at the earliest. States are taken however many
// there are: where playlists have no room for one more, the oldest that has ended goes before its time.
func (p *Program) Announce(a Announcement) (at time.Time, err error) {
	p.news.mu.Lock()
	defer p.news.mu.Unlock()
	p.news.prune(p.listed())
	if p.news.had[a.ID] {
		return at, ErrSameID
	}
	before, alike := p.news.latest(a)
	if !a.State && alike >= maxDates {
		return at, ErrManyDates
	}
	if a.State {
		a.Dur, a.Late = -1, true
		if before != nil {
			a.Start = max(a.Start, before.start+p.cfg.Plan.Rate.Frame(1))
		}
	}
	if a.Event, err = p.events.Add(a.Event); err != nil {
		return at, err
	}
	at = p.cfg.Wall(a.Start)
	d := m3u8.DateRange{ID: a.ID, Class: a.Class, Start: at, Duration: -1, Next: a.State, Client: a.Client}
	if a.Dur >= 0 {
		d.Duration = a.Dur.Seconds()
	}
	news := &date{id: a.ID, class: a.Class, start: a.Start, state: a.State, line: m3u8.AppendDateRange(nil, &d), added: time.Now()}
	news.ends(p, a.Start+max(0, a.Dur))
	if a.State {
		news.last.Store(math.MaxInt64)
		if before != nil {
			before.ends(p, a.Start)
		}
		if alike >= maxStates && !p.news.push() { // each is the latest of its class
			return at, nil
		}
	}
	p.news.add(news)
	return at, nil
}

// listed is the oldest segment that is in any playlist.
func (p *Program) listed() (first int64) {
	for i, s := range *p.streams.Load() {
		if v := s.current.Load(); i == 0 || v.first < first {
			first = v.first
		}
	}
	return first
}

// At is the media time of what was captured at a moment.
func (p *Program) At(moment time.Time) media.Time {
	return media.FromDuration(moment.Sub(p.cfg.Wall(0)))
}

// Events is the book that the tracks of this program write from.
func (p *Program) Events() *packager.Events { return p.events }

// msnOf is the segment that shows t, or the next one where sound begins a little earlier than pictures.
func (p *Program) msnOf(t media.Time) int64 {
	return max(1, p.cfg.FirstMSN) + int64((t+media.Second/40)/p.cfg.Plan.SegmentStart(1))
}

// date is a date range that has been announced.
type date struct {
	number    int64 // 1, 2, 3… in the program
	id, class string
	start     media.Time
	state     bool
	line      []byte
	added     time.Time
	last      atomic.Int64 // the segment that its end maps to: the range stays for as long as that is listed (D-8)
}

// ends says when d does. Called locked.
func (d *date) ends(p *Program, t media.Time) { d.last.Store(p.msnOf(t)) }

// news are the date ranges of a program in the order in which they were announced.
type news struct {
	mu   sync.Mutex              // of those who announce
	had  map[string]bool         // every ID there has been, for none is used twice (D-8)
	ids  []string                // the same, oldest first; at most maxIDs
	last int64                   // number of the latest
	list atomic.Pointer[[]*date] // in order of their numbers; immutable
}

func (n *news) all() []*date {
	if list := n.list.Load(); list != nil {
		return *list
	}
	return nil
}

// latest is the state that a follows, nil for none, and how many there are of its kind. Called locked.
func (n *news) latest(a Announcement) (before *date, alike int) {
	for _, d := range n.all() {
		if d.state != a.State {
			continue
		}
		if alike++; d.state && d.class == a.Class {
			before = d
		}
	}
	return before, alike
}

// since are those after one with a number.
func (n *news) since(number int64) []*date {
	list := n.all()
	k := len(list)
	for k > 0 && list[k-1].number > number {
		k--
	}
	return list[k:]
}

// add publishes d. Called locked.
func (n *news) add(d *date) {
	if n.had == nil {
		n.had = map[string]bool{}
	}
	n.had[d.id] = true
	if n.ids = append(n.ids, d.id); len(n.ids) > maxIDs {
		delete(n.had, n.ids[0])
		n.ids = n.ids[1:]
	}
	n.last++
	d.number = n.last
	list := append(slices.Clip(n.all()), d)
	n.list.Store(&list)
}

// prune drops what no playlist shows any more: each stream knows by itself what it has removed. Called locked.
func (n *news) prune(listed int64) {
	gone := func(d *date) bool { return d.last.Load() < listed }
	if !slices.ContainsFunc(n.all(), gone) {
		return
	}
	list := slices.DeleteFunc(slices.Clone(n.all()), gone)
	n.list.Store(&list)
}

// push drops the oldest state that has ended, from every playlist with its next part, and answers false when there is none.
// Called locked.
func (n *news) push() bool {
	list := n.all()
	i := slices.IndexFunc(list, func(d *date) bool { return d.state && d.last.Load() != math.MaxInt64 })
	if i < 0 {
		return false
	}
	list[i].last.Store(0)
	list = slices.Delete(slices.Clone(list), i, i+1)
	n.list.Store(&list)
	return true
}

// told is a date range as one stream has it.
type told struct {
	*date
	removed time.Time // when it left the playlist; zero: it is there
}

// tell writes the date ranges into v: all that still map to a listed segment, and apart from them those that a delta of
// the second kind needs (K-6). Called locked.
func (s *Stream) tell(v *version) {
	for _, d := range s.program.news.since(s.heard) {
		s.told = append(s.told, told{date: d})
		s.heard = d.number
	}
	if len(s.told) == 0 {
		return
	}
	now, lately := time.Now(), s.program.cfg.Plan.SkipUntil.Duration()
	kept := s.told[:0]
	for _, t := range s.told {
		if t.removed.IsZero() && t.last.Load() < v.first {
			t.removed = now
		}
		switch {
		case t.removed.IsZero():
			v.ranges = append(v.ranges, t.line...)
			if now.Sub(t.added) <= lately {
				v.recent = append(v.recent, t.line...)
			}
		case now.Sub(t.removed) <= lately:
			v.removed = append(v.removed, t.id)
		default:
			continue
		}
		kept = append(kept, t)
	}
	clear(s.told[len(kept):])
	s.told = kept
}

// ClientName makes of a class and a key the name of a client attribute: X-COM-EXAMPLE-SCORE of com.example and score
// (D-7). What an attribute name cannot hold becomes a hyphen.
func ClientName(class, key string) string {
	return "X-" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z' || '0' <= r && r <= '9':
			return r
		}
		return '-'
	}, class+"-"+key)
}
