package packager

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// H.264 NAL unit types (ISO/IEC 14496-10 table 7-1).
const (
	nalIDR    = 5
	nalSPS    = 7
	nalPPS    = 8
	nalAUD    = 9
	nalFiller = 12
)

var startCode = []byte{0, 0, 1}

// firstNAL skips the start code that b must begin with, after any number of zeros.
func firstNAL(b []byte) ([]byte, error) {
	i := bytes.Index(b, startCode)
	if i < 0 || len(bytes.Trim(b[:i], "\x00")) > 0 {
		return nil, errors.New("not H.264 in Annex B format: it does not begin with a start code")
	}
	return b[i+len(startCode):], nil
}

// cutNAL splits b, which begins behind a start code, into its first NAL unit without
// trailing zeros and what follows the next start code; rest is nil after the last one.
func cutNAL(b []byte) (nal, rest []byte) {
	nal = b
	if i := bytes.Index(b, startCode); i >= 0 {
		nal, rest = b[:i], b[i+len(startCode):]
	}
	return bytes.TrimRight(nal, "\x00"), rest
}

// parameterSets are the SPS and PPS of an avc1 track, which live in its init section
// and nowhere else (F-14, AAS 1.10).
type parameterSets struct{ sps, pps [][]byte }

// parseExtra reads the parameter sets that an encoder gave out of band, in Annex B.
func parseExtra(extra []byte) (parameterSets, error) {
	var ps parameterSets
	rest, err := firstNAL(extra)
	if err != nil {
		return ps, err
	}
	for rest != nil {
		var nal []byte
		if nal, rest = cutNAL(rest); len(nal) == 0 {
			continue
		}
		switch nal[0] & 31 {
		case nalSPS:
			ps.sps = append(ps.sps, nal)
		case nalPPS:
			ps.pps = append(ps.pps, nal)
		}
	}
	if len(ps.sps) == 0 || len(ps.pps) == 0 {
		return ps, fmt.Errorf("%d SPS and %d PPS where at least one of each is needed", len(ps.sps), len(ps.pps))
	}
	return ps, nil
}

// appendSample appends the NAL units of an access unit that belong into an avc1 sample and
// says how long the sample is with its four byte length prefixes. Delimiters, filler and
// parameter sets are left out; a parameter set that the init section lacks is an error,
// because players that joined earlier could not follow.
func (ps *parameterSets) appendSample(nals [][]byte, data []byte) (_ [][]byte, size int, err error) {
	rest, err := firstNAL(data)
	if err != nil {
		return nals, 0, err
	}
	for rest != nil {
		var nal []byte
		if nal, rest = cutNAL(rest); len(nal) == 0 {
			continue
		}
		switch nal[0] & 31 {
		case nalAUD, nalFiller:
			continue
		case nalSPS:
			if !contains(ps.sps, nal) {
				return nals, 0, fmt.Errorf("in-band SPS %x differs from the one of the init section, %x", nal, ps.sps[0])
			}
			continue
		case nalPPS:
			if !contains(ps.pps, nal) {
				return nals, 0, fmt.Errorf("in-band PPS %x differs from the one of the init section, %x", nal, ps.pps[0])
			}
			continue
		}
		nals = append(nals, nal)
		size += 4 + len(nal)
	}
	if size == 0 {
		return nals, 0, errors.New("access unit without a picture")
	}
	return nals, size, nil
}

func contains(sets [][]byte, nal []byte) bool {
	return slices.ContainsFunc(sets, func(s []byte) bool { return bytes.Equal(s, nal) })
}
