package lint

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"
)

// readInit reads an init section (F-1, F-2, F-14). The track is nil when there is none to go by.
func readInit(b []byte) (*track, []problem) {
	list, err := boxes(b)
	if err != nil {
		return nil, []problem{problemf("F-1", "%v", err)}
	}
	var found []problem
	at := slices.IndexFunc(list, func(x box) bool { return x.name == "moov" })
	if at < 0 {
		return nil, []problem{problemf("F-1", "no moov in %s", names(list))}
	}
	if list[0].name != "ftyp" || at != 1 {
		found = append(found, problemf("F-1", "the boxes are %s, ftyp and moov come first", names(list)))
	} else if brands, ok := brandsOf(list[0]); !ok {
		found = append(found, problemf("F-1", "none of the brands %s is iso6 or later", strings.Join(brands, ", ")))
	}
	x, err := decode(list[at])
	moov, ok := x.(*mp4.MoovBox)
	if err != nil || !ok {
		return nil, append(found, problemf("F-2", "moov: %v", err))
	}
	return readMoov(moov, found)
}

func names(list []box) string {
	s := make([]string, len(list))
	for i, b := range list {
		s[i] = fmt.Sprintf("%q", b.name)
	}
	return strings.Join(s, " ")
}

// brandsOf reads ftyp and reports whether a brand is iso6 or builds upon it.
func brandsOf(b box) (brands []string, ok bool) {
	for i := 8; i+4 <= len(b.data); i += 4 {
		if i == 12 {
			continue // minor version
		}
		brand := string(b.data[i : i+4])
		brands = append(brands, brand)
		ok = ok || brand >= "iso6" && brand <= "iso9" || brand >= "isoa" && brand <= "isoz" && brand != "isom" || strings.HasPrefix(brand, "cm")
	}
	return brands, ok
}

func readMoov(moov *mp4.MoovBox, found []problem) (*track, []problem) {
	if moov.Mvex == nil {
		found = append(found, problemf("F-2", "moov has no mvex"))
	}
	if moov.Mvhd != nil && moov.Mvhd.Duration != 0 {
		found = append(found, problemf("F-2", "mvhd has the duration %d", moov.Mvhd.Duration))
	}
	var best *track
	for _, trak := range moov.Traks {
		if trak.Tkhd == nil || trak.Mdia == nil || trak.Mdia.Mdhd == nil || trak.Mdia.Minf == nil || trak.Mdia.Minf.Stbl == nil || trak.Mdia.Minf.Stbl.Stsd == nil {
			found = append(found, problemf("F-2", "a trak lacks boxes"))
			continue
		}
		if trak.Tkhd.Duration != 0 {
			found = append(found, problemf("F-2", "tkhd has the duration %d", trak.Tkhd.Duration))
		}
		stbl := trak.Mdia.Minf.Stbl
		if stbl.Stts != nil && len(stbl.Stts.SampleCount) > 0 || stbl.Stsz != nil && stbl.Stsz.SampleNumber > 0 {
			found = append(found, problemf("F-2", "the init section has samples"))
		}
		if dinf := trak.Mdia.Minf.Dinf; dinf != nil && dinf.Dref != nil {
			for _, c := range dinf.Dref.Children {
				if u, ok := c.(*mp4.URLBox); ok && u.Flags&1 == 0 {
					found = append(found, problemf("F-4", "dref points outside of the file: %q", u.Location))
				}
			}
		}
		t := &track{id: trak.Tkhd.TrackID, timescale: max(1, int64(trak.Mdia.Mdhd.Timescale))}
		found = append(found, t.describe(stbl.Stsd)...)
		if best == nil || t.video && !best.video {
			best = t
		}
	}
	if best == nil {
		return nil, append(found, problemf("F-2", "moov has no track"))
	}
	best.several = len(moov.Traks) > 1
	if moov.Mvex != nil {
		for _, trex := range moov.Mvex.Trexs {
			if trex.TrackID == best.id {
				best.trex = trex
			}
		}
		if best.trex == nil {
			found = append(found, problemf("F-2", "mvex has no trex for track %d", best.id))
		}
	}
	return best, found
}

// describe reads the sample entry.
func (t *track) describe(stsd *mp4.StsdBox) (found []problem) {
	if len(stsd.Children) == 0 {
		return []problem{problemf("F-2", "stsd is empty")}
	}
	t.codec = stsd.Children[0].Type()
	switch t.codec {
	case "avc3", "hev1":
		t.video = true
		found = append(found, problemf("F-14", "the sample entry is %s", t.codec))
	case "hvc1", "av01", "vp09", "vp08", "encv", "dvh1", "dvhe", "vvc1":
		t.video = true
	}
	if e := stsd.AvcX; e != nil {
		t.video, t.avc = true, true
		if e.AvcC == nil || len(e.AvcC.SPSnalus) == 0 || len(e.AvcC.SPSnalus[0]) < 4 {
			return append(found, problemf("F-14", "avcC has no SPS"))
		}
		nal := e.AvcC.SPSnalus[0]
		t.codec = fmt.Sprintf("%s.%02x%02x%02x", t.codec, nal[1], nal[2], nal[3])
		if sps, err := parseSPS(nal); err == nil {
			t.w, t.h = int(sps.Width), int(sps.Height)
			if sps.VUI != nil && sps.VUI.ColourDescriptionFlag {
				t.transfer = sps.VUI.TransferCharacteristics
			}
		}
	}
	if e := stsd.Mp4a; e != nil && e.Esds != nil && e.Esds.DecConfigDescriptor != nil && e.Esds.DecConfigDescriptor.DecSpecificInfo != nil {
		asc, err := aac.DecodeAudioSpecificConfigHeader(bytes.NewReader(e.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig))
		if err == nil {
			t.codec = fmt.Sprintf("mp4a.40.%d", asc.ObjectType)
		}
	}
	return found
}

func parseSPS(nal []byte) (sps *avc.SPS, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("SPS: %v", p)
		}
	}()
	return avc.ParseSPSNALUnit(nal, true)
}
