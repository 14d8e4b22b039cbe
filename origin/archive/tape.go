package archive

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
)

// Tape records one track of one broadcaster as it came, in a fragmented MP4 file whose times are the program's. Put never waits: a
// fragment of about a second goes through the writer's queue, and is counted where it finds no place there.
type Tape struct {
	w     *Writer
	codec media.Codec
	scale int64

	file   string // the writer's alone, and so are
	headed bool   // it has its header
	files  int    // before it
	told   bool   // that something could not be encoded

	mu      sync.Mutex
	pending []media.Packet // of the fragment in the making; the last one's length is not known yet
	bytes   int
	number  uint32
	begun   bool // a fragment is on its way
	lost    bool // a fragment found no place, or no disk: what follows needs a key frame
	closed  bool
}

// What a fragment holds at most.
const (
	fragmentTime  = media.Second
	fragmentBytes = 8 << 20
)

// Tape begins to record a track of somebody, from its next key frame on.
func (w *Writer) Tape(who string, c media.Codec, now time.Time) *Tape {
	t := &Tape{w: w, codec: c, scale: 90000}
	kind := "video"
	if c.Audio() {
		kind, t.scale = "audio", 48000
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tapeCount++
	name := fmt.Sprintf("%s-%d-%s-%s.mp4", now.UTC().Format("20060102T150405"), w.tapeCount, plainName(who), kind)
	t.file = filepath.Join(w.dir, isoFolder, name)
	if w.closed {
		t.closed = true
		return t
	}
	w.tapes[t] = true
	if !w.m.Iso {
		w.m.Iso = true
		w.touchLocked()
	}
	return t
}

// plainName is what of a name can stand in a file's.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, s)
	if r := []rune(s); len(r) > 32 {
		s = string(r[:32])
	}
	if s == "" {
		return "guest"
	}
	return s
}

// Put takes the next packet. Its Data is kept, not copied.
func (t *Tape) Put(p media.Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.pending)
	switch {
	case t.closed || len(p.Data) == 0:
		return
	case (!t.begun || t.lost) && n == 0 && !p.Key:
		return // nothing can be decoded before
	case n > 0 && p.At <= t.pending[n-1].At:
		return // its place is taken
	}
	if n > 1 && (p.At-t.pending[0].At >= fragmentTime || p.Key && t.codec.Video() || t.bytes > fragmentBytes) {
		t.cut(p.At)
	}
	t.lost = false
	t.pending = append(t.pending, p)
	t.bytes += len(p.Data)
}

// Close ends the file.
func (t *Tape) Close() {
	t.finish()
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	delete(t.w.tapes, t)
}

func (t *Tape) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.pending); n > 0 && !t.closed {
		last := t.pending[n-1].At
		length := media.Second / 30
		if n > 1 {
			length = last - t.pending[n-2].At
		}
		t.cut(last + length)
	}
	t.closed = true
}

// cut hands the packets on as a fragment that ends at a time. Called locked.
func (t *Tape) cut(end media.Time) {
	packets, size, number := t.pending, t.bytes, t.number+1
	t.pending, t.bytes = nil, 0
	ok := t.w.send(job{size: int64(size), do: func() error { return t.write(packets, end, number) }}, int64(size))
	if !ok {
		t.w.dropped.Add(1)
		t.lost = true
		return
	}
	t.begun, t.number = true, number
}

// write puts a fragment into the file. Behind a fault of the disk, which may have left half of one, the track goes on in
// another file, with its next key frame. The writer's goroutine does it.
func (t *Tape) write(packets []media.Packet, end media.Time, number uint32) error {
	if !t.headed && !packets[0].Key {
		t.w.dropped.Add(1)
		return nil
	}
	data, err := t.encode(packets, end, number, !t.headed)
	if err != nil {
		if !t.told {
			t.told = true
			t.w.log.Warn("some of a broadcaster's track cannot be recorded", "file", t.file, "err", err)
		}
		return nil
	}
	name := t.file
	if t.files > 0 {
		name = strings.TrimSuffix(name, ".mp4") + fmt.Sprintf("-%d.mp4", t.files+1)
	}
	if err := t.w.disk.Append(name, data); err != nil {
		if t.headed {
			t.files++
		} else {
			t.w.disk.Remove(name)
		}
		t.headed = false
		t.mu.Lock()
		t.lost = true
		t.mu.Unlock()
		return err
	}
	t.headed = true
	return nil
}

// encode makes a fragment, with the file's header if it is the first.
func (t *Tape) encode(packets []media.Packet, end media.Time, number uint32, first bool) ([]byte, error) {
	var out bytes.Buffer
	if first {
		if err := t.header(&out, packets[0].Data); err != nil {
			return nil, err
		}
	}
	f, err := mp4.CreateFragment(number, 1)
	if err != nil {
		return nil, err
	}
	for i, p := range packets {
		next := end
		if i+1 < len(packets) {
			next = packets[i+1].At
		}
		at, data, flags := max(0, p.At.Ticks(t.scale)), p.Data, mp4.SyncSampleFlags
		if t.codec == media.H264 {
			data = avc.ConvertByteStreamToNaluSample(bytes.Clone(data)) // it writes to what it is given, which others read
		}
		if !p.Key && t.codec.Video() {
			flags = mp4.NonSyncSampleFlags
		}
		f.AddFullSample(mp4.FullSample{
			Sample:     mp4.Sample{Flags: flags, Dur: uint32(max(1, next.Ticks(t.scale)-at)), Size: uint32(len(data))},
			DecodeTime: uint64(at), Data: data,
		})
	}
	err = f.Encode(&out)
	return out.Bytes(), err
}

// header is ftyp and moov of the track whose first packet is key.
func (t *Tape) header(out *bytes.Buffer, key []byte) error {
	kind := "video"
	if t.codec.Audio() {
		kind = "audio"
	}
	init := mp4.CreateEmptyInit()
	trak := init.AddEmptyTrack(uint32(t.scale), kind, "und")
	if err := describe(trak, t.codec, key); err != nil {
		return fmt.Errorf("%v: %w", t.codec, err)
	}
	return init.Encode(out)
}
