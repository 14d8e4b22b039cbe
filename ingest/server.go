package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/media"
)

// Config is what an ingest server is built with; zero values mean the defaults given.
type Config struct {
	UDPPort    int              // for the media of all sessions; 0: any free one
	TCPPort    int              // the same by ICE over TCP (RFC 6544); 0: none, -1: any free one
	NoIPv6     bool             // neither bind nor offer IPv6 addresses
	Interfaces []string         // names or patterns of path.Match of those to use; nil: all
	Public     []netip.AddrPort // addresses under which a NAT makes us known; port 0: the port is ours
	Log        *slog.Logger     // nil: discard

	Strict     bool        // refuse what RFC 9725 forbids clients, too; otherwise their known quirks are taken
	ICEServers []ICEServer // clients are told of, in this order
	Overflow   string      // base URL of another gateway, where those are sent who find no room here; "": nowhere
	Limits     Limits

	ConnectTimeout   time.Duration // a session that has not connected by then ends; 15 s
	InterruptTimeout time.Duration // nothing heard for so long is reported as Away; 2 s
	ConsentTimeout   time.Duration // and for so long: nothing is sent any more (RFC 7675), until a restart; 30 s
	ReturnTimeout    time.Duration // a session that is away for so long ends; 90 s
	CloseTimeout     time.Duration // a connection that takes longer to close is stuck, and left behind; 3 s

	VideoWait, AudioWait media.Time // longest wait for a missing packet; 100 ms and 40 ms
	Jitter               media.Time // packets may be so late; a publisher whose are later gets extra delay; 100 ms
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.Limits.Offer, 64<<10)
	setDefault(&c.Limits.Fragment, 16<<10)
	setDefault(&c.ConnectTimeout, 15*time.Second)
	setDefault(&c.InterruptTimeout, 2*time.Second)
	setDefault(&c.ConsentTimeout, 30*time.Second)
	setDefault(&c.ReturnTimeout, 90*time.Second)
	setDefault(&c.CloseTimeout, 3*time.Second)
	setDefault(&c.VideoWait, 100*media.Millisecond)
	setDefault(&c.AudioWait, 40*media.Millisecond)
	setDefault(&c.Jitter, 100*media.Millisecond)
	return c
}

func setDefault[T comparable](v *T, def T) {
	if *v == *new(T) {
		*v = def
	}
}

// How long and how many ended sessions are remembered, so that a repeated DELETE
// still succeeds (W-22).
const (
	tombstoneTime = 5 * time.Minute
	maxTombstones = 4096
)

// Server is the WHIP endpoint (RFC 9725) and the receiving end of its sessions.
type Server struct {
	cfg   Config
	log   *slog.Logger
	admit Admitter
	udp   *udpPort
	tcp   *tcpPort // nil: none
	mux   *http.ServeMux

	posts, touches quota // POSTs, and requests to sessions, of each address

	mu         sync.Mutex
	closing    bool
	sessions   map[string]*session
	places     map[string]int       // sessions of each room, those that begin included
	tombstones map[string]time.Time // session id to when it may be forgotten
	wg         sync.WaitGroup       // one for each session's run

	admitted, refused, ended atomic.Int64
	trickles, restarts       atomic.Int64
	stuck                    atomic.Int64
}

// New binds the UDP port, at once, so that a port in use is an error now.
func New(cfg Config, admit Admitter) (*Server, error) {
	cfg = cfg.withDefaults()
	udp, err := listenUDP(cfg)
	if err != nil {
		return nil, err
	}
	tcp, err := listenTCP(cfg)
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	s := &Server{
		cfg: cfg, log: cfg.Log, admit: admit, udp: udp, tcp: tcp,
		sessions:   make(map[string]*session),
		places:     make(map[string]int),
		tombstones: make(map[string]time.Time),
	}
	s.posts.burst, s.posts.perMinute = float64(cfg.Limits.PostBurst), float64(cfg.Limits.PostsPerMinute)
	s.touches.burst, s.touches.perMinute = touchesPerPost*s.posts.burst, touchesPerPost*s.posts.perMinute
	s.mux = s.routes()
	return s, nil
}

// UDPPort is the port that media comes in by.
func (s *Server) UDPPort() int { return s.udp.port }

// TCPPort is the port that media may come in by, too; 0: there is none.
func (s *Server) TCPPort() int {
	if s.tcp == nil {
		return 0
	}
	return s.tcp.port
}

// Close refuses new sessions from now on, says goodbye to all there are and
// waits until they are gone, or ctx is done.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for _, sess := range s.sessions {
		sess.end(true, errors.New("the gateway is shutting down"))
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends when the last session has
		s.wg.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return errors.Join(err, s.udp.Close(), s.tcp.Close())
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// add starts sess, which runs until it ends.
func (s *Server) add(sess *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.sessions[sess.id] = sess
	s.wg.Add(1)
	go func() { // ends when the session is ended: sess.end
		defer s.wg.Done()
		sess.run()
		s.remove(sess)
		close(sess.done)
	}()
	return true
}

// remove forgets sess but for its tombstone.
func (s *Server) remove(sess *session) {
	now := time.Now()
	s.ended.Add(1)
	s.release(sess.room)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess.id)
	for id, until := range s.tombstones {
		if now.After(until) || len(s.tombstones) >= maxTombstones {
			delete(s.tombstones, id)
		}
	}
	s.tombstones[sess.key()] = now.Add(tombstoneTime)
}

// find is the session of a room with this id, or whether there was one lately.
func (s *Server) find(room, id string) (sess *session, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess := s.sessions[id]; sess != nil && sess.room == room {
		return sess, false
	}
	until, ok := s.tombstones[room+"/"+id]
	return nil, ok && time.Now().Before(until)
}

// ServeHTTP serves /whip/{room} and /whip/{room}/{session}.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w.Header())
	s.mux.ServeHTTP(w, r)
}
