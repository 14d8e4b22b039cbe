package compositor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilecast/compositor/codec"
	"tilecast/compositor/level"
	"tilecast/media"
)

func TestSoundRenditionsAreOneMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Sounds = []Sound{{AudioID, 128_000}, {"audio-low", 48_000}}
		s := newStage(t, cfg, codec.Fake()).start()
		voice := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus)
		for k := range int64(100) {
			voice.Push(codec.FakeAudioPacket(0.01*float64(k%50), 480, k, s.now()))
			time.Sleep(20 * time.Millisecond)
		}
		s.end()
		full, low := s.tapes[AudioID], s.tapes["audio-low"]
		if len(full.packets) != len(low.packets) || low.closed != 1 || low.params.Audio.BitRate != 48_000 {
			t.Fatalf("%d and %d packets, closed %d times, %+v", len(full.packets), len(low.packets), low.closed, low.params.Audio)
		}
		for k, p := range full.packets {
			a, errA := codec.ParseFakeAudio(p.Data)
			b, errB := codec.ParseFakeAudio(low.packets[k].Data)
			if errA != nil || errB != nil || a != b || p.At != low.packets[k].At {
				t.Fatalf("frame %d: %+v at %v, low %+v at %v", k, a, p.At, b, low.packets[k].At)
			}
		}
		if st := s.Stats().Rungs; st[len(st)-1].Name != "audio-low" || st[len(st)-1].Samples != int64(len(low.packets)) {
			t.Errorf("%+v", st)
		}
	})
}

