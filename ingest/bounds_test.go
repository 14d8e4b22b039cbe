package ingest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A parameter set beyond all reason is refused, or each key frame would carry it on.
func TestH264HugeParameterSetsAreRefused(t *testing.T) {
	d := newH264Depacketizer("")
	huge := append([]byte{0x68, 0xe0}, make([]byte, maxSet)...)
	if d.keepSet(huge) || len(d.pps) != 0 {
		t.Fatal("a PPS of 2 KiB was kept")
	}
	if !d.keepSet([]byte{0x68, 0xce, 0x3c, 0x80}) || len(d.pps) != 1 {
		t.Fatal("an ordinary PPS was not kept")
	}
}

// A sender that gave its parameter sets in band once and never again is believed after a few
// IDR pictures without, so that its picture comes back after a loss.
func TestH264ComesBackWithoutRepeatedParameterSets(t *testing.T) {
	d := newH264Depacketizer("")
	d.keepSet([]byte{0x67, 0x42, 0xe0, 0x1f, 0x8c})
	d.keepSet([]byte{0x68, 0xce, 0x3c, 0x80})
	d.inBand = true
	idr := []byte{nalIDR | 0x60, 0x88, 0x84}
	for i := range maxRefused {
		if d.begins(idr) {
			t.Fatalf("IDR picture %d was taken without its parameter sets", i+1)
		}
	}
	if !d.begins(idr) {
		t.Fatal("the picture never comes back")
	}
}

// An offer brings as many addresses to be checked as a PATCH may, each once: checks go wherever they lead.
func TestCandidatesOfAnOfferAreBounded(t *testing.T) {
	text := readFixture(t, "chromium")
	head, rest, _ := strings.Cut(text, "a=candidate:")
	var b strings.Builder
	for i := range 2 * maxRemote {
		for range 2 {
			fmt.Fprintf(&b, "a=candidate:%d 1 udp 2130706431 192.0.2.%d 4711 typ host\r\n", i, i+1)
		}
	}
	o, err := parseOffer(head+b.String()+"a=candidate:"+rest, false)
	if err != nil || len(o.candidates) != maxRemote {
		t.Fatalf("%v, %d candidates", err, len(o.candidates))
	}
	if o.candidates[0] == o.candidates[1] {
		t.Error("a candidate was taken twice")
	}
}

// A name is no place for a novel: it is logged and stands for who sits there.
func TestLongNamesAreRefused(t *testing.T) {
	_, url := startServer(t, newHall(), Config{})
	for _, q := range []string{"name=" + strings.Repeat("n", maxName+1), "id=" + strings.Repeat("n", maxID+1)} {
		if res, body := request(t, http.MethodPost, url+"/whip/demo?"+q, sdpType, readFixture(t, "obs")); res.StatusCode != 400 || !strings.Contains(body, "longer than") {
			t.Errorf("%.10s: %s %s", q, res.Status, body)
		}
	}
}

// deadlined is a writer that knows its deadline.
type deadlined struct {
	*httptest.ResponseRecorder
	writing []bool // whether there was a deadline at each write
	until   time.Time
}

func (w *deadlined) SetWriteDeadline(t time.Time) error { w.until = t; return nil }

func (w *deadlined) Write(p []byte) (int, error) {
	w.writing = append(w.writing, !w.until.IsZero())
	return w.ResponseRecorder.Write(p)
}

// A write has a deadline, the quiet time until the next has none: over HTTP/2 it would end the stream.
func TestWantedMayBeQuiet(t *testing.T) {
	s := &session{ending: make(chan struct{})}
	close(s.ending)
	w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	s.tell(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if len(w.writing) != 1 || !w.writing[0] || !w.until.IsZero() {
		t.Errorf("writes with a deadline: %v; left over: %v", w.writing, w.until)
	}
}
