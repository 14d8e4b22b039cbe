package ingest

import "tilecast/media"

// The pace of key frame requests: a burst of them costs the sender more than it helps.
const (
	keyInterval     = media.Second / 2
	keySlowInterval = media.Second // after keyEager unanswered ones
	keyEager        = 4
	keyMake         = media.Second / 5 // a sender may take so long, beside the round trip, before it is asked again
)

// keyAsker paces requests for a key frame: any number of wants is one request, and
// one that stays unanswered is repeated.
type keyAsker struct {
	wanted bool
	asked  bool // ever
	last   media.Time
	tries  int // unanswered
}

// want notes that a key frame is needed.
func (k *keyAsker) want() { k.wanted = true }

// got notes that one came.
func (k *keyAsker) got() { k.wanted, k.tries = false, 0 }

// due reports whether to send a request at now; it counts as sent. The first is soon repeated, as
// it may have been lost.
func (k *keyAsker) due(now, rtt media.Time) bool {
	if !k.wanted {
		return false
	}
	interval := keyInterval
	if k.tries == 1 {
		interval = min(interval, rtt+keyMake)
	}
	if k.tries >= keyEager {
		interval = keySlowInterval
	}
	if k.asked && now-k.last < interval {
		return false
	}
	k.asked, k.last = true, now
	k.tries++
	return true
}
