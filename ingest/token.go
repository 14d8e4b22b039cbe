package ingest

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// bearer is the token a request comes with (RFC 6750 2): in its Authorization, else in its URL,
// which WHIP allows, too (W-64).
func bearer(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return r.URL.Query().Get("token")
}

// mayTouch checks the token of a request to sess, if one was needed to open it. A client that leaves
// it out is let through unless strict: the session's URL is a secret by itself (W-65).
func (s *Server) mayTouch(sess *session, r *http.Request) error {
	token := bearer(r)
	switch {
	case sess.token == "", token == "" && !s.cfg.Strict:
		return nil
	case subtle.ConstantTimeCompare([]byte(token), []byte(sess.token)) != 1:
		return refuse(http.StatusUnauthorized, "the token is not the one that the session was opened with")
	}
	return nil
}
