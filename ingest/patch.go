package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pion/webrtc/v4"
)

// patch trickles candidates into a session or restarts its ICE (RFC 9725 4.3).
func (s *Server) patch(w http.ResponseWriter, r *http.Request) {
	sess, gone := s.find(r.PathValue("room"), r.PathValue("session"))
	if sess == nil {
		missing(w, gone)
		return
	}
	if err := s.mayTouch(sess, r); err != nil {
		s.answerError(w, r, err)
		return
	}
	text, err := readBody(r, w, fragmentType, s.cfg.Limits.Fragment, "an SDP fragment")
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	f, err := parseFragment(text, sess.offer.lead, s.cfg.Strict)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	body, etag, err := sess.patch(r.Context(), f, r.Header.Values("If-Match"), localAddr(r))
	switch {
	case err != nil:
		s.answerError(w, r, err)
	case body == "": // no ETag, since it is the same (W-34, W-42)
		s.trickles.Add(1)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.restarts.Add(1)
		h := w.Header()
		h.Set("Content-Type", fragmentType)
		h.Set("ETag", etag)
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, body)
	}
}

// readBody is the body of a request, which has to be of type typ and at most limit bytes long.
// What names it in errors.
func readBody(r *http.Request, w http.ResponseWriter, typ string, limit int, what string) (string, error) {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || got != typ {
		if r.Method == http.MethodPatch {
			w.Header().Set("Accept-Patch", typ)
		} else {
			w.Header().Set("Accept-Post", typ)
		}
		return "", refuse(http.StatusUnsupportedMediaType, "the body must be %s with Content-Type: %s", what, typ)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", limit)
	case err != nil:
		return "", refuse(http.StatusBadRequest, "the body did not arrive whole: %v", err)
	}
	return string(body), nil
}

// patch applies f: one request after the other (W-37). A restart is answered with a body and the
// new entity tag, trickling with neither. Errors leave the session as it was (W-40).
func (s *session) patch(ctx context.Context, f *fragment, match []string, near netip.Addr) (body, etag string, err error) {
	s.patching.Lock()
	defer s.patching.Unlock()
	if s.isEnding() {
		return "", "", errEnded
	}
	if err := s.matches(match); err != nil {
		return "", "", err
	}
	// By credentials alone, not by If-Match: mediamtx trickles with "*" (W-32, O-40).
	if changed := f.ufrag != "" && f.ufrag != s.offer.ufrag || f.pwd != "" && f.pwd != s.offer.pwd; !changed {
		return "", "", s.trickle(f)
	}
	if len(f.ufrag) < 4 || len(f.pwd) < 22 { // RFC 8839 5.4
		return "", "", refuse(http.StatusBadRequest, "the fragment restarts ICE but lacks a whole a=ice-ufrag and a=ice-pwd")
	}
	if body, err = s.restart(ctx, f, near); err != nil {
		if s.isEnding() { // which is why
			err = errEnded
		}
		return "", "", err
	}
	return body, s.etag, nil
}

var errEnded = refuse(http.StatusNotFound, "the session has ended: POST again")

// matches checks the If-Match of a PATCH (W-33). Without it only strict servers refuse, since old
// clients never send it (O-41).
func (s *session) matches(match []string) error {
	if len(match) == 0 {
		if s.srv.cfg.Strict {
			return refuse(http.StatusPreconditionRequired, "a PATCH needs If-Match with the session's ETag, or with * to restart ICE")
		}
		return nil
	}
	for _, line := range match {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || tag == `"*"` || tag == s.etag || !s.srv.cfg.Strict && `"`+tag+`"` == s.etag {
				return nil
			}
		}
	}
	return refuse(http.StatusPreconditionFailed, "If-Match does not name the session's present ETag: ICE was restarted since")
}

// trickle adds the client's candidates; those that are known already change nothing.
func (s *session) trickle(f *fragment) error {
	for _, c := range f.candidates {
		if s.remote[c] {
			continue
		}
		if len(s.remote) >= maxRemote {
			s.log.Debug("candidate dropped: there are too many", "candidate", c)
			continue
		}
		s.remote[c] = true
		if err := s.peer.AddICECandidate(webrtc.ICECandidateInit{Candidate: "candidate:" + c}); err != nil {
			s.log.Debug("candidate dropped", "candidate", c, "err", err)
		}
	}
	return nil
}

// restart replaces the credentials and candidates of both sides (W-38, W-39). DTLS and SRTP go on.
func (s *session) restart(ctx context.Context, f *fragment, near netip.Addr) (string, error) {
	next := *s.offer
	next.sections = s.agreed
	next.ufrag, next.pwd, next.candidates = f.ufrag, f.pwd, f.candidates[:min(len(f.candidates), maxRemote)]
	used := s.way.used.Swap(nil) // no path is, until ICE has found one anew
	answer, err := s.negotiate(ctx, &next, s.heard(), near)
	if err != nil {
		s.way.used.CompareAndSwap(nil, used)
		return "", fmt.Errorf("restart ICE: %w", err)
	}
	body, err := next.answerFragment(answer)
	if err != nil {
		return "", err
	}
	s.offer.ufrag, s.offer.pwd = next.ufrag, next.pwd
	s.etag = newETag()
	s.remember(next.candidates)
	s.log.Info("publisher restarts ICE")
	return body, nil
}

// remember makes these the client's candidates.
func (s *session) remember(candidates []string) {
	s.remote = make(map[string]bool, len(candidates))
	for _, c := range candidates {
		s.remote[c] = true
	}
}

// newETag is the strong entity tag of one ICE session (W-19).
func newETag() string { return `"` + newID() + `"` }
