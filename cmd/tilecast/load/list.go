package load

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"sync"
	"time"

	"tilecast/packager/m3u8"
)

// cursor names a part.
type cursor struct {
	msn  int64
	part int
}

func (c cursor) before(d cursor) bool { return c.msn < d.msn || c.msn == d.msn && c.part < d.part }

// unit is a part as a playlist shows it.
type unit struct {
	at          cursor
	url         string
	byteRange   string        // value of a Range header; empty: all of it
	dur         time.Duration // s
	end         time.Time     // program time; zero where the playlist has no dates
	independent bool
	gap         bool
}

// list is what a viewer needs of a playlist. Immutable: all who were sent the same bytes share it.
type list struct {
	units  []unit // parts, oldest first
	next   cursor // the part that comes next
	hint   string // URL of it; empty where it is not hinted, or hinted as a range
	init   string
	first  int64 // MSN of the first segment that is shown
	target time.Duration
	limit  time.Duration // three target durations
	hold   time.Duration // PART-HOLD-BACK
	skip   string        // value of _HLS_skip; empty: there are no deltas
	ended  bool
}

// memo remembers what playlists say, by their bytes: all viewers are sent the same, and it is read once.
type memo struct {
	mu   sync.Mutex
	seed maphash.Seed
	seen map[memoKey]*list
	old  map[memoKey]*list
}

type memoKey struct {
	url  string
	hash uint64
}

func (m *memo) read(url string, body []byte) (*list, error) {
	m.mu.Lock()
	if m.seen == nil {
		m.seed, m.seen = maphash.MakeSeed(), map[memoKey]*list{}
	}
	key := memoKey{url, maphash.Bytes(m.seed, body)}
	l := m.seen[key]
	if l == nil {
		l = m.old[key]
	}
	m.mu.Unlock()
	if l != nil {
		return l, nil
	}
	l, err := readList(url, body)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) >= 256 { // what is older than two such generations nobody is sent any more
		m.old, m.seen = m.seen, map[memoKey]*list{}
	}
	m.seen[key] = l
	return l, nil
}

// readList reads a media playlist or a delta of it. The base of a delta is not needed: what it leaves out is
// older than anything that is still to be fetched.
func readList(url string, body []byte) (*list, error) {
	text, err := unzip(body)
	if err != nil {
		return nil, err
	}
	p, err := m3u8.ParseMedia(text)
	if err != nil {
		return nil, err
	}
	if !p.EndList && (p.PartTarget == 0 || !p.CanBlockReload) {
		return nil, errNotLow
	}
	l := &list{
		target: seconds(p.PartTarget), limit: 3 * time.Duration(p.TargetDuration) * time.Second, hold: seconds(p.PartHoldBack),
		ended: p.EndList, first: p.MediaSequence,
	}
	switch {
	case p.CanSkipUntil > 0 && p.CanSkipDateRanges:
		l.skip = "v2"
	case p.CanSkipUntil > 0:
		l.skip = "YES"
	}
	if l.hold == 0 {
		l.hold = 3 * l.target
	}
	var now time.Time
	for i := range p.Segments {
		now = l.add(url, &p.Segments[i], now)
	}
	l.next = cursor{p.MediaSequence + int64(p.Skipped+len(p.Segments)), 0}
	if p.Open != nil {
		l.add(url, p.Open, now)
		l.next.part = len(p.Open.Parts)
	}
	for _, h := range p.Hints {
		if h.Type == "PART" && !h.Ranged {
			l.hint = resolve(url, h.URI)
		}
	}
	return l, nil
}

// add takes the parts of s in. now is where it begins, unless it says so itself; the answer is where it ends.
func (l *list) add(url string, s *m3u8.Listed, now time.Time) time.Time {
	if !s.ProgramDateTime.IsZero() {
		now = s.ProgramDateTime
	}
	begin := now
	if file, _, _ := strings.Cut(s.InForce, "#"); file != "" {
		l.init = resolve(url, file)
	}
	for i, p := range s.Parts {
		if !now.IsZero() {
			now = now.Add(seconds(p.Duration))
		}
		l.units = append(l.units, unit{
			at: cursor{s.MSN, i}, url: resolve(url, p.URI), byteRange: rangeHeader(p.ByteRange), dur: seconds(p.Duration),
			end: now, independent: p.Independent, gap: p.Gap || s.Gap,
		})
	}
	if s.URI != "" && !begin.IsZero() {
		return begin.Add(seconds(s.Duration))
	}
	return now
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// rangeHeader asks for n@o.
func rangeHeader(s string) string {
	n, o, ok := strings.Cut(s, "@")
	length, err := strconv.ParseInt(n, 10, 64)
	offset, err2 := strconv.ParseInt(o, 10, 64)
	if !ok || err != nil || err2 != nil {
		return ""
	}
	return fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)
}

// since is the index of the first unit at c or behind it.
func (l *list) since(c cursor) int {
	for i := len(l.units); i > 0; i-- {
		if l.units[i-1].at.before(c) {
			return i
		}
	}
	return 0
}

// start is the index of the unit to begin with: the last independent one that is the hold-back from the end, or
// the first.
func (l *list) start() int {
	var behind time.Duration
	for i := len(l.units) - 1; i >= 0; i-- {
		if behind += l.units[i].dur; behind >= l.hold && l.units[i].independent {
			return i
		}
	}
	return 0
}
