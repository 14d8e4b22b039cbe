package room

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tilecast/compositor/codec"
	"tilecast/ingest"
)

// A poster is a picture of the program, made at most once in five seconds and never served older, with headers that
// keep it so; there is none without a program.
func TestPoster(t *testing.T) {
	house(t, func(t *testing.T, rs *Rooms, s *shelf) {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /hls/{room}/poster.jpg", rs.ServePoster)
		get := func(room string, header ...string) *httptest.ResponseRecorder {
			req := httptest.NewRequest("GET", "/hls/"+room+"/poster.jpg", nil)
			if len(header) > 0 {
				req.Header.Set(header[0], header[1])
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, req)
			return w
		}
		for _, room := range []string{"demo", "nowhere"} {
			if w := get(room); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "max-age=1" {
				t.Errorf("%s: %d %v", room, w.Code, w.Header())
			}
		}
		enter(t, rs, ingest.Request{Session: "1"})
		time.Sleep(time.Second)
		w := get("demo")
		img, err := jpeg.Decode(bytes.NewReader(w.Body.Bytes()))
		if err != nil || img.Bounds().Dx() != 320 || img.Bounds().Dy() != 180 {
			t.Fatalf("%v, %d %v", err, w.Code, w.Header())
		}
		if w.Header().Get("Content-Type") != "image/jpeg" || w.Header().Get("Cache-Control") != "public, max-age=5" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%v", w.Header())
		}
		tag := w.Header().Get("ETag")
		time.Sleep(3500 * time.Millisecond)
		if w := get("demo", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Header().Get("Cache-Control") != "public, max-age=1" {
			t.Errorf("3.5 s later: %d %v", w.Code, w.Header())
		}
		time.Sleep(1500 * time.Millisecond)
		if w := get("demo", "If-None-Match", tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
			t.Errorf("5 s later: %d, still the old picture", w.Code)
		}
	}, demo())
}

// Colours of a poster are those of the program: limited range becomes full.
func TestPosterColours(t *testing.T) {
	for _, want := range [][3]uint8{{0, 0, 0}, {255, 255, 255}, {200, 30, 30}, {20, 90, 220}} {
		pic := codec.NewPicture(1280, 720)
		c := codec.RGB(want[0], want[1], want[2])
		for y := range pic.H {
			for x := range pic.W {
				pic.Y[y*pic.StrideY+x], pic.Cb[y/2*pic.StrideC+x/2], pic.Cr[y/2*pic.StrideC+x/2] = c.Y, c.Cb, c.Cr
			}
		}
		data, err := encodePoster(pic)
		pic.Release()
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil || img.Bounds().Dx() != 960 || img.Bounds().Dy() != 540 {
			t.Fatal(err, img.Bounds())
		}
		r, g, b, _ := img.At(500, 300).RGBA()
		for i, v := range []uint32{r, g, b} {
			if d := int(v>>8) - int(want[i]); d < -4 || d > 4 {
				t.Errorf("%v is shown as %d %d %d", want, r>>8, g>>8, b>>8)
				break
			}
		}
	}
}

func BenchmarkPoster(b *testing.B) {
	pic := codec.NewPicture(1280, 720)
	defer pic.Release()
	for i := range pic.Y {
		pic.Y[i] = byte(16 + i%200)
	}
	for b.Loop() {
		if _, err := encodePoster(pic); err != nil {
			b.Fatal(err)
		}
	}
}
