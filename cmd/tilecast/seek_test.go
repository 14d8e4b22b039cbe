package main

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor/codec"
	"tilecast/media"
	"tilecast/origin"
	"tilecast/origin/archive"
	"tilecast/packager"
)

// TestBrowserSeeksBack: stock hls.js plays what has left memory: two minutes and a half of a window of ten, of which
// the first are on disk alone.
func TestBrowserSeeksBack(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers")
	}
	needCodecs(t)
	store, err := archive.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rate := media.FrameRate{Num: 30, Den: 1}
	plan, err := packager.NewPlan("low", rate)
	if err != nil {
		t.Fatal(err)
	}
	const length = 150 * time.Second
	clock := media.NewClock(time.Now().Add(-length))
	w := store.Create(archive.Manifest{Room: "demo", ID: "p1", Plan: plan, Lives: []archive.Life{{Began: clock.Wall(0), First: 100}}}, nil)
	written := make(chan struct{})
	go func() { defer close(written); w.Run() }() // ends with Close
	p := origin.NewProgram(origin.ProgramConfig{
		ID: "p1", Plan: plan, FirstMSN: 100, Wall: clock.Wall, Window: 600 * media.Second,
		Keep: func(stream, canvas string, in packager.Init) origin.Shelf { return w.Keep(stream, canvas, in) },
	})
	enc, err := codec.LibAV().NewVideoEncoder(codec.VideoConfig{
		Codec: media.H264, Name: "libx264", Preset: "ultrafast", W: 320, H: 180, Rate: rate, BitRate: 200_000, GOP: plan.GOP(),
	})
	if err != nil {
		t.Fatal(err)
	}
	params := enc.Params()
	in, err := packager.NewInit(media.Params{Video: &params}, plan)
	if err != nil {
		t.Fatal(err)
	}
	stream := p.AddVideo("main", "180p", in)
	track := packager.NewTrack(in, plan, packager.TrackConfig{FirstMSN: 100, Wall: clock.Wall}, stream)
	pic := codec.NewPicture(320, 180)
	frame := func(n int64) {
		broadcast.Solid{R: uint8(n)}.Draw(pic, rate.Frame(n))
		pic.At = rate.Frame(n)
		packets, err := enc.Encode(pic, rate.Frame(1), n%int64(plan.GOP()) == 0)
		for _, pkt := range packets {
			if err == nil {
				err = track.Write(pkt)
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	n := int64(0)
	for ; rate.Frame(n+1) <= media.FromDuration(length); n++ {
		if frame(n); n%300 == 0 {
			eventually(t, "the disk keeps up", func() bool { return w.Stats().Queued < 100 })
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // the program goes on; ends with stop
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for ; rate.Frame(n+1) <= clock.At(time.Now()); n++ {
					frame(n)
				}
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
		track.Close()
		enc.Close()
		pic.Release()
		w.Close(time.Now(), time.Now())
		<-written
	}()
	server := origin.NewServer(origin.ServerConfig{})
	server.Publish("demo", p)
	srv := httptest.NewServer(server)
	defer srv.Close()
	if st := stream.Stats(); st.Shelved < 20 || st.Segments > 60 {
		t.Fatalf("%d segments on disk alone, %d in memory", st.Shelved, st.Segments)
	}
	b := openBrowser(t, "")
	b.open(player(t, srv.URL+"/hls/demo/index.m3u8"))
	b.until("it plays at the live edge", fmt.Sprintf(`document.querySelector("video").currentTime > %f`, (length-20*time.Second).Seconds()))
	b.must(`document.querySelector("video").currentTime = document.querySelector("video").seekable.start(0) + 3`, nil)
	b.until("it plays what is on disk", `window.seen.fatal.length > 0 || (v => !v.seeking && v.currentTime > v.seekable.start(0) + 5 && v.currentTime < v.seekable.start(0) + 60)(document.querySelector("video"))`)
	b.must(`document.querySelector("video").currentTime = window.hls.liveSyncPosition`, nil)
	b.until("it is at the live edge again", fmt.Sprintf(`window.seen.fatal.length > 0 || (v => !v.seeking && v.currentTime > %f)(document.querySelector("video"))`, length.Seconds()))
	var fatal []string
	b.must(`window.seen.fatal`, &fatal)
	if len(fatal) > 0 {
		t.Errorf("hls.js gave up: %v", fatal)
	}
}
