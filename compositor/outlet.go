// Package compositor makes many inputs one picture and one sound, on time.
package compositor

import "tilecast/media"

// Outlet takes the packets of one rung or of the sound, in order. Write does not
// keep the caller waiting for a network or a disk.
type Outlet interface {
	Write(media.Packet) error
	Close() error
}
