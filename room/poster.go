package room

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tilecast/compositor/codec"
)

// posterLife is how old a poster may be wherever it is shown, and how often one is made at most.
const posterLife = 5 * time.Second

// posterWidth is the largest that a poster is, px.
const posterWidth = 960

// errNoPicture says that there is nothing to show.
var errNoPicture = errors.New("nothing is on air here now")

// Poster is a JPEG picture of a program.
type Poster struct {
	Data  []byte // never written to again
	Taken time.Time
}

// poster makes posters of one program, when somebody asks and the last one is too old.
type poster struct {
	mu   sync.Mutex // held while one is made: others who ask wait for it
	last Poster
}

// Poster is what the program of a room looks like now, or looked like less than posterLife ago.
func (rs *Rooms) Poster(name string, now time.Time) (Poster, error) {
	rs.mu.Lock()
	r := rs.rooms[name]
	rs.mu.Unlock()
	if r == nil {
		return Poster{}, errNoPicture
	}
	r.mu.Lock()
	p := r.prog
	r.mu.Unlock()
	if p == nil {
		return Poster{}, errNoPicture
	}
	p.poster.mu.Lock()
	defer p.poster.mu.Unlock()
	if p.poster.last.Data != nil && now.Sub(p.poster.last.Taken) < posterLife {
		return p.poster.last, nil
	}
	pic := p.comp.Snapshot()
	if pic == nil {
		return Poster{}, errNoPicture
	}
	defer pic.Release()
	data, err := encodePoster(pic)
	if err != nil {
		return Poster{}, fmt.Errorf("poster: %w", err)
	}
	p.poster.last = Poster{data, now}
	return p.poster.last, nil
}

// encodePoster is pic as a JPEG, made smaller where it is larger than a poster.
func encodePoster(pic *codec.Picture) ([]byte, error) {
	if pic.W > posterWidth {
		small := codec.NewPicture(posterWidth, pic.H*posterWidth/pic.W&^1)
		defer small.Release()
		codec.Scale(small, pic)
		pic = small
	}
	img := image.NewYCbCr(pic.Bounds(), image.YCbCrSubsampleRatio420)
	widen(img.Y, img.YStride, pic.Y, pic.StrideY, pic.W, pic.H, &fullLuma)
	cw, ch := (pic.W+1)/2, (pic.H+1)/2
	widen(img.Cb, img.CStride, pic.Cb, pic.StrideC, cw, ch, &fullChroma)
	widen(img.Cr, img.CStride, pic.Cr, pic.StrideC, cw, ch, &fullChroma)
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 80})
	return out.Bytes(), err
}

// widen copies a plane from limited range, in which everything is composed, to JPEG's full range (JFIF 1.02: BT.601, 0 to 255).
func widen(dst []byte, dstStride int, src []byte, srcStride, w, h int, table *[256]byte) {
	for y := range h {
		to, from := dst[y*dstStride:][:w], src[y*srcStride:][:w]
		for x, v := range from {
			to[x] = table[v]
		}
	}
}

var fullLuma, fullChroma = rangeTable(16, 219, 0), rangeTable(128, 224, 128)

func rangeTable(zero, span, base int) (t [256]byte) {
	for i := range t {
		t[i] = byte(min(255, max(0, ((i-zero)*255*2+span*sign(i-zero))/(2*span)+base)))
	}
	return t
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

// ServePoster answers GET /hls/{room}/poster.jpg. Caches keep it for what is left of posterLife, so that it is
// not older in anybody's hands.
func (rs *Rooms) ServePoster(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	now := time.Now()
	p, err := rs.Poster(r.PathValue("room"), now)
	if err != nil {
		h.Set("Cache-Control", "max-age=1")
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	left := max(0, posterLife-now.Sub(p.Taken))
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(left/time.Second)))
	h.Set("Content-Type", "image/jpeg")
	h.Set("ETag", `"`+strconv.FormatInt(p.Taken.UnixNano(), 36)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.Data))
}
