package origin

import (
	"errors"
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

// maxDates bounds the date ranges that playlists show at once: each is a line in every full playlist. maxIDs bounds the
// IDs that are remembered, so that a program may last for months: by then nobody knows an older one.
const (
	maxDates = 500
	maxIDs   = 1 << 15
)

// Announcement is an event with what playlists say of it.
type Announcement struct {
	packager.Event
	Class  string // of events with the same meaning
	Client []m3u8.ClientAttribute
}

// Announce writes an event into the media of every rendition, at its frame (section 16), and as EXT-X-DATERANGE into all
// playlists, each with its next part (section 8). It answers when the event will be shown. Nothing is announced when it
// answers an error: those above, or of packager.Events.Add.
func (p *Program) Announce(a Announcement) (at time.Time, err error) {
	p.news.mu.Lock()
	defer p.news.mu.Unlock()
	now := time.Now()
	p.news.prune(now.Add(-2*p.cfg.Window.Duration()), p.cfg.Event)
	if p.news.had[a.ID] {
		return at, ErrSameID
	}
	if len(p.news.all()) >= maxDates {
		return at, ErrManyDates
	}
	if a.Event, err = p.events.Add(a.Event); err != nil {
		return at, err
	}
	at = p.cfg.Wall(a.Start)
	d := m3u8.DateRange{ID: a.ID, Class: a.Class, Start: at, Duration: -1, Client: a.Client}
	if a.Dur >= 0 {
		d.Duration = a.Dur.Seconds()
	}
	end := a.Start + max(0, a.Dur)
	p.news.add(&date{
		id: a.ID, line: m3u8.AppendDateRange(nil, &d), added: now, end: p.cfg.Wall(end), last: p.msnOf(end),
	})
	return at, nil
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
	id    string
	line  []byte
	added time.Time
	end   time.Time
	last  int64 // the segment that its end maps to: the range stays for as long as that is listed (D-8)
}

// news are the date ranges of a program in the order in which they were announced.
type news struct {
	mu   sync.Mutex      // of those who announce
	had  map[string]bool // every ID there has been, for none is used twice (D-8)
	ids  []string        // the same, oldest first; at most maxIDs
	list atomic.Pointer[bulletin]
}

// bulletin is a state of the news. Immutable.
type bulletin struct {
	before int // how many have gone from the front
	dates  []*date
}

func (n *news) all() []*date {
	if b := n.list.Load(); b != nil {
		return b.dates
	}
	return nil
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
	b := bulletin{}
	if old := n.list.Load(); old != nil {
		b = *old
	}
	b.dates = append(slices.Clip(b.dates), d)
	n.list.Store(&b)
}

// prune drops what no playlist can show any more, unless nothing may ever go. Called locked.
func (n *news) prune(before time.Time, event bool) {
	b := n.list.Load()
	if b == nil || event {
		return
	}
	drop := 0
	for drop < len(b.dates) && b.dates[drop].end.Before(before) && b.dates[drop].added.Before(before) {
		drop++
	}
	n.list.Store(&bulletin{b.before + drop, b.dates[drop:]})
}

// told is a date range as one stream has it.
type told struct {
	*date
	removed time.Time // when it left the playlist; zero: it is there
}

// tell writes the date ranges into v: all that still map to a listed segment, and apart from them those that a delta of
// the second kind needs (K-6). Called locked.
func (s *Stream) tell(v *version) {
	if b := s.program.news.list.Load(); b != nil {
		from := max(0, s.heard-b.before)
		for _, d := range b.dates[min(from, len(b.dates)):] {
			s.told = append(s.told, told{date: d})
		}
		s.heard = b.before + len(b.dates)
	}
	if len(s.told) == 0 {
		return
	}
	now, lately := time.Now(), s.program.cfg.Plan.SkipUntil.Duration()
	kept := s.told[:0]
	for _, t := range s.told {
		if t.removed.IsZero() && t.last < v.first {
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
