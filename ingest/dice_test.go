package ingest

import (
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
)

var seedFlag = flag.Uint64("seed", 0, "of what tests leave to chance, as one that failed has told it; 0: any")

// dice are what tests leave to chance, frames above all.
var dice = struct {
	sync.Mutex
	*rand.Rand
}{Rand: rand.New(rand.NewPCG(rand.Uint64(), 1))}

// seeded has the dice fall in this test as a seed says, which is told where the test fails.
func seeded(t testing.TB) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run '^%s$' -seed %d", t.Name(), seed)
	dice.Lock()
	defer dice.Unlock()
	dice.Rand = rand.New(rand.NewPCG(seed, 1))
}

// roll is a number from 0 to below n.
func roll(n int) int {
	dice.Lock()
	defer dice.Unlock()
	return dice.IntN(n)
}

// noise is n bytes that hold no start code.
func noise(n int) []byte {
	dice.Lock()
	defer dice.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(dice.IntN(255) + 1)
	}
	return b
}
