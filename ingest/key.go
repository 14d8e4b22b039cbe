package ingest

import "tilecast/media"

// The pace of key frame requests: a burst of them costs the sender more than it helps.
const (
	keyInterval     = media.Second / 2
	keySlowInterval = media.Second // after keyEager unanswered ones
	keyEager        = 4
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

// due reports whether to send a request at now; it counts as sent.
func (k *keyAsker) due(now media.Time) bool {
	if !k.wanted {
		return false
	}
	interval := keyInterval
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
