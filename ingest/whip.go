package ingest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	sdpType    = "application/sdp"
	retryAfter = "5" // seconds
	maxID      = 256 // bytes of ?id=
	maxName    = 1024
	maxRole    = 64
	// answerTime bounds what a POST may take; OBS gives up after 8 s (O-2).
	answerTime = 5 * time.Second
)

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/whip/{room}", s.endpoint)
	mux.HandleFunc("/whip/{room}/{session}", s.resource)
	mux.HandleFunc("/whip/{room}/{session}"+wantedPath, s.wanted)
	mux.HandleFunc("/whip/{room}/{session}"+devicesPath, s.devices)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusNotFound, "publish by WHIP to /whip/ followed by the name of a room")
	})
	return mux
}

// allowOrigins sets the CORS headers that every answer has, errors included (W-6).
func allowOrigins(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After")
	h.Set("Cache-Control", "no-store")
}

// options answers a CORS preflight and anyone who asks what is possible (W-3).
func options(w http.ResponseWriter, methods string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Allow", methods)
	h.Set("Accept-Post", sdpType)
	if methods == resourceMethods {
		h.Set("Accept-Patch", fragmentType)
	}
	w.WriteHeader(http.StatusOK)
}

// say answers with a status and plain words.
func say(w http.ResponseWriter, status int, format string, args ...any) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	switch status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", retryAfter)
		}
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="tilecast"`)
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, format+"\n", args...)
}

const (
	endpointMethods = "OPTIONS, GET, HEAD, POST"
	resourceMethods = "OPTIONS, GET, HEAD, PATCH, DELETE"
)

func (s *Server) endpoint(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		s.post(w, r)
	case http.MethodOptions:
		s.offerServers(w, r)
	case http.MethodGet, http.MethodHead:
		w.WriteHeader(http.StatusNoContent) // W-2
	default:
		w.Header().Set("Allow", endpointMethods)
		say(w, http.StatusMethodNotAllowed, "%s is not possible here: POST an SDP offer to publish", r.Method)
	}
}

// offerServers answers OPTIONS: with the ICE servers too, unless it is a preflight, which is no place for
// credentials (W-63), or from somebody who may not publish. That answer tells a right token from a wrong one,
// so it counts against the rate of guesses.
func (s *Server) offerServers(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Access-Control-Request-Method") == "" {
		if err := s.limit(w, r, &s.touches); err != nil {
			s.answerError(w, r, err)
			return
		}
		if s.admit.Allow(r.PathValue("room"), bearer(r)) == nil {
			s.tellServers(w.Header(), newID())
		}
	}
	options(w, endpointMethods)
}

func (s *Server) resource(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPatch || r.Method == http.MethodDelete {
		if err := s.limit(w, r, &s.touches); err != nil {
			s.answerError(w, r, err)
			return
		}
	}
	switch r.Method {
	case http.MethodDelete:
		s.delete(w, r)
	case http.MethodOptions:
		options(w, resourceMethods)
	case http.MethodGet, http.MethodHead:
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch:
		s.patch(w, r)
	default:
		w.Header().Set("Allow", resourceMethods)
		say(w, http.StatusMethodNotAllowed, "%s is not possible here: PATCH trickles and restarts ICE, DELETE ends the session", r.Method)
	}
}

// delete ends a session (W-20 to W-22). It answers when the session is gone.
func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	sess, gone := s.find(r.PathValue("room"), r.PathValue("session"))
	if sess == nil && !gone {
		missing(w, gone)
		return
	}
	if sess != nil {
		if err := s.mayTouch(sess, r); err != nil {
			s.answerError(w, r, err)
			return
		}
		sess.end(true, errors.New("the client said goodbye"))
		select {
		case <-sess.done:
		case <-r.Context().Done():
		case <-time.After(answerTime):
		}
	}
	w.WriteHeader(http.StatusOK)
}

// missing answers for a session that is not there (W-43).
func missing(w http.ResponseWriter, gone bool) {
	if gone {
		say(w, http.StatusNotFound, "the session has ended: POST again")
		return
	}
	say(w, http.StatusNotFound, "there is no such session; it may have ended long ago")
}

// post admits a broadcaster (RFC 9725 4.2).
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	o, err := s.readOffer(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	sess, answer, etag, err := s.join(r, o)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.admitted.Add(1)
	h := w.Header()
	h.Set("Content-Type", sdpType)
	h.Set("ETag", etag)
	at := location(r, "/whip/"+url.PathEscape(sess.room)+"/"+sess.id)
	h.Set("Location", at)
	s.tellServers(h, newID())
	h.Add("Link", fmt.Sprintf("<%s%s>; rel=%q", at, wantedPath, wantedRel))
	h.Add("Link", fmt.Sprintf("<%s%s>; rel=%q", at, devicesPath, devicesRel))
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, answer)
}

// readOffer reads the offer of a client that may publish. What costs least is checked first.
func (s *Server) readOffer(w http.ResponseWriter, r *http.Request) (*offer, error) {
	if s.isClosing() {
		return nil, errClosing
	}
	if err := s.limit(w, r, &s.posts); err != nil {
		return nil, err
	}
	if err := s.admit.Allow(r.PathValue("room"), bearer(r)); err != nil {
		return nil, admitError(err, r.PathValue("room"))
	}
	text, err := readBody(r, w, sdpType, s.cfg.Limits.Offer, "an SDP offer")
	if err != nil {
		return nil, err
	}
	return parseOffer(text, s.cfg.Strict)
}

// readRequest is what a POST asks for, but for the session's own part.
func readRequest(r *http.Request, o *offer) (Request, error) {
	q := r.URL.Query()
	req := Request{
		Room: r.PathValue("room"), Token: bearer(r),
		ID: q.Get("id"), Name: q.Get("name"), Role: q.Get("role"), Source: q.Get("source"), Tracks: o.codecs(),
	}
	if req.Source == "camera" {
		req.Source = ""
	}
	switch {
	case req.Source != "" && req.Source != SourceScreen:
		return req, refuse(http.StatusBadRequest, "?source=%s is not known: use camera (or leave it out) or screen", abridge(req.Source))
	case len(req.ID) > maxID:
		return req, refuse(http.StatusBadRequest, "?id= is longer than %d bytes", maxID)
	case len(req.Name) > maxName:
		return req, refuse(http.StatusBadRequest, "?name= is longer than %d bytes", maxName)
	case !IsRole(req.Role):
		return req, refuse(http.StatusBadRequest, "?role=%s is no role: use up to %d letters, digits, - and _, such as host", abridge(req.Role), maxRole)
	}
	return req, nil
}

// IsRole reports whether s can be a Request's role; no role is one.
func IsRole(s string) bool {
	return len(s) <= maxRole && !strings.ContainsFunc(s, func(c rune) bool {
		return c != '-' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
}

// join finds the broadcaster a seat and opens the session.
func (s *Server) join(r *http.Request, o *offer) (sess *session, answer, etag string, err error) {
	req, err := readRequest(r, o)
	if err != nil {
		return nil, "", "", err
	}
	if err := s.reserve(req.Room); err != nil {
		return nil, "", "", err
	}
	sess = s.newSession(req.Room, req.Name, o)
	sess.token, sess.screen = req.Token, req.Source == SourceScreen
	req.Session, req.Kick = sess.id, func(reason error) { sess.end(true, reason) }
	seat, err := s.admit.Admit(r.Context(), req)
	if err != nil {
		s.release(req.Room)
		return nil, "", "", admitError(err, sess.room)
	}
	sess.seat, sess.clock = seat, seat.Clock()
	etag = sess.etag // before others can PATCH
	answer, err = sess.connect(r.Context(), localAddr(r))
	if err == nil && !s.add(sess) {
		err = errClosing
	}
	if err != nil {
		sess.teardown()
		s.release(req.Room)
		return nil, "", "", err
	}
	return sess, answer, etag, nil
}

// admitError words a refusal by the room (whip.md 7.1).
func admitError(err error, room string) error {
	switch {
	case errors.Is(err, ErrNoRoom):
		return refuse(http.StatusNotFound, "there is no room %q here", room)
	case errors.Is(err, ErrToken):
		return refuse(http.StatusUnauthorized, "publishing to room %q: %v: send it as Authorization: Bearer, or as ?token=", room, err)
	case errors.Is(err, ErrRequest):
		return refuse(http.StatusUnprocessableEntity, "%v", err)
	case errors.Is(err, ErrForbidden):
		return refuse(http.StatusForbidden, "publishing to room %q is not allowed: %v", room, err)
	case errors.Is(err, ErrTaken):
		return refuse(http.StatusConflict, "somebody else is live there already: %v", err)
	case errors.Is(err, ErrFull):
		return refuse(http.StatusServiceUnavailable, "room %q can't take another broadcaster now: %v", room, err)
	}
	return fmt.Errorf("the room could not take the broadcaster: %w", err)
}

// refuse answers a POST that failed.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.refused.Add(1)
	var e *offerError
	if errors.As(err, &e) && e.status == http.StatusServiceUnavailable && s.cfg.Overflow != "" && !r.URL.Query().Has(redirected) {
		s.log.Info("publisher sent on", "room", r.PathValue("room"), "why", e.msg)
		w.Header().Set("Location", s.elsewhere(r))
		say(w, http.StatusTemporaryRedirect, "%s, or publish by the address in Location", e.msg)
		return
	}
	s.answerError(w, r, err)
}

// redirected in a URL says that another gateway had no room, so that two don't send a client to and fro.
const redirected = "redirected"

// elsewhere is the address of r at the gateway that takes what we can't (W-60): 307, so that the
// client POSTs again.
func (s *Server) elsewhere(r *http.Request) string {
	q := r.URL.Query()
	q.Set(redirected, "1")
	return strings.TrimSuffix(s.cfg.Overflow, "/") + r.URL.EscapedPath() + "?" + q.Encode()
}

// answerError answers a request that failed. Only failures of our own are logged as such.
func (s *Server) answerError(w http.ResponseWriter, r *http.Request, err error) {
	e := &offerError{http.StatusInternalServerError, err.Error()}
	errors.As(err, &e)
	if e.status == http.StatusInternalServerError {
		s.log.Error("request failed", "method", r.Method, "room", r.PathValue("room"), "err", err)
	} else {
		s.log.Info("request refused", "method", r.Method, "room", r.PathValue("room"), "status", e.status, "why", e.msg)
	}
	say(w, e.status, "%s", e.msg)
}

// location makes an absolute URL of path, as the client sees this server (W-17,
// O-4): behind a proxy by what it says of itself.
func location(r *http.Request, path string) string {
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	if proto := firstOf(r.Header.Get("X-Forwarded-Proto")); proto == "http" || proto == "https" {
		u.Scheme = proto
	}
	if host := firstOf(r.Header.Get("X-Forwarded-Host")); validHost(host) {
		u.Host = host
	}
	if !validHost(u.Host) {
		return path
	}
	return u.String() + path
}

func firstOf(list string) string {
	v, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(v)
}

func validHost(host string) bool {
	if host == "" || strings.ContainsAny(host, "/?#@\\ \t\r\n\"<>") {
		return false
	}
	u, err := url.Parse("http://" + host)
	return err == nil && u.Host == host
}

// localAddr is our address that the request came in by.
func localAddr(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		addr, _ := netip.AddrFromSlice(a.IP)
		return addr.Unmap()
	}
	return netip.Addr{}
}

// newID is a name that can't be guessed (W-5), of 128 random bits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