func TestSoundsAreChecked(t *testing.T) {
	cfg := config()
	cfg.Open = func(string, string, media.Params) (Outlet, error) { return &tape{}, nil }
	cfg.Sounds = []Sound{{"a", 48_000}, {"a", 48_000}, {"", 48_000}, {"b", 1000}}
	_, err := New(cfg, codec.Fake())
	for _, want := range []string{`sound "a"`, `sound ""`, "1000 bit/s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
}

// deskInput is one source of a desk.
type deskInput struct {
	*strip
	*voice
	source func(n int64) []float32 // packet n: 960 samples, interleaved stereo; nil is lost
	sent   int64
}

// desk is a mixer that a test drives, sample by sample.
type desk struct {
	*mixer
	mix    Mix
	inputs []*deskInput
	at     int64
	out    []float32
}

func newDesk(mix Mix) *desk { return &desk{mixer: newMixer(0, mix), mix: mix} }

func (d *desk) join(screen bool, source func(n int64) []float32) *deskInput {
	i := &deskInput{newStrip(fmt.Sprint("p", len(d.inputs)), d.mix, screen), newVoice(), source, (d.at + 959) / 960}
	d.add(i.voice, i.strip)
	d.inputs = append(d.inputs, i)
	return i
}

// run mixes for a while.
func (d *desk) run(seconds float64) {
	block := make([]float32, 2*blockLen)
	for end := d.at + int64(seconds*sampleRate); d.at < end; d.at += blockLen {
		for _, i := range d.inputs {
			for ; i.sent*960 < d.at+blockLen+level.Ahead+960; i.sent++ {
				if p := i.source(i.sent); p != nil {
					i.voice.write(at48(i.sent*960), p)
				}
			}
		}
		d.block(d.at, block)
		d.out = append(d.out, block...)
	}
}

// more is what the source gives for so long, which nobody hears.
func (i *deskInput) more(seconds float64) (x []float32) {
	for range int(seconds * 50) {
		x = append(x, i.source(i.sent)...)
		i.sent++
	}
	return x
}

// since is what was mixed from s seconds on.
func (d *desk) since(s float64) []float32 { return d.out[min(2*int(s*sampleRate), len(d.out)):] }

// hum is a tone that begins and never ends, so that a click stands out.
func hum(freq, peak float64) func(int64) []float32 {
	return func(n int64) []float32 {
		p := make([]float32, 2*960)
		for i := range 960 {
			x := float32(peak * math.Sin(2*math.Pi*freq*float64(n*960+int64(i))/sampleRate))
			p[2*i], p[2*i+1] = x, x
		}
		return p
	}
}

// talk is noise in syllables while talks says so, about as loud as lufs, over the noise of a room.
func talk(lufs float64, seed uint64, talks func(s float64) bool) func(int64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	rms := level.Gain(lufs + 0.5) // K-weighting of white noise and the syllables' pauses, roughly
	return func(n int64) []float32 {
		p := make([]float32, 2*960)
		for i := range 960 {
			s := float64(n*960+int64(i)) / sampleRate
			x := 0.001 * rng.NormFloat64()
			if talks(s) {
				x += rms * math.Pow(math.Abs(math.Sin(2*math.Pi*2*s)), 1.5) * max(min(rng.NormFloat64(), 3), -3)
			}
			p[2*i], p[2*i+1] = float32(x), float32(x)
		}
		return p
	}
}

func loudness(x []float32) float64 {
	in := level.NewIntegrated()
	in.Add(x)
	return in.LUFS()
}

// Each of three is brought to the target, and so is what is heard of them.
func TestMixIsHeldAtItsLoudness(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	turn := func(k int) func(float64) bool { // four seconds each in turn, half of the last one together with the next
		return func(s float64) bool { x := math.Mod(s-4*float64(k)+12, 12); return x < 4.5 && math.Mod(s, 2) < 1.7 }
	}
	for _, want := range []float64{-23, -16, -12} {
		d := newDesk(Mix{Loudness: want, Duck: 12})
		for k, lufs := range []float64{-9, -20, -27} {
			d.join(false, talk(lufs, uint64(k), turn(k)))
		}
		d.run(42)
		for _, from := range []float64{15, 30} {
			if got := loudness(d.since(from)); math.Abs(got-want) > 1 {
				t.Errorf("from %v s on: %.1f LUFS, want %v", from, got, want)
			}
		}
		for k, i := range d.inputs {
			lufs := loudness(i.more(24))
			if gain := min(max(want-lufs, -20), 12); math.Abs(i.rider.Gain()-gain) > 1 {
				t.Errorf("talker %d of %.1f LUFS is turned up by %.1f dB, want %.1f to be at %v", k, lufs, i.rider.Gain(), gain, want)
			}
		}
		if p := 20 * math.Log10(float64(level.TruePeak(d.out))); p > -2.5 {
			t.Errorf("true peak of %.2f dB", p)
		}
		t.Run(fmt.Sprint("ffmpeg at ", want), func(t *testing.T) { checkWithFFmpeg(t, d.since(15)) })
	}
}

// After a talker comes one who is 12 dB softer or louder, into a microphone of their own or into the same: so many
// seconds later any three seconds are as loud as they should be, within 1.5 LU.
func TestNextTalkerIsAsLoud(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	const change = 20.0 // s
	for _, c := range []struct {
		first, second float64 // LUFS
		same          bool
		within        float64 // s
	}{{-14, -26, false, 2}, {-26, -14, false, 2}, {-14, -26, true, 20}, {-26, -14, true, 15}} {
		d := newDesk(Mix{Loudness: -16})
		words := func(s float64) bool { return math.Mod(s, 3) < 2.5 }
		first := talk(c.first, 1, func(s float64) bool { return s < change && words(s) })
		second := talk(c.second, 2, func(s float64) bool { return s > change && words(s) })
		if c.same {
			d.join(false, func(n int64) []float32 {
				a, b := first(n), second(n)
				for i := range a {
					a[i] += b[i]
				}
				return a
			})
		} else {
			d.join(false, first)
			d.run(change - 1)
			d.join(false, second)
		}
		d.run(change + 40 - float64(d.at)/sampleRate)
		took := 0.0
		for s := change; s < change+36; s += 0.5 {
			if got := loudness(d.since(s)[:2*3*sampleRate]); math.Abs(got+16) > 1.5 {
				took = s + 0.5 - change
			}
		}
		if took > c.within {
			t.Errorf("of %v LUFS, then %v, in the same microphone %v: it takes %.1f s, want at most %v", c.first, c.second, c.same, took, c.within)
		}
	}
}

// checkWithFFmpeg lets another measure what we made and measured, where there is one.
func checkWithFFmpeg(t *testing.T, x []float32) {
	var raw bytes.Buffer
	binary.Write(&raw, binary.LittleEndian, x)
	cmd := exec.Command("ffmpeg", "-v", "info", "-nostats", "-f", "f32le", "-ar", "48000", "-ac", "2", "-i", "-", "-af", "ebur128=peak=true", "-f", "null", "-")
	cmd.Stdin = &raw
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	} else if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	find := func(re string) float64 {
		all := regexp.MustCompile(re).FindAllSubmatch(out, -1)
		if all == nil {
			t.Fatalf("ffmpeg says nothing of %s:\n%s", re, out)
		}
		v, _ := strconv.ParseFloat(string(all[len(all)-1][1]), 64)
		return v
	}
	theirs, peak := find(`I: +(-?[0-9.]+) LUFS`), find(`Peak: +(-?[0-9.]+) dBFS`)
	if ours := loudness(x); math.Abs(theirs-ours) > 0.2 {
		t.Errorf("ffmpeg measures %.1f LUFS, we %.1f", theirs, ours)
	}
	if peak > -2.5 {
		t.Errorf("ffmpeg measures a true peak of %.1f dB", peak)
	}
}

