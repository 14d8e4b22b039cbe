package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
)

// roomsOf is what one process with a number of rooms used: everything from packets in to parts that can
// be fetched, with the ladder of the defaults and both sounds. Broadcasters send 640x360 VP8 and Opus.
type roomsOf struct {
	Rooms, Broadcasters int
	CPU                 float64   // s per second
	Late, LateSound     []float64 // ms that parts of pictures, and of sound, came after their end
	Steps               [4]int64  // of giving way
	Skipped             int64     // pictures that were merged
	PSS                 int       // kB, of all rooms: after warming up
	PSSEnd              int       // and at the end
}

// rooms measures how many rooms two cores hold, beside how many they would if there were nothing to do but decode and
// encode, one thread a room.
func rooms(s settings) ([]row, error) {
	var rows []row
	for _, n := range []int{3, 4} {
		floor, err := runFloor(s, n)
		if err != nil {
			return rows, err
		}
		r, err := runRooms(s, n, 4, 8, 20)
		if err != nil {
			return rows, err
		}
		r.Late = append(r.Late, r.LateSound...)
		rows = append(rows,
			row{fmt.Sprintf("%d rooms of 4 x 360p to 720p + 360p: rooms that two cores hold; theirs: the codecs alone", n), hold(r),
				fmt.Sprintf("%.2f", 2*float64(n)/floor), fmt.Sprintf("%.3f (%.3f cores each)", floor/r.CPU, r.CPU/float64(n)), ">= 3.5 (0.76)"},
			row{fmt.Sprintf("%d rooms: parts published after their end, p50, p99, most", n), spread(r.Late), "", fmt.Sprintf("gave way %v", r.Steps), "p99 <= 50 ms"})
	}
	r, err := overfull(s)
	return append(rows, r...), err
}

// overfull measures what becomes of the sound with more rooms than two cores hold, beside the same where
// Go code gets no more threads than there are cores.
func overfull(s settings) ([]row, error) {
	const n = 10
	ours, err := runRooms(s, n, 4, 15, 20)
	if err != nil {
		return nil, err
	}
	plain, err := runRooms(s, n, 4, 15, 20, fmt.Sprintf("GOMAXPROCS=%d", runtime.NumCPU()))
	if err != nil {
		return nil, err
	}
	return []row{{fmt.Sprintf("%d rooms, which is too many: parts of sound published after their end, p50, p99, most; theirs: GOMAXPROCS of the cores", n),
		spread(ours.LateSound),
		spread(plain.LateSound), "", ""}}, nil
}

// idle measures rooms in which nothing happens.
func idle(s settings) ([]row, error) {
	const n = 10
	r, err := runRooms(s, n, 0, 12, 20)
	if err != nil {
		return nil, err
	}
	return []row{{"idle room, 720p + 360p, of a core", fmt.Sprintf("%.2f %%", 100*r.CPU/n), "", "", "<= 1 %"}}, nil
}

// memory measures what a room holds, with what is shared between rooms in it.
func memory(s settings) (rows []row, err error) {
	for _, n := range []int{4, 9} {
		one, err := runRooms(s, 1, n, 20, 20)
		if err != nil {
			return rows, err
		}
		two, err := runRooms(s, 2, n, 20, 20)
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{fmt.Sprintf("PSS of a room with %d broadcasters, MB (one more room; whole process with one)", n),
			fmt.Sprintf("%.0f (%.0f)", float64(two.PSSEnd-one.PSSEnd)/1024, float64(one.PSSEnd)/1024), "",
			fmt.Sprintf("%+.1f %% in 20 s", 100*float64(one.PSSEnd-one.PSS)/float64(one.PSS)), "flat"})
	}
	return rows, nil
}

// hold is how many of r's rooms two cores have the time for. Rooms that gave way did less than they should.
func hold(r roomsOf) string {
	if r.Steps != [4]int64{} {
		return "too slow: gave way"
	}
	return fmt.Sprintf("%.2f", 2*float64(r.Rooms)/r.CPU)
}

