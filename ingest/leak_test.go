package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"tilecast/media"
)

// heap is what is alive after collection, in bytes.
func heap() int64 {
	var m runtime.MemStats
	for range 3 { // finalizers and pools need more than one
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Nothing is left of 500 that joined and left, in every way there is: no goroutine, no memory, no place.
func TestNothingIsLeftOf500(t *testing.T) {
	rounds, at := 500, 4
	if testing.Short() {
		rounds = 60
	}
	h := newHall()
	s, url := startServer(t, h, Config{InterruptTimeout: time.Second, ReturnTimeout: time.Second, Limits: Limits{SessionsPerRoom: 100}})
	visit := func(t *testing.T, i int) {
		if i%2 == 0 { // never connects
			resource, _, _ := post(t, url+"/whip/demo", "obs")
			if i%4 == 0 {
				patch(t, resource, "*", newCredentials)
			}
			request(t, http.MethodDelete, resource, "", "")
			return
		}
		p := newPublisher(t, nil, media.Opus, media.VP8)
		p.publish(url+"/whip/demo", nil)
		switch i % 5 {
		case 0:
			request(t, http.MethodDelete, p.resource, "", "")
		case 1:
			s.mu.Lock()
			sess := s.sessions[p.resource[len(url+"/whip/demo/"):]]
			s.mu.Unlock()
			sess.end(true, errors.New("enough"))
		case 2:
			p.restart("*")
		}
		if err := p.pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	}
	run := func(n int) {
		var wg sync.WaitGroup
		todo := make(chan int)
		for range at {
			wg.Go(func() {
				for i := range todo {
					t.Run(fmt.Sprint(i), func(t *testing.T) { visit(t, i) }) // lets go of the client
				}
			})
		}
		for i := range n {
			todo <- i
		}
		close(todo)
		wg.Wait()
		eventually(t, "the end of all sessions", func() bool { return len(s.Stats().Sessions) == 0 })
		h.mu.Lock()
		h.seats = nil
		h.mu.Unlock()
		http.DefaultClient.CloseIdleConnections()
	}
	run(20) // what is made once
	goroutines, bytes := runtime.NumGoroutine(), heap()
	start := time.Now()
	run(rounds)
	took := time.Since(start)
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= goroutines })
	grown := heap() - bytes
	t.Logf("%d joins and leaves in %v; the heap grew by %d bytes", rounds, took.Round(time.Millisecond), grown)
	if limit := int64(rounds)*4096 + 2<<20; grown > limit {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if len(s.places) != 0 {
		t.Errorf("places are taken: %v", s.places)
	}
}
