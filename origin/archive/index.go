package archive

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tilecast/media"
	"tilecast/packager"
)

// Segment is one that is on disk, whole or as far as it came.
type Segment struct {
	MSN        int64
	Life       int
	Start, Dur media.Time // in its life
	Size       int64
	Key        int    // bytes up to the end of the key frame with which it begins; 0: it begins with none
	Gap        bool   // nothing of it came
	Parts      []Part // where they were asked for

	came int  // parts that did
	last bool // the last of them is the segment's last
}

// Part is a part in its segment's file.
type Part struct {
	packager.Part       // Data only where Load was asked for it
	Size          int64 // of Data
	CRC           uint32
}

// Names of files in a stream's folder.
func segmentName(msn int64) string { return strconv.FormatInt(msn, 10) + ".m4s" }
func indexName(msn int64) string   { return strconv.FormatInt(msn/indexed, 10) + ".idx" }
func initName(k int) string        { return "init." + strconv.Itoa(k) + ".mp4" }

// indexed is how many segments an index file is for.
const indexed = 1024

// line is a part's in the index: msn, part, start and length in flicks, bytes, of those up to the end of a
// key frame that comes first, flags, CRC-32 of the bytes. Flags are i (independent), l (the last of its segment),
// g (it never came), or - for none.
func line(p packager.Part) []byte {
	flags := ""
	for _, f := range []struct {
		is   bool
		flag string
	}{{p.Independent, "i"}, {p.Last, "l"}, {p.Gap, "g"}} {
		if f.is {
			flags += f.flag
		}
	}
	if flags == "" {
		flags = "-"
	}
	return fmt.Appendf(nil, "%d %d %d %d %d %d %s %08x\n", p.MSN, p.Index, int64(p.Start), int64(p.Dur), len(p.Data), p.KeyLen, flags, crc32.ChecksumIEEE(p.Data))
}

// parseLine reads a line; false for one that is torn.
func parseLine(b []byte) (p Part, ok bool) {
	var n [6]int64
	for i := range n {
		field, rest, found := bytes.Cut(b, []byte(" "))
		v, good := number(field)
		if !found || !good {
			return p, false
		}
		n[i], b = v, rest
	}
	flags, sum, found := strings.Cut(string(b), " ")
	crc, err := strconv.ParseUint(sum, 16, 32)
	if !found || err != nil || len(sum) != 8 || n[1] > 1<<20 {
		return p, false
	}
	p = Part{Part: packager.Part{
		MSN: n[0], Index: int(n[1]), Start: media.Time(n[2]), Dur: media.Time(n[3]),
		Independent: strings.Contains(flags, "i"), Last: strings.Contains(flags, "l"),
		Gap: strings.Contains(flags, "g"), KeyLen: int(min(n[5], n[4])),
	}, Size: n[4], CRC: uint32(crc)}
	return p, p.Dur > 0
}

// number reads digits.
func number(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// index reads what a stream's index says, each line once, though its last file may grow: segments in order, as far as
// their parts follow each other from the first. There may be numbers missing.
type index struct {
	dir  string
	bare bool // parts are only counted
	file int64
	read int64 // bytes of that file
	rest int   // bytes behind its last line
	segs []Segment
	torn int // lines that make no sense
}

// indexFiles are the numbers of the files of a stream's index, in order.
func indexFiles(dir string) (all []int64, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.idx"))
	for _, name := range names {
		if n, ok := number([]byte(strings.TrimSuffix(filepath.Base(name), ".idx"))); ok {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, err
}

// more reads what has come to file n since it was read before. false: there is no such file.
func (x *index) more(m *Manifest, n int64) (found bool, err error) {
	f, err := os.Open(filepath.Join(x.dir, indexName(n*indexed)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if n != x.file {
		x.file, x.read = n, 0
	}
	data := make([]byte, max(0, info.Size()-x.read))
	if _, err := f.ReadAt(data, x.read); err != nil && err != io.EOF {
		return false, err
	}
	for {
		row, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole { // the rest of the line may come
			x.rest = len(row)
			return true, nil
		}
		data, x.read = rest, x.read+int64(len(row))+1
		if len(row) == 0 {
			continue
		}
		if p, ok := parseLine(row); ok {
			x.add(m, p)
		} else {
			x.torn++
		}
	}
}

// add adds p to the last segment or begins another with it. A part that does not follow is left out, and so are those behind it,
// since the bytes before them are missing.
func (x *index) add(m *Manifest, p Part) {
	n := len(x.segs)
	switch {
	case p.Index == 0 && (n == 0 || p.MSN > x.segs[n-1].MSN):
		x.segs = append(x.segs, Segment{MSN: p.MSN, Life: m.life(p.MSN), Start: p.Start, Key: p.KeyLen, Gap: true})
		n++
	case n == 0 || p.MSN != x.segs[n-1].MSN || p.Index != x.segs[n-1].came:
		return
	}
	s := &x.segs[n-1]
	s.Dur += p.Dur
	s.Size += p.Size
	s.Gap = s.Gap && p.Gap
	s.last = p.Last
	if s.came++; !x.bare {
		s.Parts = append(s.Parts, p)
	}
}

// withParts is how many of the last files of an index are loaded with the parts that they name: more than Mend ever reads.
const withParts = 2

// readIndex reads all of a stream's index.
func (l *Loaded) readIndex(dir string) ([]Segment, error) {
	files, err := indexFiles(dir)
	if err != nil {
		return nil, err
	}
	x := index{dir: dir, file: -1}
	for i, n := range files {
		x.bare = i < len(files)-withParts
		if _, err := x.more(&l.Manifest, n); err != nil {
			return nil, err
		}
		if x.rest > 0 {
			x.torn++
		}
	}
	x.tell(l.store.log)
	for i := range x.segs {
		if x.segs[i].Gap {
			x.segs[i].Parts = nil
		}
	}
	return x.segs, nil
}

// tell says once what was torn.
func (x *index) tell(log *slog.Logger) {
	if x.torn > 0 {
		log.Warn("archive: torn lines in an index", "folder", x.dir, "lines", x.torn)
	}
	x.torn = 0
}

// fewSegments is how many files are looked for by name; for more, all of the folder is read.
const fewSegments = 64

// present leaves out segments whose file is not there.
func present(dir string, segs []Segment) ([]Segment, error) {
	if len(segs) < fewSegments {
		return slices.DeleteFunc(segs, func(s Segment) bool {
			if s.Gap {
				return false
			}
			_, err := os.Lstat(filepath.Join(dir, segmentName(s.MSN)))
			return err != nil
		}), nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	return slices.DeleteFunc(segs, func(s Segment) bool { return !there[segmentName(s.MSN)] && !s.Gap }), nil
}
