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
