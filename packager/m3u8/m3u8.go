// Package m3u8 writes, reads and checks HLS playlists.
//
// Rule numbers (S-1, M-3, P-7, ...) are those of the project's LL-HLS checklist, whose
// source is draft-pantos-hls-rfc8216bis-22 and Apple's authoring specification.
package m3u8

import "time"

// Header is what stands before the first segment of a media playlist. Durations are
// in seconds, and nothing here but the two sequence numbers ever changes in the life of
// a playlist (M-2, M-23). A zero float leaves its attribute out.
type Header struct {
	Version           int     // 0 when written: 9, see V-3
	TargetDuration    int     // s
	CanBlockReload    bool    // requests with _HLS_msn are held (M-21)
	CanSkipDateRanges bool    // delta updates v2; with CanSkipUntil only (M-18)
	CanSkipUntil      float64 // >= 6 TargetDuration (M-17)
	HoldBack          float64 // >= 3 TargetDuration (M-19)
	PartHoldBack      float64 // >= 3 PartTarget (M-20)
	PartTarget        float64 // no part is longer (P-7); 0: no EXT-X-PART-INF
	IFramesOnly       bool    // every entry is a range with one key frame (M-25)
	Event             bool    // PLAYLIST-TYPE:EVENT is written: nothing is ever taken off (M-12)

	MediaSequence         int64
	DiscontinuitySequence int64
}

// Segment is a media segment, or the open parent of the trailing parts while URI is empty.
type Segment struct {
	URI             string
	Duration        float64   // s; of a complete segment
	Map             string    // URI of the init section; the tag is written when it is not empty
	ProgramDateTime time.Time // written when it is not zero
	ByteRange       string    // n@o of the resource URI; empty: all of it
	Discontinuity   bool
	Gap             bool // there is no media (G-14)
	Parts           []Part
}

// Part is a partial segment.
type Part struct {
	URI         string
	Duration    float64 // s
	Independent bool
	Gap         bool
	ByteRange   string // n@o of the resource URI; empty: all of it
}

// DateRange is an EXT-X-DATERANGE that is written: something that happens in the program. The reader's
// type knows of more.
type DateRange struct {
	ID       string // unique in the program for ever (D-8)
	Class    string // of events with the same meaning; may be empty
	Start    time.Time
	Duration float64           // s; negative: unknown
	Next     bool              // it ends where the next of its class begins (D-5)
	Client   []ClientAttribute // in this order
}

// ClientAttribute is an X- attribute of an EXT-X-DATERANGE. Name begins with X- and has A-Z, 0-9 and - (D-7).
type ClientAttribute struct{ Name, Value string }

// Multivariant is a multivariant playlist.
type Multivariant struct {
	Version             int // 0 when written: 6
	IndependentSegments bool
	Audio               []Media
	Variants            []Variant
	IFrames             []Variant // EXT-X-I-FRAME-STREAM-INF
	Other               []Media   // read only: subtitles, captions and alternative video
}

// Media is a rendition, an EXT-X-MEDIA tag.
type Media struct {
	Type       string // empty when written: AUDIO
	GroupID    string
	Name       string
	Language   string
	URI        string // empty: inside the variant
	Channels   string
	Default    bool
	AutoSelect bool
	InstreamID string // of CLOSED-CAPTIONS
}

// Variant is an EXT-X-STREAM-INF tag and its URI line.
type Variant struct {
	URI              string
	Bandwidth        int // peak, bit/s, with the loudest audio (MV-7)
	AverageBandwidth int // bit/s
	Codecs           string
	Width, Height    int
	FrameRate        float64 // written with 3 decimals (MV-13)
	Audio            string  // group of Audio renditions
	ClosedCaptions   string  // empty when written: NONE (MV-16)
	VideoRange       string
}