// Whoever is not heard, as they are muted or turned down to nothing, may talk all the time.
func TestScreenIsDuckedWhileSomebodySpeaks(t *testing.T) {
	for loud, within := range map[float64]float64{0: 0.5, -16: 3} { // levelling has its own mind
		d := newDesk(Mix{Loudness: loud, Duck: 12})
		d.join(true, hum(1000, 0.1))
		d.join(false, talk(-30, 1, func(s float64) bool { return s > 6 && s < 10 }))
		always := func(float64) bool { return true }
		d.join(false, talk(-20, 2, always)).muted.Store(true)
		d.join(false, talk(-20, 3, always)).setVolume(0)
		d.run(15)
		tone := func(from, to float64) float64 {
			return 20 * math.Log10(amplitude(d.since(from)[:2*int((to-from)*sampleRate)], 1000))
		}
		before, during, after := tone(4, 5.9), tone(7, 10), tone(12.5, 14.5)
		if math.Abs(before-during-12) > within {
			t.Errorf("loudness %v: the screen is lowered by %.1f dB, want 12", loud, before-during)
		}
		if math.Abs(before-after) > within {
			t.Errorf("loudness %v: two seconds later it is %.1f dB off", loud, after-before)
		}
	}
}

// From the first word on it takes at most 0.3 s until the screen gives way; then it is down within 128 ms, stays for a second
// after the last word, and is up again within another.
func TestDuckingTakesItsCourse(t *testing.T) {
	const begin, end = 3.0, 6.0 // s, of words
	for _, loud := range []float64{0, -16} {
		d := newDesk(Mix{Loudness: loud, Duck: 12})
		screen := d.join(true, hum(1000, 0.1))
		talker := d.join(false, talk(-20, 1, func(s float64) bool { return s > begin && s < end }))
		var dB []float64    // of the screen at the end of each block, but for what levels it
		first, last := 0, 0 // blocks of which the talker is heard
		for k := range 500 {
			d.run(blockTime.Seconds() / 2)
			dB = append(dB, 20*math.Log10(float64(screen.to)))
			if screen.levelled {
				dB[k] -= screen.rider.Gain()
			}
			if talker.speaks() {
				if last = k; first == 0 {
					first = k
				}
			}
		}
		at := func(s float64) int { return int(s * sampleRate / blockLen) }
		if first < at(begin) || first > at(begin+0.3) || last < at(end-0.3) || last > at(end+0.2) {
			t.Fatalf("words from %v to %v s are heard from block %d to %d", begin, end, first, last)
		}
		for _, c := range []struct {
			block int
			want  float64
		}{
			{first - 1, 0}, {first + 2, -6}, {first + 5, -12}, {(first + last) / 2, -12}, {last + at(0.95), -12},
			{last + at(1.25), -9}, {last + at(1.5), -6}, {last + at(1.75), -3}, {last + at(2.05), 0}, {len(dB) - 1, 0},
		} {
			if got := dB[c.block]; math.Abs(got-c.want) > 1 {
				t.Errorf("loudness %v: %.2f s after the first word is heard, %.2f s after the last, the screen is at %.1f dB, want %v",
					loud, float64(c.block-first)*blockTime.Seconds(), float64(c.block-last)*blockTime.Seconds(), got, c.want)
			}
		}
	}
}

// amplitude is that of the tone of freq in x.
func amplitude(x []float32, freq float64) float64 {
	var re, im float64
	n := len(x) / 2
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * freq * float64(i) / sampleRate)
		re += float64(x[2*i]) * c
		im += float64(x[2*i]) * s
	}
	return 2 * math.Hypot(re, im) / float64(n)
}

