package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor/codec"
	"tilecast/media"
	"tilecast/packager/m3u8"
)

// tape records a program as a player gets it: whole segments, decoded when all is over, so that
// decoding takes nothing from the gateway.
type tape struct {
	base         string
	video, audio rendition
}

// rendition is what came of one media playlist.
type rendition struct {
	url   string
	init  []byte
	next  int64 // MSN
	parts []recorded
}

// recorded is one segment and the wall time of its beginning.
type recorded struct {
	wall time.Time
	data []byte
}

// newTape finds the smallest picture of at least 360 lines, and the sound, of room bench.
func newTape(base string) (*tape, error) {
	t := &tape{base: base}
	at := base + "/hls/bench/index.m3u8"
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		body, err := get(at)
		if err == nil {
			mv, err := m3u8.ParseMultivariant(body)
			if err != nil {
				return nil, err
			}
			return t, t.choose(at, mv)
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("no program: %w", err)
		}
	}
}

func (t *tape) choose(at string, mv *m3u8.Multivariant) error {
	best := 0
	for _, v := range mv.Variants {
		if h := v.Height; h >= 360 && (best == 0 || h < best) {
			best, t.video.url = h, join(at, v.URI)
		}
	}
	if len(mv.Audio) == 0 || t.video.url == "" {
		return errors.New("the program lacks a picture of 360 lines or its sound")
	}
	t.audio.url = join(at, mv.Audio[0].URI)
	return nil
}

