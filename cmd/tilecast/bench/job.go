package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/media"
)

// job is one contestant of ours, in a process of its own; it prints the CPU seconds of the work itself.
func job(args []string) error {
	if len(args) > 0 && args[0] == "origin" {
		return originJob(args[1:])
	}
	if len(args) < 2 {
		return errors.New("job: name compose, turns, growth, second, tick, write, rooms or floor, and the clips")
	}
	switch args[0] {
	case "rooms":
		return roomsJob(args[1:])
	case "floor":
		return floorJob(args[1:])
	case "write":
		return writeJob(args[1:])
	}
	m, err := readMaterial(args[1:])
	if err != nil {
		return err
	}
	switch args[0] {
	case "compose":
		return inTurns(m, ours(wide))
	case "turns":
		return inTurns(m, ours(wide), codecsAlone(true))
	case "growth":
		return inTurns(m, ours(wide), codecsAlone(false))
	case "second":
		return inTurns(m, ours(wide, tall), ours(wide), scaledAlone)
	case "tick":
		return tickJob(m)
	}
	return fmt.Errorf("no job %q", args[0])
}

// counter is an outlet that only counts.
type counter struct{ packets, bytes, fed int }

func (c *counter) Write(p media.Packet) error {
	c.packets++
	c.bytes += len(p.Data)
	return nil
}

func (c *counter) Close() error { return nil }

var top = compositor.Rung{Name: "720p", W: 1280, H: 720, BitRate: 2_500_000, MaxRate: 3_000_000, Encoder: "libx264", Preset: "superfast"}

var low = compositor.Rung{Name: "360p", W: 640, H: 360, BitRate: 900_000, MaxRate: 1_080_000, Encoder: "libx264", Preset: "superfast"}

var wide = compositor.Canvas{Name: "main", W: 1280, H: 720, Rungs: []compositor.Rung{top}}

// program is ours: everything is decoded, composed, mixed and encoded inline.
type program struct {
	*compositor.Inline
	m                *material
	pictures, sounds counter
	canvases         int
	open             func(canvas, rung string, p media.Params) (compositor.Outlet, error)
}

// newProgram is the program of the contest: a grid without gaps, labels or corners, and sound as loud as it comes, as
// the peers make it.
func newProgram(m *material, set codec.Set, canvases ...compositor.Canvas) (*program, error) {
	p := &program{m: m}
	p.open = func(canvas, _ string, _ media.Params) (compositor.Outlet, error) {
		if canvas == "" {
			return &p.sounds, nil
		}
		return &p.pictures, nil
	}
	return p, p.begin(set, canvases...)
}

