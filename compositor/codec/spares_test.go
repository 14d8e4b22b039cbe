//go:build cgo

package codec

import (
	"runtime"
	"testing"
)

// What lies in the pool from one collection to the next goes back to the system, the longest-freed first, and what is in use
// now and then stays.
func TestPoolShrinksToWhatIsUsed(t *testing.T) {
	p := &pool{sizes: map[int]*spare{}}
	const small, large = 4 << 10, 300 << 10
	kept := func(size, want int) {
		t.Helper()
		got := 0
		if s := p.sizes[size]; s != nil {
			got = len(s.blocks)
		}
		if got != want {
			t.Errorf("%d blocks of %d bytes are kept, want %d", got, size, want)
		}
	}
	burst := func(size, n int) {
		var all []block
		for range n {
			all = append(all, block{p.get(size), size})
		}
		for _, b := range all {
			p.put(b.mem, b.n)
		}
	}
	burst(small, 5)
	burst(large, 3)
	p.shrink()
	kept(small, 5)
	kept(large, 3)
	burst(small, 2)
	p.shrink()
	kept(small, 2)
	kept(large, 0)
	burst(small, 2)
	p.shrink()
	kept(small, 2)
	p.shrink()
	kept(small, 0)
	if p.bytes != 0 || len(p.sizes) != 0 {
		t.Errorf("%d bytes in %d sizes are left", p.bytes, len(p.sizes))
	}
	burst(mostSpare/4, 5)
	if p.bytes != mostSpare {
		t.Errorf("%d bytes are kept", p.bytes)
	}
	burst(small, 1)
	kept(mostSpare/4, 0)
	p.shrink()
	p.shrink()
}

// Go's collections shrink it, whatever else happens.
func TestPoolShrinksWithCollections(t *testing.T) {
	p := newPool()
	p.put(p.get(300<<10), 300<<10)
	left := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.bytes
	}
	for left() > 0 {
		runtime.GC()
		runtime.Gosched()
	}
}
