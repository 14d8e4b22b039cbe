package ingest

import (
	"slices"

	"github.com/pion/rtcp"

	"tilecast/media"
)

const (
	capInterval = media.Second // a cap is told so often, as REMB is no reliable message
	soundRate   = 130_000      // bit/s left for sound beside the picture
	hiddenRate  = 300_000      // for a picture that is not shown: enough to come back at once
)

// pictureRate is the bit rate that a picture of w by h px can use in real-time coding, in
// bit/s: 2.6 Mb/s at 720p30, 0.75 at 360p30.
func pictureRate(w, h int, fps float64) int64 {
	if fps <= 0 {
		fps = 30
	}
	return int64(float64(w*h)*min(fps, 60)*0.09) + 130_000
}

// cap tells a sender that understands it what its picture can use (REMB). Senders that go by transport-wide
// feedback take it as their upper limit. A simulcast sender's is the sum of the layers up to the one shown.
func (t *track) cap(now media.Time) {
	if !slices.Contains(t.section.fb, "goog-remb") {
		return
	}
	d := t.wants()
	t.mu.Lock()
	if now-t.capped < capInterval && t.capped != 0 && t.told.W == d.W && t.told.H == d.H {
		t.mu.Unlock()
		return
	}
	t.capped, t.told = now, d
	rate, ssrcs := t.rate(d, now)
	rate = t.sess.load.bounded(rate)
	t.mu.Unlock()
	t.sess.send(&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: t.sess.ssrc, Bitrate: float32(rate), SSRCs: ssrcs})
}

// rate is the cap for all that flows on the track, sound included. Called locked.
func (t *track) rate(d Demand, now media.Time) (rate int64, ssrcs []uint32) {
	rate = hiddenRate
	if d.W > 0 {
		rate = pictureRate(d.W, d.H, d.FPS)
	}
	best := t.best(d, now)
	var layers int64
	for _, st := range t.streams {
		if !st.flows(now) {
			continue
		}
		ssrcs = append(ssrcs, st.ssrc)
		if size := st.size.Load(); best != nil && st.rid != "" && st.pixels() <= best.pixels() {
			layers += pictureRate(int(size>>32), int(size&0xffffffff), d.FPS)
		}
	}
	switch {
	case best == nil, best.rid == "":
	case d.W > 0 && !best.fills(d): // the layer that fills may be to come
		rate += layers
	default:
		rate = layers
	}
	return rate + soundRate, ssrcs
}
