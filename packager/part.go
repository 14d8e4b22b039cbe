// Package packager turns program packets into CMAF parts, segments and init sections.
package packager

import "tilecast/media"

// Part is a piece of a segment that can be fetched by itself: one CMAF chunk.
// The bytes of a segment are the bytes of its parts, one after the other.
type Part struct {
	MSN         int64 // media sequence number of its segment
	Index       int   // within the segment, from 0
	Start, Dur  media.Time
	Independent bool   // holds a key frame (video), always true for sound
	Last        bool   // its segment is complete with it
	Gap         bool   // there is no media for it, and no Data (G-14)
	KeyLen      int    // bytes of Data up to the end of its first sample, if that is a key frame of video; else 0
	Data        []byte // never written to again
}

// Sink is where a track's parts go. The origin implements it.
type Sink interface {
	Append(Part) error
	// Finish says that no part follows: the playlist ends. A segment whose Last part has not
	// come, because the program ended exactly at a part's edge, is complete as it stands.
	Finish()
}
