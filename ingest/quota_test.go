package ingest

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	start := time.Unix(1e9, 0)
	r := &quota{burst: 30, perMinute: 60}
	a := netip.MustParseAddr("192.0.2.1")
	for i := range 30 {
		if _, ok := r.take(a, start); !ok {
			t.Fatalf("deed %d of a burst is refused", i)
		}
	}
	wait, ok := r.take(a, start)
	if ok || wait != time.Second {
		t.Fatalf("deed 31: %v, wait %v", ok, wait)
	}
	if _, ok := r.take(netip.MustParseAddr("192.0.2.2"), start); !ok {
		t.Fatal("another address pays for it")
	}
	if _, ok := r.take(a, start.Add(wait)); !ok {
		t.Fatal("still refused after the wait")
	}
	if _, ok := r.take(a, start.Add(wait)); ok {
		t.Fatal("twice after the wait")
	}
	for i := range 30 {
		if _, ok := r.take(a, start.Add(time.Hour)); !ok {
			t.Fatalf("deed %d after an hour is refused", i)
		}
	}
	if _, ok := r.take(a, start.Add(time.Hour)); ok {
		t.Fatal("an hour's quiet adds up to more than a burst")
	}
	if _, ok := r.take(a, start); ok {
		t.Fatal("a clock that ran back gives something away")
	}
}

func TestRateTakesANetworkForOne(t *testing.T) {
	r := &quota{burst: 2, perMinute: 1}
	now := time.Unix(1e9, 0)
	for i, want := range []bool{true, true, false} {
		addr := netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2::%x", i+1))
		if _, ok := r.take(addr, now); ok != want {
			t.Errorf("%v: %v", addr, ok)
		}
	}
	if _, ok := r.take(netip.MustParseAddr("2001:db8:1:3::1"), now); !ok {
		t.Error("another network pays for it")
	}
}

func TestRateIsBounded(t *testing.T) {
	r := &quota{burst: 1, perMinute: 1}
	now := time.Unix(1e9, 0)
	for i := range maxAddresses + 500 {
		r.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(r.accounts) > maxAddresses {
		t.Errorf("%d addresses are remembered", len(r.accounts))
	}
	r.take(netip.MustParseAddr("192.0.2.1"), now.Add(time.Hour))
	if len(r.accounts) > 1 {
		t.Errorf("%d quiet addresses are remembered", len(r.accounts))
	}
	none := &quota{}
	for range 1000 {
		if _, ok := none.take(netip.MustParseAddr("192.0.2.1"), now); !ok {
			t.Fatal("a limit that was not set")
		}
	}
}

func TestClientAddr(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"}, // not by our proxy: not believed
		{"10.1.1.1:5", nil, "10.1.1.1"},
		{"10.1.1.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"[::ffff:10.1.1.1]:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"10.1.1.1:5", []string{"6.6.6.6, 203.0.113.9"}, "203.0.113.9"}, // the client's own invention
		{"10.1.1.1:5", []string{"6.6.6.6", "203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"10.1.1.1:5", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"10.1.1.1:5", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"[fd00::1]:5", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"10.1.1.1:5", []string{"unknown"}, "10.1.1.1"},
		{"10.1.1.1:5", []string{"10.3.3.3"}, "10.3.3.3"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := clientAddr(r, proxies); got.String() != c.want {
			t.Errorf("%s for %q: %v, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}
