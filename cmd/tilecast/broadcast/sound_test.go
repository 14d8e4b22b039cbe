package broadcast

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"testing"

	"tilecast/compositor/codec"
	"tilecast/media"
)

const someday = 1_790_000_000 * media.Second

// hear is d of a sound from t on, its left channel.
func hear(s Sound, t, d media.Time) []float64 {
	buf := make([]float32, 2*soundSamples)
	var out []float64
	for end := t + d; t < end; t += soundFrame {
		s.Fill(buf, t)
		for i := 0; i < len(buf); i += 2 {
			out = append(out, float64(buf[i]))
		}
	}
	return out
}

func rms(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return 20 * math.Log10(math.Sqrt(sum/float64(len(x)))+1e-12)
}

func peak(x []float64) float64 {
	var p float64
	for _, v := range x {
		p = max(p, math.Abs(v))
	}
	return 20 * math.Log10(p+1e-12)
}

func TestTurnsAreTaken(t *testing.T) {
	for _, n := range []int{1, 2, 4, 9} {
		s := NewScript(7, n)
		var spoken, overlap, silent media.Time
		talked := make([]media.Time, n)
		last, changes := -1, 0
		for at := media.Time(0); at < s.length; at += 10 * media.Millisecond {
			now := 0
			for who := range n {
				if s.Speaking(who, someday/s.length*s.length+at) {
					now++
					talked[who] += 10 * media.Millisecond
					if who != last {
						last = who
						changes++
					}
				}
			}
			switch {
			case now == 0:
				silent += 10 * media.Millisecond
			case now > 2:
				t.Fatalf("%d of %d speak at once", now, n)
			case now == 2:
				overlap += 10 * media.Millisecond
			}
			spoken += 10 * media.Millisecond
		}
		for who, d := range talked {
			if d < turnsEach*3*media.Second || d > turnsEach*6*media.Second {
				t.Errorf("%d speakers: %d speaks for %v in %d turns", n, who, d, turnsEach)
			}
		}
		if n > 1 && (overlap == 0 || overlap > spoken/20 || silent > spoken/8) {
			t.Errorf("%d speakers: of %v, %v overlapping and %v silent", n, spoken, overlap, silent)
		}
		if n > 1 && changes < turnsEach*n {
			t.Errorf("%d speakers: the word changes %d times", n, changes)
		}
	}
}

func TestVoiceFollowsTheScript(t *testing.T) {
	s := NewScript(3, 4)
	base := someday / s.length * s.length
	for who, person := range Cast[:4] {
		turn := s.turns[who][2]
		v := NewVoice(person, s, who)
		start := (base + turn.start) / soundFrame * soundFrame
		talk := hear(v, start, turn.end-turn.start)
		quiet := hear(v, start+turn.end-turn.start+200*media.Millisecond, 400*media.Millisecond)
		if l := rms(talk); l < -32 || l > -14 {
			t.Errorf("%s speaks at %.1f dBFS", person.Name, l)
		}
		if p := peak(talk); p > -1 {
			t.Errorf("%s peaks at %.1f dBFS", person.Name, p)
		}
		if l := rms(quiet); l > -55 || l < -90 {
			t.Errorf("%s's room is at %.1f dBFS", person.Name, l)
		}
		again := hear(NewVoice(person, s, who), start, turn.end-turn.start)
		for i := range talk {
			if talk[i] != again[i] {
				t.Fatalf("%s says something else the second time", person.Name)
			}
		}
	}
}

func TestVoicesDifferInPitch(t *testing.T) {
	s := NewScript(3, 9)
	for who, person := range Cast {
		y := s.turns[who][0].syllables[1]
		start := (someday/s.length*s.length + s.turns[who][0].start) / soundFrame * soundFrame
		x := hear(NewVoice(person, s, who), start, 3*media.Second)
		from := int((y.start - s.turns[who][0].start + 60*media.Millisecond).Ticks(48000))
		got := pitchOf(x[from : from+2400])
		if want := person.pitch * y.pitch; math.Abs(got/want-1) > 0.12 {
			t.Errorf("%s: pitch %.0f Hz, want about %.0f", person.Name, got, want)
		}
	}
}