// record follows the program until ctx ends, and then until the segments that began before are whole.
func (t *tape) record(ctx context.Context) error {
	const tail = 5 * time.Second
	var end time.Time
	for {
		for _, r := range []*rendition{&t.video, &t.audio} {
			if err := r.follow(); err != nil {
				return err
			}
		}
		if ctx.Err() != nil && end.IsZero() {
			end = time.Now().Add(tail)
		}
		if !end.IsZero() && time.Now().After(end) {
			return nil
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// follow takes the segments that are new in the playlist.
func (r *rendition) follow() error {
	body, err := get(r.url)
	if err != nil {
		return err
	}
	list, err := m3u8.ParseMedia(body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.url, err)
	}
	for _, s := range list.Segments {
		if s.MSN < r.next && r.next != 0 || s.Gap {
			continue
		}
		if r.init == nil {
			if r.init, err = get(join(r.url, s.InForce)); err != nil {
				return err
			}
		}
		data, err := get(join(r.url, s.URI))
		if err != nil {
			return err
		}
		r.parts = append(r.parts, recorded{s.ProgramDateTime, data})
		r.next = s.MSN + 1
	}
	return nil
}

func get(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.80s", url, resp.Status, body)
	}
	return body, err
}

func join(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}

// tick is one picture of the decoded program.
type tick struct {
	at, dur float64 // s on the program's timeline
	wall    time.Time
	ms      uint32 // of the barcode
	ok      bool   // there is one
}

// samples calls each with every sample of a rendition, in order: its time, and the wall time.
func (r *rendition) samples(each func(at, dur float64, wall time.Time, s mp4.FullSample, init *mp4.InitSegment) error) error {
	head, err := mp4.DecodeFile(bytes.NewReader(r.init))
	if err != nil {
		return err
	}
	init := head.Init
	scale := float64(init.Moov.Trak.Mdia.Mdhd.Timescale)
	for _, p := range r.parts {
		file, err := mp4.DecodeFile(io.MultiReader(bytes.NewReader(r.init), bytes.NewReader(p.data)))
		if err != nil {
			return err
		}
		first := -1.0
		for _, seg := range file.Segments {
			for _, f := range seg.Fragments {
				all, err := f.GetFullSamples(init.Moov.Mvex.Trex)
				if err != nil {
					return err
				}
				for _, s := range all {
					at := float64(s.DecodeTime) / scale
					if first < 0 {
						first = at
					}
					wall := p.wall.Add(time.Duration((at - first) * float64(time.Second)))
					if err := each(at, float64(s.Dur)/scale, wall, s, init); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// pictures decodes the video and reads the barcode that fills the canvas.
func (t *tape) pictures() (ticks []tick, err error) {
	dec, err := codec.LibAV().NewVideoDecoder(media.H264)
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	err = t.video.samples(func(at, dur float64, wall time.Time, s mp4.FullSample, init *mp4.InitSegment) error {
		var unit []byte
		if s.IsSync() {
			conf := init.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX.AvcC.DecConfRec
			for _, nal := range slices.Concat(conf.SPSnalus, conf.PPSnalus) {
				unit = append(append(unit, 0, 0, 0, 1), nal...)
			}
		}
		for b := s.Data; len(b) > 4; {
			n := int(binary.BigEndian.Uint32(b))
			if n > len(b)-4 {
				return errors.New("a NAL unit is cut off")
			}
			unit = append(append(unit, 0, 0, 0, 1), b[4:4+n]...)
			b = b[4+n:]
		}
		pics, err := dec.Decode(media.Packet{Key: s.IsSync(), Data: unit})
		if err != nil && !errors.Is(err, codec.ErrNeedKey) {
			return err
		}
		for _, p := range pics {
			k := tick{at: at, dur: dur, wall: wall}
			k.ms, _, k.ok = broadcast.ReadBarcode(p.Y, p.StrideY, p.W, p.H)
			ticks = append(ticks, k)
			p.Release()
		}
		return nil
	})
	return ticks, err
}

// soundStep is the grain that sound is judged in, in samples: 5 ms.
const soundStep = 240

// sounds is the decoded sound: its samples of one channel, and the time of the first.
type sounds struct {
	at   float64
	wall time.Time
	pcm  []float32
}

func (t *tape) sounds() (out sounds, err error) {
	dec, err := codec.LibAV().NewAudioDecoder(media.AAC)
	if err != nil {
		return out, err
	}
	defer dec.Close()
	err = t.audio.samples(func(at, _ float64, wall time.Time, s mp4.FullSample, _ *mp4.InitSegment) error {
		pcm, err := dec.Decode(s.Data)
		if err != nil {
			return err
		}
		if out.pcm == nil {
			out.at, out.wall = at, wall
		}
		for i := 0; i < len(pcm); i += 2 {
			out.pcm = append(out.pcm, pcm[i])
		}
		return nil
	})
	return out, err
}

// loud is the level of step k.
func (s *sounds) loud(k int) float64 {
	var sum float64
	for _, x := range s.pcm[k*soundStep : (k+1)*soundStep] {
		sum += float64(x * x)
	}
	return math.Sqrt(sum / soundStep)
}

// silences are the lengths, in s, of the stretches of at least 10 ms between two instants in which nothing is heard.
func (s *sounds) silences(from, to time.Time, threshold float64) (all []float64) {
	run := 0
	flush := func() {
		if run >= 2 {
			all = append(all, float64(run*soundStep)/48000)
		}
		run = 0
	}
	for k := range len(s.pcm) / soundStep {
		at := s.wall.Add(time.Duration(k*soundStep) * time.Second / 48000)
		if at.Before(from) || at.After(to) {
			continue
		}
		if s.loud(k) < threshold {
			run++
		} else {
			flush()
		}
	}
	flush()
	return all
}

// repeats is the share of ticks inside stretches of more than 100 ms that show one picture, and the longest such stretch in s.
func repeats(ticks []tick, from, to time.Time) (share, longest float64) {
	var all, bad, run float64
	var last uint32
	known := false
	flush := func() {
		if run > 0.1001 {
			bad += run
		}
		longest, run = max(longest, run), 0
	}
	for _, k := range ticks {
		if k.wall.Before(from) || k.wall.After(to) {
			continue
		}
		if k.ok && (!known || k.ms != last) {
			flush()
			last, known = k.ms, true
		}
		all += k.dur
		run += k.dur
	}
	flush()
	if all == 0 {
		return 1, 0
	}
	return bad / all, longest
}

// rate is new pictures per second.
func rate(ticks []tick, from, to time.Time) float64 {
	n := 0
	var last uint32
	for _, k := range ticks {
		if k.wall.Before(from) || k.wall.After(to) || !k.ok || k.ms == last {
			continue
		}
		last = k.ms
		n++
	}
	return float64(n) / to.Sub(from).Seconds()
}

// skews is how much later the picture is than the sound of the same moment, in ms, at each
// beep; positive: the picture is late. Beeps begin with each second of the barcode's clock.
// Pictures wait for the next tick, half a tick on average, which is taken off. Beeps over a picture that
// has stood for more than 100 ms tell nothing: repeats counts that.
func skews(ticks []tick, s sounds, from, to time.Time) (all []float64) {
	const half = 1000.0 / 60
	quiet := 0
	for k := range len(s.pcm) / soundStep {
		if s.beep(k) < 0.1 {
			quiet++
			continue
		}
		heard := quiet
		quiet = 0
		onset := s.at + float64(k*soundStep+s.onset(k))/48000
		wall := s.wall.Add(time.Duration((onset - s.at) * float64(time.Second)))
		if heard < 40 || wall.Before(from) || wall.After(to) {
			continue
		}
		i, ok := slices.BinarySearchFunc(ticks, onset, func(t tick, at float64) int {
			if t.at+t.dur <= at {
				return -1
			} else if t.at > at {
				return 1
			}
			return 0
		})
		if !ok || !ticks[i].ok || stands(ticks, i) > 0.1001 {
			continue
		}
		clock := ticks[i].wall.Add(-broadcast.BarcodeAge(ticks[i].ms, ticks[i].wall)).UnixMilli()
		taken := float64(clock % 1000) // after, or before, the second that the beep begins with
		if taken > 500 {
			taken -= 1000
		}
		all = append(all, (ticks[i].at-onset)*1000-taken-half)
	}
	return all
}

// stands is how long, in s, the picture of tick i has been there when tick i begins.
func stands(ticks []tick, i int) float64 {
	first := i
	for first > 0 && (!ticks[first-1].ok || ticks[first-1].ms == ticks[i].ms) {
		first--
	}
	return ticks[i].at - ticks[first].at
}

// beep is the level of 1 kHz in step k.
func (s *sounds) beep(k int) float64 {
	var re, im float64
	for i, x := range s.pcm[k*soundStep : (k+1)*soundStep] {
		a := 2 * math.Pi * float64(i) / 48
		re += float64(x) * math.Cos(a)
		im += float64(x) * math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / soundStep
}

// onset is where in step k, or the one before, a beep of half the level of the next step begins, in samples from k's start.
func (s *sounds) onset(k int) int {
	if k == 0 || (k+2)*soundStep > len(s.pcm) {
		return 0
	}
	level := 0.5 * s.beep(k+1)
	for i := (k - 1) * soundStep; i < (k+1)*soundStep; i++ {
		var peak float32
		for _, x := range s.pcm[i : i+24] { // half a period
			peak = max(peak, x, -x)
		}
		if float64(peak) > level {
			return i - k*soundStep
		}
	}
	return 0
}

// summary words skews: their median, and the one exceeded by a twentieth.
func summary(all []float64) (text string, worst float64) {
	if len(all) == 0 {
		return "no beep found", math.Inf(1)
	}
	slices.Sort(all)
	low, high := all[len(all)/20], all[len(all)-1-len(all)/20]
	return fmt.Sprintf("median %+.0f ms, 5..95%% %+.0f..%+.0f ms", all[len(all)/2], low, high), max(high, -low)
}
