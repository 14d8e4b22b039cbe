package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/cmd/tilecast/chromium"
	"tilecast/cmd/tilecast/relay"
)

// sourceJS takes the place of the camera and the microphone of the stage page: a barcode over
// something that is hard to code, of so many lines, and a tone that never stops.
const sourceJS = `(lines => {
	const noise = new OffscreenCanvas(960, 540), n = noise.getContext("2d"), image = n.createImageData(960, 540);
	for (let i = 0; i < image.data.length; i += 4) {
		const v = 90 + 60 * Math.sin(i / 9973) + 50 * Math.random();
		image.data[i] = v; image.data[i + 1] = v * 0.9; image.data[i + 2] = 255 - v; image.data[i + 3] = 255;
	}
	n.putImageData(image, 0, 0);
	const canvas = document.createElement("canvas");
	canvas.width = lines / 9 * 16; canvas.height = lines;
	const c = canvas.getContext("2d", { alpha: false });
	const draw = () => {
		const t = performance.now() / 1000;
		c.setTransform(lines / 360, 0, 0, lines / 360, 0, 0);
		c.drawImage(noise, -150 - 150 * Math.cos(t), -90 - 90 * Math.sin(1.3 * t));
		c.resetTransform();
		drawBarcode(c, barcodeNow(), 5);
	};
	draw();
	setInterval(draw, 1000 / 30);
	const stream = canvas.captureStream();
	const sound = new AudioContext(), tone = new OscillatorNode(sound, { frequency: 225 });
	const out = sound.createMediaStreamDestination();
	tone.connect(new GainNode(sound, { gain: 0.1 })).connect(out);
	tone.start();
	const audio = out.stream.getAudioTracks()[0], video = stream.getVideoTracks()[0];
	navigator.mediaDevices.getUserMedia = async c =>
		new MediaStream([...(c.audio ? [audio.clone()] : []), ...(c.video ? [video.clone()] : [])]);
})(%d)`

// stage publishes from the stage page in Chromium through the path, with a picture of so many lines.
func stage(p *path, lines int) (*chromium.Browser, error) {
	b, err := chromium.Open(chromium.Config{Width: 700, Height: 700})
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		b.Go(p.front+"/stage/bench?id=chromium&name=Chromium&size="+strconv.Itoa(lines)),
		b.Until(20*time.Second, `["idle", "preview"].includes(document.body.dataset.state)`),
		b.Eval("(()=>{"+broadcast.BarcodeJS+";window.drawBarcode=drawBarcode;window.barcodeNow=barcodeNow})()", nil),
		b.Eval(fmt.Sprintf(sourceJS, lines), nil),
		b.Eval(`(async () => { document.getElementById("process").checked = false;
			await document.getElementById("size").onchange(); await document.getElementById("process").onchange();
			document.getElementById("form").requestSubmit(); })()`, nil),
		b.Until(30*time.Second, `document.body.dataset.state === "live"`))
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("stage page: %w", err)
	}
	return b, nil
}

// chromiumRow measures the stage page behind a lossy path, the same both ways.
func chromiumRow(s settings, l relay.Link) (m measured, err error) {
	p, err := openPath(s, l, l)
	if err != nil {
		return m, err
	}
	defer p.close()
	b, err := stage(p, 360)
	if err != nil {
		return m, err
	}
	defer b.Close()
	var from, to time.Time
	ticks, heard, err := p.watch(func() error {
		time.Sleep(settle)
		from = time.Now()
		p.count.reset()
		time.Sleep(s.span)
		to = time.Now()
		m.received = p.count.ratio()
		return nil
	})
	if err != nil {
		return m, err
	}
	m = m.judge(ticks, heard, from, to)
	m.skews = nil // it does not beep
	return m, nil
}

