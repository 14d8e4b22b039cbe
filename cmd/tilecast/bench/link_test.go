package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// All connections share the line, and a new rate holds from then on.
func TestLinkTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l link
		begin := time.Now()
		at := func(n int) time.Duration { return l.turn(n).Sub(begin) }
		if d := at(1 << 20); d != 0 {
			t.Errorf("without a rate: %v", d)
		}
		l.set(80_000)
		for i, want := range []time.Duration{100, 200, 300} {
			if d := at(1000); d != want*time.Millisecond {
				t.Errorf("kilobyte %d is through after %v, want %v ms", i, d, int(want))
			}
		}
		time.Sleep(time.Second)
		if d := at(1000); d != 1100*time.Millisecond {
			t.Errorf("after a silence: %v", d)
		}
		l.set(0)
		if d := at(1000); d != time.Second {
			t.Errorf("without a rate again: %v", d)
		}
	})
}

func TestLinkCarriesEverything(t *testing.T) {
	body := strings.Repeat("all of it ", 20_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }))
	defer srv.Close()
	l, err := newLink(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l.set(100_000_000)
	for range 3 {
		resp, err := http.Get("http://" + l.addr())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(got) != body {
			t.Errorf("%d of %d bytes, %v", len(got), len(body), err)
		}
	}
	l.close() // with a connection that is kept alive
	if _, err := net.Dial("tcp", l.addr()); err == nil {
		t.Error("it still listens")
	}
}
