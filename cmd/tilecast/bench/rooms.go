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

// roomsPlan is what the process of runRooms does: rooms with so many broadcasters each, who send 640x360 VP8 and Opus for so
// many seconds, or all the time; so long to get warm then, so long to be measured. Memory is read so often. Every Turn
// seconds all leave and others come, if it is not 0.
type roomsPlan struct{ Rooms, Broadcasters, Stay, Warm, Measure, Every, Turn int }

// roomsOf is what one process with a number of rooms used: everything from packets in to parts that can
// be fetched, with the ladder of the defaults and both sounds, without WebRTC and HTTP.
type roomsOf struct {
	CPU             float64   // s per second
	Late, LateSound []float64 // ms that parts of pictures, and of sound, came after their end
	Relief          int       // what gave way at worst, before or while it was measured
	Missing         float64   // the share of pictures that were merged, replaced or left out
	PSS             []int     // kB, of all rooms: after warming up, each time that it was read, and at the end
}

// rooms measures how many rooms two cores hold, beside how many they would if there were nothing to do but decode and
// encode, one thread a room.
func rooms(s settings) ([]row, error) {
	var rows []row
	for _, n := range []int{3, 4} {
		var used, alone, late []float64 // of the runs that held
		var worst roomsOf
		for range s.runs {
			f, err := runFloor(s, n)
			if err != nil {
				return rows, err
			}
			r, err := runRooms(s, roomsPlan{Rooms: n, Broadcasters: 4, Warm: 8, Measure: 20})
			if err != nil {
				return rows, err
			}
			progress("%d rooms: %.3f cores (gave way: %d; missing: %.2f %%), the codecs alone %.3f", n, r.CPU, r.Relief, 100*r.Missing, f)
			alone = append(alone, f)
			if !r.held() {
				worst = r
				continue
			}
			used, late = append(used, r.CPU), append(append(late, r.Late...), r.LateSound...)
		}
		holds, ratio := fmt.Sprintf("none of %d runs held: gave way (%d, %.1f %% missing)", s.runs, worst.Relief, 100*worst.Missing), ""
		if len(used) > 0 {
			holds = fmt.Sprintf("%.2f, median %.2f of %d runs", 2*float64(n)/slices.Min(used), 2*float64(n)/median(used), len(used))
			ratio = fmt.Sprintf("%.3f, median %.3f (%.3f cores each)", slices.Min(alone)/slices.Min(used), median(alone)/median(used), slices.Min(used)/float64(n))
		}
		rows = append(rows,
			row{fmt.Sprintf("%d rooms of 4 x 360p to 720p + 360p: rooms that two cores hold; theirs: the codecs alone", n), holds,
				fmt.Sprintf("%.2f, median %.2f", 2*float64(n)/slices.Min(alone), 2*float64(n)/median(alone)), ratio, ">= 3.5 (0.76)"},
			row{fmt.Sprintf("%d rooms: parts published after their end, p50, p99, most", n), spread(late), "", "", "p99 <= 50 ms"})
	}
	r, err := overfull(s)
	return append(rows, r...), err
}

// held reports whether all was done that was to be done. Rooms that give way do less.
func (r roomsOf) held() bool { return r.Relief == 0 && r.Missing < 0.01 }

// overfull measures what becomes of the sound with more rooms than two cores hold, beside the same where
// Go code gets no more threads than there are cores.
func overfull(s settings) ([]row, error) {
	many := roomsPlan{Rooms: 10, Broadcasters: 4, Warm: 15, Measure: 20}
	ours, err := runRooms(s, many)
	if err != nil {
		return nil, err
	}
	plain, err := runRooms(s, many, fmt.Sprintf("GOMAXPROCS=%d", runtime.NumCPU()))
	if err != nil {
		return nil, err
	}
	return []row{{fmt.Sprintf("%d rooms, which is too many: parts of sound published after their end, p50, p99, most; theirs: GOMAXPROCS of the cores", many.Rooms),
		spread(ours.LateSound),
		spread(plain.LateSound), "", ""}}, nil
}

