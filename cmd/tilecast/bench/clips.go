package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor/codec"
	"tilecast/media"
)

// material is what goes into a job: a clip for each broadcaster, and a voice for each or for none.
type material struct{ clips, voices [][]media.Packet }

func (m *material) frames() int { return len(m.clips[0]) }

// voiceAhead is how much sooner sound comes than pictures: the mixer reads ahead.
const voiceAhead = 60 * media.Millisecond

// due says which packets of each voice come with frame n.
func (m *material) due(n int) (from, to int) {
	if len(m.voices) == 0 {
		return 0, 0
	}
	count := func(n int) int {
		if n == 0 {
			return 0
		}
		return min(int((fps30.Frame(int64(n))+voiceAhead)/(20*media.Millisecond)), len(m.voices[0]))
	}
	return count(n), count(n + 1)
}

// readMaterial reads .ivf and .ogg files.
func readMaterial(paths []string) (*material, error) {
	m := &material{}
	for _, path := range paths {
		if strings.HasSuffix(path, ".ogg") {
			voice, err := readOgg(path)
			if err != nil {
				return nil, err
			}
			m.voices = append(m.voices, voice)
			continue
		}
		clip, err := readIVF(path, fps30)
		if err != nil {
			return nil, err
		}
		m.clips = append(m.clips, clip)
	}
	return m, nil
}

// makeClips draws the demo's first n broadcasters, over and over where they are not so many, unless that was done before.
func makeClips(dir string, n, w, h int) ([]string, error) {
	script := broadcast.NewScript(2026, n)
	var paths []string
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("clip-%dx%d-%d.ivf", w, h, i))
		paths = append(paths, path)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		progress("drawing %s", path)
		if err := makeClip(path, broadcast.NewScene(broadcast.Cast[i%len(broadcast.Cast)], script, i, nil), w, h); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func makeClip(path string, scene broadcast.Picture, w, h int) error {
	enc, err := codec.LibAV().NewVideoEncoder(codec.VideoConfig{
		Codec: media.VP8, W: w, H: h, Rate: fps30, BitRate: 800_000 * max(w*h/(clipW*clipH), 1), GOP: clipFrames,
	})
	if err != nil {
		return err
	}
	defer enc.Close()
	pic := codec.NewPicture(w, h)
	defer pic.Release()
	begin := 20 * 365 * 86400 * media.Second // any day will do
	b := ivfHeader(nil, w, h, fps30)
	for n := range int64(clipFrames) {
		scene.Draw(pic, begin+fps30.Frame(n))
		pic.At = fps30.Frame(n)
		packets, err := enc.Encode(pic, fps30.Frame(1), n == 0)
		if err != nil {
			return err
		}
		for _, p := range packets {
			b = ivfFrame(b, n, p.Data)
		}
	}
	return os.WriteFile(path, b, 0o644)
}

// makeVoiceFiles writes ten seconds of Opus of n broadcasters, who take turns, unless that was done before.
func makeVoiceFiles(dir string, n int) (paths []string, err error) {
	missing := false
	for k := range n {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("voice-%d-of-%d.ogg", k, n)))
		_, err := os.Stat(paths[k])
		missing = missing || err != nil
	}
	if !missing {
		return paths, nil
	}
	progress("speaking %d voices", n)
	voices, err := makeVoices(n)
	if err != nil {
		return nil, err
	}
	for k, path := range paths {
		if err := writeOgg(path, voices[k]); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func writeOgg(path string, packets []media.Packet) error {
	w, err := oggwriter.New(path, 48000, 2)
	if err != nil {
		return err
	}
	for i, p := range packets {
		h := rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(i * 960)}
		if err := w.WriteRTP(&rtp.Packet{Header: h, Payload: p.Data}); err != nil {
			w.Close()
			return err
		}
	}
	return w.Close()
}

// readOgg is a voice's packets, one a page, of 20 ms each.
func readOgg(path string) (packets []media.Packet, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, _, err := oggreader.NewWith(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for {
		data, head, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return packets, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if head.GranulePosition == 0 || len(data) == 0 {
			continue // the comments, or the end
		}
		packets = append(packets, media.Packet{At: media.Time(len(packets)) * 20 * media.Millisecond, Dur: 20 * media.Millisecond, Key: true, Data: data})
	}
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
