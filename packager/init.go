package packager

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"

	"tilecast/media"
)

// trackID is that of every track: a CMAF file has one (F-7).
const trackID = 1

// Init is a track's CMAF header: what EXT-X-MAP points at.
type Init struct {
	Params    media.Params
	Codecs    string // RFC 6381, of the parameters that are really sent (MV-12)
	Timescale int64  // ticks per second of tfdt and of sample durations
	Data      []byte // ftyp and moov; never written to again
}

// NewInit makes the init section of a track whose encoder is open: H.264 with its parameter
// sets, or AAC-LC at 48 kHz with its AudioSpecificConfig, in Extra.
func NewInit(p media.Params, plan Plan) (Init, error) {
	switch {
	case (p.Video == nil) == (p.Audio == nil):
		return Init{}, errors.New("init section: a track is either video or audio")
	case p.Video != nil:
		in, err := newVideoInit(p.Video, plan)
		if err != nil {
			return Init{}, fmt.Errorf("video init section: %w", err)
		}
		in.Params = p
		return in, nil
	default:
		in, err := newAudioInit(p.Audio)
		if err != nil {
			return Init{}, fmt.Errorf("audio init section: %w", err)
		}
		in.Params = p
		return in, nil
	}
}

func newVideoInit(p *media.VideoParams, plan Plan) (Init, error) {
	if p.Codec != media.H264 {
		return Init{}, fmt.Errorf("codec %v: only H264 can be packaged", p.Codec)
	}
	if !plan.cuts(p.Rate) {
		return Init{}, fmt.Errorf("encoder runs at %v frames per second, the plan cuts %v", p.Rate, plan.Rate)
	}
	ps, err := parseExtra(p.Extra)
	if err != nil {
		return Init{}, fmt.Errorf("parameter sets: %w", err)
	}
	sps, err := avc.ParseSPSNALUnit(ps.sps[0], true)
	if err != nil {
		return Init{}, fmt.Errorf("SPS %x: %w", ps.sps[0], err)
	}
	if int(sps.Width) != p.W || int(sps.Height) != p.H {
		return Init{}, fmt.Errorf("SPS says %dx%d, the encoder %dx%d", sps.Width, sps.Height, p.W, p.H)
	}
	timescale := videoTimescale(plan.Rate)
	trak := mp4.CreateEmptyTrak(trackID, uint32(timescale), "video", "und")
	if err := trak.SetAVCDescriptor("avc1", ps.sps, ps.pps, true); err != nil {
		return Init{}, err
	}
	entry := trak.Mdia.Minf.Stbl.Stsd.AvcX
	entry.CompressorName = ""
	entry.AddChild(colour(sps.VUI))
	entry.AddChild(&mp4.PaspBox{HSpacing: 1, VSpacing: 1})
	data, err := header(trak, []string{"iso6", "cmfc", "cmf2"})
	return Init{
		Codecs:    fmt.Sprintf("avc1.%02x%02x%02x", ps.sps[0][1], ps.sps[0][2], ps.sps[0][3]),
		Timescale: timescale,
		Data:      data,
	}, err
}

func newAudioInit(p *media.AudioParams) (Init, error) {
	if p.Codec != media.AAC {
		return Init{}, fmt.Errorf("codec %v: only AAC can be packaged", p.Codec)
	}
	if p.SampleRate != audioRate || p.FrameSize != audioFrameSamples {
		return Init{}, fmt.Errorf("%d Hz in frames of %d samples: plans cut sound at %d Hz in frames of %d", p.SampleRate, p.FrameSize, audioRate, audioFrameSamples)
	}
	if len(p.Extra) > 64 { // a few bytes are usual, and descriptors have one for their length
		return Init{}, fmt.Errorf("AudioSpecificConfig of %d bytes", len(p.Extra))
	}
	asc, err := aac.DecodeAudioSpecificConfig(bytes.NewReader(p.Extra))
	if err != nil {
		return Init{}, fmt.Errorf("AudioSpecificConfig %x: %w", p.Extra, err)
	}
	if asc.ObjectType != aac.AAClc || asc.SamplingFrequency != p.SampleRate || int(asc.ChannelConfiguration) != p.Channels {
		return Init{}, fmt.Errorf("AudioSpecificConfig %x is object type %d, %d Hz, %d channels where AAC-LC, %d Hz, %d channels are expected",
			p.Extra, asc.ObjectType, asc.SamplingFrequency, asc.ChannelConfiguration, p.SampleRate, p.Channels)
	}
	trak := mp4.CreateEmptyTrak(trackID, audioRate, "audio", "und")
	trak.Mdia.Minf.Stbl.Stsd.AddChild(mp4.CreateAudioSampleEntryBox("mp4a",
		uint16(p.Channels), 16, audioRate, mp4.CreateEsdsBox(p.Extra)))
	data, err := header(trak, []string{"iso6", "cmfc"})
	return Init{
		Codecs:    fmt.Sprintf("mp4a.40.%d", asc.ObjectType),
		Timescale: audioRate,
		Data:      data,
	}, err
}

// header is ftyp and moov without any duration, edit list or sample (F-1, F-2, F-8, F-13).
func header(trak *mp4.TrakBox, brands []string) ([]byte, error) {
	trak.Mdia.Hdlr.Name = ""
	moov := mp4.NewMoovBox()
	moov.AddChild(mp4.CreateMvhd())
	moov.AddChild(trak)
	mvex := mp4.NewMvexBox()
	mvex.AddChild(mp4.CreateTrex(trackID))
	moov.AddChild(mvex)

	seg := mp4.NewMP4Init()
	seg.AddChild(mp4.NewFtyp("cmfc", 0, brands))
	seg.AddChild(moov)
	var buf bytes.Buffer
	if err := seg.Encode(&buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// colour is what the SPS says of its samples, or BT.601 limited, in which everything here is composed.
func colour(vui *avc.VUIParameters) *mp4.ColrBox {
	c := &mp4.ColrBox{ColorType: mp4.ColorTypeOnScreenColors, ColorPrimaries: 6, TransferCharacteristics: 6, MatrixCoefficients: 6}
	if vui != nil && vui.VideoSignalTypePresentFlag {
		c.FullRangeFlag = vui.VideoFullRangeFlag
		if vui.ColourDescriptionFlag {
			c.ColorPrimaries = uint16(vui.ColourPrimaries)
			c.TransferCharacteristics = uint16(vui.TransferCharacteristics)
			c.MatrixCoefficients = uint16(vui.MatrixCoefficients)
		}
	}
	return c
}

// videoTimescale is one in which a frame is a whole number of ticks: 90 kHz where that fits,
// else the least multiple of the rate's numerator above it (F-16).
func videoTimescale(r media.FrameRate) int64 {
	const usual = 90000
	if usual*r.Den%r.Num == 0 {
		return usual
	}
	return (usual + r.Num - 1) / r.Num * r.Num
}
