package codec

import "bytes"

// NAL unit types of H.264 table 7-1.
const (
	nalSlice = 1
	nalIDR   = 5
	nalSPS   = 7
	nalPPS   = 8
)

// units walks the NAL units of an Annex B access unit, start codes included, up to
// and with the first slice; what follows that belongs to it.
func units(unit []byte, each func(kind byte, nal []byte)) {
	for len(unit) > 0 {
		head := bytes.Index(unit, []byte{0, 0, 1}) + 3
		if head < 3 || head >= len(unit) {
			return
		}
		kind := unit[head] & 31
		next := len(unit)
		if kind < nalSlice || kind > nalIDR {
			if i := bytes.Index(unit[head:], []byte{0, 0, 1}); i >= 0 {
				next = head + i
				if unit[next-1] == 0 {
					next--
				}
			}
		}
		each(kind, unit[:next])
		unit = unit[next:]
	}
}

// parameterSets returns a copy of the SPS and PPS in front of unit's first slice.
func parameterSets(unit []byte) (sets []byte) {
	units(unit, func(kind byte, nal []byte) {
		if kind == nalSPS || kind == nalPPS {
			sets = append(sets, nal...)
		}
	})
	return sets
}

// withoutParameterSets returns a copy of unit without them.
func withoutParameterSets(unit []byte) []byte {
	rest := make([]byte, 0, len(unit))
	units(unit, func(kind byte, nal []byte) {
		if kind != nalSPS && kind != nalPPS {
			rest = append(rest, nal...)
		}
	})
	return rest
}