// begin opens the compositor and lets everybody join.
func (p *program) begin(set codec.Set, canvases ...compositor.Canvas) (err error) {
	p.canvases = len(canvases)
	p.Inline, err = compositor.NewInline(compositor.Config{Canvases: canvases, Rate: fps30, GOP: 60, PartFrames: 10, Open: p.open}, set)
	if err != nil {
		return err
	}
	for i := range p.m.clips {
		k, err := p.Join(fmt.Sprint("guest ", i+1), media.VP8)
		if err == nil && i < len(p.m.voices) {
			err = p.Hear(k, media.Opus)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// push hands over what is due at frame n.
func (p *program) push(n int) {
	for k, clip := range p.m.clips {
		p.Push(k, clip[n])
	}
	from, to := p.m.due(n)
	for k, voice := range p.m.voices {
		for _, packet := range voice[from:to] {
			p.PushSound(k, packet)
		}
	}
}

func (p *program) frame(n int) (time.Duration, error) {
	begin := cpuTime()
	p.push(n)
	p.Frame()
	return cpuTime() - begin, nil
}

func (p *program) finish() error {
	p.Close()
	return report(p.m, p.pictures, p.sounds, p.canvases)
}

// ours opens a program on these canvases.
func ours(canvases ...compositor.Canvas) func(*material) (worker, error) {
	return func(m *material) (worker, error) { return newProgram(m, codec.LibAV(), canvases...) }
}

// alone does the same decoding, and encodes the same pictures and the same mix, which were made before the clock
// starts: what is left is the floor that nobody gets under.
type alone struct {
	m                *material
	decode           bool
	pictures         []*codec.Picture
	pic              *codec.Picture // the one to encode
	mix              [][]float32
	video            []codec.VideoDecoder
	audio            []codec.AudioDecoder
	enc              codec.VideoEncoder
	sound            codec.AudioEncoder
	coded, published counter
}

func codecsAlone(decode bool) func(*material) (worker, error) {
	return func(m *material) (worker, error) {
		a, err := newAlone(m, wide)
		if err == nil {
			a.decode = decode
		}
		return a, err
	}
}

func newAlone(m *material, canvas compositor.Canvas) (*alone, error) {
	a, err := openAlone(m, canvas.Rungs[0])
	if err != nil {
		return nil, err
	}
	return a, a.compose(canvas)
}

// openAlone opens all codecs; there is nothing to encode yet.
func openAlone(m *material, rung compositor.Rung) (*alone, error) {
	a := &alone{m: m}
	set := codec.LibAV()
	for range m.clips {
		d, err := set.NewVideoDecoder(media.VP8)
		if err != nil {
			return nil, err
		}
		a.video = append(a.video, d)
	}
	for range m.voices {
		d, err := set.NewAudioDecoder(media.Opus)
		if err != nil {
			return nil, err
		}
		a.audio = append(a.audio, d)
	}
	var err error
	if a.enc, err = openRung(rung); err != nil {
		return nil, err
	}
	a.sound, err = set.NewAudioEncoder(codec.AudioConfig{Codec: media.AAC, BitRate: 128_000})
	return a, err
}

func openRung(r compositor.Rung) (codec.VideoEncoder, error) {
	return codec.LibAV().NewVideoEncoder(codec.VideoConfig{
		Codec: media.H264, Name: r.Encoder, Preset: r.Preset, W: r.W, H: r.H,
		Rate: fps30, BitRate: r.BitRate, MaxRate: r.MaxRate, GOP: 60,
	})
}

// compose notes the pictures and the mix of the program.
func (a *alone) compose(canvas compositor.Canvas) error {
	fake, real := codec.Fake(), codec.LibAV()
	set := codec.LibAV()
	set.NewVideoEncoder = fake.NewVideoEncoder
	set.NewAudioEncoder = func(c codec.AudioConfig) (codec.AudioEncoder, error) {
		enc, err := real.NewAudioEncoder(c)
		return keeper{enc, &a.mix}, err
	}
	p, err := newProgram(a.m, set, canvas)
	if err != nil {
		return err
	}
	defer p.Close()
	for n := range a.m.frames() {
		p.push(n)
		p.Frame()
		a.pictures = append(a.pictures, p.Snapshot())
	}
	return nil
}

// keeper keeps what is encoded.
type keeper struct {
	codec.AudioEncoder
	blocks *[][]float32
}

func (k keeper) Encode(samples []float32) ([]media.Packet, error) {
	if samples != nil {
		*k.blocks = append(*k.blocks, slices.Clone(samples))
	}
	return k.AudioEncoder.Encode(samples)
}

// warm makes picture n the one to encode, as warm in the cache as one that was just composed.
func (a *alone) warm(n int) {
	if a.pic == nil {
		a.pic = codec.NewPicture(a.pictures[n].W, a.pictures[n].H)
	}
	codec.Copy(a.pic, a.pictures[n])
}

func (a *alone) frame(n int) (time.Duration, error) {
	a.warm(n)
	begin := cpuTime()
	if a.decode {
		pics, err := a.decodeVideo(n)
		for _, pic := range pics {
			pic.Release()
		}
		if err == nil {
			err = a.decodeSound(n)
		}
		if err != nil {
			return 0, err
		}
	}
	err := a.encode(n)
	return cpuTime() - begin, err
}

// decodeVideo decodes frame n of all clips.
func (a *alone) decodeVideo(n int) (all []*codec.Picture, err error) {
	for k, clip := range a.m.clips {
		pics, err := a.video[k].Decode(clip[n])
		if err != nil {
			return all, err
		}
		all = append(all, pics...)
	}
	return all, nil
}

func (a *alone) decodeSound(n int) error {
	from, to := a.m.due(n)
	for k, voice := range a.m.voices {
		for _, packet := range voice[from:to] {
			if _, err := a.audio[k].Decode(packet.Data); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode encodes picture n, which is warm, and what of the mix is whole by its end.
func (a *alone) encode(n int) error {
	a.pic.At = fps30.Frame(int64(n))
	packets, err := a.enc.Encode(a.pic, fps30.Frame(1), n%60 == 0)
	if err != nil {
		return err
	}
	for _, p := range packets {
		a.coded.Write(p)
	}
	const block = media.Second / 48000 * 1024
	for len(a.mix) > 0 && media.Time(a.published.fed+1)*block <= fps30.Frame(int64(n+1)) {
		packets, err := a.sound.Encode(a.mix[0])
		if err != nil {
			return err
		}
		for _, p := range packets {
			a.published.Write(p)
		}
		a.published.fed++
		a.mix = a.mix[1:]
	}
	return nil
}

func (a *alone) finish() error { return report(a.m, a.coded, a.published, 1) }

// report refuses a run that did not do the whole job.
func report(m *material, pictures, sounds counter, canvases int) error {
	blocks := 0
	if len(m.voices) > 0 {
		blocks = m.frames()*1600/1024 - 4 // what the encoder holds back, and the last one
	}
	if want := canvases * m.frames(); pictures.packets != want || sounds.packets < blocks {
		return fmt.Errorf("%d frames came out of %d, and %d sounds of %d", pictures.packets, want, sounds.packets, blocks)
	}
	return nil
}
