package codec

import (
	"fmt"
	"image"

	"tilecast/media"
)

type fakeVideoDecoder struct {
	ready bool
	out   [1]*Picture
}

func newFakeVideoDecoder(c media.Codec) (VideoDecoder, error) {
	if !c.Video() {
		return nil, fmt.Errorf("%v is not a video codec: %w", c, ErrUnavailable)
	}
	return &fakeVideoDecoder{}, nil
}

func (d *fakeVideoDecoder) Decode(pkt media.Packet) ([]*Picture, error) {
	u, err := ParseFakeVideo(pkt.Data)
	if err != nil {
		err = fmt.Errorf("%w: %w", err, ErrNeedKey)
		d.ready = false
		return nil, err
	}
	if !d.ready && !(u.Key && pkt.Key) {
		return nil, fmt.Errorf("unit %d: %w", u.Seq, ErrNeedKey)
	}
	d.ready = true
	d.out[0] = u.picture()
	d.out[0].At = pkt.At
	return d.out[:], nil
}

func (d *fakeVideoDecoder) Close() {}

// picture paints what u says.
func (u FakeVideo) picture() *Picture {
	p := NewPicture(u.W, u.H)
	p.lent = true
	for row := range u.Rows {
		for col := range u.Cols {
			Fill(p.View(u.cell(col, row)), u.Cells[row*u.Cols+col])
		}
	}
	return p
}

// cell is the rectangle of one cell; its upper left corner is even.
func (u FakeVideo) cell(col, row int) image.Rectangle {
	edge := func(i, n, size int) int {
		if i == n {
			return size
		}
		return i * size / n &^ 1
	}
	return image.Rect(edge(col, u.Cols, u.W), edge(row, u.Rows, u.H), edge(col+1, u.Cols, u.W), edge(row+1, u.Rows, u.H))
}

// Mean is the average colour of the cells whose centres lie in r, in pixels of the
// picture: what a viewer would see there. Where no centre does, the cell at r's centre.
func (u FakeVideo) Mean(r image.Rectangle) YCbCr {
	var y, cb, cr, n int
	for row := range u.Rows {
		for col := range u.Cols {
			c := u.cell(col, row)
			if c.Min.Add(c.Max).Div(2).In(r) {
				v := u.Cells[row*u.Cols+col]
				y, cb, cr, n = y+int(v.Y), cb+int(v.Cb), cr+int(v.Cr), n+1
			}
		}
	}
	if n == 0 {
		c := r.Min.Add(r.Max).Div(2)
		col := min(max(c.X*u.Cols/u.W, 0), u.Cols-1)
		row := min(max(c.Y*u.Rows/u.H, 0), u.Rows-1)
		return u.Cells[row*u.Cols+col]
	}
	return YCbCr{uint8((y + n/2) / n), uint8((cb + n/2) / n), uint8((cr + n/2) / n)}
}

// The grid that the fake encoder samples pictures with: fine enough for nine tiles.
const fakeCols, fakeRows = 32, 18

type fakeVideoEncoder struct {
	params media.VideoParams
	rate   int // bit/s at present
	inBand []byte
	gop    int64
	seq    int64
	last   int64 // sequence number of the last key frame
	out    [1]media.Packet
}

func newFakeVideoEncoder(cfg VideoConfig) (VideoEncoder, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	if cfg.Name != "" && cfg.Name != "fake" && cfg.Name != "libx264" {
		return nil, fmt.Errorf("encoder %q: %w: the fake set knows fake and libx264", cfg.Name, ErrUnavailable)
	}
	e := &fakeVideoEncoder{gop: int64(cfg.GOP), params: cfg.params(), rate: cfg.BitRate}
	if cfg.Codec == media.H264 {
		sets := appendParameterSets(nil, cfg.W, cfg.H, cfg.Rate, cfg.BT709)
		if cfg.InBand {
			e.inBand = sets
		} else {
			e.params.Extra = sets
		}
	}
	return e, nil
}

func (e *fakeVideoEncoder) Params() media.VideoParams { return e.params }

func (e *fakeVideoEncoder) Encode(p *Picture, dur media.Time, key bool) ([]media.Packet, error) {
	if p == nil {
		return nil, nil
	}
	if p.W != e.params.W || p.H != e.params.H {
		return nil, fmt.Errorf("encode a %dx%d picture: the encoder was opened for %dx%d", p.W, p.H, e.params.W, e.params.H)
	}
	key = key || e.seq == 0 || e.gop > 0 && e.seq-e.last >= e.gop
	if key {
		e.last = e.seq
	}
	u := FakeVideo{W: p.W, H: p.H, Key: key, Seq: e.seq, At: p.At}
	u.sample(p)
	e.seq++
	size := e.size(key)
	b := make([]byte, 0, max(size, 4096))
	if key {
		b = append(b, e.inBand...)
	}
	if e.params.Codec == media.H264 {
		b = append(b, 0, 0, 0, 1, nalHeader(key))
	}
	b = pad(u.appendText(b), 0, size)
	e.out[0] = media.Packet{At: p.At, Dur: dur, Key: key, Data: b}
	return e.out[:], nil
}

// size is what a unit may weigh: a key frame three times a delta frame.
func (e *fakeVideoEncoder) size(key bool) int {
	perFrame := float64(e.rate) / 8 / e.params.Rate.Float()
	gop := float64(e.gop)
	if gop == 0 {
		return int(perFrame)
	}
	delta := perFrame * gop / (gop + 2)
	if key {
		return int(3 * delta)
	}
	return int(delta)
}

func (e *fakeVideoEncoder) SetRate(bitRate, maxRate, buffer int) error {
	cfg := VideoConfig{BitRate: bitRate, MaxRate: maxRate, Buffer: buffer}.rated()
	if err := cfg.checkChange(e.params); err != nil {
		return err
	}
	e.rate = bitRate
	return nil
}

func (e *fakeVideoEncoder) Close() {}

// sample fills u's cells from p: one cell where p is flat.
func (u *FakeVideo) sample(p *Picture) {
	u.Cols, u.Rows = min(fakeCols, max(p.W/2, 1)), min(fakeRows, max(p.H/2, 1))
	u.Cells = make([]YCbCr, 0, u.Cols*u.Rows)
	flat := true
	for row := range u.Rows {
		for col := range u.Cols {
			c := mean(p, u.cell(col, row))
			flat = flat && (len(u.Cells) == 0 || c == u.Cells[0])
			u.Cells = append(u.Cells, c)
		}
	}
	if flat {
		u.Cols, u.Rows, u.Cells = 1, 1, u.Cells[:1]
	}
}

// mean averages a grid of at most 64 pixels of r, so that it costs the same at every size.
func mean(p *Picture, r image.Rectangle) YCbCr {
	var y, cb, cr, n int
	for j := r.Min.Y; j < r.Max.Y; j += max(r.Dy()/8, 1) {
		for i := r.Min.X; i < r.Max.X; i += max(r.Dx()/8, 1) {
			c := p.Pixel(i, j)
			y, cb, cr, n = y+int(c.Y), cb+int(c.Cb), cr+int(c.Cr), n+1
		}
	}
	return YCbCr{uint8((y + n/2) / n), uint8((cb + n/2) / n), uint8((cr + n/2) / n)}
}
