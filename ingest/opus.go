package ingest

import "tilecast/media"

// opusDuration is the length of an Opus packet by its table of contents
// (RFC 6716 3.1); ok is false for a packet that cannot be Opus.
func opusDuration(p []byte) (d media.Time, ok bool) {
	if len(p) == 0 {
		return 0, false
	}
	frames := 1
	switch p[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(p) < 2 {
			return 0, false
		}
		frames = int(p[1] & 0x3f)
	}
	d = media.Time(frames) * opusFrame(p[0]>>3)
	return d, d > 0 && d <= 120*media.Millisecond
}

// opusFrame is the length of one frame by the configuration number (RFC 6716 table 2).
func opusFrame(config byte) media.Time {
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [...]media.Time{10, 20, 40, 60}[config%4] * media.Millisecond
	case config < 16: // hybrid: 10, 20 ms
		return [...]media.Time{10, 20}[config%2] * media.Millisecond
	default: // CELT: 2.5, 5, 10, 20 ms
		return media.Millisecond * 5 / 2 << (config % 4)
	}
}
