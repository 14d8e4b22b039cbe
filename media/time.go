package media

import (
	"fmt"
	"math/bits"
	"time"
)

// Time is a position on, or a length of, the program's timeline in flicks:
// 1/705,600,000 s since the program's epoch. It is exact for 90 kHz, 48 kHz
// and 44.1 kHz clocks and for frame rates from 24 to 120, the 1001 rates included.
type Time int64

const (
	Second      Time = 705_600_000
	Millisecond Time = Second / 1000
)

// FromDuration converts d to flicks, rounding towards zero.
func FromDuration(d time.Duration) Time {
	return Time(muldiv(int64(d), int64(Second), int64(time.Second)))
}

// Duration converts t to a time.Duration, rounding towards zero.
func (t Time) Duration() time.Duration {
	return time.Duration(muldiv(int64(t), int64(time.Second), int64(Second)))
}

// Seconds is t in seconds. For display and playlists only: arithmetic stays in Time.
func (t Time) Seconds() float64 { return float64(t) / float64(Second) }

// FromTicks converts n ticks of a clock that runs at rate Hz, rounding to the nearest flick.
func FromTicks(n, rate int64) Time {
	if int64(Second)%rate == 0 {
		return Time(n * (int64(Second) / rate))
	}
	return Time(muldivRound(n, int64(Second), rate))
}

// Ticks converts t to ticks of a clock that runs at rate Hz, rounding to the nearest tick.
func (t Time) Ticks(rate int64) int64 { return muldivRound(int64(t), rate, int64(Second)) }

func (t Time) String() string { return fmt.Sprintf("%.6fs", t.Seconds()) }

// FrameRate is a constant frame rate of Num/Den frames per second, such as 30/1 or 30000/1001.
type FrameRate struct{ Num, Den int64 }

// Frame is the time at which frame n begins.
func (r FrameRate) Frame(n int64) Time { return Time(muldivRound(n, int64(Second)*r.Den, r.Num)) }

// Index is the number of the frame on display at t, the largest n with Frame(n) <= t.
func (r FrameRate) Index(t Time) int64 {
	n := muldiv(int64(t), r.Num, int64(Second)*r.Den)
	for r.Frame(n) > t {
		n--
	}
	for r.Frame(n+1) <= t {
		n++
	}
	return n
}

// Float is the rate in frames per second.
func (r FrameRate) Float() float64 { return float64(r.Num) / float64(r.Den) }

func (r FrameRate) String() string {
	if r.Den == 1 {
		return fmt.Sprint(r.Num)
	}
	return fmt.Sprintf("%.3f", r.Float())
}

// Clock ties a program's timeline to the machine's clocks. Its epoch is read
// once: the monotonic part serves At, the wall part PROGRAM-DATE-TIME.
type Clock struct{ epoch time.Time }

// NewClock starts a timeline at epoch, which should come from time.Now so that
// it carries a monotonic reading.
func NewClock(epoch time.Time) Clock { return Clock{epoch} }

// At is the position of the instant now.
func (c Clock) At(now time.Time) Time { return FromDuration(now.Sub(c.epoch)) }

// Instant is the machine's time at position t, for waiting.
func (c Clock) Instant(t Time) time.Time { return c.epoch.Add(t.Duration()) }

// Wall is the UTC wall-clock time at position t, arithmetic on the epoch alone.
func (c Clock) Wall(t Time) time.Time { return c.epoch.Round(0).UTC().Add(t.Duration()) }

// muldiv is a*b/c without overflow of the product, truncated towards zero; b and c are positive.
func muldiv(a, b, c int64) int64 {
	neg := a < 0
	if neg {
		a = -a
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(hi, lo, uint64(c))
	if neg {
		return -int64(q)
	}
	return int64(q)
}

// muldivRound is muldiv rounded half away from zero.
func muldivRound(a, b, c int64) int64 {
	neg := a < 0
	if neg {
		a = -a
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	lo, carry := bits.Add64(lo, uint64(c)/2, 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(c))
	if neg {
		return -int64(q)
	}
	return int64(q)
}
