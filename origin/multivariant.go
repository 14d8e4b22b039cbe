package origin

import (
	"fmt"
	"hash/crc32"
	"net/url"
	"strconv"
	"strings"

	"tilecast/media"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// canvas is the multivariant playlist of one output shape, plain and compressed.
type canvas [2]*text

// defaultCanvas is the name under which the first canvas is found besides its own.
const defaultCanvas = "index"

// vbv is the longest rate-control buffer that a rung may have. In any stretch of d seconds it
// sends at most MaxRate·(d+vbv) bits.
const vbv = media.Second / 2

// borrowed is the same for sound: in d seconds it sends at most BitRate·(d+borrowed) bits.
const borrowed = media.Second / 10

// Container bytes, as an upper bound: moof, mdat and the share of prft and styp per part; the
// trun entry and what length prefixes need more than start codes per sample, which in sound is a size only.
const (
	partOverhead   = 176
	sampleOverhead = 24
	soundOverhead  = 4
)

// renderCanvases writes the multivariant playlist of every canvas, the first again as the default.
func renderCanvases(cfg *ProgramConfig, streams []*Stream) map[string]canvas {
	out := map[string]canvas{}
	for _, s := range streams {
		if s.canvas == "" {
			continue
		}
		if _, have := out[s.canvas]; have {
			continue
		}
		c := renderCanvas(cfg, streams, s.canvas)
		out[s.canvas] = c
		if _, have := out[defaultCanvas]; !have {
			out[defaultCanvas] = c
		}
	}
	if len(out) == 0 && len(streams) > 0 {
		out[defaultCanvas] = renderCanvas(cfg, streams, "") // sound alone
	}
	return out
}

func renderCanvas(cfg *ProgramConfig, streams []*Stream, name string) canvas {
	m := m3u8.Multivariant{IndependentSegments: true}
	sound, alone := sounds(streams)
	if sound != nil && name != "" {
		m.Audio = []m3u8.Media{{
			GroupID: "audio", Name: "Program", URI: playlistURI(cfg, sound), Default: true, AutoSelect: true,
			Language: "und", // whoever speaks (AAS 8.10)
			Channels: strconv.Itoa(sound.init.Params.Audio.Channels),
		}}
	}
	for _, s := range streams {
		if s.canvas == name && s != alone {
			m.Variants = append(m.Variants, newVariant(cfg, s, sound))
		}
	}
	if alone != nil {
		m.Variants = append(m.Variants, newVariant(cfg, alone, nil))
	}
	for _, s := range streams {
		if v := s.init.Params.Video; v != nil && s.canvas == name {
			m.IFrames = append(m.IFrames, m3u8.Variant{
				URI: streamURI(cfg, s, "iframes.m3u8"), Bandwidth: frameBandwidth(cfg.Plan, v),
				Codecs: s.init.Codecs, Width: v.W, Height: v.H,
			})
		}
	}
	data := m.Append(nil)
	tag := fmt.Sprintf("%s-%s-%08x", cfg.ID, name, crc32.ChecksumIEEE(data)) // a program that goes on may have other rates
	return canvas{newText(data, tag, false), newText(compress(data), tag+"-gz", true)}
}

// sounds are the rendition of the sound that is heard with the pictures, which is the first, and the one for who
// has no bandwidth for pictures; nil where there is none. A variant of its own is what players that can do without
// pictures fall back to (AAS 9.21), last in the list, because the first is where many begin.
func sounds(streams []*Stream) (sound, alone *Stream) {
	for _, s := range streams {
		switch {
		case s.canvas != "":
		case sound == nil:
			sound = s
		case alone == nil:
			alone = s
		}
	}
	return sound, alone
}

// newVariant describes s, played with sound where there is any.
func newVariant(cfg *ProgramConfig, s, sound *Stream) m3u8.Variant {
	v := m3u8.Variant{URI: playlistURI(cfg, s)}
	v.Bandwidth, v.AverageBandwidth = bandwidth(cfg.Plan, s.init.Params)
	codecs := []string{s.init.Codecs}
	if video := s.init.Params.Video; video != nil {
		v.Width, v.Height = video.W, video.H
		v.FrameRate = video.Rate.Float()
		if sound != nil {
			peak, average := bandwidth(cfg.Plan, sound.init.Params)
			v.Bandwidth += peak
			v.AverageBandwidth += average
			v.Audio = "audio"
			codecs = append(codecs, sound.init.Codecs)
		}
	}
	v.Codecs = strings.Join(codecs, ",")
	return v
}

// playlistURI is the media playlist of s as seen from the room's folder.
func playlistURI(cfg *ProgramConfig, s *Stream) string { return streamURI(cfg, s, "stream.m3u8") }

func streamURI(cfg *ProgramConfig, s *Stream, file string) string {
	return url.PathEscape(cfg.ID) + "/" + url.PathEscape(s.name) + "/" + file
}

// frameBandwidth is the peak bit rate of the key frames alone (MV-20): one to a segment, none of which is larger than the
// rate-control buffer, with the moof of its part.
func frameBandwidth(plan packager.Plan, v *media.VideoParams) int {
	bits := float64(max(v.MaxRate, v.BitRate))*(vbv.Seconds()+1/v.Rate.Float()) + 8*float64(partOverhead+sampleOverhead*plan.PartFrames)
	return roundUp(bits / plan.SegmentStart(1).Seconds())
}

// bandwidth is the peak segment bit rate (MV-7, MV-8) and the average (MV-9) of a track in bit/s, container
// included, from what its encoder was told, so that it holds before anything was measured. The peak is over the
// shortest run of segments that counts, which lasts half a target duration or one segment.
func bandwidth(plan packager.Plan, p media.Params) (peak, average int) {
	segment := plan.SegmentStart(1).Seconds()
	run := segment
	for run < float64(plan.Target)/2 {
		run += segment
	}
	var top, mean, samples, each float64
	if v := p.Video; v != nil {
		top = float64(max(v.MaxRate, v.BitRate)) * (run + vbv.Seconds()) / run
		mean, samples = float64(v.BitRate), v.Rate.Float()
		each = sampleOverhead
	}
	if a := p.Audio; a != nil {
		top = float64(a.BitRate) * (run + borrowed.Seconds()) / run
		mean, samples = float64(a.BitRate), float64(a.SampleRate)/float64(a.FrameSize)
		each = soundOverhead
	}
	parts := float64(plan.PartsPerSegment) / segment
	container := 8 * (parts*partOverhead + samples*each)
	return roundUp(top + container), roundUp(mean + container)
}

// roundUp is x rounded up to a whole kbit/s.
func roundUp(x float64) int { return (int(x)/1000 + 1) * 1000 }
