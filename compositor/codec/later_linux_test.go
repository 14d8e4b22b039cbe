package codec

import (
	"runtime"
	"syscall"
	"testing"
)

// Who comes later does so alone: the threads of others stay as they were, also those made afterwards.
func TestComeLater(t *testing.T) {
	nice := func() int {
		n, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
		if err != nil {
			t.Error(err)
		}
		return 20 - n
	}
	before := nice()
	var got, moved int
	done := make(chan bool)
	go func() {
		defer close(done)
		ComeLater()
		got = nice()
		other := make(chan bool)
		go func() { // asks for a thread of its own, too
			runtime.LockOSThread()
			close(other)
		}()
		<-other
		for range 100 {
			runtime.Gosched()
		}
		moved = nice()
	}()
	<-done
	if want := min(before+niceness, 19); got != want || moved != want {
		t.Errorf("niceness %d, and %d after others ran, want %d", got, moved, want)
	}
	for range 50 { // on threads of all kinds
		was := make(chan int)
		go func() {
			runtime.LockOSThread()
			was <- nice()
		}()
		if n := <-was; n != before {
			t.Fatalf("another goroutine has a niceness of %d, was %d", n, before)
		}
	}
}