// rateRow measures the stage page with 720 lines when its line falls to kbps, and after 300 kb/s what comes when that ends.
func rateRow(kbps int) func(settings) (row, error) {
	return func(s settings) (out row, err error) {
		wideLink := relay.Link{Delay: 20 * time.Millisecond}
		p, err := openPath(s, wideLink, wideLink)
		if err != nil {
			return out, err
		}
		defer p.close()
		b, err := stage(p, 720)
		if err != nil {
			return out, err
		}
		defer b.Close()
		var from, to time.Time
		var got, after10, after25 float64
		wide := func(wait time.Duration) float64 { // the rate over the last two seconds of wait
			time.Sleep(wait - 2*time.Second)
			p.count.reset()
			time.Sleep(2 * time.Second)
			return p.count.rate()
		}
		ticks, heard, err := p.watch(func() error {
			time.Sleep(settle)
			p.relay.Set(relay.Link{Rate: kbps * 1000, Delay: wideLink.Delay}, wideLink)
			time.Sleep(settle)
			from = time.Now()
			p.count.reset()
			time.Sleep(s.span)
			to, got = time.Now(), p.count.rate()
			if kbps == 300 {
				p.relay.Set(wideLink, wideLink)
				after10 = wide(10 * time.Second)
				after25 = wide(15 * time.Second)
			}
			return nil
		})
		if err != nil {
			return out, err
		}
		m := measured{}.judge(ticks, heard, from, to)
		m.skews = nil
		ok := m.silent == 0 && m.fps > 3
		out = row{name: fmt.Sprintf("network: the line falls to %d kb/s", kbps), goal: "sound intact, picture follows",
			ours: fmt.Sprintf("%v; received %.0f kb/s", m, got)}
		if kbps == 300 {
			out.ours += fmt.Sprintf("; %.0f kb/s 10 s after, %.0f kb/s 25 s after", after10, after25)
			out.goal += "; then 600 kb/s within 10 s, 1500 within 25 s"
			ok = ok && after10 >= 600 && after25 >= 1500
		}
		out.ratio = verdict(ok)
		return out, nil
	}
}

func blackoutRow(dark time.Duration) func(settings) (row, error) {
	return func(s settings) (row, error) {
		return mendRow(s, fmt.Sprintf("network: blackout of %v", dark), 2*time.Second, func(r *relay.Relay) (time.Time, error) {
			r.Blackout(true)
			time.Sleep(dark)
			r.Blackout(false)
			return time.Now(), nil
		})
	}
}

func addressRow(s settings) (row, error) {
	return mendRow(s, "network: the client's address changes", 3*time.Second, func(r *relay.Relay) (time.Time, error) {
		now := time.Now()
		return now, r.Rebind()
	})
}

// mendRow measures how long the picture and the sound of the stage page are gone after something
// happened to its network: until they are back for good, on the program's own clock.
func mendRow(s settings, name string, goal time.Duration, happen func(*relay.Relay) (time.Time, error)) (out row, err error) {
	const watched = 20 * time.Second
	l := relay.Link{Delay: 20 * time.Millisecond}
	p, err := openPath(s, l, l)
	if err != nil {
		return out, err
	}
	defer p.close()
	b, err := stage(p, 360)
	if err != nil {
		return out, err
	}
	defer b.Close()
	var mended time.Time
	ticks, heard, err := p.watch(func() (err error) {
		time.Sleep(settle)
		mended, err = happen(p.relay)
		time.Sleep(watched)
		return err
	})
	if err != nil {
		return out, err
	}
	picture, sound := pictureBack(ticks, mended), soundBack(heard, mended)
	seats, err := seatsTaken(p.gateway)
	if err != nil {
		return out, err
	}
	return row{
		name: name, ours: fmt.Sprintf("picture %.1f s, sound %.1f s after; %d seat taken", picture.Seconds(), sound.Seconds(), seats),
		ratio: verdict(picture <= goal && sound <= goal && seats == 1), goal: fmt.Sprintf("<= %v, same seat", goal),
	}, nil
}

// pictureBack is how long after t the picture began to move, with no stretch of a second without a new one after that.
func pictureBack(ticks []tick, t time.Time) time.Duration {
	var back, fresh time.Time
	var last uint32
	for _, k := range ticks {
		if k.wall.Before(t) {
			last = k.ms
			continue
		}
		if !k.ok || k.ms == last {
			continue
		}
		last = k.ms
		if fresh.IsZero() || k.wall.Sub(fresh) > time.Second {
			back = k.wall
		}
		fresh = k.wall
	}
	return since(back, t)
}

// soundBack is the same of sound.
func soundBack(s sounds, t time.Time) time.Duration {
	var back, heard time.Time
	for k := range len(s.pcm) / soundStep {
		at := s.wall.Add(time.Duration(k*soundStep) * time.Second / 48000)
		if at.Before(t) || s.loud(k) < 0.005 {
			continue
		}
		if heard.IsZero() || at.Sub(heard) > time.Second/2 {
			back = at
		}
		heard = at
	}
	return since(back, t)
}

// since is an hour where back never came.
func since(back, t time.Time) time.Duration {
	if back.IsZero() {
		return time.Hour
	}
	return max(0, back.Sub(t))
}

// seatsTaken is the number of participants of room bench.
func seatsTaken(gateway string) (int, error) {
	body, err := get(gateway + "/api/v1/rooms")
	if err != nil {
		return 0, err
	}
	var all struct {
		Rooms []struct{ Participants []struct{} }
	}
	if err := json.Unmarshal(body, &all); err != nil || len(all.Rooms) == 0 {
		return 0, fmt.Errorf("rooms: %w: %.80s", err, body)
	}
	return len(all.Rooms[0].Participants), nil
}
