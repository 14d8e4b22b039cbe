package codec

import (
	"runtime"
	"syscall"
)

// niceness is by how much threads of pictures are nicer than the others: they have a third of the weight. With much more than
// that, other programs on the machine could keep a thread of pictures from its turn while others here wait for what it holds.
const niceness = 5

// ComeLater gives the calling goroutine, for the rest of its life, a thread of its own that comes after the process's
// others where cores are short. It is for decoding and encoding pictures, which can give way; sound, packets
// and viewers cannot. A thread cannot take it back without privilege. It does nothing where a thread has no priority of its own (setpriority(2), "C library/kernel
// differences": on Linux it has).
func ComeLater() {
	const thisThread = 0
	// It is never unlocked: the thread ends with the goroutine, and nobody else becomes nice by it.
	runtime.LockOSThread()
	was, err := syscall.Getpriority(syscall.PRIO_PROCESS, thisThread) // as the kernel has it: 20 less the niceness
	if err == nil {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, thisThread, 20-was+niceness) // where it fails it comes with the others
	}
}
