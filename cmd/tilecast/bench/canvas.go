package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
	"tilecast/media"
)

var tall = compositor.Canvas{Name: "tall", W: 720, H: 1280, Rungs: []compositor.Rung{
	{Name: "tall", W: 720, H: 1280, BitRate: 2_500_000, MaxRate: 3_000_000, Encoder: "libx264", Preset: "superfast"},
}}

// canvases measures what larger, more and further pictures cost.
func canvases(s settings) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, contest := range []func(settings, string) ([]row, error){halves, thirds, secondCanvas, growth, ticks} {
		got, err := contest(s, self)
		rows = append(rows, got...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// halves is 2:1, where the peers scale, too.
func halves(s settings, self string) ([]row, error) {
	paths, err := makeClips(s.dir, 4, 1280, 720)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(s.dir, "out")
	times, err := interleave([]contestant{
		{"ours", inProcess(append([]string{self, "job", "compose"}, paths...))},
		{"codecs", inProcess(append([]string{self, "job", "codecs"}, paths...))},
		{"whole", wholeProcess(append([]string{self, "job", "compose"}, paths...))},
		{"ffmpeg", wholeProcess(ffmpegJob(paths, out+".mp4", true))},
		{"GStreamer", wholeProcess(gstreamerJob(paths, out+".h264"))},
	}, s.runs)
	if err != nil {
		return nil, err
	}
	name := "CPU s per 10 s, 4 x 1280x720 VP8 to 2x2 720p"
	return []row{
		versus(name+", against decode+encode alone", times["ours"], times["codecs"], "<= 1.07"),
		versus(name+", against ffmpeg's CLI", times["whole"], times["ffmpeg"], "<= 0.97"),
		versus(name+", against GStreamer's compositor", times["whole"], times["GStreamer"], "<= 0.75"),
	}, nil
}

// thirds is an odd ratio.
func thirds(s settings, self string) ([]row, error) {
	paths, err := makeClips(s.dir, 9, 1280, 720)
	if err != nil {
		return nil, err
	}
	times, err := interleave([]contestant{
		{"ours", inProcess(append([]string{self, "job", "compose"}, paths...))},
		{"codecs", inProcess(append([]string{self, "job", "codecs"}, paths...))},
	}, s.runs)
	return []row{versus("CPU s per 10 s, 9 x 1280x720 VP8 to 3x3 720p, against decode+encode alone", times["ours"], times["codecs"], "<= 1.12")}, err
}

// secondCanvas is what an upright canvas of the same four adds, beside its own scaling and encoding alone.
func secondCanvas(s settings, self string) ([]row, error) {
	paths, err := makeClips(s.dir, clips, clipW, clipH)
	if err != nil {
		return nil, err
	}
	times, err := interleave([]contestant{
		{"both", inProcess(append([]string{self, "job", "both"}, paths...))},
		{"one", inProcess(append([]string{self, "job", "compose"}, paths...))},
		{"alone", inProcess(append([]string{self, "job", "second"}, paths...))},
	}, s.runs)
	if err != nil {
		return nil, err
	}
	added := make([]time.Duration, s.runs)
	for i := range added {
		added[i] = times["both"][i] - times["one"][i] // of neighbours in time
	}
	slices.Sort(added)
	alone := slices.Sorted(slices.Values(times["alone"]))
	mid := s.runs / 2
	return []row{{
		"CPU s per 10 s that a canvas of 720x1280 adds, against its own scale+encode alone (medians)",
		fmt.Sprintf("%.3f", added[mid].Seconds()), fmt.Sprintf("%.3f", alone[mid].Seconds()),
		fmt.Sprintf("%.3f", float64(added[mid])/float64(alone[mid])), "<= 1.05",
	}}, nil
}

// growth is how cost above the encoder grows with tiles: no faster than decoded pixels.
func growth(s settings, self string) ([]row, error) {
	paths, err := makeClips(s.dir, layout.MaxTiles, 320, 180)
	if err != nil {
		return nil, err
	}
	var rows []row
	var first float64
	for _, n := range []int{1, 4, 9, 16, 25} {
		times, err := interleave([]contestant{
			{fmt.Sprint(n, " tiles"), inProcess(append([]string{self, "job", "compose"}, paths[:n]...))},
			{"encoder", inProcess(append([]string{self, "job", "encode"}, paths[:n]...))},
		}, s.runs)
		if err != nil {
			return rows, err
		}
		above := (slices.Min(times[fmt.Sprint(n, " tiles")]) - slices.Min(times["encoder"])).Seconds()
		if n == 1 {
			first = above
		}
		rows = append(rows, row{
			fmt.Sprintf("CPU s per 10 s above the encoder, %d tiles of 320x180, against that of one times %d", n, n),
			fmt.Sprintf("%.3f", above), fmt.Sprintf("%.3f", first*float64(n)), fmt.Sprintf("%.3f", above/first/float64(n)), "<= 1.00",
		})
	}
	return rows, nil
}

// ticks is the canvas alone with nine tiles: how long the worst took, and what it allocates.
func ticks(s settings, self string) ([]row, error) {
	paths, err := makeClips(s.dir, 9, 320, 180)
	if err != nil {
		return nil, err
	}
	out, _, err := pinned(append([]string{self, "job", "tick"}, paths...))
	if err != nil {
		return nil, err
	}
	var v [4]float64
	for i, f := range strings.Fields(out) {
		if v[i], err = strconv.ParseFloat(f, 64); err != nil {
			return nil, err
		}
	}
	return []row{
		{"canvas tick, 9 tiles with names and corners: median and worst CPU ms", fmt.Sprintf("%.2f, %.2f", v[0], v[1]), "", "", "<= 33"},
		{"canvas tick while all tiles move: worst CPU ms", fmt.Sprintf("%.2f", v[2]), "", "", "<= 33"},
		{"heap allocations per tick in steady state", fmt.Sprintf("%.2f", v[3]), "", "", "0"},
	}, nil
}

// bothJob is composeJob with an upright canvas beside the wide one.
func bothJob(all [][]media.Packet) error {
	var out counter
	p, err := newJob(len(all), codec.LibAV(), &out, wide, tall)
	if err != nil {
		return err
	}
	begin := cpuTime()
	for n := range all[0] {
		for k := range all {
			p.Push(k, all[k][n])
		}
		p.Frame()
	}
	used := cpuTime() - begin
	p.Close()
	fmt.Printf("%.6f\n", used.Seconds())
	return report(out, 2*len(all[0]))
}

// secondJob scales the decoded pictures to the tiles of the upright canvas, and encodes what was composed before: its
// floor. Decoding is not counted, the other canvas does it.
func secondJob(all [][]media.Packet) error {
	pictures, err := compositions(all, tall)
	if err != nil {
		return err
	}
	set := codec.LibAV()
	rung := tall.Rungs[0]
	enc, err := set.NewVideoEncoder(codec.VideoConfig{
		Codec: media.H264, Name: rung.Encoder, Preset: rung.Preset, W: rung.W, H: rung.H,
		Rate: fps30, BitRate: rung.BitRate, MaxRate: rung.MaxRate, GOP: 60,
	})
	if err != nil {
		return err
	}
	decoders := make([]codec.VideoDecoder, len(all))
	for k := range decoders {
		if decoders[k], err = set.NewVideoDecoder(media.VP8); err != nil {
			return err
		}
	}
	slots := layout.Arrange(&tall.Look.Layout, tall.W, tall.H, &layout.Stage{People: make([]layout.Person, len(all))}).Slots
	canvas := codec.NewPicture(tall.W, tall.H)
	var out counter
	var used time.Duration
	for n := range all[0] {
		var decoded []*codec.Picture
		for k := range all {
			pics, err := decoders[k].Decode(all[k][n])
			if err != nil {
				return err
			}
			decoded = append(decoded, pics...)
		}
		begin := cpuTime()
		for k, pic := range decoded {
			r := slots[k%len(slots)].Rect
			from, to := layout.Place(layout.Cover, pic.W, pic.H, r.Dx(), r.Dy())
			codec.Scale(canvas.View(to.Add(r.Min)), pic.View(from))
		}
		pictures[n].At = fps30.Frame(int64(n))
		packets, err := enc.Encode(pictures[n], fps30.Frame(1), n%60 == 0)
		used += cpuTime() - begin
		if err != nil {
			return err
		}
		for _, p := range packets {
			out.Write(p)
		}
		for _, pic := range decoded {
			pic.Release()
		}
	}
	fmt.Printf("%.6f\n", used.Seconds())
	return report(out, len(all[0]))
}

// tickJob prints the median and the worst tick in ms of CPU, the worst one while tiles move, and the allocations of one.
func tickJob(all [][]media.Packet) error {
	canvas := wide
	canvas.Look = compositor.DefaultLook()
	p, err := newJob(len(all), codec.LibAV(), &counter{}, canvas)
	if err != nil {
		return err
	}
	defer p.Close()
	var steady, moving []float64
	var allocs, ticks uint64
	for n := range all[0] {
		for k := range all {
			p.Push(k, all[k][n])
		}
		if n == 200 { // everybody to another place
			look := canvas.Look
			look.Layout.Mode = layout.ActiveSpeaker
			p.Apply(map[string]compositor.Look{canvas.Name: look})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := cpuTime()
		p.Compose()
		ms := (cpuTime() - begin).Seconds() * 1000
		runtime.ReadMemStats(&after)
		switch {
		case n >= 200 && n < 215:
			moving = append(moving, ms)
		case n >= 30 && n < 200 && n%8 != 0: // the director looks on each eighth
			steady = append(steady, ms)
			allocs += after.Mallocs - before.Mallocs
			ticks++
		}
	}
	slices.Sort(steady)
	fmt.Printf("%.4f %.4f %.4f %.4f\n", steady[len(steady)/2], steady[len(steady)-1], slices.Max(moving), float64(allocs)/float64(ticks))
	return nil
}
