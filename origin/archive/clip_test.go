package archive

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
	"tilecast/packager"
)

// onShelf is the sink of a track whose parts all go to a shelf.
type onShelf struct {
	*Shelf
	p *show
}

func (s onShelf) Append(p packager.Part) error {
	s.Put(p, 0)
	if p.Last && p.MSN%50 == 0 {
		s.p.settle()
	}
	return nil
}

func (onShelf) Finish() {}

// A clip is put together from the index files of its stretch alone, over the ends of those.
func TestClipsReadTheirOwnStretch(t *testing.T) {
	s := open(t)
	m := manifest(t)
	m.Lives[0].First = 2*indexed - 60
	p := &show{t: t, plan: m.Plan, w: s.Create(m, nil)}
	in, err := packager.NewInit(media.Params{Audio: &media.AudioParams{
		Codec: media.AAC, SampleRate: 48000, Channels: 2, FrameSize: 1024, Extra: []byte{0x11, 0x90},
	}}, m.Plan)
	if err != nil {
		t.Fatal(err)
	}
	shelf := p.w.Keep("audio", "", in)
	p.w.Record(m.Lives[0].First)
	p.run.Go(p.w.Run)
	track := packager.NewTrack(in, m.Plan, packager.TrackConfig{
		FirstMSN: m.Lives[0].First, Wall: func(at media.Time) time.Time { return began.Add(at.Duration()) },
	}, onShelf{shelf, p})
	frame := media.FromTicks(1024, 48000)
	const frames = 47 * 240
	for n := range media.Time(frames) {
		if err := track.Write(media.Packet{At: n * frame, Dur: frame, Key: true, Data: binary.BigEndian.AppendUint32(nil, uint32(n))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := track.Close(); err != nil {
		t.Fatal(err)
	}
	p.w.Close(began.Add(time.Hour), began.Add(2*time.Hour))
	p.run.Wait()

	get := func(query string) (code int, first, n int) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/rec/demo/p1/audio.mp4"+query, nil))
		if w.Code != http.StatusOK {
			return w.Code, 0, 0
		}
		f, err := mp4.DecodeFile(bytes.NewReader(w.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		data := f.Mdat.Data
		for k := range len(data) / 4 {
			if got := binary.BigEndian.Uint32(data[4*k:]); got != binary.BigEndian.Uint32(data)+uint32(k) {
				t.Fatalf("%s: frame %d is where %d should be", query, got, k)
			}
		}
		return w.Code, int(binary.BigEndian.Uint32(data)), len(data) / 4
	}
	check := func(query string, from, to float64) {
		t.Helper()
		code, first, n := get(query)
		at, end := float64(first)*1024/48000, float64(first+n)*1024/48000
		if code != http.StatusOK || at > from || at < from-0.1 || end < to || end > to+0.1 {
			t.Errorf("%s: %d, frames from %g s to %g s", query, code, at, end)
		}
	}
	check("", 0, frames*1024/48000.)
	check("?from=115&to=125", 115, 125) // the second file begins at 120 s
	if err := os.WriteFile(filepath.Join(p.w.Folder(), "audio", indexName(m.Lives[0].First)), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	check("?from=150&to=160", 150, 160)
	if code, _, _ := get("?from=10&to=20"); code != http.StatusInternalServerError {
		t.Errorf("a clip without its index: %d", code)
	}
}
