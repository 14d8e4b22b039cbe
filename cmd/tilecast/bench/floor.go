package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"

	"tilecast/compositor/codec"
	"tilecast/media"
)

// runFloor answers the cores that the codecs of n rooms take, as runRooms has them, without anything between them.
func runFloor(s settings, n int) (cores float64, err error) {
	clips, err := makeClips(s.dir, clips, clipW, clipH)
	if err != nil {
		return 0, err
	}
	voices, err := makeVoiceFiles(s.dir, len(clips))
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	const seconds = 20
	progress("the codecs of %d rooms alone, %d s", n, seconds)
	cmd := exec.Command(self, slices.Concat([]string{"job", "floor", fmt.Sprint(n), fmt.Sprint(seconds)}, clips, voices)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(string(out), &cores)
	return cores, err
}

// floorJob is the process of runFloor: it prints CPU seconds per second.
func floorJob(args []string) error {
	if len(args) < 4 {
		return errors.New("job floor: say rooms, seconds to measure, and the clips and voices")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	m, err := readMaterial(args[2:])
	if err != nil {
		return err
	}
	s, err := newScript(m)
	if err != nil {
		return err
	}
	var all []*bareRoom
	for range n {
		c, err := newBareRoom(m, s)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	var run sync.WaitGroup
	failed := make([]error, n)
	begin := time.Now()
	for k, c := range all { // rooms are not in step
		run.Go(func() { failed[k] = c.run(begin.Add(time.Duration(k)*137*time.Millisecond), seconds+3) })
	}
	time.Sleep(2 * time.Second) // encoders are warm
	from, since := cpuTime(), time.Now()
	time.Sleep(time.Duration(seconds) * time.Second)
	used := (cpuTime() - from).Seconds() / time.Since(since).Seconds()
	run.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	fmt.Println(used)
	return nil
}

// script is what rooms encode: the pictures of each rung, and the mix. They are only read.
type script struct {
	rungs [2][]*codec.Picture
	mix   [][]float32
}

func newScript(m *material) (*script, error) {
	a := &alone{m: m}
	if err := a.compose(wide); err != nil {
		return nil, err
	}
	s := &script{mix: a.mix}
	for _, pic := range a.pictures {
		small := codec.NewPicture(low.W, low.H)
		codec.Scale(small, pic)
		s.rungs[0], s.rungs[1] = append(s.rungs[0], pic), append(s.rungs[1], small)
	}
	return s, nil
}

// bareRoom is the codecs of a room.
type bareRoom struct {
	*alone // decoders, the top rung and one sound
	script *script
	low    codec.VideoEncoder
	quiet  codec.AudioEncoder
	blocks int // of the mix, so far
}

func newBareRoom(m *material, s *script) (*bareRoom, error) {
	a, err := openAlone(m, wide.Rungs[0])
	if err != nil {
		return nil, err
	}
	c := &bareRoom{alone: a, script: s}
	if c.low, err = openRung(low); err != nil {
		return nil, err
	}
	c.quiet, err = codec.LibAV().NewAudioEncoder(codec.AudioConfig{Codec: media.AAC, BitRate: 48_000})
	return c, err
}

// run takes part in real time from begin on, for so many seconds. Where it is late it catches up.
func (c *bareRoom) run(begin time.Time, seconds int) error {
	for n := range 30 * seconds {
		time.Sleep(time.Until(begin.Add(fps30.Frame(int64(n)).Duration())))
		if err := c.step(n); err != nil {
			return err
		}
	}
	return nil
}

// step decodes and encodes frame n; clips and script begin anew when they are over.
func (c *bareRoom) step(n int) error {
	k := n % c.m.frames()
	pics, err := c.decodeVideo(k)
	for _, pic := range pics {
		pic.Release()
	}
	if err == nil {
		err = c.decodeSound(k)
	}
	if err != nil {
		return err
	}
	for i, enc := range []codec.VideoEncoder{c.enc, c.low} {
		pic := c.script.rungs[i][k]
		pic = pic.View(pic.Bounds())
		pic.At = fps30.Frame(int64(n))
		if _, err := enc.Encode(pic, fps30.Frame(1), n%60 == 0); err != nil {
			return err
		}
	}
	for ; (c.blocks+1)*1024 <= (n+1)*1600; c.blocks++ {
		for _, enc := range []codec.AudioEncoder{c.sound, c.quiet} {
			if _, err := enc.Encode(c.script.mix[c.blocks%len(c.script.mix)]); err != nil {
				return err
			}
		}
	}
	return nil
}