// spread words the median, the 99th percentile and the most.
func spread(s []float64) string { return ms(s, 0.5) + ", " + ms(s, 0.99) + ", " + ms(s, 1) }

func ms(s []float64, q float64) string {
	if len(s) == 0 {
		return "-"
	}
	slices.Sort(s)
	return fmt.Sprintf("%.0f ms", s[min(int(q*float64(len(s))), len(s)-1)])
}

// runRooms measures n rooms with so many broadcasters each in a process of their own, both cores free. What is in env
// is in its environment.
func runRooms(s settings, n, broadcasters, warm, seconds int, env ...string) (r roomsOf, err error) {
	paths, err := makeClips(s.dir, clips, clipW, clipH)
	if err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	progress("%d rooms with %d broadcasters each, %d s", n, broadcasters, warm+seconds)
	cmd := exec.Command(self, append([]string{"job", "rooms", fmt.Sprint(n), fmt.Sprint(broadcasters), fmt.Sprint(warm), fmt.Sprint(seconds)}, paths...)...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// roomsJob is the process of runRooms.
func roomsJob(args []string) error {
	if len(args) < 5 {
		return errors.New("job rooms: say rooms, broadcasters, seconds to warm up, seconds to measure, and the clips")
	}
	codec.ShareCores()
	var num [4]int
	for i := range num {
		var err error
		if num[i], err = strconv.Atoi(args[i]); err != nil {
			return err
		}
	}
	var clips [][]media.Packet
	for _, path := range args[4:] {
		c, err := readIVF(path, fps30)
		if err != nil {
			return err
		}
		clips = append(clips, c)
	}
	voices, err := makeVoices(num[1])
	if err != nil {
		return err
	}
	r := roomsOf{Rooms: num[0], Broadcasters: num[1]}
	var all []*oneRoom
	var run sync.WaitGroup
	for range num[0] {
		o, err := newOneRoom()
		if err != nil {
			return err
		}
		all = append(all, o)
		run.Go(o.comp.Run)
		for k := range num[1] {
			if err := o.join(k, clips[k%len(clips)], voices[k], &run); err != nil {
				return err
			}
		}
		time.Sleep(137 * time.Millisecond) // rooms are not in step
	}
	time.Sleep(time.Duration(num[2]) * time.Second)
	for _, o := range all {
		o.late.reset()
		o.lateSound.reset()
		for k, n := range o.comp.Stats().Given {
			r.Steps[k] -= n
		}
	}
	r.PSS = pss()
	from, begin := cpuTime(), time.Now()
	time.Sleep(time.Duration(num[3]) * time.Second)
	r.CPU = (cpuTime() - from).Seconds() / time.Since(begin).Seconds()
	r.PSSEnd = pss()
	for _, o := range all {
		r.Late, r.LateSound = append(r.Late, o.late.all()...), append(r.LateSound, o.lateSound.all()...)
		st := o.comp.Stats()
		for k, n := range st.Given {
			r.Steps[k] += n
		}
		for _, g := range st.Rungs {
			r.Skipped += g.Skipped
		}
		close(o.end)
		o.comp.Stop()
	}
	run.Wait()
	return json.NewEncoder(os.Stdout).Encode(r)
}

// pss is the process's share of memory in kB, garbage left out.
func pss() (kb int) {
	debug.FreeOSMemory()
	data, _ := os.ReadFile("/proc/self/smaps_rollup")
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(line, "Pss:"); ok {
			fmt.Sscan(v, &kb)
		}
	}
	return kb
}

// oneRoom is a program from its inputs to what its viewers fetch.
type oneRoom struct {
	comp            *compositor.Compositor
	clock           media.Clock
	late, lateSound lateness
	end             chan struct{}
}

// lateness is how long after its end each part is published, in ms.
type lateness struct {
	mu sync.Mutex
	ms []float64
}

func (l *lateness) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ms = append(l.ms, float64(d)/1e6)
}

func (l *lateness) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ms = nil
}

func (l *lateness) all() []float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ms
}

// timed is a stream that notes when its parts come.
type timed struct {
	*origin.Stream
	clock media.Clock
	late  *lateness
}

