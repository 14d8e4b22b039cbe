package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor/codec"
	"tilecast/configs"
	"tilecast/media"
	"tilecast/origin/archive"
)

// probed is what ffprobe says of a file.
type probed struct {
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
	Streams []struct {
		CodecName string `json:"codec_name"`
		CodecType string `json:"codec_type"`
		Width     int    `json:"width"`
		StartTime string `json:"start_time"`
		Duration  string `json:"duration"`
		Frames    string `json:"nb_read_packets"`
	} `json:"streams"`
}

func probe(t *testing.T, file string) (p probed) {
	t.Helper()
	out := tool(t, "ffprobe", "-v", "error", "-count_packets", "-show_format", "-show_streams", "-of", "json", file)
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func seconds(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatalf("%q is no time: %v", s, err)
	}
	return v
}

// TestRecording records two programs and reads one back: a playlist that ffmpeg plays from HTTP and
// from disk, one file for each rung, with sound in step, clips to the frame, in ranges; and what the broadcaster sent.
func TestRecording(t *testing.T) {
	if testing.Short() {
		t.Skip("two programs in real time")
	}
	needFFmpeg(t)
	data := t.TempDir()
	edit := func(c *configs.Config) {
		c.Data = data
		c.Rooms[0].Record = configs.Record{Enabled: true, Iso: true}
	}
	for range 2 {
		gw := startGateway(t, edit)
		_, leave := gw.publish(t, broadcast.Config{Name: "Flash", Video: media.VP8, Picture: broadcast.FlashBeep{}, Sound: broadcast.FlashBeep{}})
		time.Sleep(5 * time.Second)
		if err := leave(); err != nil {
			t.Error(err)
		}
		if err := gw.stop(); err != nil {
			t.Error(err)
		}
	}
	store, err := archive.Open(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	srv := httptest.NewServer(store)
	defer srv.Close()
	all := store.Recordings("demo")
	if len(all) != 2 {
		t.Fatalf("%d recordings", len(all))
	}
	rec := all[1]
	t.Logf("%+v", rec)
	if rec.Ended == nil || rec.Length < 3 || rec.Bytes == 0 || len(rec.Files) != 4 || len(rec.Iso) != 2 {
		t.Errorf("%+v", rec)
	}
	for what, at := range map[string]string{"HTTP": srv.URL + rec.URL, "disk": filepath.Join(data, "rooms", "demo", rec.Program, "index.m3u8")} {
		p := probe(t, at)
		if d := seconds(t, p.Format.Duration); math.Abs(d-rec.Length) > 0.1 {
			t.Errorf("from %s it is %.3f s long, %.3f were recorded", what, d, rec.Length)
		}
		decodesCleanly(t, at)
	}
	base := srv.URL + strings.TrimSuffix(rec.URL, "index.m3u8")
	whole := save(t, base+"main-720p.mp4")
	p := probe(t, whole)
	if len(p.Streams) != 2 || p.Streams[0].CodecName != "h264" || p.Streams[0].Width != 1280 || p.Streams[1].CodecName != "aac" {
		t.Fatalf("%+v", p.Streams)
	}
	for _, s := range p.Streams {
		if d := seconds(t, s.Duration); math.Abs(d-rec.Length) > 0.05 {
			t.Errorf("%s is %.3f s long, want %.3f", s.CodecType, d, rec.Length)
		}
		if at := seconds(t, s.StartTime); math.Abs(at) > 0.025 {
			t.Errorf("%s begins at %.3f s", s.CodecType, at)
		}
	}
	decodesCleanly(t, whole)
	inStep(t, whole)

	clip := save(t, base+"main-360p.mp4?from=1.5&to=3.1")
	p = probe(t, clip)
	if d := seconds(t, p.Format.Duration); math.Abs(d-1.6) > 0.034 {
		t.Errorf("a clip of 1.6 s is %.3f s long", d)
	}
	decodesCleanly(t, clip)
	inStep(t, clip)
	// The clip's flashes are those of the whole, one and a half seconds later.
	a, b := flashTimes(t, save(t, base+"main-360p.mp4")), flashTimes(t, clip)
	for _, at := range b {
		near := math.Inf(1)
		for _, w := range a {
			near = math.Min(near, math.Abs(w-1.5-at))
		}
		if near > 0.034 {
			t.Errorf("the clip's flash at %.3f s is not where the whole has one: %.3f", at, a)
		}
	}
	dates := fmt.Sprintf("?from=%s&to=%s", rec.Began.Add(time.Second).Format(time.RFC3339Nano), rec.Began.Add(2*time.Second).Format(time.RFC3339Nano))
	if p := probe(t, save(t, base+"audio.mp4"+dates)); len(p.Streams) != 1 || math.Abs(seconds(t, p.Format.Duration)-1) > 0.025 {
		t.Errorf("a second of sound, by its dates: %+v", p)
	}
	ranged(t, base+"main-720p.mp4", whole)
	refused(t, srv.URL, rec)
	for _, at := range rec.Iso {
		file := save(t, srv.URL+at)
		p := probe(t, file)
		if len(p.Streams) != 1 || seconds(t, p.Streams[0].Duration) < 3.5 {
			t.Errorf("%s: %+v", at, p)
		}
		decodesCleanly(t, file)
	}
}

// inStep holds each flash against the nearest beep.
func inStep(t *testing.T, file string) {
	t.Helper()
	flashes, beeps := flashTimes(t, file), beepTimes(t, file, 0)
	if len(flashes) == 0 || len(beeps) == 0 {
		t.Fatalf("%d flashes and %d beeps", len(flashes), len(beeps))
	}
	near := 0
	for _, f := range flashes {
		for _, b := range beeps {
			if math.Abs(f-b) < 0.07 {
				near++
			}
		}
	}
	t.Logf("flashes %.3f beeps %.3f", flashes, beeps)
	if near < len(flashes)-1 {
		t.Errorf("%d of %d flashes have their beep", near, len(flashes))
	}
}

// save fetches a file.
func save(t *testing.T, at string) string {
	t.Helper()
	body, err := fetch(at)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(t.TempDir(), "*.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(body); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// ranged fetches a file in three pieces.
func ranged(t *testing.T, at, whole string) {
	t.Helper()
	want, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	n := len(want)
	for _, r := range [][2]int{{0, 999}, {n / 3, n / 2}, {n - 500, n - 1}} {
		req, _ := http.NewRequest("GET", at, nil)
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", r[0], r[1]))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, r[1]-r[0]+2)
		k := 0
		for k < len(got) {
			m, err := resp.Body.Read(got[k:])
			k += m
			if err != nil {
				break
			}
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusPartialContent || string(got[:k]) != string(want[r[0]:r[1]+1]) {
			t.Errorf("bytes %v: %s, %d bytes", r, resp.Status, k)
		}
	}
}

// refused asks for what there is not.
func refused(t *testing.T, server string, rec archive.Recording) {
	t.Helper()
	base := server + strings.TrimSuffix(rec.URL, "index.m3u8")
	for at, want := range map[string]int{
		base + "main-999p.mp4":                                404,
		base + "program.json":                                 404,
		base + "../../lock":                                   404,
		base + "main-720p/0.idx":                              404,
		base + "main-720p.mp4?from=soon":                      400,
		base + "main-720p.mp4?from=5&to=4":                    400,
		base + "main-720p.mp4?from=5000":                      404,
		server + "/rec/demo/guess/index.m3u8":                 404,
		server + "/rec/demo/":                                 404,
		server + "/rec/nobody/" + rec.Program + "/index.m3u8": 404,
	} {
		resp, err := http.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", at, resp.Status, want)
		}
	}
}

// TestTapes: what a broadcaster sends in each codec is a file that ffmpeg reads to the last frame, at its place in
// the program's time.
func TestTapes(t *testing.T) {
	needFFmpeg(t)
	needCodecs(t)
	store, err := archive.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := store.Create(archive.Manifest{Room: "demo", ID: "p1", Lives: []archive.Life{{Began: time.Now(), First: 1}}}, nil)
	rate := media.FrameRate{Num: 30, Den: 1}
	begin := 7 * media.Second
	codecs := map[string]media.Codec{"vp8": media.VP8, "vp9": media.VP9, "h264": media.H264, "av1": media.AV1}
	for name, c := range codecs {
		enc, err := codec.LibAV().NewVideoEncoder(codec.VideoConfig{Codec: c, W: 320, H: 180, Rate: rate, BitRate: 300_000, GOP: 40})
		if err != nil {
			t.Fatal(err)
		}
		tape := w.Tape(name, c, time.Now())
		tape.Put(media.Packet{At: begin - media.Second, Data: []byte("no key frame")})
		pic := codec.NewPicture(320, 180)
		for n := range int64(100) {
			broadcast.Solid{R: uint8(n)}.Draw(pic, rate.Frame(n))
			pic.At = begin + rate.Frame(n)
			packets, err := enc.Encode(pic, rate.Frame(1), n%40 == 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range packets {
				if c == media.H264 && p.Key { // as it comes from a network: in front of each key frame
					p.Data = append(append([]byte(nil), enc.Params().Extra...), p.Data...)
				}
				tape.Put(p)
			}
		}
		packets, _ := enc.Encode(nil, 0, false)
		for _, p := range packets {
			tape.Put(p)
		}
		pic.Release()
		enc.Close()
		if name != "av1" {
			tape.Close() // the others are ended by the program's end
		}
	}
	w.Close(time.Now(), time.Now())
	w.Run()
	recs := store.Recordings("demo")
	if len(recs) != 0 {
		t.Errorf("a manifest without streams is a recording: %+v", recs)
	}
	files, _ := filepath.Glob(filepath.Join(w.Folder(), "iso", "*.mp4"))
	if len(files) != len(codecs) {
		t.Fatalf("%d files: %v", len(files), files)
	}
	for _, f := range files {
		p := probe(t, f)
		s := p.Streams[0]
		if !strings.Contains(f, "-"+s.CodecName+"-video.mp4") || s.Width != 320 || s.Frames != "100" {
			t.Errorf("%s: %+v", filepath.Base(f), s)
		}
		if at := seconds(t, s.StartTime); math.Abs(at-7) > 0.01 {
			t.Errorf("%s begins at %.3f s of the program, want 7", filepath.Base(f), at)
		}
		decodesCleanly(t, f)
	}
}
