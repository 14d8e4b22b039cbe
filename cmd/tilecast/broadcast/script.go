package broadcast

import (
	"math"
	"math/rand/v2"
	"sort"

	"tilecast/media"
)

// Script says who speaks when, and how: turns of three to six seconds, one after the
// other, now and then overlapping a little. It is the same for the same seed, repeats
// after some minutes, and is only read once made, so any number may share it.
type Script struct {
	length media.Time
	turns  [][]turn // by speaker, in order
}

type turn struct {
	start, end media.Time
	syllables  []syllable
}

// syllable is one opening of the mouth.
type syllable struct {
	start, end media.Time
	vowel      int
	onset      onset
	pitch      float64 // factor on the speaker's own
	loud       float64 // 0..1
	in, out    float64 // how open the mouth still is at its start and its end
}

type onset uint8

const (
	smooth onset = iota // l, m, n, w: the formants glide
	hiss                // s, sh, f
	pop                 // p, t, k
)

// turnsEach is how often each speaks in a cycle of the script.
const turnsEach = 8

// NewScript writes a script for some speakers, at least one.
func NewScript(seed uint64, speakers int) *Script {
	speakers = max(speakers, 1)
	r := rand.New(rand.NewPCG(seed, 0x7461_6c6b))
	s := &Script{turns: make([][]turn, speakers)}
	ms := func(from, to int) media.Time { return media.Time(from+r.IntN(to-from)) * media.Millisecond }
	at, last := media.Time(0), -1
	for range turnsEach {
		for _, who := range order(r, speakers, last) {
			last = who
			t := turn{start: at, end: at + ms(3000, 6000)}
			t.syllables = talk(r, t.start, t.end)
			s.turns[who] = append(s.turns[who], t)
			switch {
			case speakers == 1:
				at = t.end + ms(900, 2000)
			case r.IntN(4) == 0:
				at = t.end - ms(150, 450)
			default:
				at = t.end + ms(100, 400)
			}
		}
	}
	s.length = at + media.Second
	return s
}

// NewMonologue is a script for pictures that stand still: one of the speakers has the word all the time, and the mouth open
// whenever a second begins; all others are silent. A negative who is nobody.
func NewMonologue(who, speakers int) *Script {
	s := &Script{length: media.Second, turns: make([][]turn, max(speakers, 1))}
	if who >= 0 && who < speakers {
		word := syllable{start: -media.Second / 2, end: media.Second / 2, pitch: 1, loud: 0.85}
		s.turns[who] = []turn{{start: -media.Second, end: media.Second, syllables: []syllable{word}}}
	}
	return s
}

// order is a round in which everybody speaks once and nobody twice in a row.
func order(r *rand.Rand, n, last int) []int {
	round := r.Perm(n)
	if n > 1 && round[0] == last {
		round[0], round[n-1] = round[n-1], round[0]
	}
	return round
}

// talk fills a turn with phrases of syllables; the pitch falls over a phrase, and
// rises at its end when it is a question.
func talk(r *rand.Rand, start, end media.Time) []syllable {
	var out []syllable
	ms := func(from, to int) media.Time { return media.Time(from+r.IntN(to-from)) * media.Millisecond }
	for at := start + 40*media.Millisecond; ; {
		n := 4 + r.IntN(7)
		question := r.IntN(4) == 0
		for i := range n {
			dur := ms(110, 210)
			if i == n-1 {
				dur += 80 * media.Millisecond
			}
			if at+dur > end {
				return out
			}
			x := float64(i) / float64(n-1)
			pitch := 1.12 - 0.24*x + 0.06*(r.Float64()-0.5)
			if question && x > 0.7 {
				pitch += 0.9 * (x - 0.7)
			}
			y := syllable{
				start: at, end: at + dur, vowel: r.IntN(len(vowels)), onset: onset(r.IntN(3)),
				pitch: pitch, loud: 0.65 + 0.35*r.Float64(), in: 0.3, out: 0.3,
			}
			at += dur
			if i == 0 {
				y.in = 0
			}
			if last := i == n-1; last || at+210*media.Millisecond > end {
				y.out = 0
			}
			out = append(out, y)
		}
		at += ms(180, 420)
	}
}

// Speaking reports whether who has the word at t, flicks since the Unix epoch.
func (s *Script) Speaking(who int, t media.Time) bool {
	u := t % s.length
	turn := s.turn(who, u)
	return turn != nil && u < turn.end
}

// turn is the latest turn of who that began by u, nil before the first.
func (s *Script) turn(who int, u media.Time) *turn {
	if who < 0 || who >= len(s.turns) {
		return nil
	}
	all := s.turns[who]
	i := sort.Search(len(all), func(i int) bool { return all[i].start > u })
	if i == 0 {
		return nil
	}
	return &all[i-1]
}

// voicing is what a mouth does at one instant.
type voicing struct {
	open  float64 // 0..1
	s     *syllable
	since media.Time // its start
}

func (s *Script) voicing(who int, t media.Time) voicing {
	u := t % s.length
	turn := s.turn(who, u)
	if turn == nil || u >= turn.end {
		return voicing{}
	}
	all := turn.syllables
	i := sort.Search(len(all), func(i int) bool { return all[i].start > u })
	if i == 0 || u >= all[i-1].end {
		return voicing{}
	}
	y := &all[i-1]
	x := float64(u-y.start) / float64(y.end-y.start)
	edge := y.in
	if x > 0.5 {
		edge = y.out
	}
	return voicing{open: y.loud * (edge + (1-edge)*math.Sqrt(math.Sin(math.Pi*x))), s: y, since: u - y.start}
}