// However many shout at once, whether their loudness is held or not, no true peak is above -3.5 dB.
func TestCrowdsAreLimited(t *testing.T) {
	if testing.Short() {
		t.Skip("a calculation: it takes long and has nothing to race with")
	}
	for _, loud := range []float64{0, -10} {
		d := newDesk(Mix{Loudness: loud})
		for k := range uint64(8) {
			d.join(false, talk(-3, k, func(s float64) bool { return math.Mod(s+float64(k)/5, 2) < 1.2 }))
		}
		d.join(false, func(n int64) []float32 { // and somebody's square wave
			p := make([]float32, 2*960)
			for i := range p {
				p[i] = float32(1 - 2*((n*960+int64(i/2))/61%2))
			}
			return p
		})
		d.run(5)
		if p := 20 * math.Log10(float64(level.TruePeak(d.out))); p > -3.5 || p < -5 {
			t.Errorf("loudness %v: a true peak of %.2f dB", loud, p)
		}
	}
}

func TestVolumeAndMuteAreHeard(t *testing.T) {
	d := newDesk(Mix{})
	i := d.join(false, hum(480, 0.16))
	d.run(0.5)
	for _, c := range []struct {
		volume float64
		muted  bool
		want   float64
	}{{1, false, 0.16}, {0.5, false, 0.08}, {4, false, 0.64}, {9, false, 0.64}, {-1, false, 0}, {2, true, 0}, {2, false, 0.32}} {
		i.setVolume(c.volume)
		i.muted.Store(c.muted)
		d.run(0.5)
		if got := float64(peak(d.out[len(d.out)-2*9600:])); math.Abs(got-c.want) > 0.002 {
			t.Errorf("volume %v, muted %v: heard at %v, want %v", c.volume, c.muted, got, c.want)
		}
	}
}

// The first speaker is known by the sound alone, the second by what its sender says, too: of words as loud as they
// are, and of a hum that it is soft. What is silent is nobody, whatever its sender says, and so is who is muted, whatever they say.
func TestSpeakersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		var told []string
		cfg.Event = func(kind string, attrs ...slog.Attr) {
			told = append(told, fmt.Sprint(kind, " ", attrs[0].Value, " ", math.Round(attrs[1].Value.Float64()*10)/10, " ", attrs[2].Value))
		}
		s := newStage(t, cfg, codec.Fake()).start()
		bobs := s.Join(TileConfig{ID: "b", Name: "Bob"})
		ada, bob := s.open(s.Join(TileConfig{ID: "a", Name: "Ada"}), media.Opus), s.open(bobs, media.Opus)
		cyd := s.open(s.Join(TileConfig{ID: "c", Name: "Cyd"}), media.Opus)
		dans := s.Join(TileConfig{ID: "d", Name: "Dan"})
		dans.SetMuted(true)
		dan := s.open(dans, media.Opus)
		screen := s.open(s.Join(TileConfig{ID: "a screen", Kind: Screen}), media.Opus)
		bobs.Rename("Robert")
		for k := range int64(500) { // 10 s
			loud := func(from, to int64) float64 { // words of 160 ms, 40 ms apart
				if k >= from && k < to && k%10 < 8 {
					return 0.2
				}
				return 0.001
			}
			ada.Push(codec.FakeAudioPacket(loud(50, 250), 480, k, s.now()))
			screen.Push(codec.FakeAudioPacket(loud(300, 500), 480, k, s.now()))
			p := codec.FakeAudioPacket(max(loud(250, 450), 0.003), 480, k, s.now())
			if p.Level = 70; loud(250, 450) > 0.1 {
				p.Level = 18
			}
			bob.Push(p)
			p = codec.FakeAudioPacket(0, 480, k, s.now())
			p.Level = 1
			cyd.Push(p)
			p = codec.FakeAudioPacket(2*loud(25, 475), 480, k, s.now())
			p.Level = 10
			dan.Push(p)
			time.Sleep(20 * time.Millisecond)
		}
		sp := s.speaking.Load()
		s.end()
		delay := s.cfg.Delay.Seconds()
		if len(told) < 2 || !strings.HasPrefix(told[0], "speaker a 1.") || !strings.HasPrefix(told[1], "speaker b 5.") || !strings.HasSuffix(told[1], " Robert") {
			t.Fatalf("told: %q", told)
		}
		for k, want := range []float64{1 + delay, 5 + delay} {
			if at, _ := strconv.ParseFloat(strings.Fields(told[k])[2], 64); at < want || at > want+0.6 {
				t.Errorf("%s, want within 600 ms of %.2f", told[k], want)
			}
		}
		if sp == nil || sp.dominant != "b" || fmt.Sprint(sp.order) != "[b a]" {
			t.Errorf("layouts know %+v", sp)
		}
	})
}
