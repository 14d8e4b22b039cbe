package codec

// budget is what an AAC encoder may spend from block to block. libav's own control lets the quality rise without bound while sound
// is simple, and takes over a second to come down from there: after silence it sends three times its rate. Where its quality is
// held instead, a block takes what it is told is the bit rate, or a constant part or multiple of it, as sound is. So what it is told
// follows from what was spent.
type budget struct {
	rate float64 // bit/s
	owed float64 // s: spent, and not earned yet; below zero: saved
}

const (
	// aacQuality is libav's lambda, of which it makes the rate of a block, too: at 120 that is what it is told. A small one chooses
	// between left and right and their sum and difference by the noise alone, which suits music.
	aacQuality = 8

	mostSaved = 0.075 // s, for what begins after a pause
	payBack   = 0.15  // s in which two thirds of a debt are paid back, or of what was saved are spent
)

// ask is the bit rate to tell libav for the next block.
func (b *budget) ask() int64 {
	return int64(b.rate * 120 / aacQuality * max(0.3, 1-b.owed/payBack))
}

// spent takes note of a block of so many seconds that took so many bits.
func (b *budget) spent(bits int, block float64) {
	b.owed = max(-mostSaved, b.owed+float64(bits)/b.rate-block)
}