// idle measures rooms in which nothing happens: nobody has come yet, and everybody has gone.
func idle(s settings) (rows []row, err error) {
	for _, plan := range []struct {
		name string
		roomsPlan
	}{
		{"idle room, 720p + 360p, of a core", roomsPlan{Rooms: 4, Warm: 20, Measure: 20}},
		{"the same after somebody was there", roomsPlan{Rooms: 2, Broadcasters: 2, Stay: 10, Warm: 20, Measure: 20}},
	} {
		var used []float64
		for range s.runs {
			r, err := runRooms(s, plan.roomsPlan)
			if err != nil {
				return rows, err
			}
			used = append(used, 100*r.CPU/float64(plan.Rooms))
		}
		rows = append(rows, row{plan.name, fmt.Sprintf("%.2f %%, median %.2f %%", slices.Min(used), median(used)), "", "", "<= 1 %"})
	}
	return rows, nil
}

// memory measures what a room holds, with what is shared between rooms in it, once its window of a minute is full.
func memory(s settings) (rows []row, err error) {
	const window = 70
	for _, n := range []int{4, 9} {
		one, err := runRooms(s, roomsPlan{Rooms: 1, Broadcasters: n, Warm: window, Measure: 20})
		if err != nil {
			return rows, err
		}
		two, err := runRooms(s, roomsPlan{Rooms: 2, Broadcasters: n, Warm: window, Measure: 20})
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{fmt.Sprintf("PSS of a room with %d broadcasters, MB (one more room; whole process with one)", n),
			fmt.Sprintf("%.0f (%.0f)", mb(two.PSS[1]-one.PSS[1]), mb(one.PSS[1])), "", "", ""})
	}
	long, err := runRooms(s, roomsPlan{Rooms: 1, Broadcasters: 4, Warm: window, Measure: int(s.soak.Seconds()), Every: 60})
	if err != nil {
		return rows, err
	}
	turns, err := runRooms(s, roomsPlan{Rooms: 1, Broadcasters: 4, Warm: window, Measure: int(s.soak.Seconds()), Every: 60, Turn: 3})
	if err != nil {
		return rows, err
	}
	return append(rows,
		flat(fmt.Sprintf("PSS of a room over %v, MB: at first, at last, most", s.soak), long.PSS, "flat over 30m"),
		flat("the same while all leave and others come every 3 s", turns.PSS, "")), nil
}

// flat is a row of what was read over time.
func flat(name string, pss []int, goal string) row {
	progress("%s, kB: %v", name, pss)
	first, last := pss[0], pss[len(pss)-1]
	return row{name, fmt.Sprintf("%.1f, %.1f, %.1f", mb(first), mb(last), mb(slices.Max(pss))), "", fmt.Sprintf("%.3f", float64(last)/float64(first)), goal}
}

func mb(kb int) float64 { return float64(kb) / 1024 }

// spread words the median, the 99th percentile and the most.
func spread(s []float64) string { return ms(s, 0.5) + ", " + ms(s, 0.99) + ", " + ms(s, 1) }

func ms(s []float64, q float64) string {
	if len(s) == 0 {
		return "-"
	}
	slices.Sort(s)
	return fmt.Sprintf("%.0f ms", s[min(int(q*float64(len(s))), len(s)-1)])
}

