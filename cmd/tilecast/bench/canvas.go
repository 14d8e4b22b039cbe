package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/compositor/layout"
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
func halves(s settings, _ string) ([]row, error) {
	return contest(s, "CPU s per 10 s, 4 x 1280x720 VP8 and Opus to 2x2 720p and AAC", 1280, 720, [3]string{"<= 1.07", "<= 0.97", "<= 0.75"})
}

// thirds is an odd ratio.
func thirds(s settings, self string) ([]row, error) {
	paths, err := makeClips(s.dir, 9, 1280, 720)
	if err != nil {
		return nil, err
	}
	voices, err := makeVoiceFiles(s.dir, 9)
	if err != nil {
		return nil, err
	}
	times, err := interleave([]contestant{inProcess(self, "turns", slices.Concat(paths, voices), "ours", "alone")}, s.runs)
	if err != nil {
		return nil, err
	}
	return []row{versus("CPU s per 10 s, 9 x 1280x720 VP8 and Opus to 3x3 720p and AAC, against decode+encode alone", times["ours"], times["alone"], "<= 1.12")}, nil
}

// secondCanvas is what an upright canvas of the same four adds, beside its own scaling and encoding alone.
func secondCanvas(s settings, self string) ([]row, error) {
	paths, err := makeClips(s.dir, clips, clipW, clipH)
	if err != nil {
		return nil, err
	}
	times, err := interleave([]contestant{inProcess(self, "second", paths, "both", "one", "alone")}, s.runs)
	if err != nil {
		return nil, err
	}
	var added []time.Duration
	var ratios []float64
	for i, alone := range times["alone"] {
		added = append(added, times["both"][i]-times["one"][i]) // which took turns
		ratios = append(ratios, float64(added[i])/float64(alone))
	}
	r := versus("CPU s per 10 s that a canvas of 720x1280 adds, against its own scale+encode alone (median ratio)", added, times["alone"], "<= 1.05")
	slices.Sort(ratios)
	r.ratio = fmt.Sprintf("%.3f", ratios[len(ratios)/2])
	return []row{r}, nil
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
		times, err := interleave([]contestant{inProcess(self, "growth", paths[:n], "ours", "encoder")}, s.runs)
		if err != nil {
			return rows, err
		}
		above := (slices.Min(times["ours"]) - slices.Min(times["encoder"])).Seconds()
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

// scaled scales the decoded pictures to the tiles of the upright canvas, and encodes what was composed before: its
// floor. Decoding is not counted, the other canvas does it.
type scaled struct {
	*alone
	slots  []layout.Slot
	canvas *codec.Picture
}

func scaledAlone(m *material) (worker, error) {
	a, err := newAlone(m, tall)
	if err != nil {
		return nil, err
	}
	stage := &layout.Stage{People: make([]layout.Person, len(m.clips))}
	return &scaled{a, layout.Arrange(&tall.Look.Layout, tall.W, tall.H, stage).Slots, codec.NewPicture(tall.W, tall.H)}, nil
}

func (s *scaled) frame(n int) (time.Duration, error) {
	decoded, err := s.decodeVideo(n)
	if err != nil {
		return 0, err
	}
	s.warm(n)
	begin := cpuTime()
	for k, pic := range decoded {
		r := s.slots[k].Rect
		from, to := layout.Place(layout.Cover, pic.W, pic.H, r.Dx(), r.Dy())
		codec.Scale(s.canvas.View(to.Add(r.Min)), pic.View(from))
	}
	err = s.encode(n)
	used := cpuTime() - begin
	for _, pic := range decoded {
		pic.Release()
	}
	return used, err
}

// tickJob prints the median and the worst tick in ms of CPU, the worst one while tiles move, and the allocations of one.
func tickJob(m *material) error {
	canvas := wide
	canvas.Look = compositor.DefaultLook()
	p, err := newProgram(m, codec.LibAV(), canvas)
	if err != nil {
		return err
	}
	defer p.Close()
	var steady, moving []float64
	var allocs, ticks uint64
	for n := range m.frames() {
		p.push(n)
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