// pitchOf is the lag with the best autocorrelation between 70 and 320 Hz.
func pitchOf(x []float64) float64 {
	best, at := 0.0, 1
	for lag := 48000 / 320; lag < 48000/70; lag++ {
		var c, e0, e1 float64
		for i := 0; i+lag < len(x); i++ {
			c += x[i] * x[i+lag]
			e0 += x[i] * x[i]
			e1 += x[i+lag] * x[i+lag]
		}
		// a little less for longer lags, or twice the period wins
		if c = c / math.Sqrt(e0*e1+1e-12) * (1 - float64(lag)/4000); c > best {
			best, at = c, lag
		}
	}
	return 48000 / float64(at)
}

func TestFlashAndBeepBeginTogether(t *testing.T) {
	f := FlashBeep{}
	rate := media.FrameRate{Num: 30, Den: 1}
	p := newPlanes(64, 48)
	for n := range int64(90) {
		at := someday + rate.Frame(n)
		f.Draw(p, at)
		if white := p.Y[0] == 235; white != (n%30 < 2) {
			t.Fatalf("frame %d: white %v", n, white)
		}
	}
	x := hear(f, someday, 2*media.Second)
	for i, v := range x {
		switch u := i % 48000; {
		case u >= 2880 && v != 0:
			t.Fatalf("sample %d after the beep is %v", u, v)
		case u == 1 && v <= 0:
			t.Fatal("the beep does not begin with its second")
		}
	}
	if p := peak(x); math.Abs(p+6) > 0.1 {
		t.Fatalf("beep at %.2f dBFS", p)
	}
	y := hear(Tone{Hz: 440, Level: -20}, someday, media.Second)
	if p := peak(y); math.Abs(p+20) > 0.1 {
		t.Fatalf("tone at %.2f dBFS", p)
	}
	if crossings := zeroCrossings(y); crossings < 439 || crossings > 441 {
		t.Fatalf("tone at %d Hz", crossings)
	}
}

func zeroCrossings(x []float64) (n int) {
	for i := 1; i < len(x); i++ {
		if x[i-1] < 0 && x[i] >= 0 {
			n++
		}
	}
	return n
}

// A beep that went through Opus is heard where the packets' times say, to 3 ms: the
// encoder's delay is in them.
func TestOpusKeepsTheBeepInPlace(t *testing.T) {
	set := codec.LibAV()
	enc, err := set.NewAudioEncoder(codec.AudioConfig{Codec: media.Opus, BitRate: 64_000})
	if errors.Is(err, codec.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	dec, err := set.NewAudioDecoder(media.Opus)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	const lead = 100 * media.Millisecond
	buf := make([]float32, 2*soundSamples)
	loud := media.Time(-1)
	for n := range media.Time(30) {
		FlashBeep{}.Fill(buf, someday-lead+n*soundFrame)
		packets, err := enc.Encode(buf)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			out, err := dec.Decode(p.Data)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(out) && loud < 0; i += 2 {
				if math.Abs(float64(out[i])) > 0.2 {
					loud = p.At + media.FromTicks(int64(i/2), 48000)
				}
			}
		}
	}
	if off := loud - lead; loud < 0 || off < -3*media.Millisecond || off > 3*media.Millisecond {
		t.Fatalf("the beep is heard %v off its time", off)
	}
}

// With VOICES set to a folder, the cast is written there as WAV files to listen to.
func TestWriteVoices(t *testing.T) {
	dir := os.Getenv("VOICES")
	if dir == "" {
		t.Skip("VOICES is not set")
	}
	s := NewScript(2026, 4)
	mix := make([]float64, 48000*30)
	for who, p := range Cast[:4] {
		for i, v := range hear(NewVoice(p, s, who), someday/s.length*s.length, 30*media.Second) {
			mix[i] += v
		}
	}
	wav := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\xbb\x00\x00\x00\x77\x01\x00\x02\x00\x10\x00data")
	wav = binary.LittleEndian.AppendUint32(wav, uint32(2*len(mix)))
	for _, v := range mix {
		wav = binary.LittleEndian.AppendUint16(wav, uint16(int16(min(max(v, -1), 1)*32767)))
	}
	if err := os.WriteFile(dir+"/voices.wav", wav, 0o600); err != nil {
		t.Fatal(err)
	}
}
