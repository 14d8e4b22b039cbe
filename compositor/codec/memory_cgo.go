//go:build cgo

package codec

/*
#cgo CFLAGS: -O2
#cgo LDFLAGS: -lyuv
#cgo noescape tc_fill
#cgo nocallback tc_fill
#cgo noescape tc_copy
#cgo nocallback tc_copy
#cgo noescape tc_scale
#cgo nocallback tc_scale
#include <stdlib.h>
#include "pixels.h"
*/
import "C"

import (
	"sync"
	"unsafe"
)

// NewPicture returns a picture of w by h with undefined contents and one holder.
// w and h are positive and w*h is at most MaxPixels. The planes are C memory,
// aligned to 64 bytes, which goes back to a pool with the last Release.
func NewPicture(w, h int) *Picture {
	checkSize(w, h)
	_, _, ny, nc := layout(w, h)
	n := ny + 2*nc
	mem := pool.get(n)
	p := carve(unsafe.Slice((*byte)(mem), n), w, h)
	p.mem, p.size, p.free = mem, n, putMemory
	return p
}

// Fill paints all of dst, which may be a view.
func Fill(dst *Picture, c YCbCr) {
	if dst.empty() {
		return
	}
	C.tc_fill(ptr(dst.Y), ptr(dst.Cb), ptr(dst.Cr), C.int(dst.StrideY), C.int(dst.StrideC), C.int(dst.W), C.int(dst.H),
		C.int(c.Y), C.int(c.Cb), C.int(c.Cr))
}

// Copy copies src to dst, both of the same size; either may be a view.
func Copy(dst, src *Picture) {
	if !sameSize(dst, src) {
		return
	}
	C.tc_copy(ptr(dst.Y), ptr(dst.Cb), ptr(dst.Cr), C.int(dst.StrideY), C.int(dst.StrideC),
		ptr(src.Y), ptr(src.Cb), ptr(src.Cr), C.int(src.StrideY), C.int(src.StrideC), C.int(dst.W), C.int(dst.H))
}

// Scale stretches src over dst at any ratio; either may be a view. Shrinking
// averages, enlarging is bilinear. It never writes outside dst.
func Scale(dst, src *Picture) {
	if dst.empty() || src.empty() {
		return
	}
	C.tc_scale(ptr(dst.Y), ptr(dst.Cb), ptr(dst.Cr), C.int(dst.StrideY), C.int(dst.StrideC), C.int(dst.W), C.int(dst.H),
		ptr(src.Y), ptr(src.Cb), ptr(src.Cr), C.int(src.StrideY), C.int(src.StrideC), C.int(src.W), C.int(src.H))
}

func ptr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }

// memory keeps freed blocks for the next picture of the same size, at most
// poolBytes of them: fresh pages from the kernel cost more than a copy.
type memory struct {
	mu    sync.Mutex
	spare map[int][]unsafe.Pointer
	bytes int
}

const poolBytes = 64 << 20

var pool = memory{spare: map[int][]unsafe.Pointer{}}

func (m *memory) get(n int) unsafe.Pointer {
	m.mu.Lock()
	if s := m.spare[n]; len(s) > 0 {
		mem := s[len(s)-1]
		m.spare[n] = s[:len(s)-1]
		m.bytes -= n
		m.mu.Unlock()
		return mem
	}
	m.mu.Unlock()
	mem := C.tc_alloc(C.size_t(n))
	if mem == nil {
		panic("codec: out of memory for pictures")
	}
	return mem
}

func putMemory(mem unsafe.Pointer, n int) {
	for _, old := range pool.put(mem, n) {
		C.free(old)
	}
}

// put keeps mem and returns the blocks that no longer fit, for the caller to free.
func (m *memory) put(mem unsafe.Pointer, n int) (out []unsafe.Pointer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spare[n] = append(m.spare[n], mem)
	m.bytes += n
	for size, s := range m.spare {
		if m.bytes <= poolBytes {
			break
		}
		out = append(out, s...)
		m.bytes -= size * len(s)
		delete(m.spare, size)
	}
	return out
}
