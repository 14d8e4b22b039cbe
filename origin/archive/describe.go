package archive

import (
	"errors"

	"github.com/Eyevinn/mp4ff/av1"
	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"
	mcav1 "github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp9"

	"tilecast/media"
)

// describe gives a track its sample description, from its first key frame.
func describe(trak *mp4.TrakBox, c media.Codec, key []byte) error {
	switch c {
	case media.H264:
		return describeH264(trak, key)
	case media.VP8:
		return describeVP8(trak, key)
	case media.VP9:
		return describeVP9(trak, key)
	case media.AV1:
		return describeAV1(trak, key)
	case media.Opus:
		dops := &mp4.DopsBox{OutputChannelCount: 2, InputSampleRate: 48000}
		trak.Mdia.Minf.Stbl.Stsd.AddChild(mp4.CreateAudioSampleEntryBox("Opus", 2, 16, 48000, dops))
		return nil
	}
	return errors.New("there is no place for it in an MP4 file")
}

// describeH264 leaves parameter sets in the stream (avc3), where a sender may change them.
func describeH264(trak *mp4.TrakBox, key []byte) error {
	var sps, pps [][]byte
	for _, n := range avc.ExtractNalusFromByteStream(key) {
		switch { // a sender may write start codes into its units, with nothing between them
		case len(n) == 0:
		case avc.GetNaluType(n[0]) == avc.NALU_SPS:
			sps = append(sps, n)
		case avc.GetNaluType(n[0]) == avc.NALU_PPS:
			pps = append(pps, n)
		}
	}
	if len(sps) == 0 || len(pps) == 0 {
		return errors.New("a key frame without parameter sets")
	}
	return trak.SetAVCDescriptor("avc3", sps, pps, true)
}

// describeVP8 reads the frame header (RFC 6386 9.1).
func describeVP8(trak *mp4.TrakBox, key []byte) error {
	if len(key) < 10 || key[0]&1 != 0 || key[3] != 0x9d || key[4] != 0x01 || key[5] != 0x2a {
		return errors.New("not a key frame")
	}
	w, h := uint16(key[6])|uint16(key[7]&0x3f)<<8, uint16(key[8])|uint16(key[9]&0x3f)<<8
	vpcc := &mp4.VppCBox{Version: 1, Level: 10, BitDepth: 8, ChromaSubsampling: 1, ColourPrimaries: 6, TransferCharacteristics: 6, MatrixCoefficients: 6}
	return trak.SetVPxDescriptor("vp08", vpcc, w, h)
}

func describeVP9(trak *mp4.TrakBox, key []byte) error {
	var h vp9.Header
	if err := h.Unmarshal(key); err != nil {
		return err
	}
	if h.NonKeyFrame || h.ColorConfig == nil {
		return errors.New("not a key frame")
	}
	full := byte(0)
	if h.ColorConfig.ColorRange {
		full = 1
	}
	vpcc := &mp4.VppCBox{
		Version: 1, Profile: h.Profile, Level: 10, BitDepth: h.ColorConfig.BitDepth, ChromaSubsampling: h.ChromaSubsampling(), VideoFullRangeFlag: full,
		ColourPrimaries: 2, TransferCharacteristics: 2, MatrixCoefficients: 2, // the stream says
	}
	return trak.SetVPxDescriptor("vp09", vpcc, uint16(h.Width()), uint16(h.Height()))
}

func describeAV1(trak *mp4.TrakBox, key []byte) error {
	var unit mcav1.Bitstream
	if err := unit.Unmarshal(key); err != nil {
		return err
	}
	for _, obu := range unit {
		var h mcav1.SequenceHeader
		if len(obu) == 0 || obu[0]>>3&0xf != 1 || h.Unmarshal(obu) != nil {
			continue
		}
		sized, err := mcav1.Bitstream{obu}.Marshal()
		if err != nil {
			return err
		}
		rec := av1.CodecConfRec{
			Version: 1, SeqProfile: h.SeqProfile, HighBitdepth: bit(h.ColorConfig.HighBitDepth), TwelveBit: bit(h.ColorConfig.TwelveBit),
			MonoChrome: bit(h.ColorConfig.MonoChrome), ChromaSubsamplingX: bit(h.ColorConfig.SubsamplingX), ChromaSubsamplingY: bit(h.ColorConfig.SubsamplingY),
			ConfigOBUs: sized,
		}
		if len(h.SeqLevelIdx) > 0 {
			rec.SeqLevelIdx0 = h.SeqLevelIdx[0]
		}
		if len(h.SeqTier) > 0 {
			rec.SeqTier0 = bit(h.SeqTier[0])
		}
		return trak.SetAV1Descriptor("av01", &mp4.Av1CBox{CodecConfRec: rec}, uint16(h.Width()), uint16(h.Height()))
	}
	return errors.New("a key frame without a sequence header")
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
