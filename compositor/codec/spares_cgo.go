//go:build cgo

package codec

/*
#cgo noescape tc_alloc
#cgo nocallback tc_alloc
#cgo noescape tc_free
#cgo nocallback tc_free
#include "pixels.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// spares is the memory of all pictures that there are not.
var spares = newPool()

// mostSpare bounds what is kept, in bytes.
const mostSpare = 64 << 20

// pool keeps the memory of pictures for the next ones of the same size: fresh pages from the kernel cost more than a copy.
// What was not needed from one garbage collection to the next goes back to the system, so that a burst, or
// a program that is over, is not paid for ever after. With nothing else to do Go collects every two minutes.
type pool struct {
	mu    sync.Mutex
	sizes map[int]*spare
	bytes int // in all of sizes
}

// spare is memory of one size. The block that was freed last is taken first.
type spare struct {
	blocks []unsafe.Pointer
	idle   int // so many, of those that were freed first, have lain here since the latest collection
}

func newPool() *pool {
	p := &pool{sizes: map[int]*spare{}}
	p.await()
	return p
}

// await has p shrunk after the next garbage collection, and each one after that.
func (p *pool) await() {
	runtime.AddCleanup(&collected{p}, func(p *pool) {
		p.shrink()
		p.await()
	}, p)
}

// collected is garbage from the beginning. It has a pointer, else it might share its memory with what lives on.
type collected struct{ *pool }

// get gives n bytes of undefined contents, aligned to 64 bytes.
func (p *pool) get(n int) unsafe.Pointer {
	if mem := p.take(n); mem != nil {
		return mem
	}
	mem := C.tc_alloc(C.size_t(n))
	if mem == nil {
		panic("codec: out of memory for pictures")
	}
	return mem
}

func (p *pool) take(n int) unsafe.Pointer {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sizes[n]
	if s == nil || len(s.blocks) == 0 {
		return nil
	}
	last := len(s.blocks) - 1
	mem := s.blocks[last]
	s.blocks = s.blocks[:last]
	s.idle = min(s.idle, last)
	p.bytes -= n
	return mem
}

// put takes back n bytes from get.
func (p *pool) put(mem unsafe.Pointer, n int) {
	p.mu.Lock()
	var out []block
	for size, s := range p.sizes { // what nobody asks for any more makes room
		if p.bytes+n <= mostSpare {
			break
		}
		if size != n {
			out = p.drop(out, size, s, len(s.blocks))
		}
	}
	if p.bytes+n > mostSpare {
		out = append(out, block{mem, n})
	} else {
		s := p.sizes[n]
		if s == nil {
			s = new(spare)
			p.sizes[n] = s
		}
		s.blocks = append(s.blocks, mem)
		p.bytes += n
	}
	p.mu.Unlock()
	free(out)
}

// shrink gives back what has been idle since the last time.
func (p *pool) shrink() {
	p.mu.Lock()
	var out []block
	for size, s := range p.sizes {
		out = p.drop(out, size, s, s.idle)
		s.idle = len(s.blocks)
	}
	p.mu.Unlock()
	free(out)
}

// block is memory that goes back to the system, and its size.
type block struct {
	mem unsafe.Pointer
	n   int
}

// drop takes the first k blocks of a size out, to be freed without the lock: that takes its time. Called locked.
func (p *pool) drop(out []block, size int, s *spare, k int) []block {
	for _, mem := range s.blocks[:k] {
		out = append(out, block{mem, size})
	}
	s.blocks = s.blocks[:copy(s.blocks, s.blocks[k:])]
	s.idle = max(s.idle-k, 0)
	p.bytes -= k * size
	if len(s.blocks) == 0 {
		delete(p.sizes, size)
	}
	return out
}

func free(all []block) {
	for _, b := range all {
		C.tc_free(b.mem, C.size_t(b.n))
	}
}

func putMemory(mem unsafe.Pointer, n int) { spares.put(mem, n) }
