package ingest

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"

	"tilecast/media"
)

// What a sender says of how loud it is (RFC 6464) is passed on with the sound it is said of.
func TestLevelOfSound(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.Opus)
	p.publish(url+"/whip/demo", func(offer string) string {
		return strings.Replace(offer, "a=rtpmap:96 ", "a=extmap:9 "+sdp.AudioLevelURI+" vad=on\r\na=rtpmap:96 ", 1)
	})
	if !strings.Contains(p.answer, "a=extmap:9 "+sdp.AudioLevelURI+"\r\n") {
		t.Fatalf("it is not agreed:\n%s", p.answer)
	}
	snd := newSender(p, media.Opus)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	n := 0
	eventually(t, "sound", func() bool {
		payload := append([]byte{0xfc, byte(n)}, noise(50)...)
		for _, pkt := range snd.packets(payload, media.Packet{}) {
			if n%2 == 0 { // every other packet says nothing
				if err := pkt.SetExtension(9, []byte{0x80 | byte(n%128)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.tracks[media.Opus].WriteRTP(pkt); err != nil {
				t.Fatal(err)
			}
		}
		n++
		<-tick.C
		return len(h.seat(0).packets(media.Opus)) > 20
	})
	for _, got := range h.seat(0).packets(media.Opus) {
		want := got.Data[1]%128 + 1
		if got.Data[1]%2 == 1 {
			want = 0
		}
		if got.Level != want {
			t.Errorf("packet %d has level %d, want %d", got.Data[1], got.Level, want)
		}
	}
}
