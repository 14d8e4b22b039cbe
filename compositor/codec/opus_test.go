package codec

import (
	"embed"
	"encoding/binary"
	"math"
	"testing"

	"tilecast/media"
)

//go:embed testdata/opus-*.bin
var opusFiles embed.FS

// opusPackets reads a 1 kHz sine that ffmpeg coded; each packet follows its length in two bytes.
func opusPackets(t testing.TB, name string) (pkts [][]byte) {
	t.Helper()
	data, err := opusFiles.ReadFile("testdata/opus-" + name + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	for len(data) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(data))
		pkts = append(pkts, data[2:n])
		data = data[n:]
	}
	return pkts
}

// Senders change channels, bandwidth and frame length whenever they like; garbage
// comes between. Mono is as loud on both channels as it was on one.
func TestOpusChangesItsShape(t *testing.T) {
	d, err := needLibAV(t).NewAudioDecoder(media.Opus)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, f := range []struct {
		name    string
		samples int
		level   float64
	}{{"mono", 960, 0.5}, {"stereo", 480, 0.35}, {"narrow", 2880, 0.5}, {"mono", 960, 0.5}} {
		var loudest float64
		for i, pkt := range opusPackets(t, f.name) {
			s, err := d.Decode(pkt)
			if err != nil || len(s) != 2*f.samples {
				t.Fatalf("%s: packet %d: %d samples instead of %d, %v", f.name, i, len(s)/2, f.samples, err)
			}
			for k := 0; k < len(s); k += 2 {
				if f.name == "mono" && i > 2 && s[k] != s[k+1] {
					t.Fatalf("mono: left %v, right %v", s[k], s[k+1])
				}
				if i > 2 {
					loudest = max(loudest, math.Abs(float64(s[k])))
				}
			}
		}
		if math.Abs(loudest-f.level) > 0.1 {
			t.Errorf("%s: %.2f instead of %.2f", f.name, loudest, f.level)
		}
		if _, err := d.Decode([]byte{0xff, 0xff, 0xff, 0xff}); err == nil {
			t.Error("garbage was taken")
		}
	}
}

// A lost packet is made up from the error correction in the next where there is any, and
// otherwise goes on as the sound before it did.
func TestOpusConceals(t *testing.T) {
	open := func() AudioDecoder {
		d, err := needLibAV(t).NewAudioDecoder(media.Opus)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Close)
		return d
	}
	decode := func(d AudioDecoder, pkt []byte) []float32 {
		s, err := d.Decode(pkt)
		if err != nil {
			t.Fatal(err)
		}
		return append([]float32(nil), s...)
	}
	pkts := opusPackets(t, "fec") // a tone that changes every 40 ms, with error correction
	whole, corrected, made := open(), open(), open()
	var wrong, wrongMade, power float64
	for k, pkt := range pkts {
		want := decode(whole, pkt)
		if k < 4 || k%4 != 3 || k+1 == len(pkts) {
			decode(corrected, pkt)
			decode(made, pkt)
			continue
		}
		got, err := corrected.(Concealer).Conceal(len(want)/2, pkts[k+1])
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d samples for %d, %v", len(got)/2, len(want)/2, err)
		}
		got = append([]float32(nil), got...)
		guess, err := made.(Concealer).Conceal(len(want)/2, nil)
		if err != nil || len(guess) != len(want) {
			t.Fatalf("%d samples for %d, %v", len(guess)/2, len(want)/2, err)
		}
		for i, x := range want {
			wrong += math.Pow(float64(x-got[i]), 2)
			wrongMade += math.Pow(float64(x-guess[i]), 2)
			power += float64(x * x)
		}
	}
	t.Logf("error: %.2f of the power with correction, %.2f without", wrong/power, wrongMade/power)
	if wrong > 0.5*power || wrong > wrongMade/2 {
		t.Errorf("the error correction is not used: error %.2f of the power, %.2f without it", wrong/power, wrongMade/power)
	}
	for _, n := range []int{0, -120, 100, 5880} {
		if _, err := corrected.(Concealer).Conceal(n, nil); err == nil {
			t.Errorf("%d samples were made up", n)
		}
	}
	if s, err := corrected.(Concealer).Conceal(5760, nil); err != nil || len(s) != 2*5760 {
		t.Errorf("120 ms: %d samples, %v", len(s)/2, err)
	}
	if _, err := corrected.(Concealer).Conceal(960, []byte{0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Logf("garbage: %v", err)
	}
	decode(corrected, pkts[0])
}
