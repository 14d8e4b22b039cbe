package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

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
		return errors.New("job: name compose, codecs or rooms, and the clips")
	}
	if args[0] == "rooms" {
		return roomsJob(args[1:])
	}
	var all [][]media.Packet
	for _, path := range args[1:] {
		packets, err := readIVF(path, fps30)
		if err != nil {
			return err
		}
		all = append(all, packets)
	}
	switch args[0] {
	case "compose":
		return composeJob(all)
	case "codecs":
		return codecsJob(all, true)
	case "encode":
		return codecsJob(all, false)
	case "both":
		return bothJob(all)
	case "second":
		return secondJob(all)
	case "tick":
		return tickJob(all)
	}
	return fmt.Errorf("no job %q", args[0])
}

// counter is an outlet that only counts.
type counter struct{ packets, bytes int }

func (c *counter) Write(p media.Packet) error {
	c.packets++
	c.bytes += len(p.Data)
	return nil
}

func (c *counter) Close() error { return nil }

var top = compositor.Rung{Name: "720p", W: 1280, H: 720, BitRate: 2_500_000, MaxRate: 3_000_000, Encoder: "libx264", Preset: "superfast"}

var wide = compositor.Canvas{Name: "main", W: 1280, H: 720, Rungs: []compositor.Rung{top}}

// newJob is the program of the contest: a grid without gaps, labels or corners, as the peers draw it.
func newJob(n int, set codec.Set, out *counter, canvases ...compositor.Canvas) (*compositor.Inline, error) {
	p, err := compositor.NewInline(compositor.Config{
		Canvases: canvases, Rate: fps30, GOP: 60, PartFrames: 10,
		Open: func(string, string, media.Params) (compositor.Outlet, error) { return out, nil },
	}, set)
	if err != nil {
		return nil, err
	}
	for i := range n {
		if _, err := p.Join(fmt.Sprint("guest ", i+1), media.VP8); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// composeJob decodes, composes and encodes everything, inline.
func composeJob(all [][]media.Packet) error {
	var out counter
	p, err := newJob(len(all), codec.LibAV(), &out, wide)
	if err != nil {
		return err
	}
	begin := cpuTime()
	for n := range all[0] {
		for k := range all {
			p.Push(k, all[k][n])
		}
		p.Frame()
	}
	used := cpuTime() - begin
	p.Close()
	fmt.Printf("%.6f\n", used.Seconds())
	return report(out, len(all[0]))
}

// codecsJob does the same decoding, and encodes the same pictures, which were composed before
// the clock starts: what is left is the floor that nobody gets under.
func codecsJob(all [][]media.Packet, decode bool) error {
	pictures, err := compositions(all, wide)
	if err != nil {
		return err
	}
	set := codec.LibAV()
	decoders := make([]codec.VideoDecoder, len(all))
	for k := range decoders {
		if decoders[k], err = set.NewVideoDecoder(media.VP8); err != nil {
			return err
		}
	}
	enc, err := set.NewVideoEncoder(codec.VideoConfig{
		Codec: media.H264, Name: top.Encoder, Preset: top.Preset, W: top.W, H: top.H,
		Rate: fps30, BitRate: top.BitRate, MaxRate: top.MaxRate, GOP: 60,
	})
	if err != nil {
		return err
	}
	var out counter
	begin := cpuTime()
	for n := range all[0] {
		for k := range all {
			if !decode {
				break
			}
			pics, err := decoders[k].Decode(all[k][n])
			if err != nil {
				return err
			}
			for _, p := range pics {
				p.Release()
			}
		}
		pictures[n].At = fps30.Frame(int64(n))
		packets, err := enc.Encode(pictures[n], fps30.Frame(1), n%60 == 0)
		if err != nil {
			return err
		}
		for _, p := range packets {
			out.Write(p)
		}
	}
	used := cpuTime() - begin
	fmt.Printf("%.6f\n", used.Seconds())
	return report(out, len(all[0]))
}

// report refuses a run that did not do the whole job.
func report(out counter, frames int) error {
	if out.packets != frames {
		return fmt.Errorf("%d frames came out of %d", out.packets, frames)
	}
	return nil
}

// compositions are the pictures of the program, in memory.
func compositions(all [][]media.Packet, canvas compositor.Canvas) ([]*codec.Picture, error) {
	fake := codec.Fake()
	set := codec.LibAV()
	set.NewVideoEncoder = fake.NewVideoEncoder
	p, err := newJob(len(all), set, &counter{}, canvas)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var pictures []*codec.Picture
	for n := range all[0] {
		for k := range all {
			p.Push(k, all[k][n])
		}
		p.Frame()
		pictures = append(pictures, p.Snapshot())
	}
	return pictures, nil
}

// ivfHeader and ivfFrame write the container that ffmpeg and GStreamer read, too.
func ivfHeader(b []byte, w, h int, rate media.FrameRate) []byte {
	b = append(b, "DKIF\x00\x00\x20\x00VP80"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(w))
	b = binary.LittleEndian.AppendUint16(b, uint16(h))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate.Num))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate.Den))
	b = binary.LittleEndian.AppendUint32(b, clipFrames)
	return append(b, 0, 0, 0, 0)
}

func ivfFrame(b []byte, n int64, data []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint64(b, uint64(n))
	return append(b, data...)
}

// readIVF is a clip's packets; the first is a key frame.
func readIVF(path string, rate media.FrameRate) (packets []media.Packet, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < 32 || string(b[:4]) != "DKIF" {
		return nil, fmt.Errorf("%s is not an IVF file", path)
	}
	for b = b[32:]; len(b) >= 12; {
		n := int(binary.LittleEndian.Uint32(b))
		if n > len(b)-12 {
			return nil, fmt.Errorf("%s ends within a frame", path)
		}
		at := rate.Frame(int64(len(packets)))
		packets = append(packets, media.Packet{At: at, Dur: rate.Frame(1), Key: len(packets) == 0, Data: b[12 : 12+n]})
		b = b[12+n:]
	}
	return packets, nil
}