func (t timed) Append(p packager.Part) error {
	err := t.Stream.Append(p)
	t.late.add(time.Since(t.clock.Instant(p.Start + p.Dur)))
	return err
}

func newOneRoom() (*oneRoom, error) {
	plan, err := packager.NewPlan("low", fps30)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	o := &oneRoom{clock: media.NewClock(now), end: make(chan struct{})}
	wall := func(t media.Time) time.Time { return o.clock.Wall(t - plan.Delay) }
	track := packager.TrackConfig{FirstMSN: plan.FirstMSN(now), Wall: wall}
	out := origin.NewProgram(origin.ProgramConfig{ID: fmt.Sprint(now.UnixNano()), Plan: plan, FirstMSN: track.FirstMSN, Wall: wall, Window: 60 * media.Second})
	look := compositor.DefaultLook()
	o.comp, err = compositor.New(compositor.Config{
		Canvases: []compositor.Canvas{{Name: "main", W: 1280, H: 720, Look: look, Rungs: []compositor.Rung{top, low}}},
		Rate:     fps30, Delay: plan.Delay, Clock: o.clock, GOP: plan.GOP(), PartFrames: plan.PartFrames,
		Sounds: []compositor.Sound{{Name: compositor.AudioID, BitRate: 128_000}, {Name: "audio-low", BitRate: 48_000}},
		Mix:    compositor.Mix{Loudness: -16, Duck: 12},
		Open: func(canvas, id string, p media.Params) (compositor.Outlet, error) {
			in, err := packager.NewInit(p, plan)
			if err != nil {
				return nil, err
			}
			if p.Audio != nil {
				return packager.NewTrack(in, plan, track, timed{out.AddAudio(id, in), o.clock, &o.lateSound}), nil
			}
			return packager.NewTrack(in, plan, track, timed{out.AddVideo(canvas, id, in), o.clock, &o.late}), nil
		},
	}, codec.LibAV())
	return o, err
}

// join lets a broadcaster send its clip and its voice over and over, until end.
func (o *oneRoom) join(k int, clip, voice []media.Packet, run *sync.WaitGroup) error {
	tile := o.comp.Join(compositor.TileConfig{ID: fmt.Sprint(k), Name: broadcast.Cast[k%len(broadcast.Cast)].Name})
	video, err := tile.Open(media.VP8)
	if err != nil {
		return err
	}
	audio, err := tile.Open(media.Opus)
	if err != nil {
		return err
	}
	begin := o.clock.At(time.Now())
	run.Go(func() { o.send(video, clip, begin, fps30.Frame(1)) })
	run.Go(func() { o.send(audio, voice, begin, 20*media.Millisecond) })
	return nil
}

func (o *oneRoom) send(to *compositor.Input, packets []media.Packet, begin, each media.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		at := begin + media.Time(n)*each
		timer.Reset(time.Until(o.clock.Instant(at)))
		select {
		case <-timer.C:
		case <-o.end:
			return
		}
		p := packets[n%len(packets)]
		p.At = at
		to.Push(p)
	}
}

// makeVoices are ten seconds of Opus each.
func makeVoices(n int) (all [][]media.Packet, err error) {
	script := broadcast.NewScript(2026, max(n, 1))
	for k := range n {
		enc, err := codec.LibAV().NewAudioEncoder(codec.AudioConfig{Codec: media.Opus, BitRate: 32_000})
		if err != nil {
			return nil, err
		}
		voice := broadcast.NewVoice(broadcast.Cast[k%len(broadcast.Cast)], script, k)
		samples := make([]float32, 2*960)
		var packets []media.Packet
		for i := range int64(500) {
			voice.Fill(samples, 20*365*86400*media.Second+media.FromTicks(i*960, 48000))
			got, err := enc.Encode(samples)
			if err != nil {
				return nil, err
			}
			for _, p := range got {
				p.Data = bytes.Clone(p.Data)
				packets = append(packets, p)
			}
		}
		enc.Close()
		all = append(all, packets)
	}
	return all, nil
}
