package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
	"tilecast/packager"
)

// packagingRounds is how often the encoded program is packaged, so that the time can be told.
const packagingRounds = 50

// packaging measures what cutting and boxing a program costs beside encoding it.
func packaging(s settings) ([]row, error) {
	paths, err := makeClips(s.dir, clips, clipW, clipH)
	if err != nil {
		return nil, err
	}
	m, err := readMaterial(paths)
	if err != nil {
		return nil, err
	}
	composed := &alone{m: m}
	if err := composed.compose(wide); err != nil {
		return nil, err
	}
	var encode, pack []time.Duration
	var bytes, allocated uint64
	for i := range s.runs {
		packets, params, used, err := encodeProgram(composed.pictures)
		if err != nil {
			return nil, err
		}
		encode = append(encode, used)
		if used, allocated, err = packageProgram(packets, params); err != nil {
			return nil, err
		}
		pack = append(pack, used/packagingRounds)
		bytes = 0
		for _, p := range packets {
			bytes += uint64(len(p.Data))
		}
		progress("run %d: encoding %v, packaging %v", i+1, encode[i], pack[i])
	}
	slices.Sort(encode)
	slices.Sort(pack)
	return []row{{
		"CPU of packaging beside encoding, 720p x264 superfast, 10 s", fmt.Sprintf("%.2f ms", pack[0].Seconds()*1e3),
		fmt.Sprintf("encoder %.0f ms", encode[0].Seconds()*1e3), fmt.Sprintf("%.4f", float64(pack[0])/float64(encode[0])), "<= 0.01",
	}, {
		"bytes allocated by packaging, by byte of sample data", fmt.Sprintf("%.2f", float64(allocated)/float64(packagingRounds)/float64(bytes)), "", "", "one copy",
	}}, nil
}

// encodeProgram encodes pictures as the compositor does.
func encodeProgram(pictures []*codec.Picture) (packets []media.Packet, params media.Params, used time.Duration, err error) {
	plan, err := packager.NewPlan("low", fps30)
	if err != nil {
		return nil, params, 0, err
	}
	enc, err := codec.LibAV().NewVideoEncoder(codec.VideoConfig{
		Codec: media.H264, Name: top.Encoder, Preset: top.Preset, W: top.W, H: top.H,
		Rate: fps30, BitRate: top.BitRate, MaxRate: top.MaxRate, GOP: plan.SegmentFrames(),
	})
	if err != nil {
		return nil, params, 0, err
	}
	defer enc.Close()
	video := enc.Params()
	begin := cpuTime()
	for n, pic := range pictures {
		pic.At = fps30.Frame(int64(n))
		out, err := enc.Encode(pic, fps30.Frame(1), n%plan.SegmentFrames() == 0)
		if err != nil {
			return nil, params, 0, err
		}
		packets = append(packets, out...)
	}
	return packets, media.Params{Video: &video}, cpuTime() - begin, nil
}

// partCounter is a sink that keeps nothing.
type partCounter struct{ parts int }

func (c *partCounter) Append(packager.Part) error { c.parts++; return nil }
func (c *partCounter) Finish()                    {}

// packageProgram cuts the packets again and again.
func packageProgram(packets []media.Packet, params media.Params) (used time.Duration, allocated uint64, err error) {
	plan, err := packager.NewPlan("low", fps30)
	if err != nil {
		return 0, 0, err
	}
	in, err := packager.NewInit(params, plan)
	if err != nil {
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := cpuTime()
	for range packagingRounds {
		var sink partCounter
		t := packager.NewTrack(in, plan, packager.TrackConfig{FirstMSN: 1, Wall: media.NewClock(time.Now()).Wall}, &sink)
		for _, p := range packets {
			if err := t.Write(p); err != nil {
				return 0, 0, err
			}
		}
		if err := t.Close(); err != nil {
			return 0, 0, err
		}
		if sink.parts < 30 {
			return 0, 0, fmt.Errorf("%d parts of 300 frames", sink.parts)
		}
	}
	used = cpuTime() - begin
	runtime.ReadMemStats(&after)
	return used, after.TotalAlloc - before.TotalAlloc, nil
}