// runRooms carries out a plan in a process of its own, both cores free. What is in env is in its environment.
func runRooms(s settings, plan roomsPlan, env ...string) (r roomsOf, err error) {
	paths, err := makeClips(s.dir, clips, clipW, clipH)
	if err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	told, err := json.Marshal(plan)
	if err != nil {
		return r, err
	}
	progress("%d rooms with %d broadcasters each, %d s", plan.Rooms, plan.Broadcasters, plan.Stay+plan.Warm+plan.Measure)
	cmd := exec.Command(self, append([]string{"job", "rooms", string(told)}, paths...)...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// roomsJob is the process of runRooms.
func roomsJob(args []string) error {
	if len(args) < 2 {
		return errors.New("job rooms: give the plan as JSON, and the clips")
	}
	var plan roomsPlan
	if err := json.Unmarshal([]byte(args[0]), &plan); err != nil {
		return err
	}
	codec.ShareCores()
	var clips [][]media.Packet
	for _, path := range args[1:] {
		c, err := readIVF(path, fps30)
		if err != nil {
			return err
		}
		clips = append(clips, c)
	}
	voices, err := makeVoices(plan.Broadcasters)
	if err != nil {
		return err
	}
	var all []*oneRoom
	var run sync.WaitGroup
	come := func(o *oneRoom) error {
		o.end = make(chan struct{})
		for k := range plan.Broadcasters {
			if err := o.join(k, clips[k%len(clips)], voices[k], &run); err != nil {
				return err
			}
		}
		return nil
	}
	for range plan.Rooms {
		o, err := newOneRoom()
		if err != nil {
			return err
		}
		all = append(all, o)
		run.Go(o.comp.Run)
		if err := come(o); err != nil {
			return err
		}
		time.Sleep(137 * time.Millisecond) // rooms are not in step
	}
	if plan.Stay > 0 {
		time.Sleep(time.Duration(plan.Stay) * time.Second)
		for _, o := range all {
			o.leave()
		}
	}
	time.Sleep(time.Duration(plan.Warm) * time.Second)
	r, err := measure(all, plan, func() error {
		for _, o := range all {
			o.leave()
			if err := come(o); err != nil {
				return err
			}
		}
		return nil
	})
	for _, o := range all {
		o.leave()
		o.comp.Stop()
	}
	run.Wait()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// measure watches rooms for as long as planned. Turn has all leave and others come.
func measure(all []*oneRoom, plan roomsPlan, turn func() error) (r roomsOf, err error) {
	const perPart = 10 // pictures, with the preset low at 30 a second
	var missing, slots int64
	count := func(sign int64) {
		for _, o := range all {
			st := o.comp.Stats()
			r.Relief = max(r.Relief, st.Relief)
			for _, g := range st.Rungs {
				if g.Canvas != "" {
					missing += sign * (g.Skipped + g.Replaced + g.Gaps*perPart)
					slots += sign * (g.Samples + g.Skipped + g.Gaps*perPart)
				}
			}
		}
	}
	for _, o := range all {
		o.late.reset()
		o.lateSound.reset()
	}
	count(-1)
	r.PSS = append(r.PSS, pss())
	from, begin := cpuTime(), time.Now()
	end, turns, reads := time.After(time.Duration(plan.Measure)*time.Second), every(plan.Turn), every(plan.Every)
	for on := true; on; {
		select {
		case <-end:
			on = false
		case <-turns:
			if err := turn(); err != nil {
				return r, err
			}
		case <-reads:
			r.PSS = append(r.PSS, pss())
		}
	}
	r.CPU = (cpuTime() - from).Seconds() / time.Since(begin).Seconds()
	r.PSS = append(r.PSS, pss())
	count(1)
	r.Missing = float64(missing) / float64(max(slots, 1))
	for _, o := range all {
		r.Late, r.LateSound = append(r.Late, o.late.all()...), append(r.LateSound, o.lateSound.all()...)
	}
	return r, nil
}

// every ticks after so many seconds each; 0: never.
func every(s int) <-chan time.Time {
	if s == 0 {
		return nil
	}
	return time.Tick(time.Duration(s) * time.Second)
}

// pss is the process's share of memory in kB, garbage left out: the first collection finds what is, and what the codecs have no
// use for until the second goes back to the system with that.
func pss() (kb int) {
	for range 2 {
		debug.FreeOSMemory()
		time.Sleep(50 * time.Millisecond)
	}
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
	seats           int
	end             chan struct{} // broadcasters leave; nil: they have
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
	o := &oneRoom{clock: media.NewClock(now)}
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
	o.seats++
	tile := o.comp.Join(compositor.TileConfig{ID: fmt.Sprint(o.seats), Name: broadcast.Cast[k%len(broadcast.Cast)].Name})
	video, err := tile.Open(media.VP8)
	if err != nil {
		return err
	}
	audio, err := tile.Open(media.Opus)
	if err != nil {
		return err
	}
	begin := o.clock.At(time.Now())
	var sending sync.WaitGroup
	end := o.end
	sending.Go(func() { o.send(video, clip, begin, fps30.Frame(1), end) })
	sending.Go(func() { o.send(audio, voice, begin, 20*media.Millisecond, end) })
	run.Go(func() {
		sending.Wait()
		tile.Leave()
	})
	return nil
}

// leave ends what broadcasters send, and their seats.
func (o *oneRoom) leave() {
	if o.end != nil {
		close(o.end)
		o.end = nil
	}
}

func (o *oneRoom) send(to *compositor.Input, packets []media.Packet, begin, each media.Time, end chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		at := begin + media.Time(n)*each
		timer.Reset(time.Until(o.clock.Instant(at)))
		select {
		case <-timer.C:
		case <-end:
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
