package archive

import (
	"bytes"
	"fmt"
	"hash/crc32"
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
	Gap        bool // nothing of it came
	Parts      []Part
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

// readIndex reads all of a stream's index: segments in order, as far as their parts follow each other from the first. There may
// be numbers missing. Lines that make no sense are counted.
func readIndex(dir string, m *Manifest) (segs []Segment, torn int, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.idx"))
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(names, func(a, b string) int { // by number
		return len(a) - len(b) + 2*strings.Compare(a, b)*boolInt(len(a) == len(b))
	})
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, torn, err
		}
		for len(data) > 0 {
			row, rest, whole := bytes.Cut(data, []byte("\n"))
			data = rest
			if len(row) == 0 {
				continue
			}
			p, ok := parseLine(row)
			if !ok || !whole {
				torn++
				continue
			}
			segs = appendPart(segs, m, p)
		}
	}
	for i := range segs {
		if segs[i].Gap {
			segs[i].Parts = nil
		}
	}
	return segs, torn, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// appendPart adds p to the last segment or begins another with it. A part that does not follow is left out, and
// so are those behind it, since the bytes before them are missing.
func appendPart(segs []Segment, m *Manifest, p Part) []Segment {
	n := len(segs)
	switch {
	case p.Index == 0 && (n == 0 || p.MSN > segs[n-1].MSN):
		segs = append(segs, Segment{MSN: p.MSN, Life: m.life(p.MSN), Start: p.Start, Gap: true})
		n++
	case n == 0 || p.MSN != segs[n-1].MSN || p.Index != len(segs[n-1].Parts):
		return segs
	}
	s := &segs[n-1]
	s.Dur += p.Dur
	s.Size += p.Size
	s.Gap = s.Gap && p.Gap
	s.Parts = append(s.Parts, p)
	return segs
}
