package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"tilecast/media"
)

// patience bounds what a test waits for; it is reached only by failing tests.
const patience = 20 * time.Second

// eventually waits for something to become true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s did not happen within %v", what, patience)
		}
	}
}

// hall is an Admitter that seats everybody and records what comes.
type hall struct {
	clock  media.Clock
	refuse error
	token  string // that is needed; "" for none

	mu    sync.Mutex
	seats []*testSeat
}

func newHall() *hall { return &hall{clock: media.NewClock(time.Now())} }

func (h *hall) Allow(_, token string) error {
	if h.token != "" && token != h.token {
		return ErrToken
	}
	return nil
}

func (h *hall) Admit(_ context.Context, r Request) (Seat, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return nil, h.refuse
	}
	s := &testSeat{hall: h, req: r, left: make(chan bool, 9), inlets: make(map[media.Codec]*testInlet)}
	h.seats = append(h.seats, s)
	return s, nil
}

func (s *testSeat) Devices(camera, microphone bool) {
	s.hall.mu.Lock()
	defer s.hall.mu.Unlock()
	s.on = [2]bool{camera, microphone}
}

func (h *hall) seat(i int) *testSeat {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i >= len(h.seats) {
		return nil
	}
	return h.seats[i]
}

type testSeat struct {
	hall *hall
	req  Request
	left chan bool // graceful, once
	on   [2]bool   // camera and microphone, as the client says

	mu      sync.Mutex
	reports []Presence
	inlets  map[media.Codec]*testInlet
	open    int
	demand  *Demand // of inlets opened from now on
	broken  error   // of Open
}

func (s *testSeat) Clock() media.Clock { return s.hall.clock }

func (s *testSeat) Open(c media.Codec) (Inlet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	if s.inlets[c] != nil {
		return nil, errors.New("opened twice")
	}
	in := &testInlet{seat: s}
	in.set(Demand{W: 640, H: 360, FPS: 30})
	if s.demand != nil {
		in.set(*s.demand)
	}
	s.inlets[c] = in
	s.open++
	return in, nil
}

func (s *testSeat) Report(p Presence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = append(s.reports, p)
	if p != Lost && p != Gone {
		return
	}
	if s.open != 0 {
		panic("left before all inlets were closed")
	}
	s.left <- p == Gone
}

// told is what the session has reported so far.
func (s *testSeat) told() []Presence {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports)
}

func (s *testSeat) inlet(c media.Codec) *testInlet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inlets[c]
}

// packets are what came of c so far.
func (s *testSeat) packets(c media.Codec) []media.Packet {
	in := s.inlet(c)
	if in == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]media.Packet(nil), in.got...)
}

type testInlet struct {
	seat *testSeat

	mu      sync.Mutex
	got     []media.Packet
	needKey bool
	demand  Demand
	changed chan struct{}
	closed  bool
}

func (i *testInlet) Push(p media.Packet) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		panic("push after close")
	}
	i.got = append(i.got, p)
	return i.needKey
}

func (i *testInlet) Demand() Demand {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.demand
}

// need sets whether Push answers that it needs a key frame.
func (i *testInlet) need(key bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.needKey = key
}

func (i *testInlet) set(d Demand) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.changed != nil {
		close(i.changed)
	}
	i.changed = make(chan struct{})
	i.demand, i.demand.Changed = d, i.changed
}

func (i *testInlet) Close() {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.seat.mu.Lock()
	i.seat.open--
	i.seat.mu.Unlock()
}

// startServer runs a WHIP server on loopback for the test.
func startServer(t *testing.T, h *hall, cfg Config) (*Server, string) {
	t.Helper()
	s, err := New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		web.CloseClientConnections() // Close waits for answers that nobody reads to their end
		web.Close()
	})
	return s, web.URL
}

// request does one HTTP request.
func request(t *testing.T, method, url, typ, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	if typ != "" {
		req.Header.Set("Content-Type", typ)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience) // or a lost answer is waited for until all tests are killed
	defer cancel()
	res, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}
