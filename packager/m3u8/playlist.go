package m3u8

// Playlist is a media playlist as it was read.
type Playlist struct {
	Header
	IndependentSegments bool
	Type                string // of PLAYLIST-TYPE: EVENT, VOD or empty
	Skipped             int    // segments that a delta update leaves out
	Segments            []Listed
	Open                *Listed // parent of the parts behind the last segment; nil when there are none
	Hints               []Hint
	Reports             []Report
	DateRanges          []Range
	SkipsRanges         bool     // a delta update v2
	Removed             []string // IDs of RECENTLY-REMOVED-DATERANGES
	EndList             bool

	StartAt *float64 // TIME-OFFSET of EXT-X-START, s; nil: none

	tags               map[string]int // line of each singular tag
	variables, queried bool           // EXT-X-DEFINE is there, with QUERYPARAM
}

// Listed is a segment in its place.
type Listed struct {
	Segment
	MSN, DSN int64
	Line     int    // of its URI; of its last part while it is open
	InForce  string // URI of the init section that applies, wherever its tag stands (G-7); "#n@o" behind it is a byte range
	Title    string
	Key      string // attribute list of the KEY in force; empty: in the clear

	BitRate int // kbit/s, of EXT-X-BITRATE; 0: none

	zoneless  bool // its date has no time zone
	lateParts bool // a part stands between its EXTINF and its URI
}

// Hint is an EXT-X-PRELOAD-HINT.
type Hint struct {
	Type, URI     string
	Start, Length int64 // Length 0: to the end
	Ranged        bool  // a piece of its resource, even if that begins at 0
}

// Report is an EXT-X-RENDITION-REPORT. LastMSN and LastPart are -1 when they are absent.
type Report struct {
	URI      string
	LastMSN  int64
	LastPart int
}

// Append writes the playlist again, as far as this package writes playlists at all: keys, date
// ranges, byte ranges and titles are left out.
func (p *Playlist) Append(b []byte) []byte {
	b = AppendHeader(b, p.Header)
	b = AppendSkip(b, p.Skipped)
	for i := range p.Segments {
		b = AppendSegment(b, &p.Segments[i].Segment)
	}
	if p.Open != nil {
		b = AppendSegment(b, &p.Open.Segment)
	}
	for _, h := range p.Hints {
		if h.Type == "PART" {
			b = AppendPreloadHint(b, h.URI)
		}
	}
	for _, r := range p.Reports {
		b = AppendRenditionReport(b, r.URI, r.LastMSN, r.LastPart)
	}
	if p.EndList {
		b = AppendEndList(b)
	}
	return b
}
